"""What is done with a message: every kind of mail, and every On keyword."""

import gzip

from case import HEADER, LabCase, lab, mails


class Treatment(LabCase):
    """The rows of the table of treatments, with everything at its default."""

    def test_report_is_archived_logged_and_delivered(self):
        self.milter()
        rep = mails.report(
            mails.policy(95, 5, [mails.failure("certificate-expired", 5)]))
        mail = mails.mail(rep)
        queue_id, event = self.expect_report(mail)
        self.assertEqual(self.names(queue_id),
                         ["report", "policy", "failure"])
        self.assertEqual(event["disposition"], "deliver")
        self.assertEqual([event["archive"]],
                         [str(path) for path in self.mta.records()])
        self.assertEqual(self.only_record()["report"], rep)
        delivered = self.delivered(queue_id)
        self.assert_untouched(mail, delivered, [HEADER])
        self.assertEqual(delivered.recipients, [lab.MAILBOX])
        self.assertEqual(delivered.field(HEADER), [
            "report; severity=warning; failed=5; total=100; "
            'organization-name="Example Mailer Inc."'])

    def test_report_event_has_the_fields_of_the_report(self):
        self.milter()
        rep = mails.report(
            mails.policy(890, 47, domain="captaindns.com"),
            mails.policy(10, 0, kind="tlsa", domain="mx.captaindns.com"))
        _, event = self.expect_report(mails.mail(rep))
        for name, value in {
                "organization-name": "Example Mailer Inc.",
                "report-id": rep["report-id"],
                "contact-info": "smtp-tls-reporting@example.org",
                "submitter": "example.org",
                "policy-domain": "captaindns.com",
                "policy-count": "2",
                "start-datetime": "2026-02-12T00:00:00Z",
                "end-datetime": "2026-02-12T23:59:59Z",
                "total-successful-session-count": "900",
                "total-failure-session-count": "47",
                "failure-rate": "4.96%",
                "severity": "err",
                "disposition": "deliver"}.items():
            self.assertEqual(event.get(name), value, name)
        self.assertNotIn("deviations", event)

    def test_failure_event_has_the_fields_of_policy_and_report(self):
        self.milter()
        rep = mails.report(mails.policy(
            890, 47, [mails.failure(
                "certificate-host-mismatch", 47,
                receiving_mx_helo="mail2 says hello",
                additional_information="https://example.org/why?a=b",
                failure_reason_code="X509_V_ERR_HOSTNAME_MISMATCH")]))
        queue_id, _ = self.expect_report(mails.mail(rep))
        event = self.event(queue_id, "failure")
        for name, value in {
                "organization-name": "Example Mailer Inc.",
                "policy-domain": "example.test",
                "policy-type": "sts",
                "result-type": "certificate-host-mismatch",
                "category": "negotiation",
                "failed-session-count": "47",
                "sending-mta-ip": "192.0.2.7",
                "receiving-mx-hostname": "mx1.example.test",
                "receiving-mx-helo": "mail2 says hello",
                "receiving-ip": "198.51.100.20",
                "additional-information": "https://example.org/why?a=b",
                "failure-reason-code":
                    "X509_V_ERR_HOSTNAME_MISMATCH"}.items():
            self.assertEqual(event.get(name), value, name)
        self.assertTrue(event["cause"])
        self.assertTrue(event["action"])

    def test_policy_event(self):
        self.milter()
        rep = mails.report(
            mails.policy(75, 25),
            mails.policy(7, 0, kind="tlsa", domain="b.test"))
        queue_id, _ = self.expect_report(mails.mail(rep))
        first, second = self.events(queue_id, "policy")
        self.assertEqual(
            [first[name] for name in (
                "policy-type", "policy-domain", "mx-host",
                "total-successful-session-count",
                "total-failure-session-count", "failure-rate", "severity")],
            ["sts", "example.test", "mx1.example.test", "75", "25", "25.00%",
             "err"])
        self.assertEqual([second["policy-type"], second["policy-domain"],
                          second["failure-rate"], second["severity"]],
                         ["tlsa", "b.test", "0.00%", "info"])

    def test_several_reports_in_one_mail(self):
        self.milter()
        one, two = mails.report(), mails.report(mails.policy(50, 50))
        part = mails.attach(gzip.compress(mails.text_of(one)))
        queue_id = self.send(mails.multipart(
            part + b"\r\n--b1\r\n"
            + mails.attach(gzip.compress(mails.text_of(two)))))
        self.assertEqual(
            [e["report-id"] for e in self.events(queue_id, "report")],
            [one["report-id"], two["report-id"]])
        self.assertEqual(len(self.mta.records()), 2)
        self.assertIn("severity=err; failed=50; total=200",
                      self.delivered(queue_id).field(HEADER)[0])

    def test_duplicate_is_counted_once(self):
        self.milter()
        rep = mails.report()
        self.expect_report(mails.mail(rep))
        queue_id = self.send(mails.mail(rep))
        self.assertEqual(self.events(queue_id)[0].name, "duplicate")
        self.assertEqual(self.events(queue_id, "report"), [])
        self.assertEqual(self.events(queue_id, "failure"), [])
        self.assertEqual(len(self.mta.records()), 1)
        self.delivered(queue_id)

    def test_duplicate_is_discarded_as_the_first_was(self):
        self.milter(OnReport="discard")
        rep = mails.report()
        for name in ("report", "duplicate"):
            queue_id = self.send(mails.mail(rep))
            self.assertEqual(self.event(queue_id, name)["disposition"],
                             "discard")
            self.assert_discarded(queue_id)
        self.assertEqual(len(self.mta.records()), 1)

    def test_no_report_is_delivered_untouched(self):
        self.milter(OnReport="discard", OnMalformed="reject")
        mail = mails.ordinary()
        queue_id = self.send(mail)
        self.event(queue_id, "not-a-report")
        self.assertEqual(len(self.events(queue_id)), 1)
        self.assert_untouched(mail, self.delivered(queue_id))
        self.assertEqual(self.mta.records(), [])

    def test_mail_for_others_is_not_looked_at(self):
        self.milter(OnReport="discard")
        mail = mails.mail(mails.report())
        queue_id = self.send(mail, "somebody@example.test")
        self.assert_untouched(mail, self.delivered(queue_id))
        self.assertEqual(self.events(queue_id), [])
        self.assertEqual(self.mta.records(), [])

    def test_mail_for_others_costs_neither_headers_nor_body(self):
        # A state is read as well, by and by.
        self.milter(StateFile="none")
        mail = mails.ordinary(b"x" * 70 + b"\r\n") + (b"y" * 70 + b"\r\n"
                                                      ) * 20000
        before = self.mta.bytes_read()
        self.send(mail, "somebody@example.test")
        others = self.mta.bytes_read() - before
        self.assertLess(others, 10000)
        before = self.mta.bytes_read()
        self.send(mail)
        self.assertGreater(self.mta.bytes_read() - before, 1000000,
                           "this measure shows nothing")

    def test_our_own_failure_is_logged_and_delivered(self):
        self.milter(OnReport="discard")
        self.mta.archive.chmod(0o500)
        for path in self.mta.archive.iterdir():
            path.chmod(0o500)
        mail = mails.mail(mails.report())
        queue_id = self.send(mail)
        event = self.event(queue_id, "error")
        self.assertEqual(event["reason"], "archive")
        self.assertTrue(event["detail"])
        self.assertEqual(self.events(queue_id, "report"), [])
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])

    def test_forged_header_is_removed(self):
        self.milter()
        forged = ("X-TLSRPT-Milter: report; severity=info; failed=0; total=1",
                  "x-tlsrpt-MILTER: another")
        for mail, first in (
                (mails.mail(mails.report(), fields=forged), "report;"),
                (mails.multipart(mails.attach(b"\x1f\x8b\x08\0junk"),
                                 fields=forged), "malformed;")):
            queue_id = self.send(mail)
            values = self.delivered(queue_id).field(HEADER)
            self.assertEqual(len(values), 1, values)
            self.assertTrue(values[0].startswith(first), values)

    def test_forged_header_of_a_mail_that_is_no_report(self):
        self.milter()
        queue_id = self.send(mails.ordinary(
            fields=("X-TLSRPT-Milter: report; severity=info",)))
        self.event(queue_id, "not-a-report")
        self.assertEqual(self.delivered(queue_id).field(HEADER), [])


class OnReport(LabCase):
    def test_discard(self):
        self.milter(OnReport="discard")
        queue_id, event = self.expect_report(mails.mail(mails.report()))
        self.assertEqual(event["disposition"], "discard")
        self.assert_discarded(queue_id)
        self.assertEqual(self.only_record()["queue-id"], queue_id)

    def test_discard_needs_every_report_of_the_mail(self):
        self.milter(OnReport="discard")
        good = mails.attach(gzip.compress(mails.text_of(mails.report())))
        bad = mails.attach(gzip.compress(b"{]"))
        queue_id = self.send(mails.multipart(good + b"\r\n--b1\r\n" + bad))
        self.assertCountEqual(
            {"report", "malformed"},
            set(self.names(queue_id)) & {"report", "malformed"})
        self.delivered(queue_id)

    def test_discard_of_reports_with_many_lines(self):
        """A burst of lines is no reason to deliver, or to cry for help."""
        self.milter(OnReport="discard")
        for number in (10, 30, 100):
            for _ in range(5):
                rep = mails.report(mails.policy(
                    0, number, [mails.failure()] * number))
                queue_id, event = self.expect_report(mails.mail(rep))
                self.assertEqual(event["disposition"], "discard")
                self.assertEqual(self.names(queue_id), [
                    "report", "policy", *["failure"] * number])
                self.assert_discarded(queue_id)

    def test_deliver(self):
        self.milter(OnReport="deliver")
        queue_id, event = self.expect_report(mails.mail(mails.report()))
        self.assertEqual(event["disposition"], "deliver")
        self.delivered(queue_id)


class OnMalformed(LabCase):
    def test_deliver(self):
        self.milter(OnMalformed="deliver", OnReport="discard")
        event = self.expect_malformed(mails.damaged(), "gzip-corrupt")
        self.assertEqual(event["disposition"], "deliver")
        delivered = self.delivered(event.queue_id)
        self.assertEqual(len(delivered.field(HEADER)), 1)
        self.assertRegex(delivered.field(HEADER)[0],
                         r"^malformed; reason=gzip-corrupt")
        self.assertEqual(self.mta.records(), [])

    def test_quarantine(self):
        self.milter(OnMalformed="quarantine")
        queue_id = self.send(mails.damaged())
        self.assertEqual(self.event(queue_id, "malformed")["disposition"],
                         "quarantine")
        lab.wait_until(lambda: self.postfix.held(queue_id),
                       f"{queue_id} in the hold queue")
        self.assertEqual(self.sink.mails(queue_id), [])
        self.postfix.drop(queue_id)

    def test_reject(self):
        self.milter(OnMalformed="reject")
        reply = self.submit(mails.damaged())
        self.assertEqual(reply.code, 550)
        self.assertRegex(reply.text, r"^5\.6\.0 .*gzip")
        event, = self.events(name="malformed")
        self.assertEqual(event["disposition"], "reject")
        self.assertEqual(self.sink.mails(event.queue_id), [])

    def test_reject_text_cannot_be_forged(self):
        """What a reply says of the mail stays one line of ASCII."""
        self.milter(OnMalformed="reject")
        reply = self.submit(mails.plain_mail(
            b'{"policies": \xff%s%n\r\n250 ok\r\n'))
        self.assertEqual(reply.code, 550)
        self.assertTrue(reply.text.isascii(), reply)

    def test_reject_leaves_other_recipients_alone(self):
        self.milter(OnMalformed="reject")
        queue_id = self.send(mails.damaged(),
                             [lab.MAILBOX, "boss@example.test"])
        self.event(queue_id, "malformed")
        self.assertIn("boss@example.test",
                      self.delivered(queue_id).recipients)

    def test_reject_leaves_what_is_no_report_alone(self):
        self.milter(OnMalformed="reject")
        self.delivered(self.send(mails.ordinary()))

    def test_every_reason(self):
        """Each reason by a mail that has nothing else wrong with it."""
        self.milter(MaxReportSize="1M")
        good = gzip.compress(mails.text_of(mails.report()), mtime=0)
        zipped = b"PK\3\4\24\0\1\0\10\0" + b"\0" * 16 + b"\1\0\0\0x" + good
        for reason, part in {
                "gzip-truncated": mails.attach(good[:-20]),
                "zip-unsupported": mails.attach(zipped),
                "too-large": mails.attach(gzip.compress(
                    b'{"policies":[]' + b" " * (1 << 20) + b"}")),
                "json-syntax": mails.attach(gzip.compress(b'{"policies":]')),
                "json-not-object": mails.attach(gzip.compress(b"[1,2]")),
                "json-encoding": mails.attach(gzip.compress(
                    b'{"organization-name":"\xff\xfe","policies":[{}]}')),
                "no-policies": mails.attach(gzip.compress(b'{"a":1}')),
                "empty": mails.attach(gzip.compress(b"")),
                "base64-corrupt": mails.attach(good).replace(
                    mails.wrap(good)[78:156], b"~!~!" * 19 + b"\r\n"),
                "too-deep": mails.attach(gzip.compress(
                    b'{"policies":' + b"[" * 100 + b"]" * 100 + b"}")),
        }.items():
            with self.subTest(reason=reason):
                self.expect_malformed(mails.multipart(part), reason)

    def test_offset_names_the_byte(self):
        self.milter()
        text = mails.text_of(mails.report())
        at = text.index(b'"policies"')
        broken = text[:at] + b"!" + text[at + 1:]
        event = self.expect_malformed(mails.mail(broken), "json-syntax")
        self.assertEqual(event["offset"], str(at))


class OnFailure(LabCase):
    """Our own failure: an archive that cannot be written any more."""

    def full_archive(self, **settings):
        milter = self.make_milter(OnReport="discard", **settings)
        lab.mount("-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs",
                  milter.archive)
        self.addCleanup(lab.unmount, milter.archive)
        milter.start()
        self.fill(milter.archive / "filler")
        return milter

    @staticmethod
    def fill(path):
        with open(path, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass

    def test_deliver_on_a_full_disk(self):
        self.full_archive(OnFailure="deliver")
        mail = mails.mail(mails.report())
        queue_id = self.send(mail)
        event = self.event(queue_id, "error")
        self.assertEqual(event["reason"], "no-space")
        self.assertEqual(event["disposition"], "deliver")
        self.assertEqual(event.level, 3)
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        self.assertEqual(self.mta.records(), [], "half a record is left")

    def test_tempfail_on_a_full_disk_and_again_when_there_is_space(self):
        milter = self.full_archive(OnFailure="tempfail")
        mail = mails.mail(mails.report())
        reply = self.submit(mail)
        self.assertEqual(reply.code // 100, 4, reply)
        event, = self.events(name="error")
        self.assertEqual((event["reason"], event["disposition"]),
                         ("no-space", "tempfail"))
        (milter.archive / "filler").unlink()
        queue_id, event = self.expect_report(mail)
        self.assertEqual(event["disposition"], "discard")
        self.assert_discarded(queue_id)

    def test_tempfail_on_a_directory_that_cannot_be_written(self):
        # An index would say that it is of another archive.
        milter = self.milter(OnFailure="tempfail", StateFile="none")
        lab.mount("-t", "tmpfs", "-o", "ro,mode=555", "tmpfs", milter.archive)
        self.addCleanup(lab.unmount, milter.archive)
        reply = self.submit(mails.mail(mails.report()))
        self.assertEqual(reply.code // 100, 4, reply)
        event, = self.events(name="error")
        self.assertEqual(event["reason"], "archive")

    def test_failure_is_for_reports_only(self):
        self.full_archive(OnFailure="tempfail")
        for mail in (mails.ordinary(), mails.damaged()):
            self.delivered(self.send(mail))
