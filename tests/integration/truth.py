"""Reports of many senders over many days, by a seed, and what is in them.

Three problems begin and end, one lasts; a sender falls silent, some days have
no report, one sender counts its sessions under sts and tlsa, reports come
late, in any order, and some come twice. Whatever asks the index of them must
agree with the sums here to the session.
"""

import hashlib
import json
import random
import time

import mails

DAY = 86400
DAYS = 90
GAP = range(24, 27)  # days ago, without any report
SILENT = 6           # days ago, the last report of the last sender


def today():
    return int(time.time()) // DAY * DAY


def day(seconds):
    return mails.rfc3339(seconds)[:10]


class Problem:
    """A failure on some days, given as days ago, of a share of sessions."""

    def __init__(self, kind, domain, host, ages, share):
        self.kind = kind
        self.domain = domain
        self.host = host
        self.ages = ages
        self.share = share


def problems(domains):
    """For two domains: resolved, resolved, resolved, open."""
    one, two = domains
    return [
        Problem("certificate-host-mismatch", one, f"mx2.{one}",
                range(58, 68), 0.12),
        Problem("starttls-not-supported", two, f"mx1.{two}",
                range(43, 46), 0.5),
        Problem("tlsa-invalid", two, f"mx2.{two}", range(13, 20), 0.05),
        Problem("certificate-expired", one, f"mx1.{one}", range(1, 6), 0.3),
    ]


class Row:
    """What one report says of one domain on one day."""

    def __init__(self, sender, domain, start, successful, failures):
        self.sender = sender
        self.domain = domain
        self.start = start
        self.successful = successful
        self.failures = failures  # of (Problem, sessions)

    @property
    def failed(self):
        return sum(n for _, n in self.failures)

    @property
    def sessions(self):
        return self.successful + self.failed


class Truth:
    """senders are names, the busiest first; noise is a further Problem.

    Of fewer days, told are the problems in place of the usual ones.
    """

    def __init__(self, seed, senders, domains, noise=None, days=DAYS,
                 told=None):
        self.random = random.Random(seed)
        self.senders = list(senders)
        self.problems = told if told is not None else \
            problems(domains) + ([noise] if noise else [])
        self.rows = []
        self.reports = []  # (report, received), in the order of arrival
        for age in range(days, 0, -1):
            for place, sender in enumerate(self.senders):
                for domain in domains:
                    self.add(place, sender, domain, age)
        twice = self.random.sample(self.reports, len(self.reports) // 20)
        self.reports += [(rep, received + DAY) for rep, received in twice]
        self.random.shuffle(self.reports)

    def sessions(self, place, age):
        """Fewer from the later senders, fewer at the weekend."""
        weekday = (today() - age * DAY) // DAY % 7
        share = 0.45 if weekday in (2, 3) else 1
        return int(share * self.random.uniform(0.75, 1.25)
                   * 4000 / (place + 1) ** 1.3) + 5

    def add(self, place, sender, domain, age):
        is_last = place == len(self.senders) - 1
        if (age in GAP or self.random.random() < 0.05
                or (is_last and age < SILENT)):
            return
        sessions = self.sessions(place, age)
        failures = []
        for problem in self.problems:
            n = int(sessions * problem.share
                    * self.random.uniform(0.6, 1.4) + 0.5)
            if problem.domain == domain and age in problem.ages and n > 0:
                failures.append((problem, n))
        start = today() - age * DAY
        failed = sum(n for _, n in failures)
        row = Row(sender, domain, start, max(sessions - failed, 0), failures)
        self.rows.append(row)
        self.reports.append((self.report(row, place == 1),
                             self.received(start)))

    def received(self, start):
        """Mostly the next morning, sometimes weeks late."""
        late = self.random.randrange(20) * DAY \
            if self.random.random() < 0.1 else 0
        return min(start + DAY + 3600 + late, int(time.time()) - 60)

    @staticmethod
    def report(row, is_double):
        """A report; Microsoft counts the same under sts and under tlsa."""
        policies = [mails.policy(
            row.successful, row.failed,
            [mails.failure(problem.kind, n,
                           receiving_mx_hostname=problem.host)
             for problem, n in row.failures], domain=row.domain)]
        if is_double:
            clean = mails.policy(row.sessions, 0, domain=row.domain)
            clean["policy"]["policy-type"] = "tlsa"
            policies.append(clean)
        return mails.report(*policies, organization=row.sender,
                            start=row.start, end=row.start + DAY - 1)

    def store(self, archive):
        """Write all reports as records of the milter's archive."""
        for number, (rep, received) in enumerate(self.reports):
            store(archive, rep, received, str(number))

    def sums(self, name, since=0):
        """{name(row): [reports, sessions, failed]}"""
        found = {}
        for row in self.rows:
            if row.start >= since:
                sums = found.setdefault(name(row), [0, 0, 0])
                for at, n in enumerate((1, row.sessions, row.failed)):
                    sums[at] += n
        return found

    def failed(self, name):
        """{name(problem): [reports, failed]}"""
        found = {}
        for row in self.rows:
            for problem, n in row.failures:
                sums = found.setdefault(name(problem), [0, 0])
                sums[0] += 1
                sums[1] += n
        return found

    def failing(self, problem):
        """The rows that tell of a problem, and its sessions in all."""
        rows = [row for row in self.rows
                if any(found is problem for found, _ in row.failures)]
        return rows, sum(n for row in rows for found, n in row.failures
                         if found is problem)


# What a record says of who vouches, by rank; senders are called "Sender N" or
# "Gone".
VOUCHERS = (
    '"auth":"none"',
    '"dkim":{"result":"pass","domain":"stranger.test"}',
    '"auth":"path"',
    '"submitter":"mail.vouches.test",'
    '"dkim":{"result":"pass","domain":"vouches.test"}',
    '"dkim":{"result":"pass","domain":"sender.test"}')


def record(rep, received, rank=None):
    """(SHA-256, line) of the archive, with what the commands read of it."""
    text = json.dumps(rep, separators=(",", ":"))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    voucher = VOUCHERS[rank] + "," if rank is not None else ""
    return sha256, ('{"received":"%s","sha256":"%s","deviations":[],%s"report":'
                    '%s}\n' % (mails.rfc3339(received), sha256, voucher, text))


def store(archive, rep, received, name):
    """One record in the archive."""
    sha256, line = record(rep, received)
    path = (archive / day(received).replace("-", "/")
            / f"{sha256[:16]}-{name}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line, encoding="utf-8")


class Wild:
    """Reports by a seed such as no sender should write, a few names in all.

    Ranges of any length, at any time of the day; names in capitals; policies
    and failures that come twice; sums that are missing; loop noise; reports
    that come again, some of them with another content. With ranks, each has a
    third member, who vouches for it.
    """

    LENGTHS = (DAY - 1, DAY - 1, DAY - 1, DAY, DAY // 2 - 1, 2 * DAY - 1,
               6 * 3600, 0, -7, 40 * DAY)
    CONTACTS = ("tlsrpt@example.org", "tlsrpt@example.org", None, "",
                "mailto:Postmaster@example.org", "postmaster@example.org")
    KINDS = ("sts", "sts", "sts", "tlsa", "tlsa", "no-policy-found", "other")
    RESULTS = ("certificate-expired", "validation-failure", "unheard-of")

    def __init__(self, seed, count, senders, domains, days=DAYS,
                 with_ranks=False):
        self.random = random.Random(seed)
        self.senders = senders
        self.names = [name for domain in domains
                      for name in (domain, domain.upper(), domain + ".")]
        self.hosts = ("mx1.example.test", "MX1.example.test.",
                      "mx2.example.test", None)
        self.days = days
        self.reports = []
        for _ in range(count):
            self.add()
        for rep, _ in self.random.sample(self.reports, count // 4):
            self.again(rep)
        self.random.shuffle(self.reports)
        if with_ranks:
            self.reports = [(*pair, self.random.randrange(len(VOUCHERS)))
                            for pair in self.reports]

    def chance(self, share):
        return self.random.random() < share

    def failure(self):
        made = mails.failure(
            self.random.choice(self.RESULTS), self.random.randrange(4),
            receiving_mx_hostname=self.random.choice(self.hosts))
        for name in ("receiving-mx-hostname", "failed-session-count"):
            if made[name] is None or self.chance(0.05):
                del made[name]
        return made

    def policy(self):
        failures = [self.failure() for _ in range(self.random.choice(
            (0, 0, 0, 0, 1, 2, 3)))]
        made = mails.policy(
            self.random.choice((0, 1, 1, 19, 38, 99, 396)),
            sum(f.get("failed-session-count", 0) for f in failures),
            failures, kind=self.random.choice(self.KINDS),
            domain=self.random.choice(self.names))
        if self.chance(0.1):
            made["summary"]["total-failure-session-count"] = \
                self.random.randrange(3)
        elif self.chance(0.1):
            del made["summary"]["total-failure-session-count"]
        elif self.chance(0.05):
            del made["summary"]
        return made

    def policies(self):
        return [self.policy()
                for _ in range(self.random.choice((1, 1, 1, 2, 3)))]

    def add(self):
        start = (today() - self.random.randrange(1, self.days + 1) * DAY
                 + self.random.choice((0, 0, 0, 21600, 43200, 3661)))
        rep = mails.report(
            *self.policies(), organization=self.random.choice(self.senders),
            start=start, end=start + self.random.choice(self.LENGTHS),
            contact_info=self.random.choice(self.CONTACTS))
        if rep["contact-info"] is None:
            del rep["contact-info"]
        self.reports.append((rep, self.received(start)))

    def again(self, rep):
        """Once more, now and then with another content."""
        start = today() - self.random.randrange(1, self.days + 1) * DAY
        if self.chance(0.5):
            rep = {**rep, "policies": [*rep["policies"][:1],
                                       *self.policies()]}
        self.reports.append((rep, self.received(start)))

    def received(self, start):
        """In any order, and before the end of some ranges; some at once."""
        return min(start + self.random.randrange(-2, 30) * DAY,
                   int(time.time()) - 60)
