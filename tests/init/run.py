#!/usr/bin/python3
"""Test init files, configuration snippets and manuals: run.py [-v] [TEST]...

The unit is judged by systemd-analyze and its restrictions are tried; sysusers
and tmpfiles files are carried out below a directory of their own; the SysV
script starts, reloads and stops the real daemon; what the manuals and the
sample say of keywords, deviations and reasons is compared with the program.

The last line is "init: N passed, N failed, N not run".
"""

import contextlib
import errno
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("BUILD", "build")
MILTER = BUILD / "tlsrpt-milter"
COLLECTOR = BUILD / "tlsrpt-collector"
TLSRPT = BUILD / "tlsrpt"
RESTRICT = HERE / "run-restricted.sh"
USER = "nobody"
EXPOSURE_MAX = 2.0
PATIENCE = 20.0

# What of the integration tests is run once more under the unit's restrictions.
INTEGRATION = ("treatment.Treatment", "treatment.OnReport",
               "treatment.OnMalformed")

COLLECTOR_INTEGRATION = (
    "collector.Report.test_report", "collector.Refusal.test_size",
    "collector.Start.test_socket_activation", "collector.Tls.test_report")

# And under the unit with the drop-in that its title names.
ALERTS = ("alert.AlertMail.test_problem",)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def run(*command, **kwargs):
    """Run a command; its output and errors are in stdout."""
    kwargs.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([str(word) for word in command], text=True,
                          stderr=subprocess.STDOUT, check=False,
                          stdin=subprocess.DEVNULL, **kwargs)


def have(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


class Case(unittest.TestCase):
    """A test with a directory of its own that other users may enter."""

    def setUp(self):
        # In /tmp, as the way to the build tree may be closed to USER.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tlsrpt-init-"))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def need(self, *names):
        for name in names:
            if not have(name):
                self.skipTest(f"{name} is not installed")

    def ok(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def silent(self, done):
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def installed(self, name, to=None, **paths):
        """A file of init/ as make install leaves it."""
        text = read(f"init/{name}")
        defaults = {"sbindir": "/usr/local/sbin",
                    "bindir": "/usr/local/bin", "sysconfdir": "/etc",
                    "localstatedir": "/var", "runstatedir": "/run"}
        for variable, path in {**defaults, **paths}.items():
            text = text.replace(f"@{variable}@", str(path))
        self.assertNotRegex(text, r"@[a-z]+@")
        target = pathlib.Path(to or self.dir / name.removesuffix(".in"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target


class Unit(Case):
    """The systemd unit of the milter."""

    NAME = "tlsrpt-milter"
    PROGRAM = MILTER
    SOCKET = "milter.sock"
    SETTINGS = "Mailbox tls-reports@example.test\nSocket unix:{}/milter.sock\n"

    def test_exposure(self):
        self.need("systemd-analyze")
        unit = self.installed(f"{self.NAME}.service.in")
        text = self.ok(run("systemd-analyze", "security", "--no-pager",
                           "--offline=true", unit))
        found = re.search(r"Overall exposure level .*: ([0-9.]+)", text)
        self.assertLessEqual(float(found[1]), EXPOSURE_MAX, text)

    def test_verify(self):
        self.need("systemd-analyze")
        unit = self.installed(f"{self.NAME}.service.in", sbindir=BUILD)
        self.silent(run("systemd-analyze", "verify", "--man=no", unit))

    def test_documentation_exists(self):
        for name, section in re.findall(r"man:([a-z.-]+)\((\d)\)",
                                        read(f"init/{self.NAME}.service.in")):
            self.assertEqual(len(list(ROOT.glob(f"*/{name}.{section}"))), 1,
                             name)

    def test_notify_protocol_is_spoken(self):
        """READY=1, RELOADING=1 and STOPPING=1 under all restrictions."""
        self.need("systemd-analyze")  # which knows the system calls
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(str(self.dir / "notify"))
        os.chmod(self.dir / "notify", 0o666)
        listener.settimeout(PATIENCE)
        state, conf = self.state()
        process = subprocess.Popen(
            [*self.restricted(), self.PROGRAM, "-f", "-c", conf],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "NOTIFY_SOCKET": str(self.dir / "notify"),
                 # Its search for leaks is a debugger, which is forbidden.
                 "ASAN_OPTIONS": "detect_leaks=0"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def told():
            try:
                return listener.recv(4096).decode().split("\n")
            except TimeoutError:
                process.kill()
                self.fail("nothing was told: " + process.stdout.read())

        self.assertIn("READY=1", told())
        self.check_process(process.pid)
        mode = (state / self.SOCKET).stat()
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o660)
        process.send_signal(signal.SIGHUP)
        self.assertIn("RELOADING=1", told())
        self.assertIn("READY=1", told())
        process.terminate()
        self.assertIn("STOPPING=1", told())
        self.assertEqual(process.wait(PATIENCE), 0, process.stdout.read())

    def test_integration_under_restrictions(self):
        """A real Postfix hands real reports to the daemon in its cage."""
        text = self.integration(read("init/tlsrpt-milter.service.in"),
                                INTEGRATION)
        self.assertRegex(text, r"integration: [1-9]\d+ passed, 0 failed")

    def test_alerts_under_restrictions(self):
        """The drop-in lets a real sendmail hand a mail to a real Postfix."""
        unit = read("init/tlsrpt-milter.service.in")
        text = self.integration(unit + read("init/alerts.conf"), ALERTS)
        self.assertIn(f"integration: {len(ALERTS)} passed, 0 failed", text)

    def restricted(self):
        """The words before a command that is to be in the unit's cage."""
        return [RESTRICT, "-s", ROOT / f"init/{self.NAME}.service.in", "-u",
                USER, "-w", self.dir]

    def integration(self, unit, names, writable="/run/integration"):
        """Run some of the integration tests under the unit's restrictions."""
        self.need("systemd-analyze", "postfix")
        path = self.dir / "unit"
        path.write_text(unit, encoding="utf-8")
        place = BUILD / "restricted"
        place.mkdir(exist_ok=True)
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        (place / "tlsrpt").symlink_to(TLSRPT.resolve())
        for name in ("tlsrpt-milter", "tlsrpt-collector"):
            (place / name).symlink_to((BUILD / name).resolve())
        wrapper = place / self.NAME
        wrapper.unlink()
        # The last argument is the configuration, beside which the socket will
        # be: a directory that the unit has made for User.
        wrapper.write_text(f"""#!/bin/sh
for conf; do :; done
chown {USER} "${{conf%/*}}"
exec '{RESTRICT}' -s '{path}' -u {USER} -w {writable} \
    '{self.PROGRAM.resolve()}' "$@"
""", encoding="utf-8")
        wrapper.chmod(0o755)
        words = [word for name in names for word in ("-k", name)]
        done = run(sys.executable, ROOT / "tests/integration/run.py", *words,
                   env={**os.environ, "BUILD": str(place),
                        "ASAN_OPTIONS": "detect_leaks=0"})
        return self.ok(done)

    def state(self):
        """A directory that USER may write, and a configuration for it."""
        state = self.dir / "state"
        state.mkdir()
        shutil.chown(state, USER)
        conf = self.dir / "tlsrpt-milter.conf"
        conf.write_text(self.SETTINGS.format(state) +
                        f"ArchiveDirectory {state}/archive\n"
                        f"StateFile {state}/state.db\n"
                        f"User {USER}\nLogTarget stderr\n", encoding="ascii")
        return state, conf

    def check_process(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
        fields = dict(re.findall(r"^(\w+):\s*(.*)$", status, re.MULTILINE))
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(fields[name], 16), 0, name)
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["Seccomp"], "2")
        self.assertNotIn("0", fields["Uid"].split())


class Unix(http.client.HTTPConnection):
    """http.client through a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def healthz(path):
    """The status that the collector behind this socket says it is in."""
    with contextlib.closing(Unix(path)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().status


class CollectorUnit(Unit):
    """The systemd units of the collector: service and socket."""

    NAME = "tlsrpt-collector"
    PROGRAM = COLLECTOR
    SOCKET = "http.sock"
    SETTINGS = "Listen unix:{}/http.sock\n"
    test_alerts_under_restrictions = None

    def test_verify(self):
        self.need("systemd-analyze")
        service = self.installed("tlsrpt-collector.service.in", sbindir=BUILD)
        unit = self.installed("tlsrpt-collector.socket.in")
        self.silent(run("systemd-analyze", "verify", "--man=no", unit,
                        service))

    def test_integration_under_restrictions(self):
        """Real clients post real reports to the daemon in its cage."""
        text = self.integration(read("init/tlsrpt-collector.service.in"),
                                COLLECTOR_INTEGRATION, "/run/ingest")
        self.assertRegex(text, r"integration: [1-9]\d* passed, 0 failed")

    def test_directory_of_the_socket(self):
        """It is writable, and neither given away nor removed with what is in
        it, as a RuntimeDirectory would be."""
        path = re.search(r"^ListenStream=(@runstatedir@/\S+)/[a-z.]+$",
                         read("init/tlsrpt-collector.socket.in"),
                         re.MULTILINE)[1]
        service = read("init/tlsrpt-collector.service.in")
        self.assertNotIn("\nRuntimeDirectory", service)
        self.assertIn(f"\nReadWritePaths=-{path}\n", service)
        self.assertIn(f"\nd {path} 0755 tlsrpt-milter ",
                      read("init/tlsrpt-milter.tmpfiles.in"))

    def test_restrictions_are_those_of_the_milter(self):
        """Which the tests of restrictions try one by one."""
        def restrictions(name):
            text = read(f"init/{name}.service.in")
            text = text.partition("# The file system.")[2]
            return re.findall(r"^[A-Z]\w+=.*", text.replace(name, "NAME"),
                              re.MULTILINE)
        self.assertGreater(len(restrictions(self.NAME)), 30)
        self.assertEqual(restrictions(self.NAME),
                         restrictions("tlsrpt-milter"))

    def test_socket_activation(self):
        """The socket is there before the service, and what Listen says is
        of no account then."""
        self.need("systemd-analyze", "systemd-socket-activate")
        state, conf = self.state()
        path = self.dir / "activated.sock"
        with open(self.dir / "output", "wb") as output:
            # pylint: disable=consider-using-with
            process = subprocess.Popen(
                ["systemd-socket-activate", "-l", path, "-E",
                 "ASAN_OPTIONS=detect_leaks=0", *self.restricted(), COLLECTOR,
                 "-f", "-c", conf], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + PATIENCE
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        # What comes first waits until the service is there.
        self.assertEqual(healthz(path), 200)
        self.assertIn("listens on 1 socket of systemd's",
                      (self.dir / "output").read_text("utf-8"))
        self.assertFalse((state / "http.sock").exists())
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertTrue(path.exists())  # it is not ours to remove


class Prune(Case):
    """The unit that removes old reports, and its timer."""

    def unit(self):
        return self.installed("tlsrpt-prune.service.in", bindir=BUILD,
                              sysconfdir=self.dir / "state")

    def test_exposure(self):
        self.need("systemd-analyze")
        text = self.ok(run("systemd-analyze", "security", "--no-pager",
                           "--offline=true", self.unit()))
        found = re.search(r"Overall exposure level .*: ([0-9.]+)", text)
        self.assertLessEqual(float(found[1]), EXPOSURE_MAX, text)

    def test_verify(self):
        self.need("systemd-analyze")
        self.unit()
        timer = self.installed("tlsrpt-prune.timer")
        self.silent(run("systemd-analyze", "verify", "--man=no", timer))

    def test_under_restrictions(self):
        """It prunes archive and index as its command line says."""
        self.need("systemd-analyze")
        state = self.dir / "state"
        day = state / "archive/2020/02/12"
        day.mkdir(parents=True)
        (state / "tlsrpt-milter.conf").write_text(
            f"Mailbox tls-reports@example.test\nStateFile {state}/state.db\n"
            f"ArchiveDirectory {state}/archive\n", encoding="ascii")
        name = "a!b!1581465600!1581551999!0123456789abcdef"
        for ending in (".json", ".eml.gz"):
            (day / (name + ending)).write_text("{}", encoding="ascii")
        self.ok(run(TLSRPT, "reindex", f"--archive={self.dir}",
                    f"--state={state}/state.db"))
        for path in (state, *state.rglob("*")):
            shutil.chown(path, USER)
        words = re.search("^ExecStart=(.*)$", self.unit().read_text("utf-8"),
                          re.MULTILINE)[1].split()
        done = run(RESTRICT, "-s", self.unit(), "-u", USER, "-w", state,
                   *words, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual((done.returncode, done.stdout),
                         (0, "1 record removed, 4 bytes\n"))
        self.assertEqual(list((state / "archive").rglob("*")), [])


class Restrictions(Case):
    """Each restriction bites, or the tests that use them mean nothing."""

    # A statement, and the error that it must end in, 0 for none. WHERE is the
    # one writable directory, OTHER a file in /tmp that others see, HIDDEN one
    # that they do not.
    TABLE = (
        # ProtectSystem, UMask, PrivateTmp, ProtectHome, PrivateDevices
        ("open('/etc/x', 'w')", errno.EROFS),
        ("open('/usr/x', 'w')", errno.EROFS),
        ("open('/var/x', 'w')", errno.EROFS),
        ("open('/dev/x', 'w')", errno.EROFS),
        ("open(WHERE + '/x', 'w')", 0),
        ("assert os.stat(WHERE + '/x').st_mode & 0o777 == 0o640", 0),
        ("open(HIDDEN, 'w')", 0),
        ("open(OTHER)", errno.ENOENT),
        ("assert not os.listdir('/home')", 0),
        ("assert not os.listdir('/root')", 0),
        ("assert not {'mem', 'kmsg', 'sda', 'vda'} & set(os.listdir('/dev'))",
         0),
        # ProtectProc, ProcSubset
        ("open('/proc/1/stat')", errno.ENOENT),
        ("open('/proc/version')", errno.ENOENT),
        # NoExecPaths
        ("execute(WHERE + '/t')", errno.EACCES),
        ("execute('/tmp/t')", errno.EACCES),
        # CapabilityBoundingSet, SystemCallFilter
        ("os.setuid(0)", errno.EPERM),
        ("os.chroot('/')", errno.EPERM),
        ("os.setgroups([0])", errno.EPERM),
        ("os.nice(1)", errno.EPERM),
        ("os.chown(WHERE + '/x', -1, os.getgid())", 0),
        # RestrictRealtime, ProtectHostname, MemoryDenyWriteExecute
        ("os.sched_setscheduler(0, 1, os.sched_param(1))", errno.EPERM),
        ("socket.sethostname('x')", errno.EPERM),
        ("mmap.mmap(-1, 4096, prot=7)", errno.EPERM),
        ("mmap.mmap(-1, 4096, prot=3)", 0),
        # RestrictSUIDSGID
        ("os.chmod(WHERE + '/x', 0o4755)", errno.EPERM),
        ("os.chmod(WHERE + '/x', 0o2755)", errno.EPERM),
        ("os.chmod(WHERE + '/x', 0o660)", 0),
        # RestrictNamespaces, LockPersonality
        ("call('unshare', 0x10000000)", errno.EPERM),
        ("call('personality', 8)", errno.EPERM),
        # RestrictAddressFamilies
        ("socket.socket(socket.AF_UNIX)", 0),
        ("socket.socket(socket.AF_INET)", 0),
        ("socket.socket(socket.AF_INET6)", 0),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM)",
         errno.EAFNOSUPPORT),
        ("socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)",
         errno.EAFNOSUPPORT),
    )
    SCRIPT = """
import ctypes, mmap, os, shutil, socket
def call(name, argument):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(argument) == -1:
        raise OSError(ctypes.get_errno(), name)
def execute(path):
    shutil.copy('/bin/true', path)
    os.chmod(path, 0o700)
    os.execv(path, [path])
for statement in TABLE:
    try:
        exec(statement)
        print(0)
    except OSError as error:
        print(error.errno)
    except BaseException as error:
        print(repr(error))
"""

    def test_each(self):
        self.need("systemd-analyze")
        shutil.chown(self.dir, USER)
        with tempfile.NamedTemporaryFile(dir="/tmp") as other:
            hidden = other.name + "-hidden"
            done = run(
                RESTRICT, "-u", USER, "-w", self.dir, "-x", "/usr/bin",
                "/usr/bin/env", "python3", "-c",
                f"TABLE = {[row[0] for row in self.TABLE]}\n"
                f"WHERE, OTHER = {str(self.dir)!r}, {other.name!r}\n"
                f"HIDDEN = {hidden!r}\n"
                + self.SCRIPT)
        got = self.ok(done).splitlines()
        self.assertEqual(len(got), len(self.TABLE), done.stdout)
        for (statement, expected), seen in zip(self.TABLE, got):
            with self.subTest(statement):
                self.assertEqual(seen, str(expected))
        self.assertFalse(os.path.exists(hidden))

    def test_every_directive_is_known(self):
        text = self.ok(run(RESTRICT, "-l"))
        self.assertIn("carried out", text)

    def test_unknown_directive_is_refused(self):
        unit = self.installed("tlsrpt-milter.service.in")
        with open(unit, "a", encoding="utf-8") as file:
            file.write("[Service]\nDelegate=yes\n")
        done = run(HERE / "restrict.py", "-s", unit, "-l")
        self.assertEqual(done.returncode, 125, done.stdout)
        self.assertIn("Delegate=", done.stdout)


class DropIn(Case):
    """What init/alerts.conf opens is enough for it, and none of it too much.

    The paths are its own: a private Postfix, which does not run, lies over the
    system's in a namespace of the command.
    """

    SCRIPT = """set -eu
here=$1 restrict=$2 unit=$3; shift 3
mount --bind "$here/etc" /etc/postfix
mount --bind "$here/spool" /var/spool/postfix
mount --bind "$here/bin" /usr/local/bin
exec "$restrict" -s "$unit" -u nobody "$@"
"""
    MAIN_CF = """compatibility_level = 3.6
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
inet_interfaces = loopback-only
alias_maps =
"""

    def setUp(self):
        super().setUp()
        self.need("systemd-analyze", "postfix", "unshare")
        for name in ("etc", "spool", "bin"):
            (self.dir / name).mkdir()
        (self.dir / "etc/main.cf").write_text(self.MAIN_CF, encoding="ascii")
        (self.dir / "etc/master.cf").write_text("", encoding="ascii")
        self.maildrop = self.dir / "spool/maildrop"
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):
            path = self.dir / "spool" / name
            path.mkdir()
            shutil.chown(path, "postfix", "postdrop")
            path.chmod(mode)
        self.drop_in = read("init/alerts.conf")

    def caged(self, drop_in, *command):
        unit = self.dir / "unit"
        unit.write_text(read("init/tlsrpt-milter.service.in") + drop_in,
                        encoding="utf-8")
        return run("unshare", "-m", "sh", "-c", self.SCRIPT, "sh", self.dir,
                   RESTRICT, unit, "/usr/bin/timeout", "5", *command)

    def queues(self, drop_in):
        """Is a mail in the queue that sendmail was given there?"""
        for path in self.maildrop.iterdir():
            path.unlink()
        done = self.caged(drop_in, "/usr/sbin/sendmail", "-i", "-f", "<>",
                          "--", "root@example.test")
        found = list(self.maildrop.iterdir())
        # EX_TEMPFAIL, or it tries for ever, or cannot be executed; 125 is a
        # fault of the cage.
        self.assertIn(done.returncode, (0, 75, 124, 126), done.stdout)
        self.assertEqual(len(found), done.returncode == 0, done.stdout)
        return bool(found)

    def test_verify(self):
        self.need("systemd-analyze")
        place = self.dir / "units"
        unit = self.installed("tlsrpt-milter.service.in",
                              place / "tlsrpt-milter.service", sbindir=BUILD)
        self.installed("alerts.conf",
                       place / "tlsrpt-milter.service.d/alerts.conf")
        self.silent(run("systemd-analyze", "verify", "--man=no", unit))

    def test_sendmail(self):
        self.assertTrue(self.queues(self.drop_in))

    def test_sendmail_needs_all_of_it(self):
        self.assertFalse(self.queues(""))
        for old, new in (("-/usr/sbin/sendmail ", ""),
                         (" -/usr/sbin/postdrop", ""),
                         ("SupplementaryGroups=postdrop\n", ""),
                         ("-/var/spool/postfix/maildrop", ""),
                         ("RestrictAddressFamilies=AF_NETLINK\n", "")):
            self.assertIn(old, self.drop_in)
            with self.subTest(old):
                self.assertFalse(
                    self.queues(self.drop_in.replace(old, new)))

    def test_command(self):
        program = self.dir / "bin/tls-alert"
        program.write_text("#!/bin/sh\nlogger --version\n", encoding="ascii")
        program.chmod(0o755)
        self.ok(self.caged(self.drop_in, program.name))
        # "Permission denied", as timeout(1) has it.
        done = self.caged("", program.name)
        self.assertEqual(done.returncode, 126, done.stdout)


class Directories(Case):
    """sysusers and tmpfiles."""

    def test_carried_out(self):
        self.need("systemd-sysusers", "systemd-tmpfiles")
        for name, text in (("passwd", "root:x:0:0::/root:/bin/sh\n"
                            "postfix:x:102:105::/:/usr/sbin/nologin\n"),
                           ("group", "root:x:0:\npostfix:x:105:\n")):
            (self.dir / "etc").mkdir(exist_ok=True)
            (self.dir / "etc" / name).write_text(text, encoding="ascii")
        self.installed("tlsrpt-milter.sysusers",
                       self.dir / "usr/lib/sysusers.d/tlsrpt-milter.conf")
        self.ok(run("systemd-sysusers", f"--root={self.dir}"))
        users = (self.dir / "etc/passwd").read_text("ascii")
        found = re.search(r"^tlsrpt-milter:x:(\d+):(\d+):.*:(.*)$", users,
                          re.MULTILINE)
        self.assertIn("nologin", found[3])

        rules = self.installed("tlsrpt-milter.tmpfiles.in",
                               self.dir / "usr/lib/tmpfiles.d/x.conf")
        # The line for Debian's chroot is tried too.
        rules.write_text(rules.read_text("ascii").replace("\n#d ", "\nd "),
                         encoding="ascii")
        self.ok(run("systemd-tmpfiles", "--create", f"--root={self.dir}"))
        owner, group = int(found[1]), int(found[2])
        for path, mode, gid in (
                ("run/tlsrpt-milter", 0o755, group),
                ("run/tlsrpt-collector", 0o755, group),
                ("var/lib/tlsrpt-milter", 0o750, group),
                ("var/spool/postfix/tlsrpt-milter", 0o750, 105)):
            made = (self.dir / path).stat()
            self.assertEqual((stat.S_IMODE(made.st_mode), made.st_uid,
                              made.st_gid), (mode, owner, gid), path)


class Scripts(Case):
    """The SysV and OpenRC scripts of the milter."""

    NAME = "tlsrpt-milter"
    PROGRAM = MILTER
    SOCKET = "run/tlsrpt-milter/milter.sock"
    SETTINGS = "Mailbox tls-reports@example.test\nSocket unix:{}\n"

    def test_shellcheck(self):
        self.need("shellcheck")
        self.silent(run("shellcheck", "-s", "sh",
                        self.installed(f"{self.NAME}.sysv.in")))
        # OpenRC reads the variables that the script does not.
        self.silent(run("shellcheck", "-s", "sh", "-e", "SC2034",
                        self.installed(f"{self.NAME}.openrc.in")))
        self.silent(run("shellcheck", RESTRICT))

    def sysv(self, settings=""):
        """The script as installed below self.dir, and its configuration."""
        sbin = self.dir / "sbin"
        sbin.mkdir(exist_ok=True)
        shutil.copy2(self.PROGRAM, sbin)
        conf = self.dir / "etc/tlsrpt-milter.conf"
        script = self.installed(
            f"{self.NAME}.sysv.in", sbindir=sbin, sysconfdir=self.dir / "etc",
            localstatedir=self.dir / "var", runstatedir=self.dir / "run")
        script.chmod(0o755)
        for path in ("etc", "run", "var/lib"):
            (self.dir / path).mkdir(parents=True, exist_ok=True)
        conf.write_text(
            self.SETTINGS.format(self.dir / self.SOCKET) +
            f"ArchiveDirectory {self.dir}/var/lib/tlsrpt-milter/archive\n"
            f"StateFile {self.dir}/var/lib/tlsrpt-milter/state.db\n"
            f"User {USER}\n{settings}", encoding="ascii")
        self.addCleanup(self.kill_all)
        return script, conf

    def kill_all(self):
        """A script that failed to stop the daemon must not leave it behind."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)

    def pids(self):
        """The processes whose program is our copy."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                program = os.readlink(f"/proc/{entry}/exe")
            except OSError:
                continue
            if program == str(self.dir / "sbin" / self.NAME):
                found.append(int(entry))
        return found

    def says(self, script, action, code):
        # Not a pipe, which the daemon might keep open.
        with open(self.dir / "output", "w+", encoding="utf-8") as output:
            done = run(script, action, stdout=output)
            output.seek(0)
            self.assertEqual(done.returncode, code,
                             f"{action}: {output.read()}")

    def test_sysv(self):
        self.need("start-stop-daemon")
        script, conf = self.sysv()
        self.says(script, "status", 3)
        self.says(script, "stop", 0)
        self.says(script, "reload", 7)
        self.says(script, "try-restart", 0)
        self.assertEqual(self.pids(), [])
        self.says(script, "start", 0)
        before = self.pids()
        self.assertEqual(len(before), 1)
        self.says(script, "status", 0)
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect(str(self.dir / self.SOCKET))
        self.says(script, "start", 0)
        self.says(script, "reload", 0)
        good = conf.read_text("ascii")
        conf.write_text(good + "Nonsense 1\n", encoding="ascii")
        self.says(script, "reload", 6)
        self.says(script, "restart", 6)
        self.assertEqual(self.pids(), before)
        conf.write_text(good, encoding="ascii")
        self.says(script, "try-restart", 0)
        self.assertEqual(len(self.pids()), 1)
        self.assertNotEqual(self.pids(), before)
        self.says(script, "stop", 0)
        self.assertEqual(self.pids(), [])
        self.says(script, "nonsense", 2)

    def test_sysv_with_pid_file(self):
        """The one with the PidFile is meant, and nobody else."""
        self.need("start-stop-daemon")
        pid_file = self.dir / "run/pid"
        script, conf = self.sysv(f"PidFile {pid_file}\n")
        self.says(script, "start", 0)
        self.assertEqual([int(pid_file.read_text("ascii"))], self.pids())
        self.says(script, "status", 0)
        good = conf.read_text("ascii")
        conf.write_text(good.replace("run/pid", "run/other"), encoding="ascii")
        self.says(script, "status", 3)
        self.says(script, "stop", 0)
        self.assertEqual(len(self.pids()), 1)
        conf.write_text(good, encoding="ascii")
        self.says(script, "stop", 0)
        self.assertEqual(self.pids(), [])
        self.assertFalse(pid_file.exists())

    def test_sysv_start_fails(self):
        """A daemon that cannot write its archive is not said to run."""
        self.need("start-stop-daemon")
        script, conf = self.sysv()
        conf.write_text(conf.read_text("ascii").replace(
            "ArchiveDirectory ", "ArchiveDirectory /proc"), encoding="ascii")
        done = run(script, "start")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.pids(), [])


class CollectorScripts(Scripts):
    """Those of the collector, for which PidFile is the milter's."""

    NAME = "tlsrpt-collector"
    PROGRAM = COLLECTOR
    SOCKET = "run/tlsrpt-collector/http.sock"
    SETTINGS = "Listen unix:{}\n"
    test_sysv_with_pid_file = None

    def test_sysv_leaves_the_pid_file_to_the_milter(self):
        self.need("start-stop-daemon")
        pid_file = self.dir / "run/pid"
        script, _ = self.sysv(f"PidFile {pid_file}\n")
        self.says(script, "start", 0)
        self.says(script, "status", 0)
        self.assertEqual(healthz(self.dir / self.SOCKET), 200)
        self.assertFalse(pid_file.exists())
        self.says(script, "stop", 0)
        self.assertEqual(self.pids(), [])


class Snippets(Case):
    """What goes into the configuration of others."""

    def rsyslog(self, text):
        snippet = self.dir / "rsyslog.conf"
        snippet.write_text(text, encoding="utf-8")
        text = self.ok(run("rsyslogd", "-N1", "-f", snippet))
        self.assertNotIn("error", text)

    def test_rsyslog(self):
        self.need("rsyslogd")
        text = read("conf/rsyslog.conf")
        self.rsyslog(text)
        head, mark, tail = text.partition("#module(")
        self.assertTrue(mark)
        self.rsyslog(head + re.sub("^#", "", mark + tail, flags=re.MULTILINE))

    def test_logrotate(self):
        self.need("logrotate")
        text = self.ok(run("logrotate", "-d", "-s", self.dir / "state",
                           ROOT / "conf/logrotate"))
        self.assertNotIn("error", text)

    def test_postfix(self):
        """Each line for main.cf, in a main.cf of its own, is accepted."""
        self.need("postconf")
        text = read("conf/postfix-main.cf")
        lines = re.findall(r"^#?(smtpd_milters = .*(?:\n#\t[^#\n].*)?)", text,
                           re.MULTILINE)
        self.assertEqual(len(lines), 4)
        for line in lines:
            line = line.replace("\n#", "\n")
            (self.dir / "main.cf").write_text(
                f"compatibility_level = 3.6\n{line}\n", encoding="ascii")
            (self.dir / "master.cf").write_text("", encoding="ascii")
            text = self.ok(run("postconf", "-c", self.dir, "smtpd_milters"))
            self.assertEqual(text.split(), line.split())

    def test_nginx(self):
        """The README shows lines of the file."""
        shown = read("README.md").partition("location /v1/tlsrpt {\n")[2]
        shown = shown.partition("\n}\n")[0].splitlines()
        self.assertGreater(len(shown), 5)
        place = read("conf/nginx.conf").partition("location /v1/tlsrpt {\n")
        lines = place[2].partition("\n}\n")[0].splitlines()
        self.assertEqual(shown, [line for line in lines if line in shown])

    def test_sample(self):
        """The sample is right, as it is and with each default given."""
        conf = ROOT / "conf/tlsrpt-milter.conf"
        self.silent(run(MILTER, "-t", "-c", conf))
        whole = self.dir / "whole.conf"
        whole.write_text("".join(f"{name}\t{value}\n" for name, value
                                 in sample_settings()), encoding="ascii")
        self.silent(run(MILTER, "-t", "-c", whole))


class Monitoring(Case):
    """The snippets for Icinga, Nagios and Prometheus do what they say."""

    # As the guidelines of the monitoring plugins have it.
    PERFORMANCE = (r"'?[^'=|]+'?=-?[\d.]+(?:us|ms|s|%|B|KB|MB|TB|c)?"
                   r"(?:;[\d.:~@-]*){0,2}(?:;-?[\d.]*){0,2}")

    RULES_TEST = """
rule_files: [rules.yml]
evaluation_interval: 5m
tests:
  - interval: 5m
    input_series:
      - series: 'tlsrpt_problem_failed_sessions{policy_domain="example.com",
          receiving_mx_hostname="mx1.example.com",policy_type="sts",
          result_type="certificate-expired",state="open",severity="err",
          instance="mx"}'
        values: '53x20'
      - series: 'tlsrpt_newest_report_end_timestamp_seconds{instance="mx"}'
        values: '0x1200'
      - series: 'node_textfile_mtime_seconds{file="/d/tlsrpt.prom"}'
        values: '0x20'
    alert_rule_test:
      - {eval_time: 55m, alertname: TLSMetricsStale}
      - {eval_time: 55m, alertname: TLSReportsMissing}
      - eval_time: 55m
        alertname: TLSProblem
        exp_alerts:
          - exp_labels: {severity: critical, policy_domain: example.com,
              receiving_mx_hostname: mx1.example.com, policy_type: sts,
              result_type: certificate-expired, state: open, instance: mx}
            exp_annotations:
              summary: 'example.com: certificate-expired on mx1.example.com'
              description: 'Reports tell of 53 failed sessions; "tlsrpt
                problems" on mx says what to do.'
      - eval_time: 75m
        alertname: TLSMetricsStale
        exp_alerts:
          - exp_labels: {severity: warning, file: /d/tlsrpt.prom}
            exp_annotations:
              summary: The metrics of TLS reports are not renewed
              description: 'Does cron run "tlsrpt metrics" on ?'
      - eval_time: 73h
        alertname: TLSReportsMissing
        exp_alerts:
          - exp_labels: {severity: warning, instance: mx}
            exp_annotations:
              summary: No TLS report for three days
              description: 'Most often our own report address is broken: does
                mail to it arrive at mx?'
"""

    def setUp(self):
        super().setUp()
        (self.dir / "archive").mkdir()
        self.state = self.dir / "state.db"
        self.ok(run(TLSRPT, "reindex", f"--archive={self.dir}/archive",
                    f"--state={self.state}"))

    def check_plugin(self, words):
        """The words of a plugin's command: what they print is right."""
        self.assertEqual(words[:2], ["/usr/local/bin/tlsrpt", "health"])
        done = run(TLSRPT, *words[1:], f"--state={self.state}")
        self.assertEqual(done.returncode, 1, done.stdout)  # no report
        self.assertRegex(done.stdout, r"\A[A-Z]+ WARNING - [^|\n]+ \| "
                         rf"{self.PERFORMANCE}(?: {self.PERFORMANCE})*\n\Z")

    def test_icinga(self):
        found = re.search(r"command = \[ (.*) \]", read("conf/icinga2.conf"))
        self.check_plugin(re.findall(r'"([^"]+)"', found[1]))

    def test_icinga_takes_it(self):
        self.need("icinga2")
        conf = self.dir / "icinga2.conf"
        conf.write_text(
            'include <itl>\nobject Host "mx" {\ncheck_command = "dummy"\n'
            "vars.tlsrpt = true\n}\n" + read("conf/icinga2.conf"),
            encoding="utf-8")
        text = self.ok(run("icinga2", "daemon", "-C", "-c", conf))
        self.assertIn("Instantiated 1 Service", text)

    def test_nrpe(self):
        found = re.search(r"^command\[check_tlsrpt\]=(.*)$",
                          read("conf/nrpe.cfg"), re.MULTILINE)
        self.check_plugin(found[1].split())

    def test_cron(self):
        """Each line, the commented one too, in a shell as cron runs it."""
        lines = re.findall(r"^#?(?:\S+ ){4}\* (\S+) (.*)$", read("conf/cron"),
                           re.MULTILINE)
        self.assertEqual([user for user, _ in lines],
                         ["tlsrpt-milter", "root"])
        place = self.dir / "node-exporter"
        place.mkdir()
        for _, command in lines:
            self.assertNotIn("%", command)  # which cron takes for a newline
            command = command.replace("/var/lib/prometheus/node-exporter",
                                      str(place))
            for word in ("prune", "metrics"):
                command = re.sub(
                    rf"tlsrpt {word}", f"{TLSRPT} {word} --state={self.state}"
                    + f" --archive={self.dir}/archive" * (word == "prune"),
                    command)
            self.silent(run("sh", "-c", command))
        self.assertEqual([path.name for path in place.iterdir()],
                         ["tlsrpt.prom"])
        self.assertIn("\ntlsrpt_reports 0\n",
                      (place / "tlsrpt.prom").read_text("ascii"))
        if have("promtool"):
            with open(place / "tlsrpt.prom", encoding="ascii") as metrics:
                done = subprocess.run(["promtool", "check", "metrics"],
                                      stdin=metrics, capture_output=True,
                                      text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, "", ""))

    def test_rules_ask_for_what_there_is(self):
        asked = set(re.findall(r"\btlsrpt_(\w+)",
                               read("conf/prometheus-rules.yml")))
        self.assertEqual(len(asked), 2)
        for name in asked:
            self.assertIn(f'"{name}"', read("cli/index/metrics.c"))

    def test_rules(self):
        self.need("promtool")
        shutil.copy(ROOT / "conf/prometheus-rules.yml",
                    self.dir / "rules.yml")
        self.ok(run("promtool", "check", "rules", self.dir / "rules.yml"))
        (self.dir / "test.yml").write_text(self.RULES_TEST, encoding="ascii")
        self.ok(run("promtool", "test", "rules", self.dir / "test.yml"))


def sample_settings():
    """(keyword, value) of the sample, the commented ones too; of two lines
    for one keyword the first."""
    settings = {}
    for name, value in re.findall(r"^#?([A-Z]\w+)\t+(\S+(?: \S+)?)$",
                                  read("conf/tlsrpt-milter.conf"),
                                  re.MULTILINE):
        settings.setdefault(name, value)
    return list(settings.items())


def table_settings():
    """(keyword, default) of the table in the program."""
    text = "".join(path.read_text("utf-8")
                   for path in (ROOT / "common").glob("*/*.c"))
    text = text.replace('LOCALSTATEDIR "', '"/var')
    text = text.replace('"unix:" RUNSTATEDIR "', '"unix:/run')
    return re.findall(r'^\t\{ "([A-Z]\w+)", "([^"]*)",', text, re.MULTILINE)


class Manuals(Case):
    """The manuals say what the program does."""

    PAGES = ("milter/tlsrpt-milter.8", "milter/tlsrpt-milter.conf.5",
             "cli/tlsrpt.1", "collector/tlsrpt-collector.8")

    def test_lint(self):
        self.need("mandoc")
        for page in self.PAGES:
            self.silent(run("mandoc", "-T", "lint", "-W", "warning",
                            ROOT / page))

    def test_keywords_in_sample(self):
        table = dict(table_settings())
        self.assertGreater(len(table), 20)
        sample = dict(sample_settings())
        self.assertEqual(set(sample), set(table))
        for name, default in table.items():
            if default:
                self.assertEqual(sample[name], default, name)

    def test_keywords_in_manual(self):
        text = read(self.PAGES[1])
        entries = dict(re.findall(
            r"^\.It Cm ([A-Z]\w+)(?: .*)?\n((?s:.*?))(?=^\.It Cm [A-Z]|^\.Sh)",
            text, re.MULTILINE))
        table = dict(table_settings())
        self.assertEqual(set(entries), set(table))
        for name, default in table.items():
            if default:
                # "The default is" and the value, on one line or the next.
                found = re.search(r"^The default is(?:\n\.\w\w)? (\S+)",
                                  entries[name], re.MULTILINE)
                self.assertIsNotNone(found, name)
                self.assertEqual(found[1].removesuffix("."), default, name)

    def test_deviations(self):
        names = re.findall(r'\[DEV_\w+\] = "([a-z-]+)"',
                           read("common/report/deviation.c"))
        self.assertGreater(len(names), 40)
        section = read(self.PAGES[0]).partition(".Ss Deviations")[2]
        self.assertEqual(re.findall(r"^\.It Cm ([a-z-]+)$",
                                    section.partition(".Sh")[0],
                                    re.MULTILINE), names)

    def test_reasons(self):
        names = re.findall(r'return "([a-z0-9-]+)"', read("common/base/status.c"))
        section = read(self.PAGES[0]).partition(".Ss Reasons")[2]
        self.assertEqual(
            re.findall(r"^\.It Cm ([a-z0-9-]+)$", section.partition(".Ss")[0],
                       re.MULTILINE),
            [name for name in names
             if name not in ("ok", "not-a-report", "unknown")])

    def test_refusals(self):
        """The collector's words for the log, and its statuses."""
        text = "".join(read(path.relative_to(ROOT)) for path in sorted(
            [*ROOT.glob("collector/*.c"), ROOT / "common/upload/admission.c"]))
        calls = re.findall(r"\b(?:\w*refuse\w*|give_up)\((?:\w+), ([^;{]*)\);",
                           text)
        names = {name for call in calls
                 for name in re.findall(r'"([a-z-]+)"', call)}
        statuses = {status for call in calls
                    for status in re.findall(r"\b([45]\d\d)\b", call)}
        self.assertGreater(len(names), 15)
        self.assertGreater(len(statuses), 8)
        page = read(self.PAGES[3])
        reasons = page.partition("The reasons of")[2].partition(".Sh")[0]
        # Those of an error are in the milter's manual.
        self.assertEqual(re.findall(r"^\.It Cm ([a-z-]+)$", reasons,
                                    re.MULTILINE),
                         sorted(names - {"no-memory", "archive"}))
        answers = page.partition(".Ss Answers")[2].partition(".Ss")[0]
        self.assertEqual(
            set(re.findall(r"^\.It Cm (\d+)$", answers, re.MULTILINE)),
            # Nobody is there any more to be told 408.
            statuses - {"408"} | {"200", "201", "400"})

    def example(self, page, start):
        """The lines of a display that begins with the given one."""
        display = read(page).partition(start + "\n")[2].partition("\n.Ed")[0]
        self.assertTrue(display, start)
        return display + "\n"

    def test_example_of_command(self):
        shown = self.example(self.PAGES[2],
                             "$ tlsrpt explain sts-policy-invalid")
        done = run(TLSRPT, "explain", "sts-policy-invalid")
        self.assertEqual(done.stdout.split(), shown.split())

    def test_example_of_check(self):
        shown = self.example(self.PAGES[1], "$ tlsrpt-milter -t -c new.conf")
        (self.dir / "new.conf").write_text(
            "Mailbox a@example.com\n\nOnReport drop\n", encoding="ascii")
        done = run(MILTER, "-t", "-c", "new.conf", cwd=self.dir)
        self.assertEqual((done.stdout, done.returncode), (shown, 78))

    def test_bounds(self):
        """The bounds in SECURITY.md are those of the headers."""
        headers = "".join(path.read_text("utf-8")
                          for path in (ROOT / "common").glob("*/*.h"))
        rows = re.findall(r"^\| [^|]+ \| ([0-9,]+)(?: (\w+))?[^|]* \| "
                          r"`([A-Z0-9_]+)`", read("SECURITY.md"), re.MULTILINE)
        self.assertGreater(len(rows), 10)
        for number, unit, name in rows:
            value = int(number.replace(",", ""))
            value <<= {"KiB": 10, "MiB": 20}.get(unit, 0)
            found = re.search(rf"\b{name} =\s+([0-9]+)", headers)
            self.assertIsNotNone(found, name)
            self.assertEqual(int(found[1]), value, name)


def main():
    if os.geteuid() != 0:
        print("init tests: must be run as root", file=sys.stderr)
        print("init: 0 passed, 1 failed, 0 not run")
        return 1
    loader = unittest.defaultTestLoader
    names = [name for name in sys.argv[1:] if name != "-v"]
    loader.testNamePatterns = [f"*{name}*" for name in names] or None
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2 if "-v" in sys.argv else 1).run(suite)
    # A part of a test (subTest) counts as the test.
    failed = len({getattr(test, "test_case", test)
                  for test, _ in result.errors + result.failures})
    passed = result.testsRun - failed - len(result.skipped)
    print(f"init: {passed} passed, {failed} failed, "
          f"{len(result.skipped)} not run")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
