"""tlsrpt diagnose: each result type by a domain that is really broken so.

The table has a row for each domain: how it is set up, and what a sender would
report. Everything is real: DNSSEC, HTTPS, Postfix and its certificates. That
the hosts are broken as they are meant to be is seen by openssl s_client, curl
and drill as well (TestLaboratory).
"""

import concurrent.futures
import json
import re
import subprocess
import time
import unittest

import dns
import domainlab
from case import World, lab, no_repetition
from domainlab import (MX_PORT, NOBODY, closes, greets, http, policy, replies,
                       tls, until_starttls, wait_closed)

LAB = None
SHORT = 2  # seconds; where a hang is meant
OLD_KEY = "3 1 1 " + "5a" * 32
ELEVEN = {
    "starttls-not-supported", "certificate-host-mismatch",
    "certificate-expired", "certificate-not-trusted", "validation-failure",
    "tlsa-invalid", "dnssec-invalid", "dane-required",
    "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}

# What "openssl s_client" must say of each host: the code of its verification,
# or why no TLS came about.
OK, EXPIRED, SELF_SIGNED, UNTRUSTED, MISMATCH = 0, 10, 18, 21, 62
WITNESS = {
    "good": OK, "second": OK, "rolled": OK, "wildcard": OK, "soon": OK,
    "expired": EXPIRED, "expiredca": EXPIRED, "othername": MISMATCH,
    "deepwild": MISMATCH, "selfsigned": SELF_SIGNED, "missing": UNTRUSTED,
    "otherroot": UNTRUSTED, "oldtls": OK, "v6bad": OK,
    "notls": "Didn't find STARTTLS",
    "onlyold": "New, (NONE), Cipher is (NONE)",
}


def furnish_hosts(lab_):
    """The MX hosts, good and bad."""
    ca = lab_.ca

    def smtpd(name, *args, options=None, **kwargs):
        lab_.smtpd(name, lab_.certificate(name, *args, **kwargs),
                   **(options or {}))
    smtpd("good")
    smtpd("second")
    smtpd("rolled")
    smtpd("soon", days=(-85, 5))
    smtpd("expired", days=(-93, -3))
    smtpd("expiredca", issuer=ca.expired)
    smtpd("othername", ["mail.example.org", "example.org"])
    smtpd("wildcard", ["*.mx.test", "*.dane.test"])
    smtpd("deepwild", ["*.test"])
    smtpd("cnonly", [], subject="cnonly.mx.test")
    smtpd("selfsigned", issuer="self")
    smtpd("otherroot", issuer=ca.other_root)
    smtpd("missing", chain=[])
    smtpd("withroot", ["mail.example.org"], chain=[ca.intermediate, ca.root])
    smtpd("oldtls", options={"smtpd_tls_protocols": ">=TLSv1"})
    smtpd("onlyold", options={"smtpd_tls_protocols": ">=TLSv1, <=TLSv1.1"})
    lab_.smtpd("notls")
    smtpd("taexpired", days=(-93, -3))
    smtpd("implicit", ["implicit-mx.test"])
    smtpd("alias", ["alias.mx-is-alias.test"])
    lab_.smtpd("twokeys", lab_.certificate("twokeys"),
               ca.issue("rsa", lab_.names("twokeys"), rsa=True))
    lab_.smtpd("v6bad", lab_.certificate("v6bad"))
    lab_.smtpd("v6bad", lab_.certificates["expired"], family=6)
    lab_.smtpd("v6good", lab_.certificate("v6good"))
    lab_.smtpd("v6good", lab_.certificates["v6good"], family=6)
    lab_.smtpd("v6closed", lab_.certificate("v6closed"))
    lab_.address("v6closed", 6)
    lab_.address("closed")
    lab_.address("closed2")
    lab_.address("bogushost", address=lab_.addresses["good"])
    lab_.zones.spoil("bogushost.mx.test", "A")
    for name in ("tlsafails", "tlsasilent"):
        lab_.address(name, address=lab_.addresses["good"])
    lab_.zones.fail("_tcp.tlsafails.dane.test")
    lab_.zones.silence("_tcp.tlsasilent.dane.test")


def furnish_scripts(lab_):
    """What no Postfix does."""
    def tarpit(peer):
        domainlab.drip(peer, b"220 mx.test ESMTP and much more to say\r\n", .3)

    def no_hello(peer):
        until_starttls(peer)
        peer.sendall(b"220 ready\r\n")
        wait_closed(peer)

    def slow(peer):
        """As postscreen: the first line of the greeting, then a wait."""
        peer.sendall(b"220-mx.test ESMTP\r\n")
        time.sleep(SHORT)
        serve(peer)

    serve = tls(lab_.certificate("slow"))
    lab_.script("slow", slow)
    lab_.script("refuses", replies(b"454 4.7.0 TLS not available now\r\n"))
    lab_.script("forbids", replies(b"554 5.7.0 no TLS for you\r\n"))
    lab_.script("garbage", replies(b"220 ready\r\n",
                                   b"Is this what you call a handshake?\r\n"))
    lab_.script("early", replies(b"220 ready\r\n250 injected\r\n"))
    lab_.script("hangsup", closes())
    lab_.script("nohello", no_hello)
    lab_.script("tarpit", tarpit)
    lab_.script("busy", greets(b"421 4.3.2 too busy\r\n"))
    lab_.script("nomail", greets(b"554 5.3.2 no mail here\r\n"))
    lab_.script("web", greets(b"HTTP/1.1 400 Bad Request\r\n\r\n", True))
    lab_.script("dropper", greets(b"", True))
    lab_.silent("silent")
    good = lab_.certificates["good"]
    lab_.script("nocipher", tls(good, lambda c: c.set_ciphers(
        "ECDHE-RSA-AES128-GCM-SHA256") or setattr(
            c, "maximum_version", domainlab.ssl.TLSVersion.TLSv1_2)))


def furnish_tlsa(lab_):
    """TLSA records, right and wrong; hosts have them as NAME.dane.test."""
    def spki(name, usage="3 1 1"):
        return f"{usage} {lab_.certificates[name].spki_sha256}"

    def ta(certificate):
        return f"2 1 1 {certificate.spki_sha256}"
    for name in ("good", "expired", "othername", "selfsigned", "wildcard",
                 "v6bad", "v6good", "twokeys"):
        lab_.tlsa(f"{name}.dane.test", spki(name))
    lab_.tlsa("good.plain.test", OLD_KEY)
    lab_.tlsa("rolled.dane.test", OLD_KEY)
    lab_.tlsa("second.dane.test", OLD_KEY, spki("second"))
    lab_.tlsa("notls.dane.test", OLD_KEY)
    lab_.tlsa("soon.dane.test", ta(lab_.ca.intermediate))
    lab_.tlsa("withroot.dane.test", ta(lab_.ca.root))
    lab_.tlsa("missing.dane.test", ta(lab_.ca.root))
    lab_.tlsa("expiredca.dane.test", ta(lab_.ca.expired))
    lab_.tlsa("taexpired.dane.test", ta(lab_.ca.intermediate))
    lab_.tlsa("oldtls.dane.test", spki("oldtls", "1 1 1"),
              spki("oldtls", "0 1 1"))
    lab_.tlsa("otherroot.dane.test", "3 1 1 " + "ab" * 20,
              "3 1 9 " + "ab" * 32)
    lab_.tlsa("closed.dane.test", OLD_KEY)
    lab_.tlsa("cnonly.dane.test", spki("cnonly"))
    lab_.zones.spoil("_25._tcp.cnonly.dane.test", "TLSA")


# The table ----------------------------------------------------------------

def success(policy_type, host):
    return ("success", policy_type, None, host)


def failure(policy_type, result_type, host=None):
    return ("failure", policy_type, result_type, host)


def untried(host=None, policy_type=None):
    return ("untried", policy_type, None, host)


class Row:
    """A domain, and what is to be found there."""

    def __init__(self, name, status, *found, mx=("good.mx.test",), sts=None,
                 warnings=(), zone="test", args=(), domain=None, setup=None,
                 **kwargs):
        """sts: as of Lab.domain(); True: a policy for its MX. setup: a
        function of the laboratory and the domain, for what else there is."""
        self.name = name
        self.status = status
        self.found = sorted(found, key=str)
        self.mx = mx
        self.sts = policy([m.split(" ")[-1] for m in mx]) if sts is True \
            else sts
        self.warnings = set(warnings)
        self.domain = domain or f"{name}.{zone}"
        self.args = list(args)
        self.setup = setup
        self.kwargs = kwargs

    def furnish(self, lab_):
        domain = self.domain.encode("idna").decode()
        kwargs = {key: value(lab_) if key == "certificate" else value
                  for key, value in self.kwargs.items()}
        lab_.domain(domain, self.mx, self.sts, **kwargs)
        if self.setup:
            self.setup(lab_, domain)


def sts_row(name, host, result_type, *more, status=1, **kwargs):
    """A domain whose only MX fails so under MTA-STS."""
    host = f"{host}.mx.test"
    return Row(name, status, failure("sts", result_type, host), *more,
               mx=(host,), sts=True, **kwargs)


def dane_row(name, host, result_type, **kwargs):
    host = f"{host}.dane.test"
    found = (success("tlsa", host) if result_type is None
             else failure("tlsa", result_type, host))
    return Row(name, 1 if result_type else 0, found, mx=(host,), **kwargs)


def policy_row(name, result_type, **kwargs):
    """A domain whose policy cannot be had; mail goes as if there were none."""
    return Row(name, 1, failure("sts", result_type),
               success("no-policy-found", "good.mx.test"), **kwargs)


def spoil(owner, rrtype):
    return lambda lab_, domain: lab_.zones.spoil(owner.format(domain), rrtype)


def certificate(*args, **kwargs):
    """For mta-sts.DOMAIN, made in the laboratory."""
    return lambda lab_: lab_.ca.issue(*args, **kwargs)


GOOD = policy(["good.mx.test"])
BIG = GOOD + "x-filler: " + "x" * 5_000_000 + "\r\n"

HEALTHY = [
    Row("healthy-sts", 0, success("sts", "good.mx.test"), sts=True),
    Row("healthy-plain", 0, success("sts", "second.plain.test"),
        mx=("second.plain.test",), sts=True, zone="plain.test"),
    dane_row("healthy-dane", "good", None),
    Row("healthy-both", 0, success("sts", "good.dane.test"),
        success("tlsa", "good.dane.test"), mx=("good.dane.test",), sts=True),
    Row("healthy-none", 0, success("no-policy-found", "good.mx.test")),
    Row("healthy-two", 0, success("sts", "good.mx.test"),
        success("sts", "second.mx.test"),
        mx=("good.mx.test", "second.mx.test"), sts=True),
    Row("pattern", 0, success("sts", "good.mx.test"),
        sts=policy(["*.mx.test"])),
    Row("wildcard-san", 0, success("sts", "wildcard.mx.test"),
        mx=("wildcard.mx.test",), sts=True),
    Row("both-families", 0, success("sts", "v6good.mx.test"),
        success("sts", "v6good.mx.test"), mx=("v6good.mx.test",), sts=True),
    Row("idn", 0, success("sts", "good.mx.test"), sts=True,
        domain="bücher.test"),
    Row("lf-policy", 0, success("sts", "good.mx.test"),
        sts=GOOD.replace("\r\n", "\n")),
    Row("hosted-policy", 0, success("sts", "good.mx.test"), sts=True, web=None,
        records=[("mta-sts.hosted-policy.test",
                  "CNAME mta-sts.healthy-sts.test.")]),
    Row("web-second-address", 0, success("sts", "good.mx.test"), sts=True,
        records=[("mta-sts.web-second-address.test", f"A {NOBODY}"),
                 ("mta-sts.web-second-address.test", "AAAA fd00::ffff")]),
    dane_row("dane-ee-expired", "expired", None),
    dane_row("dane-ee-name", "othername", None),
    dane_row("dane-ee-self", "selfsigned", None),
    dane_row("dane-old-and-new", "second", None),
    Row("implicit-mx", 0, success("no-policy-found", "implicit-mx.test"),
        mx=(), setup=lambda lab_, domain: lab_.zones.add(
            domain, "A " + lab_.addresses["implicit"])),
]

# Each of the eleven result types of RFC 8460, section 4.3, at its plainest.
RESULT_TYPES = [
    sts_row("starttls-not-supported", "notls", "starttls-not-supported"),
    sts_row("certificate-host-mismatch", "othername",
            "certificate-host-mismatch"),
    sts_row("certificate-expired", "expired", "certificate-expired"),
    sts_row("certificate-not-trusted", "otherroot", "certificate-not-trusted"),
    sts_row("validation-failure", "garbage", "validation-failure"),
    dane_row("tlsa-invalid", "rolled", "tlsa-invalid"),
    dane_row("dnssec-invalid", "cnonly", "dnssec-invalid"),
    Row("dane-required", 1, failure("tlsa", "dane-required", "good.mx.test"),
        args=["--policy", "dane"]),
    policy_row("sts-policy-fetch-error", "sts-policy-fetch-error",
               sts=http("not here\n", "404 Not Found")),
    policy_row("sts-policy-invalid", "sts-policy-invalid",
               sts="version: STSv1\r\nmode: enforced\r\nmx: good.mx.test\r\n"
                   "max_age: 86400\r\n"),
    policy_row("sts-webpki-invalid", "sts-webpki-invalid", sts=GOOD,
               certificate=certificate("webother", ["www.example.org"])),
]

# MX hosts broken in other ways, under MTA-STS.
HOSTS = [
    sts_row("expired-intermediate", "expiredca", "certificate-expired"),
    sts_row("cn-without-san", "cnonly", "certificate-host-mismatch"),
    sts_row("wildcard-too-high", "deepwild", "certificate-host-mismatch"),
    sts_row("self-signed", "selfsigned", "certificate-not-trusted"),
    sts_row("intermediate-missing", "missing", "certificate-not-trusted"),
    sts_row("old-tls-only", "onlyold", "validation-failure"),
    sts_row("no-common-cipher", "nocipher", "validation-failure"),
    sts_row("starttls-refused", "refuses", "starttls-not-supported"),
    sts_row("starttls-forbidden", "forbids", "starttls-not-supported"),
    sts_row("closes-in-handshake", "hangsup", "validation-failure"),
    sts_row("no-hello", "nohello", "validation-failure",
            args=["--timeout", f"{SHORT}s"]),
    sts_row("speaks-too-early", "early", "validation-failure"),
    Row("one-of-two", 1, success("sts", "good.mx.test"),
        failure("sts", "certificate-expired", "expired.mx.test"),
        mx=("good.mx.test", "expired.mx.test"), sts=True),
    Row("ipv6-broken", 1, success("sts", "v6bad.mx.test"),
        failure("sts", "certificate-host-mismatch", "v6bad.mx.test"),
        mx=("v6bad.mx.test",), sts=True),
    Row("only-that-mx", 1,
        failure("sts", "certificate-expired", "expired.mx.test"),
        mx=("good.mx.test", "expired.mx.test"), sts=True,
        args=["--mx", "expired.mx.test"]),
    Row("opportunistic-no-tls", 1, failure(
        "no-policy-found", "starttls-not-supported", "notls.mx.test"),
        mx=("notls.mx.test",)),
    Row("opportunistic-expired", 2,
        success("no-policy-found", "expired.mx.test"),
        mx=("expired.mx.test",), warnings={"certificate-would-fail"}),
    Row("mx-not-in-policy", 1,
        failure("sts", "validation-failure", "second.mx.test"),
        mx=("second.mx.test",), sts=GOOD,
        warnings={"mx-in-policy-not-in-dns"}),
    Row("pattern-too-high", 1,
        failure("sts", "validation-failure", "good.mx.test"),
        sts=policy(["*.test", "*.good.mx.test"]),
        warnings={"mx-in-policy-not-in-dns"}),
]

# Policies that cannot be had, or should not be as they are.
POLICIES = [
    policy_row("redirect", "sts-policy-fetch-error",
               sts=http("", "301 Moved Permanently", fields="Location: "
                        "https://mta-sts.healthy-sts.test/.well-known/"
                        "mta-sts.txt\r\n")),
    policy_row("server-error", "sts-policy-fetch-error",
               sts=http(GOOD, "503 Service Unavailable")),
    policy_row("five-megabytes", "sts-policy-fetch-error", sts=BIG),
    policy_row("text-html", "sts-policy-fetch-error",
               sts=http(GOOD, kind="text/html")),
    policy_row("cut-off", "sts-policy-fetch-error",
               sts=http(GOOD, length=1000)),
    policy_row("closes", "sts-policy-fetch-error", sts=lambda peer: None),
    policy_row("no-http", "sts-policy-fetch-error",
               sts=lambda peer: peer.sendall(b"220 ESMTP\r\n")),
    policy_row("web-closed", "sts-policy-fetch-error", sts=GOOD, web=NOBODY),
    policy_row("no-web", "sts-policy-fetch-error", sts=GOOD, web=None),
    policy_row("web-drips", "sts-policy-fetch-error",
               sts=lambda peer: domainlab.drip(peer, b"HTTP/1.1 200 OK\r\n"),
               args=["--timeout", f"{SHORT}s"]),
    policy_row("web-expired", "sts-webpki-invalid", sts=GOOD,
               certificate=certificate("webexpired",
                                       ["mta-sts.web-expired.test"],
                                       days=(-93, -3))),
    policy_row("web-self-signed", "sts-webpki-invalid", sts=GOOD,
               certificate=certificate("webself",
                                       ["mta-sts.web-self-signed.test"],
                                       issuer="self")),
    policy_row("web-no-san", "sts-webpki-invalid", sts=GOOD,
               certificate=certificate("webcn", [],
                                       subject="mta-sts.web-no-san.test")),
    policy_row("no-version", "sts-policy-invalid",
               sts=GOOD.replace("version: STSv1\r\n", "")),
    policy_row("no-max-age", "sts-policy-invalid",
               sts=GOOD.replace("max_age: 604800\r\n", "")),
    policy_row("no-mx", "sts-policy-invalid", sts=policy([])),
    policy_row("empty", "sts-policy-invalid", sts=""),
    Row("mode-none", 2, success("no-policy-found", "good.mx.test"),
        sts=policy(["good.mx.test"], "none"), warnings={"mode-none"}),
    Row("mode-testing", 2, success("sts", "good.mx.test"),
        sts=policy(["good.mx.test"], "testing"), warnings={"mode-testing"}),
    Row("testing-fails", 1,
        failure("sts", "certificate-expired", "expired.mx.test"),
        mx=("expired.mx.test",), sts=policy(["expired.mx.test"], "testing"),
        warnings={"mode-testing"}),
    Row("max-age-short", 2, success("sts", "good.mx.test"),
        sts=policy(["good.mx.test"], max_age=3600),
        warnings={"max-age-short"}),
    Row("not-in-dns", 2, success("sts", "good.mx.test"),
        sts=policy(["good.mx.test", "gone.mx.test"]),
        warnings={"mx-in-policy-not-in-dns"}),
    Row("record-bad", 2, success("no-policy-found", "good.mx.test"), sts=GOOD,
        record="v=STSv1; id=", warnings={"sts-record-invalid"}),
    Row("two-records", 2, success("no-policy-found", "good.mx.test"),
        sts=GOOD, record=["v=STSv1; id=1;", "v=STSv1; id=2;"],
        warnings={"sts-record-invalid"}),
]

# DANE and DNSSEC.
DANE = [
    Row("soon-expired", 2, success("sts", "soon.mx.test"),
        mx=("soon.mx.test",), sts=True, warnings={"certificate-expires-soon"}),
    dane_row("old-key", "rolled", "tlsa-invalid"),
    dane_row("dane-no-tls", "notls", "starttls-not-supported"),
    dane_row("dane-ta-name", "withroot", "certificate-host-mismatch"),
    dane_row("dane-ta-expired", "taexpired", "certificate-expired"),
    # As OpenSSL, and so Postfix, has it: the dates of the anchor do not count.
    dane_row("dane-ta-anchor-expired", "expiredca", None),
    Row("dane-second-key", 2, success("tlsa", "twokeys.dane.test"),
        mx=("twokeys.dane.test",), warnings={"tlsa-other-key"}),
    dane_row("dane-ta-not-sent", "missing", "tlsa-invalid"),
    Row("dane-ta", 2, success("tlsa", "soon.dane.test"),
        mx=("soon.dane.test",), warnings={"certificate-expires-soon"}),
    dane_row("unusable-usage", "oldtls", "tlsa-invalid",
             warnings={"old-tls-offered"}),
    dane_row("unusable-digest", "otherroot", "tlsa-invalid"),
    Row("unsigned-delegation", 2,
        success("no-policy-found", "good.plain.test"),
        mx=("good.plain.test",), warnings={"tlsa-not-secure"}),
    Row("unsigned-domain", 2, success("no-policy-found", "good.dane.test"),
        mx=("good.dane.test",), zone="plain.test",
        warnings={"tlsa-not-secure"}),
    Row("dane-fails-sts-holds", 1, success("sts", "rolled.dane.test"),
        failure("tlsa", "tlsa-invalid", "rolled.dane.test"),
        mx=("rolled.dane.test",), sts=True),
    Row("dane-holds-sts-fails", 1, success("tlsa", "expired.dane.test"),
        failure("sts", "certificate-expired", "expired.dane.test"),
        mx=("expired.dane.test",), sts=True),
    Row("dane-ipv6-broken", 1, success("tlsa", "v6bad.dane.test"),
        failure("tlsa", "tlsa-invalid", "v6bad.dane.test"),
        mx=("v6bad.dane.test",)),
    Row("bogus-mx", 1, failure("tlsa", "dnssec-invalid"),
        setup=spoil("{}", "MX")),
    Row("wrong-ds", 1, failure("tlsa", "dnssec-invalid"),
        untried(None, "sts"), zone="wrongds.test"),
    Row("expired-signatures", 1, failure("tlsa", "dnssec-invalid"),
        untried(None, "sts"), zone="stale.test"),
    Row("island", 2, success("no-policy-found", "good.dane.test"),
        mx=("good.dane.test",), zone="island.test",
        warnings={"tlsa-not-secure"}),
    Row("bogus-address", 1, failure("tlsa", "dnssec-invalid",
                                    "bogushost.mx.test"),
        mx=("bogushost.mx.test",)),
    dane_row("tlsa-servfail", "tlsafails", "dnssec-invalid"),
    Row("tlsa-silent", 75, untried("tlsasilent.dane.test", "tlsa"),
        mx=("tlsasilent.dane.test",), args=["--timeout", f"{SHORT}s"]),
    Row("dane-alias", 2, success("tlsa", "mx.dane-alias.test"),
        mx=("mx.dane-alias.test",), warnings={"mx-is-alias"},
        records=[("mx.dane-alias.test", "CNAME good.dane.test.")]),
    Row("old-tls-too", 2, success("sts", "oldtls.mx.test"),
        mx=("oldtls.mx.test",), sts=True, warnings={"old-tls-offered"}),
]

# What keeps a sender from coming so far.
AWAY = [
    Row("null-mx", 0, mx=("0 .",)),
    Row("mx-is-alias", 2, success("no-policy-found", "alias.mx-is-alias.test"),
        mx=("alias.mx-is-alias.test",), warnings={"mx-is-alias"},
        setup=lambda lab_, domain: lab_.zones.add(
            f"alias.{domain}", "CNAME alias.mx.test.")),
    Row("mx-unknown", 69, untried("nowhere.mx.test"), mx=("nowhere.mx.test",)),
    Row("refused", 75, untried("closed.mx.test"), mx=("closed.mx.test",),
        sts=True),
    Row("ipv6-refused", 2, success("sts", "v6closed.mx.test"),
        mx=("v6closed.mx.test",), sts=True, warnings={"address-unreachable"}),
    Row("none-reached", 75, untried("closed.mx.test"),
        untried("closed2.mx.test"), mx=("closed.mx.test", "closed2.mx.test")),
    Row("slow-greeting", 0, success("sts", "slow.mx.test"),
        mx=("slow.mx.test",), sts=True, args=["--timeout", f"{3 * SHORT}s"]),
    Row("web-no-way", 69, untried(None, "sts"),
        success("no-policy-found", "good.mx.test"), sts=GOOD, web="192.0.2.1"),
    Row("silent", 75, untried("silent.mx.test"), mx=("silent.mx.test",),
        args=["--timeout", f"{SHORT}s"]),
    sts_row("tarpit", "tarpit", "validation-failure",
            args=["--timeout", f"{SHORT}s"]),
    Row("busy", 75, untried("busy.mx.test"), mx=("busy.mx.test",)),
    Row("no-mail-here", 69, untried("nomail.mx.test"), mx=("nomail.mx.test",)),
    sts_row("web-at-25", "web", "validation-failure"),
    sts_row("drops", "dropper", "validation-failure"),
    Row("no-such-domain", 69, untried("no-such-domain.test"), mx=()),
    Row("dns-fails", 75, untried(), untried(None, "sts"), mx=(),
        domain="x.fail.test"),
    Row("dns-silent", 75, untried(), untried(None, "sts"), mx=(),
        domain="x.hushed.test", args=["--timeout", f"{SHORT}s"]),
]

TABLE = HEALTHY + RESULT_TYPES + HOSTS + POLICIES + DANE + AWAY


class Found:
    """The findings of a run, as a row has them."""

    def __init__(self, outcome):
        self.outcome = outcome
        told = json.loads(outcome.out, object_pairs_hook=no_repetition)
        self.results = told["results"]
        self.warnings = {w["failure-reason-code"] for w in told["warnings"]}

    def tuples(self):
        """What a row has in found; of no policy, an MX has none."""
        return sorted(((r["kind"], r.get("policy-type"),
                        r["result-type"] if r["kind"] == "failure" else None,
                        r.get("receiving-mx-hostname"))
                       for r in self.results), key=str)


class DomainCase(unittest.TestCase):
    """A test of a domain of the laboratory."""

    maxDiff = None

    def check_row(self, row):
        text, outcome = LAB.diagnose_twice(row.domain, *row.args)
        self.assertIn(outcome.status, (0, 1, 2, 69, 75), outcome)
        found = Found(outcome)
        self.assertEqual(found.tuples(), row.found, outcome)
        self.assertEqual(found.warnings, row.warnings, outcome)
        self.assertEqual(outcome.status, row.status, outcome)
        self.check_text(row, text)

    def check_text(self, row, outcome):
        """The same for somebody who reads it."""
        self.assertEqual(outcome.status, row.status, outcome)
        # Each failure has a paragraph that begins with its type.
        self.assertEqual(
            set(re.findall(r"(?m)^\d+\. (?!could not)(\S+)", outcome.out)),
            {f[2] for f in row.found if f[0] == "failure"}, outcome)
        for word in {f[3] or "" for f in row.found} | row.warnings:
            self.assertIn(word, outcome.out, outcome)


class TestTable(DomainCase):
    """A test for each row is added below."""

    def test_all_result_types(self):
        """The table has each of the eleven, and no other."""
        self.assertEqual({result for row in TABLE
                          for _, _, result, _ in row.found if result}, ELEVEN)

    def test_names(self):
        names = [row.name for row in TABLE]
        self.assertEqual(len(names), len(set(names)))


def _add_tests():
    for row in TABLE:
        def test(self, row=row):
            self.check_row(row)
        test.__doc__ = f"{row.domain}: exit status {row.status}"
        setattr(TestTable, "test_" + row.name.replace("-", "_"), test)


_add_tests()


class TestManners(unittest.TestCase):
    """How it behaves towards servers that are none of its business."""

    def test_sends_no_mail(self):
        before = len(LAB.maillog())
        LAB.diagnose("healthy-both.test")
        lines = lab.wait_until(lambda: re.findall(
            r"good postfix/smtpd\[\d+\]: disconnect from .*",
            LAB.maillog()[before:]), "disconnect in the log")
        for line in lines:
            self.assertRegex(line, r" ehlo=\d starttls=[\d/]+( quit=\d)? com")

    def test_source(self):
        before = len(LAB.maillog())
        outcome = LAB.diagnose("healthy-sts.test", "--source", "127.0.3.7")
        self.assertEqual(outcome.status, 0, outcome)
        lab.wait_until(lambda: "connect from unknown[127.0.3.7]"
                       in LAB.maillog()[before:], "connection from there")

    def test_source_of_one_family(self):
        """The other family is not tried, and that is no failure."""
        outcome = LAB.diagnose("both-families.test", "--source", "127.0.3.7",
                               "--format=json")
        self.assertEqual(outcome.status, 0, outcome)
        self.assertEqual([r["kind"] for r in Found(outcome).results],
                         ["success"], outcome)

    def test_without_dane(self):
        """Broken DNSSEC and DANE are nothing to who does without."""
        for domain, policy_type in (("dane-fails-sts-holds.test", "sts"),
                                    ("bogus-mx.test", "no-policy-found")):
            outcome = LAB.diagnose(domain, "--policy=sts", "--format=json")
            self.assertIn(outcome.status, (0, 2), outcome)
            self.assertEqual([(r["kind"], r["policy-type"])
                              for r in Found(outcome).results],
                             [("success", policy_type)], outcome)

    def test_port(self):
        """Nobody listens there."""
        outcome = LAB.diagnose("healthy-sts.test", "--port", "2525")
        self.assertEqual(outcome.status, 75, outcome)

    def test_advice(self):
        """What to do is to fit what was seen."""
        def words(domain):
            return " ".join(LAB.diagnose(domain, f"--timeout={SHORT}s")
                            .out.split())
        self.assertIn("providers block outbound port 25",
                      words("refused.test"))
        self.assertIn("spelled right", words("nobody-has-this.test"))
        text = words("mx-not-in-policy.test")
        self.assertIn("add the host to the mx of the policy", text)
        self.assertNotIn(" cause ", text)
        text = words("redirect.test")
        self.assertIn("make https://mta-sts.redirect.test/", text)
        self.assertNotIn("DOMAIN", text)
        for name in ("validation-failure", "tarpit", "web-at-25", "drops",
                     "old-tls-only", "closes-in-handshake"):
            # That is what a report has; here nobody sent one.
            self.assertNotIn("sending-mta-ip", words(f"{name}.test"), name)

    def _first(self, domain, *args):
        outcome = LAB.diagnose(domain, "--format=json", *args)
        return next(r for r in Found(outcome).results
                    if r["kind"] != "success")

    def test_advice_in_json(self):
        told = self._first("redirect.test")
        self.assertIn("mta-sts.redirect.test", told["cause"])
        self.assertIn("https://mta-sts.redirect.test/", told["action"])
        self.assertIn("https://mta-sts.redirect.test/", told["verify"])

    def test_advice_on_an_issuer(self):
        """It is not the leaf that has expired."""
        told = self._first("expired-intermediate.test")
        self.assertIn("CN=Expired Intermediate (",
                      told["additional-information"])
        self.assertIn("own certificate is valid", told["cause"])
        self.assertNotIn("renew the certificate", told["action"])
        self.assertIn("chain", told["action"])
        self.assertIn("renew the certificate",
                      self._first("certificate-expired.test")["action"])

    def test_suggested_record(self):
        """It fits, as OpenSSL has it for the record of another host."""
        spki = LAB.certificates["rolled"].spki_sha256
        record = f"_25._tcp.rolled.dane.test. IN TLSA 3 1 1 {spki}"
        told = self._first("tlsa-invalid.test")
        self.assertEqual(told["suggested-record"], record)
        self.assertIn("TTL", told["action"])
        text = LAB.diagnose("tlsa-invalid.test").out
        self.assertRegex(text, f"(?m)^  record +{re.escape(record)}$")

    def test_port_advice_is_given_once(self):
        text = " ".join(LAB.diagnose("none-reached.test").out.split())
        self.assertEqual(text.count("providers block outbound port 25"), 1)

    def test_policy_tlsa(self):
        """As reports call it."""
        for word in ("dane", "tlsa"):
            outcome = LAB.diagnose("dane-required.test", "--policy", word,
                                   "--format=json")
            self.assertEqual([r["result-type"] for r in
                              Found(outcome).results], ["dane-required"])

    def test_command_names_the_place(self):
        """One of two addresses is broken: that one is to be looked at."""
        told = self._first("ipv6-broken.test")
        self.assertIn(f'-connect "[{told["receiving-ip"]}]:25" '
                      "-servername v6bad.mx.test ", told["verify"])
        told = self._first("healthy-dane.test", "--port", "2525",
                           "--policy=dane")
        self.assertEqual(told["verify"],
                         "delv TLSA _2525._tcp.good.dane.test")

    def _on_terminal(self, *args):
        ours, theirs = lab.terminal(self)
        with open(ours, "rb", buffering=0) as terminal:
            with open(theirs, "wb", buffering=0) as stderr:
                subprocess.run(
                    [lab.TLSRPT, "diagnose", "--resolver", LAB.zones.address,
                     "--trust-anchor", LAB.zones.trust_anchor, "--ca-file",
                     LAB.ca.root.pem, "--timeout=2s", *args, "silent.test"],
                    check=False, stdout=subprocess.DEVNULL, stderr=stderr,
                    timeout=lab.PATIENCE)
                stderr.write(b"END")
                told = b""
                while not told.endswith(b"END"):
                    told += terminal.read(4096)
        return told[:-3]

    def test_progress(self):
        told = self._on_terminal()
        self.assertIn(b"silent.test: asking and connecting, 1 s", told)
        self.assertTrue(told.endswith(b"\r\033[K"), told)
        self.assertEqual(self._on_terminal("--format=json"), b"")

    def test_policy_is_fetched_once(self):
        before = len(LAB.web.seen)
        LAB.diagnose("healthy-sts.test")
        LAB.diagnose("redirect.test")
        request = "GET /.well-known/mta-sts.txt HTTP/1.1"
        self.assertEqual(LAB.web.seen[before:], [
            ("mta-sts.healthy-sts.test", request),
            ("mta-sts.redirect.test", request)])


class TestLaboratory(unittest.TestCase):
    """Other programs find the hosts as they are meant to be."""

    def _address(self, name):
        done = subprocess.run(
            ["drill", "-p", str(LAB.zones.port), "@127.0.0.1",
             f"{name}.mx.test", "A"], check=True, stdout=subprocess.PIPE)
        return re.search(rb"\tA\t(\S+)", done.stdout)[1].decode()

    def _s_client(self, name, *args):
        host = f"{name}.mx.test"
        done = subprocess.run(
            ["openssl", "s_client", "-starttls", "smtp",
             "-connect", f"{self._address(name)}:{MX_PORT}",
             "-servername", host, "-verify_hostname", host,
             "-CAfile", str(LAB.ca.root.pem), *args],
            input=b"QUIT\n", stdout=subprocess.PIPE, check=False,
            stderr=subprocess.STDOUT, timeout=lab.PATIENCE)
        return done.stdout.decode(errors="backslashreplace")

    def test_certificates(self):
        for name, expected in WITNESS.items():
            with self.subTest(host=name):
                text = self._s_client(name)
                if isinstance(expected, str):
                    self.assertIn(expected, text)
                else:
                    self.assertIn(f"Verify return code: {expected} ", text)

    def test_old_tls(self):
        old = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]
        self.assertIn("Protocol  : TLSv1.1", self._s_client("oldtls", *old))
        self.assertIn("Protocol  : TLSv1.1", self._s_client("onlyold", *old))
        self.assertIn("no peer certificate", self._s_client("good", *old))

    def test_dane(self):
        """OpenSSL's own DANE on the records as they are."""
        for name, fits in (("good", True), ("rolled", False)):
            with self.subTest(host=name):
                done = subprocess.run(
                    ["drill", "-p", str(LAB.zones.port), "@127.0.0.1",
                     f"_{MX_PORT}._tcp.{name}.dane.test", "TLSA"],
                    check=True, stdout=subprocess.PIPE)
                record = re.search(rb"\tTLSA\t(.*)", done.stdout)[1].decode()
                text = self._s_client(
                    name, "-dane_tlsa_domain", f"{name}.dane.test",
                    "-dane_tlsa_rrdata", record, "-dane_ee_no_namechecks")
                self.assertEqual("Verification: OK" in text, fits, text)

    def test_web(self):
        def curl(row, *args):
            host = f"mta-sts.{row}.test"
            return subprocess.run(
                ["curl", "-sS", "--resolve", f"{host}:443:{domainlab.WEB}",
                 "--cacert", str(LAB.ca.root.pem), *args,
                 f"https://{host}/.well-known/mta-sts.txt"], check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        done = curl("healthy-sts")
        self.assertEqual((done.returncode, done.stdout), (0, GOOD.encode()))
        for row in ("sts-webpki-invalid", "web-expired", "web-self-signed"):
            self.assertEqual(curl(row).returncode, 60, row)
        for row, status in (("redirect", b"301"), ("sts-policy-fetch-error",
                                                   b"404")):
            done = curl(row, "-w", "%{http_code}", "-o", "/dev/null")
            self.assertEqual(done.stdout, status)


class TestPosttlsFinger(unittest.TestCase):
    """Postfix's own client comes to the same verdict."""

    # Hosts as NAME.dane.test at the level dane-only, and as NAME.mx.test at
    # the level secure. Not cnonly: Postfix takes the CN for a name where there
    # is no other, which RFC 8461, section 4.2, does not.
    DANE = ("good", "second", "expired", "othername", "selfsigned", "soon",
            "expiredca", "twokeys", "rolled", "missing", "taexpired",
            "withroot", "otherroot", "notls", "bogushost")
    SECURE = ("good", "second", "wildcard", "soon", "oldtls", "expired",
              "expiredca", "othername", "deepwild", "selfsigned", "otherroot",
              "missing", "notls", "onlyold", "nocipher", "refuses", "hangsup")
    CONF = """\
server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1
  port: 53
  num-threads: 1
  do-not-query-localhost: no
  trust-anchor-file: "{anchor}"
  local-zone: "test." nodefault
forward-zone:
  name: "."
  forward-addr: {server}
"""

    @classmethod
    def setUpClass(cls):
        directory = LAB.base / "validator"
        directory.mkdir()
        conf = directory / "unbound.conf"
        conf.write_text(cls.CONF.format(
            directory=directory, anchor=LAB.zones.trust_anchor,
            server=LAB.zones.address) + dns.CONTROL)
        cls.validator = dns.Unbound(conf, 53)
        cls.validator.start()
        cls.addClassCleanup(cls.validator.stop)
        resolv = directory / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n")
        lab.mount("--bind", resolv, "/etc/resolv.conf")
        cls.addClassCleanup(lab.unmount, "/etc/resolv.conf")

    def _finger(self, level, host):
        done = subprocess.run(
            ["posttls-finger", "-c", "-T", "5", "-l", level, "-F",
             str(LAB.ca.root.pem), "-o", "smtp_dns_support_level=dnssec",
             f"[{host}]"], check=False, text=True, env=LAB.postfix_environ(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=lab.PATIENCE)
        return "Verified TLS connection established" in done.stdout, done.stdout

    def _check(self, level, host, domain, *args):
        outcome = LAB.diagnose(domain, "--format=json", "--mx", host, *args)
        kinds = {r["kind"] for r in Found(outcome).results}
        self.assertEqual(len(kinds), 1, outcome)
        is_verified, text = self._finger(level, host)
        self.assertEqual(kinds == {"success"}, is_verified,
                         f"{outcome}\n{text}")
        return is_verified

    def _check_all(self, level, hosts, *args):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            told = list(pool.map(
                lambda host: self._check(level, host, *args), hosts))
        # It would agree about nothing, too.
        self.assertEqual(set(told), {False, True})

    def test_dane_only(self):
        self._check_all("dane-only", [f"{n}.dane.test" for n in self.DANE],
                        "healthy-dane.test", "--policy=dane")

    def test_secure(self):
        self._check_all("secure", [f"{n}.mx.test" for n in self.SECURE],
                        "pattern.test", "--policy=sts")


def setUpModule():
    global LAB  # pylint: disable=global-statement
    LAB = domainlab.Lab(World.base / "diagnose")
    LAB.add_zone("wrongds.test", ds="wrong")
    LAB.add_zone("stale.test", age=20 * 86400)
    LAB.add_zone("island.test", ds=None)
    LAB.zones.fail("fail.test")
    LAB.zones.silence("hushed.test")
    furnish_hosts(LAB)
    furnish_scripts(LAB)
    furnish_tlsa(LAB)
    for row in TABLE:
        row.furnish(LAB)
    LAB.start()


def tearDownModule():
    if LAB is not None:
        LAB.stop()
