"""A test CA, by the openssl command: certificates good and bad.

    Authority(DIRECTORY)            a root in the file root.pem, and below it
                                    intermediates, one of them expired
    issue(NAME, ...)                a certificate; returns a Certificate
"""

import datetime
import hashlib
import pathlib
import subprocess

import lab

CONF = """\
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = none
[any]
commonName = optional
"""

AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
LEAF = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature"

OTHER_ROOT = "other root"


def stamp(days):
    """So many days from now, as openssl ca takes it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(days=days, minutes=5)).strftime(
        "%Y%m%d%H%M%SZ")


class Certificate:
    """A key, a certificate and what a server sends: key and chain."""

    def __init__(self, directory, name, chain=()):
        self._base = pathlib.Path(directory) / name.replace(" ", "-")
        self.key = self._base.with_suffix(".key")
        self.pem = self._base.with_suffix(".pem")
        self.file = self._base.with_suffix(".chain")
        self.chain = list(chain)

    def write(self):
        """The file for a server: key, certificate, and the chain."""
        parts = [self.key, self.pem] + [c.pem for c in self.chain]
        self.file.write_text("".join(p.read_text() for p in parts))
        return self

    def _digest(self, *command):
        done = subprocess.run(["openssl", *command], check=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        return hashlib.sha256(done.stdout).hexdigest()

    @property
    def spki_sha256(self):
        """What a TLSA record with selector 1 and matching type 1 has."""
        return self._digest("pkey", "-in", str(self.key), "-pubout",
                            "-outform", "DER")

    @property
    def sha256(self):
        """With selector 0."""
        return self._digest("x509", "-in", str(self.pem), "-outform", "DER")


class Authority:
    """A root, and what it has signed."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        (self.directory / "conf").write_text(CONF)
        (self.directory / "index.txt").touch()
        self.root = self._make("Test Root", AUTHORITY, None, (-900, 900))
        self.other_root = self._make("Other Root", AUTHORITY, None,
                                     (-900, 900))
        self.intermediate = self._make("Test Intermediate", AUTHORITY,
                                       self.root, (-800, 800))
        self.expired = self._make("Expired Intermediate", AUTHORITY,
                                  self.root, (-800, -30))

    def _openssl(self, *args):
        done = subprocess.run(["openssl", *map(str, args)],
                              cwd=self.directory, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise lab.LabError(f"openssl {args[0]}: {done.stdout.decode()}")

    def _make(self, name, extensions, issuer, days, subject=None, rsa=False):
        made = Certificate(self.directory, name)
        request = made.key.with_suffix(".csr")
        kind = (["rsa:2048"] if rsa else
                ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        self._openssl("req", "-new", "-config", "conf", "-newkey", *kind,
                      "-nodes", "-keyout", made.key, "-out", request,
                      "-subj", f"/CN={subject or name}")
        file = made.key.with_suffix(".ext")
        file.write_text(extensions + "\n")
        signer = issuer or made
        by = ["-selfsign"] if issuer is None else ["-cert", issuer.pem]
        self._openssl("ca", "-config", "conf", "-batch", "-notext", *by,
                      "-keyfile", signer.key, "-extfile", file,
                      "-startdate", stamp(days[0]), "-enddate",
                      stamp(days[1]), "-in", request, "-out", made.pem)
        return made

    def issue(self, name, names=(), *, days=(-30, 60), issuer=None,
              chain=None, subject=None, rsa=False):
        """A certificate of a server.

        names: dNSNames, none for a certificate without SAN. days: from, to,
        against now. issuer: the intermediate, by default; "self" for a
        self-signed one. chain: what is sent behind it.
        """
        extensions = LEAF
        if names:
            extensions += "\nsubjectAltName=" + ",".join(
                f"DNS:{n}" for n in names)
        issuer = issuer or self.intermediate
        made = self._make(name, extensions,
                          None if issuer == "self" else issuer, days,
                          subject, rsa)
        if chain is None:
            chain = [] if issuer in ("self", self.root, self.other_root) \
                else [issuer]
        made.chain = list(chain)
        return made.write()
