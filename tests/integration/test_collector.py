"""tlsrpt-collector, with real clients against the real thing."""

import contextlib
import grp
import gzip
import hashlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

from collectorcase import (COLLECTOR, CollectorCase, GZIP, JSON, PATH, PORT, TOKEN,
                           certificate, lab, mails, statuses, trusting)

URL = f"http://127.0.0.1:{PORT}{PATH}"


def text_of(rep=None):
    return mails.text_of(rep or mails.report())


def curl(*words, data=b""):
    """(status, header and body) of what curl was told."""
    done = subprocess.run(
        ["curl", "-s", "-S", "-i", "-m", "30", "-w", "\n%{http_code}",
         *map(str, words)], input=data, capture_output=True, timeout=60,
        check=False)
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


class Report(CollectorCase):
    def test_report_is_archived_logged_and_indexed(self):
        collector = self.collector()
        rep = mails.case_certificate()
        status, header, body = collector.ask(
            "POST", PATH, gzip.compress(text_of(rep)), {"Content-Type": GZIP})
        self.assertEqual(status, 201)
        queue_id = re.fullmatch(rb"Stored\. Id: ([0-9A-Z]+)\n",
                                body)[1].decode()
        made = collector.only_record()
        self.assertEqual(made["report"], rep)
        self.assertEqual(
            (made["queue-id"], made["client"], made["auth"],
             made["envelope-from"], made["deviations"]),
            (queue_id, "127.0.0.1", "none", "", []))
        self.assertNotIn("dkim", made)
        events = self.logged()
        self.assertEqual([fields["event"] for _, fields in events][:3],
                         ["report", "policy", "failure"])
        self.assertEqual({found for found, _ in events}, {queue_id})
        self.assertEqual((events[0][1]["auth"], events[0][1]["client"]),
                         ("none", "127.0.0.1"))
        self.assertEqual(self.reports_indexed(collector), 1)
        self.assertEqual(header["X-Content-Type-Options"], "nosniff")

    def test_by_mail_and_by_https_it_counts_once(self):
        collector = self.collector(DKIM="off")
        rep = mails.case_certificate()
        self.take(collector, mails.mail(rep))
        by_mail = self.logged()
        self.assertEqual(collector.post(gzip.compress(text_of(rep))), 201)
        self.assertEqual(self.reports_indexed(collector), 1)
        self.assertEqual(self.logged()[len(by_mail)][1]["event"], "duplicate")
        # And the other way round.
        other = mails.case_policy()
        self.assertEqual(collector.post(gzip.compress(text_of(other))), 201)
        self.take(collector, mails.mail(other))
        self.assertEqual(self.logged()[-1][1]["event"], "duplicate")
        self.assertEqual(self.reports_indexed(collector), 2)

    def test_events_are_those_of_mail_but_for_the_transport(self):
        rep = mails.case_certificate()
        place = self.place()
        self.take(place, mails.mail(rep))
        by_mail = self.logged()
        collector = self.collector()
        self.assertEqual(collector.post(gzip.compress(text_of(rep))), 201)
        by_https = self.logged()[len(by_mail):]
        transport = {"auth", "client", "submitter", "archive"}
        self.assertEqual(*(
            [[(name, value) for name, value in fields.items()
              if name not in transport] for _, fields in events]
            for events in (by_mail, by_https)))

    def test_the_same_again_is_answered_the_same(self):
        collector = self.collector()
        body = gzip.compress(text_of())
        self.assertEqual([collector.post(body) for _ in range(3)], [201] * 3)
        self.assertEqual(len(collector.records()), 1)
        self.assertEqual([n for n in self.names_logged() if n != "policy"],
                         ["report", "duplicate", "duplicate"])

    def test_ids_differ_across_restarts(self):
        collector = self.collector()
        found = set()
        for _ in range(3):
            for _ in range(3):
                found.add(collector.ask("POST", PATH, text_of(), {})[2])
            self.assertEqual(collector.stop(), 0)
            collector.start()
        self.assertEqual(len(found), 9)

    def test_magic_decides(self):
        """Every label on every body: all are the same report."""
        collector = self.collector()
        rep = mails.report()
        plain = text_of(rep)
        once = gzip.compress(plain)
        bodies = {"plain": plain, "gzip": once, "twice": gzip.compress(once),
                  "BOM": b"\xef\xbb\xbf" + plain, "LF": b"\n" + plain}
        kinds = [GZIP, JSON, JSON + "; charset=utf-8", "application/json",
                 "application/octet-stream", "text/plain",
                 "application/x-www-form-urlencoded", None,
                 "multipart/form-data; boundary=x", "message/rfc822",
                 "multipart/report; report-type=tlsrpt", "nonsense",
                 "text/html", "image/png", "x" * 300]
        encodings = [None, "gzip", "x-gzip", "identity", "br"]
        for name, body in bodies.items():
            for kind in kinds:
                for encoding in encodings:
                    if name in ("plain", "BOM", "LF") and \
                            kind == GZIP:
                        continue
                    headers = {} if encoding is None else {
                        "Content-Encoding": encoding}
                    with self.subTest(body=name, kind=kind, enc=encoding):
                        self.assertEqual(
                            collector.post(body, kind, headers=headers), 201)
        self.assertEqual(len(collector.records()), len(
            {hashlib.sha256(b).digest() for b in
             (plain, bodies["BOM"], bodies["LF"])}))
        for path in collector.records():
            self.assertEqual(collector.record(path)["report"], rep)
        self.assertEqual(collector.unreadable(), [])

    def test_content_encoding_is_no_deviation(self):
        collector = self.collector()
        status = collector.post(gzip.compress(text_of()), JSON,
                                headers={"Content-Encoding": "gzip"})
        self.assertEqual(status, 201)
        self.assertEqual(collector.only_record()["deviations"], [])

    def test_label_that_lies_is_a_deviation(self):
        collector = self.collector()
        self.assertEqual(collector.post(gzip.compress(text_of()), JSON), 201)
        self.assertEqual(collector.only_record()["deviations"],
                         ["label-mismatch"])

    def test_what_cannot_be_read_is_kept_as_it_came(self):
        """All bytes, also those that a mail's lines would change."""
        collector = self.collector()
        junk = bytes(range(256)) * 400 + b"\r\n.\n\r\r\n--x\r\nFrom x\n"
        for kind in (GZIP, JSON, "multipart/mixed; boundary=x",
                     "message/rfc822", None):
            self.assertEqual(collector.post(junk, kind), 201)
        kept = collector.unreadable()
        self.assertEqual(len(kept), 3)
        for data in kept:
            head, _, body = data.partition(b"\r\n\r\n")
            self.assertEqual(body, junk)
            self.assertRegex(head, rb"\AContent-Type: [a-z/+-]+\r\n"
                             rb"Content-Transfer-Encoding: binary\Z")
        self.assertEqual(self.names_logged(), ["malformed", "kept"] * 5)
        self.assertEqual(collector.records(), [])

    def test_what_was_kept_can_be_read_again(self):
        collector = self.collector(MaxReportSize="1K")
        rep = mails.report(*[mails.policy() for _ in range(20)])
        self.assertEqual(collector.post(gzip.compress(text_of(rep))), 201)
        self.assertEqual(collector.records(), [])
        path, = collector.archive.glob("unreadable/**/*.eml.gz")
        collector.configure(MaxReportSize=None, DKIM="off")
        self.load(collector, path, counts=(1, 0, 0, 0, 0))
        self.assertEqual(collector.only_record()["report"], rep)

    def test_large_report(self):
        """More than is spooled in memory, plain and in chunks."""
        collector = self.collector()
        rep = mails.report(*[
            mails.policy(failed=1, failures=[mails.failure(
                additional_information=os.urandom(400).hex())])
            for _ in range(1000)])
        text = text_of(rep)
        self.assertGreater(len(text), 500000)
        self.assertEqual(collector.post(text, JSON), 201)
        self.assertEqual(collector.only_record()["report"], rep)
        again = collector.ask("POST", PATH, iter([text[:7], text[7:]]), {})
        self.assertEqual(again[0], 201)
        self.assertEqual(len(collector.records()), 1)

    def test_archive_message_keeps_the_body(self):
        collector = self.collector(ArchiveMessage="yes")
        body = gzip.compress(text_of())
        self.assertEqual(collector.post(body), 201)
        path, = collector.archive.glob("[0-9]*/**/*.eml.gz")
        self.assertTrue(gzip.decompress(path.read_bytes()).endswith(
            b"\r\n\r\n" + body))

    def test_curl_of_tlsrpt_reporter(self):
        """As it posts them: a file, a header, and any status is success."""
        collector = self.collector()
        status, _ = curl("--data-binary", "@-", "-H",
                         f"Content-Type: {GZIP}", URL,
                         data=gzip.compress(text_of()))
        self.assertEqual(status, 201)
        self.assertEqual(len(collector.records()), 1)

    def test_curl_waits_for_100(self):
        collector = self.collector()
        status, text = curl("--data-binary", "@-", "-H",
                            "Expect: 100-continue", URL, data=text_of())
        self.assertEqual((status, statuses(text)), (201, [100, 201]))
        self.assertEqual(len(collector.records()), 1)


class Auth(CollectorCase):
    def auth_of(self, collector):
        found = [fields["auth"]
                 for _, fields in self.logged() if "auth" in fields]
        return found[-1]

    def test_path_secret(self):
        collector = self.collector(
            PathSecret=[f"example.test {TOKEN}", "other.test " + "x" * 20],
            RequireAuth="yes")
        mine = text_of(mails.report(organization="One"))
        self.assertEqual(collector.post(mine, JSON, PATH + "/" + TOKEN), 201)
        self.assertEqual(self.auth_of(collector), "path")
        self.assertEqual(collector.only_record()["auth"], "path")
        # Neither the plain path nor another domain's token will do.
        for path in (PATH, PATH + "/" + "x" * 20):
            text = text_of(mails.report(organization=path))
            self.assertEqual(collector.post(text, JSON, path), 201)
            self.assertEqual(self.auth_of(collector), "none")
        self.assertEqual(len(collector.records()), 1)
        self.assertEqual(len(collector.records("unverified")), 2)
        self.assertEqual(self.reports_indexed(collector), 1)
        self.assertEqual([n for n in self.names_logged() if n != "policy"],
                         ["report", "unverified", "unverified"])

    def test_a_record_tells_who_vouches_for_it(self):
        """To its reader, and to whoever takes it into another archive."""
        collector = self.collector(PathSecret=f"example.test {TOKEN}",
                                   RequireAuth="yes")
        for path in (PATH, PATH + "/" + TOKEN):
            text = text_of(mails.report(organization=path))
            self.assertEqual(collector.post(text, JSON, path), 201)
        for where, auth in (("[0-9]*", "path"), ("unverified", "none")):
            record, = collector.records(where)
            for form, wanted in (("text", f"auth .* {auth}\n"),
                                 ("logfmt", f"auth={auth} client=127.0.0.1"),
                                 ("json", f'"auth":"{auth}"')):
                shown = subprocess.run(
                    [str(lab.TLSRPT), "show", f"--format={form}",
                     str(collector.archive / record)],
                    check=True, capture_output=True, text=True).stdout
                self.assertRegex(shown, wanted)
        other = self.place(RequireAuth="yes")
        done = other.run("ingest", str(collector.archive))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(other.only_record()["auth"], "path")
        self.assertEqual(other.only_record("unverified")["auth"], "none")

    def test_unknown_token_is_not_found(self):
        collector = self.collector(PathSecret=f"example.test {TOKEN}")
        for token in (TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "", "x/" + TOKEN,
                      TOKEN + "/", "%30" + TOKEN[1:]):
            with self.subTest(token):
                self.assertEqual(
                    collector.post(text_of(), JSON, f"{PATH}/{token}"), 404)
        self.assertEqual(collector.records(), [])

    def test_trusted_proxy(self):
        collector = self.collector(TrustedProxy="unix", RequireAuth="yes")
        fields = {"X-Forwarded-For": "203.0.113.1, 192.0.2.9",
                  "X-Remote-User": "sender"}
        self.assertEqual(
            collector.post(text_of(), JSON, headers=fields, unix=True), 201)
        made = collector.only_record()
        self.assertEqual((made["auth"], made["client"]),
                         ("proxy", "192.0.2.9"))
        # Anybody else's word is worth nothing.
        self.assertEqual(collector.post(
            text_of(mails.report(organization="Other")), JSON,
            headers=fields), 201)
        made = collector.only_record("unverified")
        self.assertEqual((made["auth"], made["client"]),
                         ("none", "127.0.0.1"))

    def test_empty_user_is_nobody(self):
        collector = self.collector(TrustedProxy="127.0.0.1")
        for user in ("", " "):
            self.assertEqual(collector.post(
                text_of(), JSON, headers={"X-Remote-User": user}), 201)
            self.assertEqual(self.auth_of(collector), "none")


class Refusal(CollectorCase):
    def test_methods(self):
        collector = self.collector()
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            status, header, _ = collector.ask(method)
            self.assertEqual((status, header["Allow"]),
                             (405, "GET, HEAD, POST"), method)
        status, header, _ = collector.ask("POST", "/healthz", b"x")
        self.assertEqual((status, header["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(set(self.refusals()), {(405, "method")})

    def test_paths(self):
        collector = self.collector(Path="/r")
        for path in ("/", PATH, "/r/", "/r/x", "/rr", "/R", "/r%2f", "//r"):
            self.assertEqual(collector.post(b"{}", path=path), 404, path)
        self.assertEqual(collector.post(text_of(), path="/r?x=y"), 201)

    def test_page(self):
        collector = self.collector()
        status, header, body = collector.get()
        self.assertEqual((status, header["Content-Type"]),
                         (200, "text/html; charset=utf-8"))
        self.assertIn(b"RFC 8460", body)
        self.assertNotIn(b"<script", body)
        status, header, nothing = collector.ask("HEAD")
        self.assertEqual((status, header["Content-Length"], nothing),
                         (200, str(len(body)), b""))

    def test_nothing_is_echoed(self):
        collector = self.collector()
        for path in ("/<script>x</script>", PATH + "/<b>", PATH + "?<b>"):
            data = collector.raw(f"GET {path} HTTP/1.1\r\nHost: <b>\r\n"
                                 "X-<b>: <b>\r\n\r\n".encode())
            self.assertNotIn(b"<b>", data)
            self.assertNotIn(b"<script", data)

    def test_size_by_length(self):
        collector = self.collector(MaxBodySize="64K")
        fits = text_of() + b" " * (65536 - len(text_of()))
        self.assertEqual(collector.post(fits, JSON), 201)
        self.assertEqual(collector.post(fits + b" ", JSON), 413)
        # It is known before the body is there, and no 100 asks for that.
        got = collector.raw(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                            b"Expect: 100-continue\r\n"
                            b"Content-Length: 65537\r\n\r\n")
        self.assertEqual(statuses(got), [413])
        self.assertIn(b"connection: close", got.lower())
        got = collector.raw(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 99999999999999999999\r\n\r\n")
        self.assertEqual(set(statuses(got)), {413})

    def test_answer_arrives_though_much_is_still_sent(self):
        collector = self.collector(MaxBodySize="64K")
        for _ in range(5):
            self.assertEqual(collector.post(b"x" * 5000000, JSON), 413)
            self.assertEqual(collector.post(b"x" * 5000000, path="/"), 404)

    def test_size_by_chunks(self):
        collector = self.collector(MaxBodySize="64K")
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        head = (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        text = text_of()
        got = collector.raw(head, [chunk] * 15 + [
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)])
        self.assertEqual(statuses(got), [201])
        got = collector.raw(head, [chunk] * 16 + [b"1\r\n \r\n0\r\n\r\n"])
        self.assertEqual(statuses(got), [413])
        # Who never ends gets none; nor does it fill a disk.
        with socket.create_connection(("127.0.0.1", PORT), 20) as sock:
            sock.sendall(head)
            with self.assertRaises(OSError):
                for _ in range(10000):
                    sock.sendall(chunk)

    def test_length_is_needed(self):
        collector = self.collector()
        got = collector.raw(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(statuses(got), [411])
        got = collector.raw(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 0\r\n\r\n")
        self.assertEqual(statuses(got), [400])
        got = collector.raw(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        self.assertEqual(statuses(got), [400])

    def test_what_is_plainly_no_report(self):
        collector = self.collector()
        for kind, body in (("text/html", b"<html>"),
                           ("image/png", b"\x89PNG\r\n\x1a\n")):
            self.assertEqual(collector.post(body, kind), 415)
            # Only both together say so.
            self.assertEqual(collector.post(body, JSON), 201)
        self.assertEqual(len(collector.unreadable()), 2)

    def test_where_a_request_ends_is_beyond_doubt(self):
        """What a proxy may read otherwise is refused, with the connection."""
        collector = self.collector()
        line = b"POST /v1/tlsrpt HTTP/1.1\r\n"
        behind = b"{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for name, head in {
                "both": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                "two": b"Content-Length: 2\r\nContent-Length: 2\r\n",
                "list": b"Content-Length: 2, 2\r\n",
                "sign": b"Content-Length: +2\r\n",
                "hex": b"Content-Length: 0x2\r\n",
                "blank": b"Content-Length : 2\r\n",
                "coding": b"Transfer-Encoding: gzip, chunked\r\n",
                "identity": b"Transfer-Encoding: identity\r\n",
                "codings": b"Transfer-Encoding: chunked\r\n"
                           b"Transfer-Encoding: chunked\r\n",
                "quoted": b"Transfer-Encoding: \"chunked\"\r\n",
                "fold": b"X-A: b\r\n c\r\nContent-Length: 2\r\n",
                "fold of length": b"Content-Length:\r\n 2\r\n",
                "fold by tab": b"Content-Length: 2\r\nX-A: b\r\n\tc\r\n",
                "fold of nothing": b"Content-Length: 2\r\nX-A: b\r\n \r\n",
                "fold of blanks": b"X-A:       b\r\n c\r\n"
                                  b"Content-Length: 2\r\n",
                "NUL": b"Content-Length: 2\r\nX-A: b\0c\r\n",
                "host": b"Host: y\r\nContent-Length: 2\r\n"}.items():
            with self.subTest(name):
                got = collector.raw(
                    line + b"Host: x\r\n" + head + b"\r\n" + behind)
                # Of some that it refuses itself the library sends the head
                # twice; then the connection ends all the same.
                self.assertEqual(set(statuses(got)), {400}, got)
        got = collector.raw(line + b" Host: x\r\nContent-Length: 2\r\n\r\n{}")
        self.assertEqual(statuses(got)[:1] or [400], [400])
        self.assertEqual(collector.records(), [])

    def test_what_is_no_fold_passes(self):
        collector = self.collector()
        text = text_of()
        for head in (b"Host: x\r\nContent-Length: %d\r\n",
                     b"Host:x\r\nX-A:\r\nX-B:  \t y  \r\n"
                     b"Content-Length:\t%d\r\n",
                     b"Host: x\nCookie: a=b; c=\"d\"\nContent-Length: %d\r\n",
                     b"Content-Length: %d\r\nX-A: " + b"y" * 5000
                     + b"\r\nHost: x\r\n"):
            request = (b"POST /v1/tlsrpt?a=b&c HTTP/1.1\r\n"
                       + head % len(text) + b"\r\n" + text)
            self.assertEqual(statuses(collector.raw(request)), [201], head)
            # And byte by byte.
            got = collector.raw(b"", [request[i:i + 1] for i in
                                      range(len(request))])
            self.assertEqual(statuses(got), [201], head)

    def test_pipelined(self):
        collector = self.collector()
        text = text_of()
        one = (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\nContent-Length: %d"
               b"\r\n\r\n" % len(text) + text)
        got = collector.raw(one * 5 + b"GET /healthz HTTP/1.1\r\n"
                            b"Host: x\r\nConnection: close\r\n\r\n",
                            half_close=False)
        self.assertEqual(statuses(got), [201] * 5 + [200])
        self.assertEqual(len(collector.records()), 1)

    def test_many_fields(self):
        collector = self.collector()
        for count, status in ((90, [[201]]), (110, [[431]]),
                              # More than the library has room for.
                              (4000, [[431], []])):
            text = text_of()
            got = collector.raw(
                b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                + b"x: y\r\n" * count
                + b"Content-Length: %d\r\n\r\n" % len(text) + text)
            self.assertIn(statuses(got), status, count)

    def test_rate(self):
        collector = self.collector(RatePerClient="5", TrustedProxy="unix")
        got = [collector.post(text_of(), JSON) for _ in range(7)]
        self.assertEqual(got, [201] * 5 + [429] * 2)
        status, header, _ = collector.ask("POST", PATH, text_of(), {})
        self.assertEqual(status, 429)
        self.assertTrue(600 < int(header["Retry-After"]) <= 720)
        # Others, and who asks how we are, are not concerned.
        self.assertEqual(collector.get("/healthz")[0], 200)
        for last in range(7):
            self.assertEqual(collector.post(text_of(), JSON, unix=True,
                headers={"X-Forwarded-For": f"192.0.2.{last}"}), 201)
        for _ in range(7):
            self.assertEqual(collector.post(text_of(), JSON, unix=True), 201)

    def test_refusals_do_not_flood_the_log(self):
        collector = self.collector(RatePerClient="0")
        connection = collector.connection()
        for _ in range(500):
            connection.request("GET", "/x")
            answer = connection.getresponse()
            answer.read()
        connection.close()
        lines = len(self.refusals())
        self.assertGreaterEqual(lines, 100)
        self.assertLess(lines, 400)
        # Each is told, or counted in the next line that is.
        time.sleep(0.5)
        collector.get("/x")
        told = [fields for _, fields in self.logged()
                if fields["event"] == "refused"]
        self.assertEqual(
            len(told) + sum(int(fields.get("omitted", 0)) for fields in told),
            501)

    def test_incomplete_body_is_no_report(self):
        collector = self.collector()
        text = text_of()
        with socket.create_connection(("127.0.0.1", PORT), 20) as sock:
            sock.sendall(b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                         b"Content-Length: %d\r\n\r\n" % (len(text) + 1)
                         + text)
        lab.wait_until(lambda: (400, "incomplete") in self.refusals(),
                       "the end of it")
        self.assertEqual(collector.contents(), {})


class Timeout(CollectorCase):
    def cut_off(self, first, rest):
        """Seconds until the connection was closed on who sends a byte now
        and then."""
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", PORT), 20) as sock:
            sock.sendall(first)
            sock.settimeout(0.2)
            while time.monotonic() - started < 15:
                try:
                    if sock.recv(1000) == b"":
                        break
                except TimeoutError:
                    pass
                except OSError:
                    break
                try:
                    sock.sendall(rest)
                except OSError:
                    break
        return time.monotonic() - started

    def test_whole_request(self):
        collector = self.collector(RequestTimeout="2s")
        for first, rest in (
                (b"POST /v1/tlsrpt HTTP/1.1\r\n", b"x: y\r\n"),
                (b"", b"\r\n"),
                (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 1000\r\n\r\n", b" "),
                (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")):
            with self.subTest(first):
                taken = self.cut_off(first, rest)
                self.assertTrue(1.5 < taken < 8, taken)
        lab.wait_until(
            lambda: self.refusals() == [(408, "timeout")] * 2, "both lines")
        self.assertEqual(collector.contents(), {})

    def test_idle_connection(self):
        collector = self.collector(RequestTimeout="2s")
        with socket.create_connection(("127.0.0.1", PORT), 20) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(statuses(sock.recv(1000)), [200])
            started = time.monotonic()
            self.assertEqual(sock.recv(1000), b"")
            self.assertTrue(1.5 < time.monotonic() - started < 8)
        self.assertEqual(self.refusals(), [])
        self.assertEqual(collector.get("/healthz")[0], 200)

    def test_connections_are_bounded(self):
        """One more waits until another one has had its second."""
        collector = self.collector(MaxConnections="10", RequestTimeout="60s")
        idle = [socket.create_connection(("127.0.0.1", PORT), 20)
                for _ in range(10)]
        started = time.monotonic()
        self.assertEqual(collector.get("/healthz")[0], 200)
        self.assertTrue(0.5 < time.monotonic() - started < 5)
        self.assertTrue(any(b"MaxConnections are open" in line.text
                            for line in self.lines()))
        for sock in idle:
            sock.close()


class Trouble(CollectorCase):
    def test_archive_that_cannot_be_written(self):
        collector = self.collector()
        self.assertEqual(collector.get("/healthz")[::2], (200, b"ok\n"))
        os.chown(collector.archive, 0, 0)
        collector.archive.chmod(0o500)
        time.sleep(1.1)
        self.assertEqual(collector.get("/healthz")[0], 503)
        status, header, _ = collector.ask("POST", PATH, text_of(), {})
        self.assertEqual(status, 503)
        self.assertGreater(int(header["Retry-After"]), 0)
        self.assertIn((503, "archive"), self.refusals())
        collector.archive.chmod(0o777)
        time.sleep(1.1)
        self.assertEqual(collector.get("/healthz")[0], 200)
        self.assertEqual(collector.post(text_of()), 201)

    def test_full_disk(self):
        collector = self.collector(start=False, MaxBodySize="2M")
        lab.mount("-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs",
                  str(collector.archive))
        self.addCleanup(lab.unmount, collector.archive)
        collector.start()
        self.assertEqual(collector.post(text_of()), 201)
        filler = collector.archive / "filler"
        with self.assertRaises(OSError), open(filler, "wb", 0) as file:
            while True:
                file.write(b"x" * 4096)
        other = text_of(mails.report(organization="Other"))
        self.assertEqual(collector.post(other), 503)
        # Also where the body is too large for memory.
        self.assertEqual(collector.post(b"x" * 300000), 503)
        time.sleep(1.1)
        self.assertEqual(collector.get("/healthz")[0], 503)
        self.assertEqual(set(self.refusals()),
                         {(503, "no-space"), (503, "archive")})
        filler.unlink()
        self.assertEqual(collector.post(other), 201)
        self.assertEqual(len(collector.records()), 2)
        self.assertEqual(collector.stop(), 0)

    def test_large_bodies_at_a_time_are_bounded(self):
        """Whoever holds back large ones does not keep out small ones."""
        collector = self.collector(MaxBodySize="1M")
        size = 1 << 20
        head = (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: %d\r\n\r\n" % size)
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(
                socket.create_connection(("127.0.0.1", PORT), 20))
                     for _ in range(20)]
            for sock in socks:
                sock.sendall(head + b"{" + b" " * (size - 2))
            lab.wait_until(lambda: (503, "busy") in self.refusals(),
                           "a refusal")
            self.assertEqual(collector.post(text_of()), 201)
            got = []
            for sock in socks:
                sock.sendall(b"}")
                got += statuses(sock.recv(4096))
        self.assertEqual(set(got), {201, 503})
        self.assertTrue(16 <= got.count(201) <= 18, got)
        # The room is there again.
        self.assertEqual(collector.post(b" " * size), 201)

    def test_sigterm_finishes_what_is_in_flight(self):
        collector = self.collector()
        text = text_of()
        head = (b"POST /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: %d\r\n\r\n" % len(text))
        with socket.create_connection(("127.0.0.1", PORT), 20) as sock, \
                socket.create_connection(("127.0.0.1", PORT), 20) as idle:
            sock.sendall(head + text[:10])
            time.sleep(0.3)
            collector.signal(signal.SIGTERM)
            lab.wait_until(lambda: not collector.socket.exists(),
                           "the end of listening")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", PORT), 20)
            # Who is connected and comes with a new one is sent away, in the
            # very moment of the end perhaps not yet.
            got = b"201"
            while b"201" in got:
                idle.sendall(head + text)
                got = idle.recv(4096)
            self.assertEqual(statuses(got), [503])
            self.assertIn(b"Retry-After: ", got)
            sock.sendall(text[10:])
            self.assertEqual(statuses(sock.recv(4096)), [201])
        self.assertEqual(collector.process.wait(30), 0)
        self.assertEqual(len(collector.records()), 1)

    def test_many_at_a_time(self):
        collector = self.collector(RatePerClient="0")
        bad = []

        def post(number):
            connection = collector.connection()
            for i in range(20):
                body = gzip.compress(text_of(mails.report(
                    organization=f"Org {number} {i}")))
                connection.request("POST", PATH, body, {"Content-Type": GZIP})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 201:
                    bad.append(answer.status)
            connection.close()
        threads = [threading.Thread(target=post, args=(n,))
                   for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(bad, [])
        self.assertEqual(len(collector.records()), 320)
        self.assertEqual(self.reports_indexed(collector), 320)


class Start(CollectorCase):
    def refused(self, collector, text):
        collector.may_end = True
        collector.start(wait=False)
        self.assertNotEqual(collector.process.wait(20), 0)
        self.assertIn(text, collector.error_text())

    def test_nowhere_to_listen(self):
        self.refused(self.collector(start=False, Listen=None),
                     "Listen: at least one is needed")

    def test_somebody_listens(self):
        first = self.collector()
        second = self.collector(start=False, Listen=first.settings["Listen"])
        self.refused(second, "Listen: somebody listens on")
        self.assertEqual(first.get("/healthz")[0], 200)

    def said(self):
        return b"\n".join(line.text for line in self.lines())

    def test_what_is_odd_is_said(self):
        """It works, and most likely not as it was meant."""
        self.collector()
        lab.wait_until(lambda: b"CertificateFile is not set" in self.said(),
                       "the hint")
        self.assertIn(b"TrustedProxy is not set", self.said())

    def test_what_is_not_odd_is_not_said(self):
        collector = self.collector(TrustedProxy=["unix", "127.0.0.1"])
        collector.may_end = True
        collector.stop()
        lab.wait_until(lambda: b"stopped" in self.said(), "the end")
        self.assertNotIn(b"is not set", self.said())
        self.assertNotIn(b"has no effect", self.said())

    def test_stale_socket_is_cleared(self):
        collector = self.collector()
        collector.may_end = True
        collector.process.kill()
        collector.process.wait()
        self.assertTrue(collector.socket.exists())
        collector.start()
        collector.may_end = False
        self.assertEqual(collector.get("/healthz", unix=True)[0], 200)

    def test_mode_and_group(self):
        collector = self.collector(ListenMode="0600", ListenGroup="adm")
        info = collector.socket.stat()
        self.assertEqual(info.st_mode & 0o777, 0o600)
        self.assertEqual(info.st_gid, grp.getgrnam("adm").gr_gid)
        self.assertNotEqual(info.st_uid, 0)

    def test_it_gives_up_root(self):
        collector = self.collector()
        status = pathlib.Path(
            f"/proc/{collector.process.pid}/status").read_text()
        uids = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", status,
                         re.MULTILINE).groups()
        self.assertNotIn("0", uids)

    def activate(self, collector):
        """Start it as systemd does."""
        with socket.create_server(("127.0.0.1", PORT)) as server:
            number = server.fileno()

            def hand_over():
                os.dup2(number, 3)
                os.environ["LISTEN_PID"] = str(os.getpid())
                os.environ["LISTEN_FDS"] = "1"
                os.execve(str(COLLECTOR), [
                    "tlsrpt-collector", "-f", "-c", str(collector.conf)],
                          os.environ)
            pid = os.fork()
            if pid == 0:
                hand_over()
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGTERM)
        self.assertEqual(collector.post(text_of()), 201)

    def test_socket_activation(self):
        self.activate(self.collector(start=False, Listen=None))

    def test_socket_activation_leaves_listen_alone(self):
        collector = self.collector(start=False)
        self.activate(collector)
        self.assertFalse(collector.socket.exists())
        lab.wait_until(lambda: b"Listen has no effect" in self.said(),
                       "the hint")

    def test_configuration_is_checked(self):
        collector = self.collector(start=False, MaxBodySize="0")
        done = subprocess.run(
            [str(COLLECTOR), "-t", "-c", str(collector.conf)],
            capture_output=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"MaxBodySize", done.stdout)

    def test_reload(self):
        collector = self.collector()
        self.assertEqual(collector.post(text_of(), path="/new"), 404)
        collector.configure(Path="/new")
        collector.signal(signal.SIGHUP)
        lab.wait_until(
            lambda: collector.post(text_of(), path="/new") == 201, "reload")
        # A bad file leaves the old settings.
        collector.configure(Path="nothing")
        collector.signal(signal.SIGHUP)
        lab.wait_until(lambda: any(b"old one stays" in line.text
                                   for line in self.lines()), "the complaint")
        self.assertEqual(collector.post(text_of(), path="/new"), 201)


class Tls(CollectorCase):
    def tls_collector(self):
        collector = self.collector(start=False)
        cert, key = certificate(collector.base)
        collector.configure(CertificateFile=cert, KeyFile=key,
                            Listen=[f"unix:{collector.socket}",
                                    f"inet:{PORT}@127.0.0.1"])
        collector.is_ready = lambda: collector.socket.exists() and \
            collector.get("/healthz", unix=True)[0] == 200
        collector.start(wait=False)
        lab.wait_until(lambda: b"listens on" in b"".join(
            line.text for line in self.lines()), "the collector")
        return collector, cert

    def test_report(self):
        collector, cert = self.tls_collector()
        text = text_of()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(collector.post(
                text, tls=trusting(cert, version)), 201)
        # A unix socket is for who is in front.
        self.assertEqual(collector.post(text, unix=True), 201)
        self.assertEqual(len(collector.records()), 1)

    def test_older_versions_are_refused(self):
        collector, cert = self.tls_collector()
        context = trusting(cert)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            collector.post(text_of(), tls=context)

    def test_garbage_does_no_harm(self):
        collector, cert = self.tls_collector()
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" * 99,
                     os.urandom(5000), b""):
            try:
                collector.raw(data)
            except OSError:
                pass
        self.assertEqual(collector.post(text_of(), tls=trusting(cert)), 201)

    def test_new_certificate(self):
        collector, cert = self.tls_collector()
        old = collector.connection(tls=trusting(cert))
        old.request("GET", "/healthz")
        self.assertEqual(old.getresponse().read(), b"ok\n")
        certificate(collector.base, serial=2)
        collector.signal(signal.SIGHUP)

        def is_new():
            try:
                return collector.get("/healthz", tls=trusting(cert))[0] == 200
            except ssl.SSLError:
                return False
        lab.wait_until(is_new, "the new certificate")
        # Who came before goes on as before.
        old.request("POST", PATH, text_of())
        self.assertEqual(old.getresponse().status, 201)
        old.close()
        # What is no certificate changes nothing.
        cert_text = cert.read_text()
        cert.write_text("nothing\n")
        collector.signal(signal.SIGHUP)
        lab.wait_until(lambda: any(b"old certificate stays" in line.text
                                   for line in self.lines()), "the complaint")
        cert.write_text(cert_text)
        self.assertTrue(is_new())

    def test_key_that_cannot_be_read(self):
        collector = self.collector(start=False)
        cert, key = certificate(collector.base)
        os.chown(key, 0, 0)
        key.chmod(0o600)
        collector.configure(CertificateFile=cert, KeyFile=key)
        collector.may_end = True
        collector.start(wait=False)
        self.assertNotEqual(collector.process.wait(20), 0)
        self.assertIn("KeyFile", collector.error_text())
