"""tlsrpt-collector, and strangers that make the most of what they may do."""

import contextlib
import itertools
import os
import socket
import subprocess

from collectorcase import (COLLECTOR, CollectorCase, JSON, PATH, TOKEN, lab, mails)


def text_of(rep=None):
    return mails.text_of(rep or mails.report())


class Vouching(CollectorCase):
    def test_token_vouches_for_nothing_without_its_domain(self):
        """Its domain is to be in the report, and no other."""
        collector = self.collector(PathSecret=f"example.test {TOKEN}",
                                   RequireAuth="yes")
        nameless = mails.policy()
        del nameless["policy"]["policy-domain"]
        empty = mails.policy(domain="")
        other = mails.policy(domain="other.test")
        for policies in ([nameless], [empty], [nameless, empty],
                         [mails.policy(), other], [other, mails.policy()]):
            text = text_of(mails.report(*policies))
            self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"),
                             201)
        text = text_of(mails.report() | {"policies": []})
        self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"), 201)
        self.assertEqual(collector.records(), [])
        # Beside one that names it, one that names none is no harm.
        text = text_of(mails.report(nameless, mails.policy()))
        self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"), 201)
        self.assertEqual(collector.only_record()["auth"], "path")


class Disk(CollectorCase):
    def full(self, collector, bodies):
        """Post until there is no room; how many were taken."""
        for taken, body in enumerate(itertools.islice(bodies, 1000)):
            status = collector.post(body, JSON)
            if status != 201:
                self.assertEqual(status, 503)
                return taken
        raise AssertionError("there is no end to it")

    @contextlib.contextmanager
    def on_small_disk(self, options):
        collector = self.collector(
            start=False, RatePerClient="0", StateFile="none", DKIM="off",
            TrustedProxy="unix", RequireAuth="yes")
        lab.mount("-t", "tmpfs", "-o", f"{options},mode=777", "tmpfs",
                  str(collector.archive))
        self.addCleanup(lab.unmount, collector.archive)
        collector.start()
        try:
            yield collector
        finally:
            self.assertEqual(collector.stop(), 0)

    def test_strangers_leave_room_for_others(self):
        """What nobody can read, or vouches for, does not fill the disk."""
        bodies = {
            "junk": ("size=8m", lambda: b"{" + os.urandom(100000)),
            "small junk": ("nr_inodes=400", lambda: b"{" + os.urandom(10)),
            "unverified": ("size=1m", text_of),
        }
        for name, (options, make) in bodies.items():
            with self.subTest(name), \
                    self.on_small_disk(options) as collector:
                self.assertGreater(
                    self.full(collector, (make() for _ in itertools.count())),
                    20)
                self.assertIn((503, "no-space"), self.refusals())
                lab.wait_until(
                    lambda: collector.get("/healthz")[0] == 503, "the word")
                # Mail has room, and so has who is vouched for.
                self.assertEqual(collector.run(
                    "ingest", stdin=mails.mail(mails.report()),
                    user=lab.USER).returncode, 0)
                self.assertEqual(collector.post(
                    text_of(), JSON, unix=True,
                    headers={"X-Remote-User": "sender"}), 201)
                self.assertEqual(len(collector.records()), 2)


class Log(CollectorCase):
    def test_trouble_is_told_whatever_strangers_do(self):
        """Lines on what they asked for leave room for those on us."""
        collector = self.collector(RatePerClient="0", MaxBodySize="2M")
        connection = collector.connection()

        def ask(path):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        collector.archive.chmod(0)
        try:
            lab.wait_until(lambda: ask("/healthz") == 503, "trouble")
            told = self.refusals().count((503, "archive"))
            for _ in range(30):
                for _ in range(20):
                    ask("/x")
                self.assertEqual(ask("/healthz"), 503)
        finally:
            collector.archive.chmod(0o755)
        connection.close()
        self.assertEqual(self.refusals().count((503, "archive")), told + 30)


class Start(CollectorCase):
    def start_refused(self, collector):
        done = subprocess.run(
            [str(COLLECTOR), "-f", "-c", str(collector.conf)],
            capture_output=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 69)
        self.assertIn(b"somebody listens on", done.stderr)
        self.assertTrue(collector.socket.exists())

    def test_socket_of_somebody_who_is_busy(self):
        """Nobody waits for him to accept, and nobody removes it."""
        collector = self.collector(start=False)
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(collector.socket))
            listener.listen(0)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client = stack.enter_context(
                        socket.socket(socket.AF_UNIX))
                    client.setblocking(False)
                    client.connect(str(collector.socket))
            self.start_refused(collector)

    def test_socket_of_another_kind(self):
        collector = self.collector(start=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(collector.socket))
            self.start_refused(collector)
