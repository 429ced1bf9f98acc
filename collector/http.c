#include "http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "pem.h"
#include "request.h"
#include "worker.h"

enum {
	LANES_MAX = 8, /* threads that serve connections, of each kind */
	/* Bytes of memory for a connection: they bound a header, too. */
	CONNECTION_MEMORY = 16384,
	LINGER_MAX = 64, /* descriptors that wait for the acceptor */
	ROOM = 16        /* connections that are cut off at once */
};

/* TLS 1.2 and later, in what GnuTLS takes for NORMAL. */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/*
 * What serves the connections that have come under one certificate: a thread of
 * the library's for each lane.
 */
struct generation {
	struct generation *next; /* older ones */
	struct http *http;
	struct MHD_Daemon *lane[2][LANES_MAX]; /* plain, TLS */
	size_t count[2];
	size_t turn;      /* the lane that gets the next connection */
	size_t connected; /* connections handed to it and not over */
};

struct http {
	struct collector *collector;
	struct workers *workers;
	struct connections *connections;

	pthread_mutex_t mutex; /* over what follows */
	struct generation *newest;
	int linger[LINGER_MAX];
	size_t lingering;
};

/*
 * Callbacks of the library, in its threads.
 */

struct gathering {
	struct upload_field field[ADMISSION_FIELDS_MAX + 1];
	size_t count;
};

static enum MHD_Result
gather_field(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct gathering *g = cls;

	(void)kind;
	g->field[g->count].name = name;
	g->field[g->count++].value = value != NULL ? value : "";
	/* One more than may be is enough to see that it is. */
	return g->count <= ADMISSION_FIELDS_MAX ? MHD_YES : MHD_NO;
}

/* What has a line end in it, and nothing but that, and blanks before it. */
static bool
is_line_end(uintptr_t from, uintptr_t to, uintptr_t ends)
{
	return to > from && to - from <= 2 * ends;
}

/*
 * Was a field folded (RFC 9112, section 5.2)? The library of Debian 12 joins
 * the lines, and badly: the second one overwrites the first one's value. It
 * hands over where names and values stand in what it has read, each ended by a
 * NUL where the colon or the line end was. So all of the header is accounted
 * for by them, or it has something in it that they do not show. Later versions
 * refuse folds themselves.
 */
static bool
is_folded(struct MHD_Connection *connection, const struct gathering *g,
    const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	uintptr_t at = (uintptr_t)version + strlen(version);

	if (MHD_get_version()[0] != '0' || g->count > ADMISSION_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < g->count; i++) {
		const char *name = g->field[i].name;
		const char *value = g->field[i].value;
		uintptr_t end = (uintptr_t)name + strlen(name) + 1;

		if (!is_line_end(at, (uintptr_t)name, 1) ||
		    (uintptr_t)value < end)
			return true;
		for (const char *p = name + strlen(name) + 1; p < value; p++) {
			if (*p != ' ' && *p != '\t')
				return true;
		}
		at = (uintptr_t)value + strlen(value);
	}
	return info == NULL ||
	    !is_line_end(at, (uintptr_t)method + info->header_size, 2);
}

static struct connection *
connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/* Another descriptor for what the library will close too early. */
static void
linger(struct http *http, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)pthread_mutex_lock(&http->mutex);
	if (info != NULL && http->lingering < LINGER_MAX) {
		int fd = dup(info->connect_fd);

		if (fd != -1)
			http->linger[http->lingering++] = fd;
	}
	(void)pthread_mutex_unlock(&http->mutex);
}

static enum MHD_Result
send_answer(struct http *http, struct MHD_Connection *connection,
    struct request *request)
{
	struct connection *c = connection_of(connection);

	request->is_answered = true;
	if (c != NULL)
		connection_set_timeout(
		    http->connections, c, request->conf->request_timeout);
	if (request->answer.must_close)
		linger(http, connection);
	return answer_send(connection, &request->answer) ? MHD_YES : MHD_NO;
}

/* A worker has set the answer. */
static void
resume(struct request *request)
{
	MHD_resume_connection(request->connection);
}

/* Hand it to a worker; the library asks again when it is done. */
static void
hand_over(struct http *http, struct MHD_Connection *connection,
    struct request *request)
{
	struct connection *c = connection_of(connection);

	if (c != NULL)
		connection_set_timeout(http->connections, c, 0);
	request->connection = connection;
	MHD_suspend_connection(connection);
	if (workers_add(http->workers, request))
		return;
	request_refuse(request, 503, "stopping", 60);
	request->phase = REQUEST_DONE;
	resume(request);
}

static struct request *
begin_request(struct http *http, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct gathering g = { .count = 0 };
	struct upload_head head = {
		.method = method,
		.target = url,
		.version = version,
		.field = g.field,
	};

	if (info == NULL)
		return NULL;
	(void)MHD_get_connection_values(
	    connection, MHD_HEADER_KIND, gather_field, &g);
	head.count = g.count;
	head.is_folded = is_folded(connection, &g, method, version);
	return request_new(http->collector, &head, info->client_addr);
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **ctx)
{
	struct generation *generation = cls;
	struct http *http = generation->http;
	struct request *request = *ctx;
	size_t len = *size;

	if (request == NULL) {
		request = begin_request(http, connection, url, method, version);
		*ctx = request;
		if (request == NULL)
			return MHD_NO;
		/* An answer at this point ends the connection. */
		return request->phase == REQUEST_DONE &&
			request->answer.must_close
		    ? send_answer(http, connection, request)
		    : MHD_YES;
	}
	if (len > 0) {
		*size = 0;
		return request_more(request, data, len) ? MHD_YES : MHD_NO;
	}
	request_complete(request);
	if (request->phase == REQUEST_DONE)
		return send_answer(http, connection, request);
	hand_over(http, connection, request);
	return MHD_YES;
}

/* The answer has been sent, or there will be none. */
static void
completed(void *cls, struct MHD_Connection *connection, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct generation *generation = cls;
	struct http *http = generation->http;
	struct connection *c = connection_of(connection);
	struct request *request = *ctx;

	(void)code;
	if (request == NULL)
		return;
	*ctx = NULL;
	if (!request->is_answered && request->phase == REQUEST_READING) {
		bool is_late =
		    c != NULL && connection_is_timed_out(http->connections, c);

		request_refuse(request, is_late ? 408 : 400,
		    is_late ? "timeout" : "incomplete", 0);
	}
	if (c != NULL)
		connection_set_timeout(
		    http->connections, c, request->conf->request_timeout);
	request_free(&request);
}

static void
forget(struct generation *generation)
{
	(void)pthread_mutex_lock(&generation->http->mutex);
	generation->connected--;
	(void)pthread_mutex_unlock(&generation->http->mutex);
}

/* Of no memory for one that begins: it has no clock, so it is cut off. */
static void
begin_connection(struct generation *generation,
    struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http *http = generation->http;
	struct conf *conf = server_conf(&http->collector->server);
	struct connection *c =
	    connections_add(http->connections, info->connect_fd);

	if (c != NULL)
		connection_set_timeout(
		    http->connections, c, conf->request_timeout);
	else
		(void)shutdown(info->connect_fd, SHUT_RDWR);
	conf_unref(&conf);
	*context = c;
}

static void
notified(void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct generation *generation = cls;
	struct connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		begin_connection(generation, connection, context);
		return;
	}
	if (c != NULL)
		connections_remove(generation->http->connections, &c);
	*context = NULL;
	forget(generation);
}

/* Paths are compared as they were sent. */
static size_t
leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

/*
 * Generations.
 */

static struct MHD_Daemon *
start_lane(struct generation *generation, const struct pem *pem)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
	    MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0,
		    pem != NULL ? pem->cert : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, pem != NULL ? pem->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)priorities },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* MaxConnections is the acceptor's. */
	return MHD_start_daemon(pem != NULL ? flags | MHD_USE_TLS : flags, 0,
	    NULL, NULL, handle, generation, MHD_OPTION_ARRAY,
	    pem != NULL ? tls : tls + 3, MHD_OPTION_NOTIFY_COMPLETED, completed,
	    generation, MHD_OPTION_NOTIFY_CONNECTION, notified, generation,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
}

static void
generation_free(struct generation *generation)
{
	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < generation->count[kind]; i++)
			MHD_stop_daemon(generation->lane[kind][i]);
	}
	free(generation);
}

static size_t
count_lanes(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 1        ? 1
	    : processors > LANES_MAX ? (size_t)LANES_MAX
				     : (size_t)processors;
}

static bool
start_kind(struct generation *generation, size_t kind, const struct pem *pem)
{
	size_t lanes = count_lanes();

	while (generation->count[kind] < lanes) {
		struct MHD_Daemon *lane = start_lane(generation, pem);

		if (lane == NULL)
			return false;
		generation->lane[kind][generation->count[kind]++] = lane;
	}
	return true;
}

static struct generation *
generation_new(struct http *http, const struct listeners *listeners,
    const struct pem *pem, struct fault *fault)
{
	struct generation *generation = calloc(1, sizeof *generation);
	bool has_tls = pem->cert != NULL && listen_has(listeners, false);
	bool has_plain = listen_has(listeners, true) || pem->cert == NULL;

	if (generation == NULL) {
		(void)fault_set(fault, ST_NO_MEMORY, "out of memory");
		return NULL;
	}
	generation->http = http;
	if (has_plain && !start_kind(generation, 0, NULL))
		(void)fault_set(fault, ST_NO_MEMORY, "cannot start to serve");
	else if (has_tls && !start_kind(generation, 1, pem))
		(void)fault_set(fault, ST_ARCHIVE,
		    "CertificateFile and KeyFile: not a certificate and its "
		    "key in PEM");
	else
		return generation;
	generation_free(generation);
	return NULL;
}

enum status
http_check(const struct conf *conf, struct fault *fault)
{
	struct pem pem;
	enum status st = pem_read(&pem, conf, fault);

	pem_free(&pem);
	return st;
}

enum status
http_start(struct http *http, const struct conf *conf,
    const struct listeners *listeners, struct fault *fault)
{
	struct generation *generation = NULL;
	struct pem pem;
	enum status st = pem_read(&pem, conf, fault);

	if (st == ST_OK) {
		generation = generation_new(http, listeners, &pem, fault);
		if (generation == NULL)
			st = fault->status;
	}
	pem_free(&pem);
	if (st != ST_OK)
		return st;
	if (http->workers == NULL) {
		http->workers = workers_new(resume);
		st = http->workers != NULL
		    ? workers_start(http->workers, fault)
		    : fault_set(fault, ST_NO_MEMORY, "out of memory");
	}
	(void)pthread_mutex_lock(&http->mutex);
	generation->next = http->newest;
	http->newest = generation;
	(void)pthread_mutex_unlock(&http->mutex);
	return st;
}

void
http_add(struct http *http, int fd, const struct sockaddr *peer, socklen_t len,
    bool is_unix)
{
	struct generation *generation;
	struct MHD_Daemon *lane;
	size_t kind;

	(void)pthread_mutex_lock(&http->mutex);
	generation = http->newest;
	/* Who comes through a unix socket is on this machine. */
	kind = generation->count[1] > 0 && !is_unix ? 1 : 0;
	lane = generation
		   ->lane[kind][generation->turn++ % generation->count[kind]];
	generation->connected++;
	(void)pthread_mutex_unlock(&http->mutex);
	/* It closes the descriptor when it fails. */
	if (MHD_add_connection(lane, fd, peer, len) != MHD_YES)
		forget(generation);
}

size_t
http_count(struct http *http)
{
	size_t count = 0;

	(void)pthread_mutex_lock(&http->mutex);
	for (const struct generation *g = http->newest; g != NULL; g = g->next)
		count += g->connected;
	(void)pthread_mutex_unlock(&http->mutex);
	return count;
}

size_t
http_make_room(struct http *http)
{
	return connections_make_room(http->connections, ROOM);
}

/* Take out one that is old and has no connection, or NULL. */
static struct generation *
take_idle(struct http *http)
{
	struct generation *found = NULL;

	(void)pthread_mutex_lock(&http->mutex);
	for (struct generation *g = http->newest; g != NULL && found == NULL;
	     g = g->next) {
		if (g->next != NULL && g->next->connected == 0) {
			found = g->next;
			g->next = found->next;
		}
	}
	(void)pthread_mutex_unlock(&http->mutex);
	return found;
}

void
http_tend(struct http *http)
{
	struct generation *generation;

	connections_sweep(http->connections);
	while ((generation = take_idle(http)) != NULL)
		generation_free(generation);
}

int
http_next_linger(struct http *http)
{
	int fd = -1;

	(void)pthread_mutex_lock(&http->mutex);
	if (http->lingering > 0)
		fd = http->linger[--http->lingering];
	(void)pthread_mutex_unlock(&http->mutex);
	return fd;
}

struct http *
http_new(struct collector *collector)
{
	struct http *http = calloc(1, sizeof *http);

	if (http == NULL)
		return NULL;
	http->collector = collector;
	(void)pthread_mutex_init(&http->mutex, NULL);
	http->connections = connections_new();
	if (http->connections == NULL)
		http_free(&http);
	return http;
}

void
http_free(struct http **http)
{
	struct http *h = *http;
	int fd;

	if (h == NULL)
		return;
	/* First the workers: the library bears no suspended connection at its
	   end. */
	if (h->workers != NULL)
		workers_end(h->workers);
	while (h->newest != NULL) {
		struct generation *generation = h->newest;

		h->newest = generation->next;
		generation_free(generation);
	}
	workers_free(&h->workers);
	connections_free(&h->connections);
	while ((fd = http_next_linger(h)) != -1)
		(void)close(fd);
	(void)pthread_mutex_destroy(&h->mutex);
	free(h);
	*http = NULL;
}
