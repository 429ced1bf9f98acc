"""The index while mail comes in: problems in the log, and a state file in
trouble, which must never be the mail's.

Reports are of days before today, so that nothing is stale that should not be.
"""

import concurrent.futures
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time
import unittest

from case import LabCase, lab, mails

DAY = 86400
SOON = 15.0  # seconds for a mail: not for ever
LOCKED = int(os.environ.get("LOCKED_SECONDS", "4"))


def day(ago):
    """The start of the day so many days before today."""
    return int(time.time()) // DAY * DAY - ago * DAY


def report(ago, successful=100, failures=(), organization="Sender A",
           kind="sts", **members):
    """A day's report; failures as (result type, sessions)."""
    return mails.report(
        mails.policy(successful, sum(n for _, n in failures),
                     [mails.failure(name, n) for name, n in failures],
                     kind=kind),
        organization=organization, start=day(ago), end=day(ago) + DAY - 1,
        **members)


class TrackerCase(LabCase):
    def take(self, rep, **kwargs):
        """Send a report, and return the queue id."""
        return self.send(mails.mail(rep, **kwargs))

    def told(self, name):
        """All events of a name so far, whatever brought them about."""
        return [event for event in self.events() if event.name == name]

    def wait_told(self, name, count=1):
        lab.wait_until(lambda: len(self.told(name)) >= count,
                       f"{count} times {name}")
        return self.told(name)

    def metric(self, name):
        done = subprocess.run(
            [str(lab.TLSRPT), "metrics", "--state", str(self.mta.state)],
            check=False, capture_output=True, text=True, timeout=60)
        found = re.search(rf"^{name} (\d+)$", done.stdout, re.MULTILINE)
        return int(found[1]) if found else done.stderr

    def wait_reports(self, count, timeout=lab.PATIENCE):
        """Until so many reports count in the index."""
        lab.wait_until(lambda: self.metric("tlsrpt_reports") == count,
                       f"{count} reports in the index", timeout)

    def restart(self):
        self.assertEqual(self.mta.stop(), 0)
        self.mta.start()

    def wait_text(self, text):
        lab.wait_until(
            lambda: any(text.encode() in line.text for line in self.lines()),
            text)


class Problems(TrackerCase):
    """A problem's life in log lines."""

    def setUp(self):
        super().setUp()
        self.milter()

    def test_opened_worse_resolved(self):
        queue_id = self.take(report(5, 97, [("certificate-expired", 3)]))
        opened = self.event(queue_id, "problem-opened")
        self.assertEqual(opened["severity"], "warning")
        self.assertEqual(opened["policy-domain"], "example.test")
        self.assertEqual(opened["receiving-mx-hostname"], "mx1.example.test")
        self.assertEqual(opened["policy-type"], "sts")
        self.assertEqual(opened["result-type"], "certificate-expired")
        self.assertEqual(opened["since"], mails.rfc3339(day(5)))
        self.assertIn("renew", opened["action"])
        self.assertTrue(opened["cause"])
        # Behind the lines of the report itself.
        self.assertEqual([e.name for e in self.events(queue_id)],
                         ["report", "policy", "failure", "problem-opened"])

        queue_id = self.take(report(4, 50, [("certificate-expired", 50)]))
        worse = self.event(queue_id, "problem-worse")
        self.assertEqual(worse["severity"], "err")
        self.assertEqual(worse["since"], opened["since"])
        self.assertEqual(worse["failed-session-count"], "53")

        self.take(report(3))
        self.assertEqual(self.told("problem-resolved"), [])
        queue_id = self.take(report(2))
        resolved = self.event(queue_id, "problem-resolved")
        self.assertEqual(resolved["since"], opened["since"])
        self.assertEqual(resolved["resolved"], mails.rfc3339(day(1)))
        self.assertEqual(len(self.told("problem-opened")), 1)

    def test_rare_failures_need_a_second_witness(self):
        self.take(report(2, 999, [("validation-failure", 1)]))
        self.assertEqual(self.told("problem-opened"), [])
        self.take(report(2, 999, [("validation-failure", 1)],
                         organization="Sender B"))
        opened = self.told("problem-opened")
        self.assertEqual([e["reporters"] for e in opened], ["2"])

    def test_what_is_long_past_is_stale(self):
        queue_id = self.take(report(30, 50, [("dane-required", 50)]))
        self.event(queue_id, "problem-stale")

    def test_loop_noise_opens_nothing(self):
        noise = report(2, 0, [("starttls-not-supported", 1)])
        del noise["contact-info"]
        queue_id = self.take(noise)
        self.assertEqual(self.event(queue_id, "report")["label"],
                         "loop-noise")
        self.assertEqual(self.event(queue_id, "failure")["label"],
                         "loop-noise")
        self.assertEqual(self.told("problem-opened"), [])

    def test_a_reporter_that_fell_silent_is_told_once(self):
        for ago in range(11, 4, -1):
            self.take(report(ago))
        self.take(report(1, organization="Sender B"))
        self.assertEqual(self.told("reporter-silent"), [])
        self.restart()
        silent = self.wait_told("reporter-silent")
        self.assertEqual([e["organization-name"] for e in silent],
                         ["Sender A"])
        self.assertTrue(silent[0]["action"])
        self.restart()
        self.take(report(2, organization="Sender B"))
        self.assertEqual(len(self.told("reporter-silent")), 1)

    def test_many_problems_of_one_report(self):
        rep = mails.report(mails.policy(0, 150, [
            mails.failure(sessions=1, receiving_mx_hostname=f"mx{n}.test")
            for n in range(150)]), start=day(1), end=day(1) + DAY - 1)
        queue_id = self.take(rep)
        lab.wait_until(
            lambda: len(self.events(queue_id, "omitted")) == 2, "two lines")
        self.assertEqual(len(self.events(queue_id, "problem-opened")), 100)
        omitted = self.events(queue_id, "omitted")
        self.assertEqual([e.get("problem-count") for e in omitted],
                         [None, "50"])


class Identity(TrackerCase):
    """The same report, in whatever way it comes again."""

    def setUp(self):
        super().setUp()
        self.milter()

    def test_a_duplicate_counts_once_over_restarts(self):
        rep = report(2)
        self.take(rep)
        self.restart()
        queue_id = self.take(rep)
        self.assertNotIn("content", self.event(queue_id, "duplicate"))
        self.assertEqual(self.metric("tlsrpt_reports"), 1)

    def test_another_content(self):
        rep = report(2)
        self.take(rep)
        rep["policies"][0]["summary"]["total-successful-session-count"] += 1
        # Of what comes in one second, the content says which is first.
        now = int(time.time())
        lab.wait_until(lambda: int(time.time()) > now, "the next second")
        queue_id = self.take(rep)
        self.assertEqual(self.names(queue_id), ["duplicate"])
        self.assertEqual(self.event(queue_id, "duplicate")["content"],
                         "differs")
        # It is kept, and does not count.
        self.assertEqual(len(self.mta.records()), 2)
        self.assertEqual(self.metric("tlsrpt_reports"), 1)
        self.assertNotIn("content",
                         self.event(self.take(rep), "duplicate"))

    def test_the_same_from_another_submitter(self):
        rep = report(2)
        self.take(rep)
        queue_id = self.take(rep, submitter="example.net")
        self.event(queue_id, "duplicate")
        self.assertEqual(self.metric("tlsrpt_reports"), 1)

    def test_many_at_once(self):
        """Each counts once, and a problem is told to one message alone."""
        reports = [report(1 + n % 20, failures=[("dane-required", 50)],
                          organization=f"Sender {n % 7}",
                          report_id=f"r{n}") for n in range(60)]
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            ids = list(pool.map(self.take, reports * 2))
        self.wait_told("duplicate", 60)
        self.assertEqual(len(self.told("report")), 60)
        self.wait_reports(60)
        opened = self.told("problem-opened")
        self.assertEqual(len(opened), 1)
        self.assertIn(opened[0].queue_id, ids)

    def test_discard_is_the_same_for_all(self):
        self.milter(OnReport="discard")
        rep = report(2)
        for _ in range(2):
            self.assert_discarded(self.take(rep))


class Trouble(TrackerCase):
    """Whatever happens to the state file: mail flows, nothing is lost."""

    def count(self):
        return len(self.mta.records())

    def take_quickly(self, ago, **kwargs):
        started = time.monotonic()
        queue_id = self.take(report(ago, **kwargs))
        self.event(queue_id, "report")
        self.delivered(queue_id)
        self.assertLess(time.monotonic() - started, SOON)

    def expect_error(self, reason, action="none: "):
        found = self.wait_told("error")
        self.assertEqual({event["reason"] for event in found}, {reason})
        self.assertTrue(all(event.level == 3 for event in found))
        for event in found:
            self.assertTrue(event["action"].startswith(action), event)

    def test_deleted(self):
        self.milter()
        self.take_quickly(3)
        for path in self.mta.state.parent.iterdir():
            path.unlink()
        self.take_quickly(2)
        self.expect_error("state-damaged")
        self.wait_text("in step")
        self.wait_reports(2)
        self.take_quickly(1)
        self.assertEqual(self.metric("tlsrpt_reports"), 3)

    def test_deleted_while_stopped(self):
        self.milter()
        self.take_quickly(3)
        self.mta.stop()
        for path in self.mta.state.parent.iterdir():
            path.unlink()
        self.mta.start()
        self.take_quickly(2)
        self.wait_reports(2)
        self.assertEqual(self.told("error"), [])

    def test_corrupted(self):
        self.milter()
        for ago in range(9, 3, -1):
            self.take_quickly(ago)
        self.mta.stop()
        size = self.mta.state.stat().st_size
        with open(self.mta.state, "r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        self.mta.start()
        self.take_quickly(2)
        self.expect_error("state-damaged")
        self.wait_reports(7)

    def test_no_database_at_all(self):
        self.make_milter()
        self.mta.state.write_text("This is no database.\n" * 1000)
        os.chown(self.mta.state, *self.owner(self.mta.archive))
        self.mta.start()
        self.take_quickly(2)
        self.expect_error("state-damaged")
        self.wait_reports(1)

    def check_mended(self, spoil):
        """What is spoilt while it is open is made anew with the next report,
        and the reports between are in it."""
        self.milter()
        for ago in range(9, 4, -1):
            self.take_quickly(ago)
        self.take_quickly(4, failures=[("certificate-expired", 50)])
        spoil(self.mta.state)
        self.take_quickly(3, failures=[("certificate-expired", 50)])
        self.expect_error("state-damaged")
        self.wait_text("in step")
        self.wait_reports(7)
        self.take_quickly(2)
        self.wait_reports(8)
        done = subprocess.run(
            [str(lab.TLSRPT), "problems", "--state", str(self.mta.state)],
            check=False, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("certificate-expired", done.stdout)
        self.assertEqual(len(self.told("error")), 1)
        with contextlib.closing(sqlite3.connect(self.mta.state)) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(),
                             [("ok",)])

    def test_overwritten_live(self):
        def overwrite(state):
            with open(state, "r+b") as file:
                file.write(os.urandom(8192))
        self.check_mended(overwrite)

    def test_truncated_live(self):
        self.check_mended(lambda state: os.truncate(state, 0))

    def test_log_of_the_file_removed_live(self):
        self.check_mended(
            lambda state: state.with_name(state.name + "-wal").unlink())

    def test_parts_of_the_archive_unreadable(self):
        """They are left out and named once, and the rest is kept in step."""
        self.milter()
        self.take_quickly(3)
        for directory in ("2026/01/01", "2025"):
            path = self.mta.archive / directory
            path.mkdir(parents=True)
            path.chmod(0o700)
        name = str(self.mta.records()[0])
        record = self.mta.archive / name
        os.chown(record, 0, 0)
        record.chmod(0o600)
        self.take_quickly(2)
        for path in self.mta.state.parent.iterdir():
            path.unlink()
        self.take_quickly(1)
        self.wait_text("in step")
        self.wait_reports(2)
        self.take_quickly(1, organization="Sender B")
        self.wait_reports(3)
        told = sorted(line.text.decode().split("not in the index: ")[1]
                      for line in self.lines()
                      if b"not in the index: " in line.text)
        self.assertEqual([text.split(": ")[0] for text in told], [
            "2025", "2026/01/01", name], told)

    def test_of_another_version(self):
        self.milter()
        self.take_quickly(2)
        self.mta.stop()
        with contextlib.closing(sqlite3.connect(self.mta.state)) as db:
            db.execute("PRAGMA user_version = 99")
        self.mta.start()
        self.take_quickly(1)
        self.expect_error("state-version")
        self.wait_reports(2)

    def test_of_another_archive(self):
        """What was counted elsewhere is not known here."""
        self.milter()
        rep = report(2)
        self.take(rep)
        self.mta.stop()
        elsewhere = self.mta.directory / "elsewhere"
        elsewhere.mkdir()
        os.chown(elsewhere, *self.owner(self.mta.archive))
        self.mta.configure(ArchiveDirectory=str(elsewhere))
        self.mta.start()
        self.event(self.take(rep), "report")
        self.wait_reports(1)

    @staticmethod
    def owner(path):
        return path.stat().st_uid, path.stat().st_gid

    def test_read_only(self):
        self.milter()
        self.take_quickly(3)
        self.mta.stop()
        for path in (*self.mta.state.parent.iterdir(),
                     self.mta.state.parent):
            os.chown(path, 0, 0)
            path.chmod(0o555 if path.is_dir() else 0o444)
        self.mta.start()
        self.take_quickly(2)
        self.expect_error("state", "make StateFile, ")
        for path in (self.mta.state.parent,
                     *self.mta.state.parent.iterdir()):
            os.chown(path, *self.owner(self.mta.archive))
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.wait_text("in step")
        self.wait_reports(2)

    def test_no_such_directory(self):
        self.milter(StateFile="/nowhere/at/all/state.db")
        self.take_quickly(2)
        self.expect_error("state", "make StateFile, ")
        self.assertEqual(self.count(), 1)

    def test_locked(self):
        """By another process, for a while (LOCKED_SECONDS)."""
        self.milter()
        self.take_quickly(20)
        db = sqlite3.connect(self.mta.state, isolation_level=None)
        with contextlib.closing(db):
            db.execute("BEGIN IMMEDIATE")
            until = time.monotonic() + LOCKED
            sent = 1
            while time.monotonic() < until:
                self.take_quickly(20, organization=f"Sender {sent}")
                sent += 1
                time.sleep(LOCKED / 20)
            self.expect_error("state-busy")
            db.execute("ROLLBACK")
        self.wait_text("in step")
        self.wait_reports(sent)
        self.assertEqual(len(self.told("error")), 1)
        # What the late ones mean is told, too.
        self.take_quickly(2, failures=[("certificate-expired", 50)])
        self.wait_told("problem-opened")

    def test_full_disk(self):
        self.make_milter()
        state = self.mta.state
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755",
                        "none", str(state.parent)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(state.parent)],
                        check=True)
        os.chown(state.parent, *self.owner(self.mta.archive))
        self.mta.start()
        self.take_quickly(20)
        filler = state.parent / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", 0) as file:
            while True:
                file.write(b"x" * 4096)
        sent = 1
        while not self.told("error") and sent < 400:
            self.take_quickly(20, organization=f"Sender {sent}")
            sent += 1
        self.expect_error("no-space")
        filler.unlink()
        self.wait_text("in step")
        self.wait_reports(sent)

    def test_killed_between_archive_and_index(self):
        """A start finds what the end before it left out."""
        self.milter()
        self.take_quickly(3)
        db = sqlite3.connect(self.mta.state, isolation_level=None)
        with contextlib.closing(db):
            db.execute("BEGIN IMMEDIATE")
            self.take_quickly(2, failures=[("certificate-expired", 50)])
            self.mta.may_end = True
            self.mta.signal(signal.SIGKILL)
            self.mta.wait_end()
        self.mta.may_end = False
        self.mta.start()
        self.wait_reports(2)
        self.wait_told("problem-opened")


if __name__ == "__main__":
    unittest.main()
