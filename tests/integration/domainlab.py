"""Whole domains for "tlsrpt diagnose": DNS with DNSSEC, HTTPS, and MX hosts.

A Lab is furnished, then started once for a module:

    smtpd(NAME, certificate)    a service of a private Postfix on port 25 of an
                                address of its own
    script(NAME, function)      the same for what no Postfix does
    silent(NAME)                an address where no connection comes about
    domain(NAME, mx=..., policy=...)
                                a domain with these MX hosts, and an MTA-STS
                                policy or whatever its web server does

A host NAME has three names in DNS: NAME.mx.test, in the signed zone;
NAME.dane.test, for TLSA records, and NAME.plain.test, in a zone that is not
signed. Certificates are for all three if nothing else is asked for.
"""

import concurrent.futures
import contextlib
import errno
import fcntl
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import domainca
import lab
import zones

SUFFIXES = ("mx.test", "dane.test", "plain.test")
WEB = "127.0.0.80"
NOBODY = "127.0.0.99"  # nothing listens there
MX_PORT = 25
WEEK = 604800

CONF = """\
inet_protocols = all
tls_random_source = dev:/dev/urandom
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
smtpd_client_auth_rate_limit = 0
"""


def add_ipv6(address):
    """Give the loopback interface one more address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sIi",
                              socket.inet_pton(socket.AF_INET6, address), 128,
                              socket.if_nametoindex("lo"))
        try:
            fcntl.ioctl(s, 0x8916, request)  # SIOCSIFADDR
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise


def listen(address, port, backlog=64):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(backlog)
    return s


class Server:
    """Accepts, and gives each connection to a function in a thread."""

    def __init__(self, address, port, function):
        self._function = function
        self._is_closing = threading.Event()
        self._socket = listen(address, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._is_closing.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,),
                             daemon=True).start()

    def _serve(self, peer):
        peer.settimeout(lab.PATIENCE)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # ssl.SSLError is an OSError; ValueError: one closed meanwhile.
        with peer, contextlib.suppress(OSError, ValueError):
            self._function(peer)

    def close(self):
        self._is_closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Silence:
    """A port with a full queue: whoever connects gets no answer."""

    def __init__(self, address, port):
        self._sockets = [listen(address, port, 0)]
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((address, port))
            self._sockets.append(s)

    def close(self):
        for s in self._sockets:
            s.close()


# SMTP that no Postfix speaks ----------------------------------------------

def drip(peer, data, pause=1.0):
    """One byte at a time."""
    for byte in data:
        peer.sendall(bytes([byte]))
        time.sleep(pause)


def wait_closed(peer):
    """Until the other side gives up."""
    while peer.recv(65536):
        pass


def until_starttls(peer, greeting=b"220 mx.test ESMTP\r\n"):
    """Be ordinary up to STARTTLS, which is not answered yet."""
    peer.sendall(greeting)
    with peer.makefile("rb") as lines:
        for line in lines:
            verb = line[:4].upper()
            if verb == b"EHLO":
                peer.sendall(b"250-mx.test\r\n250-SIZE 1000\r\n"
                             b"250-STARTTLS\r\n250 8BITMIME\r\n")
            elif verb == b"STAR":
                return
            elif verb == b"QUIT":
                peer.sendall(b"221 bye\r\n")
                raise OSError("quit")
            else:
                peer.sendall(b"250 ok\r\n")
    raise OSError("closed")


def replies(*data):
    """A server that greets, is ordinary up to STARTTLS, and then says this."""
    def serve(peer):
        until_starttls(peer)
        for piece in data:
            peer.sendall(piece)
        wait_closed(peer)
    return serve


def greets(data, is_closing=False):
    """A server that says this at once, and no more."""
    def serve(peer):
        peer.sendall(data)
        if not is_closing:
            wait_closed(peer)
    return serve


def closes(after=b"220 ready\r\n"):
    """A server that closes the connection instead of a handshake."""
    def serve(peer):
        until_starttls(peer)
        peer.sendall(after)
    return serve


def tls(certificate, prepare=None):
    """A server with a certificate, in Python's own TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file)
    if prepare:
        prepare(context)

    def serve(peer):
        until_starttls(peer)
        peer.sendall(b"220 ready\r\n")
        with context.wrap_socket(peer, server_side=True) as secured:
            with secured.makefile("rb") as lines:
                for line in lines:
                    if line[:4].upper() == b"QUIT":
                        secured.sendall(b"221 bye\r\n")
                        return
                    secured.sendall(b"250 mx.test\r\n")
    return serve


# The web server -----------------------------------------------------------

def policy(mx, mode="enforce", max_age=WEEK, more=""):
    """A policy file."""
    return ("version: STSv1\r\n" f"mode: {mode}\r\n"
            + "".join(f"mx: {m}\r\n" for m in mx)
            + f"max_age: {max_age}\r\n{more}")


def http(text, status="200 OK", kind="text/plain", fields="", length=None):
    """A web server that answers so."""
    data = text.encode() if isinstance(text, str) else text
    head = f"HTTP/1.1 {status}\r\n"
    if kind:
        head += f"Content-Type: {kind}\r\n"
    if length is not False:
        head += f"Content-Length: {length or len(data)}\r\n"
    head += f"{fields}Connection: close\r\n\r\n"
    return lambda peer: peer.sendall(head.encode() + data)


def endless(head, piece, pause=0.0):
    """A web server that never comes to an end."""
    def serve(peer):
        peer.sendall(head)
        while True:
            peer.sendall(piece)
            time.sleep(pause)
    return serve


HTTP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

# Where a policy would be: each way in which an answer can have no end.
ENDLESS = {
    "body": endless(HTTP_HEAD + b"\r\n", b"x" * 65536),
    "lines": endless(HTTP_HEAD + b"\r\n", b"mx: good.mx.test\r\n" * 4096),
    "chunks": endless(HTTP_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                      b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "head": endless(HTTP_HEAD, b"X-Filler: " + b"x" * 4096 + b"\r\n"),
    "info": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "drip": endless(HTTP_HEAD + b"\r\n", b"x", 0.2),
}


class Web:
    """HTTPS for all policy hosts, which SNI tells apart."""

    def __init__(self, address):
        self._address = address
        self._behaviours = {}
        self._contexts = {}
        self._server = None
        self.seen = []  # names and first lines of requests

    def add(self, host, behaviour, certificate):
        self._behaviours[host] = behaviour
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file)
        self._contexts[host] = context

    def start(self):
        # SNI chooses a context whose certificate replaces that of the first.
        self._server = Server(self._address, 443, self._serve)

    def _serve(self, peer):
        chosen = []

        def choose(secured, name, _):
            if name not in self._contexts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            chosen.append(name)
            secured.context = self._contexts[name]
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = choose
        with context.wrap_socket(peer, server_side=True) as secured:
            request = b""
            while b"\r\n\r\n" not in request:
                data = secured.recv(4096)
                if not data:
                    return
                request += data
            self.seen.append((chosen[0], request.split(b"\r\n")[0].decode()))
            self._behaviours[chosen[0]](secured)

    def close(self):
        if self._server is not None:
            self._server.close()


# The command --------------------------------------------------------------

# The memory of a program is reckoned from what its process had before exec(2)
# on, and that of a test is large. This begins small.
LAUNCHER = """\
import os, sys
place = int(sys.argv[1])
os.set_inheritable(place, False)
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(place, b"%d" % (usage.ru_maxrss * 1024))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


class Outcome:
    """What a run of the command came to."""

    def __init__(self, args, status, out, err, seconds):
        self.args = args
        self.status = status
        self.out = out
        self.err = err
        self.seconds = seconds
        self.memory = None  # at most, in bytes; where it was asked for

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return (f"{' '.join(self.args)}\nended with {self.status} after "
                f"{self.seconds:.2f} s\n{self.out}{self.err}")


def run(args, timeout=lab.PATIENCE, **kwargs):
    """Run a program, and know how long it took."""
    args = [str(a) for a in args]
    began = time.monotonic()
    with subprocess.Popen(args, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True, **kwargs) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            # What it has started, too, if it did not come to an end.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Outcome(args, process.returncode, out.decode(), err.decode(),
                   time.monotonic() - began)


def run_measured(args, **kwargs):
    """The same, and the memory that it took."""
    read, write = os.pipe()
    with open(read, "rb") as answer:
        try:
            outcome = run([sys.executable, "-I", "-S", "-c", LAUNCHER, write,
                           *args], pass_fds=[write], **kwargs)
        finally:
            os.close(write)
        outcome.memory = int(answer.read())
    return outcome


# All of it ----------------------------------------------------------------

class Lab:
    """Furnish it, then start() it; stop() leaves nothing running."""

    def __init__(self, base):
        self.base = pathlib.Path(base)
        self.base.mkdir(parents=True, exist_ok=True)
        self.ca = domainca.Authority(self.base / "ca")
        self.plain = zones.Zone("plain.test", is_signed=False)
        self.zones = zones.Zones(self.base / "zones",
                                 [zones.Zone("test"), self.plain])
        self.web = Web(WEB)
        self.certificates = {}
        self._web_names = []
        self._policies = []
        self._servers = []
        self._services = []
        self._numbers = {}
        self.addresses = {}  # the first of each host
        self._postfix = None

    def add_zone(self, name, **kwargs):
        """One more zone below test; see zones.Zone."""
        self.zones.add_zone(zones.Zone(name, **kwargs))

    # Hosts

    def names(self, name):
        return [f"{name}.{suffix}" for suffix in SUFFIXES]

    def certificate(self, name, names=None, **kwargs):
        """Make one; names: those of the host, unless others are given."""
        made = self.ca.issue(
            name, self.names(name) if names is None else names, **kwargs)
        self.certificates[name] = made
        return made

    def address(self, name, family=4, address=None):
        """A new address, that the host has in DNS."""
        if address is None:
            number = self._numbers[family] = self._numbers.get(family, 0) + 1
            address = (f"127.0.1.{number}" if family == 4
                       else f"fd00::{number:x}")
            if family == 6:
                add_ipv6(address)
        self.addresses.setdefault(name, address)
        for host in self.names(name):
            self.zones.add(host, f"{'A' if family == 4 else 'AAAA'} {address}")
        return address

    def smtpd(self, name, *certificates, family=4, **options):
        """A service of Postfix; without a certificate it has no TLS, with
        several they are of different keys."""
        address = self.address(name, family)
        options = {"myhostname": f"{name}.mx.test", **options}
        if certificates:
            options["smtpd_tls_chain_files"] = ", ".join(
                str(c.file) for c in certificates)
        else:
            options.setdefault("smtpd_tls_security_level", "none")
        where = f"[{address}]" if family == 6 else address
        self._services.append(
            f"{where}:{MX_PORT} inet n - n - - smtpd\n"
            + "".join(f"  -o {{ {key} = {value} }}\n"
                      for key, value in options.items()))

    def script(self, name, function):
        """A server that is a function of the connection."""
        address = self.address(name)
        self._servers.append(
            lambda: Server(address, MX_PORT, function))

    def silent(self, name):
        address = self.address(name)
        self._servers.append(lambda: Silence(address, MX_PORT))

    def tlsa(self, host, *records):
        """TLSA records of a host, each "3 1 1 abcdef..."."""
        for record in records:
            self.zones.add(f"_{MX_PORT}._tcp.{host}", f"TLSA {record}")

    # Domains

    def domain(self, name, mx=(), sts=None, certificate=None, record=None,
               web=WEB, records=()):
        """A domain. mx: names, or "PREFERENCE NAME". sts: the text of the
        policy file or what the web server does; certificate: its own, if it
        is not one that is good. record: the TXT record, if not a good one;
        web: the address of the policy host. records: others, as (owner,
        text)."""
        for number, host in enumerate(mx):
            host = host if " " in host else f"{10 * (number + 1)} {host}"
            self.zones.add(name, f"MX {host.rstrip('.')}.")
        for owner, text in records:
            self.zones.add(owner, text)
        if sts is None:
            return
        for text in (record if isinstance(record, (list, tuple))
                     else [record or "v=STSv1; id=20260101T000000;"]):
            self.zones.add(f"_mta-sts.{name}", f'TXT "{text}"')
        host = f"mta-sts.{name}"
        if web:
            self.zones.add(host, f"A {web}")
        if certificate is None:
            self._web_names.append(host)
        self._policies.append(
            (host, sts if callable(sts) else http(sts), certificate))

    # Life and death

    def start(self):
        good = self.ca.issue("web", self._web_names or ["mta-sts.test"])
        for host, behaviour, certificate in self._policies:
            self.web.add(host, behaviour, certificate or good)
        try:
            self.zones.start()
            self.web.start()
            self._servers = [make() for make in self._servers]
            self._start_postfix()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_postfix(self):
        if not self._services:
            return
        self._postfix = lab.Postfix(self.base / "postfix", [], extra=CONF)
        master = self._postfix.etc / "master.cf"
        with open(master, "a", encoding="utf-8") as file:
            file.write("".join(self._services))
        os.utime(master, (time.time() - 60, time.time() - 60))
        self._postfix.start()
        # Without its log it would hang before long, and not say why.
        lab.wait_until(lambda: "daemon started" in self.maillog(),
                       "Postfix in " + str(self._postfix.log))

    def postfix_environ(self):
        """For Postfix's own commands."""
        return {**os.environ, "MAIL_CONFIG": str(self._postfix.etc)}

    def maillog(self):
        return self._postfix.maillog() if self._postfix else ""

    def stop(self):
        if self._postfix is not None:
            self._postfix.stop()
            self._postfix = None
        for server in self._servers:
            if hasattr(server, "close"):
                server.close()
        self._servers = []
        self.web.close()
        self.zones.stop()

    # What is tested

    def diagnose(self, domain, *args, how=run):
        """Run tlsrpt diagnose on a domain of this laboratory."""
        return how([lab.TLSRPT, "diagnose", "--resolver", self.zones.address,
                    "--trust-anchor", self.zones.trust_anchor,
                    "--ca-file", self.ca.root.pem, *args, domain])

    def diagnose_twice(self, domain, *args, **kwargs):
        """As text and as JSON, at the same time; returns both outcomes."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(
                lambda form: self.diagnose(domain, *form, *args, **kwargs),
                ((), ("--format=json",))))
