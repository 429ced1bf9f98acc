"""The archive: names, modes, records, and the raw message beside them."""

import datetime
import email
import email.policy
import gzip
import hashlib
import json
import pwd
import re
import stat

from case import LabCase, lab, mails


class Names(LabCase):
    def archived(self, mail):
        _, event = self.expect_report(mail)
        return event["archive"]

    def test_name_follows_the_rfc(self):
        self.milter()
        rep = mails.report()
        unique = mails.unique_of(mails.text_of(rep))
        path = self.archived(mails.mail(rep))
        self.assertEqual(
            path, "2026/02/12/example.org!example.test!1770854400"
                  f"!1770940799!{unique}.json")
        self.assertEqual([str(p) for p in self.mta.records()], [path])

    def test_odd_characters_become_underscores(self):
        self.milter()
        rep = mails.report(mails.policy(domain="a/../b!c d.\u00fc.test"))
        path = self.archived(mails.mail(rep, submitter="../../x y!z"))
        self.assertEqual(path.count("/"), 3)
        name = path.rsplit("/", 1)[1]
        self.assertEqual(name.count("!"), 4)
        self.assertRegex(name, r"^[A-Za-z0-9._!-]+\.json$")
        self.assertTrue(name.startswith(".._.._x_y_z!a_.._b_c_d."), name)
        self.assertTrue((self.mta.archive / path).is_file())

    def test_long_names_are_still_files(self):
        self.milter()
        rep = mails.report(mails.policy(domain="x" * 3000 + ".test"))
        path = self.archived(mails.mail(rep, submitter="y" * 3000))
        self.assertTrue((self.mta.archive / path).is_file())
        self.assertTrue(path.endswith(
            f"!{mails.unique_of(mails.text_of(rep))}.json"))

    def test_day_of_arrival_when_the_range_is_unknown(self):
        self.milter()
        rep = mails.report()
        del rep["date-range"]
        before = datetime.datetime.now(datetime.timezone.utc)
        path = self.archived(mails.mail(rep))
        after = datetime.datetime.now(datetime.timezone.utc)
        self.assertIn(path[:10], (before.strftime("%Y/%m/%d"),
                                  after.strftime("%Y/%m/%d")))

    def test_range_of_another_zone_and_age(self):
        self.milter()
        rep = mails.report()
        rep["date-range"] = {"start-datetime": "1999-12-31T23:00:00-02:00",
                             "end-datetime": "2000-01-02T00:59:59.999Z"}
        path = self.archived(mails.mail(rep))
        self.assertRegex(path, r"^2000/01/01/[^/]*!946688400!946774799!")

    def test_modes_and_owner(self):
        self.milter(ArchiveMessage="yes")
        path = self.archived(mails.mail(mails.report()))
        owner = pwd.getpwnam(lab.USER).pw_uid
        for made in self.mta.archive.rglob("*"):
            status = made.stat()
            self.assertEqual(status.st_uid, owner, made)
            if made.name == "tmp":
                continue
            self.assertEqual(stat.S_IMODE(status.st_mode),
                             0o750 if made.is_dir() else 0o640, made)
        self.assertTrue((self.mta.archive / path).is_file())


class Records(LabCase):
    def test_members(self):
        self.milter()
        rep = mails.report(mails.policy(0, 1))
        text = mails.text_of(rep)
        mail = mails.mail(rep)
        before = datetime.datetime.now(datetime.timezone.utc)
        queue_id, _ = self.expect_report(mail, sender="bounce@example.org")
        record = self.only_record()
        self.assertEqual(list(record), [
            "received", "queue-id", "envelope-from", "client", "message-id",
            "subject", "submitter", "sha256", "deviations", "severity",
            "report"])
        received = datetime.datetime.strptime(
            record["received"], "%Y-%m-%dT%H:%M:%SZ").replace(
                tzinfo=datetime.timezone.utc)
        self.assertLess(abs((received - before).total_seconds()), 60)
        parsed = email.message_from_bytes(mail)
        self.assertEqual(
            {name: record[name] for name in list(record)[1:]}, {
                "queue-id": queue_id,
                "envelope-from": "bounce@example.org",
                "client": record["client"],
                "message-id": parsed["Message-ID"],
                "subject": parsed["Subject"],
                "submitter": "example.org",
                "sha256": hashlib.sha256(text).hexdigest(),
                "deviations": [],
                "severity": "warning",
                "report": rep})
        self.assertIn("127.0.0.1", record["client"])

    def test_report_token_for_token(self):
        """White space goes, everything else stays as it was written."""
        self.milter()
        rep = mails.report(
            mails.policy(), contact_info="caf\u00e9 \U0001f4e8",
            numbers=[1, -0.5])
        pretty = json.dumps(rep, indent=3, ensure_ascii=True)
        pretty = pretty.replace("-0.5", "-5.0E-1").replace(
            '"report-id"', '"report\\u002did-twin": "\\/a\\tb", "report-id"')
        self.expect_report(mails.mail(pretty.encode()))
        path, = self.mta.records()
        raw = (self.mta.archive / path).read_bytes().decode()
        expected = re.sub(r'("(?:[^"\\]|\\.)*")|\s+', r"\1", pretty)
        self.assertTrue(raw.endswith(f'"report":{expected}}}\n'), raw)

    def test_raw_control_characters_stay_one_line(self):
        """The line break in a string of RFC 8460, appendix B."""
        self.milter()
        text = mails.text_of(mails.report(
            additional="LINE")).replace(b"LINE", b"one\ntwo\x01\r\nthree")
        _, event = self.expect_report(mails.mail(text))
        self.assertEqual(event["deviations"], "raw-control-character")
        self.assertEqual(self.only_record()["report"]["additional"],
                         "one\ntwo\x01\r\nthree")
        self.assertEqual(self.only_record()["deviations"],
                         ["raw-control-character"])

    def test_header_fields_of_any_kind(self):
        """Folded, encoded, 8-bit and missing ones; JSON all the same."""
        self.milter()
        mail = mails.mail(mails.report()).replace(
            b"Subject: Report Domain: ",
            b"Subject: \xff\x01 =?utf-8?q?=C3?=\r\n\tReport Domain: ")
        mail = re.sub(rb"Message-ID: [^\r]*\r\n", b"", mail)
        self.expect_report(mail)
        self.assertEqual(self.only_record()["message-id"], "")
        self.assertIn("Report Domain: ", self.only_record()["subject"])

    def test_submitter_of_the_body_when_the_header_has_none(self):
        self.milter()
        _, event = self.expect_report(
            mails.mail(mails.report(), submitter=""))
        path, = self.mta.records()
        self.assertEqual(str(path), event["archive"])
        self.assertRegex(path.name, r"^[A-Za-z0-9._-]+!example\.test!")

    def test_grep_finds_a_result_type(self):
        """What the manual promises: one file, one line."""
        self.milter()
        self.expect_report(mails.mail(mails.case_certificate()))
        self.expect_report(mails.mail(mails.case_normal()))
        found = [line for path in self.mta.records()
                 for line in (self.mta.archive / path).read_text().splitlines()
                 if "certificate-host-mismatch" in line]
        self.assertEqual(len(found), 1)
        self.assertEqual(json.loads(found[0])["report"]["organization-name"],
                         "Microsoft Corporation")


class Message(LabCase):
    def raw(self, path):
        return gzip.decompress(
            (self.mta.archive / path).with_suffix(".eml.gz").read_bytes())

    def test_message_is_kept(self):
        self.milter(ArchiveMessage="yes", OnReport="discard")
        mail = mails.mail(mails.report())
        _, event = self.expect_report(mail)
        raw = self.raw(event["archive"])
        head, _, body = raw.partition(b"\r\n\r\n")
        self.assertEqual(body, mail.partition(b"\r\n\r\n")[2])
        self.assertTrue(head.endswith(mail.partition(b"\r\n\r\n")[0]), head)

    def test_folded_header_of_a_large_message(self):
        self.milter(ArchiveMessage="yes")
        part = mails.attach(gzip.compress(mails.text_of(mails.report())))
        mail = mails.multipart(
            part + b"\r\n--b1\r\nContent-Type: text/plain\r\n\r\n"
            + b"".join(b"line %d\r\n" % i for i in range(100000)),
            subject="one\r\n two\r\n\tthree", fields=("X-Long: " + "y" * 900,))
        _, event = self.expect_report(mail)
        raw = self.raw(event["archive"])
        self.assertEqual(raw.partition(b"\r\n\r\n")[2],
                         mail.partition(b"\r\n\r\n")[2])
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(parsed["Subject"], "one two\tthree")

    def test_not_kept_by_default(self):
        self.milter()
        self.expect_report(mails.mail(mails.report()))
        self.assertEqual(list(self.mta.archive.rglob("*.gz")), [])

    def test_not_kept_of_what_is_no_report(self):
        self.milter(ArchiveMessage="yes")
        self.send(mails.ordinary())
        self.send(mails.mail(mails.report()), "boss@example.test")
        self.assertEqual(list(self.mta.archive.rglob("*.gz")), [])
