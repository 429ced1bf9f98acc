/*
 * statesql: the schema of the state, and every statement.
 *
 * What an INSERT reads from its own table, or returns, SQLite puts into a
 * temporary table first, which takes longer than the rest of it: no RETURNING.
 *
 * policy is stored in the order in which evidence is read: by domain, type and
 * end. reports that do not count have no policies. daily and rollup are sums of
 * what policy and failure hold, so that a week of a million reports need not be
 * counted; problem and problem_reporter follow from policy and failure too.
 */
#include "statedb.h"

/* 1414288464 is "TLSP". */
const char statesql_schema[] =
    "CREATE TABLE meta ("
    " whole INTEGER NOT NULL," /* nothing of the archive is missing */
    " archive TEXT NOT NULL,"  /* which one */
    /* What came since then is being added, in no order; INT64_MAX: no more. */
    " missing INTEGER NOT NULL DEFAULT 9223372036854775807);"
    "INSERT INTO meta (whole, archive) VALUES (0, '');"
    "CREATE TABLE name ("
    " id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE report ("
    " id INTEGER PRIMARY KEY,"
    " identity BLOB NOT NULL," /* 16 bytes of a SHA-256 */
    " sha256 BLOB NOT NULL,"   /* of the decoded text */
    " organization INTEGER NOT NULL REFERENCES name,"
    " report_id TEXT NOT NULL,"
    " domain INTEGER NOT NULL REFERENCES name,"
    " begin INTEGER NOT NULL,"
    " finish INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " rank INTEGER NOT NULL," /* enum rank */
    " counted INTEGER NOT NULL,"
    " path TEXT NOT NULL);"
    "CREATE INDEX report_identity ON report (identity) WHERE counted = 1;"
    "CREATE INDEX report_differing ON report (identity, sha256)"
    " WHERE counted = 0;"
    "CREATE INDEX report_finish ON report (finish);"
    /* For a report that gives way and was its reporter's newest. */
    "CREATE INDEX report_newest ON report (organization, finish)"
    " WHERE counted = 1;"
    "CREATE INDEX report_received ON report (organization, received)"
    " WHERE counted = 1;"
    "CREATE TABLE policy ("
    " domain INTEGER NOT NULL REFERENCES name,"
    " type INTEGER NOT NULL REFERENCES name,"
    " finish INTEGER NOT NULL,"
    " report INTEGER NOT NULL REFERENCES report,"
    " begin INTEGER NOT NULL,"
    " reporter INTEGER NOT NULL,"
    " kind INTEGER NOT NULL," /* 1: tlsa and sts; 0: all others */
    " successful INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " severity INTEGER NOT NULL,"
    " noise INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (domain, type, finish, report)) WITHOUT ROWID;"
    "CREATE INDEX policy_report ON policy (report);"
    "CREATE TABLE failure ("
    " report INTEGER NOT NULL REFERENCES report,"
    " domain INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " mx INTEGER NOT NULL REFERENCES name,"
    " result INTEGER NOT NULL REFERENCES name,"
    " kind INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " PRIMARY KEY (report, domain, type, mx, result)) WITHOUT ROWID;"
    "CREATE TABLE problem ("
    " id INTEGER PRIMARY KEY,"
    " domain INTEGER NOT NULL REFERENCES name,"
    " type INTEGER NOT NULL REFERENCES name,"
    " mx INTEGER NOT NULL REFERENCES name,"
    " result INTEGER NOT NULL REFERENCES name,"
    " state INTEGER NOT NULL," /* the last that was told */
    " opened INTEGER NOT NULL,"
    " since INTEGER NOT NULL,"
    " last INTEGER NOT NULL,"
    " resolved INTEGER NOT NULL,"
    " newest INTEGER NOT NULL,"
    " sessions INTEGER NOT NULL,"
    " failed INTEGER NOT NULL,"
    " sightings INTEGER NOT NULL,"
    " reporters INTEGER NOT NULL,"
    " severity INTEGER NOT NULL,"
    " UNIQUE (domain, type, mx, result, since));"
    "CREATE TABLE problem_reporter (" /* of those that have opened */
    " domain INTEGER NOT NULL, type INTEGER NOT NULL,"
    " mx INTEGER NOT NULL, result INTEGER NOT NULL,"
    " since INTEGER NOT NULL, reporter INTEGER NOT NULL REFERENCES name,"
    " newest INTEGER NOT NULL, reports INTEGER NOT NULL,"
    " PRIMARY KEY (domain, type, mx, result, since, reporter))"
    " WITHOUT ROWID;"
    "CREATE INDEX problem_resolved ON problem (domain, type, resolved);"
    "CREATE INDEX problem_live ON problem (newest)"
    " WHERE opened = 1 AND state <> 2;"
    "CREATE TABLE daily ("
    " domain INTEGER NOT NULL, day INTEGER NOT NULL,"
    " reporter INTEGER NOT NULL, reports INTEGER NOT NULL,"
    " successful INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " PRIMARY KEY (domain, day, reporter)) WITHOUT ROWID;"
    "CREATE TABLE daily_failure ("
    " domain INTEGER NOT NULL, day INTEGER NOT NULL,"
    " mx INTEGER NOT NULL, result INTEGER NOT NULL,"
    " reports INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " PRIMARY KEY (domain, day, mx, result)) WITHOUT ROWID;"
    "CREATE TABLE rollup ("
    " kind INTEGER NOT NULL, day INTEGER NOT NULL,"
    " name INTEGER NOT NULL, reports INTEGER NOT NULL,"
    " successful INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " PRIMARY KEY (kind, day, name)) WITHOUT ROWID;"
    "CREATE TABLE reporter ("
    " id INTEGER PRIMARY KEY REFERENCES name,"
    " reports INTEGER NOT NULL,"
    " newest INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " told INTEGER NOT NULL DEFAULT 0);" /* the newest told as silent */
    "CREATE TABLE domain ("
    " id INTEGER PRIMARY KEY REFERENCES name,"
    " reports INTEGER NOT NULL);"
    "CREATE TABLE dirty (" /* problems to be worked out anew */
    " domain INTEGER NOT NULL, type INTEGER NOT NULL,"
    " mx INTEGER NOT NULL, result INTEGER NOT NULL,"
    " begin INTEGER NOT NULL,"
    " late INTEGER NOT NULL DEFAULT 0," /* enum late */
    " PRIMARY KEY (domain, type, mx, result)) WITHOUT ROWID;"
    /* What a report has marked, among all that is left. */
    "CREATE INDEX dirty_late ON dirty (late);"
    "PRAGMA application_id = 1414288464;"
    "PRAGMA user_version = 5;";

#define EPISODE                                                                \
	"p.state, p.opened, p.since, p.last, p.resolved, p.newest,"            \
	" p.sessions, p.failed, p.sightings, p.reporters, p.severity"
#define PROBLEM_KEY "domain = ?1 AND type = ?2 AND mx = ?3 AND result = ?4"
#define PROBLEM_NAMES                                                          \
	" JOIN name d ON d.id = p.domain JOIN name m ON m.id = p.mx"           \
	" JOIN name t ON t.id = p.type JOIN name r ON r.id = p.result"
#define PROBLEM_COLUMNS                                                        \
	"d.text, m.text, t.text, r.text, " EPISODE                             \
	" FROM problem p" PROBLEM_NAMES
#define OF_DOMAIN                                                              \
	" AND (?1 = '' OR d.text = ?1) ORDER BY p.severity, p.last DESC,"      \
	" d.text, m.text, t.text, r.text, p.since"
#define DIRTY_AGAIN                                                            \
	" ON CONFLICT (domain, type, mx, result)"                              \
	" DO UPDATE SET begin = min(begin, excluded.begin), late = late & 1"
/* A sum of counts that are hostile does not overflow. */
#define TOTAL(column) "CAST(total(" column ") AS INTEGER)"
#define BOTH_TOTALS   TOTAL("successful") ", " TOTAL("failed")
#define SUMS          TOTAL("reports") ", " BOTH_TOTALS
#define FAILURE_SUMS  TOTAL("f.reports") ", 0, " TOTAL("f.failed")
#define COUNT_MAX_SQL "4503599627370496"
#define MORE(column)                                                           \
	column " = min(" column " + excluded." column ", " COUNT_MAX_SQL ")"
#define SAME                                                                   \
	"SELECT id, sha256, counted, received, path, rank FROM report"         \
	" WHERE identity = ?1"
#define OTHERS    "organization = ?1 AND counted = 1 AND id <> ?2"
#define BY_FAILED " ORDER BY 4 DESC, 3 DESC, 1"
/* Of sts and tlsa the greater, and all else added. */
#define ONCE(value)                                                            \
	"max(CASE WHEN kind = 1 THEN " value " ELSE 0 END)"                    \
	" + " TOTAL("CASE WHEN kind = 0 THEN " value " ELSE 0 END")

static const char *const texts[STATEMENTS] = {
	[SQL_WHOLE] = "SELECT whole, archive FROM meta",
	[SQL_WHOLE_SET] = "UPDATE meta SET whole = 1, archive = ?1",
	[SQL_MISSING] = "SELECT missing FROM meta",
	[SQL_MISSING_SET] = "UPDATE meta SET missing = min(missing, ?1)",
	/* Another process that began earlier has not found all of it yet. */
	[SQL_MISSING_CLEAR] = "UPDATE meta SET missing = 9223372036854775807"
			      " WHERE missing >= ?1",
	[SQL_CHECK] = "PRAGMA quick_check(1)",
	[SQL_NAME_FIND] = "SELECT id FROM name WHERE text = ?1",
	[SQL_NAME_ADD] = "INSERT INTO name (text) VALUES (?1)",
	[SQL_NAME_TEXT] = "SELECT text FROM name WHERE id = ?1",
	/* The one that counts, and that with the same content: anybody can send
	   thousands of others. */
	[SQL_REPORT_SAME] = SAME " AND counted = 1 UNION ALL " SAME
				 " AND counted = 0 AND sha256 = ?2",
	[SQL_REPORT_ADD] =
	    "INSERT INTO report (identity, sha256, organization, report_id,"
	    " domain, begin, finish, received, counted, path, rank)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SQL_REPORT_COUNTED] = "UPDATE report SET counted = ?2 WHERE id = ?1",
	[SQL_REPORT_GET] = "SELECT organization, begin, finish, received"
			   " FROM report WHERE id = ?1",
	[SQL_REPORT_DELETE] = "DELETE FROM report WHERE id = ?1",
	[SQL_REPORT_OLD] = "SELECT id, path, counted FROM report"
			   " WHERE finish < ?1 ORDER BY finish, id LIMIT ?2",
	[SQL_REPORT_NEXT] = "SELECT id FROM report WHERE id > ?1"
			    " AND counted = 1 ORDER BY id LIMIT 1",
	[SQL_POLICY_ADD] =
	    "INSERT INTO policy (domain, type, finish, report, begin,"
	    " reporter, kind, successful, failed, severity)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
	    " ON CONFLICT DO UPDATE SET " MORE("successful") ", " MORE(
		"failed") ", severity = min(severity, excluded.severity)",
	[SQL_POLICY_NOISE] = "UPDATE policy SET noise = 1 WHERE report = ?1",
	[SQL_POLICY_OF_REPORT] = "SELECT domain, type, noise"
				 " FROM policy WHERE report = ?1",
	[SQL_POLICY_DELETE] = "DELETE FROM policy WHERE report = ?1",
	[SQL_FAILURE_ADD] =
	    "INSERT INTO failure (report, domain, type, mx, result, kind,"
	    " failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	    " ON CONFLICT DO UPDATE SET " MORE("failed"),
	[SQL_FAILURE_DELETE] = "DELETE FROM failure WHERE report = ?1",
	[SQL_SUM_REPORT] =
	    "SELECT domain, " ONCE("successful + failed") ", " ONCE(
		"failed") " FROM policy WHERE report = ?1 GROUP BY domain",
	[SQL_SUM_FAILURES] = "SELECT domain, mx, result, " ONCE(
	    "failed") " FROM failure WHERE report = ?1"
		      " GROUP BY domain, mx, result",
	[SQL_DAILY_ADD] =
	    "INSERT INTO daily (domain, day, reporter, reports, successful,"
	    " failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT DO UPDATE SET reports = reports + excluded.reports,"
	    " " MORE("successful") ", " MORE("failed"),
	[SQL_DAILY_CLEAN] = "DELETE FROM daily WHERE domain = ?1 AND day = ?2"
			    " AND reporter = ?3 AND reports <= 0",
	[SQL_DAILY_FAILURE_ADD] =
	    "INSERT INTO daily_failure (domain, day, mx, result, reports,"
	    " failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT DO UPDATE SET reports = reports + excluded.reports,"
	    " " MORE("failed"),
	[SQL_DAILY_FAILURE_CLEAN] =
	    "DELETE FROM daily_failure WHERE domain = ?1"
	    " AND day = ?2 AND mx = ?3 AND result = ?4 AND reports <= 0",
	[SQL_ROLLUP_ADD] =
	    "INSERT INTO rollup (kind, day, name, reports, successful, failed)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT DO UPDATE SET reports = reports + excluded.reports,"
	    " " MORE("successful") ", " MORE("failed"),
	[SQL_ROLLUP_CLEAN] = "DELETE FROM rollup WHERE kind = ?1 AND day = ?2"
			     " AND name = ?3 AND reports <= 0",
	[SQL_REPORTER_ADD] =
	    "INSERT INTO reporter (id, reports, newest, received)"
	    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET"
	    " reports = reports + excluded.reports,"
	    " newest = max(newest, excluded.newest),"
	    " received = max(received, excluded.received)",
	[SQL_REPORTER_LESS] =
	    "UPDATE reporter SET reports = reports - 1 WHERE id = ?1",
	/* When none is as new. */
	[SQL_REPORTER_AGAIN] =
	    "UPDATE reporter SET"
	    " newest = (SELECT max(finish) FROM report WHERE " OTHERS "),"
	    " received = (SELECT max(received) FROM report WHERE " OTHERS ")"
	    " WHERE id = ?1 AND reports > 0"
	    " AND ((newest <= ?3 AND NOT EXISTS ("
	    "SELECT 1 FROM report WHERE finish >= ?3 AND " OTHERS "))"
	    " OR (received <= ?4 AND NOT EXISTS ("
	    "SELECT 1 FROM report WHERE received >= ?4 AND " OTHERS ")))",
	[SQL_REPORTER_CLEAN] =
	    "DELETE FROM reporter WHERE id = ?1 AND reports <= 0",
	[SQL_DOMAIN_ADD] = "INSERT INTO domain (id, reports) VALUES (?1, ?2)"
			   " ON CONFLICT DO UPDATE SET"
			   " reports = reports + excluded.reports",
	[SQL_DOMAIN_CLEAN] =
	    "DELETE FROM domain WHERE id = ?1 AND reports <= 0",
	[SQL_DIRTY_KNOWN] =
	    "INSERT INTO dirty SELECT domain, type, mx, result, ?3, 0"
	    " FROM problem WHERE domain = ?1 AND type = ?2 AND resolved > ?3"
	    /* What ended before it began says nothing of it. */
	    " AND since <= ?4"
	    /* A report without the failure changes nothing where there is no
	       room for a resolution, neither behind the last failure nor
	       between two, and its reporters are known to be heard of. */
	    " AND NOT (resolved = 9223372036854775807 AND newest >= ?4"
	    " AND newest - last < ?5 AND (last - since < ?5 OR last <= ?3))"
	    "" DIRTY_AGAIN,
	[SQL_DIRTY_FAILING] =
	    "INSERT INTO dirty SELECT domain, type, mx, result, ?2, 0"
	    " FROM failure WHERE report = ?1" DIRTY_AGAIN,
	[SQL_DIRTY_TAKE] = "SELECT domain, type, mx, result, begin FROM dirty"
			   " WHERE late >= ?1 AND late <= ?2 LIMIT 1",
	[SQL_DIRTY_LATE] = "UPDATE dirty SET late = ?5 WHERE " PROBLEM_KEY,
	[SQL_DIRTY_CLEAR] = "DELETE FROM dirty WHERE " PROBLEM_KEY,
	[SQL_PROBLEM_FLOOR] = "SELECT max(resolved) FROM problem"
			      " WHERE " PROBLEM_KEY " AND resolved <= ?5",
	[SQL_PROBLEM_FROM] = "SELECT min(since) FROM problem"
			     " WHERE " PROBLEM_KEY " AND since >= ?5",
	[SQL_PROBLEM_LATEST] =
	    "SELECT " EPISODE " FROM problem p WHERE " PROBLEM_KEY
	    " AND opened = 1 ORDER BY since DESC LIMIT 1",
	[SQL_PROBLEM_DELETE] =
	    "DELETE FROM problem WHERE " PROBLEM_KEY " AND since >= ?5",
	[SQL_PROBLEM_ADD] =
	    "INSERT INTO problem (domain, type, mx, result, state, opened,"
	    " since, last, resolved, newest, sessions, failed, sightings,"
	    " reporters, severity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
	    " ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	/* "+", or the statement is prepared anew for each value, to see whether
	   problem_live will do. */
	[SQL_PROBLEM_ROOM] =
	    "SELECT count(*) < ?5 FROM problem"
	    " WHERE domain = ?1 AND type = ?2"
	    " AND resolved = 9223372036854775807 AND +opened = ?3"
	    " AND (opened = 0 OR +state = ?4)",
	[SQL_PROBLEM_DISPLACE] =
	    "DELETE FROM problem WHERE id = (SELECT min(id) FROM problem"
	    " WHERE domain = ?1 AND type = ?2"
	    " AND resolved = 9223372036854775807 AND opened = 0"
	    " HAVING count(*) >= ?3)",
	[SQL_PROBLEM_STALE] =
	    "SELECT p.id, " PROBLEM_COLUMNS
	    " WHERE p.opened = 1 AND p.state <> 2 AND p.state = 1"
	    " AND p.newest <= ?1 AND p.newest + (p.newest % 60 = 59) <= ?1"
	    " LIMIT ?2",
	[SQL_PROBLEM_SET_STALE] = "UPDATE problem SET state = 3 WHERE id = ?1",
	[SQL_EVIDENCE] =
	    "SELECT p.reporter, p.begin, p.finish, p.successful + p.failed,"
	    " f.failed, p.severity, f.report IS NOT NULL, p.noise"
	    " FROM policy p LEFT JOIN failure f ON f.report = p.report"
	    " AND f.domain = p.domain AND f.type = p.type AND f.mx = ?3"
	    " AND f.result = ?4"
	    " WHERE p.domain = ?1 AND p.type = ?2 AND p.finish >= ?5",
	[SQL_SILENT] =
	    "SELECT s.id, n.text, s.newest, s.reports FROM reporter s"
	    " JOIN name n ON n.id = s.id WHERE s.newest <= ?1"
	    " AND s.newest > ?2 AND s.newest > s.told AND (SELECT count(*)"
	    " FROM (VALUES (0), (1), (2), (3), (4), (5), (6)) v"
	    " CROSS JOIN rollup r WHERE r.kind = 2 AND r.name = s.id"
	    " AND r.day = (s.newest - 1) / 86400 - v.column1) >= 5"
	    " ORDER BY n.text LIMIT ?3",
	[SQL_SILENT_TOLD] = "UPDATE reporter SET told = newest WHERE id = ?1",
	[SQL_SILENT_KNOWN] = "UPDATE reporter SET told = newest"
			     " WHERE newest <= ?1",
	[SQL_PROBLEMS_LIVE] =
	    "SELECT " PROBLEM_COLUMNS " WHERE p.opened = 1 AND p.state <> 2"
	    "" OF_DOMAIN,
	[SQL_PROBLEMS_ALL] =
	    "SELECT " PROBLEM_COLUMNS " WHERE p.opened = 1" OF_DOMAIN,
	[SQL_PROBLEM_REPORTERS] =
	    "SELECT n.text, p.newest, p.reports FROM problem_reporter p"
	    " JOIN name n ON n.id = p.reporter"
	    " WHERE p.domain = (SELECT id FROM name WHERE text = ?1)"
	    " AND p.type = (SELECT id FROM name WHERE text = ?2)"
	    " AND p.mx = (SELECT id FROM name WHERE text = ?3)"
	    " AND p.result = (SELECT id FROM name WHERE text = ?4)"
	    " AND p.since = ?5 ORDER BY 1",
	[SQL_PROBLEM_REPORTER_ADD] =
	    "INSERT INTO problem_reporter (domain, type, mx, result, since,"
	    " reporter, newest, reports)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_PROBLEM_REPORTERS_DELETE] =
	    "DELETE FROM problem_reporter"
	    " WHERE " PROBLEM_KEY " AND since >= ?5",
	[SQL_SUM_ALL] = "SELECT '', " SUMS " FROM rollup WHERE kind = 0"
			" AND day >= ?1 AND day < ?2",
	[SQL_SUM_DAY] = "SELECT date(day * 86400, 'unixepoch'), reports,"
			" successful, failed FROM rollup WHERE kind = 0"
			" AND day >= ?1 AND day < ?2 ORDER BY day",
	[SQL_SUM_ROLLUP] = "SELECT n.text, " SUMS " FROM rollup r"
			   " JOIN name n ON n.id = r.name WHERE kind = ?3"
			   " AND day >= ?1 AND day < ?2"
			   " GROUP BY r.name" BY_FAILED,
	[SQL_SUM_DOMAIN_DAY] =
	    "SELECT date(day * 86400, 'unixepoch'), " SUMS " FROM daily WHERE"
	    " domain = (SELECT id FROM name WHERE text = ?3)"
	    " AND day >= ?1 AND day < ?2 GROUP BY day ORDER BY day",
	[SQL_SUM_DOMAIN_ALL] = "SELECT '', " SUMS " FROM daily WHERE"
			       " domain = (SELECT id FROM name WHERE text = ?3)"
			       " AND day >= ?1 AND day < ?2",
	[SQL_SUM_DOMAIN_SENDER] =
	    "SELECT n.text, " SUMS " FROM daily"
	    " JOIN name n ON n.id = reporter WHERE"
	    " domain = (SELECT id FROM name WHERE text = ?3)"
	    " AND day >= ?1 AND day < ?2 GROUP BY reporter" BY_FAILED,
	[SQL_SUM_DOMAIN_MX] =
	    "SELECT n.text, " FAILURE_SUMS " FROM daily_failure f"
	    " JOIN name n ON n.id = f.mx WHERE"
	    " f.domain = (SELECT id FROM name WHERE text = ?3)"
	    " AND day >= ?1 AND day < ?2 GROUP BY f.mx" BY_FAILED,
	[SQL_SUM_DOMAIN_RESULT] =
	    "SELECT n.text, " FAILURE_SUMS " FROM daily_failure f"
	    " JOIN name n ON n.id = f.result WHERE"
	    " f.domain = (SELECT id FROM name WHERE text = ?3)"
	    " AND day >= ?1 AND day < ?2 GROUP BY f.result" BY_FAILED,
	/* day is NULL for a policy without sessions. */
	[SQL_COVERAGE] =
	    "SELECT count(DISTINCT day), count(DISTINCT report),"
	    " count(DISTINCT reporter), " BOTH_TOTALS ", min(day), max(day)"
	    " FROM (SELECT report, reporter, successful, failed,"
	    " CASE WHEN successful + failed > 0 THEN begin / 86400 END AS day"
	    " FROM policy"
	    " WHERE domain = (SELECT id FROM name WHERE text = ?3)"
	    " AND type = (SELECT id FROM name WHERE text = 'sts')"
	    " AND finish >= ?1 * 86400"
	    " AND begin >= ?1 * 86400 AND begin < ?2 * 86400)",
	[SQL_NEWEST_PATH] =
	    "SELECT r.path, p.finish FROM policy p"
	    " JOIN report r ON r.id = p.report"
	    " WHERE p.domain = (SELECT id FROM name WHERE text = ?1)"
	    " AND p.type = (SELECT id FROM name WHERE text = ?2)"
	    " ORDER BY p.finish DESC, p.report DESC LIMIT 1",
	[SQL_PROBLEM_PATHS] =
	    "SELECT r.path FROM policy p"
	    " JOIN failure f ON f.report = p.report"
	    " AND f.domain = p.domain AND f.type = p.type"
	    " JOIN report r ON r.id = p.report"
	    " WHERE p.domain = (SELECT id FROM name WHERE text = ?1)"
	    " AND p.type = (SELECT id FROM name WHERE text = ?2)"
	    " AND f.mx = (SELECT id FROM name WHERE text = ?3)"
	    " AND f.result = (SELECT id FROM name WHERE text = ?4)"
	    " AND p.begin >= ?5 AND p.begin < ?6 AND p.noise = 0"
	    " ORDER BY p.finish DESC, p.report DESC LIMIT ?7",
	[SQL_REPORTERS] = "SELECT n.text, s.newest, s.reports FROM reporter s"
			  " JOIN name n ON n.id = s.id ORDER BY n.text",
	[SQL_COUNTS] =
	    "SELECT (SELECT total(reports) FROM reporter),"
	    " (SELECT count(*) FROM report WHERE counted = 0),"
	    " (SELECT count(*) FROM reporter),"
	    " (SELECT count(*) FROM domain),"
	    " (SELECT max(newest) FROM reporter),"
	    " (SELECT max(received) FROM reporter),"
	    " (SELECT count(*) FROM problem WHERE opened = 1 AND state = 2)",
	[SQL_TOTALS] = "SELECT " SUMS " FROM rollup WHERE kind = 0",
};

const char *
statesql_text(enum statement statement)
{
	return texts[statement];
}
