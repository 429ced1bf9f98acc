"""Severity: the practical cases of the guides, and every boundary."""

from case import HEADER, LabCase, mails


class Cases(LabCase):
    """Examples that guides to TLS reporting discuss."""

    def test_few_failures_are_normal(self):
        self.milter()
        queue_id, event = self.expect_report(mails.mail(mails.case_normal()))
        self.assertEqual((event["severity"], event.level), ("notice", 5))
        self.assertEqual(event["failure-rate"], "0.16%")
        failure = self.event(queue_id, "failure")
        self.assertEqual(failure["category"], "negotiation")
        self.assertEqual(failure["failed-session-count"], "3")

    def test_certificate_of_one_mx(self):
        self.milter()
        queue_id, event = self.expect_report(
            mails.mail(mails.case_certificate()))
        self.assertEqual((event["severity"], event.level), ("err", 3))
        self.assertEqual(event["failure-rate"], "5.02%")
        failure = self.event(queue_id, "failure")
        self.assertEqual((failure["severity"], failure.level), ("err", 3))
        self.assertEqual(failure["receiving-mx-hostname"],
                         "mail2.captaindns.com")
        self.assertEqual(failure["result-type"], "certificate-host-mismatch")
        self.assertRegex(failure["cause"], r"(?i)certificate")
        self.assertRegex(failure["action"], r"(?i)certificate|name")
        self.assertIn("severity=err; failed=47; total=937",
                      self.delivered(queue_id).field(HEADER)[0])

    def test_policies_only(self):
        """Every session failed, and no failure-details say why."""
        self.milter()
        queue_id, event = self.expect_report(mails.mail(mails.case_policy()))
        self.assertEqual((event["severity"], event.level), ("err", 3))
        self.assertEqual(event["failure-rate"], "100.00%")
        policy = self.event(queue_id, "policy")
        self.assertEqual((policy["severity"], policy.level), ("err", 3))
        self.assertEqual(self.events(queue_id, "failure"), [])


class Boundaries(LabCase):
    def severity(self, *policies):
        _, event = self.expect_report(mails.mail(mails.report(*policies)))
        return event["severity"]

    def test_default_rates(self):
        self.milter()
        for successful, failed, expected in (
                (0, 0, "info"), (1000, 0, "info"),
                (9999, 1, "notice"), (9901, 99, "notice"),
                (9900, 100, "warning"), (9501, 499, "warning"),
                (9500, 500, "warning"), (9499, 501, "err"),
                (0, 10, "err"), (0, 9, "warning"), (8, 1, "warning"),
                (0, 1, "warning"), (1, 9, "err")):
            with self.subTest(successful=successful, failed=failed):
                self.assertEqual(
                    self.severity(mails.policy(successful, failed)), expected)

    def test_configured_rates(self):
        self.milter(NoticeRate="10%", WarningRate="50%", MinSessions="3")
        for successful, failed, expected in (
                (91, 9, "notice"), (90, 10, "warning"), (50, 50, "warning"),
                (49, 51, "err"), (0, 2, "warning"), (1, 2, "err")):
            with self.subTest(successful=successful, failed=failed):
                self.assertEqual(
                    self.severity(mails.policy(successful, failed)), expected)

    def test_worst_policy_counts(self):
        """Microsoft counts the same sessions under sts and tlsa."""
        self.milter()
        self.assertEqual(self.severity(
            mails.policy(10000, 0), mails.policy(90, 10, kind="tlsa")), "err")
        self.assertEqual(self.severity(
            mails.policy(90, 1, kind="sts"), mails.policy(5, 0)), "warning")

    def test_huge_counts(self):
        self.milter()
        most = 2 ** 53 - 1
        self.assertEqual(self.severity(mails.policy(most, 0)), "info")
        self.assertEqual(self.severity(mails.policy(most, 1)), "notice")
        self.assertEqual(self.severity(
            *[mails.policy(most, most) for _ in range(5)]), "err")
