#include "stsfetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "stspolicy.h"
#include "text.h"
#include "tlslimit.h"

#define PATH "/.well-known/mta-sts.txt"

enum {
	URL_MAX = IDN_NAME_MAX + 64,
	ROUTE_MAX = 8192, /* host, port and all addresses for curl */
	FIELD_MAX = 256   /* of a header field that is quoted */
};

/* One fetch while it runs. */
struct transfer {
	const struct stsfetch_settings *settings;
	struct stsfetch *fetch;
	CURL *curl;
	struct curl_slist *resolve;
	struct curl_slist *connect_to;
	uint64_t deadline;
	size_t header_bytes;
	bool has_headers; /* all of them */
	bool is_stopped;  /* by us: end and detail say why */
	char location[FIELD_MAX];
	char encoding[FIELD_MAX]; /* Content-Encoding */
	char error[CURL_ERROR_SIZE];
};

static void
stop(struct transfer *t, enum stsfetch_end end, const char *detail)
{
	t->is_stopped = true;
	t->fetch->end = end;
	(void)text_copy(t->fetch->detail, sizeof t->fetch->detail, detail);
}

/*
 * The certificate.
 */

/*
 * In place of OpenSSL's own verification, of which only the first error would
 * be known.
 */
static int
on_certificate(X509_STORE_CTX *ctx, void *arg)
{
	struct transfer *t = arg;
	struct stsfetch *fetch = t->fetch;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);

	if (leaf == NULL) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
		return 0;
	}
	fetch->has_certificate = true;
	certificate_read(leaf, &fetch->certificate);
	certificate_verify(t->settings->store, leaf,
	    X509_STORE_CTX_get0_untrusted(ctx), t->settings->host,
	    &fetch->verdict);
	X509_STORE_CTX_set_error(ctx,
	    fetch->verdict.faults == 0 ? X509_V_OK
				       : X509_V_ERR_APPLICATION_VERIFICATION);
	return fetch->verdict.faults == 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int deadline_index; /* of the deadline among what an SSL_CTX holds */

/* Whether it failed shows at the first handle. */
static void
init(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	deadline_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* curl looks at the time between two calls of OpenSSL alone. */
static void
on_handshake(const SSL *ssl, int where, int ret)
{
	(void)ret;
	if (where == SSL_CB_HANDSHAKE_START)
		tlslimit_set(ssl,
		    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), deadline_index));
}

static CURLcode
on_ssl_ctx(CURL *curl, void *ssl_ctx, void *arg)
{
	struct transfer *t = arg;

	(void)curl;
	SSL_CTX_set_cert_verify_callback(ssl_ctx, on_certificate, arg);
	if (SSL_CTX_set_ex_data(ssl_ctx, deadline_index, &t->deadline) != 1)
		return CURLE_OUT_OF_MEMORY;
	SSL_CTX_set_info_callback(ssl_ctx, on_handshake);
	return CURLE_OK;
}

/*
 * What the server sends.
 */

static bool
is_text_plain(const char *type)
{
	size_t len = strlen("text/plain");

	/* Parameters such as charset may follow. */
	return text_iprefix(type, "text/plain") &&
	    (type[len] == '\0' || type[len] == ';' || type[len] == ' ' ||
		type[len] == '\t');
}

/* The header is whole: is the body wanted? */
static bool
is_welcome(struct transfer *t)
{
	struct stsfetch *fetch = t->fetch;
	char text[STSFETCH_DETAIL_MAX];
	const char *type = NULL;

	t->has_headers = true;
	if (curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type) ==
		CURLE_OK &&
	    type != NULL)
		(void)text_copy(
		    fetch->content_type, sizeof fetch->content_type, type);
	if (fetch->http_status / 100 == 3) {
		(void)snprintf(text, sizeof text, "HTTP status %ld%s%s",
		    fetch->http_status, t->location[0] == '\0' ? "" : " to ",
		    t->location);
		stop(t, STSFETCH_REDIRECT, text);
	} else if (fetch->http_status != 200) {
		(void)snprintf(
		    text, sizeof text, "HTTP status %ld", fetch->http_status);
		stop(t, STSFETCH_STATUS, text);
	} else if (fetch->content_type[0] == '\0') {
		stop(t, STSFETCH_CONTENT_TYPE, "there is no Content-Type");
	} else if (!is_text_plain(fetch->content_type)) {
		(void)snprintf(text, sizeof text,
		    "the Content-Type is %s instead of text/plain",
		    fetch->content_type);
		stop(t, STSFETCH_CONTENT_TYPE, text);
	}
	return !t->is_stopped;
}

/* Keep the value of a field by that name ("location:"). */
static void
keep_field(const char *line, size_t len, const char *name, char out[FIELD_MAX])
{
	size_t n = strlen(name);

	if (len <= n || !text_ieqn(line, name, n))
		return;
	line += n;
	len -= n;
	while (len > 0 && text_is_space(line[0])) {
		line++;
		len--;
	}
	while (len > 0 && text_is_space(line[len - 1]))
		len--;
	if (len >= FIELD_MAX)
		len = FIELD_MAX - 1;
	memcpy(out, line, len);
	out[len] = '\0';
}

/* A whole line, its end included; that of a trailer, too. */
static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	n *= size;
	if (n > STSFETCH_HEADER_MAX - t->header_bytes) {
		stop(t, STSFETCH_TOO_LARGE,
		    "the header of the reply is over "
		    "64 KB long");
		return 0;
	}
	t->header_bytes += n;
	if (t->has_headers)
		return n;
	keep_field(line, n, "location:", t->location);
	keep_field(line, n, "content-encoding:", t->encoding);
	if (n > 2 || (line[0] != '\r' && line[0] != '\n'))
		return n;
	if (curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status) !=
		CURLE_OK ||
	    status < 200)
		return n; /* 1xx; another header follows */
	t->fetch->http_status = status;
	return is_welcome(t) ? n : 0;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	switch (buf_add(&t->fetch->body, data, size * n)) {
	case ST_OK:
		return size * n;
	case ST_TOO_LARGE:
		stop(t, STSFETCH_TOO_LARGE, "the policy is over 64 KB long");
		return 0;
	default:
		stop(t, STSFETCH_OURSELVES, "no memory");
		return 0;
	}
}

/*
 * The request.
 */

/* Of the two families only that of our own address. */
static bool
is_usable(const struct stsfetch_settings *settings, size_t i)
{
	int family = settings->address[i]->sa.ss_family;

	if (settings->source == NULL)
		return true;
	return (strchr(settings->source, ':') != NULL) == (family == AF_INET6);
}

static bool
has_address(const struct stsfetch_settings *settings)
{
	for (size_t i = 0; i < settings->addresses; i++) {
		if (is_usable(settings, i))
			return true;
	}
	return false;
}

/* Where the host is, so that curl asks no DNS. */
static bool
set_route(struct transfer *t)
{
	const struct stsfetch_settings *settings = t->settings;
	char text[URL_MAX];
	bool is_first = true;
	struct buf route;

	buf_init(&route, ROUTE_MAX);
	(void)snprintf(
	    text, sizeof text, "%s:%u:", settings->host, settings->port);
	if (buf_adds(&route, text) != ST_OK)
		return false;
	for (size_t i = 0; i < settings->addresses; i++) {
		bool is_ipv6 = settings->address[i]->sa.ss_family == AF_INET6;

		if (!is_usable(settings, i))
			continue;
		(void)snprintf(text, sizeof text, "%s%s%s%s",
		    is_first ? "" : ",", is_ipv6 ? "[" : "",
		    settings->address[i]->text, is_ipv6 ? "]" : "");
		if (buf_adds(&route, text) != ST_OK)
			break;
		is_first = false;
	}
	t->resolve = curl_slist_append(NULL, route.data);
	buf_free(&route);
	/* So that the request is the same, whatever the port. */
	(void)snprintf(
	    text, sizeof text, "%s:443::%u", settings->host, settings->port);
	t->connect_to = curl_slist_append(NULL, text);
	return !is_first && t->resolve != NULL && t->connect_to != NULL;
}

#define SET(option, value)                                                     \
	(curl_easy_setopt(t->curl, CURLOPT_##option, (value)) == CURLE_OK)

static bool
set_connection(struct transfer *t)
{
	const struct stsfetch_settings *settings = t->settings;
	unsigned milliseconds = settings->milliseconds;
	char source[64];

	if (settings->source != NULL) {
		(void)snprintf(
		    source, sizeof source, "host!%s", settings->source);
		if (!SET(INTERFACE, source))
			return false;
	}
	/* curl takes 0 for no limit. */
	return SET(RESOLVE, t->resolve) && SET(CONNECT_TO, t->connect_to) &&
	    SET(PROXY, "") && SET(NOSIGNAL, 1L) &&
	    SET(TIMEOUT_MS, milliseconds == 0 ? 1L : (long)milliseconds);
}

/* The verdict is that of on_certificate() alone. */
static bool
set_tls(struct transfer *t)
{
	return SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	    SET(CAINFO, (char *)NULL) && SET(CAPATH, (char *)NULL) &&
	    SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 0L) &&
	    SET(SSL_CTX_FUNCTION, on_ssl_ctx) && SET(SSL_CTX_DATA, (void *)t);
}

static bool
set_request(struct transfer *t)
{
	char url[URL_MAX];

	(void)snprintf(url, sizeof url, "https://%s" PATH, t->settings->host);
#if LIBCURL_VERSION_NUM >= 0x075500
	if (!SET(PROTOCOLS_STR, "https"))
		return false;
#else
	if (!SET(PROTOCOLS, (long)CURLPROTO_HTTPS))
		return false;
#endif
	return SET(URL, url) && SET(FOLLOWLOCATION, 0L) &&
	    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(HTTP09_ALLOWED, 0L) && SET(ACCEPT_ENCODING, (char *)NULL) &&
	    SET(USERAGENT, "tlsrpt") && SET(ERRORBUFFER, t->error) &&
	    SET(HEADERFUNCTION, on_header) && SET(HEADERDATA, (void *)t) &&
	    SET(WRITEFUNCTION, on_body) && SET(WRITEDATA, (void *)t);
}

/*
 * The end.
 */

static enum stsfetch_end
end_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return STSFETCH_OK;
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
		return STSFETCH_TOO_LARGE;
#endif
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_NOT_BUILT_IN:
		return STSFETCH_OURSELVES;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_INTERFACE_FAILED:
		return STSFETCH_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return STSFETCH_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
		return STSFETCH_TLS;
	default:
		return STSFETCH_LOST;
	}
}

/*
 * Would a connection to that address leave this host, and from the address that
 * it is to come from? For UDP that is found out without a packet.
 */
static bool
has_way(const struct stsfetch_settings *settings, size_t i)
{
	const struct found_address *address = settings->address[i];
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM };
	struct addrinfo *source = NULL;
	struct sockaddr_storage to = address->sa;
	bool result = false;
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (to.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&to)->sin6_port =
		    htons((in_port_t)settings->port);
	else
		((struct sockaddr_in *)&to)->sin_port =
		    htons((in_port_t)settings->port);
	if (fd >= 0)
		result = (settings->source == NULL ||
			     (getaddrinfo(settings->source, NULL, &hints,
				  &source) == 0 &&
				 bind(fd, source->ai_addr,
				     source->ai_addrlen) == 0)) &&
		    connect(fd, (struct sockaddr *)&to, address->len) == 0;
	if (source != NULL)
		freeaddrinfo(source);
	if (fd >= 0)
		(void)close(fd);
	return result;
}

/* Else it is us, and the domain is not to blame. */
static bool
has_any_way(const struct stsfetch_settings *settings)
{
	for (size_t i = 0; i < settings->addresses; i++) {
		if (is_usable(settings, i) && has_way(settings, i))
			return true;
	}
	return settings->addresses == 0;
}

static void
conclude(struct transfer *t, CURLcode code)
{
	struct stsfetch *fetch = t->fetch;
	const char *ip = NULL;

	if (curl_easy_getinfo(t->curl, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK &&
	    ip != NULL)
		(void)text_copy(fetch->ip, sizeof fetch->ip, ip);
	if (t->is_stopped)
		return;
	if (fetch->has_certificate && fetch->verdict.faults != 0) {
		stop(t, STSFETCH_CERTIFICATE, fetch->verdict.detail);
		return;
	}
	/* So says curl of a line that is longer than it takes, too. */
	if (code == CURLE_OUT_OF_MEMORY && fetch->has_certificate &&
	    !t->has_headers) {
		stop(t, STSFETCH_TOO_LARGE, "a line of the header is too long");
		return;
	}
	if (code == CURLE_OK && !t->has_headers) {
		stop(t, STSFETCH_LOST, "the reply ends within its header");
		return;
	}
	if (code != CURLE_OK) {
		enum stsfetch_end end = end_of(code);

		if (end == STSFETCH_CONNECT && !has_any_way(t->settings))
			end = STSFETCH_NO_ROUTE;
		stop(t, end,
		    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
		return;
	}
	fetch->end = STSFETCH_OK;
	if (t->encoding[0] != '\0' && !text_ieq(t->encoding, "identity"))
		(void)snprintf(fetch->detail, sizeof fetch->detail,
		    "the body came with Content-Encoding %s, which was not "
		    "asked for",
		    t->encoding);
}

void
stsfetch_run(const struct stsfetch_settings *settings, struct stsfetch *fetch)
{
	struct transfer t = { .settings = settings, .fetch = fetch };

	memset(fetch, 0, sizeof *fetch);
	t.deadline = deadline_now() + settings->milliseconds;
	buf_init(&fetch->body, STSPOLICY_SIZE_MAX);
	(void)pthread_once(&once, init);
	t.curl = curl_easy_init();
	if (settings->addresses == 0)
		stop(&t, STSFETCH_CONNECT, "there is no address to connect to");
	else if (!has_address(settings))
		stop(&t, STSFETCH_NO_ROUTE,
		    "the source address is of the other family");
	else if (t.curl == NULL || !set_route(&t) || !set_connection(&t) ||
	    !set_tls(&t) || !set_request(&t))
		stop(&t, STSFETCH_OURSELVES, "libcurl could not be set up");
	else
		conclude(&t, curl_easy_perform(t.curl));
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(t.resolve);
	curl_slist_free_all(t.connect_to);
}

void
stsfetch_clear(struct stsfetch *fetch)
{
	buf_free(&fetch->body);
}
