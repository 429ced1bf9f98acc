"""What may be done to a signed mail: its signature does not cover all of it."""

import gzip

from dkimcase import (SignedCase, failing, mails, place_of, record, sign,
                      signed, unsigned)

NAMES = ["From", "To", "Subject", "Date", "Message-ID"]
SUBMITTER = b"TLS-Report-Submitter: example.org\r\n"
PLAIN = b'Content-Type: text/plain; charset="utf-8"\r\n'
REPORT = (b"%s: multipart/report; report-type=tlsrpt; boundary=forged\r\n")


def notification(names):
    """Mail of example.org that quotes a stranger, who wrote a MIME part."""
    part = mails.attach(gzip.compress(mails.text_of(failing())))
    return sign(
        mails.header("A comment on your document", submitter="") + PLAIN
        + b"\r\nSomebody writes:\r\n\r\n--forged\r\n" + part
        + b"\r\n--forged--\r\n\r\nYou get this mail as you asked for it.\r\n",
        headers=names)


class Additions(SignedCase):
    """Fields that a signature does not cover are anybody's."""

    def setUp(self):
        super().setUp()
        self.verifier(self.nameserver({place_of("s"): record()}))

    def test_a_content_type_on_top(self):
        """It would make a report of what another has written."""
        mail = notification([*NAMES, "Content-Type"])
        queue_id = self.send(mail)
        self.assertEqual(self.names(queue_id), ["not-a-report"])
        for name in (b"Content-Type", b"ContentType", b"content-type"):
            for forged in (REPORT % name + mail,
                           mail.replace(PLAIN, REPORT % name + PLAIN),
                           mail.replace(PLAIN, PLAIN + REPORT % name)):
                with self.subTest(name=name, place=forged.index(name)):
                    self.expect_unverified(forged, "signature")
        self.expect_unverified(mail.replace(PLAIN, REPORT % b"Content-Type"),
                               "signature")
        self.assertEqual(self.genuine_records(), [])

    def test_two_content_types_that_are_signed(self):
        """Some senders write it twice."""
        mail = unsigned().replace(
            b"MIME-Version:", b"Content-Type: text/plain\r\nMIME-Version:", 1)
        _, event = self.expect_genuine(
            sign(mail, headers=[*NAMES, "Content-Type", "Content-Type"]))
        self.assertEqual(event["deviations"], "repeated-content-type")

    def test_a_submitter_need_not_be_signed(self):
        """Large senders do not sign that name."""
        author = "x@elsewhere.example.net"
        mail = signed(author=author, submitter="", headers=NAMES)
        self.expect_unverified(mail, "not-aligned")
        self.expect_genuine(SUBMITTER + mail)

    def test_a_submitter_on_top_of_the_signed_one(self):
        """The signed one is the last, and that is whom we name."""
        mail = signed(author="x@elsewhere.example.net",
                      headers=[*NAMES, "TLS-Report-Submitter"])
        _, event = self.expect_genuine(
            b"TLS-Report-Submitter: example.net\r\n" + mail)
        self.assertEqual(event["submitter"], "example.org")
