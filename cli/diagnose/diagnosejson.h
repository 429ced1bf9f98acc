/*
 * diagnosejson: a diagnosis as JSON. Names of members are those of RFC 8460
 * where it has one.
 */
#ifndef DIAGNOSEJSON_H
#define DIAGNOSEJSON_H

#include "diagnosed.h"
#include "jsonwriter.h"
#include "status.h"

/* Print one object, a line. ST_NO_MEMORY, ST_TOO_LARGE. */
enum status diagnosejson_print(const struct diagnosed *diagnosed);

/* The same as an element of an array that is being written. */
void diagnosejson_write(
    struct jsonwriter *writer, const struct diagnosed *diagnosed);

/* One finding likewise. */
void diagnosejson_finding(struct jsonwriter *writer,
    const struct diagnosed *diagnosed, const struct finding *finding);

#endif
