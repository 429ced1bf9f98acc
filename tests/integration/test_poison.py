"""A stranger sends another content of a report, before it comes or after.

What makes it the same report can be guessed. Whoever is vouched for best
counts, by whatever road each of them comes and in whatever order.
"""

import copy
import itertools
import json
import subprocess
import time

from collectorcase import (CollectorCase, JSON, PATH, TOKEN, lab, mails)
from dkimcase import DOMAIN, place_of, record, signed
from oracle import Oracle, rank_of, seconds

DAY = 86400
EVIL = "evil.example"
MINE = "tls@" + EVIL
FAILURE = "certificate-expired"
MARKS = {None: "", "differs": "+"}


def clean(rep):
    """The same report, but for its failures."""
    made = copy.deepcopy(rep)
    made["policies"] = [mails.policy(100)]
    return made


def genuine():
    """Yesterday's, by a name that is that of its domain, with failures."""
    start = int(time.time()) // DAY * DAY - DAY
    return mails.report(
        mails.policy(50, 50, [mails.failure(FAILURE, 50)]),
        organization="Example Mailer Inc.", start=start, end=start + DAY - 1)


class PoisonCase(CollectorCase):
    """A milter and a collector that share an archive and an index."""

    def setUp(self):
        super().setUp()
        server = self.nameserver({place_of("s"): record(),
                                  place_of("s", EVIL): record()})
        self.place = self.collector(
            start=False, Resolver=server.address, TrustedProxy="unix",
            PathSecret=f"example.test {TOKEN}")
        self.milter(DKIM="require", Resolver=server.address,
                    ArchiveDirectory=str(self.place.archive),
                    StateFile=str(self.place.state))
        # One of them makes the index.
        lab.wait_until(lambda: self.place.run("metrics").returncode == 0,
                       "the index")
        self.place.start()
        self.settle()

    def settle(self):
        """Until both know what is in the index: neither is busy with it."""
        for road in (self.posted, self.mailed):
            rep = clean(genuine())

            def is_known(rep=rep, road=road):
                rep["contact-info"] += "x"
                road("", rep)
                return self.first["event"] == "duplicate" \
                    or "content" in self.first
            lab.wait_until(is_known, "the index in step")
        self.differing = self.oracle().differing

    # The roads. names are the events that each must bring about, with a plus
    # for content=differs; "" is any.

    def told(self, names, function, *args):
        before = len(self.logged())
        function(*args)
        found = [fields for _, fields in self.logged()[before:]
                 if fields["event"] != "error"]
        self.first = found[0]
        # Who finds the index locked, for once, cannot know.
        if names and "error" not in self.names_logged():
            self.assertEqual(" ".join(
                fields["event"] + MARKS[fields.get("content")]
                for fields in found), names)

    def posted(self, names, rep, path=PATH, **kwargs):
        def post():
            self.assertEqual(self.place.post(
                mails.text_of(rep), JSON, path, **kwargs), 201)
        self.told(names, post)

    def mailed(self, names, rep, **kwargs):
        """Signed by its own domain."""
        self.told(names, self.send, signed(rep=rep, **kwargs))

    def strange(self, names, rep, **kwargs):
        """Signed by a stranger, who sends it as himself."""
        self.told(names, self.send, self.by_stranger(rep, **kwargs))

    @staticmethod
    def by_stranger(rep, submitter=DOMAIN):
        return signed(rep=rep, domain=EVIL, author=f"X <x@{EVIL}>",
                      submitter=submitter)

    # What comes of it

    def problems(self):
        done = self.place.run("problems", "--format=json")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [json.loads(line)["result-type"]
                for line in done.stdout.splitlines()]

    def check(self, problems, differing):
        """It is so, as the archive alone has it, and an index made anew."""
        oracle = self.oracle()
        self.assertEqual([p["result-type"] for p in oracle.problems()],
                         problems)
        self.assertEqual(oracle.differing - self.differing, differing)
        lab.wait_until(lambda: self.metrics() == oracle.metrics(),
                       "the index in step")
        self.assertEqual(self.problems(), problems)
        before = self.place.dump()
        done = self.place.run("reindex")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.place.dump(), before)

    def oracle(self):
        records = [self.place.record(path) for path in self.place.records()]
        return Oracle([(kept["report"], seconds(kept["received"]),
                        rank_of(kept)) for kept in records],
                      int(time.time()))

    def metrics(self):
        done = self.place.run("metrics")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = [line.removeprefix("tlsrpt_").rpartition(" ")
                 for line in done.stdout.decode().splitlines()
                 if not line.startswith("#")]
        return {name: int(value) for name, _, value in lines}

    def restart(self):
        self.assertEqual(self.mta.stop(), 0)
        self.mta.start()
        self.assertEqual(self.place.stop(), 0)
        self.place.start()
        self.settle()

    @staticmethod
    def next_second():
        """Of what comes in one second, the content says which is first."""
        now = int(time.time())
        lab.wait_until(lambda: int(time.time()) > now, "the next second")


OPENED = "report policy failure problem-opened"
REPLACED = "report+ policy failure problem-opened"


class Posted(PoisonCase):
    def test_before_the_mail(self):
        rep = genuine()
        self.posted("report policy", clean(rep))
        self.mailed(REPLACED, rep)
        self.assertEqual((self.first["dkim"], self.first["severity"]),
                         ("pass", "err"))
        # It is archived as ever.
        kept = self.place.record(self.first["archive"])
        self.assertEqual((kept["report"], kept["dkim"]["domain"]),
                         (rep, DOMAIN))
        self.check([FAILURE], 1)
        # And again, in any order, and after a restart.
        for _ in range(2):
            self.mailed("duplicate", rep)
            self.posted("duplicate", clean(rep))
            self.restart()
            self.check([FAILURE], 0)

    def test_after_the_mail(self):
        rep = genuine()
        self.mailed(OPENED, rep)
        self.posted("duplicate+", clean(rep))
        self.check([FAILURE], 1)

    def test_made_up_failures_are_taken_back(self):
        rep = genuine()
        self.posted(OPENED, rep)
        self.check([FAILURE], 0)
        self.mailed("report+ policy problem-resolved", clean(rep))
        self.check([], 1)

    def test_a_restart_between_them(self):
        rep = genuine()
        self.posted("report policy", clean(rep))
        self.restart()
        self.mailed(REPLACED, rep)
        self.check([FAILURE], 1)

    def test_an_index_made_between_them(self):
        rep = genuine()
        self.posted("report policy", clean(rep))
        self.check([], 0)
        self.settle()
        self.mailed(REPLACED, rep)
        self.check([FAILURE], 1)

    def test_the_same_by_another_road(self):
        """It came by HTTPS, too late there, and then by mail."""
        rep = genuine()
        self.posted("report policy", clean(rep))
        self.next_second()
        self.posted("duplicate+", rep)
        self.mailed(REPLACED, rep)
        self.check([FAILURE], 1)

    def test_tokens_and_proxies(self):
        """Each stands above the one before it."""
        rep = genuine()

        def content(n):
            return {**clean(rep), "policies": [mails.policy(100 + n)]}
        self.posted("report policy", content(1))
        self.posted("report+ policy", content(2), f"{PATH}/{TOKEN}")
        self.strange("report+ policy", content(3), submitter=EVIL)
        self.posted("duplicate+", content(4), f"{PATH}/{TOKEN}")
        self.posted(REPLACED, rep, unix=True,
                    headers={"X-Remote-User": "sender"})
        self.next_second()
        self.mailed("duplicate+", content(5))
        self.check([FAILURE], 5)


class Mailed(PoisonCase):
    """By a stranger, whose signature is as good as any, but for its domain."""

    def test_strangers_by_any_name(self):
        """He says that he is the other, or does not."""
        opened = " problem-opened"
        for contact, submitter, is_first in itertools.product(
                (MINE, f"tls@{DOMAIN}"), (EVIL, DOMAIN), (True, False)):
            with self.subTest(contact=contact, submitter=submitter,
                              is_first=is_first):
                rep = genuine()
                poison = {**clean(rep), "contact-info": contact}
                if is_first:
                    self.strange("report policy", poison, submitter=submitter)
                    self.mailed("report+ policy failure" + opened, rep)
                else:
                    self.mailed("report policy failure" + opened, rep)
                    self.strange("duplicate+", poison, submitter=submitter)
                opened = ""  # by the first of all
        self.check([FAILURE], 8)

    def test_a_name_that_is_not_the_domain(self):
        """It is enough to say truly where it is from."""
        rep = {**genuine(), "organization-name": "Somebody Else"}
        poison = {**clean(rep), "contact-info": f"tls@{DOMAIN}"}
        self.strange("report policy", poison)
        self.mailed(REPLACED, rep)
        self.check([FAILURE], 1)

    def test_nobody_is_refused(self):
        """Who has no better one to compare with counts."""
        rep = genuine()
        self.strange(OPENED, rep)
        self.check([FAILURE], 0)


class Ingested(PoisonCase):
    def test_a_message(self):
        rep = genuine()
        self.posted("report policy", clean(rep))
        self.told(REPLACED, self.take, self.place, signed(rep=rep))
        self.check([FAILURE], 1)

    def test_the_backlog(self):
        """Both in any order, in one run and in two."""
        for order in ("poison genuine", "genuine poison", "both"):
            with self.subTest(order=order):
                rep = genuine()
                mail = {"genuine": signed(rep=rep), "poison": self.by_stranger(
                    {**clean(rep), "contact-info": MINE}, EVIL)}
                for name, text in mail.items():
                    self.place.write(f"{order}/{name}.eml", text)
                names = order.split() if order != "both" else [""]
                for name in names:
                    path = self.place.files / order / name
                    self.load(self.place,
                              path.with_suffix(".eml") if name else path)
        self.check([FAILURE], 3)

    def test_a_record_tells_who_vouches(self):
        """Taken over into another archive."""
        rep = genuine()
        self.posted("", clean(rep))
        self.mailed("", rep)
        self.check([FAILURE], 1)
        before = self.problems()
        for path in (self.place.state.parent.glob("state.db*")):
            path.unlink()
        taken = self.place.base / "old"
        self.place.archive.rename(taken)
        self.place.archive.mkdir()
        subprocess.run(["chown", lab.USER, str(self.place.archive)],
                       check=True)
        self.load(self.place, taken)
        self.assertEqual(self.problems(), before)

    def test_a_record_in_an_mbox_vouches_for_nobody(self):
        """Where a stranger may have written it into a mail."""
        rep = genuine()
        self.place.configure(DKIM="log")
        text = mails.text_of(clean(rep)).decode()
        forged = ('{"received":"2026-01-01T00:00:00Z","sha256":"%064x",'
                  '"submitter":"%s","dkim":{"result":"pass","domain":"%s"},'
                  '"report":%s}\n' % (1, DOMAIN, DOMAIN, text)).encode()
        path = self.place.write(
            "mbox", b"From x@y Thu Jan  1 00:00:00 2026\n" + forged
            + b"\nFrom x@y Thu Jan  1 00:00:00 2026\n"
            + signed(rep=rep).replace(
                b"\r\n", b"\n"))
        self.load(self.place, path, counts=(2, 0, 0, 0, 0))
        self.assertEqual(self.problems(), [FAILURE])


