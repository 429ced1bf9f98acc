"""tlsrpt trace: reports held against the log of a real Postfix.

Sessions are real: openssl s_client and smtplib, from addresses of loopback of
their own. What the log must say of each is what they did.
"""

import datetime
import gzip
import json
import os
import pathlib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from case import lab, mails

PORT, BARE_PORT = 12470, 12471
HOST = "mx.example.test"
JOURNALD = "/lib/systemd/systemd-journald"

SERVICES = f"""\
127.0.0.1:{PORT} inet n - n - - smtpd
  -o smtpd_tls_security_level=may
127.0.0.1:{BARE_PORT} inet n - n - - smtpd
  -o smtpd_tls_security_level=may -o smtpd_tls_chain_files=
  -o smtpd_tls_cert_file=/nonexistent
"""

TRADITIONAL = re.compile(r"(\w{3} [ \d]\d \d\d:\d\d:\d\d) ")


def run(*words, zone="UTC", data=None):
    return subprocess.run(
        [str(lab.TLSRPT), "trace", *map(str, words)], check=False, input=data,
        capture_output=True, text=True, timeout=60,
        env=dict(os.environ, TZ=zone))


def s_client(source, *options, port=PORT):
    subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls",
         "smtp", "-bind", f"{source}:0", "-quiet", *options], check=False,
        input=b"QUIT\r\n", stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=30)


def talk(source, *commands):
    """Say that much in the clear, and leave without a word."""
    with socket.create_connection(("127.0.0.1", PORT), 30,
                                  (source, 0)) as peer:
        peer.recv(1000)
        for command in commands:
            peer.sendall(command + b"\r\n")
            peer.recv(1000)


def send_mail(source):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", PORT, timeout=30,
                      source_address=(source, 0)) as client:
        client.starttls(context=context)
        client.mail("a@example.org")


# Address, what it does and how often, and the verdict with its blame.
SESSIONS = [
    ("127.0.0.11", 3, lambda a: s_client(
        a, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
     "handshake-failed", "us"),
    ("127.0.0.12", 2, lambda a: s_client(
        a, "-verify_return_error", "-no-CAfile", "-no-CApath",
        "-no-CAstore"),
     "rejected-by-sender", "us"),
    ("127.0.0.13", 2, lambda a: talk(a, b"EHLO a", b"STARTTLS"),
     "broken-off", "either"),
    ("127.0.0.14", 1, s_client, "tls-fine", "elsewhere"),
    ("127.0.0.15", 1, send_mail, "tls-fine", "elsewhere"),
    ("127.0.0.16", 2, lambda a: talk(a, b"EHLO a", b"QUIT"),
     "no-starttls", "either"),
    ("127.0.0.17", 1, lambda a: s_client(a, port=BARE_PORT),
     "starttls-refused", "us"),
]


def make_postfix(base, log):
    """A Postfix with a certificate of its own making."""
    base.mkdir(parents=True)
    chain = base / "chain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", chain, "-out", base / "certificate.pem", "-days", "30",
         "-subj", f"/CN={HOST}"], check=True, stderr=subprocess.DEVNULL)
    with open(chain, "ab") as file:
        file.write((base / "certificate.pem").read_bytes())
    postfix = lab.Postfix(base / "postfix", [], extra=(
        f"smtpd_tls_chain_files = {chain}\n"
        "smtpd_tls_loglevel = 1\n"
        "smtpd_tls_protocols = >=TLSv1.2\n") + log)
    with open(postfix.etc / "master.cf", "a", encoding="ascii") as file:
        file.write(SERVICES)
    os.utime(postfix.etc / "master.cf", (time.time() - 60,) * 2)
    return postfix.start()


def failures_of(addresses):
    return [mails.failure(sending_mta_ip=address, sessions=1,
                          receiving_mx_hostname=HOST,
                          receiving_ip="127.0.0.1")
            for address in addresses]


def play():
    for address, times, act, _, _ in SESSIONS:
        for _ in range(times):
            act(address)


class Trace(unittest.TestCase):
    """One log for all tests: sessions are played once."""

    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(dir="/run",
                                                 prefix="trace-"))
        cls.base.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.base)
        # The log is of local time; the window is not.
        cls.start = int(time.time()) - 1
        postfix = make_postfix(cls.base / "one", "")
        cls.addClassCleanup(postfix.stop)
        play()
        wanted = sum(times for _, times, _, _, _ in SESSIONS)
        lab.wait_until(
            lambda: postfix.maillog().count(": disconnect from") == wanted,
            "end of all sessions")
        cls.log = postfix.log
        cls.end = int(time.time()) + 1

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        self.lines = self.log.read_text(encoding="ascii").splitlines(True)

    def report(self, failures, start=None, end=None):
        path = self.dir / "report.json"
        path.write_text(json.dumps(mails.report(
            mails.policy(1, len(failures), failures),
            start=start or self.start, end=end or self.end)),
            encoding="utf-8")
        return path

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="ascii")
        return path

    def trace(self, failures, *words, status=0, **kwargs):
        """The objects, one for each failure."""
        spans = {k: kwargs.pop(k) for k in ("start", "end") if k in kwargs}
        done = run("--format=json", *words, self.report(failures, **spans),
                   **kwargs)
        self.assertEqual((done.returncode, done.stderr), (status, ""), done)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(found), len(failures))
        return found

    def zone(self):
        """The zone of the log: Postfix writes local time."""
        return os.environ.get("TZ", ":/etc/localtime")

    def assert_all(self, found):
        for one, (address, times, _, verdict, blame) in zip(found, SESSIONS):
            with self.subTest(address=address):
                self.assertEqual(
                    (one["sending-mta-ip"], one["connects"], one["verdict"],
                     one["blame"]), (address, times, verdict, blame), one)
                self.assertIn(f"{times} connect", one["text"])
                self.assertEqual(
                    len(one["lines"]), min(20, one["lines-total"]))
                for line in one["lines"]:
                    self.assertRegex(line, r"TLS library problem|disabling|"
                                     + re.escape(f"[{address}]"))

    def test_each_is_told_from_the_others(self):
        found = self.trace(failures_of(a for a, *_ in SESSIONS),
                           f"--maillog={self.log}", zone=self.zone())
        self.assert_all(found)
        wrong, refused, broken, fine, mailed, plain, _ = found
        self.assertEqual((wrong["tls-failed"], wrong["alerts"]), (3, 0))
        self.assertEqual(wrong["library-problems"], 3)
        self.assertIn("unsupported protocol", wrong["text"])
        self.assertIn("smtpd_tls_protocols", wrong["text"])
        self.assertEqual((refused["tls-failed"], refused["alerts"]), (2, 2))
        self.assertTrue(refused["reasons"][0]["by-sender"])
        self.assertIn("alert unknown ca", refused["text"])
        self.assertEqual(broken["tls-broken-off"], 2)
        self.assertEqual((fine["tls-established"], fine["tls-without-mail"]),
                         (1, 1))
        self.assertEqual(
            (mailed["tls-established"], mailed["tls-without-mail"]), (1, 0))
        self.assertEqual(plain["without-starttls"], 2)
        self.assertEqual(found[0]["log-hosts"], ["mx"])
        self.assertEqual([note for note in wrong["notes"]
                          if "could not load" not in note], [])

    def test_who_never_came(self):
        failures = failures_of(["127.0.0.99", "2001:db8::1"])
        found = self.trace(failures, f"--maillog={self.log}", status=1,
                           zone=self.zone())
        for one in found:
            self.assertEqual((one["verdict"], one["blame"], one["lines"]),
                             ("no-connect", "elsewhere", []))
            self.assertGreater(one["log-lines"], 10)
            self.assertIn("no connect at all from "
                          + one["sending-mta-ip"], one["text"])

    def test_spellings_of_addresses(self):
        found = self.trace(failures_of(["::ffff:127.0.0.11",
                                        "0:0:0::FFFF:7f00:000b"]),
                           f"--maillog={self.log}", zone=self.zone())
        self.assertEqual([one["connects"] for one in found], [3, 3])

    def test_without_an_address(self):
        failure = failures_of([""])[0]
        del failure["sending-mta-ip"]
        one, = self.trace([failure], f"--maillog={self.log}",
                          zone=self.zone())
        self.assertEqual(one["tls-failed"], 7)
        self.assertIn("does not say from which address", one["notes"][0])

    def test_what_no_mail_log_can_tell(self):
        """Others' handshakes are no reason why a policy was not had."""
        failures = failures_of(["127.0.0.11", "127.0.0.11"])
        failures[0]["result-type"] = "sts-policy-fetch-error"
        failures[1]["result-type"] = "dnssec-invalid"
        for failure in failures:
            del failure["sending-mta-ip"]
        for one in self.trace(failures, f"--maillog={self.log}", status=1,
                              zone=self.zone()):
            self.assertEqual((one["verdict"], one["blame"], one["notes"]),
                             ("not-smtp", "unknown", []))
            self.assertIn("start-datetime", one)
            self.assertNotIn("it was us", one["text"])

    def test_text(self):
        done = run(f"--maillog={self.log}", "--lines=2",
                   self.report(failures_of(["127.0.0.11"])),
                   zone=self.zone())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("3 connects, 3 TLS handshakes failed, 3 TLS library "
                      "problems, 3 connections lost", done.stdout)
        self.assertIn("it was us", " ".join(done.stdout.split()))
        self.assertIn("    and 13 more lines\n", done.stdout)
        self.assertEqual(done.stdout.count("postfix/smtpd["), 2)

    # The same log in other forms.

    def as_rfc3339(self, offset):
        """As rsyslog writes it, in another zone."""
        out = []
        shift = datetime.timezone(datetime.timedelta(hours=offset))
        for line in self.lines:
            stamp = TRADITIONAL.match(line)[1]
            local = datetime.datetime.strptime(
                f"{time.localtime(self.start).tm_year} {stamp}",
                "%Y %b %d %H:%M:%S").astimezone()
            text = local.astimezone(shift).isoformat(timespec="microseconds")
            out.append(f"{text} {line[len(stamp) + 1:]}")
        return "".join(out)

    def test_rfc3339(self):
        for offset in (0, -8, 13):
            log = self.write("log", self.as_rfc3339(offset))
            self.assert_all(self.trace(
                failures_of(a for a, *_ in SESSIONS), f"--maillog={log}",
                zone="JST-9"))

    def test_gzip_pieces_and_input(self):
        """Rotated amidst a session, and the later part from a pipe."""
        first, second = self.lines[:12], self.lines[12:]
        old = self.dir / "old.gz"
        old.write_bytes(gzip.compress("".join(first).encode()))
        done = run("--format=json", f"--maillog={old}", "--maillog=-",
                   self.report(failures_of(a for a, *_ in SESSIONS)),
                   zone=self.zone(), data="".join(second))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_all([json.loads(line)
                         for line in done.stdout.splitlines()])

    def test_damaged_gzip(self):
        log = self.dir / "log.gz"
        log.write_bytes(gzip.compress("".join(self.lines).encode())[:-200])
        done = run(f"--maillog={log}",
                   self.report(failures_of(["127.0.0.11"])),
                   zone=self.zone())
        self.assertEqual(done.returncode, 65)
        self.assertIn("log.gz: ", done.stderr)
        self.assertIn("handshakes failed", done.stdout)

    def test_other_names_and_long_lines(self):
        text = "".join(self.lines).replace("postfix/smtpd",
                                           "postfix-in/smtpd")
        log = self.write("log", "x" * 100000 + "\n" + text)
        self.assert_all(self.trace(failures_of(a for a, *_ in SESSIONS),
                                   f"--maillog={log}", zone=self.zone()))

    # New Year, with nothing but the stamps changed.

    def at(self, *stamps):
        """The session of a client that fails, at each of these times."""
        session = [line for line in self.lines
                   if "[127.0.0.11]" in line or "library" in line][:5]
        return self.write("log", "".join(
            stamp + line[15:] for stamp in stamps for line in session))

    def test_new_year(self):
        eve = int(datetime.datetime(
            2025, 12, 31, 12, tzinfo=datetime.timezone.utc).timestamp())
        log = self.at("Dec 31 11:59:59", "Dec 31 12:00:00",
                      "Jan  1 00:00:01", "Jan  1 12:00:01")
        # Noon here is an hour before, and five after, that of UTC.
        for zone, connects in (("UTC", 2), ("CET-1", 2), ("EST5", 3)):
            one, = self.trace(failures_of(["127.0.0.11"]),
                              f"--maillog={log}", start=eve,
                              end=eve + 86400, zone=zone)
            self.assertEqual(one["connects"], connects, zone)

    def test_the_log_is_of_another_time(self):
        one, = self.trace(failures_of(["127.0.0.11"]),
                          f"--maillog={self.log}", status=1,
                          start=mails.DAY, end=mails.DAY + 86399,
                          zone=self.zone())
        self.assertEqual((one["verdict"], one["blame"]),
                         ("no-log", "unknown"))
        self.assertTrue([n for n in one["notes"] if "begins at" in n], one)

    def test_the_log_of_another_host(self):
        failure, = failures_of(["127.0.0.11"])
        failure["receiving-mx-hostname"] = "mx2.example.test"
        one, = self.trace([failure], f"--maillog={self.log}",
                          zone=self.zone())
        self.assertIn("speaks of mx2.example.test, and this is a log of mx",
                      one["notes"][0])

    # The usual files.

    def test_rotated_files(self):
        lab.mount("-t", "tmpfs", "tmpfs", "/var/log")
        self.addCleanup(lab.unmount, "/var/log")
        usual = pathlib.Path("/var/log")
        (usual / "mail.log").write_text("".join(self.lines[12:]),
                                        encoding="ascii")
        (usual / "mail.log.1").write_text("".join(self.lines[:12]),
                                          encoding="ascii")
        # Of before, and what is no log: neither is read.
        (usual / "mail.log.2.gz").write_bytes(b"\x1f\x8b damaged")
        os.utime(usual / "mail.log.2.gz", (self.start - 9,) * 2)
        (usual / "mail.log.bak").write_text("x", encoding="ascii")
        os.utime(usual / "mail.log.1", (time.time() - 1,) * 2)
        self.assert_all(self.trace(failures_of(a for a, *_ in SESSIONS),
                                   end=int(time.time()) + 60,
                                   zone=self.zone()))

    def test_no_log(self):
        """Without journalctl there is nothing else to ask."""
        lab.mount("-t", "tmpfs", "tmpfs", "/var/log")
        self.addCleanup(lab.unmount, "/var/log")
        report = self.report(failures_of(["127.0.0.11"]))
        journalctl = os.path.realpath("/usr/bin/journalctl")
        if os.path.exists(journalctl):
            done = run(report)
            self.assertIn("asking the journal", done.stderr)
            # As it may be: with these sessions, others, or none there.
            self.assertIn(done.returncode, (0, 1, 69), done)
            plain = self.write("plain", "")
            lab.mount("--bind", plain, journalctl)
            self.addCleanup(lab.unmount, journalctl)
        done = run(report)
        self.assertEqual((done.returncode, done.stdout), (66, ""))
        self.assertIn("--journal", done.stderr)

    def test_aliases(self):
        report = self.report(failures_of(["127.0.0.11"]))
        want = run(report, "--maillog", self.log)
        self.assertEqual(want.returncode, 0, want)
        done = run("--report", report, "--log", self.log)
        self.assertEqual(
            (done.returncode, done.stdout), (0, want.stdout), done)

    # What is wrong with the question.

    def test_usage(self):
        report = self.report(failures_of(["127.0.0.11"]))
        for words, status in (
                ([], 64), ([report, report], 64),
                ([report, "--report", report], 64), (["--problem=0"], 64),
                ([report, "--problem=1"], 64), ([report, "--lines=x"], 64),
                ([report, "--format=csv"], 64), ([report, "--state=x"], 64),
                (["--help"], 0), (["/nonexistent"], 66),
                ([report, "--maillog=/nonexistent"], 66),
                ([report, "--maillog=/"], 66),
                (["--problem=1", "--state=/nonexistent"], 69),
                (["--problem=1", "-c", "/nonexistent"], 78),
                ([self.log], 65)):
            done = run(*words)
            self.assertEqual(done.returncode, status, (words, done))

    def test_hostile_words(self):
        failure, = failures_of(["127.0.0.11"])
        failure["result-type"] = "x\x1b[31m\u202e"
        failure["receiving-mx-hostname"] = "\x1b]0;x\x07"
        log = self.write("log", "".join(self.lines) + self.lines[-1][:16]
                         + "mx postfix/smtpd[9]: connect from "
                         "\x1b[7m[127.0.0.11]\n")
        done = run(f"--maillog={log}", "--lines=99", self.report([failure]),
                   zone=self.zone())
        self.assertEqual(done.returncode, 0, done)
        self.assertNotRegex(done.stdout, "[\0-\x09\x0b-\x1f\x7f\u202e]")
        self.assertIn("\\x1b", done.stdout)

    # Of a problem.

    def test_problem(self):
        """Two reports tell of it, and others of other things."""
        archive, state = self.dir / "archive", self.dir / "state.db"
        from truth import record  # pylint: disable=import-outside-toplevel
        for n, (address, kind) in enumerate((
                ("127.0.0.11", "certificate-expired"),
                ("127.0.0.12", "certificate-expired"),
                ("127.0.0.13", "starttls-not-supported"))):
            failure = mails.failure(
                kind, 50, sending_mta_ip=address,
                receiving_mx_hostname="MX.example.test.")
            start = self.start - self.start % 86400 - (86400 if n else 0)
            rep = mails.report(mails.policy(50, 50, [failure]),
                               organization=f"Sender {n}", start=start,
                               end=start + 86399 + (86400 if n else 0))
            _, line = record(rep, start + 90000)
            path = archive / "2026" / "01" / "01" / f"{n}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(line, encoding="utf-8")
        words = (f"--archive={archive}", f"--state={state}")
        subprocess.run([lab.TLSRPT, "reindex", *words], check=True,
                       timeout=60)
        listed = subprocess.run(
            [lab.TLSRPT, "problems", "--format=json", words[1]], check=True,
            capture_output=True, timeout=60).stdout.splitlines()
        number = next(p["number"] for p in map(json.loads, listed)
                      if p["result-type"] == "certificate-expired")
        done = run("--format=json", f"--problem={number}", *words,
                   f"--maillog={self.log}", zone=self.zone())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        found = {one["sending-mta-ip"]: one["verdict"]
                 for one in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(found, {"127.0.0.11": "handshake-failed",
                                 "127.0.0.12": "rejected-by-sender"})
        done = run("--problem=99", *words, f"--maillog={self.log}")
        self.assertEqual(done.returncode, 64, done)


@unittest.skipUnless(os.path.exists(JOURNALD), "no systemd-journald here")
class Journal(unittest.TestCase):
    """Another Postfix, which logs by syslog(3) into a real journal."""

    def test_journal(self):
        base = pathlib.Path(tempfile.mkdtemp(dir="/run", prefix="trace-"))
        base.chmod(0o755)
        self.addCleanup(shutil.rmtree, base)
        if not os.path.exists("/etc/machine-id"):
            self.skipTest("no /etc/machine-id")
        daemon = subprocess.Popen(  # pylint: disable=consider-using-with
            [JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sockets = pathlib.Path("/run/systemd/journal")
        self.addCleanup(lambda: [path.unlink() for path in sockets.iterdir()])
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        lab.wait_until((sockets / "dev-log").exists, "journal")
        pathlib.Path("/dev/log").symlink_to(sockets / "dev-log")
        self.addCleanup(os.unlink, "/dev/log")
        start = int(time.time()) - 1
        postfix = make_postfix(base / "two", "maillog_file =\n")
        self.addCleanup(postfix.stop)
        play()
        report = base / "report.json"
        report.write_text(json.dumps(mails.report(
            mails.policy(1, 7, failures_of(a for a, *_ in SESSIONS)),
            start=start, end=int(time.time()) + 5)), encoding="utf-8")

        def ask():
            done = run("--format=json", "--journal", report, zone="JST-9")
            self.assertEqual(done.stderr, "")
            found = [json.loads(line) for line in done.stdout.splitlines()]
            got = [(one["connects"], one["verdict"]) for one in found]
            return got == [(times, verdict)
                           for _, times, _, verdict, _ in SESSIONS]
        lab.wait_until(ask, "the sessions in the journal")


if __name__ == "__main__":
    unittest.main()
