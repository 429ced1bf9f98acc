"""tlsrpt-collector and clients that mean ill: whatever they send, others are
served meanwhile, and nothing is read that is open to doubt."""

import contextlib
import itertools
import select
import socket
import string
import struct
import threading
import time

from hostilecase import (HostileCase, POST, answers, connect, everything,
                         framed, is_closed, lab, mails, memory, open_files,
                         text_of)


class Slow(HostileCase):
    def drip(self, socks, byte, until):
        while time.monotonic() < until and socks:
            for sock in list(socks):
                try:
                    sock.sendall(byte)
                except OSError:
                    socks.remove(sock)
            time.sleep(0.2)

    def test_a_crowd_that_sends_a_byte_now_and_then(self):
        """Heads, bodies, chunks, and nothing at all: all are cut off when the
        time of a request is over."""
        collector = self.collector(RequestTimeout="2s")
        kinds = {"head": (POST + b"x: ", b"y"),
                 "body": (POST + b"Content-Length: 100000\r\n\r\n", b" "),
                 "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n",
                            b"1\r\n \r\n"),
                 "lines": (b"", b"\r\n"),
                 "line": (b"", b"P"),
                 "waiting for 100": (POST + b"Expect: 100-continue\r\n"
                                     b"Content-Length: 100\r\n\r\n", b"")}
        with self.service():
            began = time.monotonic()
            crowds = {name: self.crowd(40, first)
                      for name, (first, _) in kinds.items()}
            threads = [threading.Thread(target=self.drip, args=(
                list(crowds[name]), byte, began + 4))
                       for name, (_, byte) in kinds.items()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for name, socks in crowds.items():
                lab.wait_until(lambda s=socks: all(map(is_closed, s)),
                               f"end of: {name}", 10)
        self.assertEqual({r for r in self.refusals() if r[0] != 201},
                         {(408, "timeout")})
        self.assertEqual(collector.unreadable(), [])

    @staticmethod
    def is_reset(sock):
        poll = select.poll()
        poll.register(sock, 0)
        return bool(poll.poll(0))

    def test_who_reads_no_answer(self):
        """Pipelined without end, answers left unread."""
        collector = self.collector(RequestTimeout="2s", RatePerClient="0")
        request = b"GET /v1/tlsrpt HTTP/1.1\r\nHost: x\r\n\r\n" * 200
        with self.service():
            socks = self.crowd(4)
            for sock in socks:
                sock.setblocking(False)
            began = time.monotonic()
            sent = 0
            while time.monotonic() < began + 3:
                for sock in socks:
                    with contextlib.suppress(OSError):
                        sent += sock.send(request)
                time.sleep(0.01)
            self.assertGreater(sent, 100000)
            # Without reading a byte.
            lab.wait_until(lambda: all(map(self.is_reset, socks)),
                           "end of those who read nothing")
        if not lab.is_sanitized():
            self.assertLess(memory(collector), 50000)

    def test_half_open(self):
        """Gone without a word, in the middle of everything, or deaf."""
        collector = self.collector(RequestTimeout="4s", RatePerClient="0")
        deaf = []
        with self.service():
            for first in (b"", POST, POST + b"Content-Length: 100\r\n\r\n",
                          POST + b"Content-Length: 100\r\n\r\n{",
                          POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
                for _ in range(20):
                    with connect() as sock:
                        sock.sendall(first)
                        # No end but a reset.
                        sock.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
                deaf += self.crowd(20, first)
            for sock in deaf:
                sock.shutdown(socket.SHUT_WR)
            for sock in deaf:
                self.assertEqual([s for s in answers(everything(sock))
                                  if s < 400 and s != 100], [])
        self.assertEqual(collector.unreadable(), [])
        lab.wait_until(lambda: open_files(collector) < 60,
                       "end of their descriptors")

    def test_whole_request_and_then_half_open(self):
        """Who has said all and only listens gets the answer."""
        collector = self.collector()
        with connect() as sock:
            sock.sendall(framed(text_of()))
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(answers(everything(sock)), [201])
        self.assertEqual(len(collector.records()), 1)


class Frames(HostileCase):
    """Where a request ends, and what may stand behind it."""

    def inner(self):
        """A request within a request, and the SHA-256 of what it brings."""
        text = text_of()
        return framed(text), mails.unique_of(text)

    def stored(self, collector):
        return {path.stem.rpartition("!")[2] for path in collector.records()}

    def test_lengths(self):
        collector = self.collector()
        text = text_of()
        for name, value, wanted in (
                ("negative", b"-1", [400]),
                ("minus nothing", b"-0", [400]),
                ("2^64", b"18446744073709551616", [413]),
                ("wraps to a small one",
                 b"%d" % (2 ** 64 + len(text)), [413]),
                ("wraps at 2^63", b"%d" % (2 ** 63), [413]),
                ("digits", b"9" * 400, [413]),
                ("zeros", b"0" * 400 + b"%d" % len(text), [201]),
                ("exponent", b"1e3", [400]),
                ("empty", b"", [400]),
                ("blanks within", b"1 0", [400]),
                ("comma", b"%d," % len(text), [400]),
                ("other digits", "\u0661".encode(), [400]),
                ("NUL", b"%d\0" % len(text), [400])):
            with self.subTest(name):
                got = collector.raw(POST + b"Content-Length: " + value
                                    + b"\r\n\r\n" + text)
                self.assertEqual(answers(got), wanted, got)
        got = collector.raw(POST + b"Content-Length: 5\r\n" * 50
                            + b"\r\n{}   ")
        self.assertEqual(answers(got), [400])

    def test_length_that_is_too_short(self):
        """What is behind it is a request, and a bad one, not a body."""
        collector = self.collector()
        text = text_of()
        got = collector.raw(
            POST + b"Content-Length: %d\r\n\r\n" % (len(text) - 40) + text)
        found = answers(got)
        self.assertEqual(found[0], 201)
        self.assertLessEqual(len(found), 2)
        self.assertTrue(all(status >= 400 for status in found[1:]), found)
        self.assertEqual(collector.records(), [])
        self.assertEqual([len(kept.partition(b"\r\n\r\n")[2])
                          for kept in collector.unreadable()],
                         [len(text) - 40])

    def test_nothing_is_smuggled(self):
        """Two readers may disagree on these: none of them lets the request
        within through, and none of them is taken."""
        collector = self.collector()
        chunked = b"Transfer-Encoding: chunked\r\n"
        inner, unique = self.inner()
        # For each: head, and a body in which the inner one hides if the
        # head is read in the other way.
        hidden = b"0\r\n\r\n" + inner
        length = b"Content-Length: %d\r\n" % len(hidden)
        for name, head in {
                "both": length + chunked,
                "both, other order": chunked + length,
                "vertical tab": length + b"Transfer-Encoding: \x0bchunked\r\n",
                "blank before colon": length + b"Transfer-Encoding : chunked"
                                               b"\r\n",
                "blank in the name": length + b"Transfer Encoding: chunked"
                                              b"\r\n",
                "tab before": length + b"\tTransfer-Encoding: chunked\r\n",
                "x": length + b"Transfer-Encoding: xchunked\r\n",
                "identity": length + b"Transfer-Encoding: identity\r\n",
                "gzip": length + b"Transfer-Encoding: gzip\r\n",
                "cow": length + b"Transfer-Encoding: cow\r\n" + chunked,
                "list": length + b"Transfer-Encoding: chunked, identity\r\n",
                "empty": length + b"Transfer-Encoding:\r\n",
                "folded": length + b"Transfer-Encoding:\r\n chunked\r\n",
                "folded name": length + b"X: y\r\n " + chunked,
                "bare LF fold": length + b"X: y\n Transfer-Encoding: chunked"
                                         b"\r\n",
                "bare CR": length + b"X: y\rTransfer-Encoding: chunked\r\n",
                "CR CR LF": length + b"X: y\r\r\n" + chunked,
                "NUL in a value": length + b"X: y\0\r\n" + chunked,
                "NUL in a name": length + b"X\0: y\r\n" + chunked,
                "NUL hides": b"X: y\0\r\n" + length,
                "no colon": length + b"Transfer-Encoding chunked\r\n",
                "no name": length + b": y\r\n",
                "first a blank line of blanks": length + b" \r\n" + chunked,
                "lengths differ": b"Content-Length: 5\r\n" + length,
                "lengths as a list": b"Content-Length: 5, %d\r\n"
                                     % len(hidden),
                "length with a blank": b"Content-Length : %d\r\n"
                                       % len(hidden),
                "HTTP/1.0 and chunks": None}.items():
            with self.subTest(name):
                data = POST + (head or b"")
                if head is None:
                    data = POST.replace(b"HTTP/1.1", b"HTTP/1.0") + chunked
                got = collector.raw(data + b"\r\n" + hidden)
                found = answers(got)
                self.assertLessEqual(len(found), 1, got)
                self.assertTrue(all(400 <= s < 500 for s in found), got)
                self.assertNotIn(unique, self.stored(collector))
        self.assertEqual(collector.contents(), {})

    def test_chunks_of_all_kinds(self):
        """Each is either read as RFC 9112 has it, or refused; what is behind
        a bad one is never read as a request."""
        collector = self.collector()
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for name, size, is_good in (
                ("plain", b"%x", True),
                ("capitals", b"%X", True),
                ("zeros", b"00000%x", True),
                ("extension", b"%x;a=b", True),
                ("extensions", b"%x;a=\"b;c\";d", True),
                ("sign", b"+%x", False),
                ("minus", b"-%x", False),
                ("0x", b"0x%x", False),
                ("g", b"%xg", False),
                ("blank within", b"%x 0", False),
                ("comma", b"%x,0", False),
                ("nothing", b"", False),
                ("NUL", b"%x\0", False),
                ("wraps", b"1000000000000000%04x", False),
                ("wraps at 2^65", b"20000000000000000%x", False),
                ("too many digits", b"%x" + b"f" * 100, False)):
            with self.subTest(name):
                text, (inner, unique) = text_of(), self.inner()
                line = size % len(text) if b"%" in size else size
                got = collector.raw(head + line + b"\r\n" + text
                                    + b"\r\n0\r\n\r\n" + inner)
                found = answers(got)
                if is_good:
                    self.assertEqual(found, [201, 201], got)
                    self.assertIn(mails.unique_of(text),
                                  self.stored(collector))
                else:
                    self.assertTrue(len(found) <= 1 and all(
                        s >= 400 for s in found), got)
                    self.assertNotIn(unique, self.stored(collector))

    def test_chunk_that_has_another_end(self):
        collector = self.collector()
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for end in (b"x\n", b"xx", b"\r\r\n", b"\0\r\n", b"5\r\n"):
            with self.subTest(end):
                text, (inner, unique) = text_of(), self.inner()
                got = collector.raw(head + b"%x\r\n" % len(text) + text + end
                                    + b"0\r\n\r\n" + inner)
                self.assertEqual([s for s in answers(got) if s < 400], [])
                self.assertNotIn(unique, self.stored(collector))
        self.assertEqual(collector.contents(), {})

    def test_extensions_and_trailers_without_end(self):
        collector = self.collector(RequestTimeout="5s")
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for begin, block in ((b"5;", b"a" * 65536),
                             (b"0\r\nx: ", b"a" * 65536),
                             (b"0\r\n", b"x: y\r\n" * 10000),
                             (b"", b"0" * 65536)):
            with self.subTest(begin):
                with self.service(), connect() as sock:
                    began = time.monotonic()
                    with self.assertRaises(OSError):
                        sock.sendall(head + begin)
                        while time.monotonic() < began + 20:
                            sock.sendall(block)
        if not lab.is_sanitized():
            self.assertLess(memory(collector), 50000)
        self.assertEqual(collector.unreadable(), [])

    def test_trailers_say_nothing(self):
        """Nor do they make another request of it."""
        collector = self.collector(TrustedProxy="127.0.0.1")
        text = text_of()
        got = collector.raw(
            POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(text)
            + text + b"\r\n0\r\nX-Remote-User: boss\r\nContent-Length: 9\r\n"
            b"X-Forwarded-For: 192.0.2.1\r\n\r\n")
        self.assertEqual(answers(got), [201])
        made = collector.only_record()
        self.assertEqual((made["auth"], made["client"]),
                         ("none", "127.0.0.1"))

    def test_request_lines(self):
        collector = self.collector()
        text = text_of()
        rest = b"Host: x\r\nContent-Length: %d\r\n\r\n" % len(text) + text
        for line in (b"POST /v1/tlsrpt", b"POST\0/v1/tlsrpt HTTP/1.1",
                     b"POST /v1/tlsrpt HTTP/0.9", b"POST /v1/tlsrpt HTTP/2.0",
                     b"POST /v1/tlsrpt HTTP/1.", b"POST /v1/tlsrpt XTTP/1.1",
                     b"POST /v1/tlsrpt http/1.1", b"POST /v1/tlsrpt HTTP/1.1x",
                     b"post /v1/tlsrpt HTTP/1.1", b"POST v1/tlsrpt HTTP/1.1",
                     b"POST * HTTP/1.1",
                     b"POST /x/../v1/tlsrpt HTTP/1.1",
                     b"POST /v1//tlsrpt HTTP/1.1",
                     b"POST /v1/tlsrpt/ HTTP/1.1",
                     b"POST /v1/tlsrpt%00 HTTP/1.1",
                     b"POST /v1/%74lsrpt HTTP/1.1",
                     b"POST http:/v1/tlsrpt HTTP/1.1",
                     b"PRI * HTTP/2.0", b"", b"\0\0\0\0"):
            with self.subTest(line):
                found = answers(collector.raw(line + b"\r\n" + rest))
                self.assertEqual([s for s in found if s < 400], [])
        self.assertEqual(collector.contents(), {})
        got = collector.raw(b"POST http://x/v1/tlsrpt HTTP/1.1\r\n" + rest)
        self.assertEqual(answers(got), [201])

    def test_all_bytes_in_a_head(self):
        """Each byte in a name and in a value: a control is never taken."""
        collector = self.collector(RatePerClient="0")
        token = set(b"!#$%&'*+-.^_`|~:" + string.digits.encode()
                    + string.ascii_letters.encode())
        value = set(range(32, 127)) | set(range(128, 256)) | {9}
        wanted = set()
        for byte in itertools.chain(range(129), range(129, 256, 9)):
            for head, good in ((b"x%cy: z\r\n", token),
                               (b"x: y%cz\r\n", value)):
                with self.subTest(head=head, byte=byte):
                    text = text_of()
                    found = answers(collector.raw(framed(text, head % byte)))
                    self.assertEqual(found == [201], byte in good)
                    self.assertLessEqual(len(found), 1)
                    if byte in good:
                        wanted.add(mails.unique_of(text))
        self.assertEqual(self.stored(collector), wanted)

    def test_refusal_ends_the_pipeline(self):
        collector = self.collector()
        inner, unique = self.inner()
        for first in (framed(b"x" * 50).replace(b"/v1/tlsrpt", b"/elsewhere"),
                      POST + b"Content-Length: 99999999999\r\n\r\n",
                      POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n"
                      b"xxxxx"):
            got = collector.raw(first + inner)
            self.assertEqual(len(answers(got)), 1, got)
            self.assertNotIn(unique, self.stored(collector))


class Floods(HostileCase):
    def test_heads_without_end(self):
        collector = self.collector(RequestTimeout="5s", RatePerClient="0")
        before = memory(collector)
        for begin, block in ((POST + b"x: ", b"a" * 65536),
                             (POST, b"x: y\r\n" * 10000),
                             (POST, b"x\r\n" * 10000),
                             (b"", b"A" * 65536),
                             (b"GET /", b"a" * 65536),
                             (b"GET /?", b"a=b&" * 10000),
                             (POST + b"Cookie: ", b"a=b; " * 10000),
                             (POST + b"X-Forwarded-For: ", b"1.2.3.4," * 9999),
                             (b"\r\n" * 100, b"\r\n" * 10000),
                             (b"\0", b"\0" * 65536)):
            with self.subTest(begin), self.service():
                began = time.monotonic()
                socks = self.crowd(8, begin)
                for sock in socks:
                    sock.settimeout(0.05)
                while socks:
                    self.assertLess(time.monotonic() - began, 15)
                    for sock in list(socks):
                        try:
                            for _ in range(20):
                                sock.sendall(block)
                        except TimeoutError:
                            pass
                        except OSError:
                            socks.remove(sock)
        if not lab.is_sanitized():
            self.assertLess(memory(collector, "VmHWM") - before, 20000)
        self.assertEqual(collector.unreadable(), [])

    def test_bodies_without_end(self):
        """Too large in chunks, by many at once: no more than so much of each
        is kept anywhere, and for a short time."""
        collector = self.collector(MaxBodySize="256K", RatePerClient="0")
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        before = memory(collector)
        found = []

        def send():
            with connect() as sock:
                sock.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
                try:
                    for _ in range(400):
                        sock.sendall(chunk)
                except OSError:
                    return
                found.append("taken")
        with self.service():
            threads = [threading.Thread(target=send) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(found, [])
        self.assertIn((413, "too-large"), self.refusals())
        if not lab.is_sanitized():
            self.assertLess(memory(collector, "VmHWM") - before, 30000)
        self.assertEqual(collector.unreadable(), [])
        self.assertEqual(list(collector.archive.glob("tmp/*")), [])

    def test_rate_is_of_each_client(self):
        """Who asks too much is sent away; a hundred others are not."""
        collector = self.collector(RatePerClient="20")
        with self.service(allowed=(201, 429), source="127.0.0.1"):
            for last in range(10, 110):
                with connect(f"127.0.0.{last}") as sock:
                    sock.sendall(framed(text_of(), b"Connection: close\r\n"))
                    self.assertEqual(answers(everything(sock)), [201], last)
            lab.wait_until(lambda: (429, "rate") in self.refusals(),
                           "refusal")
        self.assertEqual(collector.get("/healthz")[0], 200)
