"""DNS for the laboratory: a real unbound with names that answer in every way.

It runs in the foreground from a configuration in a directory of its own, on a
port of 127.0.0.1, by UDP and TCP:

    TXT records           as given, and changed with set()
    fail(NAME)            SERVFAIL for it and all below
    refuse(NAME)          REFUSED
    silence(NAME)         no answer at all
    delay(NAME, seconds)  answers after a while (a relay between two unbounds)
    tamper(NAME)          below the signed zone: altered after signing

What is not named does not exist (NXDOMAIN). Answers that exceed 512 bytes are
truncated by UDP. With a signed zone, its trust anchor is in the file
trust_anchor.
"""

import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import lab

TTL = 60

SERVER = """\
server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1
  port: {port}
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "." static
"""

# What is longer is truncated, and what is slow is waited for.
LIMITS = """\
  max-udp-size: 512
  infra-cache-min-rtt: 20000
  infra-cache-max-rtt: 40000
"""

# A secondary that has never reached its primary.
FAILING = """\
auth-zone:
  name: "{name}"
  primary: 127.0.0.1@1
  for-downstream: yes
  for-upstream: no
"""

# An auth-zone is asked when no local zone knows better.
TRANSPARENT = '  local-zone: "{name}" always_transparent\n'

SERVED = """\
auth-zone:
  name: "{name}"
  zonefile: "{file}"
  for-downstream: yes
  for-upstream: no
"""

CONTROL = """\
remote-control:
  control-enable: no
"""

SOA = ("{zone} {ttl} IN SOA ns.{zone} hostmaster.{zone} 1 3600 900 604800 60\n"
       "{zone} {ttl} IN NS ns.{zone}\n"
       "ns.{zone} {ttl} IN A 127.0.0.1\n")


def absolute(name):
    return name.lower().rstrip(".") + "."


def quote(value):
    """A value as strings of at most 255 bytes (RFC 1035, section 3.3.14)."""
    data = value if isinstance(value, bytes) else value.encode()
    pieces = [data[i:i + 255] for i in range(0, len(data), 255)] or [b""]
    return " ".join('"' + "".join(
        chr(c) if 32 <= c < 127 and c not in b"\"\\'" else f"\\{c:03d}"
        for c in piece) + '"' for piece in pieces)


def tool(directory, *args):
    """What one of ldnsutils says, run in a directory."""
    try:
        done = subprocess.run(args, cwd=directory, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise lab.LabError(f"{args[0]} is not there: "
                           "install ldnsutils") from error
    if done.returncode != 0:
        raise lab.LabError(f"{args[0]}: {done.stderr.decode()}")
    return done.stdout.decode().strip()


def free_port():
    """A port that is free by UDP and by TCP."""
    while True:
        with socket.socket() as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


class Relay:
    """Hands datagrams to another port and the answers back, later."""

    def __init__(self, port, seconds):
        self._seconds = seconds
        self._server = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        # An empty datagram ends it; a blocked receive would outlive close().
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))

    def _run(self):
        with self._socket:
            while True:
                data, peer = self._socket.recvfrom(65535)
                if not data:
                    return
                threading.Thread(target=self._serve, args=(data, peer),
                                 daemon=True).start()

    def _serve(self, data, peer):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \
                contextlib.suppress(OSError):
            s.settimeout(lab.PATIENCE)
            s.sendto(data, self._server)
            answer = s.recv(65535)
            time.sleep(self._seconds)
            self._socket.sendto(answer, peer)


class Unbound:
    """One daemon, in the foreground."""

    def __init__(self, conf, port):
        self._conf = conf
        self._errors = conf.with_suffix(".log")
        self._process = None
        self.port = port

    def start(self):
        with open(self._errors, "wb") as errors:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                [shutil.which("unbound") or "/usr/sbin/unbound",
                 "-d", "-c", str(self._conf)],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        lab.wait_until(self._is_ready, f"nameserver ({self._conf})")

    def _is_ready(self):
        text = self._errors.read_text(errors="backslashreplace")
        if self._process.poll() is not None:
            raise lab.LabError("unbound ended: " + text)
        return "start of service" in text

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Dns:
    """A nameserver, and a second one behind a relay for what is slow."""

    def __init__(self, directory, records=None, signed_zone=None, port=None):
        """records: {name: value or list of values}, TXT; a value is text or
        bytes and may be long. Those below signed_zone are signed."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)
        self.port = port or free_port()
        self.address = f"127.0.0.1@{self.port}"
        self.signed_zone = signed_zone and absolute(signed_zone)
        self.trust_anchor = self.directory / "trust-anchor"
        self._key = None
        self._records = {}
        self._zones = {}
        self._delays = {}
        self._tampered = set()
        self._relays = []
        self._daemons = []
        self._is_running = False
        self.set(records or {})

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # What it says; a server that runs says it at once.

    def set(self, records):
        """Add or replace TXT records; None removes a name."""
        for name, values in records.items():
            if values is None:
                self._records.pop(absolute(name), None)
            else:
                self._records[absolute(name)] = (
                    values if isinstance(values, list) else [values])
        self._reload()

    def fail(self, name):
        self._zone(name, "servfail")

    def refuse(self, name):
        self._zone(name, "always_refuse")

    def silence(self, name):
        self._zone(name, "always_deny")

    def delay(self, name, seconds):
        """Answers for name and below come after so many seconds."""
        self._delays[absolute(name)] = seconds
        self._reload()

    def tamper(self, name):
        """Alter the record of a name in the signed zone, but no signature."""
        self._tampered.add(absolute(name))
        self._reload()

    def heal(self, name):
        """Undo what was done to a name."""
        self._zones.pop(absolute(name), None)
        self._delays.pop(absolute(name), None)
        self._tampered.discard(absolute(name))
        self._reload()

    def _zone(self, name, kind):
        self._zones[absolute(name)] = kind
        self._reload()

    # Life and death.

    def start(self):
        self._is_running = True
        slow = self._write_slow()
        conf = self.directory / "unbound.conf"
        conf.write_text(self._main_text(slow))
        self._run(Unbound(conf, self.port))
        return self

    def stop(self):
        for thing in self._daemons:
            thing.stop()
        for relay in self._relays:
            relay.close()
        self._daemons, self._relays = [], []
        self._is_running = False

    def _run(self, daemon):
        self._daemons.append(daemon)
        daemon.start()

    def _reload(self):
        """A restart loses no more than what is under way, and no cache."""
        if self._is_running:
            self.stop()
            self.start()

    # Configurations.

    def _is_below(self, name, zones):
        return any(name == z or name.endswith("." + z) for z in zones)

    def _is_signed(self, name):
        return bool(self.signed_zone) and \
            self._is_below(name, [self.signed_zone])

    def _local_data(self, wants):
        return "".join(
            f"  local-data: '{name} {TTL} IN TXT {quote(value)}'\n"
            for name, values in self._records.items() if wants(name)
            for value in values)

    def _write_slow(self):
        """The second server, and a relay to it for each delay."""
        if not self._delays:
            return {}
        port = free_port()
        conf = self.directory / "slow.conf"
        conf.write_text(
            SERVER.format(directory=self.directory, port=port) + LIMITS
            + self._local_data(lambda n: self._is_below(n, self._delays))
            + CONTROL)
        self._run(Unbound(conf, port))
        ports = {}
        for name, seconds in self._delays.items():
            relay = Relay(port, seconds)
            self._relays.append(relay)
            ports[name] = relay.port
        return ports

    def _main_text(self, slow):
        text = [SERVER.format(directory=self.directory, port=self.port),
                LIMITS]
        text += [f'  local-zone: "{name}" {kind}\n'
                 for name, kind in self._zones.items() if kind != "servfail"]
        text += [TRANSPARENT.format(name=name) for name in slow]
        text.append(self._local_data(
            lambda n: not self._is_below(n, slow) and not self._is_signed(n)))
        text += [FAILING.format(name=name)
                 for name, kind in self._zones.items() if kind == "servfail"]
        text += [f'forward-zone:\n  name: "{name}"\n'
                 f"  forward-addr: 127.0.0.1@{port}\n"
                 for name, port in slow.items()]
        if self.signed_zone:
            self._sign()
            text.append(SERVED.format(name=self.signed_zone, file="signed"))
        exempt = [n for n, kind in self._zones.items() if kind == "servfail"]
        if self.signed_zone:
            exempt.append(self.signed_zone)
        text[1:1] = [TRANSPARENT.format(name=name) for name in exempt]
        return "".join(text) + CONTROL

    # The signed zone.

    def _sign(self):
        if self._key is None:
            self._key = tool(self.directory, "ldns-keygen", "-a", "RSASHA256",
                             "-b", "2048", "-k", self.signed_zone)
            shutil.copy(self.directory / (self._key + ".ds"),
                        self.trust_anchor)
            self.trust_anchor.chmod(0o644)
        (self.directory / "zone").write_text(
            SOA.format(zone=self.signed_zone, ttl=TTL) + "".join(
                f"{name} {TTL} IN TXT {quote(value)}\n"
                for name, values in self._records.items()
                if self._is_signed(name) for value in values))
        tool(self.directory, "ldns-signzone", "-n", "-f", "signed", "zone",
             self._key)
        signed = self.directory / "signed"
        text = signed.read_text()
        for name in self._tampered:
            text, count = re.subn(
                rf'^({re.escape(name)}\t\d+\tIN\tTXT\t".*?)(.)"$',
                lambda m: m[1] + ("x" if m[2] != "x" else "y") + '"',
                text, flags=re.MULTILINE)
            if count != 1:
                raise lab.LabError(f"{count} records of {name} to tamper with")
        signed.write_text(text)
