"""What the index must say, worked out from the reports by brute force.

The rules that problem.h and state.h write down, in the simplest Python that
follows them; nothing here asks the program, nor is as fast as it.
"""

import collections
import datetime
import functools
import hashlib
import json
import re

import mails

DAY = 86400
RESOLVE_AFTER = 2 * DAY
STALE_AFTER = 7 * DAY
SILENT_AFTER = 3 * DAY
RANGE_MAX = 31 * DAY
NOISE_SESSIONS = 2
MIN_SESSIONS = 10
SEVERITIES = ["err", "warning", "notice", "info"]  # the worst first
KINDS = {"day": "day", "domain": "policy-domain",
         "mx": "receiving-mx-hostname", "sender": "organization-name",
         "result-type": "result-type"}
TYPES = ("sts", "tlsa")  # of which the same sessions may be counted twice
NEVER = 1 << 62

Key = collections.namedtuple("Key", "domain mx kind result")


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).timestamp())


def text_of(rep):
    """The text by which contents are told apart."""
    return json.dumps(rep, separators=(",", ":"))


def worst(severities):
    return min(severities, key=SEVERITIES.index)


def severity_of(successful, failed):
    """By NoticeRate 1%, WarningRate 5% and MinSessions 10."""
    sessions = successful + failed
    if failed == 0:
        return "info"
    if 100 * failed < sessions:
        return "notice"
    if 100 * failed <= 5 * sessions or sessions < MIN_SESSIONS:
        return "warning"
    return "err"


def host(name):
    name = (name or "").lower()
    return name.removesuffix(".") if len(name) > 1 else name


def behind(end):
    """A range that ends at a second 59 includes that second."""
    return end + 1 if end % 60 == 59 else end


class Policy:
    """All that a report says of one policy domain and policy type."""

    def __init__(self):
        self.successful = self.failed = 0
        self.severity = "info"
        self.failures = collections.Counter()  # {(MX, result type): sessions}

    def add(self, policy):
        """Returns its sessions."""
        summary = policy.get("summary", {})
        details = policy.get("failure-details", [])
        told = sum(detail.get("failed-session-count", 0)
                   for detail in details)
        successful = summary.get("total-successful-session-count", 0)
        failed = summary.get("total-failure-session-count", told)
        severity = severity_of(successful, failed)
        if failed == 0 and told > 0:
            severity = "notice"
        self.successful += successful
        self.failed += failed
        self.severity = worst([self.severity, severity])
        for detail in details:
            self.failures[host(detail.get("receiving-mx-hostname")),
                          detail["result-type"]] \
                += detail.get("failed-session-count", 0)
        return successful + failed


class Report:
    """A report that counts: policies by (domain, type)."""

    def __init__(self, rep, received):
        self.sender = rep["organization-name"]
        self.start, self.end = self.range_of(rep, received)
        self.policies = collections.defaultdict(Policy)
        largest = 0
        for policy in rep["policies"]:
            what = policy["policy"]
            key = host(what["policy-domain"]), what["policy-type"]
            largest = max(largest, self.policies[key].add(policy))
        contact = (rep.get("contact-info") or "").lower()
        self.is_noise = largest <= NOISE_SESSIONS and (
            not contact
            or contact.removeprefix("mailto:").startswith("postmaster@"))

    @staticmethod
    def range_of(rep, received):
        latest = received + DAY
        start = min(seconds(rep["date-range"]["start-datetime"]), latest)
        end = seconds(rep["date-range"]["end-datetime"])
        if end < start:
            end = start + DAY - 1
        return start, min(end, start + RANGE_MAX, latest)

    def once(self, domain, value):
        """A value of the policies for a domain, sts and tlsa counted once."""
        values = [(kind, value(policy)) for (name, kind), policy
                  in self.policies.items() if name == domain]
        return (max([n for kind, n in values if kind in TYPES], default=0)
                + sum(n for kind, n in values if kind not in TYPES))

    def domains(self):
        return {domain for domain, _ in self.policies}

    def failing(self, domain):
        """{(MX, result type): sessions} of a domain."""
        names = {name for (found, _), policy in self.policies.items()
                 if found == domain for name in policy.failures}
        return {name: self.once(domain, lambda policy, name=name:
                                policy.failures[name]) for name in names}


Sighting = collections.namedtuple(
    "Sighting", "reporter start end sessions failed severity fails noise")


class Episode:
    """sightings are all of the problem, failures those of the episode."""

    def __init__(self, sightings):
        self.sightings = sightings
        self.failures = []

    @property
    def since(self):
        return self.failures[0].start

    @property
    def last(self):
        return max(failure.end for failure in self.failures)

    @property
    def reporters(self):
        return sorted({failure.reporter for failure in self.failures})

    @property
    def severity(self):
        return worst(failure.severity for failure in self.failures)

    @property
    def failed(self):
        return sum(failure.failed for failure in self.failures)

    @property
    def sessions(self):
        return sum(failure.sessions for failure in self.failures)

    @property
    def has_opened(self):
        return (self.severity in ("err", "warning")
                or len(self.reporters) > 1
                or len({f.start // DAY for f in self.failures}) > 1)

    def resolved(self):
        return min(self.covered(reporter) for reporter in self.reporters)

    def covered(self, reporter):
        """When the clean ranges of a reporter are long enough, or NEVER.

        Time is cut wherever a range begins or ends; each piece is covered or
        is not.
        """
        last = behind(self.last)
        ranges = [(s.start, behind(s.end)) for s in self.sightings
                  if s.reporter == reporter and not s.fails
                  and s.sessions > 0 and behind(s.end) > last]
        cuts = sorted({last, *(at for pair in ranges for at in pair
                               if at > last)})
        left = RESOLVE_AFTER
        for begin, end in zip(cuts, cuts[1:]):
            if any(first <= begin and end <= past for first, past in ranges):
                if end - begin >= left:
                    return begin + left
                left -= end - begin
        return NEVER

    def state(self, now):
        if self.resolved() != NEVER:
            return "resolved"
        newest = max(s.end for s in self.sightings
                     if s.reporter in self.reporters)
        return "stale" if now - behind(newest) >= STALE_AFTER else "open"


def episodes_of(sightings):
    found = []
    for failure in sorted((s for s in sightings if s.fails and not s.noise),
                          key=lambda s: s.start):
        if not found or (failure.start - behind(found[-1].last)
                         >= RESOLVE_AFTER
                         and found[-1].resolved() <= failure.start):
            found.append(Episode(sightings))
        found[-1].failures.append(failure)
    return found


# Who vouches for a report, from the least to the most.
NOBODY, STRANGER, TOKEN, SIGNER, NAMED = range(5)
SUFFIXES = {"co.uk"}  # of more than one label, among those in the tests


def organizational(domain):
    """The part of a domain that was registered, or None."""
    labels = domain.lower().removesuffix(".").split(".")
    for at in range(1, len(labels)):
        suffix = ".".join(labels[at:])
        if suffix in SUFFIXES or "." not in suffix:
            return ".".join(labels[at - 1:])
    return None


def is_aligned(name, domain):
    return "." in (name or "") \
        and organizational(name) == organizational(domain)


def rank_of(kept):
    """By what a record of the archive says besides the report."""
    if "auth" in kept:
        return {"proxy": NAMED, "path": TOKEN}.get(kept["auth"], NOBODY)
    dkim = kept.get("dkim", {})
    if dkim.get("result") != "pass":
        return NOBODY
    rep, domain = kept["report"], dkim["domain"]

    def plain(text):
        return re.sub(r"[^a-z0-9]", "", text.lower())
    name = rep["organization-name"]
    word = name.split()[0]
    label = plain(organizational(domain).split(".")[0])
    if plain(word) == label or plain(name) == label \
            or is_aligned(word.rstrip(".,;"), domain):
        return NAMED
    contact = (rep.get("contact-info") or "").rpartition("@")[2]
    if is_aligned(contact, domain) \
            or is_aligned(kept.get("submitter"), domain):
        return SIGNER
    return STRANGER


class Oracle:
    """arrived: (report, received) or (report, received, rank), in any order,
    with duplicates.

    Who asks it of a domain has its name as host() makes it.
    """

    def __init__(self, arrived, now):
        self.now = now
        self.received = 0
        same = collections.defaultdict(list)  # by identity
        for rep, received, *rank in arrived:
            sha256 = hashlib.sha256(text_of(rep).encode()).hexdigest()
            same[self.identity(rep)].append(
                (-rank[0] if rank else NOBODY, received, sha256, rep))
        self.reports = []
        self.differing = 0
        for found in same.values():
            _, received, _, rep = min(found, key=lambda one: one[:3])
            self.reports.append(Report(rep, received))
            self.received = max(self.received, received)
            self.differing += len({one[2] for one in found}) - 1
        self.episodes = self.work_out()

    @staticmethod
    def identity(rep):
        policies = rep["policies"]
        return (rep["organization-name"], rep["report-id"],
                policies[0]["policy"]["policy-domain"] if policies else "",
                *rep["date-range"].values())

    # Problems

    def work_out(self):
        """[(key, episode)] of all that have opened."""
        keys = {Key(domain, mx, kind, result) for report in self.reports
                for (domain, kind), policy in report.policies.items()
                for mx, result in policy.failures}
        told = collections.defaultdict(list)
        for report in self.reports:
            for name, policy in report.policies.items():
                told[name].append((report, policy))
        return [(key, episode) for key in keys
                for episode in episodes_of(
                    [self.sighting(key, *pair)
                     for pair in told[key.domain, key.kind]])
                if episode.has_opened]

    @staticmethod
    def sighting(key, report, policy):
        fails = (key.mx, key.result) in policy.failures
        return Sighting(report.sender, report.start, report.end,
                        policy.successful + policy.failed,
                        policy.failures[key.mx, key.result] if fails else 0,
                        policy.severity, fails, report.is_noise)

    def latest(self):
        """{key: its last episode}"""
        found = {}
        for key, episode in self.episodes:
            if key not in found or episode.since > found[key].since:
                found[key] = episode
        return found

    def described(self, key, episode):
        """As the JSON of "tlsrpt problems" has it."""
        resolved = episode.resolved()
        made = {
            "state": episode.state(self.now), "severity": episode.severity,
            "policy-domain": key.domain, "policy-type": key.kind,
            "result-type": key.result,
            "since": mails.rfc3339(episode.since),
            "last": mails.rfc3339(episode.last),
            "total-session-count": episode.sessions,
            "failed-session-count": episode.failed,
            "reports": len(episode.failures),
            "reporters": episode.reporters}
        if key.mx:
            made["receiving-mx-hostname"] = key.mx
        if resolved != NEVER:
            made["resolved"] = mails.rfc3339(resolved)
        return made

    @functools.cached_property
    def told(self):
        """All problems, as "tlsrpt problems" orders them."""
        return [self.described(*pair) for pair in sorted(
            self.episodes, key=lambda pair: (
                SEVERITIES.index(pair[1].severity), -pair[1].last, *pair[0],
                pair[1].since))]

    def problems(self, is_all=False, domain=None):
        return [problem for problem in self.told
                if (is_all or problem["state"] != "resolved")
                and domain in (None, problem["policy-domain"])]

    def count(self, state, domain=None):
        return sum(problem["state"] == state
                   for problem in self.problems(True, domain))

    # Sums

    @functools.cached_property
    def lines(self):
        """What is added up, by each kind."""
        return {by: list(self.each_line(by)) for by in KINDS}

    def each_line(self, by):
        """(name, domain, day, successful, failed)"""
        for report in self.reports:
            day = report.start // DAY
            for domain in report.domains():
                if by in ("mx", "result-type"):
                    for name, failed in report.failing(domain).items():
                        yield name[by == "result-type"], domain, day, 0, failed
                    continue
                name = {"day": mails.rfc3339(report.start)[:10],
                        "domain": domain, "sender": report.sender}[by]
                failed = report.once(domain, lambda policy: policy.failed)
                sessions = report.once(
                    domain, lambda policy: policy.successful + policy.failed)
                yield name, domain, day, sessions - failed, failed

    def sums(self, by, first, last, domain=None):
        """Days, as numbers, both included: [(name, reports, ok, failed)]"""
        found = {}
        for name, of, day, *counts in self.lines[by]:
            if first <= day <= last and domain in (None, of):
                sums = found.setdefault(name, [0, 0, 0])
                for at, n in enumerate((1, *counts)):
                    sums[at] += n
        rows = [(name, *sums) for name, sums in found.items()]
        rows.sort(key=lambda row: row[0] if by == "day"
                  else (-row[3], -row[2], row[0]))
        return rows

    def total(self):
        """Sessions of all days: successful, failed."""
        rows = self.sums("day", 0, NEVER)
        return sum(row[2] for row in rows), sum(row[3] for row in rows)

    # The other commands

    @property
    def newest(self):
        return max((report.end for report in self.reports), default=0)

    def health(self):
        """Exit status, and the performance data but for the age."""
        live = [problem["severity"] for problem in self.told
                if problem["state"] == "open"]
        status = 0
        if "err" in live:
            status = 2
        elif live or not self.reports or self.now - self.newest > SILENT_AFTER:
            status = 1
        return status, {
            "open": len(live), "stale": self.count("stale"),
            "reports": len(self.reports),
            "reporters": len({report.sender for report in self.reports})}

    def ready(self, domain):
        """What speaks against it, and the numbers that are told."""
        today = self.now // DAY
        days = {}
        recent = [0, 0]
        senders = set()
        successful = failed = 0
        for report in self.reports:
            policy = report.policies.get((domain, "sts"))
            day = report.start // DAY
            if policy is None or not today - 30 <= day < today:
                continue
            senders.add(report.sender)
            successful += policy.successful
            failed += policy.failed
            if policy.successful + policy.failed > 0:
                days[day] = True
            if day >= today - 14:
                recent[0] += policy.successful
                recent[1] += policy.failed
        problems = len(self.problems(domain=domain))
        against = {
            "days": len(days) < 14,
            "newest": not days or self.now - (max(days) + 1) * DAY
            > SILENT_AFTER,
            "sessions": successful + failed < MIN_SESSIONS,
            "failures": severity_of(*recent) in ("warning", "err"),
            "problems": bool(problems)}
        told = (len(days), successful + failed, len(senders), recent[1],
                problems)
        return [name for name, is_so in against.items() if is_so], told

    def metrics(self):
        """{series: value}"""
        successful, failed = self.total()
        _, data = self.health()
        made = {
            "reports": data["reports"], "reports_differing": self.differing,
            "reporters": data["reporters"],
            "policy_domains": len({domain for report in self.reports
                                   for domain in report.domains()}),
            'sessions{result="successful"}': successful,
            'sessions{result="failed"}': failed}
        for state in ("open", "stale", "resolved"):
            made[f'problems{{state="{state}"}}'] = self.count(state)
        if self.reports:
            made["newest_report_end_timestamp_seconds"] = self.newest
            made["last_report_received_timestamp_seconds"] = self.received
        for problem in self.problems():
            labels = {name.replace("-", "_"): problem.get(name, "")
                      for name in ("policy-domain", "receiving-mx-hostname",
                                   "policy-type", "result-type", "state",
                                   "severity")}
            made["problem_failed_sessions{" + ",".join(
                f'{name}="{value}"' for name, value in labels.items())
                 + "}"] = problem["failed-session-count"]
        return made


def change(before, after, now):
    """The event of a problem whose last episode was before, or None."""
    if after is None:
        return None
    state = after.state(now)
    if before is not None and after.since <= before.last:
        was = before.state(now)
        if was == state:
            return ("problem-worse" if state == "open"
                    and SEVERITIES.index(after.severity)
                    < SEVERITIES.index(before.severity) else None)
        if (was, state) == ("stale", "open") and after.last <= before.last:
            return None
    return "problem-opened" if state == "open" else f"problem-{state}"
