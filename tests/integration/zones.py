"""Signed zones for the laboratory: a real unbound that serves zone files.

A zone is signed by ldns-signzone, so that whoever validates finds all there
has to be: DNSKEY, RRSIG, NSEC, and DS where a zone is delegated. What is
broken was made so afterwards:

    Zone(NAME)                      signed; the topmost is the trust anchor
    Zone(NAME, is_signed=False)     an unsigned delegation
    Zone(NAME, ds="wrong")          DS of a key that is not there
    Zone(NAME, ds=None)             signed, but no DS says so
    Zone(NAME, age=seconds)         all signatures expired so long ago (some
                                    days: validators allow for bad clocks)
    spoil(NAME, TYPE)               the signature of one record set is wrong
    Zones.fail(NAME)                SERVFAIL for it and all below
    Zones.silence(NAME)             no answer at all
"""

import base64
import pathlib
import re
import time

import dns
import lab

TTL = 300
DAY = 86400

LIMITS = """\
  max-udp-size: 1232
  msg-buffer-size: 65552
"""


class Zone:
    """A zone file, signed or not."""

    def __init__(self, name, is_signed=True, ds="right", age=0):
        self.name = dns.absolute(name)
        self.is_signed = is_signed
        self.ds = ds if is_signed else None
        self.age = age
        self._lines = []
        self._late = []
        self._spoilt = []

    @property
    def file(self):
        return self.name + "zone"

    def add(self, name, text):
        """A record at a name, type and data; names in it end in a dot."""
        self._lines.append(f"{dns.absolute(name)} {TTL} IN {text}\n")

    def add_late(self, name, text):
        """A record that is added after signing."""
        self._late.append(f"{dns.absolute(name)} {TTL} IN {text}\n")

    def spoil(self, name, rrtype):
        """After signing, alter the signature of one record set."""
        self._spoilt.append((dns.absolute(name), rrtype))

    def _between(self):
        """Records for names that are there only for those below them.

        As to what does not exist below such a name, unbound proves it for the
        one above it, and whoever validates calls that bogus.
        """
        names = {line.split()[0] for line in self._lines}
        parents = set()
        for name in names:
            while name.endswith("." + self.name):
                name = name.partition(".")[2]
                parents.add(name)
        return "".join(f'{name} {TTL} IN TXT "-"\n'
                       for name in sorted(parents - names - {self.name}))

    def write(self, directory):
        """Write and sign; returns DS records for the zone above."""
        plain = directory / self.file
        plain.write_text(dns.SOA.format(zone=self.name, ttl=TTL)
                         + "".join(self._lines) + self._between())
        return self._sign(directory, plain) if self.is_signed else ""

    def _sign(self, directory, plain):
        key = dns.tool(directory, "ldns-keygen", "-a", "ECDSAP256SHA256",
                       "-k", self.name)
        now = int(time.time())
        end = now - self.age if self.age else now + 30 * DAY
        # A validator forgives a tenth of the time between the two.
        dns.tool(directory, "ldns-signzone", "-o", self.name,
                 "-i", str(end - 60 * DAY), "-e", str(end),
                 "-f", self.file + ".signed", plain.name, key)
        signed = directory / (self.file + ".signed")
        text = signed.read_text()
        for name, rrtype in self._spoilt:
            text = self._alter(text, name, rrtype)
        plain.write_text(text + "".join(self._late))
        text = (directory / (key + ".ds")).read_text()
        return self._other_ds(text) if self.ds == "wrong" else text

    @staticmethod
    def _alter(text, name, rrtype):
        """One bit of a signature."""
        def turn(found):
            data = bytearray(base64.b64decode(found[2]))
            data[10] ^= 1
            return found[1] + base64.b64encode(data).decode()
        text, count = re.subn(
            rf"^({re.escape(name)}\t\d+\tIN\tRRSIG\t{rrtype} .* )(\S+)$",
            turn, text, flags=re.MULTILINE)
        if count != 1:
            raise lab.LabError(
                f"{count} signatures of {name} {rrtype} to spoil")
        return text

    @staticmethod
    def _other_ds(text):
        fields = text.split()
        return " ".join(fields[:-1] + [fields[-1][::-1]]) + "\n"


class Zones:
    """All zones of a module, the first of which is above the others."""

    def __init__(self, directory, zones):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)
        self.top = zones[0]
        self._zones = zones
        self._failing = []
        self._silent = []
        self._daemon = None
        self.port = dns.free_port()
        self.address = f"127.0.0.1@{self.port}"
        self.trust_anchor = self.directory / "trust-anchor"

    def add_zone(self, zone):
        self._zones.append(zone)

    def zone_of(self, name):
        """The zone that a name is in."""
        name = dns.absolute(name)
        return max((z for z in self._zones
                    if name == z.name or name.endswith("." + z.name)),
                   key=lambda z: len(z.name))

    def add(self, name, text):
        self.zone_of(name).add(name, text)

    def spoil(self, name, rrtype):
        self.zone_of(name).spoil(name, rrtype)

    def fail(self, name):
        self._failing.append(dns.absolute(name))

    def silence(self, name):
        self._silent.append(dns.absolute(name))

    def start(self):
        for zone in self._zones[1:]:
            self.top.add(zone.name, f"NS ns.{zone.name}")
            self.top.add(f"ns.{zone.name}", "A 127.0.0.1")
            ds = zone.write(self.directory)
            if zone.ds is not None:
                self.top.add(zone.name,
                             ds[ds.index("DS"):].strip().replace("\t", " "))
        for name in self._failing + self._silent:
            # Without it, that there is no such name would be proven.
            self.top.add(name, f"NS ns.{name}")
        self.trust_anchor.write_text(self.top.write(self.directory))
        self.trust_anchor.chmod(0o644)
        conf = self.directory / "unbound.conf"
        conf.write_text(self._text())
        self._daemon = dns.Unbound(conf, self.port)
        self._daemon.start()
        return self

    def _text(self):
        text = [dns.SERVER.format(directory=self.directory, port=self.port),
                LIMITS]
        text += [dns.TRANSPARENT.format(name=name) for name in
                 [z.name for z in self._zones] + self._failing]
        text += [f'  local-zone: "{name}" always_deny\n'
                 for name in self._silent]
        text += [dns.SERVED.format(name=zone.name, file=zone.file)
                 for zone in self._zones]
        text += [dns.FAILING.format(name=name) for name in self._failing]
        return "".join(text) + dns.CONTROL

    def stop(self):
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None
