"""tlsrpt show: what a file is, and what is wrong with it."""

import gzip
import json
import subprocess
import unittest

from case import lab, mails

REPORT = mails.text_of(mails.report())

# What is in the file, and the reason that it cannot be shown.
UNREADABLE = [
    (b"[]", "json-not-object"),
    (b'[{"organization-name": "x", "policies": []}]', "json-not-object"),
    (b"[" + REPORT + b"]\n", "json-not-object"),
    (b'"a string"', "json-not-object"),
    (b" 42\n", "json-not-object"),
    (b"null", "json-not-object"),
    (b'"a quotation" and more\n', "not-a-report"),
    (b"42 is the answer\n", "not-a-report"),
    (b"", "empty"),
    (b" \r\n\t", "empty"),
    (b"\xef\xbb\xbf", "empty"),
]


def show(data, *args):
    return subprocess.run([lab.TLSRPT, "show", *args], input=data,
                          capture_output=True, check=False, timeout=60)


def show_json(rep):
    done = show(mails.text_of(rep), "--format=json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


class TestShow(unittest.TestCase):
    def test_what_is_no_report_has_the_same_name_compressed(self):
        for data, reason in UNREADABLE:
            for form in (data, gzip.compress(data)):
                with self.subTest(form):
                    done = show(form)
                    self.assertEqual(done.returncode, 65)
                    self.assertIn(b": " + reason.encode() + b": ",
                                  done.stderr)

    def test_too_many_parts_says_of_what(self):
        part = mails.attach(gzip.compress(REPORT))
        done = show(mails.multipart(b"\r\n--b1\r\n".join([part] * 30)))
        self.assertEqual(done.returncode, 65)
        self.assertRegex(done.stderr, rb"too-many-parts: more than \d+ ")

    def test_escaped_names_are_the_same_names(self):
        text = REPORT.replace(b'"policies"', rb'"polic\u0069es"').replace(
            b'"organization-name"', rb'"organization\u002dname"')
        done = show(text, "--format=json")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(json.loads(done.stdout)["organization-name"],
                         "Example Mailer Inc.")

    def test_a_number_stands_for_its_text(self):
        shown = show_json(mails.report(report_id=0, organization=17))
        self.assertEqual(shown["report-id"], "0")
        self.assertEqual(shown["organization-name"], "17")
        self.assertEqual(shown["deviations"], ["wrong-type"])

    def test_a_count_that_is_left_out_is_none(self):
        """As Google did in 2019 with counts of zero."""
        policy = mails.policy(3)
        del policy["summary"]["total-failure-session-count"]
        shown = show_json(mails.report(policy))
        self.assertEqual(shown["deviations"], ["count-missing"])
        for counts in (shown, *shown["policies"]):
            self.assertEqual(counts["total-successful-session-count"], 3)
            self.assertEqual(counts["total-failure-session-count"], 0)
