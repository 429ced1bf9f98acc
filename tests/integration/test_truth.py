"""The commands that ask the index, against a script's truth.

Reports of 90 days by 12 senders, with problems that begin and end, and wild
ones, come in several orders and on several roads: made an index of at once,
ingested in parts, sent through Postfix and the milter. Whatever is asked must
be answered as oracle.py has it from the reports alone, to the session.
"""

import collections
import csv
import io
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import mails
from case import LabCase, lab
from ingestcase import Place
from oracle import (DAY, KINDS, Oracle, change, host, rank_of, seconds,
                    text_of)
from truth import Problem, Truth, Wild, day, record, today

SENDERS = [f"Sender {n}" for n in range(12)]
DOMAINS = ("example.test", "other.test")
NAMES = (None, *DOMAINS, "OTHER.test.", "unheard.test")
ORDERS = {
    "as received": lambda arrived: sorted(arrived, key=lambda pair: pair[1]),
    "reversed": lambda arrived: sorted(arrived, key=lambda pair: -pair[1]),
    "shuffled": lambda arrived: arrived,
}


def windows():
    """(options, first day, last day) of summaries, days as numbers."""
    now = today() // DAY

    def date(ago):
        return day((now - ago) * DAY)
    return [
        ((), now - 7, now),
        (("--since=90d",), now - 90, now),
        (("--since=1d",), now - 1, now),
        (("--since=4w", "--until=2w"), now - 28, now - 14),
        ((f"--since={date(66)}", f"--until={date(44)}"), now - 66, now - 44),
        ((f"--since={date(5)}", f"--until={date(5)}"), now - 5, now - 5),
        (("--since=1000d",), now - 1000, now)]


class Answers:
    """What the commands say of one index."""

    def __init__(self, test, state):
        self.test = test
        self.state = state

    def ask(self, *words, status=0):
        done = subprocess.run(
            [str(lab.TLSRPT), words[0], f"--state={self.state}", *words[1:]],
            check=False, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60)
        self.test.assertEqual((done.returncode, done.stderr), (status, ""),
                              (words, done.stdout))
        return done.stdout

    def objects(self, *words):
        return [json.loads(line)
                for line in self.ask(*words, "--format=json").splitlines()]

    def problems(self, *words):
        found = self.objects("problems", *words)
        for number, problem in enumerate(found, 1):
            self.test.assertEqual(problem.pop("number"), number)
            self.test.assertTrue(problem.pop("cause") and
                                 problem.pop("action"))
        return found

    def health(self, status):
        """The performance data, without units and bounds."""
        data = self.ask("health", status=status).partition(" | ")[2]
        return {name: int(value.rstrip("s")) for name, value in (
            word.partition(";")[0].split("=") for word in data.split())}

    def metrics(self):
        lines = [line.removeprefix("tlsrpt_").rpartition(" ")
                 for line in self.ask("metrics").splitlines()
                 if not line.startswith("#")]
        return {name: int(value) for name, _, value in lines}

    def summary(self, *words):
        """In JSON; rates are compared with the counts beside them."""
        rows = self.objects("summary", *words)
        for row in rows:
            if "failure-rate" in row:
                ok, failed = (row[f"total-{name}-session-count"]
                              for name in ("successful", "failure"))
                self.test.assertEqual(row["failure-rate"],
                                      f"{rate(ok, failed):.2f}%")
        return rows

    def all(self):
        """Everything, to be compared with what another index says."""
        status, = {subprocess.run(
            [str(lab.TLSRPT), "health", f"--state={self.state}"],
            check=False, capture_output=True, timeout=60).returncode}
        health = self.health(status)
        health.pop("age", None)
        return {
            "health": (status, health), "metrics": self.metrics(),
            "problems": self.problems("--all"),
            "open": self.problems(),
            **{(by, name): self.objects("summary", f"--by={by}",
                                        "--since=1000d", *of_domain(name))
               for by in KINDS for name in (None, *DOMAINS)}}


def rate(successful, failed):
    return 100 * failed / (successful + failed) if failed else 0


def known(name):
    """A domain as the index has it."""
    return name and host(name)


def of_domain(name):
    return [f"--domain={name}"] if name is not None else []


class Agreement:
    """Everything that can be asked, for a test that has an index."""

    def check_all(self, answers, oracle):
        self.check_sums(answers, oracle)
        self.check_formats(answers, oracle)
        self.check_rest(answers, oracle)

    def check_rest(self, answers, oracle):
        """All but summary."""
        self.check_problems(answers, oracle)
        self.check_health(answers, oracle)
        self.check_ready(answers, oracle)
        self.assertEqual(answers.metrics(), oracle.metrics())

    def check_sums(self, answers, oracle):
        for by, (words, first, last), name in itertools.product(
                KINDS, windows(), NAMES):
            if (name not in (None, DOMAINS[1])
                    and words != ("--since=90d",)):
                continue
            rows = answers.summary(f"--by={by}", *words, *of_domain(name))
            self.assertEqual(
                [self.row(by, row) for row in rows],
                oracle.sums(by, first, last, known(name)), (by, words, name))

    @staticmethod
    def row(by, row):
        return (row.get(KINDS[by], ""), int(row["reports"]),
                int(row.get("total-successful-session-count", 0)),
                int(row["total-failure-session-count"]))

    def check_formats(self, answers, oracle):
        """CSV and text say the same."""
        for by, name in itertools.product(KINDS, (None, "OTHER.test.")):
            words = [f"--by={by}", "--since=90d", *of_domain(name)]
            sums = oracle.sums(by, today() // DAY - 90, today() // DAY,
                               known(name))
            rows = list(csv.DictReader(io.StringIO(answers.ask(
                "summary", *words, "--format=csv"), newline="")))
            self.assertEqual([self.row(by, row) for row in rows], sums)
            for row in rows if by in ("day", "domain", "sender") else ():
                self.assertEqual(row["failure-rate"],
                                 f"{rate(*self.row(by, row)[2:]):.2f}")
            self.check_text(by, answers.ask("summary", *words), sums)

    def check_text(self, by, text, sums):
        title, empty, _, *lines = text.splitlines()
        self.assertEqual(empty, "")
        self.assertTrue(title.startswith(
            f"TLS reports of {day(today() - 90 * DAY)} to {day(today())}"))
        has_sessions = by in ("day", "domain", "sender")
        told = [(name or "-", *counts) for name, *counts in sums]
        if has_sessions:
            total = [sum(column) for column in list(zip(*told))[1:]]
            told.append(("in all", *(total or [0, 0, 0])))
        found = []
        for line in lines:
            *numbers, name = line.split(None, 4 if has_sessions else 2)
            if has_sessions:
                reports, ok, failed = map(int, numbers[:3])
                self.assertEqual(numbers[3], f"{rate(ok, failed):.2f}%")
            else:
                reports, failed = map(int, numbers)
                ok = 0
            found.append((name, reports, ok, failed))
        self.assertEqual(found, told)

    def check_problems(self, answers, oracle):
        for is_all, name in itertools.product((False, True), NAMES):
            words = [*(["--all"] if is_all else []), *of_domain(name)]
            expected = oracle.problems(is_all, known(name))
            self.assertEqual(answers.problems(*words), expected, words)
            self.assertEqual(told_in_text(answers.ask("problems", *words)),
                             [facts(problem) for problem in expected])

    def check_health(self, answers, oracle):
        status, data = oracle.health()
        found = answers.health(status)
        if oracle.reports:
            age = max(oracle.now - oracle.newest, 0)
            self.assertLessEqual(abs(found.pop("age") - age),
                                 time.time() - oracle.now + 1)
        self.assertEqual(found, data)

    def check_ready(self, answers, oracle, names=NAMES[1:]):
        for name in names:
            against, told = oracle.ready(known(name))
            text = answers.ask("ready", name, status=1 if against else 0)
            self.assertEqual(
                re.findall(r"^  NO   (\S+) ", text, re.MULTILINE), against)
            self.assertEqual(tuple(map(int, re.search(
                r"days +(\d+) of the last 30 .*\n.*"
                r"\n.* sessions +(\d+) reported by (\d+) senders?; 10 are.*"
                r"\n.* failures +(\d+) sessions of the last 14 days",
                text).groups())), told[:4])
            found = re.search(r" problems +(\d+) not resolved", text)
            self.assertEqual(int(found[1]) if found else 0, told[4])


def told_in_text(text):
    """The problems of a text, each as facts() has it."""
    found = []
    for part in re.split(r"(?m)^\d+\. ", text)[1:]:
        head, *lines = part.splitlines()
        rows = dict(re.findall(r"(?m)^  (\S+) +(.*)$", "\n".join(lines)))
        for name in ("meaning", "cause", "action", "verify", "by"):
            assert rows.pop(name), part
        found.append({"": head, **rows})
    return found


def facts(problem):
    mx = problem.get("receiving-mx-hostname")
    reports = problem["reports"]
    made = {
        "": f"{problem['result-type']}{' on MX ' + mx if mx else ''}: "
            f"{problem['state']}, {problem['severity']}",
        "policy-domain": problem["policy-domain"],
        "policy-type": problem["policy-type"],
        **{name: problem[name][:10] for name in ("since", "last", "resolved")
           if name in problem},
        "sessions": f"{problem['failed-session-count']} failed of "
                    f"{problem['total-session-count']}, in {reports} report"
                    + ("" if reports == 1 else "s"),
        "reporters": ", ".join(problem["reporters"])}
    return made


def arrived_at(archive):
    """(report, received, rank) of each record of an archive."""
    records = [json.loads(path.read_text())
               for path in archive.glob("[0-9]*/**/*.json")]
    return [(kept["report"], seconds(kept["received"]), rank_of(kept))
            for kept in records]


class Archived(unittest.TestCase, Agreement):
    """tlsrpt reindex, of archives that were filled in several orders."""

    maxDiff = 4000

    def setUp(self):
        # In memory, as there are many files.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tlsrpt-truth-",
                                                 dir="/run"))
        self.addCleanup(shutil.rmtree, self.dir)

    def store(self, arrived):
        """A few records a day of the archive: days are read in order."""
        archive = self.dir / "archive"
        shutil.rmtree(archive, ignore_errors=True)
        for number, one in enumerate(arrived):
            day_number, place = divmod(number, 8)
            where = archive / f"2026/{day_number // 100:02}" \
                f"/{day_number % 100:02}"
            if place == 0:
                where.mkdir(parents=True)
            (where / f"{place}.json").write_text(
                record(*one)[1], encoding="utf-8")
        return archive

    def reindex(self, arrived):
        state = self.dir / "state.db"
        subprocess.run([str(lab.TLSRPT), "reindex", f"--state={state}",
                        f"--archive={self.store(arrived)}"],
                       check=True, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60)
        return Answers(self, state)

    def test_senders(self):
        """90 days of 12 senders: all that can be asked."""
        truth = Truth(7, SENDERS, DOMAINS)
        oracle = Oracle(truth.reports, int(time.time()))
        self.check_planted(truth, oracle)
        self.check_all(self.reindex(truth.reports), oracle)

    def check_planted(self, truth, oracle):
        """What was put in is what the oracle finds."""
        self.assertEqual(
            {row[0]: list(row[1:2]) + [row[2] + row[3], row[3]]
             for row in oracle.sums("sender", 0, today())},
            truth.sums(lambda row: row.sender))
        found = {problem["result-type"]: problem
                 for problem in oracle.problems(is_all=True)}
        self.assertEqual(len(found), 4)
        for problem, state in zip(truth.problems, 3 * ["resolved"] + ["open"]):
            rows, failed = truth.failing(problem)
            told = found[problem.kind]
            self.assertEqual(
                (told["state"], told["since"], told["last"],
                 told["failed-session-count"], told["total-session-count"],
                 told["reports"], told["reporters"]),
                (state, mails.rfc3339(min(row.start for row in rows)),
                 mails.rfc3339(max(row.start for row in rows) + DAY - 1),
                 failed, sum(row.sessions for row in rows), len(rows),
                 sorted({row.sender for row in rows})))

    def test_seeds_and_orders(self):
        for seed, (name, order) in zip((11, 12, 13), ORDERS.items()):
            with self.subTest(seed=seed, order=name):
                truth = Truth(seed, SENDERS, DOMAINS)
                answers = self.reindex(order(truth.reports))
                self.check_rest(answers, Oracle(truth.reports,
                                                int(time.time())))

    def test_wild(self):
        """Reports such as no sender should write, in any order."""
        for seed in (1, 2):
            wild = Wild(seed, 500, SENDERS, DOMAINS,
                        with_ranks=seed == 2).reports
            oracle = Oracle(wild, int(time.time()))
            for name, order in ORDERS.items():
                with self.subTest(seed=seed, order=name):
                    answers = self.reindex(order(wild))
                    if name == "shuffled":
                        self.check_all(answers, oracle)
                    else:
                        self.check_rest(answers, oracle)

    def test_ready(self):
        """A domain that is clean, one with a problem, one of few days."""
        clean = Truth(3, SENDERS, ("clean.test",), days=20, told=[])
        broken = Truth(4, SENDERS, ("broken.test",), days=20, told=[
            Problem("certificate-expired", "broken.test", "mx.broken.test",
                    range(1, 3), 0.001)])
        young = Truth(5, SENDERS, ("young.test",), days=13, told=[])
        arrived = clean.reports + broken.reports + young.reports
        answers = self.reindex(arrived)
        oracle = Oracle(arrived, int(time.time()))
        for name, against in (("clean", []), ("broken", ["problems"]),
                              ("young", ["days"]),
                              ("unheard", ["days", "newest", "sessions"])):
            self.check_ready(answers, oracle, [f"{name}.test"])
            self.assertEqual(oracle.ready(f"{name}.test")[0], against)


class Ingested(LabCase, Agreement):
    """tlsrpt ingest, in parts: each is added to what is there already."""

    def ingest(self, place, arrived, parts):
        size = len(arrived) // parts + 1
        for part in range(0, len(arrived), size):
            shutil.rmtree(place.files)
            for number, pair in enumerate(arrived[part:part + size]):
                place.write(f"{number:06}.json", record(*pair)[1].encode())
            done = place.run("ingest", place.files)
            self.assertEqual((done.returncode, done.stderr), (0, b""), done)

    def check(self, arrived, parts):
        place = Place()
        self.addCleanup(shutil.rmtree, place.base)
        self.ingest(place, arrived, parts)
        answers = Answers(self, place.state)
        oracle = Oracle(arrived_at(place.archive), int(time.time()))
        self.check_rest(answers, oracle)
        before = answers.all()
        done = place.run("reindex")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        self.assertEqual(before, answers.all())

    def test_senders(self):
        self.check(Truth(21, SENDERS, DOMAINS).reports, 6)

    def test_wild(self):
        self.check(Wild(22, 600, SENDERS, DOMAINS).reports, 12)

    def test_who_is_vouched_for(self):
        self.check(Wild(23, 600, SENDERS, DOMAINS, with_ranks=True).reports,
                   12)


class Sent(LabCase, Agreement):
    """Through Postfix and the milter, in any order."""

    def start(self):
        self.milter()
        return Answers(self, self.mta.state)

    def send_all(self, arrived):
        """In one session; returns the queue ids."""
        client = self.client()
        return [client.send(mails.mail(text_of(rep).encode())).queue_id
                for rep, _ in arrived]

    def check_reindex(self, answers):
        """What the milter has built is what reindex builds."""
        before = answers.all()
        done = subprocess.run(
            [str(lab.TLSRPT), "reindex", f"--archive={self.mta.archive}",
             f"--state={self.mta.state}"], check=False, capture_output=True,
            text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(before, answers.all())

    def test_shuffled(self):
        answers = self.start()
        arrived = Truth(31, SENDERS[:4], DOMAINS, days=14, told=[
            Problem("certificate-host-mismatch", DOMAINS[0],
                    f"mx2.{DOMAINS[0]}", range(8, 11), 0.3),
            Problem("certificate-expired", DOMAINS[1], f"mx1.{DOMAINS[1]}",
                    range(1, 4), 0.1)]).reports
        arrived += Wild(32, 120, SENDERS[:4], DOMAINS, days=14).reports
        self.send_all(arrived)
        # The milter has the moments at which they came.
        stored = arrived_at(self.mta.archive)
        self.assertEqual(
            len(stored), len({json.dumps(rep) for rep, _ in arrived}))
        self.check_all(answers, Oracle(stored, int(time.time())))
        self.check_reindex(answers)

    def test_failures_first(self):
        """Then what shows that they were gone, the newest first."""
        answers = self.start()
        arrived = Truth(33, SENDERS[:3], DOMAINS, days=12, told=[
            Problem("tlsa-invalid", DOMAINS[0], f"mx1.{DOMAINS[0]}",
                    (9, 5, 1), 0.3),
            Problem("tlsa-invalid", DOMAINS[1], f"mx1.{DOMAINS[1]}",
                    (4, 3), 0.3)]).reports

        def failed(pair):
            return "failure-details" in pair[0]["policies"][0]
        arrived.sort(key=lambda pair: pair[0]["date-range"]["end-datetime"],
                     reverse=True)
        self.send_all(sorted(arrived, key=failed, reverse=True))
        oracle = Oracle(arrived_at(self.mta.archive), int(time.time()))
        self.assertEqual(
            [problem["state"] for problem in oracle.problems(is_all=True)],
            ["open", *3 * ["resolved"]])
        self.check_rest(answers, oracle)
        self.check_reindex(answers)

    def test_in_order(self):
        """Each event once, with the report that brought it about."""
        answers = self.start()
        arrived = self.in_order()
        queue_ids = self.send_all(arrived)
        told = collections.defaultdict(list)
        for event in self.events():
            if event.name.startswith("problem-"):
                told[event.queue_id].append(self.told(event))
        expected = dict(zip(queue_ids, self.changes(arrived)))
        self.assertEqual(dict(told), {queue_id: events for queue_id, events
                                      in expected.items() if events})
        self.check_lives(told)
        self.check_rest(answers, Oracle(arrived_at(self.mta.archive),
                                        int(time.time())))
        self.check_silence()
        self.check_reindex(answers)

    @staticmethod
    def in_order():
        """Two domains of 14 days, of which the last sender tells until 6 days
        ago, and a third, of which one does until 10 days ago."""
        one, two, gone = *DOMAINS, "gone.test"

        def problem(kind, domain, ages, share):
            return Problem(kind, domain, f"mx1.{domain}", ages, share)
        arrived = Truth(41, SENDERS[:3], (one, two), days=14, told=[
            problem("certificate-host-mismatch", one, range(7, 8), 0.02),
            problem("certificate-host-mismatch", one, range(6, 7), 0.5),
            problem("starttls-not-supported", two, range(12, 14), 0.5),
            problem("certificate-expired", two, range(1, 3), 0.02)]).reports
        arrived += [
            (rep, received) for rep, received in Truth(
                42, ("Gone", "Nobody"), (gone,), days=20, told=[
                    problem("tlsa-invalid", gone, range(10, 12), 0.5)]).reports
            if rep["organization-name"] == "Gone"
            and seconds(rep["date-range"]["end-datetime"])
            < today() - 9 * DAY]
        return sorted(arrived, key=lambda pair: (
            pair[0]["date-range"]["start-datetime"], pair[1]))

    @staticmethod
    def told(event):
        names = ("policy-domain", "receiving-mx-hostname", "policy-type",
                 "result-type", "state", "since", "last", "resolved")
        counts = ("failed-session-count", "total-session-count", "reports",
                  "reporters")
        return (event.name, *(event.get(name) for name in names),
                *(int(event[name]) for name in counts))

    @staticmethod
    def changes(arrived):
        """The events of each report, worked out from all before it."""
        now = int(time.time())
        before = {}
        for number in range(1, len(arrived) + 1):
            after = Oracle(arrived[:number], now).latest()
            events = []
            for key, episode in sorted(after.items()):
                name = change(before.get(key), episode, now)
                if name is not None:
                    made = Oracle([], now).described(key, episode)
                    events.append((
                        name, *key, made["state"], made["since"],
                        made["last"], made.get("resolved"),
                        made["failed-session-count"],
                        made["total-session-count"], made["reports"],
                        len(made["reporters"])))
            yield events
            before = after

    def check_lives(self, told):
        """As they were planted: each step once, since the first day."""
        found = collections.defaultdict(list)
        for event, _, _, _, result, _, since, *_ in itertools.chain(
                *told.values()):
            found[result].append((event, since[:10]))

        def life(age, *events):
            return [(f"problem-{event}", day(today() - age * DAY))
                    for event in events]
        self.assertEqual(found, {
            "certificate-host-mismatch": life(7, "opened", "worse",
                                              "resolved"),
            "starttls-not-supported": life(13, "stale", "resolved"),
            "certificate-expired": life(2, "opened"),
            "tlsa-invalid": life(11, "stale")})

    def check_silence(self):
        """Told at the next start: who came daily until days ago."""
        self.assertEqual(self.silent(), [])
        self.assertEqual(self.mta.stop(), 0)
        self.mta.start()
        lab.wait_until(lambda: len(self.silent()) >= 2, "reporter-silent")
        self.assertEqual(
            [(event["organization-name"], event["last"][:10])
             for event in self.silent()],
            [("Gone", day(today() - 10 * DAY)),
             (SENDERS[2], day(today() - 6 * DAY))])

    def silent(self):
        return [event for event in self.events()
                if event.name == "reporter-silent"]


if __name__ == "__main__":
    unittest.main()
