#!/usr/bin/python3
"""See tlsrpt-milter at work: demo.py

Starts a private Postfix on a loopback port with the milter attached, sends it
four mails, and shows what became of them. Ends non-zero if anything that is
promised is missing. What it makes is below build/demo; nothing is left
running. Needs root.
"""

import pathlib
import re
import shutil
import socket
import subprocess
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import lab
import mails

WIDTH = 100
HEADER = "X-TLSRPT-Milter"


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


def send_all(milter):
    """The four mails. Returns their queue ids by kind."""
    kinds = {
        "clean": ("a report without failures",
                  mails.mail(mails.report(
                      mails.policy(1203, 0, domain="example.test"),
                      organization="Google Inc."))),
        "failing": ("a report with failures",
                    mails.mail(mails.case_certificate())),
        "damaged": ("a damaged report", mails.damaged()),
        "ordinary": ("an ordinary mail", mails.ordinary()),
    }
    ids = {}
    for kind, (text, mail) in kinds.items():
        with lab.Client(milter.port) as client:
            reply = client.send(mail)
        ids[kind] = reply.queue_id
        print(f"  {text:26} -> {reply}")
    return ids


def show_log(milter, ids):
    """The lines of the milter; every event that is due must be there."""
    text = milter.error_text()
    fold(text)
    for kind, event in (("clean", "report"), ("clean", "policy"),
                        ("failing", "report"), ("failing", "policy"),
                        ("failing", "failure"), ("damaged", "malformed"),
                        ("ordinary", "not-a-report")):
        expect(re.search(rf"(?m): {ids[kind]}: event={event} ", text),
               f"event={event} for {ids[kind]} in the log")
    expect(re.search(r"event=failure .*result-type=certificate-host-mismatch "
                     r".*receiving-mx-hostname=mail2\.captaindns\.com "
                     r".*severity=err .*action=", text),
           "MX, severity and action in the failure's line")


def show_mail(sink, ids):
    """Reports are gone, the rest was delivered."""
    for kind in ("damaged", "ordinary"):
        sink.wait(ids[kind])
    for kind, queue_id in ids.items():
        delivered = sink.mails(queue_id)
        if delivered:
            added = "; ".join(f"{HEADER}: {v}"
                              for v in delivered[0].field(HEADER))
            print(f"  {kind:9} delivered  {added}")
        else:
            print(f"  {kind:9} discarded, as it is archived")
    for kind in ("clean", "failing"):
        expect(not sink.mails(ids[kind]), f"discard of the {kind} report")
    expect(sink.mails(ids["damaged"])[0].field(HEADER)
           == ["malformed; reason=gzip-corrupt"],
           f"{HEADER} in the damaged mail")


def show_archive(milter):
    """The listing, and the record of the failing report, which is returned."""
    paths = milter.records()
    for path in paths:
        print(f"  {path}")
    expect(len(paths) == 2, "two records in the archive")
    for path in paths:
        text = (milter.archive / path).read_text()
        if "certificate-host-mismatch" in text:
            print(f"\n  {path.name} holds one line:")
            fold(text)
            return milter.archive / path
    raise Missing("record of the failing report")


def show_summary(record):
    print(f"  $ tlsrpt show {record.name}\n")
    done = subprocess.run([lab.TLSRPT, "show", record], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    print(textwrap.indent(done.stdout, "  "), end="")
    expect(done.returncode == 0, f"success of tlsrpt show: {done.returncode}")
    for word in ("Microsoft Corporation", "captaindns.com",
                 "mail2.captaindns.com", "certificate-host-mismatch", "47",
                 "890"):
        expect(word in done.stdout, f"{word} in the summary")


def demonstrate(base):
    smtp, sink_port = free_ports(2)
    place = base / "milter"
    milter = lab.Milter(place, smtp, OnReport="discard", LogTarget="stderr",
                        Domain=["example.test", "captaindns.com"])
    postfix = lab.Postfix(
        base / "postfix", [(smtp, f"unix:{milter.socket}", "tempfail")],
        sink_port)
    sink = lab.Sink(sink_port)
    try:
        heading("A private Postfix, and tlsrpt-milter attached to it")
        milter.start()
        postfix.start()
        print(f"  Postfix listens on 127.0.0.1:{smtp}, with "
              f"smtpd_milters = unix:{milter.socket}")
        print("  The configuration of tlsrpt-milter:\n")
        print(textwrap.indent(milter.conf.read_text(), "    "), end="")
        heading("Four mails, sent by SMTP to " + lab.MAILBOX)
        ids = send_all(milter)
        heading("The log (lines are folded here)")
        show_log(milter, ids)
        heading("What became of the mails")
        show_mail(sink, ids)
        heading("The archive")
        record = show_archive(milter)
        heading("The failing report, for people")
        show_summary(record)
        expect(milter.stop() == 0, "orderly end of the milter")
    finally:
        milter.kill()
        postfix.stop()
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
    heading("Everything that was promised is there. It lies in build/demo.")
    return 0


def main():
    problems = lab.require()
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
