"""tlsrpt diagnose --report and --problem: is what a sender saw still so?

Reports tell of failures at the domains of a laboratory, some of which are
mended since and some are not.
"""

import datetime
import json
import pathlib
import re
import unittest

import domainlab
import ingestcase
from case import World, lab
from domainlab import policy

LAB = None
PLACE = None  # its archive has the problems below
OLD_KEY = "3 1 1 " + "5a" * 32
DAY = datetime.date.today()


def furnish(lab_):
    lab_.smtpd("good", lab_.certificate("good"))
    lab_.smtpd("second", lab_.certificate("second"))
    lab_.smtpd("expired", lab_.certificate("expired", days=(-93, -3)))
    lab_.smtpd("rolled", lab_.certificate("rolled"))
    lab_.address("closed")
    lab_.tlsa("rolled.dane.test", OLD_KEY)
    lab_.tlsa("good.dane.test",
              f"3 1 1 {lab_.certificates['good'].spki_sha256}")
    lab_.domain("mended.test", ["good.mx.test"], policy(["good.mx.test"]))
    lab_.domain("short.test", ["good.mx.test"],
                policy(["good.mx.test"], max_age=3600))
    lab_.domain("broken.test", ["good.mx.test", "expired.mx.test"],
                policy(["*.mx.test"]))
    lab_.domain("dane.test", ["rolled.dane.test"])
    lab_.domain("good-dane.test", ["good.dane.test"])
    lab_.domain("away.test", ["closed.mx.test"], policy(["closed.mx.test"]))
    lab_.domain("nopolicy.test", ["good.mx.test"],
                domainlab.http("none", "404 Not Found"))
    lab_.domain("withdrawn.test", ["good.mx.test"])


def failing(domain, *failures, policy_type="sts", lines=None):
    """A policy of a report; failures: (result type, MX, or none)."""
    return {
        "policy": {"policy-type": policy_type, "policy-domain": domain,
                   **({"policy-string": lines} if lines else {})},
        "summary": {"total-successful-session-count": 10,
                    "total-failure-session-count": 5 * len(failures)},
        "failure-details": [
            {"result-type": result, "failed-session-count": 5,
             **({"receiving-mx-hostname": mx} if mx else {})}
            for result, mx in failures]}


def report(*policies, name="Example Inc.", days=2):
    day = DAY - datetime.timedelta(days=days)
    return json.dumps({
        "organization-name": name, "contact-info": "tls@example.net",
        "report-id": f"{name}-{days}-{len(policies)}",
        "date-range": {"start-datetime": f"{day}T00:00:00Z",
                       "end-datetime": f"{day}T23:59:59Z"},
        "policies": policies}).encode()


def diagnose(*args, **kwargs):
    """Without a domain; the last word stands where that does."""
    return LAB.diagnose(args[-1], *args[:-1], **kwargs)


class ProofCase(unittest.TestCase):
    maxDiff = None

    def write(self, data):
        path = World.base / "proof-report"
        path.write_bytes(data)
        return path

    def write_conf(self, text):
        path = World.base / "proof-domains"
        path.write_text(text + "StateFile none\n")
        return path

    def prove(self, data, status, *args):
        """The object that comes of it; the text must say the same."""
        path = self.write(data)
        outcome = diagnose("--format=json", *args, f"--report={path}")
        self.assertEqual(outcome.status, status, outcome)
        self.assertEqual(outcome.err, "", outcome)
        self.assertEqual(outcome.out.count("\n"), 1)
        text = diagnose(*args, f"--report={path}")
        self.assertEqual(text.status, status, text)
        told = outcome.json
        self.assertEqual(told["exit"], status)
        for failure in told["failures"]:
            self.assertRegex(text.out, rf"(?m)^\d+\. {failure['result-type']}"
                             rf" .*: {failure['state']}$")
        return told

    def states(self, told):
        return [(f["result-type"], f.get("receiving-mx-hostname"), f["state"])
                for f in told["failures"]]

    def seen(self, failure):
        finding, = failure["seen"]
        return finding["kind"], finding["result-type"]


class TestReport(ProofCase):
    """What a report tells of."""

    def test_gone(self):
        told = self.prove(report(failing(
            "mended.test", ("certificate-expired", "good.mx.test"))), 0)
        self.assertEqual(self.states(told), [
            ("certificate-expired", "good.mx.test", "gone")])
        self.assertEqual(self.seen(told["failures"][0]),
                         ("success", "success"))
        self.assertEqual(told["gone"], 1)

    def test_gone_with_warnings(self):
        told = self.prove(report(failing(
            "short.test", ("certificate-expired", "good.mx.test"))), 2)
        self.assertEqual(told["gone"], 1)

    def test_confirmed_and_different(self):
        told = self.prove(report(failing(
            "broken.test", ("certificate-expired", "expired.mx.test"),
            ("certificate-not-trusted", "Expired.MX.test."),
            ("certificate-expired", "good.mx.test"))), 1)
        self.assertEqual([state for _, _, state in self.states(told)],
                         ["confirmed", "different", "gone"])
        self.assertEqual(self.seen(told["failures"][1]),
                         ("failure", "certificate-expired"))

    def test_untried(self):
        told = self.prove(report(failing(
            "away.test", ("certificate-expired", "closed.mx.test"))), 75)
        self.assertEqual(told["untried"], 1)

    def test_no_name(self):
        for domain, mx in (("no name", "good.mx.test"),
                           ("mended.test", "$(id)"), ("\x1b[31m", None)):
            told = self.prove(report(failing(
                domain, ("certificate-expired", mx))), 69)
            self.assertEqual(told["untried"], 1)
            self.assertEqual(told["diagnoses"], [])

    def test_policy_alone(self):
        """No MX is named: the policy is what counts."""
        told = self.prove(report(failing(
            "nopolicy.test", ("sts-policy-fetch-error", None),
            ("sts-webpki-invalid", None))), 1)
        self.assertEqual([s[2] for s in self.states(told)],
                         ["confirmed", "different"])
        self.assertEqual(told["diagnoses"][0]["mx"], [])
        told = self.prove(report(failing(
            "mended.test", ("sts-policy-fetch-error", None))), 0)
        self.assertEqual(told["gone"], 1)
        self.assertEqual(told["diagnoses"][0]["mx"], [])
        # Of the same domain, but the MX counts for one of them.
        told = self.prove(report(failing(
            "broken.test", ("sts-policy-fetch-error", None),
            ("certificate-expired", "expired.mx.test"))), 1)
        self.assertEqual([s[2] for s in self.states(told)],
                         ["gone", "confirmed"])
        told = self.prove(report(failing(
            "withdrawn.test", ("sts-policy-fetch-error", None))), 2)
        self.assertEqual(told["gone"], 1)

    def test_policy_withdrawn(self):
        """Another policy applies now; the MX is looked at under that."""
        told = self.prove(report(failing(
            "withdrawn.test", ("certificate-expired", "good.mx.test"))), 2)
        self.assertEqual(told["failures"][0]["seen"][0]["policy-type"],
                         "no-policy-found")

    def test_mx_without_dns(self):
        """A host is not connected to because a report names it."""
        hosts = []

        def serve(peer):
            hosts.append(peer.getsockname())
        spy = domainlab.Server("127.0.0.1", domainlab.MX_PORT, serve)
        self.addCleanup(spy.close)
        before = LAB.maillog()
        for others in ((), (("certificate-expired", "good.mx.test"),)):
            told = self.prove(report(failing(
                "mended.test", ("certificate-expired", "localhost"),
                *others)), 69)
            self.assertEqual([f["state"] for f in told["failures"]],
                             ["untried"] + ["gone"] * len(others))
            self.assertIn("no such MX", told["failures"][0]["reason"])
            self.assertEqual(len(told["diagnoses"]), 1)
        self.prove(report(failing("mended.test", (
            "certificate-expired", "expired.mx.test"))), 69)
        self.assertEqual(hosts, [])
        self.assertNotIn("expired.mx.test",
                         LAB.maillog().removeprefix(before))

    def test_mx_of_domain(self):
        """One that is ours is looked at, even when it is an MX no more."""
        conf = self.write_conf("Domain mended.test\nDomain expired.mx.test\n")
        told = self.prove(report(failing(
            "mended.test", ("certificate-expired", "good.mx.test"),
            ("certificate-expired", "expired.mx.test"))), 1, "-c", conf)
        self.assertEqual(told["failures"][0]["state"], "gone")
        self.assertIn(told["failures"][1]["state"],
                      ("confirmed", "different"))
        self.assertEqual(len(told["diagnoses"]), 2)

    def test_foreign_domain(self):
        """Nothing is asked of one that is not ours."""
        conf = self.write_conf("Domain mended.test\n")
        before = len(LAB.web.seen)
        told = self.prove(report(failing(
            "broken.test", ("certificate-expired", "expired.mx.test"))),
            69, "-c", conf)
        self.assertEqual(told["diagnoses"], [])
        self.assertIn("Domain", told["failures"][0]["reason"])
        self.assertEqual(len(LAB.web.seen), before)

    def test_many_domains(self):
        """Without Domain so many are tried as a report may well have."""
        told = self.prove(report(*(
            failing(f"n{n}.test", ("certificate-expired", None))
            for n in range(12))), 69)
        self.assertEqual(len(told["diagnoses"]), 8)

    def test_domain_is_diagnosed_once(self):
        before = len(LAB.web.seen)
        self.prove(report(failing(
            "broken.test", ("certificate-expired", "expired.mx.test"),
            ("certificate-expired", "good.mx.test"),
            ("validation-failure", "good.mx.test"),
            ("sts-policy-invalid", None))), 1)
        # Once for the object, once for the text.
        self.assertEqual(len(LAB.web.seen) - before, 2)

    def test_only_that_mx(self):
        """Others of the domain are left in peace."""
        told = self.prove(report(failing(
            "broken.test", ("certificate-expired", "good.mx.test"))), 0)
        self.assertEqual([mx["receiving-mx-hostname"]
                          for mx in told["diagnoses"][0]["mx"]],
                         ["good.mx.test"])

    def test_dane(self):
        old = "3 1 1 " + "ab" * 32
        told = self.prove(report(
            failing("dane.test", ("tlsa-invalid", "rolled.dane.test"),
                    policy_type="tlsa", lines=[OLD_KEY.upper()]),
            failing("good-dane.test", ("tlsa-invalid", "good.dane.test"),
                    policy_type="tlsa", lines=[json.dumps([old])])), 1)
        self.assertEqual([s[2] for s in self.states(told)],
                         ["confirmed", "gone"])
        same, changed = told["policies"]
        self.assertEqual(same["difference"], [])
        self.assertIn("same", same["meaning"])
        key = LAB.certificates["good"].spki_sha256
        self.assertEqual(changed["policy-string"], [old])
        self.assertEqual([line.lower() for line in changed["difference"]],
                         ["-" + old, f"+3 1 1 {key}".lower()])

    def test_dane_required(self):
        told = self.prove(report(failing(
            "mended.test", ("dane-required", "good.mx.test"),
            policy_type="tlsa")), 1)
        self.assertEqual(told["confirmed"], 1)

    def test_policy_difference(self):
        """The sender held a policy that did not have the MX."""
        path = self.write(report(failing(
            "mended.test", ("validation-failure", "good.mx.test"),
            lines=["version: STSv1", "mode: enforce", "mx: old.mx.test",
                   "max_age: 604800"])))
        outcome = diagnose(f"--report={path}")
        self.assertIn("\n   version: STSv1\n   mode: enforce\n"
                      "  -mx: old.mx.test\n   max_age: 604800\n"
                      "  +mx: good.mx.test\n", outcome.out)
        self.assertRegex(outcome.out, r"meaning +a stale cache: ")
        told = diagnose("--format=json", f"--report={path}").json
        self.assertEqual(told["policies"][0]["difference"],
                         ["-mx: old.mx.test", "+mx: good.mx.test"])

    def test_same_policy(self):
        told = self.prove(report(failing(
            "mended.test", ("validation-failure", "good.mx.test"),
            lines=["version:STSv1", "mx: GOOD.mx.test", "mode: enforce",
                   "max_age: 604800"])), 0)
        self.assertEqual(told["policies"][0]["difference"], [])
        self.assertEqual(told["diagnoses"][0]["warnings"], [])

    def test_too_many(self):
        """64 are tried; the others are counted."""
        told = self.prove(report(failing("mended.test", *(
            (f"type-{n}", "good.mx.test") for n in range(70)))), 0)
        self.assertEqual((len(told["failures"]), told["left-out"]), (64, 6))

    def test_much_that_is_alike(self):
        """Policies of many long lines, all but one the same."""
        alike = [f"mx: {'x' * 990}{n}" for n in range(255)]
        path = self.write(report(*(
            failing("mended.test", (f"type-{n}", "good.mx.test"),
                    lines=alike + [f"mx: {n}"]) for n in range(63))))
        outcome = diagnose("--format=json", f"--report={path}")
        self.assertEqual(len(outcome.json["policies"]), 63)
        # It was 28 s on a machine that was idle.
        self.assertLess(outcome.seconds, 20, outcome.args)

    def test_nothing_failed(self):
        told = self.prove(report(failing("mended.test")), 0)
        self.assertEqual((told["failures"], told["diagnoses"]), ([], []))

    def test_hostile_text(self):
        """What a report says acts on no terminal and breaks no JSON."""
        evil = "\x1b[31m\u202e\x07\n2. x"
        data = json.loads(report(failing(
            "mended.test", (evil, "good.mx.test"),
            lines=["version: STSv1", evil]), name=evil))
        data["policies"][0]["failure-details"][0].update(
            {"failure-reason-code": evil, "additional-information": evil})
        path = self.write(json.dumps(data).encode())
        outcome = diagnose(f"--report={path}")
        self.assertEqual(outcome.status, 0, outcome)
        self.assertNotRegex(outcome.out, "[\x00-\x09\x0b-\x1f\x7f\u202e]")
        told = diagnose("--format=json", f"--report={path}").json
        self.assertEqual(told["failures"][0]["result-type"], evil)

    def test_exits(self):
        for data, status in ((b"{", 65), (b"no report at all", 65)):
            outcome = diagnose(f"--report={self.write(data)}")
            self.assertEqual(outcome.status, status, outcome)
            self.assertNotEqual(outcome.err, "")
        self.assertEqual(diagnose("--report=/nowhere").status, 66)
        path = self.write(report(failing("mended.test")))
        for args in (("mended.test", f"--report={path}"),
                     ("--problem=1", f"--report={path}"),
                     ("--mx=a.test", f"--report={path}"),
                     ("--policy=sts", f"--report={path}"),
                     ("--problem=0",), ("--problem=x",),
                     ("--timeout=0", "mended.test"),
                     ("--timeout=301", "mended.test"),
                     ("--timeout=1x", "mended.test"),
                     ("--port=0", "mended.test"),
                     ("--source=here", "mended.test"),
                     ("--source=192.0.2.1", "mended.test"),
                     ("--resolver=x", "mended.test"),
                     ("--policy=x", "mended.test"),
                     ("--format=x", "mended.test"),
                     ("-x", "mended.test"),
                     ("a.test", "mended.test"),
                     ("someone@mended.test",), ("192.0.2.1",), ("",),
                     ("https://mended.test/",)):
            outcome = diagnose(*args)
            self.assertEqual((outcome.status, outcome.out), (64, ""), outcome)
        self.assertIn("mail address", diagnose("someone@mended.test").err)
        self.assertIn("is a URL", diagnose("https://mended.test/").err)
        for args in (("-c", "/nowhere", "mended.test"),
                     ("--trust-anchor=/nowhere", "mended.test"),
                     ("--ca-file=/nowhere", "mended.test")):
            outcome = diagnose(*args)
            self.assertEqual((outcome.status, outcome.out), (78, ""), outcome)


class TestProblem(ProofCase):
    """What the index tells of."""

    @classmethod
    def setUpClass(cls):
        global PLACE  # pylint: disable=global-statement
        PLACE = ingestcase.Place()
        held = ["version: STSv1", "mode: enforce", "mx: *.mx.test",
                "max_age: 604800"]
        for days in (3, 2):
            PLACE.write(f"broken{days}.json", report(failing(
                "broken.test", ("certificate-expired", "expired.mx.test"),
                lines=held if days == 2 else ["mode: none"]), days=days))
            PLACE.write(f"mended{days}.json", report(failing(
                "mended.test", ("certificate-expired", "good.mx.test"),
                lines=["version: STSv1", "mode: testing", "mx: good.mx.test",
                       "max_age: 604800"]), name="Mailers & Sons", days=days))
        done = PLACE.run("ingest", PLACE.files)
        assert done.returncode == 0, done

    def problem(self, domain):
        """Its number, as problems has it."""
        lines = PLACE.run("problems", "--format=json").stdout.splitlines()
        found, = [p["number"] for p in map(json.loads, lines)
                  if p["policy-domain"] == domain]
        return found

    def ask(self, domain, *args):
        return diagnose("-c", PLACE.conf, *args,
                        f"--problem={self.problem(domain)}")

    def test_numbers(self):
        """The text of problems has the same numbers."""
        text = PLACE.run("problems").stdout.decode()
        for domain in ("broken.test", "mended.test"):
            number = self.problem(domain)
            part = re.search(rf"(?ms)^{number}\. .*?(^\d+\. |\Z)", text)[0]
            self.assertRegex(part, rf"policy-domain +{domain}")

    def test_confirmed(self):
        outcome = self.ask("broken.test", "--format=json")
        self.assertEqual(outcome.status, 1, outcome)
        told = outcome.json
        self.assertEqual(told["problem"], self.problem("broken.test"))
        self.assertEqual(self.states(told), [
            ("certificate-expired", "expired.mx.test", "confirmed")])
        failure, = told["failures"]
        self.assertEqual((failure["organization-name"],
                          failure["failed-session-count"]),
                         ("Example Inc.", 10))
        # The policy is that of the newest report, which is that of now.
        self.assertEqual([p["difference"] for p in told["policies"]], [[]])

    def test_gone(self):
        """The sender still held the policy that has been made strict."""
        outcome = self.ask("mended.test", "--format=json")
        told = outcome.json
        self.assertEqual(told["failures"][0]["state"], "gone")
        self.assertEqual(told["policies"][0]["difference"],
                         ["-mode: testing", "+mode: enforce"])
        self.assertEqual(told["policies"][0]["organization-name"],
                         "Mailers & Sons")
        # The id is of January, and the report of these days.
        self.assertEqual([w["failure-reason-code"]
                          for w in told["diagnoses"][0]["warnings"]],
                         ["policy-id-unchanged"])
        self.assertEqual(outcome.status, 2, outcome)
        text = self.ask("mended.test")
        self.assertEqual(text.status, 2, text)
        self.assertRegex(text.out, r"(?m)^1\. certificate-expired on MX "
                         r"good\.mx\.test for mended\.test, policy sts: gone$")
        self.assertRegex(text.out, r"(?m)^warning: policy-id-unchanged$")

    def test_domain_with_index(self):
        """What senders applied last counts when a domain is asked for."""
        outcome = diagnose("-c", PLACE.conf, "--format=json", "mended.test")
        self.assertEqual([w["failure-reason-code"]
                          for w in outcome.json["warnings"]],
                         ["policy-id-unchanged"], outcome)
        outcome = diagnose("-c", PLACE.conf, "--format=json", "broken.test")
        self.assertEqual(outcome.json["warnings"], [], outcome)
        for args in ((), ("-c", PLACE.conf, "--state=/nowhere"),
                     ("-c", PLACE.conf, "--archive=/nowhere"),
                     ("-c", PLACE.conf, "--policy=dane")):
            outcome = diagnose("--format=json", *args, "mended.test")
            self.assertEqual(outcome.json["warnings"], [], outcome)
            self.assertEqual(outcome.err, "")

    def test_without_its_record(self):
        """The archive has lost it: the failure is tried all the same."""
        outcome = diagnose(
            "-c", PLACE.conf, "--archive=/nowhere", "--format=json",
            f"--problem={self.problem('broken.test')}")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn("/nowhere", outcome.err)
        self.assertEqual(outcome.json["policies"], [])

    def test_exits(self):
        outcome = diagnose("-c", PLACE.conf, "--problem=99")
        self.assertEqual((outcome.status, outcome.out), (64, ""), outcome)
        outcome = diagnose("-c", PLACE.conf, "--state=/nowhere",
                           "--problem=1")
        self.assertEqual((outcome.status, outcome.out), (69, ""), outcome)
        self.assertIn("tlsrpt reindex", outcome.err)

    def test_configured_resolver(self):
        """Of the configuration, unless an option names another."""
        conf = pathlib.Path(World.base / "proof-conf")
        conf.write_text(
            f"Resolver {LAB.zones.address}\n"
            f"TrustAnchorFile {LAB.zones.trust_anchor}\nStateFile none\n")
        command = [lab.TLSRPT, "diagnose", "-c", conf, "--ca-file",
                   LAB.ca.root.pem, "--timeout=2"]
        outcome = domainlab.run([*command, "good-dane.test"])
        self.assertEqual(outcome.status, 0, outcome)
        self.assertRegex(outcome.out, r"(?m)^    tlsa +success$")
        outcome = domainlab.run(
            [*command, "--resolver=127.0.0.1@1", "good-dane.test"])
        self.assertEqual(outcome.status, 75, outcome)


def setUpModule():
    global LAB  # pylint: disable=global-statement
    LAB = domainlab.Lab(World.base / "proof")
    furnish(LAB)
    LAB.start()


def tearDownModule():
    if LAB is not None:
        LAB.stop()
