"""The plain report that most mails about packing and about JSON carry."""
from .build import (base64, deviations, gzip, message, multipart, part,
                    replace)

TEXT = """\
{
  "organization-name": "Example Net",
  "date-range": {
    "start-datetime": "2026-02-01T00:00:00Z",
    "end-datetime": "2026-02-01T23:59:59Z"
  },
  "contact-info": "tls@example.net",
  "report-id": "2026-02-01-7@example.net",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1", "mode: enforce",
        "mx: mx.example.com", "max_age: 604800"],
      "policy-domain": "example.com",
      "mx-host": ["mx.example.com"]
    },
    "summary": {
      "total-successful-session-count": 96,
      "total-failure-session-count": 4
    },
    "failure-details": [{
      "result-type": "certificate-expired",
      "sending-mta-ip": "192.0.2.25",
      "receiving-mx-hostname": "mx.example.com",
      "receiving-ip": "198.51.100.25",
      "failed-session-count": 4
    }]
  }]
}
"""

# 4 of 100 sessions: 4.00 %, above NoticeRate, not above WarningRate.
REPORT = """\
report
  organization-name Example Net
  contact-info tls@example.net
  report-id 2026-02-01-7@example.net
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
  total-successful-session-count 96
  total-failure-session-count 4
  severity warning
DEVIATIONS  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string mx: mx.example.com
    policy-string max_age: 604800
    mx-host mx.example.com
    total-successful-session-count 96
    total-failure-session-count 4
    failure
      result-type certificate-expired
      sending-mta-ip 192.0.2.25
      receiving-mx-hostname mx.example.com
      receiving-ip 198.51.100.25
      failed-session-count 4
"""

FILE_NAME = "mta.example.net!example.com!1769904000!1769990399"

# Few fields: every mail is also cut at each of its offsets.
FIELDS = """\
From: TLS reports <tlsrpt@mta.example.net>
Message-ID: <7.20260202030405@mta.example.net>
Subject: Report Domain: example.com Submitter: mta.example.net
 Report-ID: <2026-02-01-7@example.net>
TLS-Report-Submitter: mta.example.net
MIME-Version: 1.0
"""

TOP = 'Content-Type: multipart/report; report-type="tlsrpt"; boundary="=_b1"\n'

HEAD = """\
subject Report Domain: example.com Submitter: mta.example.net \
Report-ID: <2026-02-01-7@example.net>
message-id <7.20260202030405@mta.example.net>
submitter mta.example.net
from-domain mta.example.net
"""

NOTE = part('Content-Type: text/plain; charset="us-ascii"',
            "This is an aggregate TLS report from mta.example.net\n")

GZIP_PART = part("""\
Content-Type: application/tlsrpt+gzip; name="%s.json.gz"
Content-Disposition: attachment; filename="%s.json.gz"
Content-Transfer-Encoding: base64
""" % (FILE_NAME, FILE_NAME), base64(gzip(TEXT)) + "\n")


def report(*names, change=()):
    """What must come out of TEXT, with deviations and other changes."""
    return replace(REPORT, *change).replace("DEVIATIONS", deviations(*names))


def labelled(fields, body):
    """A mail in the standard dress around one attachment."""
    return message(FIELDS + TOP, multipart("=_b1", NOTE, part(fields, body)))


def with_json(text, encoding="8bit"):
    """The standard mail around a JSON text as it is."""
    return labelled("""\
Content-Type: application/tlsrpt+json
Content-Disposition: attachment; filename="%s.json"
Content-Transfer-Encoding: %s
""" % (FILE_NAME, encoding), text)


def with_gzip(data):
    """The standard mail around bytes that are said to be gzip."""
    return labelled("""\
Content-Type: application/tlsrpt+gzip
Content-Disposition: attachment; filename="%s.json.gz"
Content-Transfer-Encoding: base64
""" % FILE_NAME, base64(data) + "\n")
