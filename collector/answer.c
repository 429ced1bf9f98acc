#include "answer.h"

#include <stdio.h>
#include <string.h>

/* No script, no picture, nothing from elsewhere. */
static const char page[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<title>SMTP TLS reports</title>\n"
    "<h1>SMTP TLS reports</h1>\n"
    "<p>This is where mail servers post their reports on TLS in SMTP, as "
    "<a href=\"https://www.rfc-editor.org/rfc/rfc8460\">RFC 8460</a> has it: "
    "a POST of <code>application/tlsrpt+gzip</code> or "
    "<code>application/tlsrpt+json</code>. There is nothing here to read.</p>"
    "\n</html>\n";

static const char *
words_of(unsigned status)
{
	switch (status) {
	case 200:
		return "ok\n";
	case 400:
		return "The request cannot be understood.\n";
	case 404:
		return "There is nothing here.\n";
	case 405:
		return "That method is of no use here.\n";
	case 411:
		return "The length of the body is needed.\n";
	case 413:
		return "The body is too large.\n";
	case 415:
		return "That is no TLS report.\n";
	case 429:
		return "Too many requests: try again later.\n";
	case 431:
		return "Too many header fields.\n";
	default:
		return "This cannot be done now: try again later.\n";
	}
}

static struct MHD_Response *
make_text(const struct answer *answer)
{
	char text[128];
	const char *words = words_of(answer->status);

	if (answer->id != NULL) {
		(void)snprintf(
		    text, sizeof text, "Stored. Id: %s\n", answer->id);
		words = text;
	}
	return MHD_create_response_from_buffer(
	    strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_MUST_COPY);
}

static bool
add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool
add_headers(struct MHD_Response *response, const struct answer *answer)
{
	char retry[16];
	bool is_ok = add_header(response, "Content-Type",
			 answer->is_page ? "text/html; charset=utf-8"
					 : "text/plain; charset=utf-8") &&
	    add_header(response, "X-Content-Type-Options", "nosniff") &&
	    add_header(response, "Cache-Control", "no-store");

	if (answer->is_page)
		is_ok = is_ok &&
		    add_header(response, "Content-Security-Policy",
			"default-src 'none'");
	if (answer->status == 405)
		is_ok = is_ok &&
		    add_header(response, "Allow",
			answer->allows_post ? "GET, HEAD, POST" : "GET, HEAD");
	if (answer->retry > 0) {
		(void)snprintf(retry, sizeof retry, "%u", answer->retry);
		is_ok = is_ok && add_header(response, "Retry-After", retry);
	}
	if (answer->must_close)
		is_ok = is_ok && add_header(response, "Connection", "close");
	return is_ok;
}

bool
answer_send(struct MHD_Connection *connection, const struct answer *answer)
{
	struct MHD_Response *response = answer->is_page
	    ? MHD_create_response_from_buffer(sizeof page - 1,
		  (void *)(uintptr_t)page, MHD_RESPMEM_PERSISTENT)
	    : make_text(answer);
	bool is_ok;

	if (response == NULL)
		return false;
	is_ok = add_headers(response, answer) &&
	    MHD_queue_response(connection, answer->status, response) == MHD_YES;
	MHD_destroy_response(response);
	return is_ok;
}
