"""One message on standard input, as MTAs hand it to a pipe."""

import hashlib
import pathlib
import random
import re
import subprocess
import time

from case import check_line
from dkimcase import alter, place_of, record, sign, unsigned
from ingestcase import IngestCase, lab, mails

DAY = 86400


def lf(mail):
    """As it comes through a pipe."""
    return mail.replace(b"\r\n", b"\n")


def memory_of(pid):
    """The most it has had so far, in kB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+)", text, re.MULTILINE)[1])


class Message(IngestCase):
    def test_dash_is_standard_input(self):
        place = self.place()
        self.take(place, mails.mail(mails.report()), "-")
        self.assertEqual(len(place.records()), 1)

    def test_no_mailbox_is_needed(self):
        place = self.place(Mailbox=None)
        self.take(place, mails.mail(mails.report()))
        self.assertEqual(self.reports_indexed(place), 1)

    def test_report_is_archived_logged_and_indexed(self):
        place = self.place()
        rep = mails.case_certificate()
        self.take(place, lf(mails.mail(rep)), "--queue-id=4XyZ1k2",
                  "--sender=a@google.com", "--client=x [192.0.2.1]")
        made = place.only_record()
        self.assertEqual(made["report"], rep)
        self.assertEqual((made["queue-id"], made["envelope-from"],
                          made["client"]),
                         ("4XyZ1k2", "a@google.com", "x [192.0.2.1]"))
        events = self.logged()
        self.assertEqual([fields["event"] for _, fields in events][:3],
                         ["report", "policy", "failure"])
        self.assertEqual({queue_id for queue_id, _ in events}, {"4XyZ1k2"})
        self.assertEqual(events[0][1]["disposition"], "discard")
        self.assertEqual(self.reports_indexed(place), 1)

    def test_the_same_again_is_a_duplicate(self):
        place = self.place()
        mail = mails.mail(mails.report())
        self.take(place, lf(mail))
        self.take(place, mail)
        self.assertEqual(self.names_logged(), ["report", "policy",
                                               "duplicate"])
        self.assertEqual(len(place.records()), 1)
        self.assertEqual(self.reports_indexed(place), 1)

    def test_problems_are_told_as_by_the_milter(self):
        place = self.place()
        yesterday = int(time.time()) // DAY * DAY - DAY
        self.take(place, mails.mail(mails.report(
            mails.policy(100, 100, [mails.failure("certificate-expired",
                                                  100)]),
            start=yesterday, end=yesterday + DAY - 1)))
        self.assertIn("problem-opened", self.names_logged())

    def test_what_takes_long_is_told_by_the_same_message(self):
        """More evidence than a report waits for, and no milter."""
        def on(days_ago, *policies, organization="A"):
            start = (int(time.time()) // DAY - days_ago) * DAY
            return mails.report(*policies, organization=organization,
                                start=start, end=start + DAY - 1)

        place = self.place()
        place.write("0.json", mails.text_of(on(9, mails.policy(
            0, 50, [mails.failure("certificate-expired", 50)]))))
        for n in range(1, 400):
            place.write(f"{n}.json", mails.text_of(
                on(7, mails.policy(10, 0), organization=f"B {n}")))
        self.load(place, place.files, counts=(400, 0, 0, 0, 0))
        self.take(place, mails.mail(on(8, mails.policy(50, 0))))
        self.assertEqual(self.resolved_logged(), 0)
        self.take(place, mails.mail(on(7, mails.policy(50, 0))))
        self.assertEqual(self.resolved_logged(), 1)

    def resolved_logged(self):
        return sum(check_line(line).startswith("event=problem-resolved ")
                   for line in self.lines())

    def test_environment_of_mtas(self):
        place = self.place()
        self.take(place, mails.mail(mails.report()), env={
            "SENDER": "a@b.example", "MESSAGE_ID": "1abcde-000001-XY",
            "CLIENT_HOSTNAME": "mx.b.example", "CLIENT_ADDRESS": "192.0.2.9"})
        made = place.only_record()
        self.assertEqual((made["queue-id"], made["envelope-from"],
                          made["client"]),
                         ("1abcde-000001-XY", "a@b.example",
                          "mx.b.example [192.0.2.9]"))

    def test_a_queue_id_cannot_forge_a_line(self):
        place = self.place()
        self.take(place, mails.mail(mails.report()), "--queue-id=A: event=x")
        self.assertEqual({queue_id for queue_id, _ in self.logged()},
                         {"NOQUEUE"})
        self.assertEqual(place.only_record()["queue-id"], "")


class Unreadable(IngestCase):
    def test_damaged_report_is_kept_whole(self):
        for action in ("deliver", "quarantine"):
            place = self.place(OnMalformed=action)
            mail = b"From x@y Thu Feb 12 04:00:00 2026\n" + lf(mails.damaged())
            for _ in range(2):
                self.take(place, mail)
            self.assertEqual(place.unreadable(), [mail])
            self.assertEqual(place.records(), [])
        self.assertEqual(self.names_logged(), ["malformed", "kept"] * 4)
        self.assertEqual(self.dispositions(), ["kept"] * 4)

    def test_damaged_report_is_refused(self):
        place = self.place(OnMalformed="reject")
        self.take(place, mails.damaged(), status=65,
                  errors=r"\A5\.6\.0 TLS report cannot be read: "
                         r"gzip-corrupt: .*\n\Z")
        self.assertEqual(place.unreadable(), [])

    def test_mail_that_is_no_report_is_kept(self):
        place = self.place(OnMalformed="reject")
        mail = mails.ordinary()
        self.take(place, mail)
        self.assertEqual(place.unreadable(), [mail])
        (_, first), (_, kept) = self.logged()
        self.assertEqual((first["event"], first["disposition"]),
                         ("not-a-report", "kept"))
        self.assertEqual(kept["event"], "kept")
        self.assertTrue((place.archive / kept["archive"]).exists())

    def test_a_good_report_beside_a_damaged_one(self):
        place = self.place()
        good = mails.attach(mails.text_of(mails.report()),
                            kind="application/tlsrpt+json", name="r.json")
        mail = mails.multipart(good + b"\r\n--b1\r\n"
                               + mails.attach(b"\x1f\x8b\x08 damaged"))
        self.take(place, mail)
        self.assertEqual(len(place.records()), 1)
        self.assertEqual(place.unreadable(), [mail])

    def test_large_mail_costs_no_memory(self):
        place = self.place(MaxMessageSize="1M")
        mail = mails.ordinary(random.Random(1).randbytes(12 << 20))
        # pylint: disable=consider-using-with
        process = subprocess.Popen(place.command("ingest"),
                                   stdin=subprocess.PIPE)
        process.stdin.write(mail)
        process.stdin.flush()
        peak = memory_of(process.pid)
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)
        kept = place.unreadable()
        self.assertEqual([hashlib.sha256(data).digest() for data in kept],
                         [hashlib.sha256(mail).digest()])
        if not lab.is_sanitized():
            self.assertLess(peak, 40 << 10)


class Genuine(IngestCase):
    def test_signature_of_a_mail_with_lf(self):
        server = self.nameserver({place_of("s"): record()})
        place = self.place(DKIM="require", Resolver=server.address)
        for canon in ("simple/simple", "relaxed/relaxed"):
            # Folds, spaces that count, and lines that end the body.
            mail = sign(unsigned(fields=("X-Folded:   a\r\n\t b ",))
                        + b"\r\n\r\n", canon=canon,
                        headers=["From", "To", "Subject", "X-Folded"])
            self.take(place, lf(mail))
            self.take(place, b"From x Thu Feb 12 04:00:00 2026\n" + lf(mail))
            self.take(place, mail)
        results = [fields.get("dkim") for _, fields in self.logged()
                   if fields["event"] in ("report", "duplicate")]
        self.assertEqual(results, ["pass"] * 6)
        self.take(place, lf(alter(mail, b"\t b ", b"\t c ")))
        self.assertEqual(self.names_logged()[-1], "unverified")

    def test_what_is_not_genuine_does_not_count(self):
        place = self.place(DKIM="require")
        self.take(place, lf(unsigned()))
        self.assertEqual(len(place.records("unverified")), 1)
        self.assertEqual(place.records(), [])
        self.assertEqual(self.dispositions(), ["discard"])
        self.assertEqual(self.reports_indexed(place), 0)

    def test_what_is_not_genuine_is_refused(self):
        place = self.place(DKIM="require", OnUnverified="reject")
        self.take(place, unsigned(), status=65,
                  errors=r"\A5\.7\.20 TLS report is not genuine: "
                         r"no-signature\n\Z")

    def test_dkim_may_be_overridden(self):
        place = self.place(DKIM="require")
        self.take(place, unsigned(), "--dkim=off")
        self.assertEqual(len(place.records()), 1)

    def test_dns_that_fails_is_for_later(self):
        server = self.nameserver()
        server.fail(place_of("s"))
        place = self.place(DKIM="require", Resolver=server.address,
                           OnDNSFailure="tempfail")
        mail = sign(unsigned())
        self.take(place, mail, status=75,
                  errors=r"\A4\.7\.5 TLS report cannot be verified now: "
                         r"dns-failure\n\Z")
        self.assertEqual(place.contents(), {})
        place.configure(OnDNSFailure="deliver")
        self.take(place, mail)
        self.assertEqual(len(place.records("unverified")), 1)


class Trouble(IngestCase):
    def test_own_failure_is_for_later_whatever_the_file_says(self):
        place = self.place(OnFailure="deliver")
        place.give_away()
        self.take(place, mails.mail(mails.report()), user=lab.USER)
        self.assertEqual(len(place.records()), 1)
        for path in place.archive.rglob("*"):
            if path.is_dir():
                path.chmod(0o500)
        self.take(place, mails.mail(mails.report()), user=lab.USER,
                  status=75, errors=r"\A4\.3\.0 TLS report cannot be taken "
                                    r"now: archive: ")
        self.take(place, mails.ordinary(), user=lab.USER, status=75,
                  errors=r"\A4\.3\.0 ")
        self.assertEqual(len(place.records()), 1)

    def test_an_index_in_trouble_is_no_reason(self):
        place = self.place()
        place.state.write_text("no database\n" * 1000)
        self.take(place, mails.mail(mails.report()))
        self.assertEqual(len(place.records()), 1)
        self.take(place, mails.mail(mails.report()))
        self.assertEqual(self.reports_indexed(place), 2)

    def test_without_an_index(self):
        place = self.place(StateFile="none")
        self.take(place, mails.mail(mails.report()))
        self.assertEqual(len(place.records()), 1)
        self.load(place, place.archive, counts=(0, 1, 0, 0, 0))
        self.assertEqual(list(place.base.glob("*.db*")), [])

    def test_nothing_on_standard_input(self):
        self.take(self.place(), b"", status=66, errors="no message")

    def test_wrong_usage(self):
        place = self.place()
        for words, why in ((["--nonsense"], "unrecognized"),
                           (["--log"], "needs a PATH"),
                           (["--sender=x", "file"], "standard input"),
                           (["--dkim=perhaps"], "none of: require, log, off\n"),
                           (["--state=relative"], "")):
            self.take(place, b"", *words, status=64, errors=why + r"(.|\n)*"
                      r'"tlsrpt ingest --help" says how it is used\.\n\Z')
        place.conf.write_text("Mailbox\n")
        self.take(place, b"", status=78, errors="conf:1: ")
        place.conf.unlink()
        self.take(place, b"", status=78,
                  errors=r"/conf: No such file or directory\n\Z")

    def test_help(self):
        done = self.place().run("ingest", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"usage: tlsrpt ingest", done.stdout)
