"""The laboratory: a private Postfix, the milter, log daemons and a mail sink.

Everything lives in namespaces of its own (mount, PID and network), so that
/dev/log and the journal's socket are ours, no port is anybody else's, and
whatever is still running dies with the process that made them. Below
build/NAME is what remains to be looked at.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import grp
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
MILTER = BUILD / "tlsrpt-milter"
TLSRPT = BUILD / "tlsrpt"

USER = "nobody"
MAILBOX = "tls-reports@example.test"
IDENT = "tlsrpt-milter"

FIRST_PORT = 12000
SLOTS = 12
TCP_MILTER_PORT = 12400
SINK_PORT = 12450

# How long anything may take that is expected to happen. Reaching it is a
# failure, so it can be generous to slow machines.
PATIENCE = 30.0


class LabError(Exception):
    """The laboratory itself is broken, not what is tested in it."""


class NoNamespaces(LabError):
    """The kernel, or a container around us, does not permit them."""


def wait_until(condition, what, timeout=PATIENCE):
    """Poll until condition() is true and return its value."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:g} s still no {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise LabError(f"mount {' '.join(map(str, args))}: "
                       + done.stderr.decode(errors="replace").strip())


def unmount(path):
    subprocess.run(["umount", "-l", str(path)], check=False,
                   stderr=subprocess.DEVNULL)


# Namespaces ---------------------------------------------------------------

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def run_inside(function):
    """Call function() as the first process of new namespaces.

    Returns the exit status. When it ends, however it ends, the kernel kills
    everything that was started in them and forgets every mount.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    sys.stdout.flush()
    sys.stderr.flush()
    if libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise NoNamespaces(f"new namespaces: {os.strerror(code)}")
    pid = os.fork()
    if pid == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        status = 70
        try:
            status = function()
        except KeyboardInterrupt:
            status = 130
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except LabError as error:
            print(f"laboratory: {error}", file=sys.stderr)
            status = 1
        except BaseException:  # pylint: disable=broad-except
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child has it too
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) & 0xff


def _private_devices(base):
    """Put a /dev in place that has what programs need and no log daemon."""
    devices = base / "dev"
    devices.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", devices)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        if os.path.exists("/dev/" + name):
            (devices / name).touch()
            mount("--bind", "/dev/" + name, devices / name)
    (devices / "shm").mkdir()
    (devices / "shm").chmod(0o1777)
    (devices / "fd").symlink_to("/proc/self/fd")
    mount("--move", devices, "/dev")
    devices.rmdir()


def _loopback_up():
    """Private network namespaces begin with a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, 0x8913, request))[1]
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))


def furnish(name):
    """Inside new namespaces: private /proc, /dev, /run; returns the base.

    The base is build/NAME, emptied, seen as /run/NAME: a short path that user
    postfix can traverse wherever the checkout is.
    """
    host = BUILD / name
    shutil.rmtree(host, ignore_errors=True)
    host.mkdir(parents=True)
    host.chmod(0o755)
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    _private_devices(host)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    base = pathlib.Path("/run") / name
    base.mkdir(parents=True)
    mount("--bind", host, base)
    pathlib.Path("/run/systemd/journal").mkdir(parents=True)
    _loopback_up()
    return base


# Log daemons --------------------------------------------------------------

class Listener:
    """A datagram socket as a log daemon has it, and what came in.

    queue is how many datagrams wait in it. systemd makes it as large as here,
    but new namespaces begin with 10; lines come late then on a slow machine.
    """

    QUEUE = 512

    def __init__(self, path, queue=QUEUE):
        self.path = pathlib.Path(path)
        self.queue = queue
        self.received = []
        self._marks = set()
        self._condition = threading.Condition()
        self._reading = threading.Event()
        self._socket = None
        self._thread = None
        self._serial = 0

    def start(self):
        # It holds for sockets that are made from now on.
        pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text(
            str(self.queue))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self._reading.set()
        self._thread = threading.Thread(
            target=self._run, args=(self._socket,), daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """As if the daemon had been stopped: its socket is gone."""
        if self._socket is None:
            return
        self._reading.set()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._socket = None

    def hang(self):
        """Stop reading but keep the socket: its queue fills up."""
        self._reading.clear()
        # One more datagram may be taken by a receive that has begun.
        self._send(b"hang")

    def resume(self):
        self._reading.set()

    def send_now(self, data):
        """Fill the socket; BlockingIOError when it is full."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.setblocking(False)
            s.connect(str(self.path))
            s.send(data)

    def forget(self, data):
        """Remove what a test has written itself."""
        with self._condition:
            self.received = [d for d in self.received if d != data]

    def _send(self, data):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(str(self.path))
            s.send(data)

    def _run(self, sock):
        # One for all: what is cut from a new one each time keeps a page, and
        # the kernel allows a process 65,530 of such pieces.
        room = bytearray(1 << 20)
        while True:
            self._reading.wait()
            try:
                size, controls, _, _ = sock.recvmsg_into(
                    [room], socket.CMSG_SPACE(4))
            except OSError:
                return
            if size == 0 and not controls:
                return
            data = self._whole(bytes(memoryview(room)[:size]), controls)
            with self._condition:
                if data.startswith(b"mark "):
                    self._marks.add(data)
                elif data != b"hang":
                    self.received.append(data)
                self._condition.notify_all()

    @staticmethod
    def _whole(data, controls):
        """A large journal entry comes as a file instead."""
        for level, kind, value in controls:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                handle = struct.unpack("i", value[:4])[0]
                with os.fdopen(handle, "rb") as f:
                    f.seek(0)
                    return f.read()
        return data

    def sync(self):
        """Wait until everything that was sent before now has been read."""
        self._serial += 1
        mark = b"mark %d" % self._serial
        self._send(mark)
        with self._condition:
            if not self._condition.wait_for(lambda: mark in self._marks,
                                            PATIENCE):
                raise LabError(f"{self.path} does not read")

    def texts(self):
        with self._condition:
            return list(self.received)


class Line:
    """One line of the log: who, how bad, and the text."""

    pattern = re.compile(
        rb"<(\d{1,3})>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?"
        rb"([^\[\]\0-\x20:]+)(?:\[(\d+)\])?: (.*)", re.DOTALL)

    def __init__(self, raw, priority, ident, pid, text):
        self.raw = raw
        self.facility, self.level = divmod(priority, 8)
        self.ident = ident
        self.pid = pid
        self.text = text

    @classmethod
    def from_syslog(cls, raw):
        found = cls.pattern.fullmatch(raw)
        if found is None:
            raise AssertionError(f"not as syslog(3) writes it: {raw!r}")
        # libmilter itself writes lines without a process id.
        return cls(raw, int(found[1]), found[2].decode(),
                   int(found[3] or 0), found[4])

    def __repr__(self):
        return f"<{self.level}>{self.text.decode(errors='backslashreplace')}"


class Syslog(Listener):
    def __init__(self, queue=Listener.QUEUE):
        super().__init__("/dev/log", queue)

    def lines(self, pid=None):
        return [line for line in map(Line.from_syslog, self.texts())
                if pid is None or line.pid == pid]


class Journal(Listener):
    def __init__(self):
        super().__init__("/run/systemd/journal/socket")

    def entries(self):
        return [parse_journal(data) for data in self.texts()]


def parse_journal(data):
    """The native protocol: NAME=value, or NAME, a length and the value."""
    entry = {}
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        line = data[at:end]
        if b"=" in line:
            name, value = line.split(b"=", 1)
            at = end + 1
        else:
            name = line
            size, = struct.unpack_from("<Q", data, end + 1)
            value = data[end + 9:end + 9 + size]
            if len(value) != size or data[end + 9 + size:][:1] != b"\n":
                raise AssertionError(f"bad length of {name!r} in {data!r}")
            at = end + 10 + size
        if not re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name):
            raise AssertionError(f"bad journal field {name!r} in {data!r}")
        if name.decode() in entry:
            raise AssertionError(f"{name!r} twice in {data!r}")
        entry[name.decode()] = value.decode("utf-8", "backslashreplace")
    return entry


ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse_logfmt(text):
    """name=value pairs, strictly: what does not parse is a forged line."""
    fields = {}
    pattern = re.compile(r'([A-Za-z0-9-]+)=(?:"((?:[^"\\]|\\.)*)"'
                         r'|([^\s"=\\]*))(?: |$)')
    at = 0
    while at < len(text):
        found = pattern.match(text, at)
        if found is None:
            raise AssertionError(f"not logfmt at {at}: {text!r}")
        if found[1] in fields:
            raise AssertionError(f"{found[1]} twice: {text!r}")
        fields[found[1]] = found[3] if found[2] is None else unescape(found[2])
        at = found.end()
    return fields


def unescape(text):
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)",
                  lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x"
                  and len(m[1]) == 3 else ESCAPES.get(m[1], m[1]), text)


# The sink -----------------------------------------------------------------

class Delivered:
    """A message as the next hop got it."""

    def __init__(self, sender, recipients, data):
        self.sender = sender
        self.recipients = recipients
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.fields = re.split(rb"\r\n(?![ \t])", head)
        received = [f for f in self.fields if f.startswith(b"Received:")]
        found = re.search(rb"\bid ([0-9A-Za-z]+)", received[0])
        self.queue_id = found[1].decode()
        self.rest = [f for f in self.fields if f not in received]

    def field(self, name):
        """The values of all fields of that name, unfolded."""
        prefix = name.lower() + ":"
        return [re.sub(r"\r\n[ \t]+", " ", value[len(prefix):]).strip()
                for value in (f.decode("utf-8", "backslashreplace")
                              for f in self.fields)
                if value.lower().startswith(prefix)]


class Sink:
    """An SMTP server that keeps what it is sent."""

    def __init__(self, port):
        self._lock = threading.Lock()
        self._mails = []
        self._server = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,),
                             daemon=True).start()

    def _serve(self, peer):
        with peer, peer.makefile("rb", 1 << 20) as lines:
            with contextlib.suppress(OSError):
                self._session(peer, lines)

    def _session(self, peer, lines):
        sender, recipients = None, []
        peer.sendall(b"220 sink ESMTP\r\n")
        for line in lines:
            command = line.strip()
            verb = command[:4].upper()
            if verb == b"EHLO":
                peer.sendall(b"250-sink\r\n250-8BITMIME\r\n"
                             b"250-SMTPUTF8\r\n250 PIPELINING\r\n")
            elif verb == b"MAIL":
                sender, recipients = self._address(command), []
                peer.sendall(b"250 ok\r\n")
            elif verb == b"RCPT":
                recipients.append(self._address(command))
                peer.sendall(b"250 ok\r\n")
            elif verb == b"DATA":
                peer.sendall(b"354 go on\r\n")
                mail = Delivered(sender, recipients, self._data(lines))
                with self._lock:
                    self._mails.append(mail)
                peer.sendall(b"250 ok\r\n")
            elif verb == b"QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            else:
                peer.sendall(b"250 ok\r\n")

    @staticmethod
    def _address(command):
        return command[command.index(b"<") + 1:command.rindex(b">")].decode()

    @staticmethod
    def _data(lines):
        kept = []
        for line in lines:
            if line == b".\r\n":
                return b"".join(kept)
            kept.append(line[1:] if line.startswith(b".") else line)
        raise OSError("connection lost in a message")

    def mails(self, queue_id=None):
        with self._lock:
            return [mail for mail in self._mails
                    if queue_id is None or mail.queue_id == queue_id]

    def wait(self, queue_id):
        """The one delivery of this message."""
        return wait_until(lambda: self.mails(queue_id),
                          f"delivery of {queue_id}")[0]

    def clear(self):
        with self._lock:
            self._mails.clear()

    def close(self):
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


# Postfix ------------------------------------------------------------------

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydomain = example.test
myorigin = $mydomain
mydestination =
local_recipient_maps =
local_transport = error:no local delivery
local_header_rewrite_clients =
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
default_transport = relay:[127.0.0.1]:{sink}
relay_transport = $default_transport
smtp_dns_support_level = disabled
smtp_line_length_limit = 0
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtputf8_enable = yes
enable_long_queue_ids = yes
notify_classes =
biff = no
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
milter_connect_timeout = 10s
milter_command_timeout = 30s
milter_content_timeout = 60s
in_flow_delay = 0
message_size_limit = 0
mailbox_size_limit = 0
queue_minfree = 0
header_size_limit = 1024000
maillog_file = {base}/log/maillog
maillog_file_prefixes = {base}/log
default_process_limit = 150
{extra}"""

MASTER_CF = """\
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""

SMTPD = """\
127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_milters={milter}
  -o milter_default_action={default}
"""


def terminal(test):
    """A pseudo terminal; the laboratory's /dev has none."""
    pts = pathlib.Path("/dev/pts")
    pts.mkdir(exist_ok=True)
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", pts)
    test.addCleanup(unmount, pts)
    ptmx = pathlib.Path("/dev/ptmx")
    if not ptmx.exists():
        ptmx.symlink_to("pts/ptmx")
        test.addCleanup(ptmx.unlink)
    return os.openpty()


class Postfix:
    """A complete private instance in one directory."""

    def __init__(self, base, services, sink_port=SINK_PORT, extra=""):
        """services: (port, milter, milter_default_action) of each smtpd."""
        self.base = pathlib.Path(base)
        self.etc = self.base / "etc"
        self.log = self.base / "log" / "maillog"
        self._master = None
        for name in ("etc", "spool", "log", "data"):
            (self.base / name).mkdir(parents=True)
        shutil.chown(self.base / "data", "postfix", "postfix")
        (self.base / "data").chmod(0o700)
        daemons = next(p for p in ("/usr/lib/postfix/sbin",
                                   "/usr/libexec/postfix")
                       if os.path.exists(p + "/master"))
        (self.etc / "main.cf").write_text(MAIN_CF.format(
            base=self.base, daemons=daemons, sink=sink_port, extra=extra))
        (self.etc / "master.cf").write_text(MASTER_CF + "".join(
            SMTPD.format(port=port, milter=milter, default=default)
            for port, milter, default in services))
        # Files changed just now would be waited for to settle.
        for path in self.etc.iterdir():
            os.utime(path, (time.time() - 60, time.time() - 60))

    def command(self, *args, **kwargs):
        return subprocess.run([args[0], "-c", str(self.etc), *args[1:]],
                              check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **kwargs)

    def start(self):
        done = self.command("postfix", "start")
        if done.returncode != 0:
            raise LabError("postfix start: " + done.stdout.decode()
                           + self.maillog())
        return self

    def stop(self):
        self.command("postfix", "stop")

    def maillog(self):
        if not self.log.exists():
            return ""
        return self.log.read_text(errors="backslashreplace")

    def held(self, queue_id):
        """Is the message in the hold queue (quarantine)?"""
        return any((self.base / "spool" / "hold").rglob(queue_id))

    def queued(self, queue_id):
        """Is the message anywhere in the queue?"""
        return any(path for name in ("incoming", "active", "deferred",
                                     "maildrop", "hold")
                   for path in (self.base / "spool" / name).rglob(queue_id))

    def drop(self, queue_id):
        self.command("postsuper", "-d", queue_id)


# SMTP ---------------------------------------------------------------------

class Reply:
    def __init__(self, code, text):
        self.code = code
        self.text = text

    @property
    def queue_id(self):
        found = re.search(r"queued as (\w+)", self.text)
        if self.code != 250 or found is None:
            raise AssertionError(f"not queued: {self}")
        return found[1]

    def __repr__(self):
        return f"{self.code} {self.text}"


class Client:
    """An SMTP client that does as it is told, wrong things included."""

    def __init__(self, port, timeout=60):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")
        self.greeting = self.reply()
        self.command("EHLO client.example.org")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._lines.close()
        self._socket.close()

    def abort(self):
        """Drop the connection with a reset, as a crashed client does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        self.close()

    def raw(self, data):
        self._socket.sendall(data)

    def reply(self):
        text = []
        while True:
            line = self._lines.readline()
            if not line:
                raise ConnectionError("the server closed the connection")
            text.append(line[4:].decode(errors="backslashreplace").strip())
            if line[3:4] != b"-":
                return Reply(int(line[:3]), " ".join(text))

    def has_reply(self):
        """Has a reply come that nobody has read yet?"""
        return bool(select.select([self._socket], [], [], 0)[0])

    def command(self, text):
        if isinstance(text, str):
            text = text.encode()
        self.raw(text + b"\r\n")
        return self.reply()

    def envelope(self, recipients, sender="reporter@example.org", params=""):
        """MAIL and RCPT; an error reply is a failure of the test."""
        if isinstance(recipients, str):
            recipients = [recipients]
        replies = [self.command(f"MAIL FROM:<{sender}>{params}")]
        replies += [self.command(f"RCPT TO:<{r}>") for r in recipients]
        if any(r.code != 250 for r in replies):
            raise AssertionError(f"envelope refused: {replies}")

    def start_data(self):
        reply = self.command("DATA")
        if reply.code != 354:
            raise AssertionError(f"DATA refused: {reply}")

    def data(self, mail):
        """DATA, the mail with its dots doubled, and the reply to it."""
        self.start_data()
        self.raw(stuff(mail) + b".\r\n")
        return self.reply()

    def send(self, mail, recipients=MAILBOX, **kwargs):
        self.envelope(recipients, **kwargs)
        return self.data(mail)


def stuff(mail):
    """Double the dots that begin a line (RFC 5321, section 4.5.2)."""
    if mail.startswith(b"."):
        mail = b"." + mail
    return mail.replace(b"\r\n.", b"\r\n..")


# The milter ---------------------------------------------------------------

class Milter:
    """One tlsrpt-milter with its configuration, archive and socket."""

    def __init__(self, directory, port, **settings):
        """settings: keywords; None leaves one out, a list repeats it."""
        self.directory = pathlib.Path(directory)
        self.port = port
        self.archive = self.directory / "archive"
        self.state = self.directory / "state" / "state.db"
        self.socket = self.directory / "milter.sock"
        self.conf = self.directory / "tlsrpt-milter.conf"
        self.errors = self.directory / "stderr"
        self.settings = {
            "Socket": f"unix:{self.socket}",
            "SocketGroup": "postfix",
            "User": USER,
            "Mailbox": MAILBOX,
            "ArchiveDirectory": str(self.archive),
            "StateFile": str(self.state),
            "LogTarget": "syslog",
            # Unsigned mail counts, but in the tests of signatures.
            "DKIM": "off",
        }
        self.process = None
        self.pids = set()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.directory.chmod(0o755)
        account = pwd.getpwnam(USER)
        for path in (self.archive, self.state.parent):
            path.mkdir()
            os.chown(path, account.pw_uid, account.pw_gid)
            path.chmod(0o750)
        self.configure(**settings)

    def configure(self, **settings):
        """Change settings in the file (a running milter needs SIGHUP)."""
        self.settings.update(settings)
        lines = []
        for keyword, value in self.settings.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{keyword} {v}\n" for v in values if v is not None]
        self.conf.write_text("".join(lines))

    def start(self, wait=True, errors=None, environment=None):
        """errors: a descriptor to use for standard error; environment: what
        is in it besides ours."""
        with open(self.errors, "ab") as file:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [str(MILTER), "-f", "-c", str(self.conf)],
                stdin=subprocess.DEVNULL, stdout=file,
                stderr=file if errors is None else errors, cwd="/",
                env={**os.environ, **(environment or {})})
        self.pids.add(self.process.pid)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(
                    f"the milter ended with {self.process.returncode}: "
                    + self.error_text())
            return self.is_listening()
        wait_until(ready, f"milter at {self.settings['Socket']}")

    def is_listening(self):
        kind, _, where = self.settings["Socket"].partition(":")
        family, address = socket.AF_UNIX, where
        if kind == "inet":
            family = socket.AF_INET
            address = ("127.0.0.1", int(where.partition("@")[0]))
        with socket.socket(family, socket.SOCK_STREAM) as s:
            try:
                s.connect(address)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
                    return False
                raise
        return True

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait_end(self, timeout=PATIENCE):
        return self.process.wait(timeout)

    def stop(self):
        """SIGTERM, and the exit status that it leads to."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait_end()
        except subprocess.TimeoutExpired as error:
            raise AssertionError("SIGTERM does not end the milter") from error
        finally:
            self.kill()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def error_text(self):
        if not self.errors.exists():
            return ""
        return self.errors.read_text(errors="backslashreplace")

    def records(self):
        """The paths of the archive's records, relative to it."""
        return sorted(path.relative_to(self.archive)
                      for path in self.archive.rglob("*.json"))

    def status(self, name):
        """A line of /proc/PID/status, such as VmHWM."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)[1]

    def peak_memory(self):
        return int(self.status("VmHWM").split()[0]) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def bytes_read(self):
        text = pathlib.Path(f"/proc/{self.pid}/io").read_text()
        return int(re.search(r"rchar: (\d+)", text)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@functools.cache
def is_sanitized():
    """Built with a sanitizer, memory tells nothing."""
    return any(name in MILTER.read_bytes()
               for name in (b"__asan_init", b"__tsan_init"))


def require():
    """Say at once what is missing, rather than fail in every test."""
    problems = []
    if os.geteuid() != 0:
        problems.append("must be run as root: Postfix, mounts and the change "
                        "of user need it")
    for program in (MILTER, TLSRPT):
        if not os.access(program, os.X_OK):
            problems.append(f"{program} is not built: run make")
    for name in ("postfix", "mount", "umount"):
        if shutil.which(name) is None:
            problems.append(f"{name} is not installed: run make deps")
    for lookup, name in ((pwd.getpwnam, USER), (grp.getgrnam, "postfix")):
        try:
            lookup(name)
        except KeyError:
            problems.append(f"no user or group {name}")
    return problems
