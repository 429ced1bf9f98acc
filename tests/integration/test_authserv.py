"""AuthservID: a milter before ours that vouches for signatures.

It is Debian's opendkim, in a Postfix of its own beside that of the other tests:
before our milter, with the queue id in its field, and with another milter
between the two that changes the body.
"""

import collections
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import dns
from case import HEADER, World, lab
from dkimcase import (DOMAIN, SignedCase, alter, place_of, record, sign, signed,
                      unsigned)

NAME = "mx.example.test"
PORTS = iter(range(13000, 13100))
PLACES = 2
FOOTER = b"-- \r\nScanned on its way.\r\n"
ALTERED = (b"aggregate TLS report", b"aggregate TLS resort")

OPENDKIM = """\
Mode v
Socket local:{directory}/socket
UMask 000
Syslog no
AuthservID {name}
AuthservIDWithJobID {with_job}
InternalHosts {directory}/internal
ResolverConfiguration {directory}/unbound.conf
"""

# Debian's opendkim asks through libunbound.
RESOLVER = """\
server:
  do-not-query-localhost: no
  module-config: "iterator"
forward-zone:
  name: "."
  forward-addr: {address}
"""

CHECKED = """\
checked unix n - n - 0 cleanup
  -o header_checks=regexp:{base}/header_checks
"""


class Opendkim:
    """One daemon, in the foreground, in a directory of its own."""

    def __init__(self, directory, address, with_job=False):
        self.directory = directory
        self.socket = directory / "socket"
        directory.mkdir()
        (directory / "internal").write_text("192.0.2.1\n")
        (directory / "unbound.conf").write_text(
            RESOLVER.format(address=address))
        conf = directory / "opendkim.conf"
        conf.write_text(OPENDKIM.format(
            directory=directory, name=NAME,
            with_job="yes" if with_job else "no"))
        program = shutil.which("opendkim") or "/usr/sbin/opendkim"
        if not os.access(program, os.X_OK):
            raise lab.LabError("opendkim is not installed: run make deps")
        with open(directory / "log", "wb") as log:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                [program, "-f", "-x", str(conf)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        lab.wait_until(self._is_ready, "opendkim")

    def _is_ready(self):
        if self._process.poll() is not None:
            raise lab.LabError("opendkim ended: "
                               + (self.directory / "log").read_text())
        return self.socket.exists()

    def stop(self):
        self._process.kill()
        self._process.wait()


class Footer:
    """A milter that appends to each body; no more of the protocol."""

    # Nothing but the body, and its end.
    STEPS = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x100 | 0x200
    CHANGES_BODY = 0x02

    def __init__(self, path):
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        os.chmod(path, 0o666)
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,),
                             daemon=True).start()

    @staticmethod
    def _send(peer, command, data=b""):
        peer.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _serve(self, peer):
        body = b""
        with peer, peer.makefile("rb") as packets:
            while True:
                head = packets.read(5)
                if len(head) < 5 or head[4:] == b"Q":
                    return
                data = packets.read(struct.unpack("!I", head[:4])[0] - 1)
                command = head[4:]
                if command == b"O":
                    self._send(peer, b"O", struct.pack(
                        "!III", 6, self.CHANGES_BODY, self.STEPS))
                elif command == b"B":
                    body += data
                    self._send(peer, b"c")
                elif command == b"E":
                    self._send(peer, b"b", body + data + FOOTER)
                    self._send(peer, b"c")
                if command in b"EA":
                    body = b""


class Site:
    """What the tests of this file share."""

    things = []
    postfix = None
    resolver = None

    @classmethod
    def start(cls):
        base = World.base / "authserv"
        base.mkdir()
        cls.resolver = dns.Dns(base / "dns", {
            place_of("s"): record(), place_of("s", "example.net"): record()})
        cls.resolver.start()
        cls.things.append(cls.resolver)
        before = {
            "opendkim": [Opendkim(base / "opendkim", cls.resolver.address)],
            "jobid": [Opendkim(base / "jobid", cls.resolver.address, True)],
            "checked": [],
        }
        cls.things += [daemon for (daemon,) in
                       (before["opendkim"], before["jobid"])]
        sockets = {kind: [daemon.socket for daemon in daemons]
                   for kind, daemons in before.items()}
        cls.things.append(Footer(base / "footer"))
        sockets["footer"] = [*sockets["opendkim"], base / "footer"]
        cls.start_postfix(base, sockets)

    @classmethod
    def start_postfix(cls, base, sockets):
        services = []
        for kind, paths in sockets.items():
            World.slots[kind] = collections.deque()
            for number in range(PLACES):
                directory = base / f"{kind}{number}"
                port = next(PORTS)
                World.slots[kind].append((directory, port))
                services.append((port, ",".join(
                    f"unix:{path}"
                    for path in (*paths, directory / "milter.sock")),
                    "tempfail"))
        cls.postfix = lab.Postfix(base / "postfix", services)
        master = cls.postfix.etc / "master.cf"
        text = master.read_text()
        for _, port in World.slots["checked"]:
            text = text.replace(f":{port} inet n - n - - smtpd\n",
                                f":{port} inet n - n - - smtpd\n"
                                "  -o cleanup_service_name=checked\n")
        master.write_text(text + CHECKED.format(base=base))
        os.utime(master, (time.time() - 60, time.time() - 60))
        # As the README has it.
        (base / "header_checks").write_text(
            "/^Authentication-Results[ \\t]*:/ IGNORE\n")
        cls.postfix.start()

    @classmethod
    def stop(cls):
        if cls.postfix is not None:
            cls.postfix.stop()
        for thing in cls.things:
            thing.stop()
        cls.things.clear()


def setUpModule():  # pylint: disable=invalid-name
    Site.start()


def tearDownModule():  # pylint: disable=invalid-name
    Site.stop()


def claim(name=NAME, domain=DOMAIN, field="Authentication-Results"):
    """What a milter before us would write, from outside."""
    return (f"{field}: {name};\r\n\tdkim=pass (2048-bit key) "
            f"header.d={domain} header.s=s\r\n").encode()


def pretended():
    """A report with a well-formed signature that is false."""
    return alter(signed(), b"Subject: Report", b"Subject: Resort")


class AuthservCase(SignedCase):
    def setUp(self):
        super().setUp()
        self.postfix = Site.postfix

    def behind(self, kind, server=None, **settings):
        """Our milter behind others; server: Site.resolver by default."""
        return self.verifier(server or Site.resolver, kind,
                             **{"AuthservID": NAME, **settings})

    def expect_vouched_for(self, mail):
        """It passes, since somebody else says so."""
        queue_id, event = self.expect_genuine(mail)
        self.assertEqual(
            [event.get(name) for name in (
                "dkim-reason", "dkim-domain", "dkim-selector")],
            ["authentication-results", DOMAIN, "s"])
        return queue_id, event


class BehindOpendkim(AuthservCase):
    def test_a_pass_counts(self):
        """And DNS is not asked again."""
        counter = self.counter()
        self.behind("opendkim", counter)
        queue_id, event = self.expect_vouched_for(signed())
        self.assertEqual(counter.questions, 0)
        self.assertEqual(self.only_record()["dkim"], {
            "result": "pass", "domain": DOMAIN, "selector": "s",
            "reason": "authentication-results"})
        delivered = self.delivered(queue_id)
        result, = delivered.field("Authentication-Results")
        self.assertRegex(result, rf"^{NAME};\s+dkim=pass")
        header, = delivered.field(HEADER)
        self.assertTrue(header.endswith(
            "; dkim=pass; dkim-domain=example.org; dkim-selector=s; "
            "dkim-reason=authentication-results"), header)
        self.assertFalse(event["archive"].startswith("unverified"))

    def test_without_the_keyword_it_does_not(self):
        self.behind("opendkim", AuthservID=None)
        _, event = self.expect_genuine(signed())
        self.assertNotIn("dkim-reason", event)

    def test_another_name_does_not_count(self):
        self.behind("opendkim", AuthservID="other.example.test")
        _, event = self.expect_genuine(signed())
        self.assertNotIn("dkim-reason", event)

    def test_what_it_does_not_see_is_verified_here(self):
        """l= passes there; RFC 8460 forbids it."""
        self.behind("opendkim")
        queue_id, _ = self.expect_unverified(signed(l=True), "length-limit")
        result, = self.delivered(queue_id).field("Authentication-Results")
        self.assertRegex(result, "dkim=pass")

    def test_a_pass_of_a_stranger_does_not_count(self):
        self.behind("opendkim")
        self.expect_unverified(signed(domain="example.net"), "not-aligned")
        self.expect_unverified(sign(pretended(), domain="example.net"),
                               "signature")

    def test_forged_result_of_a_bad_signature(self):
        """opendkim puts its own in the place of ours from outside."""
        self.behind("opendkim")
        for forged in (claim(), claim() * 2, claim(NAME.upper()),
                       claim(f"{NAME}/4jXLdQ1KMHz1kfhD"),
                       claim(field="authentication-RESULTS"),
                       claim(f'"{NAME}"'), claim(f"(c) {NAME} 1")):
            with self.subTest(forged=forged):
                self.expect_unverified(forged + pretended(), "signature")
                self.expect_unverified(
                    forged + alter(signed(), *ALTERED), "body-hash")

    def test_forged_result_below_the_signature(self):
        self.behind("opendkim")
        top, _, rest = pretended().partition(b"From: ")
        self.expect_unverified(top + claim() + b"From: " + rest, "signature")

    def test_forged_result_of_unsigned_mail(self):
        self.behind("opendkim")
        self.expect_unverified(claim() + unsigned(), "no-signature")


class WithJobID(AuthservCase):
    """NAME/ trusts nothing but the queue id, which no sender knows."""

    def test_a_pass_counts(self):
        counter = self.counter()
        for name in (NAME, NAME + "/"):
            with self.subTest(name=name):
                self.behind("jobid", counter, AuthservID=name)
                queue_id, _ = self.expect_vouched_for(signed())
                result, = self.delivered(queue_id).field(
                    "Authentication-Results")
                self.assertTrue(result.startswith(f"{NAME}/{queue_id};"),
                                result)
        self.assertEqual(counter.questions, 0)

    def test_a_field_without_it_does_not(self):
        self.behind("opendkim", AuthservID=NAME + "/")
        _, event = self.expect_genuine(signed())
        self.assertNotIn("dkim-reason", event)

    def test_where_opendkim_writes_nothing(self):
        """A malformed signature has it accept the mail unread, with what
        stands in it."""
        self.behind("jobid", AuthservID=NAME + "/")
        top = b"DKIM-Signature: v=1; of no use\r\n"
        for name in (NAME, NAME + "/", f"{NAME}/4jXLdQ1KMHz1kfhD"):
            with self.subTest(name=name):
                queue_id, _ = self.expect_unverified(
                    claim(name) + top + pretended(), "signature")
                left = self.delivered(queue_id).field("Authentication-Results")
                self.assertEqual(len(left), 1, "this shows nothing")


class WithHeaderChecks(AuthservCase):
    """Postfix takes out what comes from outside; no opendkim."""

    def test_forged_result(self):
        self.behind("checked")
        for field in ("Authentication-Results", "authentication-results",
                      "Authentication-Results ", "Authentication-Results\t"):
            with self.subTest(field=field):
                queue_id, _ = self.expect_unverified(
                    claim(field=field) + pretended(), "signature")
                self.assertEqual(self.delivered(queue_id).field(
                    "Authentication-Results"), [])

    def test_forged_result_without_them(self):
        """Why they are needed where nobody else removes such fields."""
        self.postfix = World.postfix
        self.behind("tempfail")
        self.expect_vouched_for(claim() + pretended())


class BehindChanges(AuthservCase):
    """opendkim, a milter that appends a footer, and ours."""

    def test_passes_by_the_result_alone(self):
        self.behind("footer")
        queue_id, _ = self.expect_vouched_for(signed())
        self.assertTrue(self.delivered(queue_id).body.endswith(FOOTER))
        self.expect_unverified(alter(signed(), *ALTERED), "body-hash")
        self.behind("footer", AuthservID=None)
        self.expect_unverified(signed(), "body-hash")
