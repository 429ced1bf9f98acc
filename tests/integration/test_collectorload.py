"""tlsrpt-collector in need: crowds, bombs, TLS that is none, full disks, a log
that hangs. Others are served meanwhile, and what is answered is kept."""

import contextlib
import gzip
import itertools
import os
import resource
import socket
import ssl
import subprocess
import threading
import time

from hostilecase import (GZIP, HostileCase, JSON, PATH, PORT, POST, answers,
                         certificate, connect, everything, framed, is_closed,
                         lab, mails, memory, open_files, text_of, trusting)

URL = f"http://127.0.0.1:{PORT}{PATH}"


class Crowd(HostileCase):
    def test_bombs(self):
        """Fifty at once, each of 200 MB when it is unpacked."""
        limit = "2M" if lab.is_sanitized() else "32M"
        collector = self.collector(RatePerClient="0", MaxReportSize=limit)
        bomb = b"".join((gzip.compress(b'{"organization-name":"'),
                         *[gzip.compress(b"a" * 10_000_000)] * 20,
                         gzip.compress(b'"}')))
        twice = gzip.compress(bomb)
        before = memory(collector)
        found = []

        def post(number):
            found.append(collector.post(
                (bomb, twice)[number % 2] + b"%d" % number, GZIP,
                timeout=120))
        with self.service(slowest=40):
            threads = [threading.Thread(target=post, args=(n,))
                       for n in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        # Nobody can read it, so it is kept as it came.
        self.assertEqual(found, [201] * 50)
        self.assertEqual(len(collector.unreadable()), 50)
        reasons = {fields["reason"] for _, fields in self.logged()
                   if fields["event"] == "malformed"}
        self.assertEqual(reasons, {"too-large"})
        if not lab.is_sanitized():
            # Four decoders, each of at most twice MaxReportSize.
            self.assertLess(memory(collector, "VmHWM") - before,
                            4 * 2 * 32 * 1024 + 20000)

    def test_ten_thousand_idle_connections(self):
        """They cost so much memory each, and others are served."""
        count = 1000 if lab.is_sanitized() else 10000
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < count + 500:
            self.skipTest("too few descriptors are allowed")
        collector = self.collector(
            MaxConnections=str(count + 500), RequestTimeout="300s",
            RatePerClient="0")
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (old[1], old[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, old)
        before = memory(collector)
        with self.service() as honest:
            socks = self.crowd(count)
            lab.wait_until(lambda: open_files(collector) > count,
                           "all connections")
            idle = memory(collector)
            # Half a head each.
            for sock in socks:
                sock.sendall(POST + b"X-Filler: " + b"y" * 200)
            seen = len(honest.answers)
            lab.wait_until(lambda: len(honest.answers) > seen + 3, "service")
            begun = memory(collector)
        print(f"    {count} connections: {(idle - before) / count:.1f} kB for "
              f"each that is idle, {(begun - before) / count:.1f} kB with a "
              f"part of a head", flush=True)
        if not lab.is_sanitized():
            self.assertLess((idle - before) / count, 8)
            self.assertLess((begun - before) / count, 24)
        for sock in socks:
            sock.close()
        lab.wait_until(lambda: open_files(collector) < 60,
                       "the end of them")

    def test_full_of_idle_connections(self):
        """Somebody takes all there may be, again and again: those of others
        are answered all the same, for who waits longest makes room."""
        collector = self.collector(MaxConnections="50", RatePerClient="0",
                                   RequestTimeout="60s")
        over = threading.Event()

        def hold():
            socks = []
            while not over.is_set():
                socks = [sock for sock in socks if not is_closed(sock)]
                while len(socks) < 100:
                    try:
                        sock = connect("127.0.0.66", 0.2)
                        sock.sendall(POST)
                        socks.append(sock)
                    except OSError:
                        break
                over.wait(0.05)
            for sock in socks:
                sock.close()
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            lab.wait_until(lambda: open_files(collector) > 50,
                           "a full house")
            with self.service():
                time.sleep(2)
        finally:
            over.set()
            holder.join()


class Tls(HostileCase):
    def tls_collector(self, **settings):
        """With TLS, and a unix socket for who looks how it is."""
        collector = self.collector(start=False, **settings)
        cert, key = certificate(collector.base)
        collector.configure(CertificateFile=cert, KeyFile=key)

        def is_ready():
            if collector.process.poll() is not None:
                raise AssertionError(collector.error_text())
            try:
                return collector.get("/healthz", unix=True)[0] == 200
            except OSError:
                return False
        collector.is_ready = is_ready
        return collector.start(), trusting(cert)

    def test_what_is_no_tls(self):
        """On the port where TLS is spoken."""
        collector, trust = self.tls_collector(
            RequestTimeout="4s", RatePerClient="0")
        hello = b"\x16\x03\x01"
        with self.service(tls=trust):
            for first in (framed(text_of()), b"\r\n" * 100,
                          os.urandom(20000), b"\0" * 20000,
                          hello + b"\xff\xff" + b"a" * 70000,
                          hello + b"\0\0" * 1000,
                          hello + b"\0\4\1\0\0\0", b"\x80\x2e\1\3\1" * 50,
                          b"\x15\3\1\0\2\2\x28", b"\x17\3\3\0\1a" * 99,
                          b"EHLO x\r\n", b"SSH-2.0-x\r\n"):
                for _ in range(8):
                    with connect(timeout=10) as sock:
                        with contextlib.suppress(OSError):
                            sock.sendall(first)
                            sock.shutdown(socket.SHUT_WR)
                            got = everything(sock)
                            self.assertNotIn(b"HTTP/", got)
        self.assertEqual(collector.unreadable(), [])

    def test_handshakes_that_stall(self):
        """Nothing said, half a greeting, a greeting and no more."""
        collector, trust = self.tls_collector(
            RequestTimeout="3s", RatePerClient="0")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        talk = trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            talk.do_handshake()
        hello = outgoing.read()
        before = open_files(collector)
        with self.service(tls=trust):
            socks = [sock for first in (b"", hello[:1], hello[:100], hello)
                     for sock in self.crowd(50, first)]
            for sock in socks:
                # What the server says is left unread.
                lab.wait_until(lambda s=sock: is_closed(s), "its end", 15)
        lab.wait_until(lambda: open_files(collector) < before + 10,
                       "end of their descriptors")

    def test_slow_and_broken_inside_of_tls(self):
        collector, trust = self.tls_collector(
            RequestTimeout="3s", RatePerClient="0")
        with self.service(tls=trust):
            socks = []
            for first in (b"", POST, POST + b"Content-Length: 9\r\n\r\n{",
                          b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
                for _ in range(10):
                    sock = trust.wrap_socket(
                        connect(), server_hostname="localhost")
                    self.addCleanup(sock.close)
                    sock.sendall(first)
                    socks.append(sock)
            # In the middle of a record, and of plain garbage.
            for sock in socks[::2]:
                with socket.socket(fileno=os.dup(sock.fileno())) as bare:
                    bare.sendall(b"\x17\3\3\x40\0" + os.urandom(50))
            for sock in socks:
                sock.settimeout(15)
                with contextlib.suppress(OSError):
                    while sock.recv(4096):
                        pass
        self.assertEqual(collector.records("unverified"), [])


class Senders(HostileCase):
    """Requests of the shapes that real senders give them."""

    def stored(self, collector, rep, deviations=()):
        made = collector.only_record()
        self.assertEqual(made["report"], rep)
        self.assertEqual(made["deviations"], list(deviations))

    def curl(self, *words, data):
        done = subprocess.run(
            ["curl", "-s", "-S", "-i", "-m", "30", *words, URL], input=data,
            capture_output=True, timeout=60, check=True)
        return [int(line.split()[1]) for line in done.stdout.splitlines()
                if line.startswith(b"HTTP/1.")]

    def test_curl_from_a_pipe(self):
        """tlsrpt-reporter: curl -T, whose length is not known, and which
        waits for 100 then."""
        collector = self.collector()
        rep = mails.report()
        found = self.curl("-X", "POST", "-T", "-", "-H",
                          f"Content-Type: {GZIP}", "-H",
                          "Expect: 100-continue",
                          data=gzip.compress(text_of(rep)))
        self.assertEqual(found, [100, 201])
        self.stored(collector, rep)

    def test_curl_from_a_file(self):
        collector = self.collector()
        rep = mails.report(*[mails.policy(domain=f"d{i}.example.test")
                             for i in range(40)])
        path = collector.base / "example.org!example.test!1!2.json.gz"
        path.write_bytes(gzip.compress(text_of(rep)))
        found = self.curl("-X", "POST", "-T", str(path), "-H",
                          f"Content-Type: {GZIP}", data=b"")
        self.assertEqual(found[-1], 201)
        self.stored(collector, rep)

    def test_curl_that_puts(self):
        """What -T does without -X is another method, and is told so."""
        collector = self.collector()
        found = self.curl("-T", "-", "-H", f"Content-Type: {GZIP}",
                          data=gzip.compress(text_of()))
        self.assertEqual(found, [405])
        self.assertEqual(collector.contents(), {})

    def test_halon(self):
        """Plain JSON, policy-string as one string."""
        collector = self.collector()
        rep = mails.report()
        rep["policies"][0]["policy"]["policy-string"] = ""
        self.assertEqual(collector.post(
            text_of(rep), JSON, headers={"User-Agent": "Halon"}), 201)
        self.assertEqual(collector.only_record()["report"], rep)

    def test_stalwart(self):
        """gzip, small letters in the names of fields, no contact."""
        collector = self.collector()
        rep = mails.report(contact_info=None)
        body = gzip.compress(text_of(rep))
        got = collector.raw(
            b"POST /v1/tlsrpt HTTP/1.1\r\ncontent-type: "
            b"application/tlsrpt+gzip\r\nuser-agent: Stalwart/1.0\r\n"
            b"accept: */*\r\nhost: 127.0.0.1:8460\r\ncontent-length: %d"
            b"\r\n\r\n" % len(body) + body)
        self.assertEqual(answers(got), [201])
        self.assertEqual(collector.only_record()["report"], rep)

    def test_what_came_by_mail_elsewhere(self):
        """The reports of ../shared/corpus, as the bodies of posts."""
        collector = self.collector(RatePerClient="0")
        corpus = lab.ROOT.parent / "shared" / "corpus"
        if not corpus.is_dir():
            self.skipTest("no corpus")
        count = 0
        for path in sorted(corpus.rglob("*")):
            if path.suffix == ".json" or path.name.endswith(".json.gz"):
                count += 1
                with self.subTest(path.name):
                    self.assertEqual(collector.post(
                        path.read_bytes(),
                        GZIP if path.suffix == ".gz" else JSON), 201)
        self.assertGreater(count, 0)
        self.assertGreater(len(collector.records()), 0)


class Trouble(HostileCase):
    log_queue = 10  # is soon full

    def flood(self, threads, seconds):
        """Post distinct reports; [(status, unique)]."""
        found = []
        until = time.monotonic() + seconds

        def post(number):
            for _ in itertools.count():
                if time.monotonic() > until:
                    return
                text = text_of(mails.report(organization=f"Org {number}"))
                with connect() as sock:
                    sock.sendall(framed(text, b"Connection: close\r\n"))
                    status, = answers(everything(sock))
                found.append((status, mails.unique_of(text)))
        started = [threading.Thread(target=post, args=(n,))
                   for n in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        return found

    def check(self, collector, found, allowed):
        self.assertEqual({status for status, _ in found} - set(allowed),
                         set())
        stored = {path.stem.rpartition("!")[2]
                  for path in collector.records()}
        self.assertEqual({unique for status, unique in found
                          if status == 201} - stored, set())
        for path in collector.records():
            collector.record(path)  # whole, or it raises
        return [status for status, _ in found]

    def small(self, size):
        collector = self.collector(start=False, RatePerClient="0",
                                   StateFile="none")
        lab.mount("-t", "tmpfs", "-o", f"{size},mode=777", "tmpfs",
                  str(collector.archive))
        self.addCleanup(lab.unmount, collector.archive)
        return collector.start()

    def test_disk_that_fills_up_under_load(self):
        """201 as long as there is room, 503 from then on, and 201 again."""
        for size in ("size=400k", "nr_inodes=120"):
            with self.subTest(size):
                collector = self.small(size)
                found = self.check(collector, self.flood(8, 1.5), (201, 503))
                self.assertIn(201, found)
                self.assertEqual(found[-1], 503)
                self.assertEqual(list(collector.archive.glob("tmp/*")), [])
                kept = collector.records()
                for path in kept[:30]:
                    (collector.archive / path).unlink()
                self.assertEqual(collector.post(text_of(), JSON), 201)
                self.assertEqual(collector.stop(), 0)

    def test_archive_that_is_taken_away(self):
        """Moved, replaced by a file, and back again, under load."""
        collector = self.collector(RatePerClient="0", StateFile="none")
        other = collector.base / "other"
        over = threading.Event()

        def move():
            while not over.is_set():
                collector.archive.rename(other)
                collector.archive.write_text("no directory")
                time.sleep(0.1)
                collector.archive.unlink()
                other.rename(collector.archive)
                time.sleep(0.1)
        mover = threading.Thread(target=move)
        mover.start()
        try:
            found = self.flood(4, 2)
        finally:
            over.set()
            mover.join()
        statuses = self.check(collector, found, (201, 503))
        self.assertIn(201, statuses)
        self.assertIn(503, statuses)
        self.assertEqual(collector.post(text_of(), JSON), 201)

    def test_log_that_stalls(self):
        """Reports are not for the log's daemon to hold up."""
        collector = self.collector(RatePerClient="0", StateFile="none")
        self.assertEqual(collector.post(text_of(), JSON), 201)
        self.syslog.hang()
        try:
            with self.service():
                found = self.check(collector, self.flood(8, 2), (201,))
        finally:
            self.syslog.resume()
        self.assertGreater(len(found), 20)

    def test_index_that_cannot_be_written(self):
        collector = self.collector(start=False, RatePerClient="0")
        state = collector.base / "state"
        state.mkdir()
        state.chmod(0o555)
        collector.configure(StateFile=str(state / "db"))
        collector.start()
        self.check(collector, self.flood(4, 1), (201,))
