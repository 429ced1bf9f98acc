/*
 * judgescene: facts for judge, and a row of a table: facts in, findings out.
 */
#ifndef JUDGESCENE_H
#define JUDGESCENE_H

#include <stddef.h>
#include <stdint.h>

#include "diagnosis.h"

enum {
	SCENE_DAY = 86400,
	SCENE_NOW = 1770811200 /* 2026-02-11T12:00:00Z */
};

/*
 * A domain with two MX of which the second has two addresses. All is well, and
 * each test spoils some of it.
 */
struct scene {
	struct diagnosis_settings settings;
	struct diagnosis d;
	struct diagnosis_mx mx[2];
	struct diagnosis_address address[3];
	char text[64];
};

/* The domain without any policy, which is where all begin. */
void scene_make(struct scene *s);

/* Bases: with a valid policy, with secure TLSA records 3 1 1 that match; and
   with one MX that has one address, which is enough for most. */
void scene_sts(struct scene *s);
void scene_dane(struct scene *s);
void scene_both(struct scene *s);
void scene_alone(struct scene *s);
void scene_sts_alone(struct scene *s);
void scene_dane_alone(struct scene *s);
void scene_both_alone(struct scene *s);

/* Spoil nothing; a chain; a probe, which ended there. */
void scene_nothing(struct scene *s);
void scene_fault(
    struct certificate_verdict *verdict, unsigned faults, const char *detail);
void scene_stop(struct diagnosis_address *a, enum mxprobe_stage stage,
    enum mxprobe_end end, int code, const char *detail);

/*
 * A finding is "KIND POLICY RESULT-TYPE REASON HOST IP", each "-" where there
 * is none, in a line.
 */
#define GOOD_STS_A  "success sts - - a.example.com 192.0.2.1\n"
#define GOOD_DANE_A "success tlsa - - a.example.com 192.0.2.1\n"
#define GOOD_NONE_A "success no-policy-found - - a.example.com 192.0.2.1\n"
#define A           " a.example.com 192.0.2.1\n"
#define WHOLE_A     " a.example.com -\n"

struct scene_row {
	const char *name;
	void (*base)(struct scene *s);
	void (*spoil)(struct scene *s);
	const char *want;
	int code;         /* of the exit */
	const char *says; /* in a detail; or NULL */
};

/* Judge each, and fail the test where the findings are others. */
void scene_check(const struct scene_row *rows, size_t count);

/* Fail when no row has a result type of the category; what is left out of a
   table would not be noticed otherwise. */
void scene_check_types(const struct scene_row *rows, size_t count,
    const char *const *categories, size_t category_count);

#endif
