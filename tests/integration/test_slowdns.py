"""A resolver that is slow, silent, changed or wrong, and signals meanwhile."""

import concurrent.futures
import contextlib
import os
import signal
import statistics
import threading
import time

from case import World, lab, mails
from dkimcase import SignedCase, place_of, record, signed, unsigned

BOSS = "boss@example.test"
CROWD = 200
TIMEOUT = 1.0
# What an answer may take beyond the wait for DNS, with all the processes of
# so many sessions on two cores that have other things to do. One after the
# other they would take CROWD times TIMEOUT.
MARGIN = 20.0
SLOW = "slow.example.org"


def of(times):
    """What is to be told of the times of ordinary mails."""
    return (f"median {statistics.median(times) * 1000:.0f} ms, "
            f"worst {max(times) * 1000:.0f} ms")


class Crowd(SignedCase):
    """Many report mails at once; ordinary mail in between."""

    def crowd(self):
        """Sessions of CROWD clients with one milter.

        Postfix has 150 processes a service at most, so there are two.
        """
        second = self.make_milter()
        second.may_end = True
        self.addCleanup(second.socket.unlink)
        self.silent = self.nameserver({
            place_of(f"s{i}", SLOW): record() for i in range(CROWD)})
        self.silent.silence(SLOW)
        first = self.verifier(self.silent, DNSTimeout=f"{TIMEOUT:g}s",
                              OnReport="discard")
        second.socket.symlink_to(first.socket)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = list(pool.map(
                lambda i: lab.Client((first, second)[i % 2].port),
                range(CROWD)))
            self.mails = list(pool.map(
                lambda i: signed(f"s{i}", SLOW, rep=mails.report()),
                range(CROWD)))
        for client in clients:
            self.addCleanup(client.close)
        self.mta = first
        return clients

    @staticmethod
    def send_all(clients, all_mails, recipient=lab.MAILBOX, action=None):
        """All end at once, just after action(); futures of the replies and of
        what each waited for them."""
        ready = threading.Barrier(len(clients) + 1, action)

        def run(client, mail):
            client.envelope(recipient)
            client.start_data()
            client.raw(lab.stuff(mail))
            ready.wait(60)
            started = time.monotonic()
            client.raw(b".\r\n")
            return client.reply(), time.monotonic() - started

        pool = concurrent.futures.ThreadPoolExecutor(len(clients))
        running = [pool.submit(run, *pair) for pair in
                   zip(clients, all_mails)]
        ready.wait(60)
        return pool, running

    def ordinary_until(self, is_over, least=30):
        """Send ordinary mail for others; returns how long each took."""
        taken = []
        with lab.Client(self.mta.port) as client:
            while len(taken) < least or not is_over():
                started = time.monotonic()
                reply = client.send(mails.ordinary(), BOSS)
                taken.append(time.monotonic() - started)
                self.assertEqual(reply.code, 250, reply)
        return taken

    def load(self, clients, recipient=lab.MAILBOX):
        """The crowd and ordinary mail at the same time.

        Returns replies, their times, and the times of the ordinary mail.
        """
        pool, running = self.send_all(clients, self.mails, recipient)
        with pool:
            others = self.ordinary_until(
                lambda: all(future.done() for future in running))
            results = [future.result() for future in running]
        return ([reply for reply, _ in results],
                [taken for _, taken in results], others)

    def test_two_hundred(self):
        """Without DNS, all at the same instant, and with DNS that is slow."""
        clients = self.crowd()
        self.nobody_waits_longer_than_dns_timeout(clients)
        self.nobody_is_queued(clients)
        self.all_pass_when_dns_is_slow(clients)

    def nobody_waits_longer_than_dns_timeout(self, clients):
        # The same mails to somebody else: the same load without reports.
        _, _, before = self.load(clients, BOSS)
        replies, taken, during = self.load(clients)
        self.assertEqual({reply.code for reply in replies}, {451})
        self.assertEqual(
            {(e["dkim-reason"], e["disposition"]) for e in self.events()},
            {("dns-timeout", "tempfail")})
        self.assertEqual(len(self.events()), CROWD)
        self.assertEqual(self.mta.records(), [])
        print(f"    {CROWD} reports, no DNS, DNSTimeout {TIMEOUT:g} s: "
              f"answered after {min(taken):.2f} to {max(taken):.2f} s, "
              f"median {statistics.median(taken):.2f} s; {len(during)} "
              f"ordinary mails in between {of(during)}; with the same load "
              f"without reports {of(before)}")
        self.assertGreaterEqual(min(taken), TIMEOUT)
        self.assertLess(max(taken), TIMEOUT + MARGIN)
        self.assertLess(max(during), MARGIN)

    def nobody_is_queued(self, clients):
        """All are there when the milter looks.

        libmilter's pool would have them served by the two threads that are
        idle then, one after the other.
        """
        pool, running = self.send_all(
            clients, self.mails,
            action=lambda: self.mta.signal(signal.SIGSTOP))
        with pool:
            time.sleep(1)  # until Postfix has handed over all of them
            self.mta.signal(signal.SIGCONT)
            continued = time.monotonic()
            others = self.ordinary_until(lambda: True)
            replies = [future.result()[0] for future in running]
            taken = time.monotonic() - continued
        self.assertEqual({reply.code for reply in replies}, {451})
        print(f"    {CROWD} reports at one instant, no DNS: all answered "
              f"after {taken:.2f} s; ordinary mails {of(others)}")
        self.assertLess(taken, TIMEOUT + MARGIN)
        self.assertLess(max(others), MARGIN)

    def all_pass_when_dns_is_slow(self, clients):
        """The retry of them all, with a server that takes its time."""
        slow = self.nameserver({
            place_of(f"s{i}", SLOW): record() for i in range(CROWD)})
        slow.delay(SLOW, 0.5)
        self.mta.configure(Resolver=slow.address, DNSTimeout="20s")
        self.reload()
        replies, taken, during = self.load(clients)
        self.assertEqual({reply.code for reply in replies}, {250})
        reports = self.events(name="report")
        self.assertEqual(len(reports), CROWD)
        self.assertEqual({e["dkim"] for e in reports}, {"pass"})
        self.assertEqual(len({e["report-id"] for e in reports}), CROWD)
        self.assertEqual(len(self.genuine_records()), CROWD)
        print(f"    {CROWD} reports, DNS answers after 0.5 s: taken after "
              f"{min(taken):.2f} to {max(taken):.2f} s; ordinary mails "
              f"{of(during)}")
        self.assertGreaterEqual(min(taken), 0.5)


class Waiting(SignedCase):
    """Signals while a mail waits for DNS."""

    def waiting(self, seconds, **settings):
        """A client whose mail waits; returns it and the milter."""
        counter = self.counter()
        milter = self.verifier(counter, DNSTimeout=seconds, **settings)
        self.wait_started()
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.start_data()
        client.raw(lab.stuff(signed()) + b".\r\n")
        lab.wait_until(lambda: counter.questions, "question to DNS")
        return client, milter

    def test_hangup_changes_the_resolver(self):
        """Who waits ends with the old one, who comes gets the new one."""
        client, milter = self.waiting("10s")
        milter.configure(
            Resolver=self.nameserver({place_of("s"): record()}).address)
        self.reload()
        self.expect_genuine(signed())
        self.assertFalse(client.has_reply(), "it waited for the other")
        reply = client.reply()
        self.assertEqual(reply.code, 451, reply)
        event, = self.events(name="unverified")
        # libunbound may have given up just before our time was over.
        self.assertIn(event["dkim-reason"], ("dns-timeout", "dns-failure"))
        self.expect_genuine(signed())

    def test_hangup_again_and_again(self):
        """Each mail ends with the resolver it began with, and none leaks."""
        good = self.nameserver({place_of("s"): record()})
        other = self.nameserver({place_of("s"): record()})
        # A state is opened by and by, and would count.
        milter = self.verifier(good, StateFile="none")
        self.wait_started()
        self.expect_genuine(signed())
        client = self.client()
        before = milter.descriptors()
        for i in range(20):
            milter.configure(Resolver=(other, good)[i % 2].address)
            milter.signal(signal.SIGHUP)
            queue_id = client.send(signed()).queue_id
            self.assertEqual(self.event(queue_id, "report")["dkim"], "pass")
        self.reload()
        lab.wait_until(lambda: milter.descriptors() <= before + 2,
                       "end of what the old resolvers had open")

    def test_terminate(self):
        """The mail gets its answer first, which is not to keep it."""
        client, milter = self.waiting("1s")
        milter.may_end = True
        milter.signal(signal.SIGTERM)
        self.assertEqual(client.reply().code, 451)
        self.assertEqual(milter.wait_end(30), 0)
        self.assertEqual(milter.records(), [])

    def test_terminate_with_deliver(self):
        client, milter = self.waiting("1s", OnDNSFailure="deliver")
        milter.may_end = True
        milter.signal(signal.SIGTERM)
        queue_id = client.reply().queue_id
        self.assertEqual(milter.wait_end(30), 0)
        self.event(queue_id, "unverified")
        self.assertEqual(len(self.unverified_records()), 1)
        self.delivered(queue_id)

    def test_the_client_goes_away(self):
        """Nothing is kept of a mail that nobody waits for any more."""
        client, milter = self.waiting("1s")
        client.abort()
        self.expect_unverified(unsigned(), "no-signature")
        lab.wait_until(lambda: len(self.events()) == 2, "end of the wait")
        self.assertEqual(self.events()[1]["disposition"], "tempfail")
        self.assertEqual(len(milter.records()), 1)


class Settings(SignedCase):
    """Resolver and TrustAnchorFile that are no good."""

    def refuses(self, status, pattern, **settings):
        milter = self.make_milter(DKIM="require", **settings)
        milter.may_end = True
        milter.start(wait=False)
        self.assertEqual(milter.wait_end(), status)
        self.assertRegex(milter.error_text(), pattern)
        self.assertFalse(milter.is_listening())
        self.assertNotIn("libunbound", milter.error_text())
        return milter

    def rubbish(self, text="rubbish\n"):
        path = World.base / "rubbish"
        path.write_text(text)
        return path

    def test_resolver_that_is_no_address(self):
        for value in ("nameserver.example.org", "192.0.2.256", "127.0.0.1@0",
                      "127.0.0.1@65536", "127.0.0.1:53", "@53", "::g"):
            with self.subTest(value=value):
                self.refuses(os.EX_CONFIG, r":\d+: Resolver: ",
                             Resolver=value)

    def test_trust_anchor_file_that_is_missing(self):
        self.refuses(os.EX_UNAVAILABLE, r"TrustAnchorFile /nowhere/root\.key: "
                     "No such file", TrustAnchorFile="/nowhere/root.key")

    def test_trust_anchor_file_that_holds_none(self):
        for text in ("rubbish\n", "", "example.org. DS rubbish\n"):
            with self.subTest(text=text):
                path = self.rubbish(text)
                self.refuses(os.EX_UNAVAILABLE, f"TrustAnchorFile {path}: ",
                             TrustAnchorFile=path)

    def test_trust_anchor_file_that_user_may_not_read(self):
        path = self.rubbish()
        path.chmod(0o600)
        self.refuses(os.EX_UNAVAILABLE, f"TrustAnchorFile {path}: Permission",
                     TrustAnchorFile=path)

    def test_the_old_stays_in_force_at_a_reload(self):
        """Whatever is wrong is said, and mail goes on."""
        server = self.nameserver({place_of("s"): record()})
        milter = self.verifier(server)
        self.wait_started()
        for keyword, value, pattern in (
                ("Resolver", "somewhere", rb":\d+: Resolver: "),
                ("TrustAnchorFile", "/nowhere/root.key",
                 rb"TrustAnchorFile /nowhere/root\.key: No such file"),
                ("TrustAnchorFile", self.rubbish(),
                 rb"TrustAnchorFile .*/rubbish: ")):
            with self.subTest(keyword=keyword, value=value):
                milter.configure(**{
                    "OnReport": "discard", "Resolver": server.address,
                    "TrustAnchorFile": None, keyword: value})
                self.reload(pattern)
                self.reload(rb"the old one stays in force")
                queue_id, event = self.expect_genuine(signed())
                self.assertEqual(event["disposition"], "deliver")
                self.assertNotIn("dkim-dnssec", event)
                self.delivered(queue_id)
        milter.configure(TrustAnchorFile=None)
        self.reload()
        self.assert_discarded(self.expect_genuine(signed())[0])

    def test_a_resolver_that_is_not_there(self):
        """Nobody listens on its port."""
        with contextlib.closing(self.counter()) as counter:
            address = counter.address
        self.verifier(counter, Resolver=address, DNSTimeout="1s")
        reply = self.submit(signed())
        self.assertEqual(reply.code, 451)
        event, = self.events()
        self.assertIn(event["dkim-reason"], ("dns-failure", "dns-timeout"))

    def test_the_second_resolver_is_asked(self):
        """When the first does not answer."""
        server = self.nameserver({place_of("s"): record()})
        self.verifier(server, DNSTimeout="10s", Resolver=[
            self.counter().address, server.address])
        self.expect_genuine(signed())
