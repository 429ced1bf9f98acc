/*
 * recordtext: what "tlsrpt record" has found out, for people, on standard
 * output.
 */
#ifndef RECORDTEXT_H
#define RECORDTEXT_H

#include <stdio.h>

#include "recordinquiry.h"

/* All of it: each remark below the text that it is about, and the sum. */
void recordtext_print(const struct recordinquiry *inquiry);

/*
 * The remarks on a text: the line in question, a caret below the byte, what is
 * wrong, and how to mend it. Everything is made safe for a terminal.
 */
void recordtext_remarks(
    FILE *out, const char *text, size_t len, const struct remarks *remarks);

#endif
