"""tlsrpt record against servers and words that mean harm: bounded, and shown
as what they are.

Each must come to an end in little memory, with JSON that can be read and text
that does nothing to a terminal.
"""

import json
import unittest

import domainlab
from case import World, lab
from domainlab import ENDLESS, http, policy

LAB = None
TIMEOUT = "2s"
# Against what has no end alone: a machine may be slow.
PATIENCE = 60
MEMORY = 40 << 20
MEGABYTE = 1 << 20
STATUSES = (0, 1, 2, 75)

GOOD = policy(["good.mx.test"])
# ESC ] 0 ; x BEL, CSI of one byte, a NUL, an end of line, and no UTF-8.
PAINT = "\\027]0;x\\007\\155[31m\\000\\010\\013\\255\\226\\128\\174"


def strings(text):
    """A TXT record of so many strings as it takes."""
    return "TXT " + " ".join(f'"{text[i:i + 250]}"'
                             for i in range(0, len(text), 250))


# Records of TLSRPT, by domain; each at _smtp._tls unless it has a name.
RECORDS = {
    "paint": [f'TXT "{PAINT}"'],
    "paintfield": [f'TXT "v=TLSRPTv1;{PAINT}={PAINT};rua={PAINT}"'],
    "painturi": [f'TXT "v=TLSRPTv1;rua=mailto:{PAINT}@b.test"'],
    "painthost": [f'TXT "v=TLSRPTv1;rua=https://{PAINT}/"'],
    "nuls": ['TXT "v=TLSRPTv1;\\000rua=mailto:a@b.test"',
             'TXT "\\000v=TLSRPTv1;rua=mailto:a@b.test"'],
    "nothing": ['TXT ""'],
    "long": [strings("v=TLSRPTv1;rua=mailto:" + "a" * 60000)],
    "semicolons": [strings("v=TLSRPTv1" + ";" * 60000)],
    "commas": [strings("v=TLSRPTv1;rua=" + "," * 60000)],
    "uris": [strings("v=TLSRPTv1;rua=" + ",".join(
        f"mailto:a@b{i}.nowhere.test" for i in range(1500)))],
    "many": [f'TXT "v=TLSRPTv1;rua=mailto:a{i}@b.test"'
             for i in range(1000)],
    "manybad": [f'TXT "v=TLSRPTv1;{i}"' for i in range(1000)],
    "loop": ["CNAME _smtp._tls.loopback.test."],
    "loopback": ["CNAME _smtp._tls.loop.test."],
    "self": ["CNAME _smtp._tls.self.test."],
    "quotes": ['TXT "v=TLSRPTv1;rua=mailto:\\"},{\\"@b.test"'],
}

WEB = {
    **ENDLESS,
    "status": http(GOOD, "404 \x1b[31m\x07", kind="\x1b]0;owned\x07"),
    "kind": http(GOOD, kind="text/plain; x=\x1b]0;owned\x07"),
    "text": http("version: STSv1\r\n\x1b]0;x\x07: \x1b[31m\r\n"
                 "mode: \x9b2J\r\nmx: \u202e\x00.test\r\n"),
    "mx": http(policy([f"h{i}.example.test" for i in range(1500)])),
    "colons": http(":" * 60000),
    "ends": http("\n" * 60000),
}


class HostileCase(unittest.TestCase):
    def check(self, *args, statuses=STATUSES):
        """Both forms; returns what JSON has, and checks the bounds."""
        runs = [domainlab.run_measured(
            [lab.TLSRPT, "record", args[0], f"--format={form}", *args[1:]],
            timeout=PATIENCE) for form in ("text", "json")]
        for run in runs:
            self.assertIn(run.status, statuses, run)
            if not lab.is_sanitized():
                self.assertLess(run.memory, MEMORY)
            self.assertLess(len(run.out), 4 * MEGABYTE)
            for text in (run.out, run.err):
                self.assertNotRegex(
                    text,
                    "[^\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\U0010ffff]")
        self.assertEqual(runs[0].status, runs[1].status)
        self.assertNotIn("Sanitizer", runs[0].err + runs[1].err)
        return json.loads(runs[1].out) if runs[1].out else None

    def lookup(self, verb, domain):
        return self.check(verb, f"--resolver={LAB.zones.address}",
                          f"--timeout={TIMEOUT}", *(
                              ["--ca-file", LAB.ca.root.pem]
                              if verb == "check-sts" else []), domain)


class TestDns(HostileCase):
    def test_records(self):
        for domain in RECORDS:
            with self.subTest(domain):
                found = self.lookup("lookup", domain + ".test")
                self.assertLessEqual(len(found["records"]), 16)
                self.assertFalse(any(r.get("valid") for r in found["records"])
                                 and domain in ("paint", "nuls", "nothing"))

    def test_loops(self):
        for domain in ("loop", "self"):
            found = self.lookup("lookup", domain + ".test")
            self.assertEqual(found["records"], [])

    def test_elsewhere(self):
        """What is found in a wrong place is shown safely, too."""
        found = self.lookup("lookup", "elsewhere.test")
        self.assertEqual(len(found["elsewhere"]), 1)

    def test_records_of_mta_sts(self):
        for domain in ("stspaint", "stsmany", "stslong"):
            with self.subTest(domain):
                self.lookup("check-sts", domain + ".test")


class TestWeb(HostileCase):
    def test_policies(self):
        for name in WEB:
            with self.subTest(web=name):
                found = self.lookup("check-sts", f"web-{name}.test")
                self.assertEqual(found["records"][0]["valid"], True)
                self.assertEqual(
                    "policy" in found and found["policy"]["valid"],
                    name == "kind", found)


class TestWords(HostileCase):
    """What somebody was told to paste."""

    TEXTS = ["\x1b]0;x\x07", "\x1b[31m" * 1000, "v=" * 30000, ";" * 60000,
             "v=TLSRPTv1;" + "a=b;" * 10000, "\u202e\u2066\x7f\x9b",
             "_smtp._tls IN TXT " + "(" * 60000,
             "_smtp._tls IN TXT " + '"" ' * 30000,
             "_smtp._tls IN TXT \\", '_smtp._tls IN TXT "\\', "TXT \\25",
             'x\x1b[31m IN TXT "\\027[31m"', "@ TXT (", "TXT )", "TXT ;",
             "\r\n\v\fTXT\v\f", "x" * 300 + ' TXT "v=TLSRPTv1"']

    def test_check(self):
        for verb in ("check", "check-sts"):
            for text in self.TEXTS:
                with self.subTest(verb=verb, text=text[:40]):
                    if verb == "check-sts" and not text.startswith("v="):
                        text = "v=" + text
                    self.check(verb, "--", text)

    def test_make(self):
        for text in self.TEXTS + [
                "", "mailto:", "https://", "https://[", "https://[::1",
                "https://[::1]:x/", "@", "mailto:@", "a@" + "b." * 200,
                "mailto:a@b.test?" + "x" * 2000, "a@b.test!99999999999t",
                "https://" + "\u00fc" * 300 + "/", "%", "%4", "mailto:%",
                "a@\u2024.test", "https://user:p@ss@h.test:99999/#"]:
            with self.subTest(text[:40]):
                self.check("make", f"--rua={text}", statuses=(0, 1))

    def test_domains(self):
        for text in self.TEXTS + [
                "." * 300, "a" * 64, "a." * 200, "_smtp._tls.", "_mta-sts.",
                "mta-sts.", "mta-sts..", "xn--\u00fc", "xn--a", "\u2024"]:
            with self.subTest(text[:40]):
                self.check("lookup", f"--resolver={LAB.zones.address}",
                           "--timeout=2s", "--", text, statuses=(64, 1, 75))


def setUpModule():
    global LAB  # pylint: disable=global-statement
    LAB = domainlab.Lab(World.base / "recordhostile")
    add = LAB.zones.add
    for domain, records in RECORDS.items():
        for text in records:
            add(f"_smtp._tls.{domain}.test", text)
    add("_tlsrpt.elsewhere.test", f'TXT "v=TLSRPTv1;{PAINT}"')
    add("_mta-sts.stspaint.test", f'TXT "v=STSv1;id={PAINT};{PAINT}={PAINT}"')
    for i in range(1000):
        add("_mta-sts.stsmany.test", f'TXT "v=STSv1;id={i}"')
    add("_mta-sts.stslong.test", strings("v=STSv1;id=1;x=" + "y" * 60000))
    for name, behaviour in WEB.items():
        LAB.domain(f"web-{name}.test", ["good.mx.test"], behaviour)
    LAB.start()


def tearDownModule():
    if LAB is not None:
        LAB.stop()
