/*
 * callbacks: the thin layer between libmilter and the rest.
 */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include "server.h"

/*
 * Register the filter with libmilter; server must outlive it. Returns false
 * when libmilter refuses.
 */
bool callbacks_register(struct server *server);

/*
 * A line of libmilter's own with its syslog(3) priority; it goes to the log of
 * the server that is registered, and nowhere before that.
 */
void callbacks_log(int priority, const char *text);

#endif
