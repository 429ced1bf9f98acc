"""tlsrpt diagnose against servers that mean harm: bounded, and named.

Each must come to an end in about the time that was given, in little memory,
and with a result that says what was met.
"""

import unittest

import domainlab
from case import World, lab
from domainlab import (ENDLESS, HTTP_HEAD, MX_PORT, endless, greets, policy,
                       replies, tls, until_starttls, wait_closed)

LAB = None
SERVERS = []
WEB_HELLOS = "127.0.0.81"
TIMEOUT = 2  # seconds, of each step
# A run has a few steps one after the other, and machines are slow; what has no
# bound would take for ever.
SLACK = 8
MEMORY = 40 << 20  # of which it takes less than half
MEGABYTE = 1 << 20

GOOD = policy(["good.mx.test"])


def flood(head, piece):
    """An SMTP server that never comes to an end."""
    def serve(peer):
        peer.sendall(head)
        while True:
            peer.sendall(piece)
    return serve


def in_ehlo(data, is_endless=False):
    """A server whose reply to EHLO is this."""
    def serve(peer):
        peer.sendall(b"220 mx.test ESMTP\r\n")
        peer.recv(4096)
        peer.sendall(data)
        while is_endless:
            peer.sendall(data)
        wait_closed(peer)
    return serve


def drips_reply(peer):
    peer.sendall(b"220 mx.test ESMTP\r\n")
    peer.recv(4096)
    domainlab.drip(peer, b"250-mx.test\r\n" + b"250-X\r\n" * 1000, 0.2)


def drips_handshake(peer):
    """A handshake record that is announced, and comes byte by byte."""
    until_starttls(peer)
    peer.sendall(b"220 ready\r\n")
    peer.recv(4096)
    domainlab.drip(peer, b"\x16\x03\x03\x40\x00" + b"\x02" * 16384, 0.2)


def hellos(peer):
    """Messages that a client leaves out, faster than it does that."""
    peer.recv(65536)
    requests = b"\x16\x03\x03\x3e\x80" + b"\0\0\0\0" * 4000
    flood(b"", requests * 1000)(peer)


def hellos_behind_starttls(peer):
    until_starttls(peer)
    peer.sendall(b"220 ready\r\n")
    hellos(peer)


def inject(lab_):
    """Terminal control sequences and quotes, wherever there is room."""
    text = b"\x1b]0;owned\x07\x1b[31m\"}],\xff\x9b2J"
    lab_.script("paints", greets(b"554 " + text + b"\r\n"))
    lab_.script("paintsehlo", in_ehlo(
        b"250-" + text + b"\r\n250 " + text + b"\r\n"))
    lab_.script("paintstls", replies(b"454 " + text + b"\r\n"))


def furnish_smtp(lab_):
    lab_.script("endless", flood(b"220-", b"mx.test\r\n220-" * 1000))
    lab_.script("endlessline", flood(b"220 ", b"x" * 65536))
    lab_.script("longline", greets(b"220 " + b"x" * MEGABYTE + b"\r\n"))
    lab_.script("longehlo", in_ehlo(b"250-" + b"x" * MEGABYTE + b"\r\n"))
    lab_.script("endlessehlo", in_ehlo(b"250-SIZE\r\n" * 1000, True))
    lab_.script("dripsreply", drips_reply)
    lab_.script("dripshandshake", drips_handshake)
    lab_.script("hellos", hellos_behind_starttls)
    lab_.script("nul", greets(b"220 \0\0\0\r\n220 \0\r\n"))
    lab_.silent("silent")
    inject(lab_)


def furnish_chains(lab_):
    """Certificates, many and large; what they say is true."""
    host = "giant.mx.test"
    names = [host] + [f"n{i}.{'x' * 40}.example.org" for i in range(2000)]
    giant = lab_.certificate("giant", names)
    giant.chain = [giant] * 19 + [lab_.ca.intermediate]
    size = sum(c.pem.stat().st_size for c in [giant] + giant.chain)
    assert size > MEGABYTE, size
    lab_.script("giant", tls(giant.write()))

    many = lab_.certificate("many")
    many.chain = [lab_.ca.intermediate] * 150
    lab_.script("many", tls(many.write()))


def furnish_dns(lab_):
    """More of everything than anybody has."""
    hostile = "hostile.test"
    for i in range(4000):
        # That many fit in a message only without digests; and whether they
        # are signed or not, no validator takes so many (to sign them takes
        # ldns-signzone a quarter of a minute).
        record = f"TLSA {i >> 8} {(i >> 4) & 15} {i & 15} {i & 255:02x}"
        owner = f"_{MX_PORT}._tcp.tlsa4000"
        if i == 0:
            lab_.zones.add(f"{owner}.dane.test", record)
        else:
            lab_.zones.top.add_late(f"{owner}.dane.test", record)
        lab_.zones.add(f"{owner}.plain.test", record)
    for i in range(800):
        lab_.tlsa("tlsa800.dane.test", f"3 1 1 {i:064x}")
    for i in range(300):
        lab_.zones.add(f"manymx.{hostile}",
                       f"MX {i} h{i}.nowhere.test.")
        lab_.zones.add(f"manya.{hostile}", f"A 127.0.2.{i % 250 + 1}"
                       if i < 250 else f"AAAA fd00::f:{i:x}")
        lab_.zones.add(f"_mta-sts.manytxt.{hostile}",
                       f'TXT "v=STSv1; id={i};"')
    lab_.domain(f"loop.{hostile}", ["a.loop.hostile.test"], records=[
        ("a.loop.hostile.test", "CNAME b.loop.hostile.test."),
        ("b.loop.hostile.test", "CNAME a.loop.hostile.test.")])
    lab_.domain(f"txt.{hostile}", ["good.mx.test"], GOOD, record=[
        'v=STSv1; id=1; ' + 'x=' + 'y' * 200] + [
            "x" * 250 for _ in range(100)])


def furnish_web(lab_):
    for name, behaviour in {
            **ENDLESS,
            "gzip": endless(HTTP_HEAD + b"Content-Encoding: gzip\r\n\r\n",
                            b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\0" * 4096),
            "paint": domainlab.http(
                GOOD, "404 \x1b[31m\x07", kind="\x1b]0;owned\x07"),
    }.items():
        lab_.domain(f"web-{name}.test", ["good.mx.test"], behaviour)
    lab_.domain("web-hellos.test", ["good.mx.test"], GOOD, web=WEB_HELLOS)


# What is named, of each host. Whoever accepts the connection and then makes no
# sense fails; whoever turns us away has not been tried.
SMTP = {
    "endless": "validation-failure", "endlessline": "validation-failure",
    "longline": "validation-failure", "longehlo": "validation-failure",
    "endlessehlo": "validation-failure", "dripsreply": "validation-failure",
    "dripshandshake": "validation-failure", "nul": "validation-failure",
    "hellos": "validation-failure",
    "giant": "validation-failure", "many": "success",
    "silent": "untried", "paints": "untried",
    "paintstls": "starttls-not-supported",
    "paintsehlo": "starttls-not-supported",
}


class HostileCase(unittest.TestCase):

    maxDiff = None

    def diagnose(self, domain, *args, steps=2):
        """Both forms; returns what JSON has, and checks the bounds."""
        args = ("--timeout", f"{TIMEOUT}s", *args)
        text, outcome = LAB.diagnose_twice(
            domain, *args, how=domainlab.run_measured)
        for run in (text, outcome):
            self.assertIn(run.status, (0, 1, 2, 69, 75), run)
            self.assertLess(run.seconds, steps * TIMEOUT + SLACK, run)
            if not lab.is_sanitized():
                self.assertGreater(run.memory, MEGABYTE)
                self.assertLess(run.memory, MEMORY)
            self.assertLess(len(run.out), MEGABYTE)
            self.assertNotRegex(run.out, "[^\n\x20-\x7e\xa0-\U0010ffff]")
        self.assertEqual(text.status, outcome.status)
        return outcome

    def named(self, outcome):
        """Result types and kinds, of hosts and policies."""
        return {r["result-type"] if r["kind"] == "failure" else r["kind"]
                for r in outcome.json["results"]}


class TestSmtp(HostileCase):
    """A test for each server is added below."""

    def check(self, name, expected):
        outcome = self.diagnose(f"{name}.hostile.test")
        self.assertEqual(self.named(outcome), {expected}, outcome)

    def test_one_of_four_hangs(self):
        """It takes about as long as that one is waited for."""
        outcome = LAB.diagnose("four.hostile.test", "--format=json",
                               "--timeout", "4s")
        self.assertGreater(outcome.seconds, 3.5)
        self.assertLess(outcome.seconds, 4 + SLACK)
        kinds = {r["receiving-mx-hostname"]: r["kind"]
                 for r in outcome.json["results"]}
        self.assertEqual(kinds, {
            "good.mx.test": "success", "second.mx.test": "success",
            "third.mx.test": "success", "silent.mx.test": "untried"}, outcome)

    def test_all_hang(self):
        """All at once, so not one after the other."""
        self.diagnose("hang.hostile.test", steps=1)


class TestWeb(HostileCase):

    def test_endless(self):
        for name in ("body", "lines", "chunks", "head", "info", "drip",
                     "gzip", "paint", "hellos"):
            with self.subTest(web=name):
                outcome = self.diagnose(f"web-{name}.test")
                self.assertEqual(self.named(outcome),
                                 {"sts-policy-fetch-error", "success"},
                                 outcome)


class TestDns(HostileCase):

    def test_4000_tlsa(self):
        outcome = self.diagnose("tlsa4000.hostile.test")
        self.assertEqual(self.named(outcome), {"dnssec-invalid"}, outcome)

    def test_4000_tlsa_unsigned(self):
        outcome = self.diagnose("tlsa4000.plain.test")
        self.assertEqual(self.named(outcome), {"success"}, outcome)
        self.assertIn("tlsa-not-secure", {
            w["failure-reason-code"] for w in outcome.json["warnings"]})

    def test_800_tlsa(self):
        outcome = self.diagnose("tlsa800.hostile.test")
        self.assertEqual(self.named(outcome), {"tlsa-invalid"}, outcome)

    def test_many_mx(self):
        outcome = self.diagnose("manymx.hostile.test")
        self.assertEqual(self.named(outcome), {"untried"})

    def test_many_addresses(self):
        """Nobody is there at any of them."""
        outcome = self.diagnose("manya.hostile.test")
        self.assertEqual(self.named(outcome), {"untried"})

    def test_loop_of_aliases(self):
        outcome = self.diagnose("loop.hostile.test")
        self.assertEqual(self.named(outcome), {"untried"}, outcome)

    def test_txt(self):
        for name in ("manytxt", "txt"):
            with self.subTest(name):
                self.diagnose(f"{name}.hostile.test")


def _add_tests():
    for name, expected in SMTP.items():
        def test(self, name=name, expected=expected):
            self.check(name, expected)
        setattr(TestSmtp, "test_" + name, test)


_add_tests()


def setUpModule():
    global LAB  # pylint: disable=global-statement
    LAB = domainlab.Lab(World.base / "hostile")
    for name in ("good", "second", "third"):
        LAB.smtpd(name, LAB.certificate(name))
    furnish_smtp(LAB)
    furnish_chains(LAB)
    furnish_dns(LAB)
    furnish_web(LAB)
    for name in SMTP:
        host = f"{name}.mx.test"
        # TLS as such is enough to be diagnosed, but for the chains.
        LAB.domain(f"{name}.hostile.test", [host], policy([host]))
    for name in ("tlsa4000", "tlsa800"):
        LAB.address(name, address=LAB.addresses["good"])
        LAB.domain(f"{name}.hostile.test", [f"{name}.dane.test"])
    # The domain is its own MX.
    LAB.domain("tlsa4000.plain.test", ["tlsa4000.plain.test"])
    LAB.domain("manytxt.hostile.test", ["good.mx.test"])
    LAB.domain("four.hostile.test", ["good.mx.test", "silent.mx.test",
                                     "second.mx.test", "third.mx.test"])
    LAB.domain("hang.hostile.test", ["silent.mx.test", "endless.mx.test",
                                     "dripsreply.mx.test"])
    LAB.start()
    SERVERS.append(domainlab.Server(WEB_HELLOS, 443, hellos))


def tearDownModule():
    for server in SERVERS:
        server.close()
    if LAB is not None:
        LAB.stop()
