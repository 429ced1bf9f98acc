"""tlsrpt record: records as they are written, found, and made.

What is looked up is served by a real unbound, the policy by a real web server;
what is made is read back by ldns, and served.
"""

import json
import re
import subprocess
import unittest

import domainlab
from case import World, lab
from domainlab import NOBODY, http, policy, run

LAB = None
RUA = "mailto:reports@good-mail.test"
GOOD = f"v=TLSRPTv1; rua={RUA}"
STS = "v=STSv1; id=20260211T120000;"
SERVFAIL, SILENT = "fail.test", "silent.test"


def record(*args, data=None, timeout=lab.PATIENCE):
    """Run tlsrpt record; with data on its standard input."""
    if data is None:
        return run([lab.TLSRPT, "record", *args], timeout)
    done = subprocess.run([lab.TLSRPT, "record", *args], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, check=False)
    return domainlab.Outcome(list(map(str, args)), done.returncode,
                             done.stdout.decode(), done.stderr.decode(), 0)


def short(remarks):
    """As the unit tests have them: E12 is an error at byte 12."""
    return " ".join(r["kind"][0].upper() + str(r.get("offset", "-"))
                    for r in remarks)


# check --------------------------------------------------------------------

# text, exit status, remarks, words in one of them
CHECKS = [
    (GOOD, 0, "", None),
    (GOOD + " ; ext=1", 0, "N48", "ext"),
    ("v=TLSRPTv1;rua=https://h.test/", 2, "W15", "https: alone"),
    (GOOD + ",https://h.test/", 2, "W46", "only the first"),
    (GOOD + ";ruf=mailto:a@b.test", 2, "W46", "DMARC"),
    (GOOD + "!10m", 1, "E45", "DMARC"),
    (GOOD + ";;", 1, "E46", "nothing before"),
    ("v=TLSRPTv1", 1, "E10 E10", "no rua"),
    ("V=TLSRPTv1; rua=mailto:a@b.test", 1, "E0", "wrong case"),
    ("v=TLSRPTv1 rua=mailto:a@b.test", 1, "E10", "\";\""),
    ("v=TLSRPTv1; rua=a@b.test", 1, "E16", "mailto:"),
    ("v=TLSRPTv1; rua=http://h.test/", 1, "E16", "https:"),
    ("v=TLSRPTv1; rua=mailto:", 1, "E23", "no address"),
    ("v=TLSRPTv1; rua=mailto:a!b@c.test", 1, "E24", "%21"),
    ("v=TLSRPTv1; rua=https://h.test/a;b", 1, "E33", "%3B"),
    ("v=TLSRPTv1; rua = mailto:a@b.test", 1, "E15 E17", "white space"),
    (f'"{GOOD}"', 1, "E0 E46", "zone file"),
    (f"\u201c{GOOD}\u201d", 1, "E0 E48", "curly"),
    (STS, 1, "E0 W9 E28 N-", "MTA-STS"),
    ("", 1, "E0 E0", "no version"),
    ("\x1b[31mv=TLSRPTv1", 1, "E0 E0 E15", "no version"),
]

STS_CHECKS = [
    (STS, 0, "", None),
    ("v=STSv1; id=1; id=2", 2, "W15", "second id"),
    ("v=STSv1; id=1; mode=none", 2, "W15", "policy file"),
    ("v=STSv1; id=2026-02-11", 1, "E16", "digits"),
    ("V=STSv1; id=1", 1, "E0", "wrong case"),
    ("v = STSv1; id=1", 1, "E0", None),
    (f"'{STS}'", 1, "E0 E29", "quotes"),
    (f"\u201c{STS}\u201d", 1, "E0 E31", "curly"),
    (GOOD, 1, "E0 W12 E45 N-", "TLSRPT"),
]


# A line of a zone file; the text in it, its strings, exit status, and remarks
# on the whole
ZONE_LINES = [
    (f'_smtp._tls.example.com. IN TXT "{GOOD}"', GOOD, 1, 0, "N-"),
    (f'_smtp._tls IN TXT "{GOOD}"', GOOD, 1, 0, "N-"),
    (f'@\t300\tin\ttxt\t"{GOOD}"\n', GOOD, 1, 0, "N-"),
    (f'TXT "{GOOD}"', GOOD, 1, 0, "N-"),
    (f'_smtp._tls.example.com 1h TXT "{GOOD}"', GOOD, 1, 0, "N- N-"),
    ('_smtp._tls IN TXT "v=TLSRPTv1; " "rua=" "mailto:a@b.test"',
     "v=TLSRPTv1; rua=mailto:a@b.test", 3, 0, "N-"),
    ('_smtp._tls IN TXT ( "v=TLSRPTv1;" ; it begins\n\t"rua="\n'
     '\t"mailto:a@b.test" ) ; it ends',
     "v=TLSRPTv1;rua=mailto:a@b.test", 3, 0, "N-"),
    ('_smtp._tls IN TXT "v=TLSRPTv1\\059 rua=mailto:a\\@b.test"',
     "v=TLSRPTv1; rua=mailto:a@b.test", 1, 0, "N-"),
    ("_smtp._tls IN TXT v=TLSRPTv1; rua=mailto:a@b.test",
     "v=TLSRPTv1", 1, 1, "N- E-"),
    (f'_smtp._tls IN TXT "{GOOD}"\n_smtp._tls IN TXT "x"', GOOD, 1, 2,
     "N- W-"),
    (f'_tls._smtp.example.com. IN TXT "{GOOD}"', GOOD, 1, 1, "N- E-"),
    (f'_smtp._tls IN TXT "{GOOD}', GOOD, 1, 0, "N-"),
    ("_smtp._tls IN TXT", "", 0, 1, "N-"),
    ("_smtp._tls IN TXT \\", "\\", 1, 1, "N-"),
]


class TestCheck(unittest.TestCase):
    def check(self, verb, row):
        text, status, remarks, words = row
        done = record(verb, "--format=json", "--", text)
        self.assertEqual(done.status, status, done)
        found = done.json["records"][0]
        self.assertEqual(found["valid"], status != 1, done)
        self.assertEqual(short(found["remarks"]), remarks, done)
        if words is not None:
            self.assertIn(words, json.dumps(found["remarks"]).replace(
                '\\"', '"'))
        shown = record(verb, "--", text)
        self.assertEqual(shown.status, status, shown)
        self.assertNotIn("\x1b", shown.out)

    def test_tlsrpt(self):
        for row in CHECKS:
            with self.subTest(row[0]):
                self.check("check", row)

    def test_mta_sts(self):
        for row in STS_CHECKS:
            with self.subTest(row[0]):
                self.check("check-sts", row)

    def test_a_line_of_a_zone_file(self):
        for line, text, strings, status, remarks in ZONE_LINES:
            with self.subTest(line):
                done = record("check", "--format=json", "--", line)
                self.assertEqual(done.status, status, done)
                found = done.json["records"][0]
                self.assertEqual(found.get("text", ""), text)
                self.assertEqual(found.get("strings", 0), strings)
                self.assertEqual(short(done.json["remarks"]), remarks, done)
                again = record("check", "--format=json", "-",
                               data=line.encode())
                self.assertEqual(again.json["records"], [found])

    def test_a_line_of_mta_sts(self):
        line = f'_mta-sts.example.com. IN TXT "{STS}"'
        done = record("check-sts", "--format=json", line)
        self.assertEqual(done.status, 0, done)
        self.assertEqual(done.json["records"][0]["text"], STS)
        done = record("check", line)
        self.assertEqual(done.status, 1, done)
        self.assertIn("do not look at this owner name", done.out)

    def test_zone_lines_cut_anywhere(self):
        """Whatever is pasted comes to an end, and is never valid by half."""
        line = ZONE_LINES[6][0]
        for end in range(len(line)):
            done = record("check", "--format=json", "--", line[:end])
            self.assertIn(done.status, (0, 1), done)
            self.assertEqual(done.err, "")

    def test_each_verb_has_its_help(self):
        pages = {verb: record(verb, "--help").out
                 for verb in ("check", "lookup", "make", "check-sts")}
        for verb, page in pages.items():
            self.assertTrue(
                page.startswith(f"usage: tlsrpt record {verb} ["), page)
            self.assertEqual(page.count("usage:"), 1)
            self.assertEqual("--rua" in page, verb == "make")
            self.assertEqual("--ca-file" in page, verb == "check-sts")
            self.assertIn("Exit status:", page)

    def test_the_caret_is_below_the_byte(self):
        for text, byte in ((GOOD + "!10m", "!"),
                           (f"v=TLSRPTv1; x=\u00fc; rua={RUA}", "\u00fc"),
                           (f"v=TLSRPTv1; rua={RUA}," + "x" * 200, "x")):
            lines = record("check", text).out.splitlines()
            caret = next(i for i, line in enumerate(lines)
                         if line.strip() == "^")
            self.assertEqual(lines[caret - 1][lines[caret].index("^")], byte)
            self.assertTrue(lines[caret + 1].startswith("  error "))
            self.assertTrue(any(line.startswith("  mend ")
                                for line in lines[caret:]))

    def test_what_is_hostile_is_made_visible(self):
        done = record("check", "v=TLSRPTv1; rua=\x1b]0;x\x07\u202e\n")
        self.assertEqual(done.status, 1, done)
        self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\u202e]", done.out))
        self.assertIn("\\x1b]0", done.out)

    def test_own_domain(self):
        args = ["--domain=good-mail.test", "--format=json", GOOD]
        done = record("check", *args)
        self.assertEqual(done.status, 0, done)
        self.assertEqual(short(done.json["records"][0]["remarks"]), "N31")

    def test_standard_input(self):
        done = record("check", "-", data=GOOD.encode() + b"\n")
        self.assertEqual(done.status, 0, done)
        done = record("check", "--format=json", "-", data=b"v=\0" * 100)
        self.assertEqual(done.status, 1, done)
        self.assertEqual(done.json["records"][0]["text"], "v=\ufffd" * 100)
        done = record("check", "-", data=b"x" * 100000)
        self.assertEqual((done.status, done.out), (66, ""), done)

    def test_policy_files(self):
        good = policy(["mx.test", "*.mx.test"])
        rows = [(good, 0, ""), (good.replace("\r\n", "\n"), 0, ""),
                (good + "x: y\r\n", 0, "N76"),
                (good.replace("604800", "60"), 2, "W68"),
                (good.replace("enforce", "Enforce"), 1, "E22"),
                (good + "\n", 2, "W76"), ("", 1, "E0 E0 E0"),
                ("x" * 70000, 1, "E65536")]
        file = self.directory() / "mta-sts.txt"
        for text, status, remarks in rows:
            with self.subTest(text[:100]):
                file.write_bytes(text.encode())
                done = record("check-sts", "--format=json", file)
                self.assertEqual(done.status, status, done)
                self.assertEqual(short(done.json["policy"]["remarks"]),
                                 remarks, done)
                again = record("check-sts", "--format=json", "-",
                               data=text.encode())
                self.assertEqual(again.json["policy"], done.json["policy"])
        self.assertEqual(done.json["policy"]["valid"], False)

    def test_a_file_in_this_directory(self):
        directory = self.directory()
        (directory / "mta-sts.txt").write_text(policy(["mx.test"]))
        done = run([lab.TLSRPT, "record", "check-sts", "mta-sts.txt"],
                   cwd=directory)
        self.assertEqual(done.status, 0, done)
        self.assertIn("The policy is valid", done.out)
        # With a dot it is a domain.
        done = run([lab.TLSRPT, "record", "check-sts",
                    "--resolver", LAB.zones.address, "--timeout=5s",
                    "mta-sts.txt."], cwd=directory)
        self.assertEqual(done.status, 1, done)
        self.assertIn("_mta-sts.mta-sts.txt: NXDOMAIN", done.out)

    def test_why_not(self):
        for args, why in (
                (["check-sts", "/nonexistent/file"], "No such file"),
                (["check-sts", "no-such-file.txt"], "No such file"),
                (["lookup", "https://a.test/"], "is a URL"),
                (["lookup", "someone@a.test"], "is a mail address")):
            self.assertIn(why, record(*args).err)

    def test_usage(self):
        for args, status in (
                ([], 64), (["chekc"], 64), (["check"], 64),
                (["check", "a", "b"], 64), (["check", "--rua=x", "a"], 64),
                (["lookup"], 64), (["lookup", "a b"], 64),
                (["lookup", "192.0.2.1"], 64),
                (["lookup", "--timeout=1h", "a.test"], 64),
                (["lookup", "--resolver=x", "a.test"], 64),
                (["check", "--format=xml", GOOD], 64), (["make"], 64),
                (["make", "--rua=a@b.test", "x"], 64),
                (["check-sts", "/nonexistent/file"], 66),
                (["check-sts", "/"], 66),
                (["check-sts", "no-such-file.txt"], 66),
                (["check-sts", "https://mta-sts.a.test/x.txt"], 64),
                (["lookup", "-c", "/nonexistent/conf", "a.test"], 78),
                (["--help"], 0), (["make", "--help"], 0)):
            with self.subTest(args):
                done = record(*args)
                self.assertEqual(done.status, status, done)
                self.assertEqual(done.out == "", status != 0)

    def directory(self):
        path = World.base / "record" / self.id().rpartition(".")[2]
        path.mkdir(parents=True, exist_ok=True)
        return path


# lookup -------------------------------------------------------------------

def txt(*values):
    """One record of these strings."""
    return "TXT " + " ".join(f'"{v}"' for v in values)


# domain, records below it, exit status, words in the remarks on the whole, or
# on a record; how many records there are
LOOKUPS = [
    ("one", [("_smtp._tls", txt(GOOD))], 0, ["another domain"], 1),
    ("none", [("www", "A 192.0.2.1")], 1, ["no TXT record"], 0),
    ("several", [("_smtp._tls", txt(GOOD)),
                 ("_smtp._tls", txt(GOOD + ";x=y"))], 1,
     ["2 records begin"], 2),
    ("besides", [("_smtp._tls", txt(GOOD)),
                 ("_smtp._tls", txt("v=spf1 -all"))], 0, [], 2),
    ("others", [("_smtp._tls", txt("v=spf1 -all"))], 1,
     ["none of the records here"], 1),
    ("misspelt", [("_smtp._tls", txt("v=tlsrptv1;rua=mailto:a@b.test"))], 1,
     ["wrong case", "none of the records here"], 1),
    ("split", [("_smtp._tls", txt("v=TLSRPTv1; rua=mail",
                                  "to:reports@good-mail", ".test"))], 0, [],
     1),
    ("long", [("_smtp._tls", txt(GOOD, "?x=" + "y" * 250, "z" * 250))], 2,
     ["the address"], 1),
    ("alias", [("_smtp._tls", "CNAME _smtp._tls.one.test.")], 0,
     ["CNAME"], 1),
    ("nowhere", [("_smtp._tls", "CNAME _smtp._tls.nobody.test.")], 1,
     ["no TXT record"], 0),
    ("invalid", [("_smtp._tls", txt("v=TLSRPTv1; rua="))], 1,
     ["no URI"], 1),
    ("own", [("_smtp._tls", txt("v=TLSRPTv1;rua=mailto:a@own.test")),
             ("", "MX 10 mx.own.test."), ("mx", "A 192.0.2.1")], 0,
     ["whose TLS is reported"], 1),
    ("https", [("_smtp._tls", txt(f"v=TLSRPTv1;rua={RUA},"
                                  "https://web.good-mail.test/"))], 2,
     ["only the first", "another domain"], 1),
    ("nullmx", [("_smtp._tls", txt("v=TLSRPTv1;rua=mailto:a@null.test"))], 2,
     ["null MX"], 1),
    ("nomx", [("_smtp._tls", txt("v=TLSRPTv1;rua=mailto:a@nobody.test"))], 2,
     ["neither MX nor address"], 1),
    ("noweb", [("_smtp._tls", txt(f"v=TLSRPTv1;rua={RUA},"
                                  "https://nobody.test/"))], 2,
     ["no address in the DNS"], 1),
    ("hostile", [("_smtp._tls", txt("v=TLSRPTv1;\\000\\027[31m\\200=\\\""))],
     1, ["no name of a field", "no rua"], 1),
    ("many", [("_smtp._tls", txt(f"x={n}")) for n in range(40)], 1,
     ["none of the records", "24 more records"], 16),
]

# Places where nobody looks.
PLACES = {
    "wrong1": "_tlsrpt.wrong1.test",
    "wrong2": "_smtp-tls.wrong2.test",
    "wrong3": "wrong3.test",
    "wrong4": "_tls._smtp.wrong4.test",
    "wrong5": "_smtp._tls.wrong5.test.wrong5.test",
    "wrong6": "_smtp-tlsrpt.wrong6.test",
}


def words_of(found):
    """All that is said, on the whole and on the records."""
    remarks = found["remarks"] + [
        r for one in found["records"] + [found.get("policy", {})]
        for r in one.get("remarks", [])]
    return "\n".join(r["text"] + "\n" + r.get("mend", "") for r in remarks)


def lookup(verb, domain, *args, timeout="10s"):
    return record(verb, "--resolver", LAB.zones.address,
                  "--timeout", timeout, *args, domain)


class TestLookup(unittest.TestCase):
    def test_table(self):
        for domain, _, status, words, count in LOOKUPS:
            with self.subTest(domain):
                done = lookup("lookup", domain + ".test", "--format=json")
                self.assertEqual(done.status, status, done)
                found = done.json
                self.assertEqual(len(found["records"]), count, done)
                self.assertEqual(found["name"], f"_smtp._tls.{domain}.test")
                for word in words:
                    self.assertIn(word, words_of(found))
                shown = lookup("lookup", domain + ".test")
                self.assertEqual(shown.status, status, shown)
                self.assertNotIn("\x1b", shown.out)
                self.assertNotIn("\0", shown.out)

    def test_strings_are_joined(self):
        found = lookup("lookup", "split.test", "--format=json").json
        self.assertEqual(found["records"][0]["text"], GOOD)
        self.assertEqual(found["records"][0]["strings"], 3)
        self.assertEqual(found["records"][0]["rua"], [RUA])
        self.assertIn("(3 strings, joined)",
                      lookup("lookup", "split.test").out)

    def test_alias(self):
        found = lookup("lookup", "alias.test", "--format=json").json
        self.assertEqual(found["cname"], "_smtp._tls.one.test")
        self.assertEqual(found["records"][0]["rua"], [RUA])

    def test_wrong_places(self):
        for domain, name in PLACES.items():
            with self.subTest(name):
                done = lookup("lookup", domain + ".test", "--format=json")
                self.assertEqual(done.status, 1, done)
                self.assertEqual(done.json["elsewhere"],
                                 [{"name": name, "text": GOOD}])
                self.assertIn(name, lookup("lookup", domain + ".test").out)

    def test_names_are_taken_as_they_come(self):
        for name in ("one.test.", "ONE.test", "_smtp._tls.one.test",
                     "_mta-sts.one.test"):
            done = lookup("lookup", name, "--format=json")
            self.assertEqual(done.json["domain"], "one.test", done)
            self.assertEqual("not part of the domain" in done.err,
                             name[0] == "_", done)
        done = lookup("lookup", "b\u00fccher.test", "--format=json")
        self.assertEqual(done.json["domain"], "xn--bcher-kva.test", done)

    def test_a_host_of_policies_is_no_domain(self):
        done = lookup("lookup", "mta-sts.one.test", "--format=json")
        self.assertEqual(done.json["domain"], "one.test", done)
        self.assertIn('"mta-sts" is not part of the domain, '
                      "which is one.test", done.err)

    def test_no_answer(self):
        for domain, answer in ((SERVFAIL, "SERVFAIL"), (SILENT, "timed out")):
            done = lookup("lookup", domain, "--format=json", timeout="2s")
            self.assertEqual(done.status, 75, done)
            self.assertIn(answer, done.json["answer"])
            self.assertFalse(done.json["complete"])
            self.assertLess(done.seconds, 20)

    def test_destinations_that_do_not_answer(self):
        """Sixteen of them are asked for at the same time."""
        done = lookup("lookup", "slow.test", "--format=json", timeout="2s")
        self.assertEqual(done.status, 2, done)
        self.assertEqual(len(done.json["records"][0]["rua"]), 16)
        self.assertLess(done.seconds, 12)

    def test_configuration(self):
        """The resolver and the trust anchor are those of the milter."""
        conf = World.base / "record.conf"
        conf.write_text(f"Resolver {LAB.zones.address}\n"
                        f"TrustAnchorFile {LAB.zones.trust_anchor}\n")
        done = record("lookup", "-c", conf, "--format=json", "one.test")
        self.assertEqual(done.status, 0, done)
        self.assertTrue(done.json["dnssec"])
        done = record("lookup", "-c", conf, "--format=json", "bogus.test")
        self.assertEqual(done.status, 75, done)
        self.assertIn("bogus", done.json["answer"])


# make ---------------------------------------------------------------------

# URIs, the text that must come out, or None
MADE = [
    (["mailto:a@b.test"], "v=TLSRPTv1; rua=mailto:a@b.test"),
    (["a@b.test"], "v=TLSRPTv1; rua=mailto:a@b.test"),
    (["mailto:a@b.test", "https://h.test/p"],
     "v=TLSRPTv1; rua=mailto:a@b.test,https://h.test/p"),
    (["mailto:a,b;c!d@b.test"],
     "v=TLSRPTv1; rua=mailto:a%2Cb%3Bc%21d@b.test"),
    (["https://h.test/a b\"\\<>%zz%2C"],
     "v=TLSRPTv1; rua=https://h.test/a%20b%22%5C%3C%3E%25zz%2C"),
    (["r@b\u00fccher.test"], "v=TLSRPTv1; rua=mailto:r@xn--bcher-kva.test"),
    (["https://b\u00fccher.test:8443/\u00fc"],
     "v=TLSRPTv1; rua=https://xn--bcher-kva.test:8443/%C3%BC"),
    (["https://h.test/" + "x" * 400, "a@b.test"],
     "v=TLSRPTv1; rua=https://h.test/" + "x" * 400 + ",mailto:a@b.test"),
    (["a@b.test!10m"], None),
    (["http://h.test/"], None),
    (["noscheme"], None),
    (["mailto:"], None),
    (["mailto:a@b..test"], None),
    (["https://h.test/" + "x" * 1100], None),
]


def strings_of(line):
    """The strings of a TXT record as ldns writes it."""
    return re.findall(r'"((?:[^"\\]|\\.)*)"', line)


class TestMake(unittest.TestCase):
    def ldns(self, line):
        """What a zone parser reads in it: owner and strings."""
        file = World.base / "record-made.zone"
        file.write_text("$ORIGIN made.test.\n$TTL 300\n"
                        "@ IN SOA ns hostmaster 1 3600 900 604800 60\n"
                        "@ IN NS ns\nns IN A 127.0.0.1\n" + line + "\n")
        done = run(["ldns-read-zone", file])
        self.assertEqual(done.status, 0, done)
        found = [li for li in done.out.splitlines() if "\tTXT\t" in li]
        self.assertEqual(len(found), 1, done)
        return found[0].split()[0], strings_of(found[0])

    def test_table(self):
        for uris, text in MADE:
            with self.subTest(uris):
                args = [f"--rua={uri}" for uri in uris]
                done = record("make", *args)
                if text is None:
                    self.assertEqual((done.status, done.out), (1, ""), done)
                    self.assertNotEqual(done.err, "")
                    continue
                self.assertEqual(done.status, 0, done)
                owner, strings = self.ldns(done.out)
                self.assertEqual(owner, "_smtp._tls.made.test.")
                self.assertEqual("".join(strings), text)
                self.assertTrue(all(len(s) <= 255 for s in strings))
                self.assertEqual(len(strings), -(-len(text) // 255))
                whole = record("make", "--domain", "Other.TEST", *args)
                self.assertEqual(self.ldns(whole.out),
                                 ("_smtp._tls.other.test.", strings))
                as_json = record("make", "--format=json", *args).json
                self.assertEqual(as_json["text"], text)
                self.assertEqual(as_json["line"], done.out.rstrip("\n"))
                # And back again.
                again = record("check", "--format=json", text)
                self.assertIn(again.status, (0, 2))

    def test_sixteen(self):
        args = [f"--rua=a{n}@b.test" for n in range(17)]
        self.assertEqual(record("make", *args[:16]).status, 0)
        self.assertEqual(record("make", *args).status, 64)

    def test_what_was_made_is_found(self):
        done = lookup("lookup", "made.test", "--format=json")
        found = done.json["records"][0]
        self.assertTrue(found["valid"], done)
        self.assertEqual(found["text"], MADE[7][1])
        self.assertEqual(found["strings"], 2)


# check-sts of a domain ----------------------------------------------------

POLICY = policy(["mx.test"])

# domain, what Lab.domain() takes, exit status, words
DOMAINS = [
    ("sts-good", {"sts": POLICY}, 0, []),
    ("sts-bad-id", {"sts": POLICY, "record": "v=STSv1; id=2026-02"}, 1,
     ["digits only"]),
    ("sts-two", {"sts": POLICY, "record": [STS, "v=STSv1; id=1"]}, 1,
     ["2 records"]),
    ("sts-short", {"sts": policy(["mx.test"], max_age=60)}, 2,
     ["less than a day"]),
    ("sts-invalid", {"sts": "version: STSv1\nmode: on\n"}, 1,
     ["no mode", "no max_age"]),
    ("sts-404", {"sts": http("no", "404 Not Found")}, 1,
     ["cannot be fetched", "404"]),
    ("sts-redirect", {"sts": http("", "302 Found",
                                  fields="Location: https://x.test/\r\n")},
     1, ["cannot be fetched"]),
    ("sts-html", {"sts": http(POLICY, kind="text/html")}, 1,
     ["cannot be fetched", "text/html"]),
    ("sts-nobody", {"sts": POLICY, "web": NOBODY}, 1, ["cannot be fetched"]),
    ("sts-no-host", {"sts": POLICY, "web": None}, 1, ["has no address"]),
]


class TestSts(unittest.TestCase):
    def test_table(self):
        for domain, _, status, words in DOMAINS:
            with self.subTest(domain):
                done = lookup("check-sts", domain + ".test", "--format=json",
                              "--ca-file", LAB.ca.root.pem)
                self.assertEqual(done.status, status, done)
                for word in words:
                    self.assertIn(word, words_of(done.json) + json.dumps(
                        done.json.get("fetch")))
                shown = lookup("check-sts", domain + ".test",
                               "--ca-file", LAB.ca.root.pem)
                self.assertEqual(shown.status, status, shown)

    def test_all_of_it(self):
        found = lookup("check-sts", "sts-good.test", "--format=json",
                       "--ca-file", LAB.ca.root.pem).json
        self.assertEqual(found["records"][0]["id"], "20260101T000000")
        self.assertEqual(found["policy"]["mx"], ["mx.test"])
        self.assertEqual(found["policy"]["mode"], "enforce")
        self.assertEqual(found["fetch"]["http-status"], 200)

    def test_an_unknown_ca(self):
        done = lookup("check-sts", "sts-good.test", "--format=json")
        self.assertEqual(done.status, 1, done)
        self.assertIn("cannot be fetched", words_of(done.json))

    def test_wrong_place(self):
        done = lookup("check-sts", "sts-wrong.test", "--format=json")
        self.assertEqual(done.status, 1, done)
        self.assertEqual(done.json["elsewhere"], [
            {"name": "mta-sts.sts-wrong.test", "text": STS}])

    def test_no_answer(self):
        done = lookup("check-sts", SERVFAIL, timeout="2s")
        self.assertEqual(done.status, 75, done)


def setUpModule():
    global LAB  # pylint: disable=global-statement
    LAB = domainlab.Lab(World.base / "record")
    LAB.zones.fail(SERVFAIL)
    LAB.zones.silence(SILENT)
    add = LAB.zones.add
    for domain, records, *_ in LOOKUPS:
        for owner, text in records:
            add(f"{owner}.{domain}.test".lstrip("."), text)
    for name in PLACES.values():
        add(name, txt(GOOD))
    add("good-mail.test", "MX 10 mx.good-mail.test.")
    add("web.good-mail.test", "A 192.0.2.1")
    add("null.test", "MX 0 .")
    silent = [f"mailto:a@h{n}.{SILENT}" for n in range(16)]
    text = "v=TLSRPTv1;rua=" + ",".join(silent)
    add("_smtp._tls.slow.test",
        txt(*[text[i:i + 255] for i in range(0, len(text), 255)]))
    add("_smtp._tls.bogus.test", txt(GOOD))
    LAB.zones.spoil("_smtp._tls.bogus.test", "TXT")
    add("mta-sts.sts-wrong.test", txt(STS))
    made = record("make", *[f"--rua={uri}" for uri in MADE[7][0]]).out
    add("_smtp._tls.made.test", made.partition(" IN ")[2].rstrip("\n"))
    for domain, kwargs, *_ in DOMAINS:
        LAB.domain(domain + ".test", **kwargs)
    LAB.start()


def tearDownModule():
    if LAB is not None:
        LAB.stop()
