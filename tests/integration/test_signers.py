"""Signatures as large senders write them, and bodies of every kind."""

import gzip
import re
import time

from case import HEADER
from dkimcase import (SignedCase, alter, dkimsign, failing, key, mails,
                      place_of, record, sign, signed, unsigned)

HOUR = 3600
DAY = 24 * HOUR
FOLD = "\r\n         "
ALTERED = (b"aggregate TLS report", b"aggregate TLS resort")


def names(text):
    """What h= has, with a fold where a "/" stands in text."""
    return text.replace("/", FOLD).split(":")


def compose(fields, boundary, first, end):
    """A report mail from the parts in which senders differ."""
    data = gzip.compress(mails.text_of(failing()), mtime=0)
    return ("".join(field + "\r\n" for field in fields).encode() + b"\r\n"
            + b"--" + boundary + b"\r\n" + first
            + b"\r\n\r\nThis is an aggregate TLS report.\r\n\r\n"
            + b"--" + boundary + b"\r\n" + mails.attach(data)
            + b"\r\n--" + boundary + end + b"\r\n")


GOOGLE = names(
    "to:from:subject:message-id:tls-report-submitter:tls-report-domain/:date"
    ":mime-version:from:to:cc:subject:date:message-id:reply-to")
GOOGLE_OWN = names(
    "to:from:subject:message-id:tls-report-submitter:tls-report-domain/:date"
    ":mime-version:x-gm-message-state:from:to:cc:subject:date/:message-id"
    ":reply-to")


def google():
    """Signed twice, names in h= that the header lacks, an unknown tag."""
    now = int(time.time())
    mail = compose((
        "X-Gm-Message-State: AOJu0Yx7vIRH2imieMtGRMc8\r\n\tY1ZdsVQSeuK0PVyjKx",
        "X-Received: by 2001:db8::1 with SMTP id\r\n 46e09a7a; Thu, 12 Feb"
        " 2026 03:53:20 -0800 (PST)",
        "Date: Thu, 12 Feb 2026 03:53:20 -0800",
        "TLS-Report-Domain: example.test",
        "TLS-Report-Submitter: google.com",
        "Message-ID: <66d83c20.050a0220.a0566.1e8dtls@google.com>",
        "Subject: Report Domain: example.test Submitter: google.com "
        "Report-ID: <2026.02.12T00.00.00Z+example.test@google.com>",
        "From: noreply-smtp-tls-reporting@google.com",
        "To: tls-reports@example.test",
        'Content-Type: multipart/report; boundary="0000000000007877ce062148"'
        "; report-type=tlsrpt",
        "MIME-Version: 1.0"), b"0000000000007877ce062148",
        b'Content-Type: text/plain; charset="UTF-8"; format=flowed; '
        b"delsp=yes", b"--")
    own = dkimsign.field(
        mail, "1e100.net", "20230601", key("rsa2048"), headers=GOOGLE_OWN, t=now,
        x=now + 7 * DAY, name="X-Google-DKIM-Signature")
    return sign(own + b"\r\n" + mail, "20230601", "google.com",
                headers=GOOGLE, t=now, x=now + 7 * DAY,
                extra=["darn=example.test"])


def microsoft():
    """A weak key, an HTML part, and no TLS-Report field in h=."""
    mail = compose((
        "From: <tlsrpt-noreply@microsoft.com>",
        "Date: Thu, 12 Feb 2026 21:32:30 +0000",
        "TLS-Report-Domain: example.test",
        "TLS-Report-Submitter: microsoft.com",
        "To: tls-reports@example.test",
        "Subject: Report Domain: example.test Submitter: microsoft.com\r\n"
        " Report-ID: 134232617934286362+example.test+microsoft.com",
        "Message-ID: <a8f3c9b1-0001@CH4PR21MB4614.namprd21.prod.example>",
        'Content-Type: multipart/report; report-type="tlsrpt";\r\n'
        '\tboundary="_17bf_a2e5_"',
        "X-MS-Exchange-SenderADCheck: 1",
        "MIME-Version: 1.0"), b"_17bf_a2e5_",
        b"Content-Type: text/html; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: quoted-printable", b"--")
    return sign(mail, "selector2", "microsoft.com", "rsa1024", headers=names(
        "From:Date:Subject:Message-ID:Content-Type:MIME-Version"
        ":X-MS-Exchange-SenderADCheck"))


def mail_ru():
    """Aligned by the organization; expires soon; no closing delimiter."""
    now = int(time.time())
    mail = compose((
        "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
        " boundary=\"===============2538477352461253418==\"",
        "MIME-Version: 1.0",
        "From: tls_support@corp.mail.ru",
        "To: tls-reports@example.test",
        "Date: Fri, 13 Feb 2026 03:00:00 +0300",
        "Subject: Report Domain: example.test\r\n Submitter: mail.ru\r\n"
        " Report-ID:\r\n <b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru>",
        "Message-ID: <b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru>",
        "TLS-Report-Domain: example.test",
        "TLS-Report-Submitter: mail.ru"),
        b"===============2538477352461253418==",
        b'Content-Type: text/plain; charset="us-ascii"\r\nMIME-Version: 1.0'
        b"\r\nContent-Transfer-Encoding: 7bit", b"")
    return sign(mail, "mail", "corp.mail.ru", t=now, x=now + 25 * HOUR,
                headers=names("Content-Type:Message-ID:Subject:To:From"
                              ":MIME-Version:Date"), extra=["q=dns/txt"])


class LookAlikes(SignedCase):
    """Mails as the large senders sign them, with keys of the tests."""

    def check(self, mail, domain, selector, kind="rsa2048", deviations=None):
        self.verifier(self.nameserver(
            {place_of(selector, domain): record(kind)}))
        queue_id, event = self.expect_genuine(mail)
        self.assertEqual((event["dkim-domain"], event["dkim-selector"]),
                         (domain, selector))
        self.assertEqual(event.get("deviations"), deviations)
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        _, event = self.expect_unverified(alter(mail, *ALTERED), "body-hash")
        self.assertEqual(event["dkim-domain"], domain)

    def test_google(self):
        self.check(google(), "google.com", "20230601")

    def test_google_with_its_own_signature_alone(self):
        """X-Google-DKIM-Signature is none, even where it would be aligned."""
        self.verifier(self.nameserver(
            {place_of("20230601", "google.com"): record()}))
        mail = google()
        name = b"X-Google-DKIM-Signature: "
        self.expect_unverified(mail[mail.index(name):], "no-signature")

    def test_google_with_a_second_subject(self):
        """h= names it twice, so that none can be added."""
        self.verifier(self.nameserver(
            {place_of("20230601", "google.com"): record()}))
        self.expect_unverified(
            alter(google(), b"X-Received: by 2001:db8::1",
                  b"Subject: and one more tome"), "signature")

    def test_microsoft(self):
        self.check(microsoft(), "microsoft.com", "selector2", "rsa1024",
                   "weak-key")

    def test_mail_ru(self):
        self.check(mail_ru(), "corp.mail.ru", "mail",
                   deviations="missing-mime-end")

    def test_mail_ru_a_day_later(self):
        """The reason why reports are verified as they come."""
        self.verifier(self.nameserver(
            {place_of("mail", "corp.mail.ru"): record()}))
        mail = mail_ru()
        expires, = re.findall(rb"x=(\d+)", mail)
        past = str(int(expires) - 26 * HOUR).encode()
        late = mail.replace(b"x=" + expires, b"x=" + past)
        began, = re.findall(rb"\tt=(\d+)", late)
        late = late.replace(b"\tt=" + began,
                            b"\tt=%d" % (int(began) - 26 * HOUR))
        self.expect_unverified(late, "signature-expired")


class Bodies(SignedCase):
    """What comes through Postfix as it was signed."""

    def setUp(self):
        super().setUp()
        self.verifier(self.nameserver({place_of("s"): record()}))

    def check(self, mail, old, new, reason, **kwargs):
        """It passes, and with this altered it does not."""
        queue_id, _ = self.expect_genuine(mail, **kwargs)
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        self.expect_unverified(alter(mail, old, new), reason, **kwargs)

    def test_a_large_body(self):
        """In blocks of 64 kB; the last byte counts as the first does."""
        filler = b"".join(b"%070d\r\n" % i for i in range(3500))
        for canon in ("simple/simple", "relaxed/relaxed"):
            with self.subTest(canon=canon):
                full = sign(unsigned().replace(
                    b"This is an", b"First line\r\n" + filler
                    + b"Last line\r\nThis is an"), canon=canon)
                self.assertGreater(len(full), 250000)
                self.check(full, b"First line", b"First lime", "body-hash")
                for number in (0, 900, 1800, 3499):
                    self.expect_unverified(
                        alter(full, b"%070d" % number, b"%069dx" % number),
                        "body-hash")

    def test_every_canonicalization(self):
        for canon in ("simple/simple", "simple/relaxed", "relaxed/simple",
                      "relaxed/relaxed", "simple", "relaxed"):
            with self.subTest(canon=canon):
                self.check(signed(canon=canon), *ALTERED, "body-hash")

    def test_white_space_in_the_header(self):
        """The very bytes reach the milter: none, many, tabs, folds."""
        fields = ("X-None:at all", "X-Many:    spaces  within  ",
                  "X-Tabs:\tand\ta\r\n\tfold\r\n \t twice",
                  "X-Empty:", "X-Space: ", "X-Late:\r\n behind a fold")
        names_ = ["From", "Subject", *(f.partition(":")[0] for f in fields)]
        for canon in ("simple/simple", "relaxed/relaxed"):
            with self.subTest(canon=canon):
                mail = signed(fields=fields, headers=names_, canon=canon)
                self.check(mail, b"behind a fold", b"behind a bold",
                           "signature")
        mail = signed(fields=fields, headers=names_, canon="simple/simple")
        self.expect_unverified(mail.replace(b"X-None:at", b"X-None: at"),
                               "signature")

    def test_white_space_at_the_end_of_the_body(self):
        for canon, end, reason in (
                ("simple/simple", b"\r\n\r\n", None),
                ("simple/simple", b" \r\n", "body-hash"),
                ("relaxed/relaxed", b" \r\n \t\r\n", None),
                ("relaxed/relaxed", b"x\r\n", "body-hash")):
            with self.subTest(canon=canon, end=end):
                mail = signed(canon=canon) + end
                if reason is None:
                    self.expect_genuine(mail)
                else:
                    self.expect_unverified(mail, reason)

    def test_lines_that_begin_with_a_dot(self):
        mail = unsigned().replace(b"This is an", b".\r\n..two\r\n.This is an")
        self.check(sign(mail), *ALTERED, "body-hash")

    def test_eight_bits(self):
        mail = unsigned().replace(
            b"This is an", "Dies ist ein (größer) \xff".encode("latin-1")
            + b"This is an")
        self.check(sign(mail), *ALTERED, "body-hash",
                   params=" BODY=8BITMIME")

    def test_utf8_in_the_header(self):
        """SMTPUTF8: in a display name, an address and an unknown field."""
        mail = unsigned(author="Grüße <grüße@example.org>", fields=(
            "X-Key: значение",)).replace(b"Report Domain", "Отчёт".encode())
        self.check(
            sign(mail, headers=["From", "Subject", "Date"]),
            "Отчёт".encode(), "отчёт".encode(), "signature",
            sender="grüße@example.org", params=" BODY=8BITMIME SMTPUTF8")

    def test_long_lines(self):
        """Of which a body should have none, but they are seen."""
        mail = unsigned().replace(b"This is an", b"y" * 5000 + b"This is an")
        self.check(sign(mail), *ALTERED, "body-hash")

    def test_signature_below_other_fields(self):
        """Those of hosts on the way stand above."""
        self.expect_genuine(
            b"Received: from a.example by b.example; Fri, 13 Feb 2026 "
            b"04:00:00 +0000\r\nX-Spam: no\r\n" + signed())

    def test_from_in_every_form(self):
        for author in (b"noreply@example.org", b"<noreply@EXAMPLE.ORG>",
                       b'"A, B" <noreply@example.org>',
                       b"(c@example.net) noreply@example.org (d)",
                       b"Reports\r\n\t<noreply@example.org>",
                       b"noreply@mail.tls.example.org"):
            with self.subTest(author=author):
                self.expect_genuine(signed(author=author, submitter=""))
        for author in (b"noreply@example.net", b"noreply@notexample.org",
                       b'"noreply@example.org" <x@example.net>',
                       b"<x@example.net> (noreply@example.org)",
                       b"example.org", b"<>"):
            with self.subTest(author=author):
                self.expect_unverified(
                    signed(author=author, submitter=""), "not-aligned",
                    sender="x@example.net")

    def test_many_signatures(self):
        """Eight are looked at, from the top."""
        mail = signed()
        for number in range(7):
            mail = sign(mail, f"gone{number}")
        self.expect_genuine(mail)
        self.expect_unverified(sign(mail, "gone7"), "no-key")
