"""Whose mail is ours, and what becomes of the other recipients."""

from case import HEADER, LabCase, lab, mails

OTHERS = ["boss@example.test", "archive@other.test"]


class OtherRecipients(LabCase):
    def test_discard_removes_only_the_report_mailbox(self):
        self.milter(OnReport="discard")
        mail = mails.mail(mails.report())
        queue_id, event = self.expect_report(
            mail, recipients=[OTHERS[0], lab.MAILBOX, OTHERS[1]])
        self.assertEqual(event["disposition"], "discard")
        delivered = self.delivered(queue_id)
        self.assertCountEqual(delivered.recipients, OTHERS)
        self.assert_untouched(mail, delivered)
        self.assertEqual(len(self.mta.records()), 1)

    def test_discard_removes_every_form_of_the_mailbox(self):
        self.milter(OnReport="discard",
                    Mailbox=[lab.MAILBOX, "@reports.example.test"])
        queue_id, _ = self.expect_report(
            mails.mail(mails.report()),
            recipients=[lab.MAILBOX, "tls-reports+x@example.test",
                        "TLS-Reports@EXAMPLE.Test", lab.MAILBOX,
                        "any@reports.example.test", OTHERS[0]])
        self.assertEqual(self.delivered(queue_id).recipients, [OTHERS[0]])

    def test_discard_removes_every_spelling_of_the_mailbox(self):
        """Postfix rewrites all these to the one address."""
        self.milter(OnReport="discard")
        for spelling in ("tls-reports", "example.test!tls-reports",
                         "tls-reports @example.test",
                         "tls-reports(c)@example.test",
                         "tls-reports@example.test.",
                         "@relay.example:tls-reports@example.test",
                         "@a.example,@b.example:tls-reports+x@example.test",
                         '"tls\\-reports"@example.test'):
            with self.subTest(spelling=spelling):
                queue_id, _ = self.expect_report(
                    mails.mail(mails.report()),
                    recipients=[spelling, OTHERS[0]])
                self.assertEqual(self.delivered(queue_id).recipients,
                                 [OTHERS[0]])
                self.assert_discarded(self.expect_report(
                    mails.mail(mails.report()), recipients=spelling)[0])

    def test_discard_removes_a_forged_header_field(self):
        self.milter(OnReport="discard")
        mail = mails.mail(mails.report())
        queue_id, _ = self.expect_report(
            f"{HEADER}: report; dkim=pass\r\n".encode() + mail,
            recipients=[lab.MAILBOX, OTHERS[0]])
        self.assert_untouched(mail, self.delivered(queue_id))

    def test_discard_of_several_of_our_own(self):
        self.milter(OnReport="discard", Mailbox=["a@x.test", "b@x.test"])
        queue_id, _ = self.expect_report(
            mails.mail(mails.report()),
            recipients=["a@x.test", "b@x.test", "b+c@x.test"])
        self.assert_discarded(queue_id)

    def test_deliver_to_all(self):
        self.milter()
        mail = mails.mail(mails.report())
        queue_id, _ = self.expect_report(
            mail, recipients=[lab.MAILBOX, *OTHERS])
        delivered = self.delivered(queue_id)
        self.assertCountEqual(delivered.recipients, [lab.MAILBOX, *OTHERS])
        self.assert_untouched(mail, delivered, [HEADER])

    def test_no_report_goes_to_all(self):
        self.milter(OnReport="discard")
        queue_id = self.send(mails.ordinary(), [lab.MAILBOX, *OTHERS])
        self.assertCountEqual(self.delivered(queue_id).recipients,
                              [lab.MAILBOX, *OTHERS])

    def test_mailbox_may_come_last_of_many(self):
        self.milter(OnReport="discard")
        many = [f"user{i}@other.test" for i in range(40)]
        queue_id, _ = self.expect_report(mails.mail(mails.report()),
                                         recipients=[*many, lab.MAILBOX])
        self.assertCountEqual(self.delivered(queue_id).recipients, many)

    def test_quarantine_with_other_recipients(self):
        self.milter(OnMalformed="quarantine")
        queue_id = self.send(mails.damaged(), [lab.MAILBOX, OTHERS[0]])
        self.event(queue_id, "malformed")
        self.assertIn(OTHERS[0], self.delivered(queue_id).recipients)


class Mailbox(LabCase):
    def is_ours(self, recipient, params=""):
        mail = mails.mail(mails.report())
        queue_id = self.send(mail, recipient, params=params)
        self.delivered(queue_id)
        names = self.names(queue_id)
        self.assertIn(names, ([], ["report", "policy"]))
        return bool(names)

    def test_forms_of_the_address(self):
        self.milter()
        for recipient, expected in {
                "tls-reports@example.test": True,
                "TLS-REPORTS@example.TEST": True,
                "tls-reports+2026@example.test": True,
                "tls-reports+@example.test": True,
                "tls-reports+a+b@Example.Test": True,
                '"tls-reports"@example.test': True,
                "tls-report@example.test": False,
                "xtls-reports@example.test": False,
                "tls-reports-x@example.test": False,
                "tls-reports@sub.example.test": False,
                "tls-reports@example.test.other.test": False,
                "+tls-reports@example.test": False,
                '"tls-reports@example.test"@other.test': False,
        }.items():
            with self.subTest(recipient=recipient):
                self.assertEqual(self.is_ours(recipient), expected)

    def test_whole_domain(self):
        self.milter(Mailbox="@reports.example.test")
        for recipient, expected in {
                "x@reports.example.test": True,
                "y+z@REPORTS.example.test": True,
                "x@example.test": False,
                "x@a.reports.example.test": False,
                "x@xreports.example.test": False,
        }.items():
            with self.subTest(recipient=recipient):
                self.assertEqual(self.is_ours(recipient), expected)

    def test_several_mailboxes(self):
        self.milter(Mailbox=["one@example.test", "two@example.test",
                             "@three.test"])
        for recipient in ("one@example.test", "two@example.test",
                          "x@three.test"):
            self.assertTrue(self.is_ours(recipient), recipient)

    def test_other_delimiter(self):
        self.milter(RecipientDelimiter="-", Mailbox="tls@example.test")
        self.assertTrue(self.is_ours("tls-reports@example.test"))
        self.assertFalse(self.is_ours("tls+reports@example.test"))

    def test_smtputf8_address(self):
        self.milter(Mailbox="berichte-für-tls@example.test")
        mail = mails.mail(mails.report())
        queue_id, _ = self.expect_report(
            mail, recipients="berichte-für-tls+ä@example.test",
            sender="müller@bücher.example", params=" SMTPUTF8 BODY=8BITMIME")
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        self.assertEqual(self.only_record()["envelope-from"],
                         "müller@bücher.example")

    def test_smtputf8_address_of_somebody_else(self):
        self.milter()
        self.assertFalse(self.is_ours("bücher@example.test", " SMTPUTF8"))
        self.assertTrue(self.is_ours(lab.MAILBOX, " SMTPUTF8"))

    def test_eight_bit_address_harms_nothing(self):
        """Latin-1 in the envelope: Postfix may take it or refuse it."""
        self.milter()
        client = self.client()
        client.command(b"MAIL FROM:<m\xfcller@example.org>")
        client.command(b"RCPT TO:<tls-reports+\xfc@example.test>")
        client.command(b"RCPT TO:<" + lab.MAILBOX.encode() + b">")
        if client.command("DATA").code == 354:
            client.raw(lab.stuff(mails.mail(mails.report())) + b".\r\n")
            self.assertEqual(client.reply().code, 250)
            self.only_record()
        client.command("RSET")
        self.assertEqual(client.send(mails.mail(mails.report())).code, 250)

    def test_empty_sender(self):
        """Some senders use a null reverse-path."""
        self.milter()
        self.expect_report(mails.mail(mails.report()), sender="")
        self.assertEqual(self.only_record()["envelope-from"], "")

    def test_longest_addresses(self):
        self.milter()
        local = "tls-reports+" + "x" * 200
        self.assertTrue(self.is_ours(f"{local}@example.test"))
        self.assertFalse(self.is_ours("x" * 250 + "@example.test"))
