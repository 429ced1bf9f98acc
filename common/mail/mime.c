#include "mime.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	/* A longer line is no delimiter: "--", the boundary, "--" and some
	   white space. */
	LINE_MAX_HELD = ENTITY_BOUNDARY_MAX + 64
};

/* A multipart or an attached message that is open. */
struct level {
	char boundary[ENTITY_BOUNDARY_MAX]; /* "" for a message */
	size_t len;
	bool is_quoted;
};

enum state {
	TOP,     /* the top-level header is being fed */
	HEADERS, /* within the header block of a part */
	LEAF,    /* within the body of a part that the handler gets */
	BETWEEN, /* preamble, epilogue: nobody gets it */
	DONE     /* behind the outermost closing delimiter */
};

struct mime {
	const struct mime_handler *handler;
	void *ctx;
	struct mime_limits limits;
	enum state state;
	enum status failed; /* the walk is over */
	struct fault fault;
	deviations dev;
	bool is_tlsrpt;

	struct header_splitter splitter;
	struct entity entity; /* of the header block being read */
	bool has_header;      /* a byte of it has been seen */
	size_t parts;

	struct level *level;
	size_t depth;

	/* The end of what was fed that may yet belong to a delimiter. */
	bool is_line_start;
	char eol[2];
	size_t neol;
	char line[LINE_MAX_HELD];
	size_t nline;
};

static enum status
take_field(void *ctx, const char *name, const char *value)
{
	struct mime *m = ctx;

	entity_field(&m->entity, name, value, &m->dev);
	return ST_OK;
}

/* A header block begins. */
static void
entity_reset(struct mime *m)
{
	m->entity = (struct entity){ .encoding = MIME_IDENTITY };
	m->has_header = false;
	header_splitter_free(&m->splitter);
	header_splitter_init(&m->splitter, take_field, m);
}

struct mime *
mime_new(const struct mime_handler *handler, void *ctx,
    const struct mime_limits *limits)
{
	struct mime *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->handler = handler;
	m->ctx = ctx;
	m->limits = limits != NULL
	    ? *limits
	    : (struct mime_limits){ MIME_DEPTH_MAX, MIME_PARTS_MAX };
	m->level = calloc(m->limits.depth_max + 1, sizeof *m->level);
	if (m->level == NULL) {
		free(m);
		return NULL;
	}
	entity_reset(m);
	m->state = TOP;
	m->is_line_start = true;
	return m;
}

void
mime_free(struct mime **mime)
{
	if (*mime != NULL) {
		header_splitter_free(&(*mime)->splitter);
		free((*mime)->level);
		free(*mime);
		*mime = NULL;
	}
}

bool
mime_is_tlsrpt(const struct mime *mime)
{
	return mime->is_tlsrpt;
}

deviations
mime_deviations(const struct mime *mime)
{
	return mime->dev;
}

enum status
mime_field(struct mime *mime, const char *name, const char *value)
{
	entity_field(&mime->entity, name, value, &mime->dev);
	return ST_OK;
}

static enum status
push_level(struct mime *m, const char *boundary, bool is_quoted)
{
	struct level *level;

	if (m->depth == m->limits.depth_max)
		return fault_set(&m->fault, ST_TOO_DEEP,
		    "more than %zu multiparts within each other",
		    m->limits.depth_max);
	level = &m->level[m->depth++];
	(void)text_copy(level->boundary, sizeof level->boundary, boundary);
	level->len = strlen(level->boundary);
	level->is_quoted = is_quoted;
	return ST_OK;
}

static bool
is_quoted_here(const struct mime *m)
{
	return m->depth > 0 && m->level[m->depth - 1].is_quoted;
}

static enum status
open_multipart(struct mime *m)
{
	const struct entity *e = &m->entity;
	bool is_report = strcmp(e->type, "multipart/report") == 0;
	bool is_tlsrpt = text_ieq(e->report_type, "tlsrpt");

	if (is_report && m->depth == 0) {
		m->is_tlsrpt = is_tlsrpt;
		if (e->report_type[0] == '\0')
			deviation_add(&m->dev, DEV_REPORT_TYPE_MISSING);
	}
	m->state = BETWEEN;
	return push_level(m, e->boundary,
	    is_quoted_here(m) ||
		(is_report && e->report_type[0] != '\0' && !is_tlsrpt));
}

static enum status
open_leaf(struct mime *m)
{
	const struct entity *e = &m->entity;
	struct mime_part part = {
		.encoding = e->encoding,
		.is_top = m->depth == 0,
		.is_quoted = is_quoted_here(m),
	};

	if (m->parts++ == m->limits.parts_max)
		return fault_set(&m->fault, ST_TOO_MANY_PARTS,
		    "more than %zu parts", m->limits.parts_max);
	memcpy(part.type, e->type, sizeof part.type);
	memcpy(part.filename, e->filename[0] != '\0' ? e->filename : e->name,
	    sizeof part.filename);
	memcpy(part.description, e->description, sizeof part.description);
	m->state = LEAF;
	return m->handler->begin(m->ctx, &part);
}

/* The header block is complete: what kind of body follows? */
static enum status
open_body(struct mime *m)
{
	const struct entity *e = &m->entity;
	enum status st;

	if (text_iprefix(e->type, "multipart/") && e->boundary[0] != '\0') {
		st = open_multipart(m);
	} else if ((strcmp(e->type, "message/rfc822") == 0 ||
		       strcmp(e->type, "message/global") == 0) &&
	    e->encoding == MIME_IDENTITY && m->depth > 0) {
		st = push_level(m, "", is_quoted_here(m));
		m->state = HEADERS;
		entity_reset(m);
	} else {
		st = open_leaf(m);
	}
	return st;
}

/* Give bytes to whoever they belong to in the present state. */
static enum status
put(struct mime *m, const char *data, size_t len)
{
	enum status st = ST_OK;
	size_t used;

	while (len > 0 && m->state == HEADERS && st == ST_OK) {
		m->has_header = true;
		st = header_splitter_more(&m->splitter, data, len, &used);
		data += used;
		len -= used;
		if (st == ST_OK && m->splitter.is_done)
			st = open_body(m);
	}
	if (st == ST_OK && len > 0 && m->state == LEAF)
		st = m->handler->data(m->ctx, data, len);
	return st;
}

/* The line end that was held back was no part of a delimiter. */
static enum status
put_eol(struct mime *m)
{
	size_t n = m->neol;

	m->neol = 0;
	return put(m, m->eol, n);
}

/* The open part, if any, ends here. */
static enum status
close_part(struct mime *m)
{
	enum status st = ST_OK;

	/* A header block that has no blank line, and no body. */
	while (m->state == HEADERS && m->has_header && st == ST_OK) {
		st = header_splitter_finish(&m->splitter);
		if (st == ST_OK)
			st = open_body(m);
	}
	if (st == ST_OK && m->state == LEAF)
		st = m->handler->end(m->ctx);
	m->state = BETWEEN;
	m->neol = 0;
	return st;
}

/*
 * Is the line a delimiter of an open multipart? Then *depth is how many levels
 * stay open, the one that it belongs to included.
 */
static bool
find_delimiter(const struct mime *m, const char *line, size_t len,
    size_t *depth, bool *is_closing)
{
	while (len > 0 && text_is_space(line[len - 1]))
		len--;
	if (len < 2 || line[0] != '-' || line[1] != '-')
		return false;
	line += 2;
	len -= 2;
	for (size_t i = m->depth; i > 0; i--) {
		const struct level *level = &m->level[i - 1];
		size_t rest;

		if (level->len == 0 || len < level->len ||
		    memcmp(line, level->boundary, level->len) != 0)
			continue;
		rest = len - level->len;
		*is_closing =
		    rest == 2 && memcmp(line + level->len, "--", 2) == 0;
		*depth = i;
		if (rest == 0 || *is_closing)
			return true;
	}
	return false;
}

/* Close multiparts down to depth; those above it lacked their own end. */
static void
pop_levels(struct mime *m, size_t depth)
{
	while (m->depth > depth) {
		if (m->level[--m->depth].len > 0)
			deviation_add(&m->dev, DEV_MISSING_MIME_END);
	}
}

static enum status
take_delimiter(struct mime *m, size_t depth, bool is_closing)
{
	enum status st = close_part(m);

	if (st != ST_OK)
		return st;
	pop_levels(m, depth);
	if (!is_closing) {
		m->state = HEADERS;
		entity_reset(m);
		return ST_OK;
	}
	m->depth--;
	/* A message that was attached ends with its multipart. */
	while (m->depth > 0 && m->level[m->depth - 1].len == 0)
		m->depth--;
	m->state = m->depth == 0 ? DONE : BETWEEN;
	return ST_OK;
}

/*
 * A block being scanned. Bytes from run to at have been looked at and belong
 * to the present part, but have not been put yet: that is done in runs as long
 * as can be.
 */
struct scan {
	const char *data;
	size_t len;
	size_t run;
	size_t at;
};

/* Put the run, all but the line end before at, which is held back. */
static enum status
put_run(struct mime *m, struct scan *s)
{
	size_t end = s->at;
	enum status st;

	if (s->run == end)
		return ST_OK;
	st = put_eol(m);
	/* In a header block every line end counts. */
	if (m->state != HEADERS && m->is_line_start) {
		end--;
		if (end > s->run && s->data[end - 1] == '\r')
			end--;
	}
	if (st == ST_OK)
		st = put(m, s->data + s->run, end - s->run);
	if (end < s->at) {
		m->neol = s->at - end;
		memcpy(m->eol, s->data + end, m->neol);
	}
	s->run = s->at;
	return st;
}

/* Go on with a line whose start is held: it ends here, or it is too long. */
static enum status
scan_held(struct mime *m, struct scan *s)
{
	const char *from = s->data + s->at;
	const char *nl = memchr(from, '\n', s->len - s->at);
	size_t n = nl != NULL ? (size_t)(nl - from) : s->len - s->at;
	bool is_closing;
	size_t depth;
	enum status st;

	if (n > sizeof m->line - m->nline) {
		n = sizeof m->line - m->nline;
		nl = NULL;
	}
	memcpy(m->line + m->nline, from, n);
	m->nline += n;
	s->at += n;
	s->run = s->at;
	if (nl == NULL && m->nline < sizeof m->line)
		return ST_OK;
	if (nl != NULL &&
	    find_delimiter(m, m->line, m->nline, &depth, &is_closing)) {
		m->nline = 0;
		s->at++;
		s->run = s->at;
		return take_delimiter(m, depth, is_closing);
	}
	st = put_eol(m);
	/* A CR at its end may belong to the line end that comes next. */
	n = m->nline;
	m->nline = 0;
	m->is_line_start = false;
	if (n > 0 && m->line[n - 1] == '\r' && m->state != HEADERS) {
		n--;
		m->eol[0] = '\r';
		m->neol = 1;
	}
	if (st == ST_OK) {
		size_t neol = m->neol;

		m->neol = 0;
		st = put(m, m->line, n);
		m->neol = neol;
	}
	return st;
}

/* At the start of a line. */
static enum status
scan_line_start(struct mime *m, struct scan *s)
{
	const char *from = s->data + s->at;
	size_t left = s->len - s->at, depth;
	const char *nl;
	bool is_closing;
	enum status st;

	/* What a header block says may open the multipart that ends here. */
	if (m->state == HEADERS) {
		st = put_run(m, s);
		if (st != ST_OK)
			return st;
	}
	if (*from != '-') {
		m->is_line_start = false;
		return ST_OK;
	}
	nl = memchr(from, '\n', left);
	if (nl == NULL) {
		if (left >= sizeof m->line) {
			m->is_line_start = false;
			return ST_OK;
		}
		st = put_run(m, s);
		memcpy(m->line, from, left);
		m->nline = left;
		s->at = s->run = s->len;
		return st;
	}
	if (!find_delimiter(
		m, from, (size_t)(nl - from), &depth, &is_closing)) {
		m->is_line_start = false;
		return ST_OK;
	}
	st = put_run(m, s);
	s->at += (size_t)(nl - from) + 1;
	s->run = s->at;
	if (st == ST_OK)
		st = take_delimiter(m, depth, is_closing);
	return st;
}

/* Within a line that is no delimiter: go to its end. */
static enum status
scan_line(struct mime *m, struct scan *s)
{
	const char *from = s->data + s->at;
	const char *nl = memchr(from, '\n', s->len - s->at);
	enum status st;

	if (nl != NULL) {
		s->at += (size_t)(nl - from) + 1;
		m->is_line_start = true;
		/* The CR of this line end came with an earlier block. */
		if (s->at - s->run == 1 && m->neol == 1 && m->eol[0] == '\r') {
			m->eol[1] = '\n';
			m->neol = 2;
			s->run = s->at;
		}
		return ST_OK;
	}
	/* The block ends within the line, perhaps within its line end. */
	s->at = s->len;
	if (m->state != HEADERS && s->data[s->len - 1] == '\r')
		s->at--;
	st = put_run(m, s);
	if (st == ST_OK && s->at < s->len) {
		st = put_eol(m);
		m->eol[0] = '\r';
		m->neol = 1;
		s->at = s->run = s->len;
	}
	return st;
}

static enum status
scan_block(struct mime *m, struct scan *s)
{
	enum status st = ST_OK;

	while (s->at < s->len && st == ST_OK && m->state != DONE) {
		if (m->depth == 0) {
			/* No multipart: all that comes is its body. */
			st = put(m, s->data + s->at, s->len - s->at);
			return st;
		}
		if (m->nline > 0)
			st = scan_held(m, s);
		else if (m->is_line_start)
			st = scan_line_start(m, s);
		else
			st = scan_line(m, s);
	}
	if (st == ST_OK && m->state != DONE)
		st = put_run(m, s);
	return st;
}

/* The walk is over: remember why, for whoever goes on feeding. */
static enum status
end_walk(struct mime *m, enum status st, struct fault *fault)
{
	if (st != ST_OK && m->failed == ST_OK) {
		m->failed = st;
		if (m->fault.status != st)
			(void)fault_set(&m->fault, st, "%s", status_str(st));
	}
	if (m->failed != ST_OK && fault != NULL)
		*fault = m->fault;
	return m->failed;
}

static enum status
leave_top(struct mime *m)
{
	m->is_line_start = true;
	return m->state == TOP ? open_body(m) : ST_OK;
}

enum status
mime_body(struct mime *mime, const char *data, size_t len, struct fault *fault)
{
	struct scan s = { .data = data, .len = len };
	enum status st = ST_OK;

	if (mime->failed != ST_OK || len == 0)
		return end_walk(mime, ST_OK, fault);
	if (mime->state == TOP)
		st = leave_top(mime);
	if (st == ST_OK)
		st = scan_block(mime, &s);
	return end_walk(mime, st, fault);
}

/* A last line without a line end may be a delimiter all the same. */
static enum status
finish_line(struct mime *m)
{
	size_t n = m->nline, depth;
	bool is_closing;
	enum status st;

	m->nline = 0;
	if (n > 0 && find_delimiter(m, m->line, n, &depth, &is_closing))
		return take_delimiter(m, depth, is_closing);
	st = put_eol(m);
	return st == ST_OK ? put(m, m->line, n) : st;
}

enum status
mime_finish(struct mime *mime, struct fault *fault)
{
	enum status st = ST_OK;

	if (mime->failed != ST_OK)
		return end_walk(mime, ST_OK, fault);
	if (mime->state == TOP)
		st = leave_top(mime);
	if (st == ST_OK)
		st = finish_line(mime);
	if (st == ST_OK && mime->state != DONE) {
		st = close_part(mime);
		pop_levels(mime, 0);
		mime->state = DONE;
	}
	return end_walk(mime, st, fault);
}
