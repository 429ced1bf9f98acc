#include "idn.h"

#include <idn2.h>
#include <string.h>

#include "text.h"

enum {
	LABEL_MAX = 63, /* bytes (RFC 1035, section 2.3.4) */
	NAME_MAX_TEXT = 253,
	/* A character that libidn2 maps to nothing costs bytes and no room:
	   some of them are for us to take, a megabyte is not. */
	INPUT_MAX = 1024
};

static bool
is_ascii(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] >= 0x80)
			return false;
	}
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Lower case alone: the name has been made so. */
static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* The length of the label at the start of name, 0 if there is no good one. */
static size_t
label_length(const char *name)
{
	size_t len = 0;

	while (is_name_char(name[len]))
		len++;
	if (len > LABEL_MAX || (name[len] != '\0' && name[len] != '.'))
		return 0;
	return len;
}

/*
 * A name in lower case, without a dot at the end? The last label of an address
 * ("192.0.2.1", "127.1") is a number, and that of a name never is (RFC 3696,
 * section 2).
 */
static bool
is_name(const char *name)
{
	if (strlen(name) > NAME_MAX_TEXT)
		return false;
	for (;;) {
		size_t len = label_length(name);

		if (len == 0)
			return false;
		if (name[len] == '\0')
			return strspn(name, "0123456789") < len;
		name += len + 1;
	}
}

/* Copy in lower case without the dot at the end, if that is a name. */
static bool
take_name(const char *name, char out[IDN_NAME_MAX])
{
	char lower[IDN_NAME_MAX];
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len >= sizeof lower)
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = text_lower(name[i]);
	lower[len] = '\0';
	if (!is_name(lower))
		return false;
	memcpy(out, lower, len + 1);
	return true;
}

bool
idn_to_ascii(const char *name, char out[IDN_NAME_MAX])
{
	char *ascii = NULL;
	bool is_good;

	if (strlen(name) > INPUT_MAX)
		return false;
	/* libidn2 refuses some names of ASCII that the DNS has, such as those
	   with "--" where an A-label has it. */
	if (is_ascii(name, strlen(name)))
		return take_name(name, out);
	if (idn2_to_ascii_8z(
		name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	/* What libidn2 maps may become a dot, a slash or a digit. */
	is_good = take_name(ascii, out);
	idn2_free(ascii);
	return is_good;
}

/* The A-labels of len bytes. */
static bool
a_labels(const char *name, size_t len, char out[IDN_NAME_MAX])
{
	char copy[INPUT_MAX + 1];

	if (len >= sizeof copy)
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return idn_to_ascii(copy, out);
}

/* The length without a dot at the end. */
static size_t
bare_length(const char *name, size_t len)
{
	return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

bool
idn_is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	char a_ascii[IDN_NAME_MAX], b_ascii[IDN_NAME_MAX];

	a_len = bare_length(a, a_len);
	b_len = bare_length(b, b_len);
	if (a_len == b_len && text_ieqn(a, b, a_len))
		return true;
	/* Most are: one look more is all that this costs them. */
	if (is_ascii(a, a_len) && is_ascii(b, b_len))
		return false;
	return a_labels(a, a_len, a_ascii) && a_labels(b, b_len, b_ascii) &&
	    strcmp(a_ascii, b_ascii) == 0;
}
