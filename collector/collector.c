#include "collector.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "archive.h"
#include "deadline.h"
#include "event.h"

enum {
	REFUSED_BURST = 100, /* lines at once */
	REFUSED_RATE = 5,    /* lines a second after that */
	HEALTH_MS = 1000,
	DIGITS = 36
};

bool
collector_init(struct collector *collector, struct log *log)
{
	struct timespec now;

	(void)pthread_mutex_init(&collector->mutex, NULL);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	collector->log = log;
	for (size_t i = 0; i < 2; i++)
		collector->refusals[i] =
		    (struct refusals){ .lines = REFUSED_BURST,
			    .when = deadline_now() };
	collector->id_base =
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	collector->rates = ratetable_new();
	return collector->rates != NULL;
}

/* Digits of base 36, the last one first: they only need to differ. */
static size_t
write_number(char *out, uint64_t number)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = 0;

	do
		out[n++] = digits[number % DIGITS];
	while ((number /= DIGITS) > 0);
	return n;
}

void
collector_id(struct collector *collector, char out[COLLECTOR_ID_MAX])
{
	uint64_t number;
	size_t n = 0;

	(void)pthread_mutex_lock(&collector->mutex);
	number = collector->id_next++;
	(void)pthread_mutex_unlock(&collector->mutex);
	/* The start is of the same length for all, so where it ends is known.
	 */
	n = write_number(out, collector->id_base);
	n += write_number(out + n, number);
	out[n] = '\0';
}

/* May a line be written now? Then *omitted were not, before it. */
static bool
may_log(struct collector *collector, bool is_trouble, uint64_t *omitted)
{
	struct refusals *r = &collector->refusals[is_trouble];
	uint64_t now = deadline_now();
	bool may;

	(void)pthread_mutex_lock(&collector->mutex);
	r->lines += (double)(now - r->when) * REFUSED_RATE / 1000;
	if (r->lines > REFUSED_BURST)
		r->lines = REFUSED_BURST;
	r->when = now;
	may = r->lines >= 1;
	*omitted = r->omitted;
	if (may) {
		r->lines--;
		r->omitted = 0;
	} else {
		r->omitted++;
	}
	(void)pthread_mutex_unlock(&collector->mutex);
	return may;
}

void
collector_refused(struct collector *collector, unsigned status,
    const char *reason, const char *client, const char *id)
{
	bool is_trouble = status >= 500;
	enum severity severity = is_trouble ? SEV_WARNING : SEV_INFO;
	uint64_t omitted;
	struct event ev;

	if (!may_log(collector, is_trouble, &omitted))
		return;
	event_init(&ev, "refused", severity);
	event_count(&ev, "status", status);
	event_string(&ev, "reason", reason);
	event_string(&ev, "client", client);
	if (omitted > 0)
		event_count(&ev, "omitted", omitted);
	event_string(&ev, "severity", severity_str(severity));
	(void)log_event(collector->log, &ev, id);
}

/* Of all there is, what is to be left. */
static uint64_t
floor_of(uint64_t all, uint64_t most)
{
	return all / COLLECTOR_FLOOR_PART < most ? all / COLLECTOR_FLOOR_PART
						 : most;
}

bool
collector_has_room(const struct conf *conf)
{
	struct statvfs fs;

	/* Who asks for more will see what is wrong. Some file systems count no
	   files. */
	if (statvfs(conf->archive_directory, &fs) == -1 || fs.f_frsize == 0)
		return true;
	return fs.f_bavail > 0 &&
	    fs.f_bavail >=
	    floor_of(fs.f_blocks, COLLECTOR_FLOOR / fs.f_frsize) &&
	    (fs.f_files == 0 ||
		fs.f_favail >= floor_of(fs.f_files, COLLECTOR_FLOOR_FILES));
}

/* archive_check() makes a file, for which a full disk often has room. */
static bool
ask_archive(const struct conf *conf)
{
	return archive_check(conf->archive_directory, NULL) == ST_OK &&
	    collector_has_room(conf);
}

bool
collector_is_healthy(struct collector *collector, const struct conf *conf)
{
	uint64_t now = deadline_now();
	bool is_known, is_healthy;

	(void)pthread_mutex_lock(&collector->mutex);
	is_known = collector->health_when != 0 &&
	    now - collector->health_when < HEALTH_MS;
	is_healthy = collector->is_healthy;
	(void)pthread_mutex_unlock(&collector->mutex);
	if (is_known)
		return is_healthy;
	is_healthy = ask_archive(conf);
	(void)pthread_mutex_lock(&collector->mutex);
	collector->health_when = now;
	collector->is_healthy = is_healthy;
	(void)pthread_mutex_unlock(&collector->mutex);
	return is_healthy;
}

bool
collector_may_ask(struct collector *collector, const struct conf *conf,
    const struct network *client, unsigned *retry)
{
	bool may;

	(void)pthread_mutex_lock(&collector->mutex);
	may = ratetable_take(collector->rates, client, conf->rate_per_client,
	    deadline_now(), retry);
	(void)pthread_mutex_unlock(&collector->mutex);
	return may;
}

bool
collector_reserve(
    struct collector *collector, const struct conf *conf, uint64_t bytes)
{
	bool has_room;

	(void)pthread_mutex_lock(&collector->mutex);
	has_room = collector->on_disk + bytes <=
	    COLLECTOR_BODIES * conf->max_body_size;
	if (has_room)
		collector->on_disk += bytes;
	(void)pthread_mutex_unlock(&collector->mutex);
	return has_room;
}

void
collector_release(struct collector *collector, uint64_t bytes)
{
	(void)pthread_mutex_lock(&collector->mutex);
	collector->on_disk -= bytes;
	(void)pthread_mutex_unlock(&collector->mutex);
}
