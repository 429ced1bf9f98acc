"""Reports and the mails that carry them, made to measure."""

import base64
import datetime
import gzip
import hashlib
import itertools
import json

DAY = 1770854400  # 2026-02-12T00:00:00Z

_serial = itertools.count(1)


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def failure(result_type="certificate-expired", sessions=1, **members):
    detail = {
        "result-type": result_type,
        "sending-mta-ip": "192.0.2.7",
        "receiving-mx-hostname": "mx1.example.test",
        "receiving-ip": "198.51.100.20",
        "failed-session-count": sessions,
    }
    detail.update((name.replace("_", "-"), v) for name, v in members.items())
    return detail


def policy(successful=100, failed=0, failures=(), kind="sts",
           domain="example.test", hosts=("mx1.example.test",)):
    made = {
        "policy": {
            "policy-type": kind,
            "policy-string": ["version: STSv1", "mode: enforce",
                              *(f"mx: {host}" for host in hosts),
                              "max_age: 604800"],
            "policy-domain": domain,
            "mx-host": list(hosts),
        },
        "summary": {
            "total-successful-session-count": successful,
            "total-failure-session-count": failed,
        },
    }
    if failures:
        made["failure-details"] = list(failures)
    return made


def report(*policies, organization="Example Mailer Inc.", start=DAY,
           end=DAY + 86399, **members):
    """A report as a dict; every call gives another report-id."""
    made = {
        "organization-name": organization,
        "date-range": {"start-datetime": rfc3339(start),
                       "end-datetime": rfc3339(end)},
        "contact-info": "smtp-tls-reporting@example.org",
        "report-id": f"2026-02-12T00:00:00Z_{next(_serial)}@example.org",
        "policies": list(policies) or [policy()],
    }
    made.update((name.replace("_", "-"), v) for name, v in members.items())
    return made


def text_of(rep):
    """A report's JSON text, if it is not one already."""
    if isinstance(rep, bytes):
        return rep
    return json.dumps(rep).encode()


def unique_of(text):
    return hashlib.sha256(text).hexdigest()[:16]


def wrap(data):
    """base64 in lines of 76."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def header(subject="Report Domain: example.test Submitter: example.org",
           submitter="example.org", fields=()):
    lines = [
        "From: TLS reporting <noreply@example.org>",
        "To: tls-reports@example.test",
        f"Subject: {subject}",
        f"Message-ID: <{next(_serial)}@example.org>",
        "Date: Fri, 13 Feb 2026 04:00:00 +0000",
        "MIME-Version: 1.0",
    ]
    if submitter:
        lines += ["TLS-Report-Domain: example.test",
                  f"TLS-Report-Submitter: {submitter}"]
    return "".join(line + "\r\n" for line in (*lines, *fields)).encode()


def multipart(part, kind='multipart/report; report-type="tlsrpt"',
              end=b"--b1--\r\n", **kwargs):
    """The usual frame: a text part, then what is given."""
    return (header(**kwargs)
            + f'Content-Type: {kind}; boundary="b1"\r\n\r\n'.encode()
            + b"--b1\r\nContent-Type: text/plain\r\n\r\n"
              b"This is an aggregate TLS report.\r\n\r\n--b1\r\n"
            + part + b"\r\n" + end)


def attach(data, kind="application/tlsrpt+gzip",
           name="example.org!example.test!1770854400!1770940799!1.json.gz"):
    """A base64 part."""
    return (f'Content-Type: {kind}; name="{name}"\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\n'
            "Content-Transfer-Encoding: base64\r\n\r\n").encode() + wrap(data)


def mail(rep, **kwargs):
    """A report mail as the large senders write it."""
    return multipart(attach(gzip.compress(text_of(rep), mtime=0)), **kwargs)


def plain_mail(text, **kwargs):
    """A report mail whose JSON is not compressed, but base64."""
    return multipart(attach(text, kind="application/tlsrpt+json",
                            name="r.json"), **kwargs)


def damaged(rep=None):
    """A report mail whose compressed data is damaged in the middle."""
    data = bytearray(gzip.compress(text_of(rep or report()), mtime=0))
    middle = len(data) // 2
    for at in range(middle, middle + 8):
        data[at] ^= 0x55
    return multipart(attach(bytes(data)))


def ordinary(body=b"Hello,\r\n\r\nnothing to see here.\r\n", fields=()):
    """A mail that has nothing to do with reports."""
    return (header(subject="Lunch?", submitter="", fields=fields)
            + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body)


# The practical cases that guides to TLS reporting discuss, with the severity
# and the MX that an operator should be shown.

def case_normal():
    """1842 sessions went well, 3 did not: misconfigured senders."""
    return report(
        policy(1842, 3, [failure("starttls-not-supported", 3)],
               domain="captaindns.com"),
        organization="Google Inc.",
        contact_info="smtp-tls-reporting@google.com")


def case_certificate():
    """47 of 937 failed, all at one MX: its certificate names another host."""
    return report(
        policy(890, 47, [failure(
            "certificate-host-mismatch", 47, sending_mta_ip="40.107.22.89",
            receiving_mx_hostname="mail2.captaindns.com",
            receiving_ip="198.51.100.20")], domain="captaindns.com",
            hosts=("mail1.captaindns.com", "mail2.captaindns.com")),
        organization="Microsoft Corporation",
        contact_info="tlsrpt-noreply@microsoft.com")


def case_policy():
    """Nothing went well, and no failure detail says why."""
    return report(policy(0, 156, domain="captaindns.com"),
                  organization="Example Mailer Inc.")
