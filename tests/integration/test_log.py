"""Where the log goes and how it looks."""

import json
import os
import re
import select
import time

from case import (LEVELS, LabCase, check_line, event_of, lab, mails,
                  no_repetition)

MEMBERS = ("organization-name", "policy-domain", "policy-type", "result-type",
           "category", "cause", "action")


def failing():
    return mails.report(mails.policy(
        90, 10, [mails.failure("certificate-expired", 10)]))


class Syslog(LabCase):
    def test_facility_and_ident(self):
        self.milter(SyslogFacility="local3", SyslogIdent="tls-watch")
        queue_id = self.send(mails.mail(mails.report()))
        line = next(line for line in self.lines()
                    if line.text.startswith(queue_id.encode() + b": "))
        self.assertEqual((line.facility, line.ident), (19, "tls-watch"))

    def test_logfmt_line_joins_with_the_queue_id_of_postfix(self):
        self.milter()
        queue_id, event = self.expect_report(mails.mail(failing()))
        self.assertTrue(event.text.startswith(f"{queue_id}: event=report "))
        lab.wait_until(lambda: f"{queue_id}: removed"
                       in self.postfix.maillog(), "removal in maillog")

    def test_start_and_stop_are_said(self):
        milter = self.milter()
        self.wait_started()
        started = len(self.lines(milter.pid))
        milter.may_end = True
        self.assertEqual(milter.stop(), 0)
        self.assertGreater(len(self.lines(milter.pid)), started)


class Json(LabCase):
    log_format = "json"

    def check_failure_report(self, prefix):
        rep = failing()
        queue_id, event = self.expect_report(mails.mail(rep))
        self.assertTrue(event.text.startswith(prefix), event)
        self.assertEqual(event["queue-id"], queue_id)
        self.assertEqual(event["total-successful-session-count"], 90)
        self.assertEqual(event["total-failure-session-count"], 10)
        self.assertEqual(event["report-id"], rep["report-id"])
        failure = self.event(queue_id, "failure")
        self.assertEqual(failure["failed-session-count"], 10)
        self.assertEqual(failure["queue-id"], queue_id)
        for name in MEMBERS:
            self.assertTrue(failure[name], name)

    def test_json(self):
        self.milter(LogFormat="json")
        self.check_failure_report("{")

    def test_cee(self):
        self.milter(LogFormat="cee")
        self.check_failure_report("@cee:")

    def test_every_line_is_json(self):
        milter = self.milter(LogFormat="json")
        self.send(mails.damaged())
        self.send(mails.ordinary())
        for line in self.lines(milter.pid):
            json.loads(line.text, object_pairs_hook=no_repetition)


class Journal(LabCase):
    def setUp(self):
        super().setUp()
        self.journal = lab.Journal()
        self.journal.start()
        self.addCleanup(self.journal.stop)

    def entries(self, queue_id):
        self.journal.sync()
        return [entry for entry in self.journal.entries()
                if entry.get("TLSRPT_QUEUE_ID") == queue_id
                and not entry["TLSRPT_EVENT"].startswith("problem-")]

    def test_fields(self):
        self.milter(LogTarget="journal")
        rep = failing()
        queue_id = self.send(mails.mail(rep))
        report, policy, failure = self.entries(queue_id)
        self.assertEqual(
            [e["TLSRPT_EVENT"] for e in (report, policy, failure)],
            ["report", "policy", "failure"])
        for entry in (report, policy, failure):
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], lab.IDENT)
            self.assertEqual(entry["SYSLOG_FACILITY"], "2")
            self.assertEqual(int(entry["PRIORITY"]),
                             LEVELS[entry["TLSRPT_SEVERITY"]])
            self.assertIn(queue_id, entry["MESSAGE"])
        self.assertEqual(report["TLSRPT_REPORT_ID"], rep["report-id"])
        self.assertEqual(report["TLSRPT_TOTAL_FAILURE_SESSION_COUNT"], "10")
        self.assertEqual(policy["TLSRPT_POLICY_TYPE"], "sts")
        self.assertEqual(failure["TLSRPT_RESULT_TYPE"], "certificate-expired")
        self.assertEqual(failure["TLSRPT_RECEIVING_MX_HOSTNAME"],
                         "mx1.example.test")
        self.assertTrue(failure["TLSRPT_ACTION"])
        self.syslog.sync()
        self.assertEqual(self.syslog.lines(self.mta.pid), [])

    def test_values_cannot_forge_fields(self):
        """A line break in a value: the length form of the protocol."""
        self.milter(LogTarget="journal")
        forged = "A\nPRIORITY=0\nTLSRPT_EVENT=forged\nMESSAGE=gone"
        queue_id = self.send(mails.mail(mails.report(organization=forged)))
        for entry in self.entries(queue_id):
            self.assertIn(entry["TLSRPT_EVENT"], ("report", "policy"))
            self.assertNotEqual(entry["PRIORITY"], "0")
            self.assertNotIn("\n", entry["MESSAGE"])
            self.assertIn(queue_id, entry["MESSAGE"])

    def test_large_entries(self):
        """Values at their greatest length still fit one datagram."""
        self.milter(LogTarget="journal")
        text = "\u20ac" * 5000
        queue_id = self.send(mails.mail(mails.report(
            mails.policy(0, 50, [mails.failure(
                text, 50, receiving_mx_hostname=text, receiving_mx_helo=text,
                additional_information=text, failure_reason_code=text)],
                domain=text, kind=text), organization=text)))
        self.assertEqual(
            [e["TLSRPT_EVENT"] for e in self.entries(queue_id)],
            ["report", "policy", "failure"])

    def test_auto_writes_each_event_to_one_place(self):
        self.milter(LogTarget="auto")
        queue_id = self.send(mails.mail(mails.report()))
        self.journal.sync()
        in_journal = len([e for e in self.journal.entries()
                          if e.get("TLSRPT_EVENT") == "report"])
        self.assertEqual(in_journal + len(self.events(queue_id, "report")), 1)


class Auto(LabCase):
    def test_syslog_where_there_is_no_journal(self):
        self.milter(LogTarget="auto")
        self.expect_report(mails.mail(mails.report()))


class Stderr(LabCase):
    def output(self, milter):
        """What went to standard error of a message's events."""
        events = []
        for raw in milter.errors.read_bytes().splitlines():
            found = re.fullmatch(rb"(?:([^\[\s]+)\[(\d+)\]: )?(.*)", raw)
            line = lab.Line(raw, 16 + 6, lab.IDENT, milter.pid, found[3])
            text = check_line(line)
            if re.match(r"\w+: event=(?!problem-)", text):
                events.append(lab.parse_logfmt(text.partition(": ")[2]))
        return events

    def test_logfmt(self):
        milter = self.milter(LogTarget="stderr")
        self.send(mails.mail(failing()))
        self.assertEqual([e["event"] for e in self.output(milter)],
                         ["report", "policy", "failure"])
        self.syslog.sync()
        self.assertEqual(self.syslog.lines(milter.pid), [])

    def test_json(self):
        milter = self.milter(LogTarget="stderr", LogFormat="json")
        queue_id = self.send(mails.mail(failing()))
        found = re.findall(rb"(\{.*\})$", milter.errors.read_bytes(),
                           re.MULTILINE)
        events = [json.loads(text) for text in found]
        self.assertEqual([e["event"] for e in events
                          if e.get("queue-id") == queue_id
                          and not e["event"].startswith("problem-")],
                         ["report", "policy", "failure"])

    def test_full_pipe_does_not_hold_up_mail(self):
        """Nobody reads standard error: the mail goes on, lines come later."""
        milter = self.make_milter(LogTarget="stderr", MaxFailureLines="1000")
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        milter.start(errors=writer)
        os.close(writer)
        rep = mails.report(mails.policy(0, 400, [
            mails.failure(additional_information="x" * 500 + str(i))
            for i in range(400)]))
        started = time.monotonic()
        queue_id = self.send(mails.mail(rep))
        self.assertLess(time.monotonic() - started, 20)
        text = b""

        def complete():
            nonlocal text
            while select.select([reader], [], [], 0)[0]:
                text += os.read(reader, 1 << 16)
            return text.count(b"event=failure") >= 400
        lab.wait_until(complete, "400 lines from standard error")
        lines = [line for line in text.split(b"\n")
                 if queue_id.encode() in line]
        # The report, its policy and failures, and one problem.
        self.assertEqual(len(lines), 403)
        self.assertTrue(all(line.endswith(b'"') or b"event=failure" not in line
                            for line in lines), "a line came in pieces")


class Lines(LabCase):
    """How many, and how they end."""

    def report_with(self, failures, policies=1):
        return mails.report(*[mails.policy(1000, failures, [
            mails.failure("certificate-expired", 1,
                          receiving_mx_hostname=f"mx{i}.example.test")
            for i in range(failures)], domain=f"d{p}.test")
            for p in range(policies)])

    def sum_lines(self, queue_id):
        return [e for e in self.events(queue_id, "omitted")
                if "problem-count" not in e]

    def test_failure_lines_over_the_limit_are_summed(self):
        self.milter(MaxFailureLines="5")
        queue_id = self.send(mails.mail(self.report_with(20)))
        self.assertEqual(len(self.events(queue_id, "failure")), 5)
        summed, = self.sum_lines(queue_id)
        self.assertIn("15", summed.fields.values(), summed)

    def test_at_the_limit_there_is_no_sum(self):
        self.milter(MaxFailureLines="5")
        queue_id = self.send(mails.mail(self.report_with(5)))
        self.assertEqual(len(self.events(queue_id, "failure")), 5)
        self.assertEqual(self.sum_lines(queue_id), [])

    def test_limit_is_for_the_report_not_for_the_policy(self):
        self.milter(MaxFailureLines="5")
        queue_id = self.send(mails.mail(self.report_with(3, policies=4)))
        self.assertEqual(len(self.events(queue_id, "failure")), 5)
        self.assertEqual(len(self.events(queue_id, "policy")), 4)
        summed, = self.sum_lines(queue_id)
        self.assertIn("7", summed.fields.values(), summed)

    def test_policy_lines_over_the_limit_are_summed(self):
        self.milter(MaxFailureLines="3")
        queue_id = self.send(mails.mail(self.report_with(0, policies=10)))
        self.assertEqual(len(self.events(queue_id, "policy")), 3)
        summed, = self.sum_lines(queue_id)
        self.assertIn("7", summed.fields.values(), summed)

    def test_default_limit(self):
        self.milter()
        queue_id = self.send(mails.mail(self.report_with(101)))
        # A socket holds a dozen lines; the reply does not wait for the rest.
        lab.wait_until(lambda: self.sum_lines(queue_id), "the sum")
        self.assertEqual(len(self.events(queue_id, "failure")), 100)
        self.assertEqual(len(self.sum_lines(queue_id)), 1)

    def test_foreign_domain(self):
        self.milter(Domain=["example.test", "mx1.other.test"])
        for domain, expected in (("example.test", None),
                                 ("EXAMPLE.test", None),
                                 ("mx1.other.test", None),
                                 ("elsewhere.test", "foreign-domain")):
            _, event = self.expect_report(
                mails.mail(mails.report(mails.policy(domain=domain))))
            self.assertEqual(event.get("deviations"), expected, domain)


class Hostile(LabCase):
    """No value ends a line, forges a field or makes a line too long."""

    values = (
        "two\nlines",
        "x\r\nNov 22 00:00:00 mx tlsrpt-milter[1]: FORGED: event=report",
        'x" event=forged severity=info y="',
        "x event=forged",
        "event=forged",
        "back\\slash\\",
        '\\" \\\\" "',
        "tab\there",
        "nul\0nul",
        "esc\x1b[31mred\x1b[0m",
        "c1\x9b31m\x85next",
        "para\u2029graph\u2028line",
        "bidi\u202etxt.exe\u2066",
        "=",
        '"',
        " ",
        "a=b",
        "%s%n%x",
        "\u00fc\u20ac\U0001f4e8",
        "@cee: {\"event\":\"forged\"}",
        "long " + "x" * 10000,
        "\u20ac" * 10000,
        "\x01" * 10000,
        '"' * 10000,
        "\\" * 10000,
    )

    def reports(self):
        for value in self.values:
            rep = mails.report(
                mails.policy(0, 50, [mails.failure(
                    value, 50, sending_mta_ip=value,
                    receiving_mx_hostname=value, receiving_ip=value,
                    receiving_mx_helo=value, additional_information=value,
                    failure_reason_code=value)], domain=value, kind=value),
                organization=value, contact_info=value)
            rep["report-id"] = value
            rep["policies"][0]["policy"]["mx-host"] = [value] * 20
            yield value, mails.mail(rep)

    def check(self, queue_id):
        found = [event for event in self.events(queue_id)
                 if not event.name.startswith("problem-")]
        self.assertEqual([e.name for e in found],
                         ["report", "policy", "failure"])
        self.assertEqual([e["severity"] for e in found], ["err"] * 3)
        return found

    def test_logfmt(self):
        milter = self.milter()
        for value, mail in self.reports():
            with self.subTest(value=value[:40]):
                for event in self.check(self.send(mail)):
                    shown = event["organization-name"]
                    if value.isascii() and value.isprintable() \
                            and len(value) < 100 and value.strip():
                        self.assertEqual(shown, value)
                    self.assertLessEqual(len(shown.encode()), 2100)
        for line in self.lines():
            event = event_of(line)
            self.assertNotIn(b"FORGED:", line.text.split()[:3])
            if event is not None:
                self.assertEqual(line.pid, milter.pid)
                self.assertIn(event.name, ("report", "policy", "failure",
                                           "problem-stale"))

    def test_journal(self):
        journal = lab.Journal()
        journal.start()
        self.addCleanup(journal.stop)
        self.milter(LogTarget="journal")
        for value, mail in self.reports():
            queue_id = self.send(mail)
            journal.sync()
            found = [e for e in journal.entries()
                     if e.get("TLSRPT_QUEUE_ID") == queue_id
                     and not e["TLSRPT_EVENT"].startswith("problem-")]
            with self.subTest(value=value[:40]):
                self.assertEqual([e["TLSRPT_EVENT"] for e in found],
                                 ["report", "policy", "failure"])
                self.assertEqual({e["PRIORITY"] for e in found}, {"3"})
                for entry in found:
                    self.assertNotIn("\n", entry["MESSAGE"])

    def test_header_cannot_be_forged(self):
        """The added field stays one field, whatever the name says."""
        self.milter()
        for value, mail in self.reports():
            delivered = self.delivered(self.send(mail))
            with self.subTest(value=value[:40]):
                added = delivered.field("X-TLSRPT-Milter")
                self.assertEqual(len(added), 1)
                self.assertRegex(added[0],
                                 r"^report; severity=err; failed=50; total=50")
                self.assertLess(len(added[0]), 998)
                self.assert_untouched(mail, delivered, ["X-TLSRPT-Milter"])

    def test_envelope_and_header(self):
        """What comes from the mail itself goes into lines and records."""
        self.milter()
        self.expect_report(
            mails.mail(mails.report(), submitter='x" event=forged y="',
                       subject='s" \\ \x1b[31m'),
            sender='"a\\" event=forged b"@example.org')
        self.assertEqual({e.name for e in self.events()},
                         {"report", "policy"})
        self.only_record()


class HostileJson(Hostile):
    log_format = "json"

    def test_logfmt(self):
        """The same in JSON, where values must come back as they were."""
        self.milter(LogFormat="json")
        for value, mail in self.reports():
            with self.subTest(value=value[:40]):
                for event in self.check(self.send(mail)):
                    if len(value) < 100 and value.isprintable() \
                            and value.strip():
                        self.assertEqual(event["organization-name"], value)

    test_journal = None
    test_header_cannot_be_forged = None

    def test_envelope_and_header(self):
        self.milter(LogFormat="cee")
        self.expect_report(
            mails.mail(mails.report(), submitter='x","event":"forged'),
            sender='"a\\",event:forged"@example.org')
        self.assertEqual({e.name for e in self.events()},
                         {"report", "policy"})
