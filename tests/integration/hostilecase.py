"""Clients of tlsrpt-collector that mean ill, and those that do not."""

import contextlib
import os
import pathlib
import re
import socket
import threading
import time

from collectorcase import (CollectorCase, GZIP, JSON, PATH, PORT, certificate,
                           lab, mails, statuses, trusting)

HONEST = "127.0.0.9"
SLOWEST = 15.0  # seconds an honest client may wait for an answer meanwhile
POST = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()


def text_of(rep=None):
    return mails.text_of(rep or mails.report())


def framed(text, head=b""):
    return (POST + head + b"Content-Length: %d\r\n\r\n" % len(text) + text)


def connect(source="127.0.0.1", timeout=20):
    return socket.create_connection(("127.0.0.1", PORT), timeout, (source, 0))


def everything(sock):
    """All that comes until the end, however it comes to it."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while block := sock.recv(65536):
            got += block
    return got


def answers(got):
    """The statuses of the answers as a client reads them, one behind the
    other. The library writes the head of some refusals twice; the second one
    is then in the body of the first."""
    found = []
    while got:
        head, _, got = got.partition(b"\r\n\r\n")
        found.append(int(head.split()[1]))
        length = re.search(rb"^content-length: (\d+)", head.lower(),
                           re.MULTILINE)
        got = got[int(length[1]) if length else 0:]
        if b"connection: close" in head.lower():
            break
    return found


def memory(collector, name="VmRSS"):
    """In kB."""
    status = pathlib.Path(f"/proc/{collector.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1])


class Honest(threading.Thread):
    """Posts a report now and then, each on a connection of its own."""

    def __init__(self, tls=None, source=HONEST):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.tls = tls
        self.source = source
        self.answers = []
        self.slowest = 0.0

    def ask(self):
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(connect(self.source, 60))
            if self.tls is not None:
                sock = stack.enter_context(self.tls.wrap_socket(
                    sock, server_hostname="localhost"))
            sock.sendall(framed(text_of(), b"Connection: close\r\n"))
            return statuses(everything(sock))

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                self.answers.append(self.ask())
            except OSError as error:
                self.answers.append([error])
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.over.wait(0.02)


class HostileCase(CollectorCase):
    @contextlib.contextmanager
    def service(self, allowed=(201,), slowest=SLOWEST, **kwargs):
        """Whatever is done inside, others get their answers."""
        honest = Honest(**kwargs)
        honest.start()
        try:
            yield honest
            # One that begins now, with all the harm done.
            count = len(honest.answers)
            lab.wait_until(lambda: len(honest.answers) >= count + 2,
                           "service for others")
        finally:
            honest.over.set()
            honest.join(60)
        self.assertEqual([a for a in honest.answers
                          if len(a) != 1 or a[0] not in allowed], [])
        if not lab.is_sanitized():
            self.assertLess(honest.slowest, slowest)

    def crowd(self, count, begin=b"", source="127.0.0.1"):
        """Connections that have sent some bytes."""
        made = []
        self.addCleanup(lambda: [sock.close() for sock in made])
        for _ in range(count):
            sock = connect(source)
            if begin:
                sock.sendall(begin)
            made.append(sock)
        return made


def is_closed(sock):
    """Has the other end done with it?"""
    sock.setblocking(False)
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def open_files(collector):
    return len(os.listdir(f"/proc/{collector.process.pid}/fd"))


__all__ = ["CollectorCase", "GZIP", "HostileCase", "JSON", "PATH", "PORT",
           "POST", "answers", "certificate", "connect", "everything",
           "framed", "is_closed", "lab", "mails", "memory", "open_files",
           "statuses", "text_of", "trusting"]
