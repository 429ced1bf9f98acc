"""The standard report with one thing in its JSON text changed."""
from .build import golden, gzip, replace
from .standard import HEAD, TEXT, report, with_gzip, with_json

MX_HOST = '"mx-host": ["mx.example.com"]'
POLICY_STRING = """\
["version: STSv1", "mode: enforce",
        "mx: mx.example.com", "max_age: 604800"]"""
POLICY_STRING_LINES = """\
    policy-string version: STSv1
    policy-string mode: enforce
    policy-string mx: mx.example.com
    policy-string max_age: 604800
"""
FAILED = '"failed-session-count": 4'
SUCCESSFUL = '"total-successful-session-count": 96'
FAILURE = '"total-failure-session-count": 4'

HEAD_COUNTS = """\
  total-successful-session-count 96
  total-failure-session-count 4
  severity warning
"""
POLICY_COUNTS = """\
    total-successful-session-count 96
    total-failure-session-count 4
    failure
"""


def counts(successful, failed, severity):
    """Other totals of the report."""
    return (HEAD_COUNTS, """\
  total-successful-session-count %d
  total-failure-session-count %d
  severity %s
""" % (successful, failed, severity))


def text(name, text_change, names, change=()):
    golden(name, with_json(replace(TEXT, *text_change)),
           HEAD + report(*names, change=change))


def encoding():
    golden("byte-order-mark", with_gzip(gzip(b"\xef\xbb\xbf" + TEXT.encode())),
           HEAD + report("byte-order-mark"))
    golden("byte-order-mark-json", with_json("\ufeff \n" + TEXT),
           HEAD + report("byte-order-mark"))
    text("utf-8-name", [("Example Net", "B\u00fccher \u2013 \U0001f4e7 GmbH")],
         [], [("Example Net", "B\u00fccher \u2013 \U0001f4e7 GmbH")])
    text("escapes", [("Example Net", r"Ex\u0061mple\/\"Net\" \ud83d\udce7")],
         [], [("Example Net", 'Example/"Net" \U0001f4e7')])
    text("lone-surrogate", [("Example Net", r"Example \ud83d Net")],
         ["lone-surrogate"], [("Example Net", "Example \ufffd Net")])
    text("nul-character", [("Example Net", r"Example\u0000Net")],
         ["nul-character"], [("Example Net", "Example\ufffdNet")])
    text("forged-line", [("Example Net",
                          r"A\u000atlsrpt-milter: event=report \u001b[2J\\")],
         [], [("Example Net",
               r"A\x0atlsrpt-milter: event=report \x1b[2J\x5c")])


def members():
    text("repeated-members", [
        ('"report-id": ', '"report-id": "2026-02-01-7@example.net",\n'
         '  "report-id": '),
        (FAILURE, FAILURE + ",\n      " + FAILURE)], ["repeated-member"])
    text("unknown-members", [
        ('"report-id": ', '"x-tool": {"a": [1, {"policies": []}, null]},\n'
         '  "report-id": '),
        (FAILED, FAILED + ', "x": [[]]')], [])
    text("draft-members", [
        ('"mx-host"', '"mx-host-pattern"'),
        ('"total-successful-session-count"', '"success-aggregate"'),
        ('"total-failure-session-count"', '"failure-aggregate"'),
        ('"failed-session-count"', '"session-count"'),
        (': 4\n    }]', ': 4,\n'
         '      "failure-error-code": "CERT_EXPIRED",\n'
         '      "additional-info-uri": "https://example.net/i?d=7"\n    }]')],
        ["draft-member"],
        [("      failed-session-count 4\n", """\
      failed-session-count 4
      additional-information https://example.net/i?d=7
      failure-reason-code CERT_EXPIRED
""")])
    # The RFC's own name counts, wherever it stands.
    text("draft-member-beside-its-heir", [
        (MX_HOST, MX_HOST + ',\n      "mx-host-pattern": "*.example.com"')],
        ["draft-member"])
    text("nulls", [
        ('"tls@example.net"', "null"), (POLICY_STRING, "null"),
        ('["mx.example.com"]', "null"), ('"192.0.2.25"', "null"),
        ('"failed-session-count": 4',
         '"failed-session-count": 4, "failure-reason-code": null')],
        ["null-member"],
        [("  contact-info tls@example.net\n", ""), (POLICY_STRING_LINES, ""),
         ("    mx-host mx.example.com\n", ""),
         ("      sending-mta-ip 192.0.2.25\n", "")])
    text("empty-strings", [
        ('"tls@example.net"', '""'), ('["mx.example.com"]', '[""]'),
        ('"192.0.2.25"', '""'), ('"198.51.100.25"', '""')], [],
        [("  contact-info tls@example.net\n", ""),
         ("    mx-host mx.example.com\n", ""),
         ("      sending-mta-ip 192.0.2.25\n", ""),
         ("      receiving-ip 198.51.100.25\n", "")])
    text("empty-arrays", [
        (POLICY_STRING, "[ ]"), ('["mx.example.com"]', "[]")], [],
        [(POLICY_STRING_LINES, ""), ("    mx-host mx.example.com\n", "")])
    text("wrong-types", [
        ('"tls@example.net"', "7"), ('["mx.example.com"]', "true"),
        ('"198.51.100.25"', '["198.51.100.25"]')], ["wrong-type"],
        [("  contact-info tls@example.net\n", "  contact-info 7\n"),
         ("    mx-host mx.example.com\n", ""),
         ("      receiving-ip 198.51.100.25\n", "")])
    text("head-missing", [
        ('  "organization-name": "Example Net",\n', ""),
        ('  "report-id": "2026-02-01-7@example.net",\n', ""),
        ("""\
  "date-range": {
    "start-datetime": "2026-02-01T00:00:00Z",
    "end-datetime": "2026-02-01T23:59:59Z"
  },
""", "")], ["organization-name-missing", "report-id-missing",
            "date-range-missing"],
        [("  organization-name Example Net\n", ""),
         ("  report-id 2026-02-01-7@example.net\n", ""),
         ("  start-datetime 2026-02-01T00:00:00Z\n", ""),
         ("  end-datetime 2026-02-01T23:59:59Z\n", "")])


def dates():
    # 01:30 east of Greenwich by 2 h is 23:30 of the day before.
    text("datetime-offsets", [
        ("2026-02-01T00:00:00Z", "2026-02-01T01:30:00.250+02:00"),
        ("2026-02-01T23:59:59Z", "2026-02-01t20:59:59-03:00")], [],
        [("2026-02-01T00:00:00Z", "2026-01-31T23:30:00Z")])
    text("datetime-without-zone", [
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00"),
        ("2026-02-01T23:59:59Z", "2026-02-01T23:59:59.9")],
        ["datetime-without-zone"])
    text("datetime-invalid", [
        ("2026-02-01T00:00:00Z", "2026-02-30T00:00:00Z"),
        ("2026-02-01T23:59:59Z", "yesterday")], ["datetime-invalid"],
        [("  start-datetime 2026-02-01T00:00:00Z\n", ""),
         ("  end-datetime 2026-02-01T23:59:59Z\n", "")])
    text("date-range-reversed", [
        ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")],
        ["date-range-reversed"],
        [("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")])


def policies():
    text("mx-host-string", [('["mx.example.com"]', '"mx.example.com"')],
         ["mx-host-not-array"])
    text("policy-string-string", [
        (POLICY_STRING, '"version: STSv1"')], ["policy-string-not-array"],
        [(POLICY_STRING_LINES, "    policy-string version: STSv1\n")])
    text("policy-type-unknown", [('"sts"', '"STS"')],
         ["policy-type-unknown"], [("policy-type sts", "policy-type STS")])
    text("policy-type-missing", [('      "policy-type": "sts",\n', "")],
         ["policy-type-missing"], [("    policy-type sts\n", "")])
    text("policy-domain-missing", [
        ('      "policy-domain": "example.com",\n', "")],
        ["policy-domain-missing"], [("    policy-domain example.com\n", "")])
    golden("policies-object", with_json(
        replace(TEXT, ("[{\n    \"policy\"", "{\n    \"policy\""),
                ("}]\n  }]", "}]\n  }"))),
        HEAD + report("policies-not-array"))
    golden("failure-details-object", with_json(
        replace(TEXT, ("[{\n      \"result", "{\n      \"result"),
                ("}]\n  }]", "}\n  }]"))),
        HEAD + report("failure-details-not-array"))
    # Two policies: a report takes the worst, whichever comes first.
    more = """"policies": [{
    "policy": {"policy-type": "tlsa", "policy-domain": "mx.example.com"},
    "summary": {"total-successful-session-count": 94,
      "total-failure-session-count": 6},
    "failure-details": [
      {"result-type": "dane-required", "failed-session-count": 5},
      {"result-type": "tlsa-invalid", "failed-session-count": 1}]
  }, {
    "policy": {"policy-type": "no-policy-found",
      "policy-domain": "example.org"},
    "summary": {"total-successful-session-count": 5,
      "total-failure-session-count": 0}
  }, {"""
    text("several-policies", [('"policies": [{', more)], [], [
        counts(195, 10, "err"), ("""  policy
    policy-type sts
""", """\
  policy
    policy-type tlsa
    policy-domain mx.example.com
    total-successful-session-count 94
    total-failure-session-count 6
    failure
      result-type dane-required
      failed-session-count 5
    failure
      result-type tlsa-invalid
      failed-session-count 1
  policy
    policy-type no-policy-found
    policy-domain example.org
    total-successful-session-count 5
    total-failure-session-count 0
  policy
    policy-type sts
""")])


def failures():
    text("result-type-unknown", [
        ("certificate-expired", "quantum-handshake-flux")],
        ["result-type-unknown"],
        [("certificate-expired", "quantum-handshake-flux")])
    text("result-type-missing", [
        ('      "result-type": "certificate-expired",\n', "")],
        ["result-type-missing"],
        [("      result-type certificate-expired\n", "")])
    text("ip-invalid", [("192.0.2.25", "192.0.2.256")], ["ip-invalid"],
         [("192.0.2.25", "192.0.2.256")])
    text("sum-above-total", [(FAILED, '"failed-session-count": 9')], [],
         [("      failed-session-count 4", "      failed-session-count 9")])


def counters():
    text("counts-as-strings", [
        (SUCCESSFUL, '"total-successful-session-count": "96"'),
        (FAILURE, '"total-failure-session-count": "4"'),
        (FAILED, '"failed-session-count": "4"')], ["count-as-string"])
    text("count-with-exponent", [
        (SUCCESSFUL, '"total-successful-session-count": 9.6e1'),
        (FAILURE, '"total-failure-session-count": 4.0')], [])
    # An unknown number of successes leaves the 4 failures, which are fewer
    # than MinSessions.
    text("count-negative", [
        (SUCCESSFUL, '"total-successful-session-count": -96')],
        ["count-invalid"],
        [counts(0, 4, "warning"),
         (POLICY_COUNTS, "    total-failure-session-count 4\n    failure\n")])
    text("count-out-of-range", [
        (SUCCESSFUL, '"total-successful-session-count": 1e400')],
        ["number-out-of-range", "count-invalid"],
        [counts(0, 4, "warning"),
         (POLICY_COUNTS, "    total-failure-session-count 4\n    failure\n")])
    text("count-fraction", [(FAILED, '"failed-session-count": 4.5')],
         ["count-invalid"], [("      failed-session-count 4\n", "")])
    # 2^53 - 1 is a count, 2^53 is none.
    text("count-largest", [
        (SUCCESSFUL, '"total-successful-session-count": 9007199254740991')],
        [], [counts(9007199254740991, 4, "notice"), (POLICY_COUNTS, """\
    total-successful-session-count 9007199254740991
    total-failure-session-count 4
    failure
""")])
    text("count-too-large", [
        (SUCCESSFUL, '"total-successful-session-count": 9007199254740992')],
        ["count-invalid"],
        [counts(0, 4, "warning"),
         (POLICY_COUNTS, "    total-failure-session-count 4\n    failure\n")])
    # Without a summary, what the details count is what failed.
    text("summary-missing", [("""\
    "summary": {
      "total-successful-session-count": 96,
      "total-failure-session-count": 4
    },
""", "")], ["summary-missing"],
        [counts(0, 4, "warning"), (POLICY_COUNTS, "    failure\n")])
    # 5 of 100 sessions is WarningRate itself, 1 of 100 NoticeRate.
    text("rate-at-warning", [
        (SUCCESSFUL, '"total-successful-session-count": 95'),
        (FAILURE, '"total-failure-session-count": 5'),
        (FAILED, '"failed-session-count": 5')], [],
        [counts(95, 5, "warning"), (POLICY_COUNTS, """\
    total-successful-session-count 95
    total-failure-session-count 5
    failure
"""), ("      failed-session-count 4", "      failed-session-count 5")])
    text("rate-at-notice", [
        (SUCCESSFUL, '"total-successful-session-count": 99'),
        (FAILURE, '"total-failure-session-count": 1'),
        (FAILED, '"failed-session-count": 1')], [],
        [counts(99, 1, "warning"), (POLICY_COUNTS, """\
    total-successful-session-count 99
    total-failure-session-count 1
    failure
"""), ("      failed-session-count 4", "      failed-session-count 1")])


    # Failures in the details, none in the total: they are there all the same.
    text("count-mismatch", [(FAILURE, '"total-failure-session-count": 0')],
         ["count-mismatch"], [counts(96, 0, "notice"), (POLICY_COUNTS, """\
    total-successful-session-count 96
    total-failure-session-count 0
    failure
""")])


def add():
    encoding()
    members()
    dates()
    policies()
    failures()
    counters()
