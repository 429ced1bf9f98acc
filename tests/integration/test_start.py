"""The milter, the collector and the commands start at the same moment, with no
index or one that is of no use: one of them makes it, the others wait for that,
and a report that comes both ways counts once and is logged as a report once.

STARTS in the environment says how many starts of each kind there are.
"""

import concurrent.futures
import contextlib
import fcntl
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from collectorcase import CollectorCase, lab, mails

STARTS = int(os.environ.get("STARTS", "4"))
INDEX_SECONDS = 2.0  # that a daemon waits for it before it listens
BACKLOG = 400  # reports of an archive that is not empty
LARGE = 4000   # of one that takes a while


def archive_of(count):
    """An archive with so many reports, to be copied."""
    base = tempfile.mkdtemp(prefix="archive", dir="/run")
    path = f"{base}/mbox"
    with open(path, "wb") as file:
        for n in range(count):
            rep = mails.report(organization=f"Sender {n % 50}",
                               report_id=f"old-{n}")
            file.write(b"From a@b Thu Jan  1 00:00:00 2026\n"
                       + mails.mail(rep).replace(b"\r\n", b"\n") + b"\n\n")
    with open(f"{base}/conf", "w", encoding="ascii") as file:
        file.write(f"Mailbox {lab.MAILBOX}\nArchiveDirectory {base}/archive\n"
                   "StateFile none\nDKIM off\n")
    subprocess.run([str(lab.TLSRPT), "ingest", "-c", f"{base}/conf", path],
                   check=True, capture_output=True, timeout=120)
    return base


class Start(CollectorCase):
    archives = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.archives = {count: archive_of(count) for count in (BACKLOG, LARGE)}
        cls.addClassCleanup(
            lambda: [shutil.rmtree(base) for base in cls.archives.values()])

    def setUp(self):
        super().setUp()
        self.reports = 0
        self.there = self.make_milter(StateFile=None)
        self.posts = self.collector(start=False)
        self.furnish(0)

    def furnish(self, count, spoil=lambda state: None):
        """A new place for both: an archive with count reports, and a state
        that spoil() leaves."""
        self.reports += 1
        base = self.there.directory / f"place{self.reports}"
        base.mkdir()
        archive, state = base / "archive", base / "state" / "state.db"
        if count > 0:
            shutil.copytree(f"{self.archives[count]}/archive", archive)
        archive.mkdir(exist_ok=True)
        state.parent.mkdir()
        spoil(state)
        subprocess.run(["chown", "-R", lab.USER, base], check=True)
        self.there.archive, self.there.state = archive, state
        for one in self.there, self.posts:
            one.configure(ArchiveDirectory=str(archive), StateFile=str(state))

    def fresh(self):
        """A report that has never been sent."""
        return mails.report(report_id=f"{self.id()}-{time.monotonic_ns()}")

    def mail(self, rep):
        lab.wait_until(self.there.is_listening, "the milter")
        self.send(mails.mail(rep, submitter="example.net"))

    def post(self, rep):
        """As soon as the socket is there; taken when the answer comes."""
        def answer():
            with contextlib.suppress(ConnectionRefusedError):
                return self.posts.post(mails.text_of(rep),
                                       "application/tlsrpt+json")
            return None
        self.assertIn(lab.wait_until(answer, "the collector"), (200, 201))

    def both_ways(self, rep):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for sent in [pool.submit(way, rep)
                         for way in (self.mail, self.post)]:
                sent.result()

    def indexed(self):
        """Reports that count; asking makes no file."""
        name = f"file:{self.there.state}?mode=ro"
        with contextlib.closing(sqlite3.connect(name, uri=True)) as db:
            return db.execute(
                "SELECT count(*) FROM report WHERE counted").fetchone()[0]

    def wait_indexed(self, count):
        def is_so():
            with contextlib.suppress(sqlite3.Error):
                return self.indexed() == count
            return False
        lab.wait_until(is_so, f"{count} reports in the index")

    def names_since(self, first=0):
        """Of the lines of reports."""
        return sorted(name for name in self.names_logged()[first:]
                      if name in ("report", "duplicate"))

    def reasons(self, one):
        """Of the trouble that a daemon has told of."""
        return re.findall(r"event=error reason=([^ ]+)",
                          self.text_of(one.process.pid))

    def both_reasons(self):
        return self.reasons(self.there) + self.reasons(self.posts)

    def stop_both(self):
        self.assertEqual(self.posts.stop(), 0)
        self.assertEqual(self.there.stop(), 0)
        self.there.process = None

    def start_both(self):
        self.posts.start(wait=False)
        self.there.start(wait=False)

    def text_of(self, pid):
        return b"\n".join(line.text for line in self.lines(pid)).decode()

    def both_texts(self):
        return "\n--\n".join(self.text_of(one.process.pid)
                             for one in (self.there, self.posts))

    def start_with(self, rep, first):
        """Both, and send a report both ways as soon as they listen."""
        began = time.monotonic()
        self.start_both()
        self.both_ways(rep)
        names = self.names_since(first)
        taken = time.monotonic() - began
        # Who has waited that long for the index listens without it.
        if taken < INDEX_SECONDS:
            self.assertEqual(
                names, ["duplicate", "report"],
                f"{taken:.2f} s, {self.both_reasons()}: {self.both_texts()}")
        self.assertEqual(len(names), 2, self.both_texts())

    def check(self, count, spoil=lambda state: None, trouble=()):
        """Start both at once, again and again."""
        for _ in range(STARTS):
            self.furnish(count, spoil)
            first = len(self.logged())
            self.start_with(self.fresh(), first)
            self.assertLessEqual(
                set(self.both_reasons()), set(trouble), self.both_texts())
            self.wait_indexed(count + 1)
            made = [self.text_of(one.process.pid).count("reports in the index")
                    for one in (self.there, self.posts)]
            self.assertEqual(sorted(made), [0, 1], self.both_texts())
            self.stop_both()

    def test_nothing_there(self):
        self.check(0)

    def test_an_archive_without_index(self):
        self.check(BACKLOG)

    def test_a_damaged_index(self):
        def spoil(state):
            state.write_text("This is no database.\n" * 1000)
        self.check(BACKLOG, spoil, ["state-damaged"])

    def test_of_another_version(self):
        def spoil(state):
            with contextlib.closing(sqlite3.connect(state)) as db:
                db.executescript("PRAGMA application_id = 1414288464;"
                                 "PRAGMA user_version = 99;")
        self.check(BACKLOG, spoil, ["state-version"])

    def test_somebody_looks_for_it(self):
        """Who opens the index just then, and is slow, is waited for."""
        path = self.there.state.parent
        directory = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        fcntl.flock(directory, fcntl.LOCK_SH)
        self.there.start(wait=False)
        lab.wait_until(
            lambda: "making the index" in self.text_of(self.there.process.pid),
            "the milter that makes it")
        time.sleep(0.5)
        self.assertFalse(self.there.state.exists())
        fcntl.flock(directory, fcntl.LOCK_UN)
        self.mail(self.fresh())
        self.wait_indexed(1)
        self.assertEqual(self.reasons(self.there), [])

    def test_with_commands(self):
        """reindex and ingest at the same moment as both."""
        for _ in range(STARTS):
            self.furnish(BACKLOG)
            first = len(self.logged())
            rep, other = self.fresh(), self.fresh()
            path = self.there.directory / "mbox"
            path.write_bytes(b"From a@b Thu Jan  1 00:00:00 2026\n"
                             + mails.mail(other).replace(b"\r\n", b"\n"))
            commands = [
                # pylint: disable=consider-using-with
                subprocess.Popen(
                    [str(lab.TLSRPT), *words], stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE)
                for words in (("reindex", "-c", str(self.there.conf)),
                              ("ingest", "-c", str(self.there.conf),
                               str(path)))]
            self.start_with(rep, first)
            ended = [(one.communicate(timeout=60)[1], one.returncode)
                     for one in commands]
            # 75: another is making it.
            self.assertIn(ended[0][1], (0, 75), ended)
            self.assertEqual(ended[1][1], 0, ended)
            self.wait_indexed(BACKLOG + 2)
            self.stop_both()

    def make_slowly(self):
        """The milter, stopped while it makes the index."""
        self.furnish(LARGE)
        made = self.there.state.with_name(self.there.state.name + ".new")
        self.there.start(wait=False)
        while not made.exists() or made.stat().st_size < 65536:
            self.assertFalse(self.there.state.exists(), "too late")
        self.there.signal(signal.SIGSTOP)
        self.addCleanup(self.there.signal, signal.SIGCONT)
        self.assertTrue(made.exists())

    def test_killed_while_it_makes_the_index(self):
        """Who waits for it makes the index then."""
        self.make_slowly()
        self.posts.start(wait=False)
        lab.wait_until(
            lambda: "waiting for another" in self.text_of(
                self.posts.process.pid), "the collector that waits")
        self.there.may_end = True
        self.there.signal(signal.SIGKILL)
        self.there.wait_end()
        self.wait_indexed(LARGE)
        first = len(self.logged())
        self.post(self.fresh())
        self.assertEqual(self.names_since(first), ["report"])
        self.wait_indexed(LARGE + 1)

    def test_stopped_while_it_makes_the_index(self):
        """Others take reports all the same, and end when they are told."""
        self.make_slowly()
        self.posts.start(wait=False)
        began = time.monotonic()
        self.post(self.fresh())
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(self.names_since(), ["report"])
        began = time.monotonic()
        self.assertEqual(self.posts.stop(), 0)
        self.assertLess(time.monotonic() - began, 20)
        self.there.signal(signal.SIGCONT)
        self.wait_indexed(LARGE + 1)

    def test_locked_by_somebody_for_ever(self):
        """A lock that nobody gives back: mail flows, and that is said."""
        made = self.there.state.with_name(self.there.state.name + ".new")
        made.touch()
        shutil.chown(made, lab.USER)
        with open(made, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            self.start_both()
            self.both_ways(self.fresh())
            # Nobody knows the one of the other.
            self.assertEqual(self.names_since(), ["report"] * 2)
            self.assertFalse(self.there.state.exists())
            lab.wait_until(lambda: "state-busy" in self.reasons(self.posts),
                           "a line that says so")
        self.wait_indexed(1)

        def is_known():
            first = len(self.names_logged())
            self.both_ways(self.fresh())
            return self.names_since(first) == ["duplicate", "report"]
        lab.wait_until(is_known, "one that is known the second time")
