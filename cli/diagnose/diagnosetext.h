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

/* What to do about a finding, and the record to be published. */
void diagnosetext_action(
    const struct diagnosed *diagnosed, const struct finding *finding);

/* The warnings, or the notes, a paragraph each. */
void diagnosetext_asides(const struct diagnosed *diagnosed,
    enum finding_kind kind, bool with_colour);

#endif
