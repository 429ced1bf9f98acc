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
is_ascii(const char *name)
{
	for (; *name != '\0'; name++) {
		if ((unsigned char)*name >= 0x80)
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
	if (is_ascii(name))
		return take_name(name, out);
	if (idn2_to_ascii_8z(
		name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	/* What libidn2 maps may become a dot, a slash or a digit. */
	is_good = take_name(ascii, out);
	idn2_free(ascii);
	return is_good;
}
