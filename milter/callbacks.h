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

#endif
