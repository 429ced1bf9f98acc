"""A DKIM signer (RFC 6376, RFC 8463) that shares no code with the verifier.

Canonicalization is done here, keys and signatures by the openssl command.
"""

import base64
import hashlib
import re
import subprocess
import tempfile

BASE = ["From", "To", "Subject", "Date", "Message-ID"]


def _openssl(*args, data=None):
    done = subprocess.run(
        ("openssl",) + args, input=data, capture_output=True, timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (args, done.stderr.decode()))
    return done.stdout


def make_key(path, kind="rsa", bits=2048):
    """Write a new private key, PEM, to path: kind is rsa or ed25519."""
    if kind == "ed25519":
        _openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    else:
        _openssl(
            "genpkey", "-algorithm", "rsa", "-pkeyopt",
            "rsa_keygen_bits:%d" % bits, "-out", path,
        )
    return path


def is_ed25519(key):
    text = _openssl("pkey", "-in", key, "-noout", "-text")
    return b"ED25519" in text.upper()


def public_key(key):
    """p= of a private key's record, base64."""
    der = _openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    # RFC 8463, section 4.2: the 32 bytes alone, which DER ends with.
    return base64.b64encode(der[-32:] if is_ed25519(key) else der).decode()


def txt_record(key, **tags):
    """The TXT record of a key. Further tags by name: s="tlsrpt", t="y"."""
    parts = ["v=DKIM1", "k=ed25519" if is_ed25519(key) else "k=rsa"]
    parts += ["%s=%s" % (name, value) for name, value in tags.items()]
    return "; ".join(parts + ["p=" + public_key(key)])


def split(message):
    """A message's header fields, (name, text) as they stand, and its body."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return [(f.split(b":", 1)[0], f) for f in fields], body


def header_canon(kind, field):
    """A field without its final CRLF; RFC 6376, sections 3.4.1 and 3.4.2."""
    if kind == "simple":
        return field
    name, value = field.split(b":", 1)
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.strip().lower() + b":" + value.strip(b" ")


def body_canon(kind, body):
    """RFC 6376, sections 3.4.3 and 3.4.4."""
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    lines = body.split(b"\r\n")[:-1]
    if kind == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", x).rstrip(b" ") for x in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    if not lines:
        return b"\r\n" if kind == "simple" else b""
    return b"\r\n".join(lines) + b"\r\n"


def choose(fields, names):
    """The fields that h= names, each name from the bottom up; names may have
    folds around them."""
    left = list(fields)
    chosen = []
    for name in names:
        for i in range(len(left) - 1, -1, -1):
            if left[i][0].strip().lower() == name.strip().lower().encode():
                chosen.append(left.pop(i)[1])
                break
    return chosen


def _sign(key, data, algorithm):
    if algorithm.startswith("ed25519"):
        # The header's hash is what is signed (RFC 8463, section 3). openssl
        # wants it in a file, whose size it asks for.
        with tempfile.NamedTemporaryFile() as file:
            file.write(hashlib.sha256(data).digest())
            file.flush()
            return _openssl(
                "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", file.name
            )
    digest = "-sha1" if algorithm.endswith("sha1") else "-sha256"
    return _openssl("dgst", digest, "-sign", key, data=data)


def _fold(text):
    """Break a base64 value into folded lines."""
    return "\r\n\t".join(text[i:i + 66] for i in range(0, len(text), 66))


def field(message, domain, selector, key, headers=None,
          canon="relaxed/relaxed", x=None, t=None, l=None, i=None,
          a=None, extra=(), name="DKIM-Signature", bh=None):
    """The DKIM-Signature field of a message, CRLF throughout, as bytes.

    headers is what h= names, in order. l=True is the body's own length.
    extra are more tags, "name=value", ahead of bh=. a is the algorithm, by
    default that of the key with SHA-256. bh overrides the body hash.
    """
    fields, body = split(message)
    names = BASE if headers is None else headers
    algorithm = a or (
        "ed25519-sha256" if is_ed25519(key) else "rsa-sha256")
    head, _, tail = canon.partition("/")
    text = body_canon(tail or "simple", body)
    if l is True:
        l = len(text)
    if l is not None:
        text = text[:l]
    hashed = hashlib.new(algorithm.split("-")[1], text).digest()
    tags = ["v=1", "a=" + algorithm, "c=" + canon, "d=" + domain,
            "s=" + selector]
    for tag, value in (("i", i), ("t", t), ("x", x), ("l", l)):
        if value is not None:
            tags.append("%s=%s" % (tag, value))
    tags += ["h=" + ":".join(names)] + list(extra)
    tags += ["bh=" + (bh or base64.b64encode(hashed).decode()), "b="]
    unsigned = (name + ": " + ";\r\n\t".join(tags)).encode()
    data = b"".join(
        header_canon(head, f) + b"\r\n" for f in choose(fields, names)
    ) + header_canon(head, unsigned)
    signature = base64.b64encode(_sign(key, data, algorithm)).decode()
    return unsigned + _fold(signature).encode()


def sign(message, domain, selector, key, *args, **kwargs):
    """The message with its DKIM-Signature field on top; see field()."""
    message = re.sub(rb"\r?\n", b"\r\n", message)
    return field(message, domain, selector, key, *args, **kwargs) + \
        b"\r\n" + message
