"""tlsrpt prune: what is old goes from the archive and from the index."""

import os
import random
import signal
import subprocess
import time

from case import lab, mails
from oracle import seconds
from test_index import Index, run
from truth import DAY, Truth, day, record, today

KINDS = ("day", "domain", "sender", "mx", "result-type")
DAYS = 30
KEPT = 15  # of them


class Prune(Index):
    """An archive whose records have the names that the milter gives."""

    def store(self, rep, start, received=None, where=""):
        sha256, line = record(rep, received or start + DAY + 3600)
        name = (f"sender.test!{DAY}!{start}!{start + DAY - 1}!"
                f"{sha256[:16]}.json")
        path = (self.archive / where / day(start).replace("-", "/") / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line, encoding="utf-8")
        return path

    def keep(self, age, **kwargs):
        """A report of that many days ago."""
        start = today() - age * DAY
        return self.store(mails.report(start=start, end=start + DAY - 1),
                          start, **kwargs)

    def words(self, *words):
        return ["prune", f"--archive={self.archive}", f"--state={self.state}",
                *words]

    def prune(self, *words, status=0):
        done = run(*self.words(*words))
        self.assertEqual(done.returncode, status, done)
        return done

    def names(self):
        return sorted(path.name for path in self.archive.rglob("*.json"))

    def answers(self, state):
        """All that the index knows."""
        done = [run("summary", f"--state={state}", "--format=json",
                    "--since=400d", f"--by={kind}") for kind in KINDS]
        done.append(run("problems", f"--state={state}", "--format=json",
                        "--all"))
        done.append(run("metrics", f"--state={state}"))
        for one in done:
            self.assertEqual((one.returncode, one.stderr), (0, ""))
        return [one.stdout for one in done]

    def check_agreement(self):
        """The index is what it would be if it were made anew."""
        fresh = self.dir / "fresh.db"
        done = run("reindex", f"--archive={self.archive}", f"--state={fresh}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.answers(self.state), self.answers(fresh))


class Truthful(Prune):
    def setUp(self):
        super().setUp()
        truth = Truth(7, [f"Sender {n}" for n in range(60)],
                      ("example.test", "other.test"), days=DAYS)
        # Without those that came twice.
        reports = {rep["report-id"]: rep for rep, _ in truth.reports}.values()
        self.starts = [seconds(rep["date-range"]["start-datetime"])
                       for rep in reports]
        for rep, start in zip(reports, self.starts):
            self.store(rep, start)
        self.reindex()
        # A day, so that the clock does not matter.
        limit = today() - KEPT * DAY
        self.older_than = f"--older-than={day(limit)}"
        self.young = [start for start in self.starts if start >= limit]

    def check_end(self):
        self.assertEqual(len(self.names()), len(self.young))
        self.assertEqual(
            {path.name for path in self.archive.glob("*/*/*")},
            {day(start)[8:] for start in self.young})
        self.check_agreement()

    def test_truth(self):
        before = len(self.starts)
        size = sum(path.stat().st_size for path in self.archive.rglob("*.json"))
        dry = self.prune(self.older_than, "--dry-run").stdout
        self.assertEqual(len(self.names()), before)
        done = self.prune(self.older_than)
        self.assertEqual(done.stderr, "")
        left = sum(path.stat().st_size for path in self.archive.rglob("*.json"))
        self.assertEqual(done.stdout,
                         f"{before - len(self.young)} records removed, "
                         f"{size - left} bytes\n")
        self.assertEqual(dry.replace("to be removed", "removed"), done.stdout)
        self.check_end()
        self.assertEqual(self.prune(self.older_than).stdout,
                         "0 records removed, 0 bytes\n")

    def test_killed(self):
        """kill -9 at any time leaves what the next prune mends."""
        chance = random.Random(8)
        start = time.monotonic()
        self.prune(self.older_than, "--dry-run")
        step = time.monotonic() - start
        killed = 0
        for _ in range(20):
            process = subprocess.Popen(
                [lab.TLSRPT, *self.words(self.older_than)],
                stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, step))
            process.send_signal(signal.SIGKILL)
            killed += process.wait(20) == -signal.SIGKILL
            # Between two of them it can be asked.
            self.ask("summary")
        self.assertGreater(killed, 0, "no kill hit it")
        self.prune(self.older_than)
        self.check_end()

    def test_killed_then_reindexed(self):
        process = subprocess.Popen(
            [lab.TLSRPT, *self.words(self.older_than)],
            stdout=subprocess.DEVNULL)
        while len(self.names()) == len(self.starts) \
                and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        self.reindex()
        self.check_agreement()
        self.prune(self.older_than)
        self.check_end()

    def test_without_index(self):
        self.state.unlink()
        done = self.prune(self.older_than)
        self.assertIn("there is no index", done.stderr)
        self.assertEqual(len(self.names()), len(self.young))
        self.assertFalse(self.state.exists())

    def test_damaged_index(self):
        self.state.write_text("no database\n" * 1000)
        done = self.prune(self.older_than)
        self.assertIn("state-damaged", done.stderr)
        self.assertIn("only the archive is pruned", done.stderr)
        self.assertEqual(len(self.names()), len(self.young))


class Small(Prune):
    def test_ages(self):
        for age in (1, 10, 20):
            self.keep(age)
            self.keep(age, where="unverified")
        for age, left in (("4w", 6), ("15d", 4), ("1d", 2)):
            self.prune(f"--older-than={age}")
            self.assertEqual(len(self.names()), left, age)

    def test_what_cannot_be_removed_is_named(self):
        path = self.keep(9)
        self.reindex()
        path.parent.chmod(0o500)
        os.chown(path.parent, 65534, 65534)
        os.chown(self.dir, 65534, 65534)
        for name in self.dir.glob("state*"):
            os.chown(name, 65534, 65534)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             lab.TLSRPT, *self.words("--older-than=5d")],
            check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout),
                         (66, "0 records removed, 0 bytes\n"), done)
        self.assertIn(f"cannot remove {path}: Permission denied", done.stderr)
        # Nor has the index forgotten it.
        self.assertEqual(len(self.objects("summary", "--since=20d")), 1)

    def test_usage(self):
        for words in ((), ("--older-than",), ("--older-than=0",),
                      ("--older-than=400",), ("--older-than=2999-01-01",),
                      ("--older-than=400d", "x"), ("--dry-run",)):
            done = self.prune(*words, status=64)
            self.assertEqual(done.stdout, "")
            self.assertIn('"tlsrpt prune --help"', done.stderr)
        done = run("prune", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_no_archive(self):
        self.archive.rmdir()
        done = self.prune("--older-than=400d", status=66)
        self.assertIn("No such file or directory", done.stderr)

    def test_progress_is_for_terminals(self):
        for _ in range(250):
            self.keep(100)
        done, text = self.on_terminal(*self.words("--older-than=50d"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("200 files read, ", text)
