"""The collector is killed again and again while reports come in: whatever was
answered with 2xx is in the archive, each one looked for by its SHA-256.

20 kills of each kind; COLLECTOR_KILLS in the environment says how many others.
"""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import threading
import time

from collectorcase import CollectorCase, PATH, PORT, lab, mails

KILLS = int(os.environ.get("COLLECTOR_KILLS", "20"))
BATCH = 100  # with an archive of its own
CLIENTS = 8
LONGEST = 0.3  # seconds from a start to a kill
SEED = int(os.environ.get("COLLECTOR_SEED", "6"))


class Poster(threading.Thread):
    """Posts one report after the other, each another one, on a connection
    that is made anew when it breaks. One that got no answer is not repeated:
    nothing is promised of it."""

    def __init__(self, number, over):
        super().__init__()
        self.number = number
        self.over = over
        self.answered = []   # SHA-256 of reports
        self.unreadable = []  # and of what is none
        self.broken = 0      # requests that were cut off
        self.wrong = []      # answers other than 201
        self.last = 0.0      # when the last answer came
        self.sock = None
        self.frame = mails.text_of(
            mails.report(report_id="@@@")).partition(b"@@@")

    def body(self, serial):
        """(bytes to send, SHA-256 of what is in them, is it a report)."""
        text = self.frame[0] + b"%d-%d" % (self.number, serial) + self.frame[2]
        kind = serial % 10
        if kind == 9:
            text = b"no report %d-%d\0\n" % (self.number, serial)
        sha256 = hashlib.sha256(text).hexdigest()
        if kind in (0, 1, 2, 3):
            text = gzip.compress(text, 1)
        if kind in (4, 5):
            half = len(text) // 2
            return (b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n"
                    b"%s\r\n0\r\n\r\n" % (half, text[:half], len(text) - half,
                                          text[half:])), sha256, True
        return (b"Content-Length: %d\r\n\r\n" % len(text) + text, sha256,
                kind != 9)

    def ask(self, data):
        """The status, or None when there was no answer."""
        try:
            if self.sock is None:
                self.sock = socket.create_connection(("127.0.0.1", PORT), 30)
            self.sock.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
                              + data)
            got = b""
            while not got.endswith(b"\n") or b"\r\n\r\n" not in got:
                block = self.sock.recv(4096)
                if not block:
                    raise ConnectionResetError
                got += block
        except ConnectionError:
            if self.sock is not None:
                self.sock.close()
                self.sock = None
                self.broken += 1
            return None
        if b"connection: close" in got.lower():
            self.sock.close()
            self.sock = None
        return int(got.split(b" ", 2)[1])

    def run(self):
        serial = 0
        while not self.over.is_set():
            serial += 1
            data, sha256, is_report = self.body(serial)
            status = self.ask(data)
            if status is None:
                time.sleep(0.005)
            elif status == 201:
                self.last = time.monotonic()
                (self.answered if is_report else self.unreadable).append(
                    sha256)
            else:
                self.wrong.append(status)
        if self.sock is not None:
            self.sock.close()


class Killed(CollectorCase):
    def flow(self, collector, kills, chance):
        """Kill it while all post; returns the posters."""
        over = threading.Event()
        posters = [Poster(number, over) for number in range(CLIENTS)]
        for poster in posters:
            poster.start()
        self.addCleanup(over.set)
        for kill in range(kills):
            # Also while it starts; but now and then until it has answered,
            # or a slow machine would never see an answer.
            if kill % 4 == 0:
                started = time.monotonic()
                lab.wait_until(lambda: max(p.last for p in posters) > started,
                               "an answer")
            time.sleep(chance.uniform(0, LONGEST))
            self.assertIsNone(collector.process.poll(), collector.error_text())
            collector.process.send_signal(signal.SIGKILL)
            collector.process.wait()
            collector.start(wait=False)
        lab.wait_until(collector.is_ready, "the collector")
        over.set()
        for poster in posters:
            poster.join()
        return posters

    def check(self, collector, posters):
        """Each answered one is there, whole; and none is there half."""
        records = {}
        for path in collector.archive.rglob("*.json"):
            if "tmp" in path.relative_to(collector.archive).parts:
                continue
            data = path.read_bytes()
            made = json.loads(data)  # whole, or it raises
            self.assertTrue(data.endswith(b"\n"), path)
            self.assertTrue(path.name.endswith(
                f"!{made['sha256'][:16]}.json"), path)
            records[made["sha256"]] = made["report"]["report-id"]
        kept = {hashlib.sha256(data.partition(b"\r\n\r\n")[2]).hexdigest()
                for data in collector.unreadable()}
        answered = lost = 0
        for poster in posters:
            self.assertEqual(poster.wrong, [])
            for sha256 in poster.answered:
                answered += 1
                lost += sha256 not in records
            for sha256 in poster.unreadable:
                answered += 1
                lost += sha256 not in kept
        self.assertEqual(lost, 0, f"of {answered} answered reports")
        return answered, records

    def clear_after_crash(self, collector):
        """What was begun and not finished goes when it is an hour old."""
        self.assertEqual(collector.stop(), 0)
        old = time.time() - 3700
        for path in collector.archive.glob("tmp/*"):
            os.utime(path, (old, old))
        collector.start()
        self.assertEqual(list(collector.archive.glob("tmp/*")), [])

    def run_batch(self, kills, chance, is_indexed):
        collector = self.collector(RatePerClient="0", **(
            {} if is_indexed else {"StateFile": "none"}))
        posters = self.flow(collector, kills, chance)
        answered, records = self.check(collector, posters)
        if is_indexed:
            lab.wait_until(
                lambda: self.reports_indexed(collector) == len(records),
                "all in the index", 120)
        self.clear_after_crash(collector)
        self.assertEqual(collector.stop(), 0)
        shutil.rmtree(collector.base)
        return answered, sum(poster.broken for poster in posters)

    def run_variant(self, is_indexed):
        chance = random.Random(SEED)
        began = time.monotonic()
        answered = broken = 0
        for done in range(0, KILLS, BATCH):
            got = self.run_batch(min(BATCH, KILLS - done), chance, is_indexed)
            answered += got[0]
            broken += got[1]
        print(f"    {KILLS} kills in {time.monotonic() - began:.0f} s: "
              f"{answered} reports answered, all there; {broken} cut off",
              flush=True)
        self.assertGreaterEqual(answered, KILLS // 4)
        self.assertGreater(broken, 0, "no kill hit a request")

    def test_without_index(self):
        self.run_variant(False)

    def test_with_index(self):
        self.run_variant(True)
