/*
 * http: libmicrohttpd, which reads requests and writes answers.
 *
 * It does not listen: the acceptor hands it connections. So a certificate is
 * replaced by starting anew for those that come from then on, while the old
 * ones are served to their end by what has their certificate.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "collector.h"
#include "conf.h"
#include "listen.h"
#include "status.h"

struct http;

/* NULL when there is no memory. */
struct http *http_new(struct collector *collector);

/*
 * Start to serve, or do so anew with the certificate that conf names. Its files
 * are read now. On failure (ST_ARCHIVE, ST_NO_MEMORY, with *fault) what was
 * served before goes on. With signals blocked.
 */
enum status http_start(struct http *http, const struct conf *conf,
    const struct listeners *listeners, struct fault *fault);

/* Can the files of the certificate be read? */
enum status http_check(const struct conf *conf, struct fault *fault);

/*
 * Serve a connection, whose descriptor belongs to the library from here on,
 * whatever happens.
 */
void http_add(struct http *http, int fd, const struct sockaddr *peer,
    socklen_t len, bool is_unix);

/* How many connections there are. */
size_t http_count(struct http *http);

/*
 * There is no room for one more: cut off some that keep us waiting, or whoever
 * holds all there may be would keep out the others for as long as he likes.
 * Returns how many.
 */
size_t http_make_room(struct http *http);

/*
 * To be called every second or so: cuts off who takes too long, and ends what
 * has served its last connection under an old certificate.
 */
void http_tend(struct http *http);

/*
 * A descriptor of a connection that was answered before all of its request was
 * read, or -1: to be read from for a while, or the end of the answer would be
 * lost. It belongs to the caller.
 */
int http_next_linger(struct http *http);

/* End everything: nobody adds connections any more. */
void http_free(struct http **http);

#endif
