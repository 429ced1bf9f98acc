/*
 * diagnosetext: a diagnosis as a page of text, on standard output.
 */
#ifndef DIAGNOSETEXT_H
#define DIAGNOSETEXT_H

#include <stdbool.h>

#include "diagnosed.h"

/* All of it: policies, every MX, what a sender would report, and the sum. */
void diagnosetext_print(const struct diagnosed *diagnosed, bool with_colour);

/*
 * The pieces of which a page is made. Colours are those of a kind; END stands
 * for none.
 */
const char *diagnosetext_colour(enum finding_kind kind, bool with_colour);
const char *diagnosetext_bold(bool with_colour);
const char *diagnosetext_plain(bool with_colour);

/* A label and text from outside behind it, wrapped; nothing for NULL or "". */
void diagnosetext_row(int indent, const char *label, const char *text);

/* What to do about a finding of domain (A-labels); nothing for NULL. */
void diagnosetext_action(const struct finding *finding, const char *domain);

/* The warnings, or the notes, a paragraph each; only of mx, unless NULL. */
void diagnosetext_asides(
    const struct findings *findings, enum finding_kind kind, bool with_colour);

#endif
