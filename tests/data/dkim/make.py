#!/usr/bin/env python3
"""Write the signed mails of this directory and the records of their keys.

make.py [--check]: with --check say whether the files agree. RSA (PKCS #1) and
Ed25519 give the same signature every time, so that the mails can be written
again from the keys in keys/, which are made when they are missing. The keys
are for these tests alone. rfc*.eml are the examples of RFC 6376, appendix A,
and RFC 8463, appendix A, as they stand.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))

import dkimsign  # noqa: E402

KEYS = {
    "rsa512": ("rsa", 512), "rsa768": ("rsa", 768), "rsa1024": ("rsa", 1024),
    "rsa2048": ("rsa", 2048), "rsa4096": ("rsa", 4096),
    "rsa5120": ("rsa", 5120), "ed25519": ("ed25519", 0),
}

HEADER = b"""\
Received: from mail.example.com (mail.example.com [192.0.2.1])
\tby mx.example.net (Postfix) with ESMTPS id 4XyZ
From: "TLS reports" <noreply@example.com>
To: tlsrpt@example.net
Subject: Report Domain: example.net Submitter: example.com
  Report-ID:  <2026.01.01.1@example.com>\x20
Date: Thu, 1 Jan 2026 00:00:00 +0000
Message-ID: <1@example.com>
TLS-Report-Domain: example.net
MIME-Version: 1.0
Content-Type: text/plain
"""
BODY = b"""\
A report follows. \x20
\x20
Two  blanks, a \t tab, 8 bits: \xc3\xa9, and the end.\t
.
no more


"""
MAIL = HEADER + b"\n" + BODY
LINE = b"0123456789abcdef \t the same line again and again \r\n"
TWICE = ["From", "From", "To", "Subject", "Subject"]
ALL = [n.split(b":")[0].decode() for n in HEADER.split(b"\n")
       if n and n[:1] not in b" \t"]


def key(name):
    return os.path.join(HERE, "keys", name + ".pem")


def records():
    """Lines "NAME RECORD"; what is not there is not in DNS."""
    rsa, ed = key("rsa2048"), key("ed25519")
    txt = dkimsign.txt_record
    p = dkimsign.public_key(rsa)
    table = [(name, txt(key(name))) for name in KEYS]
    table += [
        ("tlsrpt", txt(rsa, s="tlsrpt")), ("any", txt(rsa, s="*")),
        ("both", txt(rsa, s="email:tlsrpt")), ("email", txt(rsa, s="email")),
        ("web", txt(rsa, s="web")), ("testing", txt(rsa, t="y")),
        ("strict", txt(rsa, t="s")), ("sha1", txt(rsa, h="sha1")),
        ("sha256", txt(rsa, h="sha1:sha256")),
        ("edsha1", txt(ed, h="sha1")),
        ("dsa", "v=DKIM1; k=dsa; p=" + p), ("revoked", "v=DKIM1; p="),
        ("spf", "v=spf1 -all"), ("dkim2", "v=DKIM2; p=" + p),
        ("bare", "p=" + p), ("folded", "v=DKIM1;\tp=" + " ".join(
            p[i:i + 60] for i in range(0, len(p), 60)) + " ;"),
        ("notes", "v=DKIM1; n=" + "x" * 2000 + "; p=" + p),
        # Keys of another type than the signatures that name them.
        ("crossrsa", txt(rsa)), ("crossed", txt(ed)),
    ]
    table = [(s + "._domainkey.example.com", r) for s, r in table]
    table += [
        ("other._domainkey.example.org", txt(rsa)),
        ("sub._domainkey.mail.example.com", txt(rsa)),
        ("brisbane._domainkey.example.com",
         "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
         "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
         "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
         "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
         "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"),
        ("brisbane._domainkey.football.example.com",
         "v=DKIM1; k=ed25519; "
         "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        ("test._domainkey.football.example.com",
         "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
         "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
         "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
         "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"),
    ]
    return "".join("%s %s\n" % row for row in table).encode()


def sign(selector="rsa2048", use="rsa2048", mail=MAIL, domain="example.com",
         **kwargs):
    return dkimsign.sign(mail, domain, selector, key(use), **kwargs)


def replaced(mail, old, new):
    assert mail.count(old) == 1, (old, mail.count(old))
    return mail.replace(old, new)


def field(mail):
    """The topmost field of a mail, with its line end."""
    return re.match(rb".*?\r\n(?![ \t])", mail, re.S).group()


def several(*mails):
    """The plain mail with the topmost fields of these."""
    plain = re.sub(rb"\n", b"\r\n", MAIL)
    return b"".join(field(m) for m in mails) + plain


def mails():
    good = sign()
    body = replaced(good, b"no more", b"no mose")
    yield "unsigned", sign()[len(field(good)):]
    for h in ("simple", "relaxed"):
        for b in ("simple", "relaxed"):
            yield "%s-%s" % (h, b), sign(canon="%s/%s" % (h, b))
            yield "ed25519-%s-%s" % (h, b), sign(
                "ed25519", "ed25519", canon="%s/%s" % (h, b))
    yield "simple", sign(canon="simple")
    for name in ("rsa512", "rsa768", "rsa1024", "rsa4096", "rsa5120"):
        # Too small for SHA-256 in PKCS #1 are none of them.
        yield name, sign(name, name)
    for name in ("tlsrpt", "any", "both", "email", "web", "testing", "strict",
                 "sha1", "sha256", "dsa", "revoked", "spf", "dkim2", "bare",
                 "folded", "notes", "crossed", "nokey", "several", "timeout",
                 "servfail", "bogus", "slow", "slow2", "slow3"):
        yield "key-" + name, sign(name)
    yield "key-crossrsa", sign("crossrsa", "ed25519")
    yield "key-edsha1", sign("edsha1", "ed25519")
    yield "key-strict-same", sign("strict", i="x@example.com")
    yield "key-strict-sub", sign("strict", i="x@mail.example.com")
    yield "identity-sub", sign(i="=41b@mail.example.com")
    yield "identity-other", sign(i="x@example.org")
    yield "identity-end", sign(extra=["i=x@example.com="])
    yield "length", sign(l=True)
    yield "length-appended", sign(l=True) + b"One line more.\r\n"
    yield "length-zero", sign(l=0)
    yield "rsa-sha1", sign(a="rsa-sha1")
    yield "expired", sign(t=1500000000, x=1500090000)
    yield "expires-late", sign(t=1500000000, x=4102444800)
    yield "expires-first", sign(t=1500090000, x=1500000000)
    yield "future", sign(t=4102444800)
    yield "from-unsigned", sign(headers=["To", "Subject", "Date"])
    yield "oversigned", sign(headers=TWICE)
    yield "oversigned-all", sign(headers=ALL + ALL)
    # Every field and more: libopendkim's array has no room for the last, and
    # it takes the signature itself for one that is signed.
    yield "names-itself", sign(headers=ALL + ["DKIM-Signature"] + ALL)
    yield "tag-unknown", sign(extra=["darn=example.net", "xyz="])
    yield "tag-repeated", sign(extra=["bH=x"])
    yield "query", sign(extra=["q=dns/txt:http/well-known"])
    yield "query-unknown", sign(extra=["q=http/well-known"])
    yield "no-version", replaced(good, b"v=1;", b"w=1;")
    yield "version-2", replaced(good, b"v=1;", b"v=2;")
    yield "body-altered", body
    yield "body-appended", good + b"x\r\n"
    yield "body-blank-lines", good + b"\r\n\r\n\r\n"
    yield "body-cut", good[:good.rindex(b"no more")]
    yield "header-altered", replaced(good, b"Report-ID", b"Report-Id")
    yield "header-added", good.replace(b"To: ", b"X-Spam: no\r\nTo: ", 1)
    yield "signature-altered", re.sub(
        rb"\tb=(.)", lambda m: b"\tb=" + (b"B" if m[1] != b"B" else b"C"),
        good)
    yield "from-twice", replaced(
        good, b"Date: ", b"From : x@example.com\r\nDate: ")
    yield "from-none", sign(mail=MAIL.replace(
        b'From: "TLS reports" <noreply@example.com>\n', b""))
    yield "from-unparsable", sign(mail=MAIL.replace(
        b'"TLS reports" <noreply@example.com>', b"nobody"))
    other = sign("other", domain="example.org")
    yield "unaligned", other
    yield "unaligned-and-aligned", several(other, good)
    yield "unaligned-and-expired", several(other, sign(x=1500000000))
    yield "unaligned-and-length", several(other, sign(l=True))
    broken = sign("bare", mail=MAIL.replace(b"To: ", b"To: x"))
    yield "broken-and-good", several(broken, good)
    yield "good-and-broken", several(good, broken)
    yield "timeout-and-broken", several(sign("timeout"), broken)
    yield "broken-and-timeout", several(broken, sign("timeout"))
    yield "same-key-twice", several(broken, sign("bare"))
    yield "subdomain", sign("sub", domain="mail.example.com")
    yield "upper-case", sign("RSA2048", domain="EXAMPLE.com")
    yield "slow-thrice", several(sign("slow"), sign("slow2"), sign("slow3"))
    signed = ["From", "DKIM-Signature"]
    yield "signed-signature", several(
        sign(mail=other, headers=signed), other)
    yield "signed-length", several(
        sign(mail=sign(l=True), headers=signed), sign(l=True))
    yield "signed-altered", several(
        sign(mail=other, headers=signed), sign("other"))
    # As many as are looked at, the good one last; then one more.
    bad = [broken] * 7
    yield "eight", several(*bad, good)
    yield "nine", several(*bad, broken, good)
    yield "no-body", sign(mail=HEADER + b"\n")
    yield "no-body-simple", sign(mail=HEADER + b"\n", canon="simple/simple")
    yield "blank-body", sign(mail=HEADER + b"\n\n\n\n", canon="simple/simple")
    # The test appends the lines: 250 kB.
    for canon in ("simple/simple", "relaxed/relaxed"):
        large = sign(mail=HEADER + b"\n" + LINE * 5000, canon=canon)
        yield "large-" + canon.split("/")[0], large[:large.index(LINE)]


def files():
    yield "records", records()
    for name, mail in mails():
        yield name + ".eml", mail.replace(b"\r\n", b"\n")


def main():
    os.makedirs(os.path.join(HERE, "keys"), exist_ok=True)
    for name, (kind, bits) in KEYS.items():
        if not os.path.exists(key(name)):
            dkimsign.make_key(key(name), kind, bits)
    wrong = 0
    for name, data in files():
        path = os.path.join(HERE, name)
        if "--check" not in sys.argv:
            with open(path, "wb") as file:
                file.write(data)
            continue
        with open(path, "rb") as file:
            if file.read() != data:
                print("%s is not what make.py writes" % name)
                wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
