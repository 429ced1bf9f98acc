"""Alerts: a command and a mail tell of a problem, and no mail waits for them."""

import http.server
import json
import os
import pathlib
import pwd
import re
import threading
import time

from case import LabCase, lab, mails

ADDRESS = "postmaster@alerts.test"
# Reports of a day that has just ended: nothing in them is stale.
NOW = int(time.time()) // 3600 * 3600


def failing(domain="example.test"):
    """A report that opens a problem at once."""
    return mails.mail(mails.report(
        mails.policy(50, 50, [mails.failure(sessions=50)], domain=domain),
        start=NOW - 90000, end=NOW - 3601))


class AlertCase(LabCase):
    """sendmail(8) hands its mail to the laboratory's Postfix."""

    def setUp(self):
        super().setUp()
        lab.mount("--bind", self.postfix.etc, "/etc/postfix")
        self.addCleanup(lab.unmount, "/etc/postfix")
        self.sink.clear()

    def program(self, body):
        """A command for AlertCommand; $dir is where it may write."""
        place = self.world.base / "alert" / self.id().rpartition(".")[2]
        place.mkdir(parents=True)
        os.chown(place, pwd.getpwnam(lab.USER).pw_uid, -1)
        path = place / "command"
        path.write_text(f"#!/bin/sh\ndir='{place}'\n{body}\n")
        path.chmod(0o755)
        return path

    def alerts(self, count):
        """So many mails, which are all that were sent to the address."""
        def arrived():
            found = [mail for mail in self.sink.mails()
                     if mail.recipients == [ADDRESS]]
            return found if len(found) >= count else None
        found = lab.wait_until(arrived, f"{count} alerts by mail")
        self.assertEqual(len(found), count)
        return found


class AlertMail(AlertCase):
    def test_problem(self):
        self.milter(AlertMail=ADDRESS)
        queue_id = self.send(failing())
        self.event(queue_id, "report")
        mail, = self.alerts(1)
        self.assertEqual(mail.sender, "")
        for name, value in (
                ("From", "TLS report alerts <tlsrpt-milter@example.test>"),
                ("To", ADDRESS),
                ("Subject", "[tlsrpt] problem opened: certificate-expired on "
                 "mx1.example.test (example.test)"),
                ("X-TLSRPT-Milter", "alert; event=problem-opened"),
                ("Auto-Submitted", "auto-generated"),
                ("TLS-Required", "No"),
                ("MIME-Version", "1.0")):
            self.assertEqual(mail.field(name), [value])
        self.assertEqual(len(mail.field("Date")), 1)
        self.assertEqual(len(mail.field("Message-Id")), 1)
        text = mail.body.decode("ascii")
        self.assertRegex(text, r"(?m)^  since +\d{4}-\d\d-\d\dT\d\d:00:00Z\r$")
        self.assertRegex(text, r"(?m)^  failed-session-count +50\r$")
        self.assertRegex(text, r"(?m)^  verify +tlsrpt diagnose --mx "
                         r"mx1\.example\.test example\.test\r$")
        self.assertRegex(text, r"(?m)^  by hand +openssl s_client -starttls "
                         r"smtp -connect mx1\.example\.test:25 ")
        self.assertEqual(self.events(name="error"), [])

    def test_no_loop(self):
        """An alert that comes to the mailbox by some alias is no report."""
        self.milter(AlertMail=ADDRESS)
        self.send(failing())
        mail, = self.alerts(1)
        queue_id = self.send(mail.data, sender="")
        self.assertEqual(self.names(queue_id), ["not-a-report"])
        self.delivered(queue_id)
        time.sleep(0.5)
        self.alerts(1)

    def test_reload(self):
        self.milter()
        self.send(failing("a.test"))
        self.mta.configure(AlertMail=ADDRESS)
        self.mta.signal(1)
        lab.wait_until(lambda: any(b"again" in line.text
                                   for line in self.lines(self.mta.pid)),
                       "line that it was read again")
        self.send(failing("b.test"))
        mail, = self.alerts(1)
        self.assertIn("(b.test)", mail.field("Subject")[0])


class AlertCommand(AlertCase):
    def test_problem(self):
        path = self.program('echo "$TLSRPT_EVENT" >"$dir/name"\n'
                            'cat >"$dir/new" && mv "$dir/new" "$dir/event"')
        self.milter(AlertCommand=path)
        self.send(failing())
        written = path.parent / "event"
        lab.wait_until(written.exists, "event")
        self.assertEqual((path.parent / "name").read_text(),
                         "problem-opened\n")
        text = written.read_text()
        self.assertEqual(text.count("\n"), 1)
        told = json.loads(text)
        logged, = self.events(name="problem-opened")
        self.assertEqual({k: str(v) for k, v in told.items()}, logged.fields)

    def test_no_mail_waits(self):
        """One that hangs costs no time, neither a mail nor at the end."""
        path = self.program('trap "" TERM; echo $$ >"$dir/pid"\n'
                            "while :; do sleep 1000; done")
        self.milter(AlertCommand=path)
        self.send(failing("a.test"))
        lab.wait_until((path.parent / "pid").exists, "run of the command")
        before = time.monotonic()
        for number in range(20):
            self.event(self.send(failing(f"{number}.test")), "report")
        self.assertLess(time.monotonic() - before, 30)
        self.assertEqual(self.mta.stop(), 0)
        self.mta.may_end = True
        pid = int((path.parent / "pid").read_text())
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        self.assertIn("alert-failed", self.events(name="error")[0].text)

    def test_failure_is_logged(self):
        path = self.program("echo no such channel >&2; exit 3")
        self.milter(AlertCommand=path)
        self.send(failing())
        error, = lab.wait_until(lambda: self.events(name="error"), "error")
        self.assertEqual((error["reason"], error["detail"], error["command"],
                          error["alert"]),
                         ("alert-failed", "exit status 3: no such channel",
                          str(path), "problem-opened"))

    def test_missing_command(self):
        """It is said at the start, and stops nothing."""
        self.milter(AlertCommand="/nonexistent/command")
        error, = lab.wait_until(lambda: self.events(name="error"), "error")
        self.assertEqual(error["command"], "/nonexistent/command")
        self.event(self.send(failing()), "report")


class Hook(http.server.BaseHTTPRequestHandler):
    """Where the README's script sends events: what came is in the server."""

    def do_POST(self):  # pylint: disable=invalid-name
        text = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Content-Type"], text))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Readme(AlertCase):
    def test_web_hook(self):
        """The script in the README does what it says."""
        hooks = http.server.HTTPServer(("127.0.0.1", 0), Hook)
        hooks.received = []
        self.addCleanup(hooks.server_close)
        self.addCleanup(hooks.shutdown)
        threading.Thread(target=hooks.serve_forever, daemon=True).start()
        text = (lab.ROOT / "README.md").read_text(encoding="utf-8")
        script = re.search(r"```sh\n(#!/bin/sh\n# tls-alert: .*?)```", text,
                           re.DOTALL)[1]
        url = f"http://127.0.0.1:{hooks.server_port}/tls"
        self.assertIn("https://hooks.example.com/tls", script)
        path = self.program("")
        path.write_text(script.replace("https://hooks.example.com/tls", url))
        self.milter(AlertCommand=path)
        self.send(failing())
        kind, text = lab.wait_until(lambda: hooks.received, "event")[0]
        self.assertEqual(kind, "application/json")
        self.assertEqual(json.loads(text)["event"], "problem-opened")


class Conf(LabCase):
    def test_mailbox_is_refused(self):
        milter = self.make_milter(AlertMail=lab.MAILBOX)
        milter.start(wait=False)
        milter.may_end = True
        self.assertEqual(milter.wait_end(), 78)
        self.assertTrue(re.search(r":\d+: AlertMail: .* is a Mailbox",
                                  milter.error_text()), milter.error_text())
