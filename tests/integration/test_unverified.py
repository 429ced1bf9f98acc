"""What is done with reports that are not genuine, and when DNS is down."""

import gzip
import time

from case import HEADER, lab
from dkimcase import (SignedCase, alter, mails, place_of, record, sign, signed,
                      unsigned)

BOSS = "boss@example.test"
BOTH = [lab.MAILBOX, BOSS]


class OnUnverified(SignedCase):
    def unverified(self, **settings):
        """A milter, and a nameserver that is never to be asked."""
        self.silent = self.counter()
        return self.verifier(self.silent, **settings)

    def check(self, disposition, **kwargs):
        """Send a report without a signature; returns its queue id."""
        queue_id, event = self.expect_unverified(
            unsigned(), "no-signature", **kwargs)
        self.assertEqual(event["disposition"], disposition)
        self.assertEqual([event["archive"]],
                         [str(path) for path in self.mta.records()])
        self.assertEqual(self.silent.questions, 0)
        return queue_id

    def test_deliver_is_the_default(self):
        self.unverified(OnReport="discard")
        delivered = self.delivered(self.check("deliver", recipients=BOTH))
        self.assertCountEqual(delivered.recipients, BOTH)
        self.assertEqual(delivered.field(HEADER),
                         ["unverified; dkim=none; dkim-reason=no-signature"])

    def test_discard(self):
        self.unverified(OnUnverified="discard")
        self.assert_discarded(self.check("discard"))

    def test_discard_leaves_other_recipients_alone(self):
        self.unverified(OnUnverified="discard")
        queue_id = self.check("discard", recipients=BOTH)
        self.assertEqual(self.delivered(queue_id).recipients, [BOSS])

    def test_quarantine(self):
        self.unverified(OnUnverified="quarantine")
        queue_id = self.check("quarantine")
        lab.wait_until(lambda: self.postfix.held(queue_id),
                       f"{queue_id} in the hold queue")
        self.assertEqual(self.sink.mails(queue_id), [])
        self.postfix.drop(queue_id)

    def test_quarantine_leaves_other_recipients_alone(self):
        self.unverified(OnUnverified="quarantine")
        queue_id = self.check("deliver", recipients=BOTH)
        self.assertCountEqual(self.delivered(queue_id).recipients, BOTH)

    def test_reject(self):
        """The client is told what is wrong, and a record is kept."""
        self.unverified(OnUnverified="reject")
        reply = self.submit(unsigned())
        self.assertEqual(reply.code, 550)
        self.assertEqual(
            reply.text, "5.7.20 TLS report is not genuine: no-signature")
        event, = self.events()
        self.assertEqual((event.name, event["disposition"]),
                         ("unverified", "reject"))
        self.assertEqual(self.sink.mails(event.queue_id), [])
        self.assertEqual(len(self.unverified_records()), 1)

    def test_reject_names_the_domain(self):
        self.verifier(self.nameserver({place_of("s"): "v=DKIM1; p="}),
                      OnUnverified="reject")
        reply = self.submit(signed())
        self.assertEqual(
            (reply.code, reply.text),
            (550, "5.7.20 TLS report is not genuine: key-revoked, "
             "s=s d=example.org"))

    def test_reject_leaves_other_recipients_alone(self):
        self.unverified(OnUnverified="reject")
        queue_id = self.check("deliver", recipients=BOTH)
        self.assertCountEqual(self.delivered(queue_id).recipients, BOTH)

    def test_malformed_goes_by_its_own_keyword(self):
        """What cannot be read is no less so without a signature."""
        self.unverified(OnUnverified="discard", OnMalformed="reject")
        reply = self.submit(mails.damaged())
        self.assertEqual(reply.code, 550)
        self.assertRegex(reply.text, r"^5\.6\.0 .*gzip")
        event, = self.events()
        self.assertEqual((event.name, event["dkim"], event["dkim-reason"]),
                         ("malformed", "none", "no-signature"))

    def test_several_reports_in_one_mail(self):
        self.unverified(OnUnverified="discard")
        parts = [mails.attach(gzip.compress(mails.text_of(mails.report())))
                 for _ in range(2)]
        queue_id = self.send(mails.multipart(b"\r\n--b1\r\n".join(parts)))
        self.assertEqual(self.names(queue_id), ["unverified"] * 2)
        self.assertEqual(len(self.unverified_records()), 2)
        self.assert_discarded(queue_id)

    def test_our_own_failure_comes_first(self):
        """A record that cannot be kept: nothing is discarded."""
        self.unverified(OnUnverified="discard", OnFailure="deliver")
        for path in self.mta.archive.iterdir():
            path.chmod(0o500)
        self.mta.archive.chmod(0o500)
        queue_id = self.send(unsigned())
        self.assertEqual(self.names(queue_id), ["error"])
        self.delivered(queue_id)


class OnDNSFailure(SignedCase):
    def failing(self, **settings):
        server = self.nameserver({place_of("s"): record()})
        server.fail(place_of("s"))
        self.verifier(server, **settings)
        return server

    def refuse(self, mail, reason="dns-failure", **kwargs):
        """It is refused for now and leaves nothing but a line."""
        before = len(self.events())
        reply = self.submit(mail, **kwargs)
        self.assertEqual(reply.code, 451, reply)
        self.assertRegex(reply.text, r"^4\.\d+\.\d+ .*try again later")
        event, = self.events()[before:]
        self.assertEqual(
            (event.name, event["dkim"], event["dkim-reason"],
             event["disposition"], event.level),
            ("unverified", "temperror", reason, "tempfail", 5))
        self.assertNotIn("archive", event)
        self.assertEqual(self.sink.mails(event.queue_id), [])
        self.assertEqual(self.mta.records(), [])
        return event

    def until_taken(self, mail):
        """Retry as a client does; a failure is remembered for seconds."""
        replies = []

        def taken():
            replies.append(self.submit(mail))
            return replies[-1].code == 250
        lab.wait_until(taken, "retry that is taken")
        return replies[-1].queue_id

    def test_tempfail_and_the_retry(self):
        server = self.nameserver({place_of("s"): record()})
        server.silence(place_of("s"))
        self.verifier(server, OnReport="discard", ArchiveMessage="yes",
                      DNSTimeout="1s")
        mail = signed()
        self.refuse(mail, "dns-timeout")
        self.refuse(mail, "dns-timeout")
        left = [p for p in self.mta.archive.rglob("*") if p.is_file()]
        self.assertEqual(left, [])
        server.heal(place_of("s"))
        queue_id = self.until_taken(mail)
        self.assertEqual(self.names(queue_id), ["report", "policy", "failure"])
        self.assert_discarded(queue_id)
        self.assertEqual(len(self.genuine_records()), 1)
        self.assertEqual(self.unverified_records(), [])
        self.assertEqual(len(self.events(name="report")), 1)

    def test_tempfail_when_nobody_answers(self):
        self.verifier(self.counter(), DNSTimeout="1s")
        started = time.monotonic()
        self.refuse(signed(), "dns-timeout")
        self.assertGreaterEqual(time.monotonic() - started, 1)

    def test_tempfail_with_other_recipients(self):
        self.failing()
        self.refuse(signed(), recipients=BOTH)

    def test_deliver(self):
        """Whatever OnUnverified says: the report may be genuine."""
        self.failing(OnDNSFailure="deliver", OnUnverified="reject")
        mail = signed()
        queue_id, event = self.expect_unverified(mail, "dns-failure")
        self.assertEqual(event["disposition"], "deliver")
        delivered = self.delivered(queue_id)
        self.assert_untouched(mail, delivered, [HEADER])
        self.assertEqual(delivered.field(HEADER), [
            "unverified; dkim=temperror; dkim-domain=example.org; "
            "dkim-selector=s; dkim-reason=dns-failure"])
        self.assertEqual(self.only_record()["dkim"]["result"], "temperror")

    def test_a_malformed_report_is_not_retried(self):
        """It would be no better tomorrow."""
        self.failing()
        queue_id = self.send(sign(mails.damaged()))
        event = self.event(queue_id, "malformed")
        self.assertEqual((event["disposition"], event["dkim-reason"]),
                         ("deliver", "dns-failure"))


class Modes(SignedCase):
    def test_log_counts_every_report(self):
        server = self.nameserver({place_of("s"): record()})
        server.fail(place_of("down"))
        self.verifier(server, DKIM="log", OnReport="discard",
                      OnUnverified="reject")
        for mail, result, reason in (
                (signed(), "pass", None),
                (unsigned(), "none", "no-signature"),
                (alter(signed(), b"Subject: Report", b"Subject: Resort"),
                 "fail", "signature"),
                (signed("down"), "temperror", "dns-failure")):
            with self.subTest(result=result):
                queue_id, event = self.expect_report(mail)
                self.assertEqual(self.names(queue_id),
                                 ["report", "policy", "failure"])
                self.assertEqual((event["dkim"], event.get("dkim-reason")),
                                 (result, reason))
                self.assertEqual(event["severity"], "err")
                self.assert_discarded(queue_id)
                kept = self.record(event["archive"])
                self.assertEqual(kept["dkim"]["result"], result)
        self.assertEqual(len(self.genuine_records()), 4)
        self.assertEqual(self.unverified_records(), [])

    def test_off_asks_nobody(self):
        counter = self.counter()
        self.verifier(counter, DKIM="off")
        queue_id, event = self.expect_report(signed())
        self.assertNotIn("dkim", event)
        self.assertNotIn("dkim", self.only_record())
        self.assertNotIn("dkim", self.delivered(queue_id).field(HEADER)[0])
        self.assertEqual(counter.questions, 0)

    def test_a_change_of_mode_within_a_message(self):
        """It ends under the configuration it began with."""
        milter = self.verifier(self.counter())
        self.wait_started()
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.start_data()
        milter.configure(DKIM="off")
        self.reload()
        client.raw(lab.stuff(unsigned()) + b".\r\n")
        queue_id = client.reply().queue_id
        self.assertEqual(self.names(queue_id), ["unverified"])
        self.assertNotIn("dkim", self.expect_report(unsigned())[1])
        milter.configure(DKIM="require")
        self.reload()
        self.expect_unverified(unsigned(), "no-signature")


class Silence(SignedCase):
    """Who costs DNS a question, and who does not."""

    def asked(self, mail, recipients):
        counter = self.counter()
        self.verifier(counter, DNSTimeout="1s")
        reply = self.submit(mail, recipients)
        return reply.code, counter.questions

    def test_the_report_of_a_stranger_does(self):
        """Else the other tests would show nothing."""
        code, questions = self.asked(signed(), lab.MAILBOX)
        self.assertEqual(code, 451)
        self.assertGreater(questions, 0)

    def test_mail_without_anything_like_a_report(self):
        self.assertEqual(
            self.asked(sign(mails.ordinary()), lab.MAILBOX), (250, 0))

    def test_mail_for_others(self):
        self.assertEqual(self.asked(signed(), BOSS), (250, 0))

    def test_a_signature_that_is_not_aligned(self):
        self.assertEqual(
            self.asked(signed(domain="example.net"), lab.MAILBOX), (250, 0))

    def test_a_signature_that_cannot_pass(self):
        self.assertEqual(self.asked(signed(l=True), lab.MAILBOX), (250, 0))


class Forgery(SignedCase):
    """A forged report and a genuine one with the same content."""

    def verifier(self, **settings):
        server = self.nameserver({place_of("s"): record()})
        return super().verifier(server, **settings)

    def test_the_genuine_one_counts(self):
        """Whichever comes first, and however often."""
        for order in ("forged genuine", "genuine forged",
                      "forged forged genuine genuine forged"):
            with self.subTest(order=order):
                self.verifier(OnReport="discard", OnUnverified="discard")
                rep = mails.report()
                seen = []
                for kind in order.split():
                    forged = kind == "forged"
                    queue_id = self.send(
                        unsigned(rep) if forged else signed(rep=rep))
                    seen.append(self.names(queue_id)[0])
                    self.assert_discarded(queue_id)
                self.assertEqual(seen.count("report"), 1)
                self.assertEqual(seen.count("duplicate"),
                                 order.count("genuine") - 1)
                self.assertEqual(seen.count("unverified"),
                                 order.count("forged"))
                genuine, = self.genuine_records()
                forged, = self.unverified_records()
                self.assertEqual(genuine.name, forged.name)
                self.assertEqual(self.record(genuine)["dkim"]["result"],
                                 "pass")
                self.assertEqual(self.record(forged)["dkim"]["result"],
                                 "none")

    def test_duplicate_of_a_genuine_one(self):
        self.verifier()
        rep = mails.report()
        self.expect_genuine(signed(rep=rep))
        queue_id = self.send(signed(rep=rep))
        self.assertEqual(self.names(queue_id), ["duplicate"])
        self.assertEqual(self.event(queue_id, "duplicate")["dkim"], "pass")
        self.assertEqual(len(self.mta.records()), 1)

    def test_message_is_kept_beside_its_record(self):
        self.verifier(ArchiveMessage="yes")
        for mail in (unsigned(), signed()):
            self.send(mail)
        for kept, mail in zip(
                (*self.unverified_records(), *self.genuine_records()),
                (b"", b"DKIM-Signature:")):
            path = self.mta.archive / kept.with_suffix(".eml.gz")
            text = gzip.decompress(path.read_bytes())
            self.assertTrue(text.startswith(mail or b"From:"), text[:99])
