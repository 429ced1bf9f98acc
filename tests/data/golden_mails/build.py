"""What the golden mails are put together from.

Text is written with LF and becomes CRLF in message(). Nothing here depends on
the clock, on a random number or on the order of a dictionary.
"""
import base64 as _base64
import struct
import zlib

# The names of common/report/deviation.c in their order there, which is also the
# order of a "deviations" line.
DEVIATIONS = """
misspelled-content-type repeated-content-type no-multipart report-type-missing
media-type label-mismatch missing-mime-end base64-garbage trailing-bytes
byte-order-mark raw-control-character repeated-member lone-surrogate
nul-character number-out-of-range null-member wrong-type long-value
draft-member misnamed-member organization-name-missing report-id-missing
date-range-missing datetime-without-zone datetime-invalid date-range-reversed
policies-not-array policy-missing policy-type-missing policy-type-unknown
policy-string-not-array policy-domain-missing mx-host-not-array
summary-missing count-missing count-as-string count-invalid count-mismatch
failure-details-not-array result-type-missing result-type-unknown ip-invalid
foreign-domain
""".split()

GOLDEN = {}


def golden(name, eml, expect):
    """Register one mail with what must come out of it."""
    assert name not in GOLDEN, name
    assert isinstance(eml, bytes), name
    GOLDEN[name] = (eml, expect.encode())


def as_bytes(data):
    return data if isinstance(data, bytes) else data.encode()


def crlf(data):
    return as_bytes(data).replace(b"\n", b"\r\n")


def message(fields, body):
    """Header fields as text with LF; a body of text, or of bytes as is."""
    if not isinstance(body, bytes):
        body = crlf(body)
    return crlf(fields.strip("\n") + "\n\n") + body


def part(fields, body):
    """One part: its fields, a blank line, its body; the last LF is not its."""
    return crlf(fields.strip("\n") + "\n\n") + (
        body if isinstance(body, bytes) else crlf(body))


def multipart(boundary, *parts, closing="--%s--\r\n", preamble="",
              epilogue=""):
    """The body of a multipart. closing "" leaves the last delimiter out."""
    out = crlf(preamble)
    for p in parts:
        out += crlf("--%s\n" % boundary) + p + b"\r\n"
    if "%s" in closing:
        out += (closing % boundary).encode()
    return out + crlf(epilogue)


def base64(data, width=76):
    """Lines of width characters; the last has no line end."""
    digits = _base64.b64encode(as_bytes(data)).decode()
    return "\n".join(
        digits[i:i + width] for i in range(0, len(digits), width))


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(as_bytes(data)) + packer.flush()


def gzip(data, name=None, mtime=0):
    """One gzip member (RFC 1952), with a file name in it if one is given."""
    data = as_bytes(data)
    flags = 8 if name is not None else 0
    head = struct.pack("<BBBBLBB", 0x1f, 0x8b, 8, flags, mtime, 2, 3)
    if name is not None:
        head += name.encode() + b"\0"
    return head + deflate(data) + struct.pack(
        "<LL", zlib.crc32(data), len(data) & 0xffffffff)


class Member:
    """One member of a zip archive, compressed unless stored is said."""

    def __init__(self, name, data, flags=0, stored=False):
        self.name = name.encode()
        self.data = as_bytes(data)
        self.packed = self.data if stored else deflate(self.data)
        self.flags = flags
        self.method = 0 if stored else 8

    def fields(self):
        return struct.pack(
            "<HHHHHLLLHH", 20, self.flags, self.method, 0, 0x21,
            zlib.crc32(self.data), len(self.packed), len(self.data),
            len(self.name), 0)


def zip_archive(*members):
    """A zip archive (APPNOTE 4.3), date 1980-01-01."""
    out, directory = b"", b""
    for m in members:
        directory += b"PK\1\2" + struct.pack("<H", 20) + m.fields()
        directory += struct.pack("<HHHLL", 0, 0, 0, 0, len(out)) + m.name
        out += b"PK\3\4" + m.fields() + m.name + m.packed
    n = len(members)
    return out + directory + b"PK\5\6" + struct.pack(
        "<HHHHLLH", 0, 0, n, n, len(directory), len(out), 0)


def replace(text, *pairs):
    """Replace each old by new; each old must be there exactly once."""
    for old, new in pairs:
        assert text.count(old) == 1, (text.count(old), old)
        text = text.replace(old, new)
    return text


def deviations(*names):
    """The line that lists them, or nothing when there are none."""
    for name in names:
        assert name in DEVIATIONS, name
    if not names:
        return ""
    return "  deviations %s\n" % " ".join(sorted(names, key=DEVIATIONS.index))
