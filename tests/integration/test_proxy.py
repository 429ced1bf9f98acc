"""Web servers in front of tlsrpt-collector, as their files in conf/ have it."""

import gzip
import os
import re
import shutil
import subprocess
import time

from collectorcase import CollectorCase, GZIP, JSON, PATH, TOKEN, lab, mails
from domainca import Authority

HTTPS_PORT = 8443
NAME = "mta-sts.example.test"
CLIENT = "127.0.0.77"

# What is around the snippets. www-data is who serves on Debian.
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

APACHE_MODULES = ("mpm_event", "authz_core", "ssl", "headers", "proxy",
                  "proxy_http", "setenvif", "env", "socache_shmcb")
APACHE_CONF = """\
ServerRoot {base}
{modules}
PidFile {base}/apache.pid
User www-data
Group www-data
ErrorLog {base}/error.log
DefaultRuntimeDir {base}
Mutex fcntl
Listen 127.0.0.1:{port}
ServerName {name}
LogFormat "%h %u %t \\"%r\\" %>s" combined
Define APACHE_LOG_DIR {base}
<VirtualHost *:{port}>
    SSLEngine on
    SSLCertificateFile {cert}
    SSLCertificateKeyFile {key}
    Include {snippet}
</VirtualHost>
"""

CADDY_CONF = """\
{{
	admin off
	auto_https disable_redirects
}}
import {snippet}
"""
CADDY_SITE = """https://{name}:{port} {{
	bind 127.0.0.1
	tls {cert} {key}
	log {{
		output file {base}/access.log
	}}
"""


def find(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


class Front:
    """A real web server with its snippet, in front of a collector's socket."""

    CONF = SNIPPET = ""

    def __init__(self, collector, authority):
        self.collector = collector
        self.base = collector.base / "front"
        self.base.mkdir()
        self.base.chmod(0o755)
        made = authority.issue(NAME, [NAME])
        self.ca = authority.root.pem
        self.snippet = self.base / "snippet.conf"
        self.names = {"base": self.base, "port": HTTPS_PORT, "name": NAME,
                      "cert": made.file, "key": made.key,
                      "snippet": self.snippet}
        self.conf = self.base / "conf"
        self.conf.write_text(self.whole(), encoding="ascii")
        text = (lab.ROOT / "conf" / self.SNIPPET).read_text(encoding="utf-8")
        self.snippet.write_text(self.adapt(text), encoding="utf-8")
        self.process = None

    def whole(self):
        return self.CONF.format(**self.names)

    def adapt(self, text):
        """The snippet, with paths of our own."""
        path = "/run/tlsrpt-collector/http.sock"
        assert len(re.findall(path, re.sub("(?m)^ *#.*", "", text))) == 1
        return text.replace(path, str(self.collector.socket))

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.base / "stderr", "ab") as errors:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env={"PATH": os.environ["PATH"], "HOME": str(self.base)})
        lab.wait_until(self._is_ready, "the web server")
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError((self.base / "stderr").read_text())
        return self.curl(path="/nothing")[0] != 0

    def change(self, old, new):
        """Another snippet, with a restart."""
        text = self.snippet.read_text(encoding="utf-8")
        assert old in text
        self.snippet.write_text(text.replace(old, new), encoding="utf-8")
        self.stop()
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def access_log(self):
        path = self.base / "access.log"
        return path.read_text() if path.exists() else ""

    def curl(self, *words, path=PATH, data=b""):
        """(status, header and body) of what curl was told."""
        done = subprocess.run(
            ["curl", "-s", "-S", "-i", "-m", "60", "--http1.1", "--cacert",
             str(self.ca), "--interface", CLIENT, "--resolve",
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


class Nginx(Front):
    PROGRAM = find("nginx")
    CONF = NGINX_CONF
    SNIPPET = "nginx.conf"

    def command(self):
        return [self.PROGRAM, "-p", self.base, "-c", self.conf, "-e",
                self.base / "error.log"]


class Apache(Front):
    PROGRAM = find("apache2")
    CONF = APACHE_CONF
    SNIPPET = "apache.conf"

    def whole(self):
        self.names["modules"] = "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            "\n" for name in APACHE_MODULES)
        return super().whole()

    def adapt(self, text):
        """With the lines for its log."""
        text, count = re.subn(r"(?m)^#   (?=SetEnvIf|CustomLog)", "", text)
        assert count == 2
        return super().adapt(text)

    def command(self):
        return [self.PROGRAM, "-DFOREGROUND", "-f", self.conf]


class Caddy(Front):
    PROGRAM = find("caddy")
    CONF = CADDY_CONF
    SNIPPET = "Caddyfile"

    def adapt(self, text):
        site = "mta-sts.example.com {\n"
        assert text.count(site) == 1
        return super().adapt(
            text.replace(site, CADDY_SITE.format(**self.names)))

    def command(self):
        return [self.PROGRAM, "run", "--config", self.conf, "--adapter",
                "caddyfile"]


class Proxy:
    """What holds for all of them."""

    FRONT = None
    AWAY = 503
    TOO_LARGE = (413,)

    def setUp(self):
        super().setUp()
        if self.FRONT.PROGRAM is None:
            self.skipTest(f"{self.FRONT.__name__} is not installed")

    def pair(self, **settings):
        """A collector with the web server in front of it."""
        collector = self.collector(start=False)
        collector.configure(**{
            "Listen": f"unix:{collector.socket}", "ListenGroup": "www-data",
            "TrustedProxy": "unix", **settings})
        collector.is_ready = lambda: self.is_ready(collector)
        collector.start()
        front = self.FRONT(collector, Authority(collector.base / "ca"))
        self.addCleanup(front.stop)
        return collector, front.start()

    @staticmethod
    def is_ready(collector):
        """There is no port to ask."""
        try:
            return collector.get("/healthz", unix=True)[0] == 200
        except OSError:
            if collector.process.poll() is not None:
                raise AssertionError(collector.error_text()) from None
            return False

    def test_client_is_who_spoke_to_it(self):
        collector, front = self.pair()
        rep = mails.case_certificate()
        status, answer = front.post(gzip.compress(mails.text_of(rep)))
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
        collector, front = self.pair()
        status, answer = front.post(
            mails.text_of(mails.report()), "-H", "X-Forwarded-For: 192.0.2.1",
            "-H", "X-Forwarded-For: 192.0.2.2", "-H", "X-Remote-User: root",
            "-u", "root:secret", kind=JSON)
        self.assertEqual(status, 201, answer)
        record = collector.only_record()
        self.assertEqual((record["client"], record["auth"]), (CLIENT, "none"))

    def test_path_secret_stands_in_no_log(self):
        rep = mails.report()
        domain = rep["policies"][0]["policy"]["policy-domain"]
        collector, front = self.pair(PathSecret=f"{domain} {TOKEN}")
        status, _ = front.post(mails.text_of(rep), path=f"{PATH}/{TOKEN}",
                               kind=JSON)
        self.assertEqual(status, 201)
        self.assertEqual(collector.only_record()["auth"], "path")
        self.assertEqual(front.post(b"{}", path=f"{PATH}/{TOKEN}x")[0], 404)
        front.stop()
        self.assertNotIn(TOKEN, front.access_log())

    def test_large_body(self):
        """Over what is kept in memory."""
        collector, front = self.pair()
        rep = mails.report()
        rep["policies"] *= 20000
        body = mails.text_of(rep)
        self.assertGreater(len(body), 2 << 20)
        status, answer = front.post(body, kind=JSON)
        self.assertEqual(status, 201, answer)
        self.assertEqual(len(collector.only_record()["report"]["policies"]),
                         20000)

    def test_chunked(self):
        collector, front = self.pair()
        status, answer = front.post(
            gzip.compress(mails.text_of(mails.report())), "-H",
            "Transfer-Encoding: chunked")
        self.assertEqual(status, 201, answer)
        collector.only_record()

    def test_expect(self):
        """The web server says 100, and the body comes."""
        collector, front = self.pair()
        rep = mails.report()
        rep["policies"] *= 20000
        began = time.monotonic()
        status, answer = front.post(
            mails.text_of(rep), "-H", "Expect: 100-continue",
            "--expect100-timeout", "30", kind=JSON)
        self.assertEqual(status, 201, answer)
        self.assertIn(b"100 Continue", answer)
        self.assertLess(time.monotonic() - began, 25)
        collector.only_record()

    def test_too_large(self):
        """For the web server, whose limit is that of the default."""
        collector, front = self.pair()
        self.assertIn(front.post(bytes(33 << 20))[0], self.TOO_LARGE)
        self.assertEqual(collector.records(), [])

    def test_too_large_for_the_collector(self):
        collector, front = self.pair(MaxBodySize="10K")
        self.assertEqual(front.post(bytes(10241))[0], 413)
        self.assertEqual(front.post(os.urandom(10240))[0], 201)
        self.assertEqual(len(collector.unreadable()), 1)
        self.assertEqual(self.refusals(), [(413, "too-large")])

    def test_collector_is_away(self):
        """No success, so that the sender comes again; then it is back."""
        collector, front = self.pair()
        text = mails.text_of(mails.report())
        self.assertEqual(collector.stop(), 0)
        self.assertEqual(front.post(text)[0], self.AWAY)
        collector.start()
        self.assertEqual(front.post(text)[0], 201)


class ApacheProxy(Proxy, CollectorCase):
    FRONT = Apache


class CaddyProxy(Proxy, CollectorCase):
    FRONT = Caddy
    AWAY = 502
    # It may close the connection before curl has read its answer.
    TOO_LARGE = (413, 0)


class NginxProxy(Proxy, CollectorCase):
    FRONT = Nginx

    def test_it_says_when_to_come_again(self):
        collector, front = self.pair()
        self.assertEqual(collector.stop(), 0)
        status, answer = front.post(mails.text_of(mails.report()))
        self.assertEqual(status, 503)
        self.assertIn(b"\r\nRetry-After: 300\r\n", answer)
        collector.start()

    def test_nor_when_nginx_adds_to_it(self):
        """As many have it: $proxy_add_x_forwarded_for."""
        collector, front = self.pair()
        front.change("X-Forwarded-For $remote_addr",
                     "X-Forwarded-For $proxy_add_x_forwarded_for")
        status, answer = front.post(
            mails.text_of(mails.report()), "-H", "X-Forwarded-For: 192.0.2.1")
        self.assertEqual(status, 201, answer)
        self.assertEqual(collector.only_record()["client"], CLIENT)

    def test_whom_nginx_knows(self):
        """With auth_basic and $remote_user, such a report is auth=proxy."""
        collector, front = self.pair(RequireAuth="yes")
        done = subprocess.run(["openssl", "passwd", "-apr1", "secret"],
                              check=True, capture_output=True, timeout=20)
        users = front.base / "users"
        users.write_bytes(b"sender:" + done.stdout)
        front.change('X-Remote-User "";', "X-Remote-User $remote_user;\n"
                     f"auth_basic reports; auth_basic_user_file {users};")
        text = mails.text_of(mails.report())
        self.assertEqual(front.post(text, "-u", "sender:wrong")[0], 401)
        self.assertEqual(front.post(text, "-u", "sender:secret")[0], 201)
        self.assertEqual(collector.only_record()["auth"], "proxy")

    def test_without_buffering(self):
        """proxy_request_buffering off: the body comes as it is sent."""
        collector, front = self.pair(MaxBodySize="10K")
        front.change("proxy_request_buffering on",
                     "proxy_request_buffering off")
        text = mails.text_of(mails.report())
        for words in ((), ("-H", "Transfer-Encoding: chunked")):
            self.assertEqual(front.post(text, *words, kind=JSON)[0], 201)
        collector.only_record()
        self.assertEqual(front.post(bytes(20000))[0], 413)

    def test_rate_is_the_clients(self):
        _, front = self.pair(RatePerClient="3")
        text = mails.text_of(mails.report())
        self.assertEqual([front.post(text)[0] for _ in range(4)],
                         [201, 201, 201, 429])
        self.assertEqual(front.post(text, "--interface", "127.0.0.78")[0],
                         201)

    def test_nothing_else_is_reached(self):
        _, front = self.pair()
        self.assertEqual(front.curl(path="/healthz")[0], 404)
        status, page = front.curl()
        self.assertEqual(status, 200)
        self.assertIn(b"RFC 8460", page)
