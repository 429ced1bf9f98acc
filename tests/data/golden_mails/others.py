"""Mail for the report mailbox that is no report, however much it looks so."""
from .build import base64, golden, gzip, message, multipart, part
from .standard import FIELDS, GZIP_PART, NOTE, TOP

NAME = "Ops <ops@example.org>"


def other(name, fields, body, subject, message_id):
    golden("other-" + name, message("""\
From: %s
To: tls-reports@example.com
Date: Mon, 2 Feb 2026 09:00:00 +0000
Subject: %s
Message-ID: %s
MIME-Version: 1.0
""" % (NAME, subject, message_id) + fields, body), """\
subject %s
message-id %s
from-domain example.org
not-a-report
""" % (subject, message_id))


def add():
    other("plain", "Content-Type: text/plain; charset=us-ascii\n",
          "Could somebody look at the TLS reports of last week?\n",
          "TLS reports", "<1@example.org>")
    golden("other-no-header", b"\r\nNo header at all, and a short body.\r\n",
           "not-a-report\n")
    golden("other-nothing", b"", "not-a-report\n")
    other("reply", "In-Reply-To: <7.20260202030405@mta.example.net>\n"
          "Content-Type: text/plain; charset=us-ascii\n",
          "> This is an aggregate TLS report from mta.example.net\n\n"
          "Thanks, the certificate has been renewed.\n\n"
          "> {\n>   \"policies\": [{\n",
          "Re: Report Domain: example.com Submitter: mta.example.net",
          "<2@example.org>")
    other("json-attachment",
          'Content-Type: multipart/mixed; boundary="m"\n',
          multipart("m", part("Content-Type: text/plain", "The numbers.\n"),
                    part('Content-Type: application/json; name="n.json"\n',
                         '{"numbers": [1, 2, 3], "policy": null}\n')),
          "Numbers", "<3@example.org>")
    other("gzip-attachment",
          'Content-Type: multipart/mixed; boundary="m"\n',
          multipart("m", part("Content-Type: text/plain", "The log.\n"),
                    part("Content-Type: application/gzip\n"
                         'Content-Disposition: attachment;'
                         ' filename="mail.log.gz"\n'
                         "Content-Transfer-Encoding: base64\n",
                         base64(gzip("Feb  2 03:04:05 mx postfix/smtpd: "
                                     "connect from unknown\n")) + "\n")),
          "The mail log", "<4@example.org>")
    other("damaged-gzip-attachment",
          'Content-Type: multipart/mixed; boundary="m"\n',
          multipart("m", part("Content-Type: application/x-gzip\n"
                              "Content-Transfer-Encoding: base64\n",
                              base64(gzip("half a log " * 9)[:25]) + "\n")),
          "Half a log", "<5@example.org>")
    # An aggregate DMARC report that went to the wrong mailbox.
    other("dmarc-report", "Content-Type: application/gzip\n"
          'Content-Disposition: attachment; filename="mta.example.net!'
          'example.com!1769904000!1769990399.xml.gz"\n'
          "Content-Transfer-Encoding: base64\n",
          base64(gzip('<?xml version="1.0"?>\n<feedback></feedback>\n'))
          + "\n", "Report Domain: example.com Submitter: mta.example.net "
          "Report-ID: <7>", "<6@example.org>")
    other("many-parts", 'Content-Type: multipart/mixed; boundary="m"\n',
          multipart("m", *[part("", "%d\n" % i) for i in range(201)]),
          "Many parts", "<7@example.org>")
    # Our own answer to a reporter bounced, and quotes the report.
    returned = message(FIELDS + TOP, multipart("=_b1", NOTE, GZIP_PART))
    status = part("Content-Type: message/delivery-status\n", """\
Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; tls-reports@example.com
Action: failed
Status: 5.2.2
""")
    other("bounce", "Auto-Submitted: auto-replied\n"
          "Content-Type: multipart/report; report-type=delivery-status;\n"
          ' boundary="dsn"\n',
          multipart("dsn", part("Content-Type: text/plain",
                                "Your message could not be delivered.\n"),
                    status, part("Content-Type: message/rfc822\n", returned)),
          "Undelivered Mail Returned to Sender", "<8@example.org>")
    other("bounce-headers-only", "Auto-Submitted: auto-replied\n"
          "Content-Type: multipart/report; boundary=\"dsn\";\n"
          ' report-type="delivery-status"\n',
          multipart("dsn", part("", "Your message could not be delivered.\n"),
                    status, part("Content-Type: text/rfc822-headers\n",
                                 FIELDS + TOP)),
          "Delivery Status Notification (Failure)", "<9@example.org>")
    other("read-receipt",
          "Content-Type: multipart/report; boundary=mdn;\n"
          " report-type=disposition-notification\n",
          multipart("mdn", part("Content-Type: text/plain", "It was read.\n"),
                    part("Content-Type: message/disposition-notification\n",
                         "Disposition: manual-action/MDN-sent-manually;"
                         " displayed\n"),
                    part("Content-Type: message/rfc822\n", returned)),
          "Read: a report", "<10@example.org>")
