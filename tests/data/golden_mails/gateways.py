"""The standard report in every packing that senders and gateways give it."""
from .build import (Member, base64, golden, gzip, message, multipart, part,
                    replace, zip_archive)
from .standard import (FIELDS, FILE_NAME, GZIP_PART, HEAD, NOTE, TEXT, TOP,
                       labelled, report, with_gzip, with_json)


def packed(name, eml, *names, head=HEAD, change=()):
    golden(name, eml, head + report(*names, change=change))


def attachment(media_type, file_name, data, encoding="base64"):
    if encoding == "base64":
        data = base64(data) + "\n"
    return labelled("""\
Content-Type: %s
Content-Disposition: attachment; filename="%s"
Content-Transfer-Encoding: %s
""" % (media_type, file_name, encoding), data)


def labels():
    """Labels choose candidates; magic bytes decide."""
    gz, gz_name = gzip(TEXT), FILE_NAME + ".json.gz"
    archive = zip_archive(Member(FILE_NAME + ".json", TEXT))
    packed("standard", labelled("""\
Content-Type: application/tlsrpt+gzip
Content-Disposition: attachment; filename="%s"
Content-Transfer-Encoding: base64
""" % gz_name, base64(gz) + "\n"))
    packed("label-json", with_json(TEXT, "7bit"))
    packed("label-gzip-is-json",
           attachment("application/tlsrpt+gzip", gz_name, TEXT, "8bit"),
           "label-mismatch")
    packed("label-json-is-gzip",
           attachment("application/tlsrpt+json", FILE_NAME + ".json", gz),
           "label-mismatch")
    packed("label-gzip-is-zip",
           attachment("application/gzip", gz_name, archive),
           "media-type", "label-mismatch")
    packed("label-zip-is-gzip",
           attachment("application/zip", FILE_NAME + ".zip", gz),
           "media-type", "label-mismatch")
    packed("label-zip",
           attachment("application/zip", FILE_NAME + ".zip", archive),
           "media-type")
    packed("zip-stored-member",
           attachment("application/zip", FILE_NAME + ".zip", zip_archive(
               Member(FILE_NAME + ".json", TEXT, stored=True))),
           "media-type")
    for name, media_type in (
            ("label-octet-stream", "application/octet-stream"),
            ("label-application-gzip", "application/gzip"),
            ("label-x-gzip", "application/x-gzip"),
            ("label-tlsrpt-x-gzip", "application/tlsrpt+x-gzip")):
        packed(name, attachment(media_type, gz_name, gz), "media-type")
    packed("label-octet-stream-no-name", labelled(
        "Content-Type: application/octet-stream\n"
        "Content-Transfer-Encoding: base64\n", base64(gz) + "\n"),
        "media-type")
    packed("label-application-json", attachment(
        "application/json", FILE_NAME + ".json", TEXT, "8bit"), "media-type")
    packed("label-tlsrpt-7bit", labelled(
        "Content-Type: application/tlsrpt\n", TEXT), "media-type")
    packed("label-text-plain", attachment(
        "text/plain; charset=utf-8", FILE_NAME + ".json", TEXT, "8bit"),
        "media-type")
    # Quoted by hand, with no word of what it is: the bytes tell.
    packed("label-none", message(
        FIELDS + 'Content-Type: multipart/mixed; boundary="m"\n',
        multipart("m", part("Content-Type: text/plain", TEXT))),
        "media-type")


def headers():
    """Header fields as gateways leave them."""
    body = multipart("=_b1", NOTE, GZIP_PART)
    packed("content-type-misspelled", message(
        FIELDS + TOP.replace("Content-Type", "ContentType"), body),
        "misspelled-content-type")
    packed("content-type-misspelled-in-part", message(
        FIELDS + TOP, multipart("=_b1", NOTE, GZIP_PART.replace(
            b"Content-Type", b"ContentType"))), "misspelled-content-type")
    packed("content-type-repeated", message(
        FIELDS + TOP + "Content-Type: text/plain; charset=us-ascii\n", body),
        "repeated-content-type")
    packed("content-type-repeated-plain-first", message(
        FIELDS + "Content-Type: text/plain; charset=us-ascii\n" + TOP, body),
        "repeated-content-type")
    packed("content-type-shouted", message(
        FIELDS + "CONTENT-TYPE: MULTIPART/REPORT (a report);"
        " REPORT-TYPE=TLSRPT; (its) BOUNDARY=\"=_b1\"\n",
        multipart("=_b1", NOTE, part(
            "CONTENT-TYPE: Application/TLSRPT+GZIP\n"
            "CONTENT-TRANSFER-ENCODING: Base64 (of gzip)\n",
            base64(gzip(TEXT)) + "\n"))))
    packed("rfc2231-split", message(
        FIELDS + "Content-Type: multipart/report; report-type=tlsrpt;\n"
        " boundary*0=\"=_lo\"; boundary*1=ng\n",
        multipart("=_long", NOTE, part("""\
Content-Type: application/octet-stream;
 name*0="mta.example.net!example.com!17699";
 name*1="04000!1769990399.json.gz"
Content-Disposition: attachment;
 filename*1*=04000%211769990399.json.gz;
 filename*0*=utf-8'en'mta.example.net%21example.com!17699
Content-Transfer-Encoding: base64
""", base64(gzip(TEXT)) + "\n"))), "media-type")
    packed("missing-message-id", message(
        replace(FIELDS, (
            "Message-ID: <7.20260202030405@mta.example.net>\n", ""))
        + TOP, body),
        head=replace(HEAD, (
            "message-id <7.20260202030405@mta.example.net>\n", "")))
    packed("report-type-missing", message(
        FIELDS + TOP.replace(' report-type="tlsrpt";', ""), body),
        "report-type-missing")
    packed("mime-version-missing", message(
        replace(FIELDS, ("MIME-Version: 1.0\n", "")) + TOP, body))
    # Nothing but the part says that this is a report.
    packed("bare-header", message(
        "From: root\n" + TOP.replace(' report-type="tlsrpt";', ""), body),
        "report-type-missing", head="")
    # More than a header field may take of our memory, then the rest.
    names = ",\n ".join("list-member-%04d@example.com" % i
                        for i in range(2200))
    packed("long-to-header", message(
        "To: %s\n" % names + FIELDS + TOP, body))
    packed("mbox-from-line",
           b"From tlsrpt@mta.example.net Mon Feb  2 03:04:05 2026\r\n"
           + message(FIELDS + "Status: RO\n" + TOP, body))
    packed("mbox-from-line-lf", (
        b"From MAILER-DAEMON Mon Feb  2 03:04:05 2026\r\n"
        + message(FIELDS + TOP, body)).replace(b"\r\n", b"\n"))
    packed("lf-only", message(FIELDS + TOP, body).replace(b"\r\n", b"\n"))


def structure():
    """Parts within parts, before, behind and without each other."""
    note_and_gzip = multipart("=_b1", NOTE, GZIP_PART)
    packed("single-part-gzip", message(
        FIELDS + "Content-Type: application/tlsrpt+gzip\n"
        'Content-Disposition: attachment; filename="%s.json.gz"\n'
        "Content-Transfer-Encoding: base64\n" % FILE_NAME,
        base64(gzip(TEXT)) + "\n"), "no-multipart")
    packed("single-part-json", message(
        FIELDS + "Content-Type: application/tlsrpt+json\n"
        "Content-Transfer-Encoding: 8bit\n", TEXT), "no-multipart")
    packed("single-part-quoted-printable", message(
        FIELDS + "Content-Type: application/tlsrpt+json\n"
        "Content-Transfer-Encoding: quoted-printable\n",
        quoted_printable(TEXT)), "no-multipart")
    packed("quoted-printable", with_json(
        quoted_printable(TEXT), "quoted-printable"))
    packed("banner-part", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, GZIP_PART, part(
            "Content-Type: text/plain; charset=us-ascii",
            "This message was scanned by gateway.example.org.\n"))))
    packed("banner-epilogue", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, GZIP_PART,
        epilogue="-- \nThis message was scanned by gateway.example.org.\n")))
    packed("list-wrapped", message(
        FIELDS + 'Content-Type: multipart/mixed; boundary="list"\n',
        multipart("list", part(TOP, note_and_gzip), part(
            "Content-Type: text/plain",
            "_______\nreports mailing list\nreports@lists.example.org\n"))))
    packed("nested-alternative", message(FIELDS + TOP, multipart(
        "=_b1", part(
            "Content-Type: multipart/alternative; boundary==_b1_a",
            multipart("=_b1_a", NOTE, part(
                "Content-Type: text/html", "<p>An aggregate TLS report</p>\n"
            ))), GZIP_PART)))
    packed("forwarded-message", message(
        "From: Postmaster <postmaster@example.com>\n"
        "To: tls-reports@example.com\nSubject: Fwd: a report\n"
        "Message-ID: <fwd.1@example.com>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="fwd"\n',
        multipart("fwd", part("Content-Type: text/plain", "See below.\n"),
                  part("Content-Type: message/rfc822\n"
                       "Content-Disposition: attachment\n",
                       message(FIELDS + TOP, note_and_gzip)))),
        head="subject Fwd: a report\nmessage-id <fwd.1@example.com>\n"
             "from-domain example.com\n")
    packed("missing-mime-end", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, GZIP_PART, closing="")), "missing-mime-end")
    packed("missing-mime-end-json", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, part("Content-Type: application/tlsrpt+json", TEXT),
        closing="")), "missing-mime-end")
    packed("missing-inner-end", message(
        FIELDS + 'Content-Type: multipart/mixed; boundary="list"\n',
        multipart("list", part(TOP, multipart(
            "=_b1", NOTE, GZIP_PART, closing="")), part(
                "Content-Type: text/plain", "reports mailing list\n"))),
        "missing-mime-end")
    packed("boundary-look-alikes", message(FIELDS + TOP, multipart(
        "=_b1", part(
            "Content-Type: text/plain",
            "--=_b\n--=_b11\n --=_b1\n-=_b1\n--\n--=_b1 not the end\n"),
        GZIP_PART, preamble="--=_b\n\n")))
    packed("boundary-trailing-space", message(
        FIELDS + TOP, multipart("=_b1", NOTE, GZIP_PART).replace(
            b"--=_b1\r\n", b"--=_b1 \t\r\n")))
    odd = "=_(a b)'+,-./:=?_c"
    packed("boundary-odd-characters", message(
        FIELDS + TOP.replace("=_b1", odd), multipart(odd, NOTE, GZIP_PART)))
    packed("note-of-one-long-line", message(FIELDS + TOP, multipart(
        "=_b1", part("Content-Type: text/plain", "--=_b1 " * 300),
        GZIP_PART)))
    packed("nul-bytes-around", message(
        FIELDS + "X-Nul: a\0b\n" + TOP, multipart(
            "=_b1", part("Content-Type: text/plain", "a\0\n\0\n"),
            GZIP_PART, preamble="\0\0\n", epilogue="\0")))
    packed("mixed-line-ends", message(FIELDS + TOP, note_and_gzip.replace(
        b"\r\n", b"\n").replace(b"\nContent-Type", b"\r\nContent-Type")))
    packed("report-part-first", message(
        FIELDS + TOP, multipart("=_b1", GZIP_PART, NOTE)))
    packed("no-header-in-first-part", message(FIELDS + TOP, multipart(
        "=_b1", b"\r\nAn aggregate TLS report.\r\n", GZIP_PART)))
    two = replace(TEXT, ("2026-02-01-7@", "2026-02-01-8@"),
                  ('-count": 96', '-count": 496'))
    golden("two-reports", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, GZIP_PART, part(
            "Content-Type: application/tlsrpt+json\n", two))),
        HEAD + report() + report(change=(
            ("report-id 2026-02-01-7@", "report-id 2026-02-01-8@"),
            ("    total-successful-session-count 96\n",
             "    total-successful-session-count 496\n"),
            ("id 2026-02-01-8@example.net\n"
             "  start-datetime 2026-02-01T00:00:00Z\n"
             "  end-datetime 2026-02-01T23:59:59Z\n"
             "  total-successful-session-count 96\n",
             "id 2026-02-01-8@example.net\n"
             "  start-datetime 2026-02-01T00:00:00Z\n"
             "  end-datetime 2026-02-01T23:59:59Z\n"
             "  total-successful-session-count 496\n"),
            # 4 of 500 are 0.80 %.
            ("severity warning", "severity notice"))))
    golden("report-and-damaged-report", message(FIELDS + TOP, multipart(
        "=_b1", NOTE, GZIP_PART, part(
            "Content-Type: application/tlsrpt+gzip\n"
            "Content-Transfer-Encoding: base64\n",
            base64(gzip(TEXT)[:-60]) + "\n"))),
        HEAD + report() + "malformed gzip-truncated\n")


def quoted_printable(text):
    """Quoted-printable by hand: "=", line breaks in words, soft and hard."""
    out = text.replace("=", "=3D").replace('"policies"', '"poli=\ncies"')
    return out.replace("example", "ex=61mple").replace("  ", "=20 ")


def bytes_of_the_payload():
    """What the encodings may do to the bytes."""
    data = gzip(TEXT)
    lines = base64(data).split("\n")
    packed("base64-869", labelled(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64\n", base64(TEXT, 869) + "\n"),
        "label-mismatch")
    packed("base64-one-line", labelled(
        "Content-Type: application/tlsrpt+json\n"
        "Content-Transfer-Encoding: base64\n", base64(TEXT, 100000)))
    packed("base64-short-lines", labelled(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64\n",
        "\n \n" + "\t\n".join(base64(data, 7).split("\n")) + "\n\n"))
    packed("encoding-with-semicolon", labelled(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64;\n", base64(data) + "\n"))
    packed("base64-no-padding", labelled(
        "Content-Type: application/tlsrpt+json\n"
        "Content-Transfer-Encoding: base64\n",
        base64(TEXT + " " * ((1 - len(TEXT)) % 3)).rstrip("=") + "\n"))
    packed("base64-garbage", labelled(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: base64\n",
        "!\n".join(lines[:2]) + "\n\0" + "\n".join(lines[2:]) + "\n"),
        "base64-garbage")
    packed("gzip-members", with_gzip(
        gzip(TEXT[:100]) + gzip(TEXT[100:101]) + gzip("")
        + gzip(TEXT[101:], "rest.json")))
    packed("gzip-trailing-bytes", with_gzip(data + b"\0\0\0\0 end"),
           "trailing-bytes")
    packed("gzip-trailing-magic-byte", with_gzip(data + b"\x1f"),
           "trailing-bytes")
    packed("gzip-binary", message(FIELDS + TOP, multipart("=_b1", NOTE, part(
        "Content-Type: application/tlsrpt+gzip\n"
        "Content-Transfer-Encoding: binary\n", data))))


def add():
    labels()
    headers()
    structure()
    bytes_of_the_payload()
