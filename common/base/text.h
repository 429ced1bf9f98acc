/*
 * text: what the parsers and printers need to know of ASCII and UTF-8.
 *
 * None of it depends on the locale.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A to Z made small; every other byte as it is. */
char text_lower(char c);

/* Equal but for the case of A to Z? */
bool text_ieq(const char *a, const char *b);
bool text_ieqn(const char *a, const char *b, size_t len);

/* Does string begin (end) with the given text, but for the case of A to Z? */
bool text_iprefix(const char *string, const char *prefix);
bool text_isuffix(const char *string, const char *suffix);

/* The four bytes that JSON calls white space, which are also those of mail. */
bool text_is_space(char c);

/* 0 to 15, or -1 for what is no hexadecimal digit. */
int text_hex(char c);

/*
 * Copy at most size - 1 bytes of string and a NUL, cut at the start of a UTF-8
 * character. Returns false when it had to be cut.
 */
bool text_copy(char *out, size_t size, const char *string);

/*
 * Copy len bytes from somebody else in the same way, as a string: every control
 * character of ASCII, NUL among them, becomes "?".
 */
void text_plain(char *out, size_t size, const char *bytes, size_t len);

/*
 * The UTF-8 character (RFC 3629) at the start of len bytes: its length, 1 to 4,
 * with the code point in *cp, or 0 when there is none (over-long forms,
 * surrogates, what is above U+10FFFF, a character cut short).
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);

/* Write a code point as 1 to 4 bytes and return how many. */
size_t utf8_encode(char out[4], uint32_t cp);

/* The greatest length up to max at which s of len bytes may be cut. */
size_t utf8_cut(const char *s, size_t len, size_t max);

/*
 * Does the character act on the line or the terminal instead of showing
 * itself? C0, DEL, C1, the line and paragraph separators and the bidirectional
 * controls, which make a line read other than it is.
 */
bool utf8_is_control(uint32_t cp);

/* White space of any script, the controls among it included. */
bool utf8_is_space(uint32_t cp);

#endif
