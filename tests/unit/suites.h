/*
 * suites: the Check suites, one for each module of the library.
 */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *status_suite(void);
Suite *deviation_suite(void);
Suite *buf_suite(void);
Suite *text_suite(void);
Suite *header_suite(void);
Suite *entity_suite(void);
Suite *mime_suite(void);
Suite *base64_suite(void);
Suite *qp_suite(void);
Suite *inflate_suite(void);
Suite *gunzip_suite(void);
Suite *unzip_suite(void);
Suite *spool_suite(void);
Suite *payload_suite(void);
Suite *extract_suite(void);
Suite *ijson_suite(void);
Suite *json_suite(void);
Suite *rfc3339_suite(void);
Suite *result_suite(void);
Suite *member_suite(void);
Suite *report_suite(void);
Suite *corpus_suite(void);
Suite *reading_suite(void);
Suite *golden_suite(void);
Suite *keyword_suite(void);
Suite *conf_suite(void);
Suite *mailbox_suite(void);
Suite *verdict_suite(void);
Suite *address_suite(void);
Suite *align_suite(void);
Suite *authres_suite(void);
Suite *authtrust_suite(void);
Suite *assess_suite(void);
Suite *event_suite(void);
Suite *emit_suite(void);
Suite *log_suite(void);
Suite *child_suite(void);
Suite *news_suite(void);
Suite *alertmail_suite(void);
Suite *alert_suite(void);
Suite *owner_suite(void);
Suite *archive_suite(void);
Suite *archivebatch_suite(void);
Suite *feed_suite(void);
Suite *mbox_suite(void);
Suite *rawmail_suite(void);
Suite *dispose_suite(void);
Suite *intake_suite(void);
Suite *render_suite(void);
Suite *markup_suite(void);
Suite *dnscontext_suite(void);
Suite *resolver_suite(void);
Suite *problem_suite(void);
Suite *state_suite(void);
Suite *statehostile_suite(void);
Suite *reindex_suite(void);
Suite *tracker_suite(void);
Suite *prune_suite(void);
Suite *taglist_suite(void);
Suite *keycache_suite(void);
Suite *dkimkey_suite(void);
Suite *crlf_suite(void);
Suite *pool_suite(void);
Suite *keysource_suite(void);
Suite *signature_suite(void);

#endif
