#include "resolver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

#include "deadline.h"
#include "dnscontext.h"
#include "text.h"

enum {
	CLASS_IN = 1,
	RCODE_NOERROR = 0,
	RCODE_NXDOMAIN = 3,
	NAME_TEXT_MAX = 1023, /* 255 bytes, each written as \DDD */
	START_MILLISECONDS = 10000
};

/*
 * A question that libunbound has. Whoever asked owns it until the answer is
 * there; when he has gone before, libunbound's callback frees it.
 */
struct lookup {
	struct lookup *next;
	struct lookup **link; /* what points at this one */
	struct resolver *resolver;
	pthread_cond_t answered;
	bool is_answered;
	bool is_abandoned;
	int error; /* libunbound's, 0 with a result */
	struct ub_result *result;
};

struct resolver {
	struct ub_ctx *ctx;
	pthread_condattr_t monotonic;
	pthread_t thread;
	int stop_fd; /* readable when the thread is to end */
	bool has_thread;
	bool is_lost; /* libunbound's own thread is not there */

	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t room;   /* one question less is under way */
	struct lookup *first;
	size_t under_way;
	bool is_broken; /* libunbound answers no more */
};

/*
 * Lookups.
 */

static struct lookup *
lookup_new(struct resolver *resolver)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);

	if (lookup == NULL)
		return NULL;
	lookup->resolver = resolver;
	(void)pthread_cond_init(&lookup->answered, &resolver->monotonic);
	return lookup;
}

static void
lookup_free(struct lookup *lookup)
{
	ub_resolve_free(lookup->result);
	(void)pthread_cond_destroy(&lookup->answered);
	free(lookup);
}

/* Under way from now on; the mutex is held. */
static void
lookup_link(struct lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;

	lookup->next = resolver->first;
	lookup->link = &resolver->first;
	if (lookup->next != NULL)
		lookup->next->link = &lookup->next;
	resolver->first = lookup;
	resolver->under_way++;
}

/* Under way no more; the mutex is held. */
static void
lookup_unlink(struct lookup *lookup)
{
	*lookup->link = lookup->next;
	if (lookup->next != NULL)
		lookup->next->link = lookup->link;
	lookup->resolver->under_way--;
	(void)pthread_cond_signal(&lookup->resolver->room);
}

/* libunbound's callback, from ub_process() in our thread. */
static void
take_answer(void *arg, int error, struct ub_result *result)
{
	struct lookup *lookup = arg;
	struct resolver *resolver = lookup->resolver;

	(void)pthread_mutex_lock(&resolver->mutex);
	lookup_unlink(lookup);
	lookup->error = error;
	lookup->result = result;
	lookup->is_answered = true;
	if (lookup->is_abandoned)
		lookup_free(lookup);
	else
		(void)pthread_cond_signal(&lookup->answered);
	(void)pthread_mutex_unlock(&resolver->mutex);
}

/*
 * The thread.
 */

/* There are no answers any more: nobody shall wait for one. */
static void
give_up(struct resolver *resolver)
{
	(void)pthread_mutex_lock(&resolver->mutex);
	resolver->is_broken = true;
	for (struct lookup *l = resolver->first; l != NULL; l = l->next)
		(void)pthread_cond_signal(&l->answered);
	(void)pthread_cond_broadcast(&resolver->room);
	(void)pthread_mutex_unlock(&resolver->mutex);
}

static void *
run_thread(void *arg)
{
	struct resolver *resolver = arg;
	struct pollfd pfds[] = {
		{ .fd = ub_fd(resolver->ctx), .events = POLLIN },
		{ .fd = resolver->stop_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(pfds, 2, -1) == -1) {
			if (errno != EINTR && errno != ENOMEM)
				break;
			continue;
		}
		if (pfds[1].revents != 0)
			return NULL;
		if (pfds[0].revents != 0 && ub_process(resolver->ctx) != 0)
			break;
	}
	give_up(resolver);
	return NULL;
}

/*
 * Asking.
 */

/* Wait until there is room for one more, and take it; the mutex is held. */
static enum resolver_status
take_room(struct lookup *lookup, const struct timespec *deadline)
{
	struct resolver *resolver = lookup->resolver;
	int rc = 0;

	while (!resolver->is_broken && rc == 0 &&
	    resolver->under_way >= RESOLVER_QUESTIONS)
		rc = pthread_cond_timedwait(
		    &resolver->room, &resolver->mutex, deadline);
	if (resolver->is_broken)
		return RESOLVER_FAILED;
	if (resolver->under_way >= RESOLVER_QUESTIONS)
		return RESOLVER_TIMEOUT;
	lookup_link(lookup);
	return RESOLVER_FOUND;
}

/* Hand a lookup over to libunbound; one that it does not take is freed. */
static int
post(struct lookup *lookup, const char *name, int type)
{
	struct resolver *resolver = lookup->resolver;
	int rc = ub_resolve_async(
	    resolver->ctx, name, type, CLASS_IN, lookup, take_answer, NULL);

	if (rc == 0)
		return 0;
	(void)pthread_mutex_lock(&resolver->mutex);
	lookup_unlink(lookup);
	(void)pthread_mutex_unlock(&resolver->mutex);
	lookup_free(lookup);
	return rc;
}

/* What an answered lookup says. A bogus answer may look like a good one. */
static enum resolver_status
classify(const struct lookup *lookup)
{
	const struct ub_result *u = lookup->result;

	if (lookup->error == UB_SYNTAX)
		return RESOLVER_NOT_FOUND; /* nothing has such a name */
	if (lookup->error != 0 || u == NULL)
		return RESOLVER_FAILED;
	if (u->bogus)
		return RESOLVER_BOGUS;
	if (u->rcode == RCODE_NXDOMAIN)
		return RESOLVER_NOT_FOUND;
	if (u->rcode != RCODE_NOERROR)
		return RESOLVER_FAILED;
	return u->havedata ? RESOLVER_FOUND : RESOLVER_NOT_FOUND;
}

static void
read_result(struct lookup *lookup, struct answer *answer)
{
	struct ub_result *u = lookup->result;

	answer->status = classify(lookup);
	answer->is_secure = u != NULL && u->secure;
	if (answer->status != RESOLVER_FOUND &&
	    answer->status != RESOLVER_NOT_FOUND)
		return;
	if (u != NULL && u->canonname != NULL)
		(void)text_copy(
		    answer->canonical, sizeof answer->canonical, u->canonname);
	if (answer->status == RESOLVER_NOT_FOUND)
		return;
	while (u->data[answer->count] != NULL)
		answer->count++;
	answer->u = u;
	lookup->result = NULL;
}

/*
 * Wait for the answer to a lookup that libunbound has. There is no ub_cancel()
 * for one that comes too late: with a thread it would keep libunbound from
 * calling back and spare nothing else. The lookup goes on, its answer is in the
 * cache when somebody asks again, and until then it counts as under way.
 */
static void
wait_for(struct lookup *lookup, const struct timespec *deadline,
    struct answer *answer)
{
	struct resolver *resolver = lookup->resolver;
	bool is_answered;
	int rc = 0;

	(void)pthread_mutex_lock(&resolver->mutex);
	while (!lookup->is_answered && !resolver->is_broken && rc == 0)
		rc = pthread_cond_timedwait(
		    &lookup->answered, &resolver->mutex, deadline);
	answer->status =
	    resolver->is_broken ? RESOLVER_FAILED : RESOLVER_TIMEOUT;
	is_answered = lookup->is_answered;
	lookup->is_abandoned = !is_answered;
	(void)pthread_mutex_unlock(&resolver->mutex);
	if (!is_answered)
		return;
	read_result(lookup, answer);
	lookup_free(lookup);
}

/*
 * Life and death.
 */

/* There is no status of its own: nothing but the words is ever looked at. */
static enum status
refuse(struct fault *fault, const char *what, const char *why)
{
	return fault_set(fault, ST_NO_MEMORY, "%s: %s", what, why);
}

/*
 * Have libunbound read its configuration and start its thread, which it does
 * with the first question: one that is no domain name comes back from that
 * thread without a query. Nothing else tells whether the thread is there; if it
 * is not, the context cannot be freed, for it would wait for it.
 */
static enum status
start(struct resolver *resolver, const char *anchor, struct fault *fault)
{
	struct answer answer = { .status = RESOLVER_FAILED };
	struct lookup *lookup = lookup_new(resolver);
	struct timespec deadline;
	int rc;

	if (lookup == NULL)
		return refuse(fault, "resolver", "no memory");
	lookup_link(lookup);
	rc = post(lookup, "..", RESOLVER_TXT);
	if (rc == UB_INITFAIL && anchor != NULL && anchor[0] != '\0')
		return fault_set(fault, ST_NO_MEMORY,
		    "TrustAnchorFile %s: not in a zone file's format", anchor);
	if (rc != 0)
		return refuse(fault, "libunbound", ub_strerror(rc));
	rc = pthread_create(&resolver->thread, NULL, run_thread, resolver);
	if (rc != 0)
		return refuse(fault, "thread", strerror(rc));
	resolver->has_thread = true;
	deadline_in(&deadline, CLOCK_MONOTONIC, START_MILLISECONDS);
	wait_for(lookup, &deadline, &answer);
	resolver->is_lost = answer.status == RESOLVER_TIMEOUT;
	if (answer.status != RESOLVER_NOT_FOUND)
		return refuse(fault, "libunbound", "its thread is missing");
	return ST_OK;
}

struct resolver *
resolver_new(const struct resolver_settings *settings, struct fault *fault)
{
	struct resolver *resolver = calloc(1, sizeof *resolver);
	enum status st = ST_NO_MEMORY;
	sigset_t all, old;

	(void)refuse(fault, "resolver", "no memory");
	if (resolver == NULL)
		return NULL;
	(void)pthread_mutex_init(&resolver->mutex, NULL);
	(void)pthread_condattr_init(&resolver->monotonic);
	(void)pthread_condattr_setclock(&resolver->monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&resolver->room, &resolver->monotonic);
	resolver->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->stop_fd == -1)
		(void)refuse(fault, "resolver", strerror(errno));
	else
		resolver->ctx = dnscontext_new(settings, fault);
	if (resolver->ctx != NULL) {
		/* Signals are for the threads that want them. */
		(void)sigfillset(&all);
		(void)pthread_sigmask(SIG_BLOCK, &all, &old);
		st = start(resolver, settings->trust_anchor_file, fault);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (st != ST_OK)
		resolver_free(&resolver);
	return resolver;
}

static void
stop_thread(struct resolver *resolver)
{
	const uint64_t one = 1;

	if (!resolver->has_thread)
		return;
	/* The counter is 0: this can neither block nor fail. */
	(void)!write(resolver->stop_fd, &one, sizeof one);
	(void)pthread_join(resolver->thread, NULL);
}

void
resolver_free(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	if (r == NULL)
		return;
	*resolver = NULL;
	stop_thread(r);
	if (r->stop_fd != -1)
		(void)close(r->stop_fd);
	if (!r->is_lost)
		ub_ctx_delete(r->ctx);
	/* Nobody waits for what is still under way. */
	while (r->first != NULL) {
		struct lookup *lookup = r->first;

		lookup_unlink(lookup);
		lookup_free(lookup);
	}
	(void)pthread_cond_destroy(&r->room);
	(void)pthread_condattr_destroy(&r->monotonic);
	(void)pthread_mutex_destroy(&r->mutex);
	free(r);
}

/*
 * Questions.
 */

void
resolver_ask(struct resolver *resolver, const char *name, int type,
    unsigned milliseconds, struct answer *answer)
{
	struct timespec deadline;
	struct lookup *lookup;

	*answer = (struct answer){ .status = RESOLVER_NOT_FOUND };
	if (strlen(name) > NAME_TEXT_MAX)
		return;
	deadline_in(&deadline, CLOCK_MONOTONIC, milliseconds);
	answer->status = RESOLVER_FAILED;
	lookup = lookup_new(resolver);
	if (lookup == NULL)
		return;
	(void)pthread_mutex_lock(&resolver->mutex);
	answer->status = take_room(lookup, &deadline);
	(void)pthread_mutex_unlock(&resolver->mutex);
	if (answer->status != RESOLVER_FOUND) {
		lookup_free(lookup);
		return;
	}
	if (post(lookup, name, type) == 0)
		wait_for(lookup, &deadline, answer);
	else
		answer->status = RESOLVER_FAILED;
}

/*
 * Answers.
 */

const unsigned char *
answer_record(const struct answer *answer, size_t i, size_t *len)
{
	*len = (size_t)answer->u->len[i];
	return (const unsigned char *)answer->u->data[i];
}

enum status
answer_txt(const struct answer *answer, size_t i, struct buf *out)
{
	size_t len, at = 0;
	const unsigned char *record = answer_record(answer, i, &len);
	enum status st = ST_OK;

	while (st == ST_OK && at < len) {
		size_t string = record[at++];

		if (string > len - at)
			string = len - at;
		st = buf_add(out, record + at, string);
		at += string;
	}
	return st;
}

void
answer_clear(struct answer *answer)
{
	ub_resolve_free(answer->u);
	answer->u = NULL;
	answer->count = 0;
}
