/*
 * keywordcheck: what the string of a keyword has to look like.
 *
 * Used by the table in keyword.c. Each returns what is wrong with the value, in
 * words, or NULL. Static storage.
 */
#ifndef KEYWORDCHECK_H
#define KEYWORDCHECK_H

/* unix:PATH, local:PATH, inet:PORT@HOST, inet6:PORT@HOST. */
const char *keyword_check_socket(const char *value);

/* An address or "@" and a domain. */
const char *keyword_check_mailbox(const char *value);

/* A plain address to send mail to. */
const char *keyword_check_recipient(const char *value);

/* An absolute path; for the index also "none". */
const char *keyword_check_path(const char *value);
const char *keyword_check_state_file(const char *value);

/* A domain name. */
const char *keyword_check_domain(const char *value);

/* A name in Authentication-Results fields (RFC 8601, section 2.5). */
const char *keyword_check_authserv_id(const char *value);

/* ADDRESS or ADDRESS@PORT of a DNS server. */
const char *keyword_check_server(const char *value);

/* The name of a program in syslog. */
const char *keyword_check_ident(const char *value);

/* The path of a URI, without escapes and without a final "/". */
const char *keyword_check_http_path(const char *value);

/* "DOMAIN TOKEN". */
const char *keyword_check_path_secret(const char *value);

/* ADDRESS, ADDRESS/BITS or "unix". */
const char *keyword_check_proxy(const char *value);

#endif
