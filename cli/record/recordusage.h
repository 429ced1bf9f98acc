/*
 * recordusage: what --help says, of "tlsrpt record" and of each verb.
 */
#ifndef RECORDUSAGE_H
#define RECORDUSAGE_H

extern const char recordusage[];
extern const char recordusage_check[];
extern const char recordusage_lookup[];
extern const char recordusage_make[];
extern const char recordusage_check_sts[];

#endif
