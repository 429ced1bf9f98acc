/*
 * resolving: a nameserver with names of every kind, and a resolver that asks
 * it.
 *
 *	one.example.org		one record, of one string
 *	three.example.org	one record, of three strings
 *	several.example.org	two records
 *	empty.example.org	one record, an empty string
 *	big.example.org		one record that exceeds a datagram
 *	address.example.org	an A record alone
 *	reports.example.test	one record
 *	good.signed.example	one record with a good signature
 *	alias.signed.example	the same, by CNAME
 *	bad.signed.example	one record that was altered after signing
 *	*.never.example		no answer
 *	*.refused.example	REFUSED
 *	*.broken.example	SERVFAIL
 */
#ifndef RESOLVING_H
#define RESOLVING_H

#include <stdbool.h>

#include "nameserver.h"
#include "resolver.h"
#include "status.h"

/* 128 bytes; big.example.org has it twelve times. */
#define RESOLVING_STRING                                                       \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum {
	PLENTY = 10000, /* milliseconds for what comes at once */
	SLACK = 2000    /* that a busy machine may take longer */
};

extern char resolving_dir[256];
extern char resolving_anchor[300]; /* the file, of signed.example */
extern struct nameserver resolving_server;

/* Start and end the server: an unchecked fixture, one for all tests. */
void resolving_setup(void);
void resolving_teardown(void);

/* Its lines, for another server like it. */
extern const char resolving_lines[];

/* Milliseconds on a clock that nobody sets. */
long resolving_now(void);

/* A resolver that asks one server, or NULL and a fault; or it must be there. */
struct resolver *resolving_make(
    const char *address, const char *anchor_file, struct fault *fault);
struct resolver *resolving_open(const char *address, const char *anchor_file);

/* Ask for TXT; only the status is of interest. */
enum resolver_status resolving_ask(
    struct resolver *resolver, const char *name, unsigned milliseconds);

/* Ask for TXT with plenty of time and expect this, in one record if found. */
void resolving_expect(struct resolver *resolver, const char *name,
    enum resolver_status status, bool is_secure);

#endif
