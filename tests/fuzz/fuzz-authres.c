/*
 * fuzz-authres: Authentication-Results fields, and domains that align.
 *
 * The input is a header. What is kept of it must be plain, whatever it says,
 * and fields that come later may take away from it, but add nothing once it is
 * decided or the message's own fields have begun.
 */
#include "align.h"
#include "authres.h"
#include "fuzz.h"
#include "header.h"

static char name[] = "mx.example", name_with_job[] = "job.example/";
static char *names[] = { name, name_with_job };
static const struct conf_list trusted = { names, 2 };

static bool
is_plain(const char *s, const char *more)
{
	for (; *s != '\0'; s++) {
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') &&
		    strchr(more, *s) == NULL)
			return false;
	}
	return true;
}

static void
check_state(const struct authres *ar)
{
	FUZZ_CHECK(ar->count <= AUTHRES_MAX);
	FUZZ_CHECK(ar->count == 0 || (ar->is_decided && !ar->is_tainted));
	for (size_t i = 0; i < ar->count; i++) {
		const struct authres_pass *pass = &ar->pass[i];

		FUZZ_CHECK(memchr(pass->domain, '\0', sizeof pass->domain));
		FUZZ_CHECK(memchr(pass->selector, '\0', sizeof pass->selector));
		FUZZ_CHECK(memchr(pass->b, '\0', sizeof pass->b));
		FUZZ_CHECK(pass->domain[0] != '\0');
		FUZZ_CHECK(is_plain(pass->domain, "-_."));
		FUZZ_CHECK(is_plain(pass->selector, "-_."));
		FUZZ_CHECK(is_plain(pass->b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/="));
		if (align_domains(pass->domain, "example.com"))
			FUZZ_CHECK(
			    align_domains("a.example.com", pass->domain));
	}
}

static enum status
take_field(void *ctx, const char *field, const char *value)
{
	struct authres *ar = ctx, before = *ar;
	char *copy = fuzz_copy(value, strlen(value) + 1);

	authres_field(ar, field, copy);
	free(copy);
	check_state(ar);
	/* Nothing is undone, and nothing is found that may not be. */
	FUZZ_CHECK(ar->is_over || !before.is_over);
	FUZZ_CHECK(ar->is_decided || !before.is_decided);
	FUZZ_CHECK(ar->is_tainted || !before.is_tainted);
	if (before.is_over || before.is_decided || before.is_tainted) {
		FUZZ_CHECK(ar->count == (ar->is_tainted ? 0 : before.count));
		FUZZ_CHECK(ar->is_decided == before.is_decided);
	}
	return ST_OK;
}

static void
read_header(struct authres *ar, const char *data, size_t size)
{
	struct header_splitter splitter;
	size_t used;

	header_splitter_init(&splitter, take_field, ar);
	FUZZ_CHECK(header_splitter_more(&splitter, data, size, &used) == ST_OK);
	FUZZ_CHECK(header_splitter_finish(&splitter) == ST_OK);
	header_splitter_free(&splitter);
}

static bool
is_same(const struct authres *a, const struct authres *b)
{
	bool same = a->count == b->count && a->is_tainted == b->is_tainted;

	for (size_t i = 0; same && i < a->count; i++) {
		same = strcmp(a->pass[i].domain, b->pass[i].domain) == 0 &&
		    strcmp(a->pass[i].selector, b->pass[i].selector) == 0 &&
		    strcmp(a->pass[i].b, b->pass[i].b) == 0;
	}
	return same;
}

/* Two domains, with a line end between them. */
static void
check_alignment(const char *data, size_t size)
{
	const char *nl = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t len = nl != NULL ? (size_t)(nl - data) : size;
	char *a = malloc(len + 1), *b = malloc(size - len + 1);

	FUZZ_CHECK(a != NULL && b != NULL);
	if (len > 0)
		memcpy(a, data, len);
	a[len] = '\0';
	if (nl != NULL)
		memcpy(b, nl + 1, size - len - 1);
	b[nl != NULL ? size - len - 1 : 0] = '\0';
	FUZZ_CHECK(align_domains(a, b) == align_domains(b, a));
	if (align_domains(a, b))
		FUZZ_CHECK(align_domains(a, a) && align_domains(b, b));
	free(a);
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char below[] =
	    "Authentication-Results: mx.example; dkim=pass header.d=forged.x";
	const char *text = (const char *)data;
	struct authres ar, again;

	authres_init(&ar, &trusted);
	authres_set_job(&ar, "4jXKF228ZDz1crbk");
	read_header(&ar, text, size);
	/* A field below the message's own adds nothing. */
	again = ar;
	(void)take_field(&again, "From", "a@b");
	read_header(&again, below, sizeof below - 1);
	FUZZ_CHECK(is_same(&ar, &again));
	/* Nothing has effect below one that decides for nothing. */
	authres_init(&ar, &trusted);
	(void)take_field(
	    &ar, "Authentication-Results", " mx.example; dkim=none");
	read_header(&ar, text, size);
	FUZZ_CHECK(ar.count == 0);
	check_alignment(text, size);
	return 0;
}
