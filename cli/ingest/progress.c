#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BAR = 20,      /* columns */
	EVERY_MS = 200 /* at most that often */
};

static int64_t
milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
progress_init(struct progress *progress)
{
	memset(progress, 0, sizeof *progress);
	progress->is_shown = isatty(STDERR_FILENO) != 0;
	progress->began = milliseconds();
}

void
progress_clear(struct progress *progress)
{
	if (progress->has_line)
		(void)fputs("\r\033[K", stderr);
	progress->has_line = false;
}

/* Is it time to show something? */
static bool
begin_line(struct progress *progress)
{
	int64_t now = milliseconds();

	if (!progress->is_shown || now - progress->shown < EVERY_MS)
		return false;
	progress->shown = now;
	progress->has_line = true;
	(void)fputs("\r\033[K", stderr);
	return true;
}

void
progress_show(struct progress *progress)
{
	uint64_t done = progress->bytes, all = progress->bytes_all;
	double seconds, share;
	int left, filled;

	if (!begin_line(progress))
		return;
	seconds = (double)(progress->shown - progress->began) / 1000;
	share = all > 0 && done < all ? (double)done / (double)all : 1;
	filled = (int)(share * BAR);
	(void)fprintf(stderr, "[%.*s%*s] %3d%%  %llu reports", filled,
	    "####################", BAR - filled, "", (int)(share * 100),
	    (unsigned long long)progress->reports);
	if (seconds >= 1)
		(void)fprintf(
		    stderr, ", %.0f/s", (double)progress->reports / seconds);
	if (seconds >= 2 && share > 0.001 && share < 1) {
		left = (int)(seconds / share - seconds) + 1;
		(void)fprintf(stderr, ", %d:%02d to go", left / 60, left % 60);
	}
	(void)fflush(stderr);
}

void
progress_text(struct progress *progress, const char *fmt, ...)
{
	va_list ap;

	if (!begin_line(progress))
		return;
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fflush(stderr);
}
