/*
 * emit: prints an event as logfmt, as JSON, or as a journal entry.
 *
 * Whatever a report holds, one event is one line of less than EMIT_LINE_MAX
 * bytes, no value can end it or pass for a field, and the JSON forms are valid
 * UTF-8. Values are cut at EMIT_VALUE_MAX bytes with "…", and those
 * that strangers wrote shorter where the line would become too long all the
 * same.
 */
#ifndef EMIT_H
#define EMIT_H

#include "buf.h"
#include "event.h"
#include "status.h"

enum {
	EMIT_LINE_MAX = 4000, /* with what syslog puts before it, under 4096 */
	EMIT_VALUE_MAX = 512,
	EMIT_VALUE_WHOLE = 1 << 30 /* do not cut */
};

/*
 * Append the line, without a line end, to out. logfmt is "QUEUEID: event=...
 * name=value", or without the prefix where queue_id is NULL; JSON is one object
 * with queue-id in it.
 */
enum status
emit_logfmt(struct buf *out, const struct event *ev, const char *queue_id);
enum status
emit_json(struct buf *out, const struct event *ev, const char *queue_id);

/*
 * Append the event's fields as JSON members, "name":value with commas between
 * them and no braces, values cut at value_max bytes (EMIT_VALUE_MAX at most,
 * or EMIT_VALUE_WHOLE).
 */
enum status
emit_json_members(struct buf *out, const struct event *ev, size_t value_max);

/* Append a string as a JSON string, with its quotes. */
enum status
emit_json_string(struct buf *out, const char *string, size_t value_max);

/*
 * Append the event as an entry of the journal's native protocol: MESSAGE (the
 * given line), PRIORITY, the identity, and each field as TLSRPT_NAME.
 */
enum status emit_journal(struct buf *out, const struct event *ev,
    const char *queue_id, const char *message, const char *ident, int facility);

/* Append one value of a field as plain text, controls made visible. */
enum status emit_plain(struct buf *out, const struct field *field);

/* Append a string with controls and bad UTF-8 made visible as \xNN. */
enum status emit_visible(struct buf *out, const char *string);

#endif
