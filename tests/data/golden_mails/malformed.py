"""Mails that claim to hold a report that cannot be read, for each reason."""
from .build import (Member, base64, golden, gzip, message, multipart, part,
                    replace, zip_archive)
from .standard import (FIELDS, FILE_NAME, GZIP_PART, HEAD, NOTE, TEXT, TOP,
                       labelled, report, with_gzip, with_json)


def malformed(name, reason, eml, limits=""):
    golden("malformed-" + name, eml,
           limits + HEAD + "malformed %s\n" % reason)


def damaged_gzip():
    data = gzip(TEXT)

    def flip(at):
        return data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:]

    # Method 7 is no deflate; block type 3 is reserved.
    malformed("gzip-method", "gzip-corrupt", with_gzip(flip(2)))
    malformed("gzip-block-type", "gzip-corrupt",
              with_gzip(data[:10] + b"\xff" + data[11:]))
    malformed("gzip-crc", "gzip-corrupt", with_gzip(flip(-8)))
    malformed("gzip-length", "gzip-corrupt", with_gzip(flip(-4)))
    malformed("gzip-no-magic", "gzip-corrupt",
              with_gzip(b"a report was here"))
    malformed("gzip-second-member", "gzip-corrupt",
              with_gzip(data + b"\x1f\x8b and no more than this"))
    malformed("gzip-truncated", "gzip-truncated", with_gzip(data[:-9]))
    malformed("gzip-truncated-trailer", "gzip-truncated",
              with_gzip(data[:-1]))
    malformed("gzip-truncated-header", "gzip-truncated", with_gzip(data[:9]))
    malformed("gzip-truncated-member", "gzip-truncated",
              with_gzip(data + data[:30]))


def zip_mail(data):
    return labelled("""\
Content-Type: application/zip
Content-Disposition: attachment; filename="%s.zip"
Content-Transfer-Encoding: base64
""" % FILE_NAME, base64(data) + "\n")


def damaged_zip():
    report_member = Member(FILE_NAME + ".json", TEXT)
    malformed("zip-encrypted", "zip-unsupported", zip_mail(zip_archive(
        Member(FILE_NAME + ".json", TEXT, flags=1))))
    malformed("zip-two-members", "zip-unsupported", zip_mail(zip_archive(
        report_member, Member("read-me.txt", "Two members."))))
    malformed("zip-no-member", "zip-unsupported", zip_mail(zip_archive()))
    method = zip_archive(report_member)
    malformed("zip-method", "zip-unsupported",
              zip_mail(method[:8] + b"\x0c" + method[9:]))


def damaged_base64():
    lines = base64(gzip(TEXT)).split("\n")

    def mail(changed):
        return labelled("""\
Content-Type: application/tlsrpt+gzip
Content-Transfer-Encoding: base64
""", "\n".join(changed) + "\n")

    malformed("base64-digits-lost", "base64-corrupt", mail(
        lines[:2] + ["??" + lines[2][2:]] + lines[3:]))
    malformed("base64-banner", "base64-corrupt", mail(
        ["[EXTERNAL] Do not open attachments."] + lines))
    malformed("base64-json", "base64-corrupt", labelled("""\
Content-Type: application/tlsrpt+json
Content-Transfer-Encoding: base64
""", base64(TEXT)[:400] + "\n[banner]\n" + base64(TEXT)[401:] + "\n"))
    malformed("base64-cut-with-note", "base64-corrupt", mail(
        lines[:3] + ["*** message truncated ***"]))


def limits():
    """Each limit with a mail one step beyond it; "limit" lines lower some."""
    size = len(TEXT)
    malformed("report-too-large", "too-large", with_gzip(gzip(TEXT)),
              "limit report-size %d\n" % (size - 1))
    golden("report-just-fits", with_gzip(gzip(TEXT)),
           "limit report-size %d\n" % size + HEAD + report())
    malformed("json-too-large", "too-large", with_json(TEXT, "7bit"),
              "limit report-size 200\n")
    malformed("bomb", "too-large", with_gzip(gzip(" " * 3000000 + TEXT)),
              "limit report-size 65536\n")
    malformed("zip-too-large", "too-large",
              zip_mail(zip_archive(Member("r.json", TEXT))),
              "limit report-size 200\n")
    # What lies before the limit is read; the message is malformed all the
    # same.
    parts = [part("Content-Type: text/plain", "%d\n" % i) for i in range(199)]
    golden("parts-just-fit", message(FIELDS + TOP, multipart(
        "=_b1", *parts, GZIP_PART)), HEAD + report())
    malformed("too-many-parts", "too-many-parts", message(
        FIELDS + TOP, multipart("=_b1", *parts, NOTE, GZIP_PART)))
    malformed("mime-too-deep", "too-deep", message(
        FIELDS + TOP, nested(16, GZIP_PART)))
    golden("mime-just-fits", message(FIELDS + TOP, nested(15, GZIP_PART)),
           HEAD + report())
    malformed("message-too-large", "too-large", labelled(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64\n",
        base64(gzip(TEXT)) + "\n"), "limit message-size 700\n")


def nested(depth, innermost):
    """depth multiparts within the outermost, whose boundary is =_b1."""
    inner = innermost
    for i in range(depth):
        inner = part('Content-Type: multipart/mixed; boundary="n%d"' % i,
                     multipart("n%d" % i, inner))
    return multipart("=_b1", NOTE, inner)


def texts():
    def bad(name, reason, *change):
        malformed(name, reason, with_json(replace(TEXT, *change)))

    bad("json-cut-short", "json-syntax", ('    "failure-details": [{\n', "#"))
    malformed("json-end-missing", "json-syntax",
              with_gzip(gzip(TEXT.rstrip()[:-1])))
    malformed("json-trailing", "json-syntax", with_gzip(gzip(TEXT + "{}")))
    bad("json-comma", "json-syntax", ("4\n    }]\n", "4,\n    }]\n"))
    bad("json-single-quotes", "json-syntax",
        ('"Example Net"', "'Example Net'"))
    bad("json-nan", "json-syntax", (': 96', ': NaN'))
    bad("json-bad-escape", "json-syntax", ("Example Net", r"Example\x20Net"))
    malformed("json-mojibake", "json-encoding", with_json(
        TEXT.encode().replace(b"Example Net", b"B\xfccher GmbH")))
    malformed("json-surrogate-bytes", "json-encoding", with_gzip(gzip(
        TEXT.encode().replace(b"Example Net", b"\xed\xa0\x80"))))
    malformed("json-utf-16", "json-encoding", with_gzip(gzip(
        TEXT.encode("utf-16-le"))))
    malformed("json-utf-16-mark", "json-encoding", with_gzip(gzip(
        b"\xff\xfe" + TEXT.encode("utf-16-le"))))
    malformed("json-array", "json-not-object",
              with_gzip(gzip("[" + TEXT + "]")))
    malformed("json-string", "json-not-object", with_gzip(gzip('"report"')))
    malformed("json-null", "json-not-object", with_json("null\n"))
    bad("json-too-deep", "too-deep",
        ('"Example Net"', "[" * 64 + "]" * 64))
    golden("json-just-fits", with_json(replace(
        TEXT, ('"report-id"', '"x": %s,\n  "report-id"'
               % ("[" * 63 + "]" * 63)))), HEAD + report())
    malformed("policies-missing", "no-policies", with_json(
        '{"organization-name": "Example Net", "report-id": "7"}\n'))
    malformed("policies-null", "no-policies",
              with_json('{"report-id": "7", "policies": null}\n'))
    malformed("policies-string", "no-policies",
              with_json('{"report-id": "7", "policies": "none"}\n'))
    malformed("policies-empty", "no-policies",
              with_json('{"report-id": "7", "policies": []}\n'))
    malformed("policies-empty-spaced", "no-policies",
              with_json('{"report-id": "7", "policies": [ \n ]}\n'))
    malformed("json-empty-object", "no-policies", with_json('{}\n'))


def nothing():
    malformed("empty-part", "empty", with_gzip(b""))
    malformed("empty-json", "empty", with_json(" \n\t\n"))
    malformed("empty-member", "empty", with_gzip(gzip(b"")))
    malformed("empty-text", "empty", with_gzip(gzip(b"\n \n")))
    malformed("empty-zip-member", "empty", zip_mail(zip_archive(
        Member("r.json", ""))))
    malformed("empty-single-part", "empty", message(
        FIELDS + "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64\n", ""))
    # The message says that it is a report, and holds none.
    malformed("no-report-part", "empty", message(
        FIELDS + TOP, multipart("=_b1", NOTE)))


def add():
    damaged_gzip()
    damaged_zip()
    damaged_base64()
    limits()
    texts()
    nothing()
