"""The index of the archive, and the commands that ask it.

What they say of many reports, and of those that the milter took:
test_truth.py. No mail is sent here.
"""

import contextlib
import csv
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from case import lab, mails
from truth import DAY, day, record, today

HOSTILE = "=cmd|' /C calc'!A0\x1b[31m\n\"<b>, \u202e"


def run(*words, **kwargs):
    return subprocess.run([str(lab.TLSRPT), *map(str, words)], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, **kwargs)


class Index(unittest.TestCase):
    """An archive of its own for each test."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tlsrpt-index-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.archive = self.dir / "archive"
        self.archive.mkdir()
        self.state = self.dir / "state.db"

    def store(self, rep, start, received=None, where=""):
        sha256, line = record(rep, received or start + DAY + 3600)
        path = (self.archive / where / day(start).replace("-", "/")
                / f"{sha256[:16]}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line, encoding="utf-8")
        return path

    def reindex(self, status=0):
        done = run("reindex", f"--archive={self.archive}",
                   f"--state={self.state}")
        self.assertEqual((done.returncode, done.stdout), (status, ""), done)
        return done.stderr

    def on_terminal(self, *words):
        """Run with standard error on a terminal: done, and what it saw."""
        ours, theirs = lab.terminal(self)
        done = subprocess.run(
            [lab.TLSRPT, *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=theirs, check=False, timeout=60)
        os.close(theirs)
        text = b""
        with open(ours, "rb", buffering=0) as terminal:
            # A terminal that nobody has open any more is an error.
            with contextlib.suppress(OSError):
                while data := terminal.read(4096):
                    text += data
        return done, text.decode()

    def ask(self, *words, status=0):
        done = run(words[0], f"--state={self.state}", *words[1:])
        self.assertEqual((done.returncode, done.stderr), (status, ""), done)
        return done.stdout

    def objects(self, *words):
        return [json.loads(line)
                for line in self.ask(*words, "--format=json").splitlines()]


class Reindex(Index):
    def test_unverified_and_tmp_do_not_count(self):
        self.store(mails.report(start=today() - DAY), today() - DAY)
        self.store(mails.report(start=today() - DAY), today() - DAY,
                   where="unverified")
        (self.archive / "tmp").mkdir()
        (self.archive / "tmp" / "half").write_text("{")
        self.reindex()
        self.assertEqual(self.objects("summary")[0]["reports"], 1)

    def test_what_cannot_be_read_is_named(self):
        """Once, be it old or new."""
        good = self.store(mails.report(start=today() - DAY), today() - DAY)
        bad = good.with_name("bad\x1b[31m.json")
        bad.write_text('{"report":\n')
        errors = self.reindex(65)
        self.assertEqual(errors.count("\n"), 1, errors)
        os.utime(bad, (today() - DAY, today() - DAY))
        os.utime(bad.parent, (today() - DAY, today() - DAY))
        errors = self.reindex(65)
        self.assertRegex(errors, r"^\S*/bad\\x1b\[31m\.json: json-syntax: ")
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertEqual(self.objects("summary")[0]["reports"], 1)

    def test_progress_is_for_terminals(self):
        for _ in range(250):
            self.store(mails.report(start=today() - DAY), today() - DAY)
        done, text = self.on_terminal("reindex", f"--archive={self.archive}",
                                      f"--state={self.state}")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertIn("200 records read", text)
        self.assertTrue(text.endswith("250 reports in the index\r\n"), text)

    def test_old_index_lives_when_the_archive_is_gone(self):
        self.store(mails.report(start=today() - DAY), today() - DAY)
        self.reindex()
        before = self.objects("summary")
        shutil.rmtree(self.archive)
        self.assertIn("reindex: archive: ", self.reindex(66))
        self.assertEqual(self.objects("summary"), before)

    def test_damaged_index_is_made_anew(self):
        self.store(mails.report(start=today() - DAY), today() - DAY)
        self.state.write_text("not a database\n" * 1000)
        done = run("summary", f"--state={self.state}")
        self.assertEqual((done.returncode, done.stdout), (69, ""), done)
        self.assertIn("summary: state-damaged: ", done.stderr)
        self.assertIn('"tlsrpt reindex"', done.stderr)
        self.reindex()
        self.assertEqual(len(self.objects("summary")), 1)

    def test_configuration(self):
        self.store(mails.report(
            mails.policy(1000, 1, [mails.failure()]),
            start=today() - DAY), today() - DAY)
        conf = self.dir / "conf"
        conf.write_text("Mailbox a@example.test\nNoticeRate 0%\n"
                        "WarningRate 0%\n"
                        f"ArchiveDirectory {self.archive}\n"
                        f"StateFile {self.state}\n")
        done = run("reindex", "-c", conf)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # By the rates of the file one failure is an error.
        done = run("problems", "-c", conf, "--format=json")
        self.assertEqual(json.loads(done.stdout)["severity"], "err")
        conf.write_text("Mailbox a@example.test\nStateFile x\n")
        for command in ("reindex", "summary", "problems"):
            done = run(command, "-c", conf)
            self.assertEqual(done.returncode, 78, done)
            self.assertIn(f"{conf}:2: StateFile", done.stderr)


class Health(Index):
    """As a plugin of a monitoring system: one line and 0, 1, 2 or 3."""

    LINE = (r"TLSRPT (OK|WARNING|CRITICAL) - ([^|\n]+) \| open=(\d+);0;;0 "
            r"stale=(\d+);;;0 reports=(\d+);;;0 reporters=(\d+);;;0"
            r"(?: age=(\d+)s;259200;;0)?\n")

    def health(self, status):
        text = self.ask("health", status=status)
        found = re.fullmatch(self.LINE, text)
        self.assertIsNotNone(found, text)
        self.assertEqual(found[1], ("OK", "WARNING", "CRITICAL")[status])
        return found

    def fill_days(self, last, *policies, days=3):
        """Reports of some days, the last of them that many days ago."""
        for age in range(last, last + days):
            start = today() - age * DAY
            self.store(mails.report(*policies, start=start,
                                    end=start + DAY - 1), start)
        self.reindex()

    def test_ok(self):
        self.fill_days(1)
        found = self.health(0)
        self.assertEqual(found.groups()[2:6], ("0", "0", "3", "1"))
        self.assertLess(abs(int(found[7]) - (time.time() - today())), 10)

    def test_critical(self):
        self.fill_days(1, mails.policy(50, 50, [mails.failure(sessions=50)]))
        found = self.health(2)
        self.assertIn("1 problem is open, the worst at err", found[2])
        self.assertEqual(found.groups()[2:6], ("1", "0", "3", "1"))

    def test_warning(self):
        self.fill_days(1, mails.policy(97, 3, [mails.failure(sessions=3)]))
        self.assertIn("the worst at warning", self.health(1)[2])

    def test_silence(self):
        self.fill_days(4)
        self.assertIn(day(today() - 4 * DAY), self.health(1)[2])

    def test_no_report(self):
        self.reindex()
        self.assertIn("no report is in the index", self.health(1)[2])

    def test_unknown(self):
        text = self.ask("health", status=3)
        self.assertRegex(text, r"^TLSRPT UNKNOWN - state: [^|\n]+\n$")
        for words in (("--nonsense",), ("x",), ("-c", self.dir / "none")):
            done = run("health", *words)
            self.assertEqual(
                (done.returncode, done.stdout),
                (3, "TLSRPT UNKNOWN - wrong usage or configuration\n"))


class Unreadable(Index):
    """What only another user can open is left out, and named once."""

    USER = 64001

    def run_as_user(self):
        self.dir.chmod(0o755)
        os.chown(self.dir, self.USER, self.USER)
        # The way to the build tree may be closed to others.
        program = shutil.copy(lab.TLSRPT, self.dir / "tlsrpt")
        return subprocess.run(
            ["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}",
             "--clear-groups", program, "reindex",
             f"--archive={self.archive}", f"--state={self.state}"],
            check=False, capture_output=True, text=True, timeout=60, cwd="/")

    def check(self, path, reports):
        os.chown(path, 0, 0)
        path.chmod(0o600 if path.is_file() else 0o700)
        done = self.run_as_user()
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr),
            (65, "", f"{path}: archive: cannot open: Permission denied\n"))
        self.assertIn(f"\ntlsrpt_reports {reports}\n", self.ask("metrics"))

    def setUp(self):
        super().setUp()
        self.paths = [
            self.store(mails.report(start=start, organization=name), start)
            for start, name in ((today() - DAY, "A"), (today() - DAY, "B"),
                                (today() - 400 * DAY, "A"))]

    def test_record(self):
        self.check(self.paths[0], 2)

    def test_record_of_old(self):
        os.utime(self.paths[0], (today() - DAY, today() - DAY))
        self.check(self.paths[0], 2)

    def test_day(self):
        self.check(self.paths[0].parent, 1)

    def test_day_of_old(self):
        path = self.paths[0].parent
        os.utime(path, (today() - DAY, today() - DAY))
        self.check(path, 1)

    def test_month(self):
        self.check(self.paths[2].parent.parent, 2)

    def test_year_of_old(self):
        path = self.paths[2].parent.parent.parent
        os.utime(path, (today() - DAY, today() - DAY))
        self.check(path, 2)

    def test_archive(self):
        os.chown(self.archive, 0, 0)
        self.archive.chmod(0o700)
        done = self.run_as_user()
        self.assertEqual(done.returncode, 66, done)


class Reader(Index):
    """A monitoring system's user, in the group of the milter's, asks."""

    OWNER, GROUP, READER = 64001, 64002, 64003

    def setUp(self):
        super().setUp()
        self.dir.chmod(0o755)
        # The way to the build tree may be closed to others.
        self.program = shutil.copy(lab.TLSRPT, self.dir / "tlsrpt")
        place = self.dir / "state"
        place.mkdir(0o750)
        os.chown(place, self.OWNER, self.GROUP)
        self.state = place / "state.db"
        start = today() - DAY
        self.store(mails.report(start=start, end=start + DAY - 1), start)
        done = self.run_as(self.OWNER, self.GROUP, "reindex",
                           f"--archive={self.archive}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def run_as(self, user, group, *words):
        regid = group if user == self.OWNER else user
        return subprocess.run(
            ["setpriv", f"--reuid={user}", f"--regid={regid}",
             f"--groups={group}", self.program, words[0],
             f"--state={self.state}", *words[1:]], check=False,
            capture_output=True, text=True, timeout=60, umask=0o027, cwd="/")

    def check_health(self, reports=1):
        for _ in range(2):
            done = self.run_as(self.READER, self.GROUP, "health")
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            self.assertIn(f" reports={reports};", done.stdout)

    def test_after_reindex(self):
        self.check_health()

    def test_while_somebody_writes(self):
        """What has been written, but is in the -wal alone, is seen."""
        with contextlib.closing(sqlite3.connect(self.state)) as writer:
            for path in self.state.parent.iterdir():
                os.chown(path, self.OWNER, self.GROUP)
            writer.execute("UPDATE reporter SET reports = 7")
            self.check_health()
            writer.commit()
            self.check_health(7)

    def test_after_somebody_was_killed(self):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sqlite3, os, sys\n"
             "db = sqlite3.connect(sys.argv[1])\n"
             "db.execute('UPDATE reporter SET reports = 7')\n"
             "db.commit()\nos.kill(os.getpid(), 9)", self.state])
        self.assertEqual(process.wait(20), -9)
        self.assertTrue(self.state.with_name("state.db-wal").stat().st_size)
        self.check_health(7)

    def test_copy_of_the_file_alone(self):
        self.state.with_name("state.db-wal").unlink()
        self.state.with_name("state.db-shm").unlink()
        done = self.run_as(self.READER, self.GROUP, "health")
        self.assertEqual(done.returncode, 3)
        self.assertIn("until its owner has opened it", done.stdout)
        done = self.run_as(self.OWNER, self.GROUP, "health")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.check_health()

    def test_stranger(self):
        done = self.run_as(self.READER, self.READER, "health")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(
            done.stdout, r"^TLSRPT UNKNOWN - state: cannot open \S+/state: "
            r"Permission denied; it is for [^|\n]+\n$")

    def test_strangers_are_not_sent_to_reindex(self):
        """Be it the file or its directory that they may not read."""
        self.state.chmod(0o600)
        for mode in (0o750, 0o755):
            self.state.parent.chmod(mode)
            for words in (("problems",), ("summary",), ("html",),
                          ("ready", "example.test")):
                done = self.run_as(self.READER, self.READER, *words)
                self.assertEqual((done.returncode, done.stdout), (69, ""))
                self.assertRegex(
                    done.stderr, r"\Atlsrpt \w+: state: cannot open [^\n]+: "
                    r"Permission denied; it is for the user and the group "
                    r"of tlsrpt-milter\n\Z")


class Ready(Index):
    """May a domain go from testing to enforce?"""

    def fill_days(self, ages, *policies, **members):
        for age in ages:
            start = today() - age * DAY
            self.store(mails.report(*policies, start=start,
                                    end=start + DAY - 1, **members), start)
        self.reindex()

    def ready(self, status, *against):
        text = self.ask("ready", "Example.Test", status=status)
        self.assertEqual(re.findall(r"^  NO   (\S+) ", text, re.MULTILINE),
                         list(against), text)
        self.assertEqual(len(re.findall(r"^  (?:yes|NO ) ", text,
                                        re.MULTILINE)), 5)
        return text

    def test_ready(self):
        self.fill_days(range(1, 15))
        text = self.ready(0)
        self.assertIn("14 of the last 30 have reports on the policy", text)
        self.assertIn("1400 reported by 1 sender;", text)
        self.assertTrue(text.endswith("Example.Test is ready to enforce\n"))

    def test_too_few_days(self):
        self.fill_days(range(1, 14))
        self.ready(1, "days")

    def test_old_days_do_not_count(self):
        self.fill_days((*range(1, 14), *range(31, 40)))
        self.ready(1, "days")

    def test_silence(self):
        self.fill_days(range(5, 25))
        text = self.ready(1, "newest")
        self.assertIn("  NO   newest    the last day with reports is "
                      f"{day(today() - 5 * DAY)}\n", text)

    def test_too_few_sessions(self):
        self.fill_days(range(1, 15), mails.policy(0))
        self.ready(1, "days", "newest", "sessions")

    def test_only_who_tests_the_policy_counts(self):
        """Neither who finds none, nor who follows DANE, tests MTA-STS."""
        for kind in ("no-policy-found", "tlsa", "other"):
            self.fill_days(range(1, 20),
                           mails.policy(1000, 100, kind=kind),
                           organization=kind)
        self.ready(1, "days", "newest", "sessions")
        self.fill_days(range(1, 15), mails.policy(20))
        text = self.ready(0)
        self.assertIn("280 reported by 1 sender;", text)
        self.assertIn("0 sessions of the last 14 days (0.00%)", text)

    def test_problem_of_another_type(self):
        """Mail that cannot be encrypted would be lost."""
        self.fill_days(range(1, 15), mails.policy(), mails.policy(
            50, 50, [mails.failure("starttls-not-supported", 50)],
            kind="no-policy-found"))
        self.ready(1, "problems")

    def test_open_problem(self):
        self.fill_days(range(1, 15),
                       mails.policy(1000, 1, [mails.failure()]))
        self.ready(1, "problems")

    def test_failures_without_details(self):
        self.fill_days(range(1, 15), mails.policy(90, 10))
        self.ready(1, "failures")

    def test_what_was_mended_does_not_count(self):
        self.fill_days(range(20, 29),
                       mails.policy(50, 50, [mails.failure(sessions=50)]))
        self.fill_days(range(1, 20))
        self.ready(0)

    def test_unknown_domain(self):
        self.fill_days(range(1, 15), mails.policy(domain="other.test"))
        text = self.ready(1, "days", "newest", "sessions")
        self.assertIn("  NO   newest    no day of the last 30 has reports\n",
                      text)


class Summary(Index):
    """Days without reports, and where there are some."""

    def fill(self, *ages, domain="example.test"):
        for age in ages:
            start = today() - age * DAY
            self.store(mails.report(mails.policy(domain=domain), start=start,
                                    end=start + DAY - 1), start)

    def hint(self, *words):
        """What stands below the table, or None."""
        text = self.ask("summary", *words)
        table, _, hint = text.partition("\n\n")[2].partition("\n\n")
        self.assertIn("REPORTS", table)
        self.assertEqual(hint == "", text.count("\n\n") == 1, text)
        return hint or None

    @staticmethod
    def last(age):
        return ("No report is of these days. The last before them is of "
                f"{day(today() - age * DAY)}: "
                f"--since={day(today() - age * DAY)}\n")

    def test_older_reports(self):
        self.fill(60, 40, 30)
        self.fill(50, domain="other.test")
        self.reindex()
        for by in ("day", "domain", "mx", "sender", "result-type"):
            self.assertEqual(self.hint(f"--by={by}"), self.last(30))
        self.assertEqual(self.hint("--since=30d"), None)
        self.assertEqual(self.hint("--since=29d"), self.last(30))
        self.assertEqual(self.hint("--domain=Other.Test"), self.last(50))
        self.assertEqual(self.hint("--domain=none.test"), None)
        # What comes behind them is for --until.
        self.assertEqual(self.hint("--since=55d", "--until=45d"), None)
        self.assertEqual(self.hint("--since=48d", "--until=45d"),
                         self.last(50))
        self.assertEqual(self.hint("--since=90d", "--until=80d"), None)
        # What is shown with it begins with that day.
        told = self.hint().rpartition(": ")[2].strip()
        self.assertIn(told.partition("=")[2], self.ask("summary", told))
        for form in ("json", "csv"):
            for by in ("day", "mx"):
                self.assertNotIn("No report", self.ask(
                    "summary", f"--by={by}", f"--format={form}"))

    def test_no_failure_is_no_lack_of_reports(self):
        self.fill(3, 30)
        self.reindex()
        self.assertEqual(self.hint("--by=mx"), None)

    def test_empty_index(self):
        self.reindex()
        self.assertEqual(self.hint(), None)


class Metrics(Index):
    """The text format of Prometheus."""

    SERIES = (r'(tlsrpt_\w+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})?'
              r" (\d+)")

    def series(self):
        """{series: value}, each below its HELP and TYPE, once."""
        found = {}
        helped = typed = ""
        for line in self.ask("metrics").splitlines():
            words = line.split(" ")
            if line.startswith("# HELP "):
                helped = words[2]
            elif line.startswith("# TYPE "):
                typed = words[2]
                self.assertEqual((typed, words[3:]), (helped, ["gauge"]))
            else:
                match = re.fullmatch(self.SERIES, line)
                self.assertIsNotNone(match, line)
                self.assertEqual(match[1], typed)
                name = match[1].removeprefix("tlsrpt_") + (match[2] or "")
                self.assertNotIn(name, found)
                found[name] = int(match[3])
        return found

    def test_hostile_names(self):
        """Names that look alike once they are made visible stay two."""
        names = ('a"} 1\nx 1', "a\x1b", "a\\x1b", "\\", '"', "\\n", "\n")
        start = today() - DAY
        for name in names:
            self.store(mails.report(mails.policy(
                0, 50, [mails.failure(sessions=50)], domain=name),
                start=start, end=start + DAY - 1), start)
        self.reindex()
        problems = [name for name in self.series()
                    if name.startswith("problem_")]
        self.assertEqual(len(problems), len(names))

    def test_bound(self):
        start = today() - DAY
        self.store(mails.report(*(mails.policy(
            0, 50, [mails.failure(sessions=50)], domain=f"d{n}.test")
            for n in range(250)), start=start, end=start + DAY - 1), start)
        self.reindex()
        series = self.series()
        self.assertEqual(series['problems{state="open"}'], 250)
        self.assertEqual(sum(name.startswith("problem_")
                             for name in series), 200)

    def test_empty(self):
        self.reindex()
        self.assertEqual(self.series()["reports"], 0)
        self.assertNotIn("timestamp", self.ask("metrics"))


class Usage(Index):
    COMMANDS = ("reindex", "summary", "problems", "ready", "metrics")

    def test_help(self):
        for command in (*self.COMMANDS, "health"):
            done = run(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(
                f"usage: tlsrpt {command} [-c FILE]"), done.stdout)

    def test_wrong(self):
        for words in (
                *((command, "x", "y") for command in self.COMMANDS),
                ("ready",), ("summary", "x"), ("metrics", "--all"),
                *((command, "--nonsense") for command in self.COMMANDS),
                ("reindex", "--format=json"), ("problems", "--since=7d"),
                ("problems", "--format=csv"), ("summary", "--format=xml"),
                ("summary", "--all"), ("summary", "--by=hour"),
                ("summary", "--by"), ("summary", "--since=7"),
                ("summary", "--since="), ("summary", "--since=-7d"),
                ("summary", "--since=9999999999d"), ("summary", "--since=7y"),
                ("summary", "--since=2026-02-30"),
                ("summary", "--since=2026-2-1"),
                ("summary", "--since=2026-02-12T00:00:00Z"),
                ("summary", "--since=2026-02-12", "--until=2026-02-11")):
            with self.subTest(words=words):
                done = run(words[0], f"--state={self.state}", *words[1:])
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(f'"tlsrpt {words[0]} --help"', done.stderr)

    def test_no_index(self):
        for words in (("summary",), ("problems",), ("metrics",),
                      ("ready", "example.test")):
            done = run(*words, f"--state={self.state}")
            self.assertEqual((done.returncode, done.stdout), (69, ""), done)
            self.assertIn(f"tlsrpt {words[0]}: state: ", done.stderr)
            self.assertIn('"tlsrpt reindex" makes it', done.stderr)
            self.assertFalse(self.state.exists())

    def test_empty_index(self):
        self.reindex()
        self.assertEqual(self.objects("summary"), [])
        for words in ((), ("--all",), ("--domain=example.test",)):
            self.assertEqual(
                self.ask("problems", *words),
                "No problem is known: the index holds no report.\n")
        self.assertEqual(self.objects("problems"), [])

    def test_no_problem(self):
        start = today() - DAY
        self.store(mails.report(start=start, end=start + DAY - 1), start)
        self.reindex()
        self.assertEqual(self.ask("problems"), "No problem.\n")
        self.assertEqual(self.ask("problems", "--all"),
                         "No problem is known.\n")
        self.assertEqual(self.objects("problems"), [])

    def test_index_without_a_byte(self):
        self.state.touch()
        for words in (("summary",), ("problems",), ("ready", "a.test")):
            done = run(*words, f"--state={self.state}")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (
                69, "", f"tlsrpt {words[0]}: state: {self.state} is empty\n"
                '"tlsrpt reindex" makes it from the archive.\n'))

    def test_full_disk(self):
        self.reindex()
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                [lab.TLSRPT, "summary", f"--state={self.state}"],
                stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 74)


class Hostile(Index):
    """Names that would be more than text."""

    def setUp(self):
        super().setUp()
        start = today() - DAY
        self.store(mails.report(
            mails.policy(0, 50, [mails.failure(
                HOSTILE, 50, receiving_mx_hostname=HOSTILE)], domain=HOSTILE),
            organization=HOSTILE, start=start, end=start + DAY - 1), start)
        self.reindex()

    def test_terminal(self):
        for words in (("problems",), ("summary", "--by=sender"),
                      ("summary", "--by=mx"), ("summary", "--by=domain"),
                      ("summary", f"--domain={HOSTILE}"),
                      ("summary", "--by=sender", "--format=csv")):
            text = self.ask(*words)
            self.assertNotRegex(text, "[\x00-\x09\x0b\x0c\x0e-\x1f\u202e]")
        self.assertIn("\\x1b[31m\\x0a", self.ask("problems"))
        # Nothing of it stands in a command.
        self.assertNotIn("calc", re.search(r"^  verify.*$",
                                           self.ask("problems"),
                                           re.MULTILINE)[0])

    def test_no_formula(self):
        for by in ("sender", "domain", "mx", "result-type"):
            text = self.ask("summary", f"--by={by}", "--format=csv")
            rows = list(csv.reader(io.StringIO(text, newline="")))
            self.assertEqual(len(rows), 2, rows)
            self.assertEqual(len(rows[0]), len(rows[1]))
            self.assertTrue(rows[1][0].startswith("'=cmd|"), rows)

    def test_json_holds_it_as_it_is(self):
        rows = self.objects("summary", "--by=sender")
        self.assertEqual([row["organization-name"] for row in rows],
                         [HOSTILE])
        self.assertEqual(self.objects("problems")[0]["reporters"], [HOSTILE])


if __name__ == "__main__":
    unittest.main()
