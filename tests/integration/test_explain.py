"""tlsrpt explain: what is known of a word, and what was meant by another."""

import unittest

import domainlab
from case import lab

# What was typed, exit status, the word that was meant, or None
WORDS = [
    ("certificate-expired", 0, None), ("sts-webpki-invalid", 0, None),
    ("sts", 0, None), ("tlsa", 0, None), ("no-policy-found", 0, None),
    ("certificate-expird", 65, "certificate-expired"),
    ("Certificate_Expired", 65, "certificate-expired"),
    ("tlsa-invaild", 65, "tlsa-invalid"), ("stts", 65, "sts"),
    ("no-policy", 65, None), ("xyz", 65, None), ("", 65, None),
    ("x" * 100000, 65, None), ("\x1b[31m\u202e", 65, None),
]


def explain(*words):
    return domainlab.run([lab.TLSRPT, "explain", *words])


class TestExplain(unittest.TestCase):
    def test_words(self):
        for word, status, meant in WORDS:
            with self.subTest(word[:40]):
                done = explain(word)
                self.assertEqual(done.status, status, done)
                self.assertEqual(done.err == "", status == 0, done)
                if status == 0:
                    self.assertEqual(done.out.splitlines()[0], word)
                self.assertEqual("did you mean" in done.err,
                                 meant is not None, done)
                if meant is not None:
                    self.assertIn(f"did you mean {meant}?", done.err)
                self.assertNotRegex(done.out + done.err, "[\x1b\u202e]")

    def test_usage(self):
        for words, status in (([], 0), (["--help"], 0), (["a", "b"], 64),
                              (["--nothing"], 64)):
            self.assertEqual(explain(*words).status, status)
