"""The collected reports and mails of real senders, through Postfix.

They lie beside the checkout (../shared/corpus) where they are at hand, and are
read in place. INDEX.tsv says what is in each.
"""

import csv
import email
import gzip
import json
import re
import unittest

from case import HEADER, LabCase, lab, mails

CORPUS = lab.ROOT.parent / "shared" / "corpus"
INDEX = CORPUS / "INDEX.tsv"
ABSENT = "../shared/corpus is not there"


def index():
    with open(INDEX, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def as_sent(data):
    """The mail as SMTP carries it: no mbox line, CRLF."""
    data = re.sub(rb"\AFrom [^\n]*\n", b"", data)
    return re.sub(rb"\r?\n", b"\r\n", data)


@unittest.skipUnless(INDEX.exists(), ABSENT)
class Corpus(LabCase):
    def setUp(self):
        super().setUp()
        self.milter()
        self.client_ = self.client()

    def check(self, row, mail):
        queue_id = self.client_.send(mail).queue_id
        events = self.events(queue_id)
        self.assertIn(events[0].name, ("report", "duplicate"), events)
        event = events[0]
        self.assertEqual(event["total-successful-session-count"],
                         row["successful"])
        self.assertEqual(event["total-failure-session-count"], row["failed"])
        self.assertEqual(event.get("organization-name"), row["sender"])
        self.assertEqual(int(event.get("policy-count") or 1),
                         int(row["policies"]))
        if event.name == "report":
            self.assertEqual(len([e for e in events if e.name == "failure"]),
                             int(row["failure-details"]))
            types = {e["policy-type"] for e in events if e.name == "policy"}
            self.assertEqual(types, set(row["policy-types"].split(",")))
            results = {e["result-type"] for e in events
                       if e.name == "failure" and "result-type" in e}
            self.assertEqual(results, set(row["result-types"].split(","))
                             - {"-"})
        return queue_id, event

    def test_mails(self):
        rows = [row for row in index() if row["kind"] == "eml"]
        self.assertGreater(len(rows), 0)
        for row in rows:
            with self.subTest(path=row["path"]):
                mail = as_sent((CORPUS / row["path"]).read_bytes())
                if not mail.endswith(b"\r\n"):
                    mail += b"\r\n"
                queue_id, _ = self.check(row, mail)
                delivered = self.delivered(queue_id)
                self.assertEqual(len(delivered.field(HEADER)), 1)
                self.assertTrue(delivered.body
                                == mail.partition(b"\r\n\r\n")[2])

    def test_json(self):
        rows = [row for row in index() if row["kind"] == "json"]
        self.assertGreater(len(rows), 0)
        for row in rows:
            with self.subTest(path=row["path"]):
                text = (CORPUS / row["path"]).read_bytes()
                _, event = self.check(row, mails.mail(text))
                record = self.record(event["archive"])
                self.assertEqual(record["report"],
                                 json.loads(text.decode("utf-8-sig"),
                                            strict=False))

    def test_json_uncompressed(self):
        """The same as application/tlsrpt+json, as Halon sends it."""
        for row in (row for row in index() if row["kind"] == "json"):
            with self.subTest(path=row["path"]):
                text = (CORPUS / row["path"]).read_bytes()
                self.check(row, mails.plain_mail(text))

    def test_mails_that_broke_other_parsers(self):
        """No report in them; all are delivered, none harms the milter."""
        paths = sorted((CORPUS / "mime-torture").glob("*.eml"))
        self.assertGreater(len(paths), 0)
        for path in paths:
            with self.subTest(path=path.name):
                mail = as_sent(path.read_bytes())
                if not mail.endswith(b"\r\n"):
                    mail += b"\r\n"
                before = self.mta.cpu_seconds()
                queue_id = self.client_.send(mail).queue_id
                self.assertLess(self.mta.cpu_seconds() - before, 1.0)
                names = self.names(queue_id)
                self.assertEqual(len(names), 1, names)
                self.assertIn(names[0], ("not-a-report", "malformed"))
                self.delivered(queue_id)

    def test_archived_messages_are_read_again(self):
        """What ArchiveMessage keeps is still a mail with its report."""
        self.milter(ArchiveMessage="yes")
        for row in (row for row in index() if row["kind"] == "eml"):
            mail = as_sent((CORPUS / row["path"]).read_bytes())
            self.send(mail)
        kept = list(self.mta.archive.rglob("*.eml.gz"))
        self.assertGreater(len(kept), 0)
        for path in kept:
            self.assertIn("subject", email.message_from_bytes(
                gzip.decompress(path.read_bytes())))
