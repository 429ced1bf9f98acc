/*
 * unit-tests [-j JOBS]: runs every suite, JOBS of them at the same time. What
 * the tests write lies under one directory of their own, which is gone at the
 * end whatever became of them.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "runner.h"
#include "suites.h"
#include "unit.h"

/* First those that take longest, most of it waiting. */
static runner_suite_fn *const suites[] = {
	resolver_suite,
	state_suite,
	stateproblem_suite,
	statefile_suite,
	statehostile_suite,
	golden_suite,
	signature_suite,
	intake_suite,
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
	keep_suite,
	pathsecret_suite,
	admission_suite,
	clientaddress_suite,
	ratetable_suite,
	extract_suite,
	ijson_suite,
	json_suite,
	rfc3339_suite,
	result_suite,
	member_suite,
	report_suite,
	corpus_suite,
	reading_suite,
	keyword_suite,
	conf_suite,
	mailbox_suite,
	verdict_suite,
	address_suite,
	maillog_suite,
	tracewindow_suite,
	align_suite,
	authres_suite,
	authtrust_suite,
	assess_suite,
	event_suite,
	emit_suite,
	log_suite,
	child_suite,
	news_suite,
	alertmail_suite,
	alert_suite,
	owner_suite,
	archive_suite,
	archivebatch_suite,
	syncer_suite,
	rank_suite,
	recordreading_suite,
	feed_suite,
	mbox_suite,
	rawmail_suite,
	dispose_suite,
	render_suite,
	markup_suite,
	dnscontext_suite,
	problem_suite,
	reindex_suite,
	tracker_suite,
	prune_suite,
	taglist_suite,
	keycache_suite,
	dkimkey_suite,
	crlf_suite,
	pool_suite,
	keysource_suite,
	remark_suite,
	idn_suite,
	tlsa_suite,
	parallel_suite,
	policylines_suite,
	lookup_suite,
	stsfetch_suite,
	judge_suite,
	judgests_suite,
	diagnosis_suite,
	stsrecord_suite,
	zoneline_suite,
	stspolicy_suite,
	reportingpolicy_suite,
	certificate_suite,
	smtpreply_suite,
	mxprobe_suite,
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

static int
misused(void)
{
	(void)fprintf(stderr, "usage: unit-tests [-j JOBS]\n");
	return EX_USAGE;
}

int
main(int argc, char *argv[])
{
	unsigned long jobs = 1;
	bool is_good;
	int option;

	while ((option = getopt(argc, argv, "j:")) != -1) {
		if (option != 'j')
			return misused();
		jobs = strtoul(optarg, NULL, 10);
	}
	if (optind != argc || jobs < 1 || jobs > RUNNER_JOBS_MAX)
		return misused();
	if (!unit_begin()) {
		perror("unit-tests: temporary directory");
		return EXIT_FAILURE;
	}
	/* Limits on time are against hanging, not for speed. */
	(void)setenv("CK_TIMEOUT_MULTIPLIER", "20", 0);
	is_good = runner_run(suites, ARRAY_LEN(suites), (unsigned)jobs);
	unit_end();
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
