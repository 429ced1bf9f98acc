"""What the tests of tlsrpt-collector have in common."""

import contextlib
import http.client
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import subprocess

from ingestcase import IngestCase, Place, lab, mails

COLLECTOR = lab.BUILD / "tlsrpt-collector"
PATH = "/v1/tlsrpt"
TOKEN = "0123456789abcdef"
GZIP = "application/tlsrpt+gzip"
JSON = "application/tlsrpt+json"
PORT = 8460


class UnixConnection(http.client.HTTPConnection):
    """http.client through a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("collector.test", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Collector(Place):
    """One tlsrpt-collector with its configuration, archive and socket."""

    def __init__(self, **settings):
        self.process = None
        self.listen = []
        super().__init__()
        self.socket = self.base / "http.sock"
        self.errors = self.base / "stderr"
        self.base.chmod(0o755)
        self.archive.mkdir()
        account = pwd.getpwnam(lab.USER)
        for path in (self.base, self.archive):
            os.chown(path, account.pw_uid, account.pw_gid)
        self.configure(**{
            "Listen": [f"unix:{self.socket}", f"inet:{PORT}@127.0.0.1"],
            "Mailbox": None, "DKIM": None, "User": lab.USER, **settings})

    def configure(self, **settings):
        """A list repeats a keyword, None leaves it out."""
        self.settings.update(settings)
        lines = []
        for keyword, value in self.settings.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{keyword} {v}\n" for v in values if v is not None]
        self.conf.write_text("".join(lines))

    def start(self, wait=True, **kwargs):
        with open(self.errors, "ab") as file:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [str(COLLECTOR), "-f", "-c", str(self.conf)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/",
                **kwargs)
        if wait:
            lab.wait_until(self.is_ready, "the collector")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"the collector ended with {self.process.returncode}: "
                + self.error_text())
        try:
            return self.get("/healthz")[0] in (200, 503)
        except OSError:
            return False

    def error_text(self):
        return self.errors.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(60)

    # Requests

    def connection(self, timeout=30, tls=None, unix=False):
        if unix:
            return UnixConnection(self.socket, timeout)
        if tls is not None:
            return http.client.HTTPSConnection(
                "localhost", PORT, timeout=timeout, context=tls)
        return http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout)

    def ask(self, method, path=PATH, body=None, headers=None, **kwargs):
        """(status, header, body) of one request on a connection."""
        with contextlib.closing(self.connection(**kwargs)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def get(self, path=PATH, **kwargs):
        return self.ask("GET", path, **kwargs)

    def post(self, body, kind=GZIP, path=PATH, headers=None, **kwargs):
        """The status alone. kind: the Content-Type, or None."""
        fields = dict(headers or {})
        if kind is not None:
            fields["Content-Type"] = kind
        return self.ask("POST", path, body, fields, **kwargs)[0]

    def raw(self, data, more=(), timeout=20, half_close=True):
        """Send bytes as they are; all that comes back until the end."""
        with socket.create_connection(("127.0.0.1", PORT), timeout) as sock:
            # Who is refused may be cut off before all is sent.
            with contextlib.suppress(ConnectionError):
                sock.sendall(data)
                for block in more:
                    sock.sendall(block)
            with contextlib.suppress(OSError):
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            got = b""
            with contextlib.suppress(ConnectionError):
                while block := sock.recv(65536):
                    got += block
            return got


def statuses(answer):
    """Of all answers in these bytes."""
    return [int(status) for status in
            re.findall(rb"^HTTP/1\.1 (\d+) ", answer, re.MULTILINE)]


def certificate(directory, name="localhost", serial=1):
    """A new certificate and its key, whose files are replaced."""
    paths = pathlib.Path(directory) / "cert.pem", \
        pathlib.Path(directory) / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-set_serial", str(serial), "-out", str(paths[0]), "-keyout",
         str(paths[1])], check=True, capture_output=True, timeout=60)
    os.chown(paths[1], pwd.getpwnam(lab.USER).pw_uid, -1)
    return paths


def trusting(path, version=None):
    context = ssl.create_default_context(cafile=str(path))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class CollectorCase(IngestCase):
    def collector(self, start=True, **settings):
        made = Collector(**settings)
        self.addCleanup(self._finish_collector, made)
        return made.start() if start else made

    def _finish_collector(self, made):
        """No test passes over one that crashed or will not stop."""
        if made.process is not None:
            try:
                status = made.stop()
            except subprocess.TimeoutExpired:
                made.process.kill()
                made.process.wait()
                status = "nothing"
            if status != 0 and not getattr(made, "may_end", False):
                self.fail(f"SIGTERM ended it with {status}: "
                          + made.error_text())
        subprocess.run(["rm", "-rf", str(made.base)], check=True)

    def refusals(self):
        return [(int(fields["status"]), fields["reason"])
                for _, fields in self.logged() if fields["event"] == "refused"]


__all__ = ["COLLECTOR", "CollectorCase", "Collector", "GZIP", "JSON", "PATH", "PORT",
           "TOKEN", "certificate", "lab", "mails", "statuses", "trusting"]
