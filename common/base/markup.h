/*
 * markup: text of others in HTML and SVG, where it stays text.
 */
#ifndef MARKUP_H
#define MARKUP_H

#include <stdint.h>
#include <stdio.h>

/*
 * Print a string so that it is nothing but text, within an element or a quoted
 * attribute, of HTML or of XML. & < > " ' become references; controls (those
 * that change the direction of writing among them), bad UTF-8 and what XML does
 * not allow become \xNN.
 */
void markup_text(FILE *out, const char *string);

/*
 * A name, isolated by <bdi>, so that its direction of writing does not reach
 * what is around it. "" is printed as "(none)".
 */
void markup_name(FILE *out, const char *name);

/* A number with its digits in groups: 1,234,567. */
void markup_count(FILE *out, uint64_t number);

enum {
	MARKUP_RATE_MAX = 16
};

/*
 * A failure rate in percent as text: 0%, 0.12%, 100%. What is not quite 0 or
 * 100 never reads like it: <0.01%, >99.99%.
 */
void markup_rate(double percent, char out[MARKUP_RATE_MAX]);

#endif
