"""nginx in front of tlsrpt-collector, as conf/nginx.conf has it."""

import gzip
import os
import re
import shutil
import subprocess
import time
import unittest

from collectorcase import CollectorCase, GZIP, JSON, PATH, TOKEN, lab, mails
from domainca import Authority

HTTPS_PORT = 8443
NAME = "mta-sts.example.test"
CLIENT = "127.0.0.77"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")

# What is around the snippet. www-data is who its workers are on Debian.
NGINX_CONF = """\
user www-data;
daemon off;
worker_processes 1;
pid {base}/nginx.pid;
error_log {base}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log {base}/access.log;
    client_body_temp_path {base}/body;
    proxy_temp_path {base}/proxy;
    fastcgi_temp_path {base}/fastcgi;
    uwsgi_temp_path {base}/uwsgi;
    scgi_temp_path {base}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name {name};
        ssl_certificate {cert};
        ssl_certificate_key {key};
        include {snippet};
    }}
}}
"""


class Nginx:
    """A real nginx with the snippet, in front of a collector's socket."""

    def __init__(self, collector, authority, extra=""):
        self.base = collector.base / "nginx"
        self.base.mkdir()
        self.base.chmod(0o755)
        made = authority.issue(NAME, [NAME])
        self.ca = authority.root.pem
        text = (lab.ROOT / "conf/nginx.conf").read_text(encoding="utf-8")
        socket = "unix:/run/tlsrpt-collector/http.sock;"
        assert text.count(socket) == 1
        text = text.replace(socket, f"unix:{collector.socket};{extra}")
        (self.base / "snippet.conf").write_text(text, encoding="utf-8")
        self.conf = self.base / "nginx.conf"
        self.conf.write_text(NGINX_CONF.format(
            base=self.base, port=HTTPS_PORT, name=NAME, cert=made.file, key=made.key,
            snippet=self.base / "snippet.conf"), encoding="ascii")
        self.process = None

    def start(self):
        with open(self.base / "stderr", "wb") as errors:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [NGINX, "-p", str(self.base), "-c", str(self.conf), "-e",
                 str(self.base / "error.log")],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        lab.wait_until(self._is_ready, "nginx")
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError((self.base / "stderr").read_text())
        return self.curl(path="/nothing")[0] == 404

    def change(self, old, new):
        """Another snippet, with a restart."""
        path = self.base / "snippet.conf"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.stop()
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def curl(self, *words, path=PATH, data=b""):
        """(status, header and body) of what curl was told."""
        done = subprocess.run(
            ["curl", "-s", "-S", "-i", "-m", "60", "--cacert", str(self.ca),
             "--interface", CLIENT, "--resolve",
             f"{NAME}:{HTTPS_PORT}:127.0.0.1", "-w", "\n%{http_code}",
             *map(str, words), f"https://{NAME}:{HTTPS_PORT}{path}"],
            input=data, capture_output=True, timeout=90, check=False)
        if done.returncode != 0:
            return 0, done.stderr
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def post(self, data, *words, kind=GZIP, **kwargs):
        return self.curl("--data-binary", "@-", "-H", f"Content-Type: {kind}",
                         *words, data=data, **kwargs)


@unittest.skipIf(NGINX is None, "nginx is not installed")
class Proxy(CollectorCase):
    def pair(self, extra="", **settings):
        """A collector with nginx in front of it."""
        collector = self.collector(start=False)
        collector.configure(**{
            "Listen": f"unix:{collector.socket}", "ListenGroup": "www-data",
            "TrustedProxy": "unix", **settings})
        collector.is_ready = lambda: self.is_ready(collector)
        collector.start()
        nginx = Nginx(collector, Authority(collector.base / "ca"), extra)
        self.addCleanup(nginx.stop)
        return collector, nginx.start()

    @staticmethod
    def is_ready(collector):
        """There is no port to ask."""
        try:
            return collector.get("/healthz", unix=True)[0] == 200
        except OSError:
            if collector.process.poll() is not None:
                raise AssertionError(collector.error_text()) from None
            return False

    def test_client_is_who_spoke_to_nginx(self):
        collector, nginx = self.pair()
        rep = mails.case_certificate()
        status, answer = nginx.post(gzip.compress(mails.text_of(rep)))
        self.assertEqual(status, 201, answer)
        queue_id = re.search(rb"Stored\. Id: ([0-9A-Z]+)\n", answer)[1]
        record = collector.only_record()
        self.assertEqual((record["report"], record["client"], record["auth"]),
                         (rep, CLIENT, "none"))
        found, fields = self.logged()[0]
        self.assertEqual(found, queue_id.decode())
        self.assertEqual((fields["client"], fields["auth"]),
                         (CLIENT, "none"))

    def test_what_a_stranger_says_of_himself_is_not_believed(self):
        collector, nginx = self.pair()
        status, answer = nginx.post(
            mails.text_of(mails.report()), "-H", "X-Forwarded-For: 192.0.2.1",
            "-H", "X-Forwarded-For: 192.0.2.2", "-H", "X-Remote-User: root",
            "-u", "root:secret", kind=JSON)
        self.assertEqual(status, 201, answer)
        record = collector.only_record()
        self.assertEqual((record["client"], record["auth"]), (CLIENT, "none"))

    def test_nor_when_nginx_adds_to_it(self):
        """As many have it: $proxy_add_x_forwarded_for."""
        collector, nginx = self.pair()
        nginx.change("X-Forwarded-For $remote_addr",
                     "X-Forwarded-For $proxy_add_x_forwarded_for")
        status, answer = nginx.post(
            mails.text_of(mails.report()), "-H", "X-Forwarded-For: 192.0.2.1")
        self.assertEqual(status, 201, answer)
        self.assertEqual(collector.only_record()["client"], CLIENT)

    def test_whom_nginx_knows(self):
        """With auth_basic and $remote_user, such a report is auth=proxy."""
        collector, nginx = self.pair(RequireAuth="yes")
        done = subprocess.run(["openssl", "passwd", "-apr1", "secret"],
                              check=True, capture_output=True, timeout=20)
        users = nginx.base / "users"
        users.write_bytes(b"sender:" + done.stdout)
        nginx.change('X-Remote-User "";', "X-Remote-User $remote_user;\n"
                     f"auth_basic reports; auth_basic_user_file {users};")
        text = mails.text_of(mails.report())
        self.assertEqual(nginx.post(text, "-u", "sender:wrong")[0], 401)
        self.assertEqual(nginx.post(text, "-u", "sender:secret")[0], 201)
        self.assertEqual(collector.only_record()["auth"], "proxy")

    def test_path_secret_stands_in_no_log_of_nginx(self):
        rep = mails.report()
        domain = rep["policies"][0]["policy"]["policy-domain"]
        collector, nginx = self.pair(PathSecret=f"{domain} {TOKEN}")
        status, _ = nginx.post(mails.text_of(rep), path=f"{PATH}/{TOKEN}",
                               kind=JSON)
        self.assertEqual(status, 201)
        self.assertEqual(collector.only_record()["auth"], "path")
        self.assertEqual(nginx.post(b"{}", path=f"{PATH}/{TOKEN}x")[0], 404)
        nginx.stop()
        self.assertNotIn(TOKEN, (nginx.base / "access.log").read_text())

    def test_large_body(self):
        """Over what nginx keeps in memory."""
        collector, nginx = self.pair()
        rep = mails.report()
        rep["policies"] *= 20000
        body = mails.text_of(rep)
        self.assertGreater(len(body), 2 << 20)
        status, answer = nginx.post(body, kind=JSON)
        self.assertEqual(status, 201, answer)
        self.assertEqual(len(collector.only_record()["report"]["policies"]),
                         20000)

    def test_chunked(self):
        collector, nginx = self.pair()
        status, answer = nginx.post(
            gzip.compress(mails.text_of(mails.report())), "-H",
            "Transfer-Encoding: chunked", "--http1.1")
        self.assertEqual(status, 201, answer)
        collector.only_record()

    def test_expect(self):
        """nginx says 100, and the body comes."""
        collector, nginx = self.pair()
        rep = mails.report()
        rep["policies"] *= 20000
        began = time.monotonic()
        status, answer = nginx.post(
            mails.text_of(rep), "-H", "Expect: 100-continue", "--http1.1",
            "--expect100-timeout", "30", kind=JSON)
        self.assertEqual(status, 201, answer)
        self.assertIn(b"100 Continue", answer)
        self.assertLess(time.monotonic() - began, 25)
        collector.only_record()

    def test_too_large(self):
        """By nginx, whose limit is that of the default configuration."""
        collector, nginx = self.pair()
        self.assertEqual(nginx.post(bytes(33 << 20))[0], 413)
        self.assertEqual(collector.records(), [])

    def test_too_large_for_the_collector(self):
        collector, nginx = self.pair(MaxBodySize="10K")
        self.assertEqual(nginx.post(bytes(10241))[0], 413)
        self.assertEqual(nginx.post(os.urandom(10240))[0], 201)
        self.assertEqual(len(collector.unreadable()), 1)
        self.assertEqual(self.refusals(), [(413, "too-large")])

    def test_without_buffering(self):
        """proxy_request_buffering off: the body comes as it is sent."""
        collector, nginx = self.pair(MaxBodySize="10K")
        nginx.change("proxy_request_buffering on",
                     "proxy_request_buffering off")
        text = mails.text_of(mails.report())
        for words in ((), ("-H", "Transfer-Encoding: chunked", "--http1.1")):
            self.assertEqual(nginx.post(text, *words, kind=JSON)[0], 201)
        collector.only_record()
        self.assertEqual(nginx.post(bytes(20000))[0], 413)

    def test_rate_is_the_clients(self):
        _, nginx = self.pair(RatePerClient="3")
        text = mails.text_of(mails.report())
        self.assertEqual([nginx.post(text)[0] for _ in range(4)],
                         [201, 201, 201, 429])
        self.assertEqual(nginx.post(text, "--interface", "127.0.0.78")[0],
                         201)

    def test_collector_is_away(self):
        """503 and Retry-After, and then it is back."""
        collector, nginx = self.pair()
        text = mails.text_of(mails.report())
        self.assertEqual(collector.stop(), 0)
        status, answer = nginx.post(text)
        self.assertEqual(status, 503)
        self.assertIn(b"\r\nRetry-After: 300\r\n", answer)
        collector.start()
        self.assertEqual(nginx.post(text)[0], 201)

    def test_nothing_else_is_reached(self):
        _, nginx = self.pair()
        self.assertEqual(nginx.curl(path="/healthz")[0], 404)
        status, page = nginx.curl()
        self.assertEqual(status, 200)
        self.assertIn(b"RFC 8460", page)
