"""Report mails with real signatures, their keys, and whoever tells of these."""

import contextlib
import functools
import itertools
import re
import signal
import socket
import subprocess
import threading

import dkimsign
import dns
from case import LabCase, World, lab, mails

DOMAIN = "example.org"
AUTHOR = b"TLS reporting <noreply@example.org>"

_serial = itertools.count(1)


@functools.cache
def key(kind):
    """A private key, made once in a run: rsaBITS or ed25519. Its path."""
    directory = World.base / "keys"
    directory.mkdir(exist_ok=True)
    path = str(directory / kind)
    if kind == "ed25519":
        return dkimsign.make_key(path, "ed25519")
    return dkimsign.make_key(path, bits=int(kind.removeprefix("rsa")))


@functools.cache
def public_key(kind):
    return dkimsign.public_key(key(kind))


def record(kind="rsa2048", **tags):
    """The TXT record of a key, with further tags."""
    parts = ["v=DKIM1", "k=ed25519" if kind == "ed25519" else "k=rsa"]
    parts += [f"{name}={value}" for name, value in tags.items()]
    return "; ".join(parts + ["p=" + public_key(kind)])


def place_of(selector, domain=DOMAIN):
    return f"{selector}._domainkey.{domain}"


def failing():
    """A report that would be logged as err, if it counted."""
    return mails.report(mails.policy(
        50, 50, [mails.failure("certificate-expired", 50)]))


def unsigned(rep=None, author=AUTHOR, **kwargs):
    """A report mail with this author."""
    if isinstance(author, str):
        author = author.encode()
    return mails.mail(rep or failing(), **kwargs).replace(AUTHOR, author)


def sign(mail, selector="s", domain=DOMAIN, kind="rsa2048", **kwargs):
    """The mail with a signature on top; see dkimsign.field()."""
    kwargs.setdefault("a", "ed25519-sha256" if kind == "ed25519"
                      else "rsa-sha256")
    return dkimsign.sign(mail, domain, selector, key(kind), **kwargs)


def signed(selector="s", domain=DOMAIN, kind="rsa2048", rep=None,
           author=AUTHOR, submitter=DOMAIN, fields=(), **kwargs):
    """A report mail with one signature."""
    return sign(unsigned(rep, author, submitter=submitter, fields=fields),
                selector, domain, kind, **kwargs)


def alter(mail, old, new):
    """Change one place of a mail that has it once."""
    assert mail.count(old) == 1 and len(old) == len(new), old
    return mail.replace(old, new)


def show(*args):
    """Run "tlsrpt show"; returns its lines. The status must be 0."""
    done = subprocess.run([lab.TLSRPT, "show", *map(str, args)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"tlsrpt show: {done.returncode}: "
                             + done.stderr.decode())
    return done.stdout.decode().splitlines()


class Counter:
    """In the place of a nameserver: counts what it is asked, in silence."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1@{self.port}"
        self.questions = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while self._socket.recv(65535):
            self.questions += 1

    def close(self):
        # An empty datagram ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


class SignedCase(LabCase):
    """Tests with a nameserver of their own and a milter that asks it."""

    def nameserver(self, records=None, **kwargs):
        server = dns.Dns(World.base / "dns" / str(next(_serial)), records,
                         **kwargs)
        self.addCleanup(server.stop)
        return server.start()

    def counter(self):
        counter = Counter()
        self.addCleanup(counter.close)
        return counter

    def verifier(self, server, kind="tempfail", **settings):
        """A milter that requires signatures."""
        return self.milter(kind, **{"DKIM": "require",
                                    "Resolver": server.address, **settings})

    def reload(self, pattern=rb"configuration read again"):
        """SIGHUP, and wait until it has been said that it was done."""
        before = len(self.lines(self.mta.pid))
        self.mta.signal(signal.SIGHUP)

        def said():
            return [line.text for line in self.lines(self.mta.pid)[before:]
                    if re.search(pattern, line.text)]
        return lab.wait_until(said, f"line with {pattern!r} after SIGHUP")

    def expect_genuine(self, mail, **kwargs):
        """Send it; it must be taken as one report that passes."""
        queue_id, event = self.expect_report(mail, **kwargs)
        self.assertEqual(event.get("dkim"), "pass", event)
        return queue_id, event

    def expect_unverified(self, mail, reason, **kwargs):
        """Send it; it must be taken, but not count, for this reason."""
        queue_id = self.send(mail, **kwargs)
        self.assertEqual(self.names(queue_id), ["unverified"])
        event = self.event(queue_id, "unverified")
        self.assertEqual(event.get("dkim-reason"), reason, event)
        return queue_id, event

    def genuine_records(self):
        """Those that "grep -r . archive/20*" would see."""
        return [path for path in self.mta.records()
                if path.parts[0] != "unverified"]

    def unverified_records(self):
        return [path for path in self.mta.records()
                if path.parts[0] == "unverified"]

    @contextlib.contextmanager
    def files(self, contents):
        """Each as a file of that name; yields their directory."""
        directory = World.base / "files" / str(next(_serial))
        directory.mkdir(parents=True)
        for name, content in contents.items():
            (directory / name).write_bytes(content)
        yield directory


__all__ = ["AUTHOR", "DOMAIN", "Counter", "SignedCase", "World", "alter",
           "dkimsign", "failing", "key", "lab", "mails", "place_of",
           "public_key", "record", "show", "sign", "signed", "unsigned"]
