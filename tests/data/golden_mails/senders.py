"""Look-alikes of what the senders of the field write, quirk by quirk."""
from .build import (base64, deviations, golden, gzip, message, multipart,
                    part)

GOOGLE_HEAD = """\
Return-Path: <3kx2@smtp-tls-reporting.bounces.google.test>
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=google.test; s=20230601; t=1770026400; x=1770631200; darn=example.com;
        h=to:from:subject:message-id:tls-report-submitter:tls-report-domain
         :date:mime-version:from:to:cc:subject:date:message-id:reply-to;
        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
        b=bm90IGEgc2lnbmF0dXJlLCBhIGxvb2stYWxpa2Ugb2Ygb25l
X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=1e100.test; s=20230601; t=1770026400; x=1770631200;
        h=to:from:subject:message-id:tls-report-submitter:tls-report-domain
         :date:mime-version:x-gm-message-state:from:to:cc:subject:date;
        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
        b=bm90IGEgc2lnbmF0dXJlLCBhIGxvb2stYWxpa2Ugb2Ygb25l
X-Received: by 2001:db8:25c1:b0:70f:6ff4:7bc5 with SMTP id 46e09a7af769;
        Mon, 02 Feb 2026 02:00:00 -0800 (PST)
Date: Mon, 02 Feb 2026 02:00:00 -0800
TLS-Report-Domain: example.com
TLS-Report-Submitter: google.test
Message-ID: <%s@google.test>
Subject: Report Domain: example.com Submitter: google.test Report-ID: <2026.02.01T00.00.00Z+example.com@google.test>
From: noreply-smtp-tls-reporting@google.test
To: tls-reports@example.com
Content-Type: multipart/report; boundary="%s"; report-type=tlsrpt
MIME-Version: 1.0
"""

GOOGLE_EXPECT = """\
subject Report Domain: example.com Submitter: google.test \
Report-ID: <2026.02.01T00.00.00Z+example.com@google.test>
message-id <%s@google.test>
submitter google.test
from-domain google.test
report
  organization-name Google Inc.
  contact-info smtp-tls-reporting@google.test
  report-id 2026-02-01T00:00:00Z_example.com
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
"""

GOOGLE_NAME = "google.test!example.com!1769904000!1769990399!001.json.gz"


def google(name, serial, policies, expect):
    """Folded name= behind a blank, flowed text, unquoted report-type."""
    text = ('{"organization-name":"Google Inc.","date-range":{'
            '"start-datetime":"2026-02-01T00:00:00Z",'
            '"end-datetime":"2026-02-01T23:59:59Z"},'
            '"contact-info":"smtp-tls-reporting@google.test",'
            '"report-id":"2026-02-01T00:00:00Z_example.com",'
            '"policies":[' + policies + ']}')
    boundary = "000000000000" + serial
    body = multipart(
        boundary,
        part('Content-Type: text/plain; charset="UTF-8"; format=flowed; '
             'delsp=yes',
             "This is an aggregate TLS report from google.test\n"),
        part('Content-Type: application/tlsrpt+gzip; \n'
             '\tname="%s"\n'
             'Content-Disposition: attachment; \n'
             '\tfilename="%s"\n'
             'Content-Transfer-Encoding: base64\n'
             % (GOOGLE_NAME, GOOGLE_NAME), base64(gzip(text)) + "\n"),
        epilogue="\n")
    golden(name, message(GOOGLE_HEAD % (serial, boundary), body),
           GOOGLE_EXPECT % serial + expect)


def google_mails():
    google("google-no-policy-found", "6b61c1a1", """\
{"policy":{"policy-type":"no-policy-found","policy-domain":"example.com"},\
"summary":{"total-successful-session-count":7,\
"total-failure-session-count":0}}""", """\
  total-successful-session-count 7
  total-failure-session-count 0
  severity info
  policy
    policy-type no-policy-found
    policy-domain example.com
    total-successful-session-count 7
    total-failure-session-count 0
""")
    google("google-sts-clean", "6b61c1a2", """\
{"policy":{"policy-type":"sts","policy-string":["version: STSv1",\
"mode: enforce","max_age: 86400","mx: mx1.example.com","mx: mx2.example.com"],\
"policy-domain":"example.com","mx-host":["mx1.example.com",\
"mx2.example.com"]},"summary":{"total-successful-session-count":53,\
"total-failure-session-count":0}}""", """\
  total-successful-session-count 53
  total-failure-session-count 0
  severity info
  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string max_age: 86400
    policy-string mx: mx1.example.com
    policy-string mx: mx2.example.com
    mx-host mx1.example.com
    mx-host mx2.example.com
    total-successful-session-count 53
    total-failure-session-count 0
""")
    # 3 of 1845 sessions are 0.16 %: the notice that guides explain. An
    # address that is "" counts as not given.
    google("google-validation-failure", "6b61c1a3", """\
{"policy":{"policy-type":"sts","policy-string":["version: STSv1",\
"mode: testing","mx: mx.example.com","max_age: 86400"],\
"policy-domain":"example.com"},\
"summary":{"total-successful-session-count":1842,\
"total-failure-session-count":3},"failure-details":[\
{"result-type":"validation-failure","sending-mta-ip":"192.0.2.201",\
"receiving-ip":"198.51.100.41","receiving-mx-hostname":"mx.example.com",\
"failed-session-count":2},\
{"result-type":"validation-failure","sending-mta-ip":"",\
"receiving-ip":"2001:db8::41","receiving-mx-hostname":"mx.example.com",\
"failed-session-count":1}]}""", """\
  total-successful-session-count 1842
  total-failure-session-count 3
  severity notice
  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: testing
    policy-string mx: mx.example.com
    policy-string max_age: 86400
    total-successful-session-count 1842
    total-failure-session-count 3
    failure
      result-type validation-failure
      sending-mta-ip 192.0.2.201
      receiving-mx-hostname mx.example.com
      receiving-ip 198.51.100.41
      failed-session-count 2
    failure
      result-type validation-failure
      receiving-mx-hostname mx.example.com
      receiving-ip 2001:db8::41
      failed-session-count 1
""")
    # 2019: a count of zero was left out.
    google("google-zero-counts-omitted", "6b61c1a4", """\
{"policy":{"policy-type":"no-policy-found","policy-domain":"example.com"},\
"summary":{"total-successful-session-count":3}}""", """\
  total-successful-session-count 3
  total-failure-session-count 0
  severity info
%s  policy
    policy-type no-policy-found
    policy-domain example.com
    total-successful-session-count 3
""" % deviations("count-missing"))


MICROSOFT_HEAD = """\
Received: from mail.outbound.test (192.0.2.36) by mx.example.com
 (2001:db8:5:114::36) with Microsoft SMTP Server (version=TLS1_2,
 cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.6108.0 via Frontend
 Transport; Mon, 2 Feb 2026 05:09:22 +0000
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=microsoft.test;
 s=selector2;
 h=From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-SenderADCheck;
 bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
 b=bm90IGEgc2lnbmF0dXJlLCBhIGxvb2stYWxpa2Ugb2Ygb25l
From: <tlsrpt-noreply@microsoft.test>
To: "tls-reports@example.com" <tls-reports@example.com>
Date: Mon, 2 Feb 2026 05:09:22 +0000
Subject: Report Domain: example.com Submitter: microsoft.test Report-ID:
 %(id)s
TLS-Report-Domain: example.com
TLS-Report-Submitter: microsoft.test
MIME-Version: 1.0
Message-ID: <%(id)s@example.com>
Content-Type: multipart/report;
\tboundary="_078e4900-4595-46ae-b003-a8055864441a_"; report-type=tlsrpt
Return-Path: tlsrpt-noreply@microsoft.test
X-MS-TrafficTypeDiagnostic:
\tBL2NAM06FT015:EE_FirstParty-TlsRpt-V3-System|PH7PR21MB3143:EE_FirstParty-TlsRpt-V3-System
X-Microsoft-Antispam-Message-Info:
\t=?us-ascii?Q?bG9vay1hbGlrZQ?=
 =?us-ascii?Q?soIxWt01s2OGdNQcemyVJQ=3D=3D?=
"""

MICROSOFT_EXPECT = """\
subject Report Domain: example.com Submitter: microsoft.test Report-ID: %(id)s
message-id <%(id)s@example.com>
submitter microsoft.test
from-domain microsoft.test
report
  organization-name Microsoft Corporation
  contact-info tlsrpt-noreply@microsoft.test
  report-id %(id)s
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
"""

MICROSOFT_PLAIN = part("""\
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable
""", """\
This is an aggregate TLS report from microsoft.test
""")

MICROSOFT_HTML = part("""\
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable
""", """\
<html>
<head>
<meta http-equiv=3D"Content-Type" content=3D"text/html; charset=3Dus-ascii"=
>
</head>
<body>
<div>This is an aggregate TLS report from microsoft.test</div>
 <br>
<p><em>Microsoft respects your privacy. Review our online </em><a href=3D"h=
ttps://privacy.microsoft.test/en-us/"><em>Privacy Statement</em></a></p>
 </body>
</html>
""")


def microsoft(name, report_id, zone, first, policies, expect):
    """No name=: the name is in the description and the disposition."""
    text = """{
  "organization-name": "Microsoft Corporation",
  "date-range": {
    "start-datetime": "2026-02-01T00:00:00%s",
    "end-datetime": "2026-02-01T23:59:59%s"
  },
  "contact-info": "tlsrpt-noreply@microsoft.test",
  "report-id": "%s",
  "policies": [%s]
}""" % (zone, zone, report_id, policies)
    file_name = "microsoft.test!example.com!1769904000!1769990399!%s.json.gz" \
        % report_id.partition("+")[0]
    body = multipart(
        "_078e4900-4595-46ae-b003-a8055864441a_", first,
        part("Content-Type: application/tlsrpt+gzip\n"
             "Content-Description:\n %s\n"
             "Content-Disposition: attachment;\n\tfilename=\"%s\"\n"
             "Content-Transfer-Encoding: base64\n" % (file_name, file_name),
             base64(gzip(text)) + "\n"))
    values = {"id": report_id}
    golden(name, message(MICROSOFT_HEAD % values, body),
           MICROSOFT_EXPECT % values + expect)


def microsoft_mails():
    microsoft("microsoft-dates-without-zone", "133198585438131172+example.com",
              "", MICROSOFT_PLAIN, """
    {
      "policy": {
        "policy-type": "sts",
        "policy-string": [
          "version: STSv1",
          "mode: enforce",
          "mx: mx.example.com",
          "max_age: 86400"
        ],
        "policy-domain": "example.com"
      },
      "summary": {
        "total-successful-session-count": 18,
        "total-failure-session-count": 0
      }
    }
  """, """\
  total-successful-session-count 18
  total-failure-session-count 0
  severity info
%s  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string mx: mx.example.com
    policy-string max_age: 86400
    total-successful-session-count 18
    total-failure-session-count 0
""" % deviations("datetime-without-zone"))
    # The same two sessions under both policies; totals are a sum.
    microsoft("microsoft-sts-and-tlsa", "133925885310113267+example.com", "Z",
              MICROSOFT_HTML, r"""
    {"policy": {"policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: enforce",
          "mx: *.example.com", "max_age: 2592000"],
        "policy-domain": "example.com"},
      "summary": {"total-successful-session-count": 2,
        "total-failure-session-count": 0}},
    {"policy": {"policy-type": "tlsa",
        "policy-string": ["[\"3 1 1 00112233\",\"3 1 1 44556677\"]"],
        "policy-domain": "example.com"},
      "summary": {"total-successful-session-count": 2,
        "total-failure-session-count": 0}}
  """, """\
  total-successful-session-count 4
  total-failure-session-count 0
  severity info
  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string mx: *.example.com
    policy-string max_age: 2592000
    total-successful-session-count 2
    total-failure-session-count 0
  policy
    policy-type tlsa
    policy-domain example.com
    policy-string ["3 1 1 00112233","3 1 1 44556677"]
    total-successful-session-count 2
    total-failure-session-count 0
""")
    # All of 3 sessions failed, but fewer than MinSessions: a warning.
    microsoft("microsoft-policy-fetch-error", "1234567890+", "Z",
              MICROSOFT_HTML, """
    {"policy": {"policy-type": "sts", "policy-domain": "example.com"},
      "summary": {"total-successful-session-count": 0,
        "total-failure-session-count": 3},
      "failure-details": [{"result-type": "sts-policy-fetch-error",
        "failed-session-count": 3}]}
  """, """\
  total-successful-session-count 0
  total-failure-session-count 3
  severity warning
  policy
    policy-type sts
    policy-domain example.com
    total-successful-session-count 0
    total-failure-session-count 3
    failure
      result-type sts-policy-fetch-error
      failed-session-count 3
""")
    # 47 of 937 are 5.02 %: above WarningRate.
    microsoft("microsoft-host-mismatch", "133841234567890123+example.com",
              "Z", MICROSOFT_HTML, """
    {"policy": {"policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: enforce",
          "mx: mail.example.com", "max_age: 604800"],
        "policy-domain": "example.com"},
      "summary": {"total-successful-session-count": 890,
        "total-failure-session-count": 47},
      "failure-details": [{"result-type": "certificate-host-mismatch",
        "sending-mta-ip": "192.0.2.89",
        "receiving-mx-hostname": "mail2.example.com",
        "receiving-ip": "198.51.100.20",
        "failed-session-count": 47,
        "failure-reason-code": "MX_HOSTS_MISMATCH"}]}
  """, """\
  total-successful-session-count 890
  total-failure-session-count 47
  severity err
  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string mx: mail.example.com
    policy-string max_age: 604800
    total-successful-session-count 890
    total-failure-session-count 47
    failure
      result-type certificate-host-mismatch
      sending-mta-ip 192.0.2.89
      receiving-mx-hostname mail2.example.com
      receiving-ip 198.51.100.20
      failed-session-count 47
      failure-reason-code MX_HOSTS_MISMATCH
""")
    # 156 sessions failed and none is explained: what policies alone tell.
    microsoft("microsoft-policies-only", "133841234567890124+example.com",
              "Z", MICROSOFT_PLAIN, """
    {"policy": {"policy-type": "sts", "policy-domain": "example.com"},
      "summary": {"total-successful-session-count": 0,
        "total-failure-session-count": 156}}
  """, """\
  total-successful-session-count 0
  total-failure-session-count 156
  severity err
  policy
    policy-type sts
    policy-domain example.com
    total-successful-session-count 0
    total-failure-session-count 156
""")


def mailru_mail():
    """The closing delimiter lacks its last "--"; Subject over four lines."""
    file_name = "mail.ru.test!example.com!1769904000!1769990400.json.gz"
    text = r"""{
   "contact-info" : "tls_support@corp.mail.ru.test",
   "date-range" : {
      "end-datetime" : "2026-02-02T00:00:00Z",
      "start-datetime" : "2026-02-01T00:00:00Z"
   },
   "organization-name" : "Mail.ru",
   "policies" : [
      {
         "failure-details" : [
            {
               "failed-session-count" : 1,
               "failure-reason-code" : "bad https response code: 404",
               "result-type" : "sts-policy-fetch-error"
            },
            {
               "failed-session-count" : 1,
               "failure-reason-code" : "Get \"https://mta-sts.example.com/.well-known/mta-sts.txt\": dial tcp 198.51.100.7:443: i/o timeout",
               "result-type" : "sts-policy-fetch-error"
            }
         ],
         "policy" : {
            "policy-domain" : "example.com",
            "policy-type" : "sts"
         },
         "summary" : {
            "total-failure-session-count" : 1,
            "total-successful-session-count" : 0
         }
      }
   ],
   "report-id" : "b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test"
}
"""
    fields = """\
DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/relaxed;
 d=corp.mail.ru.test; s=mail; t=1770001200; x=1770091200;
 h=Content-Type:Message-ID:Subject:To:From:MIME-Version:Date;
 bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
 b=bm90IGEgc2lnbmF0dXJlLCBhIGxvb2stYWxpa2Ugb2Ygb25l
Date: Mon, 02 Feb 2026 03:00:00 +0300
MIME-Version: 1.0
From: tls_support@corp.mail.ru.test
To: tls-reports@example.com
Subject: Report Domain: example.com
 Submitter: mail.ru.test
 Report-ID:
 <b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test>
Message-ID: <b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test>
TLS-Report-Domain: example.com
TLS-Report-Submitter: mail.ru.test
Content-Type: multipart/report; report-type="tlsrpt";
 boundary="===============2538477352461253418=="
"""
    body = multipart(
        "===============2538477352461253418==",
        part('Content-Type: text/plain; charset="us-ascii"\n'
             "MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n",
             "This is an aggregate TLS report from mail.ru.test\n"),
        part("Content-Type: application/tlsrpt+gzip\nMIME-Version: 1.0\n"
             "Content-Transfer-Encoding: base64\n"
             'Content-Disposition: attachment;\n filename="%s"\n' % file_name,
             base64(gzip(text)) + "\n"),
        closing="--%s\r\n")
    golden("mailru-policy-fetch-error", message(fields, body), """\
subject Report Domain: example.com Submitter: mail.ru.test Report-ID: \
<b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test>
message-id <b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test>
submitter mail.ru.test
from-domain corp.mail.ru.test
report
  organization-name Mail.ru
  contact-info tls_support@corp.mail.ru.test
  report-id b28254de-7b2e-be36-bb5c-4c3b92da8b25@mail.ru.test
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-02T00:00:00Z
  total-successful-session-count 0
  total-failure-session-count 1
  severity warning
%s  policy
    policy-type sts
    policy-domain example.com
    total-successful-session-count 0
    total-failure-session-count 1
    failure
      result-type sts-policy-fetch-error
      failed-session-count 1
      failure-reason-code bad https response code: 404
    failure
      result-type sts-policy-fetch-error
      failed-session-count 1
      failure-reason-code Get "https://mta-sts.example.com/.well-known/\
mta-sts.txt": dial tcp 198.51.100.7:443: i/o timeout
""" % deviations("missing-mime-end"))


def stalwart_mail():
    """A null contact, a window that is no day, a gzip member with a name."""
    file_name = "mail.example.net!example.com!1769866200!1769952600.json.gz"
    text = ('{"organization-name":"mail.example.net","date-range":{'
            '"start-datetime":"2026-01-31T13:30:00Z",'
            '"end-datetime":"2026-02-01T13:30:00Z"},"contact-info":null,'
            '"report-id":"2105364118_11420371190132","policies":[{"policy":{'
            '"policy-type":"sts","policy-string":["version: STSv1",'
            '"mode: enforce","max_age: 86400","mx: mail.example.com"],'
            '"policy-domain":"example.com","mx-host":["mx: mail.example.com"'
            ']},"summary":{"total-successful-session-count":1,'
            '"total-failure-session-count":0},"failure-details":[]}]}')
    fields = """\
From: "TLS Reports" <noreply-tls@mail.example.net>
To: <tls-reports@example.com>
Auto-Submitted: auto-generated
Date: Sun, 1 Feb 2026 13:31:00 +0000
Message-ID: <1886f2d0c4b1a2e3.9f3b@mail.example.net>
TLS-Report-Domain: example.com
TLS-Report-Submitter: mail.example.net
Subject: Report Domain: example.com Submitter: mail.example.net
\tReport-ID: <2105364118_11420371190132@mail.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type="tlsrpt";
\tboundary="1886f2d0c4b1_9f3b_a2e3"
"""
    body = multipart(
        "1886f2d0c4b1_9f3b_a2e3",
        part('Content-Type: text/plain; charset="utf-8"\n'
             "Content-Transfer-Encoding: quoted-printable\n",
             "TLS report from mail.example.net for example.com=0D=0A\n"),
        part('Content-Type: application/tlsrpt+gzip\n'
             'Content-Disposition: attachment;\n\tfilename="%s"\n'
             "Content-Transfer-Encoding: base64\n" % file_name,
             base64(gzip(text, "report.json")) + "\n"),
        preamble="\n")
    golden("stalwart-contact-null", message(fields, body), """\
subject Report Domain: example.com Submitter: mail.example.net \
Report-ID: <2105364118_11420371190132@mail.example.net>
message-id <1886f2d0c4b1a2e3.9f3b@mail.example.net>
submitter mail.example.net
from-domain mail.example.net
report
  organization-name mail.example.net
  report-id 2105364118_11420371190132
  start-datetime 2026-01-31T13:30:00Z
  end-datetime 2026-02-01T13:30:00Z
  total-successful-session-count 1
  total-failure-session-count 0
  severity info
%s  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string max_age: 86400
    policy-string mx: mail.example.com
    mx-host mx: mail.example.com
    total-successful-session-count 1
    total-failure-session-count 0
""" % deviations("null-member"))


REPORTER_HEAD = """\
From: tlsrpt@mx.example.net
To: tls-reports@example.com
Date: Mon, 02 Feb 2026 00:41:12 +0000
Subject: Report Domain: example.com Submitter: Example Organization Ltd
 Report-ID: <2026-02-01T00:00:00Z_idx%(n)d_example.com@mx.example.net>
Message-ID: <17699%(n)d.tlsrpt@mx.example.net>
TLS-Report-Domain: example.com
TLS-Report-Submitter: Example Organization Ltd
MIME-Version: 1.0
Content-Type: multipart/report; report-type="tlsrpt";
 boundary="===============0451123941=="
"""

REPORTER_EXPECT = """\
subject Report Domain: example.com Submitter: Example Organization Ltd \
Report-ID: <2026-02-01T00:00:00Z_idx%(n)d_example.com@mx.example.net>
message-id <17699%(n)d.tlsrpt@mx.example.net>
submitter Example Organization Ltd
from-domain mx.example.net
report
  organization-name Example Organization Ltd
  contact-info postmaster@mx.example.net
  report-id 2026-02-01T00:00:00Z_idx%(n)d_example.com
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
"""


def reporter(name, number, policies, expect):
    """Postfix with tlsrpt-reporter: the summary comes before the policy."""
    text = ('{"organization-name": "Example Organization Ltd", '
            '"date-range": {"start-datetime": "2026-02-01T00:00:00Z", '
            '"end-datetime": "2026-02-01T23:59:59Z"}, '
            '"contact-info": "postmaster@mx.example.net", '
            '"report-id": "2026-02-01T00:00:00Z_idx%d_example.com", '
            '"policies": [%s]}' % (number, policies))
    body = multipart(
        "===============0451123941==",
        part('Content-Type: text/plain; charset="utf-8"\n'
             "Content-Transfer-Encoding: 7bit\nMIME-Version: 1.0\n",
             "This is an aggregate TLS report from Example Organization "
             "Ltd.\n"),
        part('Content-Type: application/tlsrpt+gzip\n'
             'Content-Transfer-Encoding: base64\n'
             'Content-Disposition: attachment; filename="Example '
             'Organization Ltd!example.com!1769904000!1769990399!idx%d'
             '.json.gz"\n'
             "MIME-Version: 1.0\n" % number, base64(gzip(text)) + "\n"))
    values = {"n": number}
    golden(name, message(REPORTER_HEAD % values, body),
           REPORTER_EXPECT % values + expect)


def reporter_mails():
    reporter("tlsrpt-reporter-no-domain", 1, """\
{"summary": {"total-successful-session-count": 12, \
"total-failure-session-count": 0}, \
"policy": {"policy-type": "no-policy-found"}}""", """\
  total-successful-session-count 12
  total-failure-session-count 0
  severity info
%s  policy
    policy-type no-policy-found
    total-successful-session-count 12
    total-failure-session-count 0
""" % deviations("policy-domain-missing"))
    # Old versions wrote a server's multi-line reply as it was, tab and all.
    reporter("tlsrpt-reporter-raw-controls", 2, """\
{"summary": {"total-successful-session-count": 0, \
"total-failure-session-count": 2}, \
"failure-details": [{"receiving-mx-hostname": "mx.example.com", \
"sending-mta-ip": "2001:db8::25", "receiving-ip": "2001:db8:1::25", \
"additional-information": "454 4.7.0 TLS not available\n\tdue to \x01reason", \
"failed-session-count": 2}], \
"policy": {"policy-type": "tlsa", "policy-string": ["3 1 1 00112233"], \
"policy-domain": "example.com", "mx-host": ["mx.example.com"]}}""", """\
  total-successful-session-count 0
  total-failure-session-count 2
  severity warning
%s  policy
    policy-type tlsa
    policy-domain example.com
    policy-string 3 1 1 00112233
    mx-host mx.example.com
    total-successful-session-count 0
    total-failure-session-count 2
    failure
      sending-mta-ip 2001:db8::25
      receiving-mx-hostname mx.example.com
      receiving-ip 2001:db8:1::25
      failed-session-count 2
      additional-information 454 4.7.0 TLS not available\\x0a\\x09due to \
\\x01reason
""" % deviations("raw-control-character", "result-type-missing"))


def halon_mail():
    """Not compressed; a semicolon too many; policy-string "". """
    file_name = "halon.example.net!example.com!1769904000!1769990399.json"
    text = ('{"organization-name":"Halon Example","date-range":{'
            '"start-datetime":"2026-02-01T00:00:00Z",'
            '"end-datetime":"2026-02-01T23:59:59Z"},'
            '"contact-info":"postmaster@halon.example.net",'
            '"report-id":"e1b6a3f2-02c5-4d34-8a33-3df2b1a3c001","policies":['
            '{"policy":{"policy-type":"no-policy-found","policy-string":"",'
            '"policy-domain":"example.com"},"summary":{'
            '"total-successful-session-count":21,'
            '"total-failure-session-count":1},"failure-details":[{'
            '"result-type":"starttls-not-supported",'
            '"sending-mta-ip":"203.0.113.5","receiving-mx-hostname":'
            '"mx.example.com","receiving-ip":"198.51.100.25",'
            '"failed-session-count":1}]}]}')
    fields = """\
Content-Type: multipart/report; report-type="tlsrpt";
 boundary="=_e1b6a3f202c54d34";
Subject: Report Domain: example.com Submitter: halon.example.net Report-ID: <e1b6a3f2-02c5-4d34-8a33-3df2b1a3c001@halon.example.net>
MIME-Version: 1.0
From: postmaster@halon.example.net
To: tls-reports@example.com
TLS-Report-Domain: example.com
TLS-Report-Submitter: halon.example.net
Date: Mon, 02 Feb 2026 01:00:00 +0000
Message-ID: <e1b6a3f2@halon.example.net>
"""
    body = multipart(
        "=_e1b6a3f202c54d34",
        part("Content-Type: text/plain; charset=utf-8",
             "TLS report for example.com\n"),
        part("Content-Transfer-Encoding: base64\n"
             "Content-Type: application/tlsrpt+json;\n"
             'Content-Disposition: attachment; filename="%s";\n' % file_name,
             base64(text) + "\n"))
    # 1 of 22 is 4.55 %.
    golden("halon-json-base64", message(fields, body), """\
subject Report Domain: example.com Submitter: halon.example.net \
Report-ID: <e1b6a3f2-02c5-4d34-8a33-3df2b1a3c001@halon.example.net>
message-id <e1b6a3f2@halon.example.net>
submitter halon.example.net
from-domain halon.example.net
report
  organization-name Halon Example
  contact-info postmaster@halon.example.net
  report-id e1b6a3f2-02c5-4d34-8a33-3df2b1a3c001
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
  total-successful-session-count 21
  total-failure-session-count 1
  severity warning
%s  policy
    policy-type no-policy-found
    policy-domain example.com
    total-successful-session-count 21
    total-failure-session-count 1
    failure
      result-type starttls-not-supported
      sending-mta-ip 203.0.113.5
      receiving-mx-hostname mx.example.com
      receiving-ip 198.51.100.25
      failed-session-count 1
""" % deviations("policy-string-not-array"))


def socketlabs_mail():
    """receiving-mx-host-name for receiving-mx-hostname."""
    file_name = "socketlabs.test!example.com!1769904000!1769990399!8.json.gz"
    text = """{
  "organization-name": "SocketLabs",
  "date-range": {
    "start-datetime": "2026-02-01T00:00:00Z",
    "end-datetime": "2026-02-01T23:59:59Z"
  },
  "contact-info": "support@socketlabs.test",
  "report-id": "8d0c6a4b@socketlabs.test",
  "policies": [
    {
      "policy": {
        "policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: testing"],
        "policy-domain": "example.com",
        "mx-host": ["mx.example.com"]
      },
      "summary": {
        "total-successful-session-count": 398,
        "total-failure-session-count": 2
      },
      "failure-details": [
        {
          "result-type": "certificate-not-trusted",
          "sending-mta-ip": "192.0.2.30",
          "receiving-mx-host-name": "mx.example.com",
          "receiving-mx-helo": "mx.example.com",
          "receiving-ip": "198.51.100.25",
          "failed-session-count": 2,
          "failure-reason-code": "UntrustedRoot"
        }
      ]
    }
  ]
}
"""
    fields = """\
MIME-Version: 1.0
From: SocketLabs TLS Reporting <tlsrpt@socketlabs.test>
To: tls-reports@example.com
Date: 2 Feb 2026 06:00:00 -0500
Subject: Report Domain: example.com Submitter: socketlabs.test Report-ID:
 <8d0c6a4b@socketlabs.test>
TLS-Report-Domain: example.com
TLS-Report-Submitter: socketlabs.test
Message-ID: <8d0c6a4b@socketlabs.test>
Content-Type: multipart/report; report-type=tlsrpt;
 boundary=sl-8d0c6a4b
"""
    body = multipart(
        "sl-8d0c6a4b",
        part("Content-Type: text/plain", "TLS report\n"),
        part("Content-Type: application/tlsrpt+gzip; name=\"%s\"\n"
             "Content-Transfer-Encoding: base64\n"
             "Content-Disposition: attachment\n" % file_name,
             base64(gzip(text)) + "\n"))
    # 2 of 400 are 0.50 %.
    golden("socketlabs-mx-host-name", message(fields, body), """\
subject Report Domain: example.com Submitter: socketlabs.test \
Report-ID: <8d0c6a4b@socketlabs.test>
message-id <8d0c6a4b@socketlabs.test>
submitter socketlabs.test
from-domain socketlabs.test
report
  organization-name SocketLabs
  contact-info support@socketlabs.test
  report-id 8d0c6a4b@socketlabs.test
  start-datetime 2026-02-01T00:00:00Z
  end-datetime 2026-02-01T23:59:59Z
  total-successful-session-count 398
  total-failure-session-count 2
  severity notice
%s  policy
    policy-type sts
    policy-domain example.com
    policy-string version: STSv1
    policy-string mode: testing
    mx-host mx.example.com
    total-successful-session-count 398
    total-failure-session-count 2
    failure
      result-type certificate-not-trusted
      sending-mta-ip 192.0.2.30
      receiving-mx-hostname mx.example.com
      receiving-mx-helo mx.example.com
      receiving-ip 198.51.100.25
      failed-session-count 2
      failure-reason-code UntrustedRoot
""" % deviations("misnamed-member"))


# RFC 8460, Appendix B, as it is printed there.
APPENDIX_B = """\
   {
     "organization-name": "Company-X",
     "date-range": {
       "start-datetime": "2016-04-01T00:00:00Z",
       "end-datetime": "2016-04-01T23:59:59Z"
     },
     "contact-info": "sts-reporting@company-x.example",
     "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
     "policies": [{
       "policy": {
         "policy-type": "sts",
         "policy-string": ["version: STSv1","mode: testing",
               "mx: *.mail.company-y.example","max_age: 86400"],
         "policy-domain": "company-y.example",
         "mx-host": "*.mail.company-y.example"
       },
       "summary": {
         "total-successful-session-count": 5326,
         "total-failure-session-count": 303
       },
       "failure-details": [{
         "result-type": "certificate-expired",
         "sending-mta-ip": "2001:db8:abcd:0012::1",
         "receiving-mx-hostname": "mx1.mail.company-y.example",
         "failed-session-count": 100
       }, {
         "result-type": "starttls-not-supported",
         "sending-mta-ip": "2001:db8:abcd:0013::1",
         "receiving-mx-hostname": "mx2.mail.company-y.example",
         "receiving-ip": "203.0.113.56",
         "failed-session-count": 200,
         "additional-information": "https://reports.company-x.example/
           report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported "
       }, {
         "result-type": "validation-failure",
         "sending-mta-ip": "198.51.100.62",
         "receiving-ip": "203.0.113.58",
         "receiving-mx-hostname": "mx-backup.mail.company-y.example",
         "failed-session-count": 3,
         "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
       }]
     }]
   }
"""


def appendix_b_mail():
    """In the mail of section 5.3; a newline stands raw in a string."""
    fields = """\
From: tlsrpt@mail.sender.example.com
Date: Fri, May 09 2017 16:54:30 -0800
To: mts-sts-tlsrpt@example.net
Subject: Report Domain: example.net
    Submitter: mail.sender.example.com
    Report-ID: <735ff.e317+bf22029@example.net>
TLS-Report-Domain: example.net
TLS-Report-Submitter: mail.sender.example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type="tlsrpt";
    boundary="----=_NextPart_000_024E_01CC9B0A.AFE54C00"
Content-Language: en-us
"""
    body = multipart(
        "----=_NextPart_000_024E_01CC9B0A.AFE54C00",
        part('Content-Type: text/plain; charset="us-ascii"\n'
             "Content-Transfer-Encoding: 7bit\n",
             "This is an aggregate TLS report from mail.sender.example.com\n"),
        part("Content-Type: application/tlsrpt+gzip\n"
             "Content-Transfer-Encoding: base64\n"
             "Content-Disposition: attachment;\n"
             '    filename="mail.sender.example!example.com!'
             '1013662812!1013749130.json.gz"\n',
             base64(gzip(APPENDIX_B)) + "\n"),
        preamble="This is a multipart message in MIME format.\n\n")
    # 303 of 5629 are 5.38 %.
    golden("rfc8460-appendix-b", message(fields, body), """\
subject Report Domain: example.net Submitter: mail.sender.example.com \
Report-ID: <735ff.e317+bf22029@example.net>
submitter mail.sender.example.com
from-domain mail.sender.example.com
report
  organization-name Company-X
  contact-info sts-reporting@company-x.example
  report-id 5065427c-23d3-47ca-b6e0-946ea0e8c4be
  start-datetime 2016-04-01T00:00:00Z
  end-datetime 2016-04-01T23:59:59Z
  total-successful-session-count 5326
  total-failure-session-count 303
  severity err
%s  policy
    policy-type sts
    policy-domain company-y.example
    policy-string version: STSv1
    policy-string mode: testing
    policy-string mx: *.mail.company-y.example
    policy-string max_age: 86400
    mx-host *.mail.company-y.example
    total-successful-session-count 5326
    total-failure-session-count 303
    failure
      result-type certificate-expired
      sending-mta-ip 2001:db8:abcd:0012::1
      receiving-mx-hostname mx1.mail.company-y.example
      failed-session-count 100
    failure
      result-type starttls-not-supported
      sending-mta-ip 2001:db8:abcd:0013::1
      receiving-mx-hostname mx2.mail.company-y.example
      receiving-ip 203.0.113.56
      failed-session-count 200
      additional-information https://reports.company-x.example/\\x0a\
           report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported \n\
    failure
      result-type validation-failure
      sending-mta-ip 198.51.100.62
      receiving-mx-hostname mx-backup.mail.company-y.example
      receiving-ip 203.0.113.58
      failed-session-count 3
      failure-reason-code X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED
""" % deviations("raw-control-character", "mx-host-not-array"))


def add():
    google_mails()
    microsoft_mails()
    mailru_mail()
    stalwart_mail()
    reporter_mails()
    halon_mail()
    socketlabs_mail()
    appendix_b_mail()
