"""The process: configuration, start, signals, end."""

import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import time

from case import HEADER, LabCase, lab, mails

EX_CONFIG = 78


def run(*args, **kwargs):
    return subprocess.run([str(lab.MILTER), *map(str, args)], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=lab.PATIENCE,
                          **kwargs)


class CheckConfiguration(LabCase):
    """tlsrpt-milter -t"""

    def check(self, text):
        milter = self.make_milter()
        milter.conf.write_text(text)
        done = run("-t", "-c", milter.conf)
        problems = re.findall(rf"^{re.escape(str(milter.conf))}:(\d+): (.+)$",
                              done.stdout.decode(), re.MULTILINE)
        return done.returncode, [(int(n), what) for n, what in problems]

    def test_good_files(self):
        for text in ("Mailbox a@b.test\n",
                     "# first\n\n  Mailbox a@b.test # behind\nMailbox @c.d\n",
                     "mailbox a@b.test\r\nONREPORT discard\r\n",
                     "Mailbox a@b.test"):
            with self.subTest(text=text):
                self.assertEqual(self.check(text), (0, []))

    def test_each_problem_names_its_line(self):
        for lines in (["Bogus yes"], ["OnReport maybe"], ["OnReport"],
                      ["OnMalformed discard"], ["OnFailure reject"],
                      ["MaxReportSize -1"], ["MaxReportSize 1X"],
                      ["MaxReportSize 99999999999999999999G"],
                      ["MaxMessageSize 0"], ["NoticeRate 101%"],
                      ["NoticeRate 9%", "WarningRate 3%"],
                      ["MinSessions many"], ["ArchiveMessage perhaps"],
                      ["ArchiveDirectory relative/path"],
                      ["Socket somewhere"], ["Socket inet:99999@127.0.0.1"],
                      ["SocketMode 0999"], ["Mailbox nobody"],
                      ["LogTarget paper"], ["LogFormat xml"],
                      ["SyslogFacility kitchen"],
                      ["OnReport deliver", "OnReport discard"],
                      ["OnReport deliver discard"], ["User"]):
            with self.subTest(lines=lines):
                status, problems = self.check(
                    "Mailbox a@b.test\n\n" + "\n".join(lines) + "\n")
                self.assertEqual(status, EX_CONFIG)
                self.assertEqual([n for n, _ in problems], [2 + len(lines)])

    def test_all_problems_at_once(self):
        status, problems = self.check("One 1\nMailbox a@b.test\nTwo 2\n")
        self.assertEqual((status, [n for n, _ in problems]),
                         (EX_CONFIG, [1, 3]))

    def test_mailbox_is_needed(self):
        status, problems = self.check("OnReport deliver\n")
        self.assertEqual(status, EX_CONFIG)
        self.assertIn("Mailbox", problems[0][1])

    def test_missing_file(self):
        done = run("-t", "-c", "/nowhere/tlsrpt-milter.conf")
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertIn(b"/nowhere/tlsrpt-milter.conf", done.stdout)

    def test_sample_in_the_tree_names_what_must_be_set(self):
        """Every keyword with its default: only Mailbox is missing."""
        sample = lab.ROOT / "conf" / "tlsrpt-milter.conf"
        text = sample.read_text()
        for keyword in ("Socket", "Mailbox", "OnReport", "MaxFailureLines",
                        "SyslogIdent", "WarningRate"):
            self.assertRegex(text, rf"(?m)^#?\s*{keyword}\s")

    def test_version_and_help(self):
        self.assertEqual(run("-V").returncode, 0)
        self.assertRegex(run("-V").stdout, rb"^tlsrpt-milter \d+\.\d+")
        done = run("-h")
        self.assertEqual(done.returncode, 0)
        for option in (b"-c", b"-f", b"-t", b"-V", b"-h"):
            self.assertIn(option, done.stdout)
        self.assertEqual(run("-Z").returncode, 64)


class Start(LabCase):
    def refuses(self, milter, pattern):
        """It ends at once, says why, and never listens."""
        milter.may_end = True
        milter.start(wait=False)
        status = milter.wait_end()
        self.assertNotEqual(status, 0)
        self.assertGreater(status, 0, "ended by a signal")
        self.assertRegex(milter.error_text(), pattern)
        return status

    def test_bad_configuration(self):
        milter = self.make_milter(OnReport="perhaps")
        status = self.refuses(milter, rf"{re.escape(str(milter.conf))}:\d+: ")
        self.assertEqual(status, EX_CONFIG)
        self.assertFalse(milter.socket.exists())

    def test_archive_that_it_cannot_write(self):
        milter = self.make_milter()
        os.chown(milter.archive, 0, 0)
        self.refuses(milter, re.escape(str(milter.archive)))
        self.assertFalse(milter.socket.exists())

    def test_archive_on_a_read_only_file_system(self):
        milter = self.make_milter()
        lab.mount("-t", "tmpfs", "-o", "ro", "tmpfs", milter.archive)
        self.addCleanup(lab.unmount, milter.archive)
        self.refuses(milter, re.escape(str(milter.archive)))

    def test_archive_whose_parent_is_missing(self):
        milter = self.make_milter(ArchiveDirectory="/nowhere/at/all")
        self.refuses(milter, "/nowhere/at/all")

    def test_unknown_user_and_group(self):
        self.refuses(self.make_milter(User="no-such-user"), "no-such-user")
        self.refuses(self.make_milter(SocketGroup="no-such-group"),
                     "no-such-group")

    def test_socket_that_cannot_be_made(self):
        self.refuses(self.make_milter(Socket="unix:/nowhere/milter.sock"),
                     "/nowhere/milter.sock")

    def test_stale_socket_is_cleared(self):
        milter = self.make_milter()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.bind(str(milter.socket))
        self.assertTrue(milter.socket.exists())
        milter.start()
        self.expect_report(mails.mail(mails.report()))

    def test_second_instance_does_not_steal_the_socket(self):
        first = self.milter()
        second = self.make_milter(Socket=first.settings["Socket"])
        inode = first.socket.stat().st_ino
        self.refuses(second, re.escape(str(first.socket)))
        self.assertEqual(first.socket.stat().st_ino, inode)
        self.expect_report(mails.mail(mails.report()), milter=first)

    def test_file_in_the_place_of_the_socket_is_left_alone(self):
        milter = self.make_milter()
        milter.socket.write_text("precious")
        self.refuses(milter, re.escape(str(milter.socket)))
        self.assertEqual(milter.socket.read_text(), "precious")

    def test_drops_to_its_user(self):
        milter = self.milter()
        account = pwd.getpwnam(lab.USER)
        self.assertEqual(milter.status("Uid").split(),
                         [str(account.pw_uid)] * 4)
        self.assertEqual(set(milter.status("Gid").split()),
                         {str(account.pw_gid)})
        self.assertNotIn("0", milter.status("Groups").split())
        self.assertEqual(int(milter.status("CapEff"), 16), 0)

    def test_socket_mode_and_group(self):
        for mode in ("0660", "0600"):
            milter = self.milter(SocketMode=mode)
            status = milter.socket.stat()
            self.assertEqual(stat.S_IMODE(status.st_mode), int(mode, 8))
            self.assertEqual(status.st_gid,
                             pwd.getpwnam("postfix").pw_gid)

    def test_socket_is_the_groups_from_its_first_moment(self):
        """An MTA that connects at once, as after a restart, may do so."""
        milter = self.milter()
        seen = set()
        for _ in range(20):
            milter.kill()
            milter.socket.unlink()
            milter.start(wait=False)
            deadline = time.monotonic() + lab.PATIENCE
            while not milter.socket.exists():
                self.assertLess(time.monotonic(), deadline, "no socket")
            seen.add(milter.socket.stat().st_gid)
            milter.wait_ready()
        self.assertEqual(seen, {pwd.getpwnam("postfix").pw_gid})

    def test_makes_the_archive_directory(self):
        """It is made below a directory that the user may write."""
        milter = self.make_milter()
        account = pwd.getpwnam(lab.USER)
        parent = milter.directory / "var"
        parent.mkdir()
        os.chown(parent, account.pw_uid, account.pw_gid)
        milter.archive = parent / "archive"
        milter.configure(ArchiveDirectory=milter.archive)
        milter.start()
        self.expect_report(mails.mail(mails.report()))
        self.only_record()

    def start_daemon(self, **settings):
        """Without -f it is ready when the command returns; returns its pid."""
        pid_dir = self.make_milter(**settings).directory
        os.chown(pid_dir, pwd.getpwnam(lab.USER).pw_uid, -1)
        self.mta.configure(PidFile=pid_dir / "pid")
        done = subprocess.run([lab.MILTER, "-c", self.mta.conf], check=False,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              timeout=lab.PATIENCE)
        self.assertEqual(done.returncode, 0)
        pid = int((pid_dir / "pid").read_text())
        self.addCleanup(self.reap, pid)
        self.mta.pids.add(pid)
        self.assertTrue(self.mta.is_listening())
        return pid

    def test_as_a_daemon(self):
        pid = self.start_daemon()
        self.assertEqual(os.getsid(pid) == os.getsid(0), False)
        self.expect_report(mails.mail(mails.report()))
        os.kill(pid, signal.SIGTERM)
        lab.wait_until(lambda: not (self.mta.directory / "pid").exists()
                       and not self.mta.is_listening(),
                       "end of the daemon and of its PID file")

    def test_as_a_daemon_without_a_log(self):
        """It has no standard error: what comes up later as /dev/log is told
        everything, and until then nothing is discarded."""
        self.syslog.stop()
        self.start_daemon(LogTarget="auto", OnReport="discard")
        queue_id = self.send(mails.mail(mails.report()))
        self.delivered(queue_id)
        self.syslog.start()
        lab.wait_until(lambda: self.events(queue_id, "report"), "its event")
        self.assertEqual(self.event(queue_id, "report")["disposition"],
                         "deliver")

    @staticmethod
    def reap(pid):
        """We are process 1 here; what was orphaned is ours to wait for."""
        try:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def test_as_a_daemon_that_cannot_start(self):
        milter = self.make_milter()
        os.chown(milter.archive, 0, 0)
        done = run("-c", milter.conf)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(milter.archive).encode(), done.stdout)


class Hangup(LabCase):
    def milter(self, kind="tempfail", **settings):
        milter = super().milter(kind, **settings)
        self.wait_started()
        return milter

    def hangup(self, pattern):
        before = len(self.lines(self.mta.pid))
        self.mta.signal(signal.SIGHUP)

        def said():
            return [line for line in self.lines(self.mta.pid)[before:]
                    if re.search(pattern, line.text)]
        return lab.wait_until(said, f"line with {pattern!r} after SIGHUP")

    def test_new_value_takes_effect(self):
        milter = self.milter(OnReport="deliver")
        self.delivered(self.send(mails.mail(mails.report())))
        milter.configure(OnReport="discard",
                         Mailbox=["new@example.test", lab.MAILBOX])
        self.hangup(rb".")
        self.assert_discarded(self.send(mails.mail(mails.report())))
        self.assert_discarded(self.send(mails.mail(mails.report()),
                                        "new@example.test"))

    def test_bad_file_keeps_the_old_and_says_so(self):
        milter = self.milter(OnReport="discard")
        milter.configure(OnReport="perhaps")
        line, *_ = self.hangup(
            rf"{re.escape(str(milter.conf))}:\d+: ".encode())
        self.assertLess(line.level, 5)
        self.assert_discarded(self.send(mails.mail(mails.report())))
        milter.conf.unlink()
        self.hangup(re.escape(str(milter.conf)).encode())
        self.assert_discarded(self.send(mails.mail(mails.report())))

    def test_what_needs_a_restart_is_said(self):
        milter = self.milter()
        milter.configure(Socket="unix:/run/elsewhere.sock")
        self.hangup(rb"Socket")
        self.expect_report(mails.mail(mails.report()))

    def test_message_in_flight_is_not_disturbed(self):
        milter = self.milter(OnReport="discard")
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.start_data()
        mail = lab.stuff(mails.mail(mails.report())) + b".\r\n"
        client.raw(mail[:700])
        milter.configure(OnReport="deliver", Mailbox="other@example.test")
        self.hangup(rb".")
        client.raw(mail[700:])
        queue_id = client.reply().queue_id
        self.event(queue_id, "report")
        self.assert_discarded(queue_id)

    def test_what_needs_a_restart_is_told(self):
        """As long as it differs from what the milter was started with."""
        milter = self.milter()
        told = rb"takes effect at a restart only: SilentAfter"
        for value in ("5d", "6d"):
            milter.configure(SilentAfter=value)
            self.hangup(told)
        milter.configure(SilentAfter="3d")
        self.hangup(rb"configuration read again")
        # A line after it, so that none can be on its way any more.
        milter.configure(SilentAfter="5")
        self.hangup(rb"out of range: 1h to 30d")
        self.assertEqual(
            sum(told in line.text for line in self.lines(self.mta.pid)), 2)

    def test_log_is_opened_anew(self):
        milter = self.milter(SyslogIdent="before")
        milter.configure(SyslogIdent="after", LogFormat="json")
        milter.signal(signal.SIGHUP)
        lab.wait_until(lambda: [line for line in self.lines(milter.pid)
                                if line.ident == "after"],
                       "line under the new name")
        queue_id = self.send(mails.mail(mails.report()))
        found = [line for line in self.lines(milter.pid)
                 if queue_id.encode() in line.text]
        self.assertEqual({line.ident for line in found}, {"after"})
        self.assertTrue(found[0].text.startswith(b"{"))

    def test_many_at_once_while_mail_flows(self):
        milter = self.milter(OnReport="discard")
        client = self.client()
        for i in range(40):
            milter.signal(signal.SIGHUP)
            milter.configure(MaxFailureLines=str(i + 1))
            milter.signal(signal.SIGHUP)
            queue_id = client.send(mails.mail(mails.report())).queue_id
            self.event(queue_id, "report")
        self.assertEqual(len(milter.records()), 40)


class Terminate(LabCase):
    def test_message_in_flight_is_finished(self):
        milter = self.milter(OnReport="discard")
        milter.may_end = True
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.start_data()
        mail = lab.stuff(mails.mail(mails.report())) + b".\r\n"
        client.raw(mail[:700])
        time.sleep(0.2)
        milter.signal(signal.SIGTERM)
        time.sleep(0.3)
        client.raw(mail[700:])
        queue_id = client.reply().queue_id
        self.event(queue_id, "report")
        self.assert_discarded(queue_id)
        self.only_record()
        client.close()
        self.assertEqual(milter.wait_end(30), 0)

    def test_idle_sessions_do_not_hold_it_up(self):
        """Clients that stay connected and say nothing."""
        milter = self.milter()
        milter.may_end = True
        clients = [self.client() for _ in range(5)]
        clients[0].envelope(lab.MAILBOX)
        started = time.monotonic()
        milter.signal(signal.SIGTERM)
        self.assertEqual(milter.wait_end(30), 0)
        self.assertLess(time.monotonic() - started, 20)

    def test_right_after_the_start(self):
        """Whichever thread the signal finds, it is an orderly end."""
        started = []
        for _ in range(12):
            milter = self.milter()
            milter.may_end = True
            milter.signal(signal.SIGTERM)
            started.append(milter)
        self.assertEqual({milter.wait_end() for milter in started}, {0})

    def test_sigint_does_the_same(self):
        milter = self.milter()
        milter.may_end = True
        milter.signal(signal.SIGINT)
        self.assertEqual(milter.wait_end(), 0)

    def test_other_signals_are_survived(self):
        milter = self.milter()
        for number in (signal.SIGPIPE, signal.SIGHUP):
            milter.signal(number)
        self.expect_report(mails.mail(mails.report()))

    def test_mail_without_a_milter_is_deferred_or_taken(self):
        """What Postfix does is its milter_default_action."""
        for kind, expected in (("tempfail", 4), ("accept", 2)):
            milter = self.make_milter(kind)
            reply = None
            with lab.Client(milter.port) as client:
                reply = client.command("MAIL FROM:<a@example.org>")
                if reply.code == 250:
                    reply = client.command(f"RCPT TO:<{lab.MAILBOX}>")
            self.assertEqual(reply.code // 100, expected, reply)


class Restart(LabCase):
    def test_same_report_after_a_restart_is_a_duplicate(self):
        milter = self.milter()
        rep = mails.report()
        self.expect_report(mails.mail(rep))
        milter.kill()
        milter.start()
        self.event(self.send(mails.mail(rep)), "duplicate")
        self.assertEqual(len(milter.records()), 1)

    def test_left_overs_of_a_crash_are_removed(self):
        milter = self.milter()
        milter.kill()
        tmp = milter.archive / "tmp"
        self.assertTrue(tmp.is_dir())
        left = tmp / "left-over"
        left.write_text("half a record")
        os.chown(left, pwd.getpwnam(lab.USER).pw_uid, -1)
        os.utime(left, (1, 1))
        milter.start()
        self.assertFalse(left.exists())

    def test_header_is_added_again(self):
        milter = self.milter()
        milter.kill()
        milter.start()
        queue_id = self.send(mails.mail(mails.report()))
        self.assertEqual(len(self.delivered(queue_id).field(HEADER)), 1)
