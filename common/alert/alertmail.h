/*
 * alertmail: an event as a mail that a human reads.
 *
 * What reports say is in it as printable ASCII alone, "?" for all else, so that
 * no header field can be made up and no terminal be played with; the log and
 * the command's JSON have the exact text.
 */
#ifndef ALERTMAIL_H
#define ALERTMAIL_H

#include "buf.h"
#include "conf.h"
#include "event.h"
#include "status.h"

/*
 * Append the header fields of the mail that depend on nobody's address, and
 * its body: Subject, those that keep it from looping and from being stopped by
 * what it tells of (RFC 3834, RFC 8689), MIME. Lines end in LF, as sendmail(8)
 * takes them. ST_NO_MEMORY.
 */
enum status alertmail_text(struct buf *out, const struct event *ev);

/*
 * Append From and To. From has no domain: that is for the mail system to add.
 */
enum status alertmail_addresses(struct buf *out, const struct conf_list *to);

#endif
