"""Real MTAs that hand a message to "tlsrpt ingest", by the recipes of conf/.

Exim is unpacked by install-deps.sh, since its package would remove Postfix.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest

from dkimcase import place_of, record, sign, unsigned
from ingestcase import IngestCase, World, lab, mails

EXIM = lab.ROOT / "build" / "exim" / "usr" / "sbin" / "exim4"
LDA = pathlib.Path("/usr/lib/dovecot/dovecot-lda")
SIEVE = pathlib.Path("/usr/lib/dovecot/modules/lib90_sieve_plugin.so")
RECIPES = lab.ROOT / "conf"

EXIM_CONF = """\
exim_path = {exim}
primary_hostname = mx.example.test
spool_directory = {base}/spool
log_file_path = {base}/log/%slog
pid_file_path = {base}/exim.pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
acl_smtp_data = accept
never_users =
tls_advertise_hosts =
queue_only = true
{recipe}
begin retry
* * F,1h,1s
"""


def recipe(name, **changes):
    """A file of conf/, with our own names in it."""
    text = (RECIPES / name).read_text()
    for old, new in {"tls-reports@example.com": lab.MAILBOX,
                     "user = tlsrpt-milter": f"user = {lab.USER}",
                     "user=tlsrpt-milter": f"user={lab.USER}",
                     "group = tlsrpt-milter": "group = nogroup",
                     "example.com": "example.test",
                     **changes}.items():
        text = text.replace(old, new)
    return text


class PipeCase(IngestCase):
    def setUp(self):
        super().setUp()
        self.server = self.nameserver({place_of("s"): record()})
        self.where = self.place(DKIM="require",
                                Resolver=self.server.address,
                                OnDNSFailure="tempfail")
        self.where.give_away()
        # With the configuration of this test.
        self.program = self.where.base / "tlsrpt"
        self.program.write_text(
            f'#!/bin/sh\nshift\nexec {lab.TLSRPT} ingest '
            f'-c {self.where.conf} "$@"\n')
        self.program.chmod(0o755)

    def smtp(self, port, mail, sender="reporter@example.org"):
        with lab.Client(port) as client:
            client.envelope(lab.MAILBOX, sender=sender)
            return client.data(mail)

    def wait_events(self, name, count=1):
        lab.wait_until(lambda: self.names_logged().count(name) >= count,
                       f"event {name}", timeout=30)
        return [(queue_id, fields) for queue_id, fields in self.logged()
                if fields["event"] == name]

    def check_report(self, queue_id):
        """The first report has come, and is genuine."""
        (logged, fields), = self.wait_events("report")
        self.assertEqual(fields["dkim"], "pass")
        made = self.where.only_record()
        self.assertEqual(made["envelope-from"], "reporter@example.org")
        self.assertIn("127.0.0.1", made["client"])
        self.assertEqual((logged, made["queue-id"]), (queue_id, queue_id))

    def dns_fails(self):
        self.server.fail(place_of("t"))

    def dns_is_back(self):
        self.server.heal(place_of("t"))
        self.server.set({place_of("t"): record()})


class Passwd:
    """A user of ours in /etc/passwd, in our namespace alone."""

    def __init__(self, base, name):
        self.bound = []
        for path, line in (("/etc/passwd", f"{name}:x:61001:61001::/:/bin/sh"),
                           ("/etc/group", f"{name}:x:61001:")):
            copy = base / pathlib.Path(path).name
            text = pathlib.Path(path).read_text()
            if f"\n{name}:" in text:
                continue
            copy.write_text(text + line + "\n")
            copy.chmod(0o644)
            lab.mount("--bind", copy, path)
            self.bound.append(path)

    def close(self):
        for path in self.bound:
            lab.unmount(path)


@unittest.skipUnless(EXIM.exists(), "Exim is not unpacked in build/exim")
class Exim(PipeCase):
    def start(self, **changes):
        base = self.where.base / "exim"
        users = Passwd(self.where.base, "Debian-exim")
        self.addCleanup(users.close)
        for name in ("spool", "log"):
            (base / name).mkdir(parents=True)
            shutil.chown(base / name, "Debian-exim", "Debian-exim")
        base.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        conf = base / "exim.conf"
        conf.write_text(EXIM_CONF.format(
            exim=EXIM, base=base, port=self.port,
            recipe=recipe("exim.conf", **{
                "/usr/local/bin/tlsrpt": str(self.program), **changes})))
        conf.chmod(0o644)
        self.log = base / "log" / "mainlog"
        self.exim = [str(EXIM), "-C", str(conf)]
        # pylint: disable=consider-using-with
        errors = open(base / "stderr", "wb")
        self.addCleanup(errors.close)
        daemon = subprocess.Popen([*self.exim, "-bdf"],
                                  stdin=subprocess.DEVNULL, stderr=errors,
                                  stdout=errors)

        def stop():
            daemon.terminate()
            daemon.wait(20)
        self.addCleanup(stop)

        def listens():
            if daemon.poll() is not None:
                raise AssertionError((base / "stderr").read_text())
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        lab.wait_until(listens, "Exim")

    def send(self, mail):
        """Returns Exim's name for it."""
        reply = self.smtp(self.port, mail)
        self.assertEqual(reply.code, 250, reply)
        queue_id = re.search(r"id=(\S+)", reply.text)[1]
        self.deliver(queue_id)
        return queue_id

    def deliver(self, queue_id):
        """As root: with a configuration that it is told of, and that is not
        in its list of those, a daemon's delivery loses its privileges."""
        subprocess.run([*self.exim, "-M", queue_id], check=False,
                       stdin=subprocess.DEVNULL, timeout=60)

    def wait_log(self, pattern):
        def log():
            return self.log.read_text() if self.log.exists() else ""
        try:
            lab.wait_until(lambda: re.search(pattern, log()), pattern, 30)
        except AssertionError:
            self.fail(f"no {pattern} in Exim's log:\n{log()}")

    def test_report(self):
        self.start()
        queue_id = self.send(sign(unsigned()))
        self.check_report(queue_id)
        self.wait_log(f"{queue_id} Completed")

    def test_refused(self):
        self.where.configure(OnUnverified="reject")
        self.start()
        queue_id = self.send(unsigned())
        self.wait_log(rf"{queue_id} \*\* .*returned? 65|"
                      rf"{queue_id} \*\* .*not genuine")
        self.assertIn("5.7.20 TLS report is not genuine: no-signature",
                      self.log.read_text())

    def test_later(self):
        self.dns_fails()
        self.start()
        queue_id = self.send(sign(unsigned(), selector="t"))
        self.wait_log(f"{queue_id} == .*")
        self.assertNotIn("Completed", self.log.read_text())
        self.dns_is_back()
        deadline = time.monotonic() + 40
        while not self.where.records() and time.monotonic() < deadline:
            time.sleep(1)
            self.deliver(queue_id)
        self.check_report(queue_id)
        self.wait_log(f"{queue_id} Completed")

    def test_nothing_is_lost(self):
        self.start()
        mail = mails.damaged()
        queue_id = self.send(mail)
        self.wait_log(f"{queue_id} Completed")
        kept, = self.where.unreadable()
        self.assertTrue(kept.replace(b"\n", b"\r\n").endswith(mail))

    def test_a_copy_is_delivered(self):
        box = self.where.base / "box"
        self.start(**{"# unseen": "  unseen\n\ncopies:\n  driver = accept\n"
                      "  transport = copies\n",
                      "begin transports": "begin transports\n\ncopies:\n"
                      f"  driver = appendfile\n  file = {box}\n"
                      f"  user = {lab.USER}\n"})
        queue_id = self.send(sign(unsigned()))
        self.wait_log(f"{queue_id} Completed")
        self.check_report(queue_id)
        self.assertIn(b"DKIM-Signature", box.read_bytes())


class Postfix(PipeCase):
    """pipe(8) in a private Postfix of its own."""

    def start(self, address="tlsrpt:", extra=""):
        base = self.where.base / "postfix"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.mta = None
        mta = lab.Postfix(base, [(self.port, "", "accept")], extra=extra + (
            f"transport_maps = inline:{{ {{ {lab.MAILBOX} = {address} }} }}\n"
            "queue_run_delay = 1h\n"))
        with open(mta.etc / "master.cf", "a", encoding="utf-8") as file:
            file.write(recipe("postfix-pipe.cf", **{
                "/usr/local/bin/tlsrpt": str(self.program)}))
        os.utime(mta.etc / "master.cf", (1, 1))
        mta.start()
        self.addCleanup(mta.stop)
        return mta

    def test_report(self):
        mta = self.start()
        queue_id = self.smtp(self.port, sign(unsigned())).queue_id
        self.check_report(queue_id)
        lab.wait_until(lambda: f"{queue_id}: removed" in mta.maillog(),
                       "removed")

    def test_later(self):
        self.dns_fails()
        mta = self.start()
        queue_id = self.smtp(self.port,
                             sign(unsigned(), selector="t")).queue_id
        lab.wait_until(
            lambda: re.search(rf"{queue_id}: .*dsn=4\.7\.5, status=deferred "
                              r".*cannot be verified now", mta.maillog()),
            "deferred", timeout=30)
        self.assertEqual(self.where.contents(), {})
        self.dns_is_back()

        # A queue run that meets the message while its delivery ends leaves
        # it to the next one.
        def is_removed():
            mta.command("postfix", "flush")
            return f"{queue_id}: removed" in mta.maillog()
        lab.wait_until(is_removed, "removed", timeout=60)
        self.check_report(queue_id)

    def test_refused(self):
        self.where.configure(OnUnverified="reject")
        mta = self.start()
        queue_id = self.smtp(self.port, unsigned()).queue_id
        lab.wait_until(
            lambda: re.search(rf"{queue_id}: .*dsn=5\.7\.20, status=bounced "
                              r".*not genuine: no-signature", mta.maillog()),
            "bounced", timeout=30)

    def test_a_copy_is_delivered(self):
        mta = self.start(
            address="relay:[127.0.0.1]:%d" % lab.SINK_PORT,
            extra="virtual_alias_maps = inline:{ { %s = "
                  "tls-reports@tlsrpt.test %s } }\n" % (lab.MAILBOX,
                                                        lab.MAILBOX))
        mta.command("postconf", "-e",
                    "transport_maps = inline:{ { tls-reports@tlsrpt.test = "
                    "tlsrpt: } }")
        for path in mta.etc.iterdir():
            os.utime(path, (1, 1))
        mta.command("postfix", "reload")
        queue_id = self.smtp(self.port, sign(unsigned())).queue_id
        self.check_report(queue_id)
        self.assertEqual(self.delivered(queue_id).recipients, [lab.MAILBOX])


SIEVE_CONF = """\
mail_location = maildir:{box}
mail_home = {box}
mail_uid = {user}
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
log_path = {base}/dovecot.log
base_dir = {base}/dovecot
state_dir = {base}/dovecot
default_internal_user = {user}
default_login_user = {user}
default_internal_group = nogroup
hostname = mx.example.test
plugin {{
  sieve_plugins = sieve_extprograms
  sieve_global_extensions = +vnd.dovecot.pipe
  sieve_pipe_bin_dir = {base}/bin
  sieve_before = {base}/tlsrpt.sieve
  sieve = {base}/none.sieve
}}
protocol lda {{
  mail_plugins = sieve
}}
"""


@unittest.skipUnless(LDA.exists() and SIEVE.exists(),
                     "Dovecot's LDA and Sieve are not installed")
class Sieve(PipeCase):
    """Dovecot delivers, and runs the script."""

    def setUp(self):
        super().setUp()
        base = self.where.base
        (base / "bin").mkdir()
        (base / "bin" / "tlsrpt").symlink_to(self.program)
        (base / "dovecot.conf").write_text(SIEVE_CONF.format(
            base=base, box=base / "box", user=lab.USER))
        self.use_recipe()

    def use_recipe(self, **changes):
        (self.where.base / "tlsrpt.sieve").write_text(
            recipe("dovecot.sieve", **changes))

    def deliver(self, mail, recipient=lab.MAILBOX):
        """Returns what there is in INBOX then."""
        base = self.where.base
        done = subprocess.run(
            [LDA, "-c", base / "dovecot.conf", "-e", "-a", recipient,
             "-f", "reporter@example.org"], input=mail.replace(b"\r\n", b"\n"),
            check=False, capture_output=True, timeout=60,
            user=lab.USER, group="nogroup", extra_groups=[],
            env={"PATH": os.environ["PATH"], "HOME": str(base),
                 "USER": lab.USER})
        log = base / "dovecot.log"
        self.assertEqual(done.returncode, 0, done.stderr.decode()
                         + (log.read_text() if log.exists() else ""))
        return list((base / "box").glob("[cn]*/*"))

    def test_report(self):
        self.assertEqual(len(self.deliver(sign(unsigned()))), 1)
        (_, fields), = self.wait_events("report")
        self.assertEqual(fields["dkim"], "pass")
        self.assertEqual(self.where.only_record()["envelope-from"],
                         "reporter@example.org")

    def test_without_a_copy(self):
        self.use_recipe(**{"pipe :copy": "pipe"})
        self.assertEqual(self.deliver(sign(unsigned())), [])
        self.assertEqual(len(self.where.records()), 1)

    def test_other_mail(self):
        self.use_recipe(**{"pipe :copy": "pipe"})
        self.assertEqual(
            len(self.deliver(sign(unsigned()), "boss@example.test")), 1)
        self.assertEqual(self.where.contents(), {})

    def test_trouble_keeps_the_mail(self):
        self.dns_fails()
        self.use_recipe(**{"pipe :copy": "pipe"})
        self.assertEqual(
            len(self.deliver(sign(unsigned(), selector="t"))), 1)
        self.assertEqual(self.where.contents(), {})


__all__ = ["Exim", "Postfix", "Sieve", "World"]
