"""Which reports are genuine: each verdict on signatures, through Postfix."""

import time

import dkimcase
from case import HEADER, lab
from dkimcase import (DOMAIN, SignedCase, alter, dkimsign, place_of, record,
                      sign, signed, unsigned)

HOUR = 3600
OTHER = "example.net"
TEXT = b"This is an aggregate TLS report."
ALTERED = b"That is an aggregate TLS report."

# The reasons of each result (RFC 8601, section 2.7.1).
REASONS = {
    "none": ("no-signature",),
    "neutral": ("signature-syntax",),
    "policy": ("several-from", "not-aligned", "length-limit",
               "weak-algorithm", "key-too-small", "key-testing"),
    "permerror": ("from-not-signed", "no-key", "key-revoked", "key-syntax",
                  "key-mismatch"),
    "fail": ("signature-expired", "signature-in-future", "body-hash",
             "signature"),
    "temperror": ("dns-timeout", "dns-failure", "dns-bogus"),
}
RESULTS = {reason: result for result, reasons in REASONS.items()
           for reason in reasons}


class Row:
    """A mail, the key in DNS, and the verdict that must come of them."""

    def __init__(self, name, reason="", mail=None, txt=record, *,
                 domain=DOMAIN, selector=None, deviation=None, dnssec=None,
                 **signature):
        """mail: a function of the selector; by default a report with a
        signature as asked for. txt: the value, values or None at the key's
        place, or a function that returns it."""
        self.name = name
        self.reason = reason
        self.result = RESULTS[reason] if reason else "pass"
        self.selector = name if selector is None else selector
        self.domain = domain
        self.deviation = deviation
        self.dnssec = dnssec
        self.txt = txt
        self._make = mail or (
            lambda s: signed(s, self.domain, **signature))

    def records(self):
        txt = self.txt() if callable(self.txt) else self.txt
        return {} if txt is None else {place_of(self.name, self.domain): txt}

    def mail(self):
        return self._make(self.name)

    @property
    def dkim(self):
        """The member of the record."""
        return {name: value for name, value in (
            ("result", self.result), ("domain", self.domain),
            ("selector", self.selector), ("reason", self.reason),
            ("dnssec", self.dnssec)) if value}

    @property
    def event_fields(self):
        """The fields of the event."""
        made = {"dkim-" + name: value for name, value in self.dkim.items()}
        made["dkim"] = made.pop("dkim-result")
        return made

    @property
    def header(self):
        """The end of the header field."""
        return "".join(f"; {name}={self.event_fields[name]}" for name in (
            "dkim", "dkim-domain", "dkim-selector", "dkim-reason")
            if name in self.event_fields)


def now():
    return int(time.time())


def two_signatures(selector):
    """One of a stranger on top of one of the reporting domain."""
    return sign(signed(selector), "stranger", OTHER)


def broken_and_good(selector):
    """The first, of the same domain, has no key."""
    return sign(signed(selector), "gone")


def appended(selector):
    """What l= permits: a body that goes on."""
    mail = signed(selector, l=True)
    return mail + b"and more\r\n"


def two_authors(selector):
    mail = unsigned()
    return sign(mail.replace(b"To: ", b"From: x@example.org\r\nTo: ", 1),
                selector, headers=["From", "From", "Subject", "Date"])


def no_syntax(_):
    return b"DKIM-Signature: of no use\r\n" + unsigned()


PASSING = (
    Row("rsa-2048"),
    Row("rsa-1024", kind="rsa1024", deviation="weak-key",
        txt=lambda: record("rsa1024")),
    # Over 512 bytes: the answer is truncated, and asked for again by TCP.
    Row("rsa-4096", kind="rsa4096", txt=lambda: record("rsa4096")),
    Row("ed25519", kind="ed25519", txt=lambda: record("ed25519")),
    Row("s-tlsrpt", txt=lambda: record(s="tlsrpt")),
    Row("s-tlsrpt-email", txt=lambda: record(s="email:tlsrpt")),
    Row("s-email", txt=lambda: record(s="email"),
        deviation="key-service-type"),
    Row("h-sha256", txt=lambda: record(h="sha1:sha256")),
    Row("bare", txt=lambda: "p=" + dkimcase.public_key("rsa2048")),
    Row("t-s", txt=lambda: record(t="s"), i="@example.org"),
    Row("i-subdomain", i="robot@tls.example.org"),
    Row("expires-later", t=now(), x=now() + HOUR),
    Row("two-signatures", mail=two_signatures),
    Row("broken-and-good", mail=broken_and_good),
    Row("organization", domain="corp.example.com", author="x@mail.example.com",
        submitter="report.example.net"),
    Row("submitter", author="x@elsewhere.example.net"),
    Row("submitter-signed", author="x@elsewhere.example.net",
        headers=[*dkimsign.BASE, "TLS-Report-Submitter"]),
)

REFUSED = (
    Row("unsigned", "no-signature", lambda _: unsigned(), None,
        domain="", selector=""),
    Row("rubbish", "signature-syntax", no_syntax, domain="", selector=""),
    Row("no-version", "signature-syntax", lambda s: alter(
        signed(s), b"v=1;", b"w=1;")),
    Row("two-authors", "several-from", two_authors),
    Row("stranger", "not-aligned", domain=OTHER),
    # A public suffix is no organization.
    Row("suffix", "not-aligned", domain="other.co.uk", submitter="",
        author="x@mail.co.uk"),
    Row("l", "length-limit", l=True),
    Row("l-appended", "length-limit", appended),
    Row("sha1", "weak-algorithm", a="rsa-sha1"),
    Row("rsa-768", "key-too-small", kind="rsa768",
        txt=lambda: record("rsa768")),
    Row("rsa-512", "key-too-small", kind="rsa512",
        txt=lambda: record("rsa512")),
    Row("t-y", "key-testing", txt=lambda: record(t="y:s")),
    Row("no-from", "from-not-signed", headers=["To", "Subject", "Date"]),
    Row("nxdomain", "no-key", txt=None),
    Row("revoked", "key-revoked", txt="v=DKIM1; p="),
    Row("several", "key-syntax", txt=lambda: [record(), "v=spf1 -all"]),
    Row("no-key-at-all", "key-syntax", txt="v=spf1 -all"),
    Row("not-base64", "key-syntax", txt="v=DKIM1; p=(rubbish)"),
    Row("v-2", "key-syntax", txt=lambda: record().replace("DKIM1", "DKIM2")),
    Row("k-dsa", "key-mismatch",
        txt=lambda: record().replace("k=rsa", "k=dsa")),
    Row("k-ed25519", "key-mismatch", txt=lambda: record("ed25519")),
    Row("h-sha1", "key-mismatch", txt=lambda: record(h="sha1")),
    Row("s-other", "key-mismatch", txt=lambda: record(s="other")),
    Row("t-s-subdomain", "key-mismatch", txt=lambda: record(t="s"),
        i="@tls.example.org"),
    Row("expired", "signature-expired", t=now() - 2 * HOUR,
        x=now() - HOUR),
    Row("future", "signature-in-future", t=now() + HOUR),
    Row("body", "body-hash", lambda s: alter(signed(s), TEXT, ALTERED)),
    Row("header", "signature", lambda s: alter(
        signed(s), b"Subject: Report", b"Subject: Resort")),
    Row("other-key", "signature", txt=lambda: record("rsa1024"),
        deviation="weak-key"),
    Row("servfail", "dns-failure"),
    Row("silent", "dns-timeout"),
)

SECURED = (
    Row("secure", dnssec="secure"),
    Row("insecure", domain=OTHER, author="x@example.net", submitter="",
        dnssec="insecure"),
    Row("bogus", "dns-bogus"),
    Row("no-such-name", "no-key", txt=None),
)


class Verdicts(SignedCase):
    """Each verdict is the same in the log, the header and the archive."""

    def run_rows(self, rows, sent):
        """Look at what became of each row's mail."""
        by_id = {}
        for event in self.events():
            by_id.setdefault(event.queue_id, []).append(event)
        for row in rows:
            mail, queue_id = sent[row.name]
            with self.subTest(row=row.name):
                events = by_id[queue_id]
                self.check_log(row, events)
                self.check_record(row, events[0])
                self.check_delivery(row, mail, self.delivered(queue_id))

    def check_log(self, row, events):
        names = [event.name for event in events
                 if not event.name.startswith("problem-")]
        event = events[0]
        if row.reason:
            self.assertEqual(names, ["unverified"], event)
            self.assertEqual((event["severity"], event.level), ("notice", 5))
        else:
            self.assertEqual(names, ["report", "policy", "failure"], event)
            self.assertEqual((event["severity"], event.level), ("err", 3))
        self.assertEqual(self.fields_of(event), row.event_fields)
        self.assertEqual(event.get("deviations"), row.deviation)
        self.assertEqual(event["disposition"], "deliver")

    @staticmethod
    def fields_of(event):
        return {name: value for name, value in event.fields.items()
                if name.startswith("dkim")}

    def check_record(self, row, event):
        self.assertEqual(event["archive"].startswith("unverified/"),
                         bool(row.reason), event)
        kept = self.record(event["archive"])
        self.assertEqual(kept["dkim"], row.dkim)
        self.assertEqual(kept["queue-id"], event.queue_id)
        self.assertEqual(kept["report"]["report-id"], event["report-id"])

    def check_delivery(self, row, mail, delivered):
        self.assert_untouched(mail, delivered, [HEADER])
        value, = delivered.field(HEADER)
        if row.reason:
            self.assertEqual(value, "unverified" + row.header)
        else:
            self.assertEqual(value, "report; severity=err; failed=50; "
                             'total=100; organization-name="Example Mailer '
                             'Inc."' + row.header)

    def check_show(self, rows, sent, server):
        """"tlsrpt show" says the same of the files, whatever ends lines."""
        contents = {}
        for row in rows:
            mail = sent[row.name][0]
            contents[row.name + ".crlf"] = mail
            contents[row.name + ".lf"] = mail.replace(b"\r\n", b"\n")
        with self.files(contents) as directory:
            lines = dkimcase.show(
                "--verify", "--format=logfmt",
                f"--resolver={server.address}",
                *(directory / name for name in contents))
        found = [lab.parse_logfmt(line) for line in lines
                 if line.startswith("event=report ")]
        self.assertEqual(len(found), len(contents))
        for name, fields in zip(contents, found):
            row, = (r for r in rows if r.name == name.rpartition(".")[0])
            with self.subTest(file=name):
                self.assertEqual(
                    {n: v for n, v in fields.items() if n.startswith("dkim")},
                    row.event_fields)
                self.assertEqual(fields.get("deviations"), row.deviation)

    def send_rows(self, rows):
        """Returns the mail and the queue id of each."""
        client = self.client()
        sent = {}
        for row in rows:
            mail = row.mail()
            sent[row.name] = mail, client.send(mail).queue_id
        return sent

    def test_every_verdict(self):
        rows = PASSING + REFUSED
        self.assertEqual(
            {row.reason for row in rows + SECURED} - {""}, set(RESULTS))
        records = {place_of("stranger", OTHER): record()}
        for row in rows:
            records.update(row.records())
        server = self.nameserver(records)
        server.fail(place_of("servfail"))
        server.silence(place_of("silent"))
        self.verifier(server, OnDNSFailure="deliver", DNSTimeout="1s")
        sent = self.send_rows(rows)
        self.run_rows(rows, sent)
        self.check_show([row for row in rows if row.name != "silent"], sent,
                        server)

    def test_dnssec(self):
        """With a trust anchor: proven, unsigned, and proven false."""
        records = {}
        for row in SECURED:
            records.update(row.records())
        server = self.nameserver(records, signed_zone=DOMAIN)
        server.tamper(place_of("bogus"))
        self.verifier(server, OnDNSFailure="deliver",
                      TrustAnchorFile=server.trust_anchor)
        self.run_rows(SECURED, self.send_rows(SECURED))

    def test_without_a_trust_anchor_nothing_is_validated(self):
        server = self.nameserver({place_of("bogus"): record()},
                                 signed_zone=DOMAIN)
        self.verifier(server)
        _, event = self.expect_genuine(signed("bogus"))
        self.assertNotIn("dkim-dnssec", event)
