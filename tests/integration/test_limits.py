"""Bad input: each ends in a named event, soon, in little memory, delivered."""

import base64
import concurrent.futures
import gzip
import json
import zlib

from case import HEADER, LabCase, lab, mails

MIB = 1 << 20

# Of processor time, whatever the machine is busy with besides.
SECONDS = 1.0

# A milter that has nothing to do, its threads and what malloc keeps.
CONSTANT = 48 * MIB
DECODERS = 4
MAX_REPORT = 32 * MIB


def zeros(size, head=b"", tail=b""):
    """gzip of head, so many blanks, and tail, without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    made = [packer.compress(head)]
    block = b" " * MIB
    while size > 0:
        made.append(packer.compress(block[:min(size, MIB)]))
        size -= MIB
    made += [packer.compress(tail), packer.flush()]
    return b"".join(made)


def labelled(data, kind="application/tlsrpt+json"):
    """A part without transfer encoding."""
    return f"Content-Type: {kind}\r\n\r\n".encode() + data


class Bounded(LabCase):
    """Bounds on time and memory, which mean nothing under a sanitizer."""

    def assert_memory_below(self, bound):
        if not lab.is_sanitized():
            peak = self.mta.peak_memory()
            self.assertLess(peak, bound, f"{peak / MIB:.1f} MiB")

    def assert_cpu_since(self, before):
        if not lab.is_sanitized():
            self.assertLessEqual(self.mta.cpu_seconds() - before, SECONDS,
                                 "seconds of processor time")


class BadInput(Bounded):
    def setUp(self):
        super().setUp()
        self.milter(OnReport="discard")

    def expect(self, mail, name, reason=None, memory=CONSTANT):
        """Within time and memory: the event, and the mail at the sink."""
        before = self.mta.cpu_seconds()
        queue_id = self.send(mail)
        self.assert_cpu_since(before)
        event = self.event(queue_id, name)
        if reason is not None:
            self.assertEqual(event["reason"], reason, event)
            self.assertTrue(event["detail"], event)
        self.assert_memory_below(memory)
        if event.get("disposition") != "discard":
            self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        return event

    def test_ten_thousand_parts(self):
        part = labelled(b"{}", "application/tlsrpt+json") + b"\r\n--b1\r\n"
        mail = mails.multipart(part * 10000 + labelled(b"{}"))
        before = self.mta.cpu_seconds()
        queue_id = self.send(mail)
        self.assert_cpu_since(before)
        self.assertIn("too-many-parts", [
            event["reason"] for event in self.events(queue_id, "malformed")])
        self.assertLess(len(self.events(queue_id)), 100)
        self.assert_memory_below(CONSTANT)
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])

    def test_ten_thousand_empty_parts(self):
        self.expect(mails.multipart(b"\r\n\r\n--b1\r\n" * 10000),
                    "malformed", "too-many-parts")

    def test_ten_thousand_nested_multiparts(self):
        part = b"".join(
            b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n"
            % (i, i) for i in range(10000))
        self.expect(mails.multipart(part), "malformed", "too-deep")

    def test_many_parts_of_a_mail_that_is_no_report(self):
        mail = (mails.header(submitter="")
                + b"Content-Type: multipart/mixed; boundary=b1\r\n\r\n"
                + b"--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10000
                + b"--b1--\r\n")
        queue_id = self.send(mail)
        self.assertIn(self.names(queue_id), (["not-a-report"], ["malformed"]))
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])

    def test_hundred_thousand_nested_brackets(self):
        for text in (b'{"policies":' + b"[" * 100000,
                     b"[" * 100000 + b"]" * 100000,
                     b'{"a":' * 100000 + b"1" + b"}" * 100000,
                     b'{"policies":[{"policy":' + b'[{"a":' * 50000):
            with self.subTest(text=text[:30]):
                event = self.expect(mails.mail(text), "malformed")
                self.assertIn(event["reason"], ("too-deep", "json-not-object"))

    def test_bomb(self):
        """A thousand to one, far beyond what may be decoded."""
        bomb = zeros(128 * MIB, b'{"policies":[', b"]}")
        self.assertLess(len(bomb) * 1000, 128 * MIB)
        self.expect(mails.multipart(mails.attach(bomb)), "malformed",
                    "too-large", CONSTANT + 2 * MAX_REPORT)

    def test_bomb_of_members(self):
        """Many gzip members, each small: the sum counts."""
        member = zeros(MIB)
        self.expect(mails.multipart(mails.attach(member * 100)), "malformed",
                    "too-large", CONSTANT + 2 * MAX_REPORT)

    def test_bomb_in_a_zip_label_and_bomb_in_a_bomb(self):
        inner = zeros(64 * MIB, b"{")
        for part in (mails.attach(zeros(64 * MIB, b"{"), "application/zip"),
                     mails.attach(gzip.compress(inner))):
            event = self.expect(mails.multipart(part), "malformed",
                                memory=CONSTANT + 2 * MAX_REPORT)
            self.assertIn(event["reason"], ("too-large", "json-not-object",
                                            "json-syntax", "json-encoding"))

    def test_tokens_by_the_million(self):
        """Small in bytes, large as a tree: memory counts bytes."""
        for text in (b'{"policies":[' + b"[]," * 3000000 + b"[]]}",
                     b'{"policies":[' + b'{"a":1},' * 1000000 + b"{}]}",
                     b'{"policies":[{"policy":{"policy-string":['
                     + b'"",' * 3000000 + b'""]}}]}',
                     b'{"policies":[{"failure-details":['
                     + b"{}," * 3000000 + b"{}]}]}"):
            with self.subTest(text=text[:50]):
                self.milter(OnReport="discard")
                queue_id = self.send(mails.mail(text))
                self.assertIn(self.names(queue_id)[0],
                              ("report", "malformed"))
                self.assert_memory_below(2 * len(text) + CONSTANT)

    def test_one_line_of_a_hundred_megabytes(self):
        """The one case in full size: no line break from end to end."""
        mail = mails.multipart(labelled(b'{"a":"' + b"x" * (100 * MIB)))
        before = self.mta.cpu_seconds()
        queue_id = self.send(mail)
        self.assert_cpu_since(before)
        event = self.event(queue_id, "malformed")
        self.assertEqual(event["reason"], "too-large")
        self.assert_memory_below(CONSTANT + 2 * MAX_REPORT)
        self.assert_untouched(mail, self.delivered(queue_id), [HEADER])
        self.sink.clear()

    def test_long_lines_in_other_places(self):
        long = b"x" * (4 * MIB) + b"\r\n"
        rep = mails.report(comment="y" * (4 * MIB))
        packed = base64.b64encode(gzip.compress(mails.text_of(rep)))
        for mail, name in (
                (mails.multipart(labelled(b'{"a":"' + long)), "malformed"),
                (mails.multipart(long), "malformed"),
                (mails.multipart(b"--b1" + long), "malformed"),
                (mails.ordinary(long), "not-a-report"),
                (mails.multipart(b"Content-Type: application/tlsrpt+gzip\r\n"
                                 b"Content-Transfer-Encoding: base64\r\n\r\n"
                                 + packed + b"\r\n"), "report"),
                (mails.multipart(labelled(mails.text_of(rep))), "duplicate")):
            queue_id = self.send(mail)
            with self.subTest(mail=mail[-60:], name=name):
                self.assertEqual(self.names(queue_id)[0], name)
            self.assert_memory_below(CONSTANT + 8 * MIB)

    def test_long_header_fields(self):
        for fields in ((f"X-Long: {'x' * 500000}",),
                       (f"To: {'a@example.test, ' * 9000}",),
                       tuple(f"X-Field-{i}: x" for i in range(9000))):
            queue_id = self.send(mails.mail(mails.report(), fields=fields))
            self.assertEqual(self.names(queue_id)[0], "report")
        name = "Content-Type: multipart/report; x=" + "y" * 60000
        queue_id = self.send(mails.mail(mails.report()).replace(
            b"Content-Type: multipart/report", name.encode(), 1))
        self.assertIn(self.names(queue_id)[0],
                      ("report", "malformed", "not-a-report"))

    def test_nul_bytes(self):
        text = mails.text_of(mails.report())
        for data in (b"\0" * 1000, text.replace(b":", b"\0:", 1),
                     text + b"\0"):
            with self.subTest(data=data[:60]):
                event = self.expect(mails.mail(data), "malformed")
                self.assertRegex(event["reason"], r"^json-")
        inside = text.replace(b"Mailer", b"Mai\0ler")
        self.assertIn("raw-control-character", self.expect(
            mails.mail(inside), "report")["deviations"])
        self.expect(mails.multipart(labelled(b"\0" * 70000)), "malformed")
        mail = mails.multipart(labelled(b"{}\0\0--b1--\0"))
        self.event(self.send(mail), "malformed")

    def test_bad_utf8(self):
        text = mails.text_of(mails.report())
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                    b"\xe2\x82", b"\x80"):
            with self.subTest(bad=bad):
                self.expect(
                    mails.mail(text.replace(b"Mailer", b"M" + bad + b"r")),
                    "malformed", "json-encoding")

    def test_counts_that_are_none(self):
        """A deviation; the count is taken as unknown."""
        for number in (b"1e400", b"-1", b"-9007199254740992", b"1.5",
                       b"9007199254740993", b"99999999999999999999999"):
            text = mails.text_of(mails.report(mails.policy(7777, 3)))
            text = text.replace(b"7777", number)
            with self.subTest(number=number):
                event = self.expect(mails.mail(text), "report")
                self.assertIn("count-invalid", event["deviations"].split(","))
                self.assertEqual(
                    event.get("total-failure-session-count"), "3")
                policy = self.event(event.queue_id, "policy")
                self.assertNotIn("total-successful-session-count", policy)

    def test_failed_count_that_is_none(self):
        text = mails.text_of(mails.report(mails.policy(
            100, 7777, [mails.failure(sessions=8888)])))
        text = text.replace(b"7777", b"1e400").replace(b"8888", b"-5")
        event = self.expect(mails.mail(text), "report")
        self.assertIn("count-invalid", event["deviations"].split(","))
        self.assertNotIn("failed-session-count",
                         self.event(event.queue_id, "failure"))

    def test_contradictory_content_types(self):
        """The report is found, or the mail is named; never a silent pass."""
        rep = mails.report()
        for first, second in (
                ("text/plain", 'multipart/report; report-type="tlsrpt"; '
                 'boundary="b1"'),
                ('multipart/report; report-type="tlsrpt"; boundary="b1"',
                 "text/plain"),
                ('multipart/report; report-type="tlsrpt"; boundary="b1"',
                 'multipart/mixed; boundary="b2"')):
            mail = mails.mail(rep).replace(
                b'Content-Type: multipart/report; report-type="tlsrpt"; '
                b'boundary="b1"',
                f"Content-Type: {first}\r\nContent-Type: {second}".encode())
            queue_id = self.send(mail)
            event = self.events(queue_id)[0]
            with self.subTest(first=first, second=second, event=event):
                self.assertIn(event.name, ("report", "duplicate",
                                           "malformed", "not-a-report"))
                if event.name in ("report", "duplicate"):
                    self.assertIn("repeated-content-type",
                                  event["deviations"].split(","))

    def test_message_size_at_the_limit(self):
        """Header and body together; the mail is delivered all the same."""
        self.milter(MaxMessageSize="100K", OnReport="deliver")
        for size, names in ((90 * 1024, {"report", "policy"}),
                            (110 * 1024, {"report", "policy", "malformed"})):
            text = mails.text_of(mails.report())
            part = labelled(text) + b"\r\n--b1\r\n" + labelled(b"", "text/x")
            mail = mails.multipart(part + b"x\r\n" * ((size - 2000) // 3))
            queue_id = self.send(mail)
            self.assertEqual(set(self.names(queue_id)), names)
            self.assert_untouched(mail, self.delivered(queue_id), [HEADER])

    def test_report_size_at_the_limit(self):
        self.milter(MaxReportSize="64K")
        text = mails.text_of(mails.report())
        for size, expected in ((64 * 1024, "report"),
                               (64 * 1024 + 1, "malformed")):
            padded = text[:-1] + b" " * (size - len(text)) + b"}"
            self.assertEqual(len(padded), size)
            queue_id = self.send(mails.mail(padded))
            self.assertEqual(self.names(queue_id)[0], expected)

    def test_twenty_four_megabytes_of_report(self):
        """A real one of that size costs at most twice its text."""
        details = [mails.failure(sessions=1, additional_information="x" * 200)
                   for _ in range(60000)]
        text = json.dumps(mails.report(
            mails.policy(0, 60000, details))).encode()
        self.assertGreater(len(text), 24 * MIB - 2 * MIB)
        queue_id = self.send(mails.mail(text))
        event = self.events(queue_id, "report")[0]
        self.assertEqual(event["total-failure-session-count"], "60000")
        self.assert_memory_below(2 * len(text) + CONSTANT)


class Flood(Bounded):
    def test_fifty_bombs_at_once(self):
        self.milter(OnReport="discard")
        bomb = mails.multipart(mails.attach(zeros(40 * MIB, b'{"a":"')))
        for queue_id in self.flood([bomb] * 50):
            self.assertEqual(self.event(queue_id, "malformed")["reason"],
                             "too-large")

    def test_twenty_large_reports_at_once(self):
        """Readable ones of 20 MB, so that each is decoded to its end."""
        self.milter(OnReport="discard")
        text = mails.text_of(mails.report())
        big = zeros(20 * MIB, text[:-1], b"}")
        names = [self.events(queue_id)[0].name for queue_id
                 in self.flood([mails.multipart(mails.attach(big))] * 20)]
        self.assertEqual(sorted(names), ["duplicate"] * 19 + ["report"])
        self.assertEqual(len(self.mta.records()), 1)

    def flood(self, all_mails):
        """Send them at once; within the bound? Returns their ids."""
        with concurrent.futures.ThreadPoolExecutor(len(all_mails)) as pool:
            ids = list(pool.map(self.send, all_mails))
        self.assert_memory_below(DECODERS * 2 * MAX_REPORT + 2 * CONSTANT)
        return ids
