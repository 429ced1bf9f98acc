#!/usr/bin/python3
"""See tlsrpt-milter at work: demo.py

Starts a private Postfix on a loopback port with the milter attached, a private
nameserver with the senders' DKIM keys, and the collector on a port with TLS. Sends
genuine reports, a forged one, a damaged one and an ordinary mail, and shows what
became of each; posts one by HTTPS, and mails the same. Ends non-zero if anything that is promised is missing. What it makes is below
build/demo; nothing is left running. Needs root.
"""

import gzip
import itertools
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import typing

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import dkimsign
import dns
import lab
import mails

COLLECTOR = lab.BUILD / "tlsrpt-collector"
WIDTH = 100
COLUMN = 42
DAY = 86400
HEADER = "X-TLSRPT-Milter"


class Sender(typing.NamedTuple):
    """Who reports, and the selector of the key that signs for it."""
    organization: str
    address: str
    selector: str

    @property
    def domain(self):
        return self.address.partition("@")[2]


GOOGLE = Sender("Google Inc.", "noreply-smtp-tls-reporting@google.com",
                "demo-g")
MICROSOFT = Sender("Microsoft Corporation", "tlsrpt-noreply@microsoft.com",
                   "demo-m")


class Missing(Exception):
    """Something that was promised did not come out."""


def heading(text):
    print(f"\n=== {text}\n")


def fold(text):
    """Long lines, folded to be read; they are one line each in truth."""
    for line in text.splitlines():
        print(textwrap.fill(line, WIDTH, initial_indent="  ",
                            subsequent_indent="      ",
                            break_on_hyphens=False))


def expect(condition, what):
    if not condition:
        raise Missing(what)


def free_ports(count):
    """Loopback ports that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Keys:
    """A DKIM key for each sender, and a forger's that no name holds."""

    def __init__(self, directory):
        directory.mkdir()
        self._directory = directory
        self.records = {
            f"{sender.selector}._domainkey.{sender.domain}":
                dkimsign.txt_record(self._make(sender.selector))
            for sender in (GOOGLE, MICROSOFT)}
        self._make("forger")

    def _path(self, name):
        return str(self._directory / f"{name}.pem")

    def _make(self, name):
        return dkimsign.make_key(self._path(name))

    def sign(self, mail, sender, key=None):
        """Sign in the sender's name, with the sender's key or another."""
        return dkimsign.sign(mail, sender.domain, sender.selector,
                             self._path(key or sender.selector))


class Collector:
    """tlsrpt-collector, with the milter's configuration and a certificate."""

    def __init__(self, milter, port):
        self.directory = milter.directory
        self._conf = milter.conf
        self._errors = self.directory / "stderr-collector"
        self.url = f"https://localhost:{port}/v1/tlsrpt"
        self.cert, key = (self.directory / f"localhost.{ending}"
                          for ending in ("pem", "key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-out", str(self.cert), "-keyout", str(key)], check=True,
            capture_output=True)
        shutil.chown(key, lab.USER)
        milter.configure(Listen=f"inet:{port}@127.0.0.1",
                         CertificateFile=str(self.cert), KeyFile=str(key))
        self._process = None

    def start(self):
        with open(self._errors, "wb") as file:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                [str(COLLECTOR), "-f", "-c", str(self._conf)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/")
        lab.wait_until(self._is_ready, "the collector")

    def _is_ready(self):
        expect(self._process.poll() is None,
               f"the collector: {self.error_text()}")
        return " listens on " in self.error_text()

    def error_text(self):
        return self._errors.read_text(errors="backslashreplace")

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(lab.PATIENCE)

    def kill(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def report_of(sender, *policies):
    """Yesterday's report, as this sender would write it."""
    start = int(time.time()) // DAY * DAY - DAY
    report = mails.report(*policies, organization=sender.organization,
                          contact_info=sender.address, start=start,
                          end=start + DAY - 1)
    report["report-id"] = report["report-id"].replace("example.org",
                                                      sender.domain)
    return report


def mail_of(sender, *policies, report=None):
    """The mail of yesterday's report, or of another."""
    report = report or report_of(sender, *policies)
    domain = report["policies"][0]["policy"]["policy-domain"]
    mail = mails.mail(report, submitter=sender.domain, subject=f"Report "
                      f"Domain: {domain} Submitter: {sender.domain}")
    return mail.replace(b"<noreply@example.org>",
                        f"<{sender.address}>".encode())


def make_mails(keys):
    """By kind: what it is, who sends it, and the mail."""
    clean = mails.policy(1203, 0, domain="example.test")
    failing = mails.case_certificate()["policies"]
    alarm = mails.policy(
        0, 98765, [mails.failure(
            "certificate-expired", 98765,
            receiving_mx_hostname="mail1.captaindns.com")],
        domain="captaindns.com")
    return {
        "clean": ("a report without failures", GOOGLE.address,
                  keys.sign(mail_of(GOOGLE, clean), GOOGLE)),
        "failing": ("a report with failures", MICROSOFT.address,
                    keys.sign(mail_of(MICROSOFT, *failing), MICROSOFT)),
        "forged": ("a forged report", MICROSOFT.address,
                   keys.sign(mail_of(MICROSOFT, alarm), MICROSOFT, "forger")),
        "damaged": ("a damaged report", "reporter@example.org",
                    mails.damaged()),
        "ordinary": ("an ordinary mail", "somebody@example.org",
                     mails.ordinary()),
    }


def send_all(milter, letters):
    """Returns the queue ids by kind."""
    ids = {}
    for kind, (text, sender, mail) in letters.items():
        with lab.Client(milter.port) as client:
            reply = client.send(mail, sender=sender)
        ids[kind] = reply.queue_id
        print(f"  {text:26} -> {reply}")
    return ids


def lines_of(text, queue_id):
    """The lines on one message, or one request."""
    return [line.partition(f" {queue_id}: ")[2] for line in text.splitlines()
            if f" {queue_id}: " in line]


def show_log(milter, ids):
    """The lines of the milter; just those that are due must be there."""
    text = milter.error_text()
    fold(text)
    due = {
        "clean": ["report .* dkim=pass dkim-domain=google.com ", "policy "],
        "failing": ["report .* dkim=pass dkim-domain=microsoft.com ",
                    "policy ",
                    "failure .*result-type=certificate-host-mismatch "
                    ".*receiving-mx-hostname=mail2.captaindns.com "
                    ".*severity=err .*action=",
                    "problem-opened .*since="],
        "forged": ["unverified .* dkim=fail dkim-domain=microsoft.com "
                   ".*dkim-reason=signature "],
        "damaged": ["malformed reason=gzip-corrupt "],
        "ordinary": ["not-a-report "],
    }
    for kind, patterns in due.items():
        lines = lines_of(text, ids[kind])
        for pattern, line in itertools.zip_longest(patterns, lines):
            expect(pattern and line
                   and re.match("event=" + pattern, line + " "),
                   f"event={pattern} for {ids[kind]} in the log, "
                   f"where it says: {line}")


def show_mail(sink, ids):
    """Genuine reports are gone, the rest was delivered.

    Returns the values of our field by kind."""
    fields = {}
    for kind, queue_id in ids.items():
        if kind in ("clean", "failing"):
            expect(not sink.mails(queue_id), f"discard of the {kind} report")
            print(f"  {kind:9} discarded, as it is archived")
            continue
        fields[kind] = sink.wait(queue_id).field(HEADER)
        added = "".join(f", {HEADER}: {value}" for value in fields[kind])
        fold(f"{kind:9} delivered{added}")
    for kind, value in (("forged", "unverified; dkim=fail; "),
                        ("damaged", "malformed; reason=gzip-corrupt")):
        expect(len(fields[kind]) == 1 and fields[kind][0].startswith(value),
               f"{HEADER}: {value} in the {kind} mail")
    expect(not fields["ordinary"], "the ordinary mail without a field")
    return fields


def show_archive(milter):
    """The listing, and the record of the failing report.

    Returns the path of that one and of the forged one."""
    paths = milter.records()
    for path in paths:
        print(f"  {path}")
    texts = {path: (milter.archive / path).read_text() for path in paths}
    forged = [p for p in paths if p.parts[0] == "unverified"]
    genuine = [p for p in paths if p not in forged]
    expect(len(genuine) == 2, "two records of genuine reports")
    expect(len(forged) == 1 and "98765" in texts[forged[0]],
           "the forged report's record, below unverified/")
    failing = [p for p in genuine if "certificate-host-mismatch" in texts[p]]
    expect(len(failing) == 1, "record of the failing report")
    print(f"\n  {failing[0].name} holds one line:")
    fold(texts[failing[0]])
    return failing[0], forged[0]


def columns(title, left, right):
    """Two texts side by side, each wrapped in a column of its own."""
    wrapped = (textwrap.wrap(text, COLUMN, break_on_hyphens=False)
               for text in (left, right))
    for pair in itertools.zip_longest(*wrapped, fillvalue=""):
        print(f"  {title:9} {pair[0]:{COLUMN}}  {pair[1]}".rstrip())
        title = ""


def show_side_by_side(milter, ids, letters, paths, field):
    text = milter.error_text()
    both = [lines_of(text, ids[kind]) for kind in ("failing", "forged")]

    def from_log(pattern):
        """What the first line of each says."""
        return [" ".join(re.findall(pattern, lines[0])) for lines in both]

    columns("", "genuine", "forged")
    columns("", "-" * COLUMN, "-" * COLUMN)
    columns("sender", letters["failing"][1], letters["forged"][1])
    columns("claims", *(f"{count} failed sessions" for count in
                        from_log(r"total-failure-session-count=(\d+)")))
    columns("DKIM", *from_log(r"\bdkim[a-z-]*=\S+"))
    columns("events", *(", ".join(re.match(r"event=(\S+)", line)[1]
                                  for line in lines) for lines in both))
    columns("severity", *from_log(r"\bseverity=(\S+)"))
    columns("archive", *(f"{path.parent}/" for path in paths))
    columns("mail", "discarded, as it is archived",
            f"delivered, {HEADER}: {field}")


def show_summary(record):
    print(f"  $ {shlex.join(['tlsrpt', 'show', record.name])}\n")
    done = subprocess.run([lab.TLSRPT, "show", record], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    print(textwrap.indent(done.stdout, "  "), end="")
    expect(done.returncode == 0, f"success of tlsrpt show: {done.returncode}")
    for word in ("Microsoft Corporation", "captaindns.com",
                 "mail2.captaindns.com", "certificate-host-mismatch", "47",
                 "890"):
        expect(word in done.stdout, f"{word} in the summary")


def show_problems(milter):
    """What is broken, and the page; its path within the demo's directory."""
    print("  $ tlsrpt problems\n")
    page = milter.directory / "report.html"
    index = ["--state", milter.state]
    done = subprocess.run([lab.TLSRPT, "problems", *index], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    print(textwrap.indent(done.stdout, "  "), end="")
    for word in ("certificate-host-mismatch", "mail2.captaindns.com", "open",
                 "47 failed of 937", "Microsoft Corporation"):
        expect(word in done.stdout, f"{word} in tlsrpt problems")
    with open(page, "wb") as file:
        done = subprocess.run([lab.TLSRPT, "html", *index], check=False,
                              stdout=file)
    expect(done.returncode == 0, f"success of tlsrpt html: {done.returncode}")
    expect("mail2.captaindns.com" in page.read_text(encoding="utf-8"),
           "the problem in the page")
    print(f"\n  $ tlsrpt html >{page.name}    # a page to look at")


def count_reports(milter):
    done = subprocess.run([lab.TLSRPT, "metrics", "--state", milter.state],
                          check=False, stdout=subprocess.PIPE, text=True)
    found = re.search(r"^tlsrpt_reports (\d+)$", done.stdout, re.MULTILINE)
    expect(found, "tlsrpt_reports in tlsrpt metrics")
    print(f"  $ tlsrpt metrics | grep '^tlsrpt_reports '\n  {found[0]}\n")
    return int(found[1])


def post(collector, report):
    """By curl; returns the id that it is answered with."""
    path = collector.directory / "report.json.gz"
    path.write_bytes(gzip.compress(mails.text_of(report)))
    words = ["curl", "-sS", "--cacert", collector.cert.name, "-H",
             "Content-Type: application/tlsrpt+gzip", "--data-binary",
             "@" + path.name, collector.url]
    fold("$ " + shlex.join(words))
    done = subprocess.run(words, cwd=collector.directory, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    print(textwrap.indent(done.stdout, "  "))
    found = re.fullmatch(r"Stored\. Id: (\w+)\n", done.stdout)
    expect(found, "201 for a report that is posted")
    return found[1]


def show_both_ways(milter, collector, keys):
    """One report by HTTPS, and the same by mail: it counts once."""
    report = report_of(GOOGLE, mails.policy(511, 0, domain="captaindns.com"))
    before = count_reports(milter)
    number = post(collector, report)
    lines = lines_of(collector.error_text(), number)
    fold("\n".join(lines))
    expect(lines and re.match("event=report .* auth=none client=127.0.0.1 ",
                              lines[0]), "event=report of the collector")
    print("\n  The same by mail, signed by its sender:\n")
    mail = keys.sign(mail_of(GOOGLE, report=report), GOOGLE)
    with lab.Client(milter.port) as client:
        queue_id = client.send(mail, sender=GOOGLE.address).queue_id
    lines = lines_of(milter.error_text(), queue_id)
    fold("\n".join(lines))
    expect(len(lines) == 1 and re.match("event=duplicate .* dkim=pass ",
                                        lines[0]),
           "event=duplicate of the milter, and no other")
    print()
    expect(count_reports(milter) == before + 1,
           "one report more, not two")


def tell(milter, sink, letters):
    """Send all of them and show what came out."""
    heading("Five mails, sent by SMTP to " + lab.MAILBOX)
    ids = send_all(milter, letters)
    heading("The log (lines are folded here)")
    show_log(milter, ids)
    heading("What became of the mails")
    fields = show_mail(sink, ids)
    heading("The archive")
    paths = show_archive(milter)
    heading("Genuine and forged, side by side")
    show_side_by_side(milter, ids, letters, paths, fields["forged"][0])
    heading("The failing report, for people")
    show_summary(milter.archive / paths[0])
    heading("What is broken now")
    show_problems(milter)


def demonstrate(base):
    smtp, sink_port, https = free_ports(3)
    keys = Keys(base / "keys")
    nameserver = dns.Dns(base / "dns", keys.records)
    # DKIM is left at its default, require.
    milter = lab.Milter(base / "milter", smtp, OnReport="discard",
                        LogTarget="stderr", DKIM=None,
                        Resolver=nameserver.address,
                        Domain=["example.test", "captaindns.com"])
    collector = Collector(milter, https)
    postfix = lab.Postfix(
        base / "postfix", [(smtp, f"unix:{milter.socket}", "tempfail")],
        sink_port)
    sink = lab.Sink(sink_port)
    try:
        heading("A private Postfix, and tlsrpt-milter attached to it")
        nameserver.start()
        milter.start()
        collector.start()
        postfix.start()
        print(f"  Postfix listens on 127.0.0.1:{smtp}, with "
              f"smtpd_milters = unix:{milter.socket}")
        print(f"  A nameserver at {nameserver.address} has the senders' keys:")
        for name in keys.records:
            print(f"    {name}")
        print(f"  tlsrpt-collector takes reports at {collector.url}")
        print("  The configuration of both:\n")
        print(textwrap.indent(milter.conf.read_text(), "    "), end="")
        tell(milter, sink, make_mails(keys))
        heading("A report by HTTPS, and the same by mail")
        show_both_ways(milter, collector, keys)
        expect(collector.stop() == 0, "orderly end of the collector")
        expect(milter.stop() == 0, "orderly end of the milter")
    finally:
        collector.kill()
        milter.kill()
        postfix.stop()
        nameserver.stop()
        sink.close()


def bare(name):
    """Where namespaces are not to be had, as in some containers."""
    base = lab.BUILD / name
    for directory in [lab.BUILD, *lab.BUILD.parents]:
        if not directory.stat().st_mode & 1:
            raise lab.LabError(f"user postfix cannot pass through {directory}"
                               ", and mount namespaces are not permitted")
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    base.chmod(0o755)
    return base


def run(furnish):
    try:
        demonstrate(furnish("demo"))
    except (Missing, AssertionError) as error:
        print(f"\ndemo: missing: {error}", flush=True)
        return 1
    heading("Everything that was promised is there. "
            f"It lies in {os.path.relpath(lab.BUILD / 'demo')}.")
    return 0


def require():
    """What is missing here, with what the signatures need."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    return lab.require() + [
        f"{name} is not installed: run make deps"
        for name in ("unbound", "openssl", "curl")
        if shutil.which(name, path=path) is None] + (
            [] if os.access(COLLECTOR, os.X_OK) else
            [f"{COLLECTOR} is not built: run make"])


def main():
    problems = require()
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    if problems:
        return 1
    try:
        try:
            return lab.run_inside(lambda: run(lab.furnish))
        except lab.NoNamespaces:
            return run(bare)
    except lab.LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
