/*
 * Runs every suite. What the tests write lies under one directory of their
 * own, which is gone at the end whatever became of them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "suites.h"
#include "unit.h"

static Suite *(*const suites[])(void) = {
	status_suite,
	deviation_suite,
	buf_suite,
	text_suite,
	header_suite,
	entity_suite,
	mime_suite,
	base64_suite,
	qp_suite,
	inflate_suite,
	gunzip_suite,
	unzip_suite,
	spool_suite,
	payload_suite,
	extract_suite,
	ijson_suite,
	json_suite,
	rfc3339_suite,
	result_suite,
	member_suite,
	report_suite,
	corpus_suite,
	reading_suite,
	golden_suite,
	keyword_suite,
	conf_suite,
	mailbox_suite,
	verdict_suite,
	address_suite,
	align_suite,
	authres_suite,
	authtrust_suite,
	assess_suite,
	event_suite,
	emit_suite,
	log_suite,
	archive_suite,
	rawmail_suite,
	dispose_suite,
	intake_suite,
	render_suite,
	markup_suite,
	dnscontext_suite,
	resolver_suite,
	problem_suite,
	state_suite,
	reindex_suite,
	taglist_suite,
	keycache_suite,
	dkimkey_suite,
	crlf_suite,
	pool_suite,
	keysource_suite,
	signature_suite,
};

/*
 * Asked by AddressSanitizer for what ASAN_OPTIONS does not say. Check frees a
 * great many messages here, and whatever is held back of them is walked when
 * each test's process looks for its leaks: with the usual 256 MB the whole run
 * takes five times as long. 4 MB hold back what a test freed last.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=4";
}

int
main(void)
{
	SRunner *runner;
	int failed;

	if (!unit_begin()) {
		perror("unit-tests: temporary directory");
		return EXIT_FAILURE;
	}
	runner = srunner_create(NULL);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unit_end();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
