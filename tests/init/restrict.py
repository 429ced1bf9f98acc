#!/usr/bin/env python3
"""Run a command under the restrictions of a systemd unit, without systemd.

    restrict.py [-s UNIT] [-u USER] [-w PATH]... [-x PATH]... COMMAND [ARG...]
    restrict.py [-s UNIT] -l

The process stays the same one: its id is the command's, and signals reach it.

    -s UNIT  instead of init/tlsrpt-milter.service.in
    -u USER  stands for User= and Group= (their tlsrpt-milter may not exist)
    -w PATH  writable, as RuntimeDirectory, StateDirectory and ReadWritePaths
    -x PATH  executable, besides ExecPaths and COMMAND itself
    -l       list what is done about each directive, and run nothing

Each directive of the unit's [Service] section is either carried out here, or
named with the reason in NOT_TRIED; one that is neither is an error, so that a
restriction cannot be added to the unit and silently missed by the tests.

Mounts, namespaces, identity and capabilities are set by the system calls that
systemd uses; system call filters are made by libseccomp as systemd makes them,
from the sets that systemd-analyze prints. Needs root, libseccomp.so.2 and
systemd-analyze. Ends 125 when something of this cannot be had.

Differs from systemd: directories that ProtectHome and PrivateTmp hide hold the
paths of the command line if those lie below them. /dev/log, where it is a
socket, is the one that was there at the start; where it is a symbolic link it
is followed each time.
"""

import ctypes
import getopt
import grp
import os
import pwd
import resource
import shlex
import signal
import stat
import subprocess
import sys
import tempfile

UNIT = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                    "../../init/tlsrpt-milter.service.in")

NOT_TRIED = {
    "Type": "needs the service manager; the notification tests cover READY=1",
    "ExecStartPre": "the caller's command is run instead",
    "ExecStart": "the caller's command is run instead",
    "ExecReload": "needs the service manager",
    "Restart": "needs the service manager",
    "RestartSec": "needs the service manager",
    "RestartPreventExitStatus": "needs the service manager",
    "RuntimeDirectory": "made by the service manager; -w stands for it",
    "RuntimeDirectoryMode": "made by the service manager; -w stands for it",
    "StateDirectory": "made by the service manager; -w stands for it",
    "StateDirectoryMode": "made by the service manager; -w stands for it",
    "TasksMax": "needs a control group",
    "RemoveIPC": "done by the service manager after the stop",
    "IPAddressDeny": "needs a control group with a BPF program",
    "IPAddressAllow": "needs a control group with a BPF program",
}

libc = ctypes.CDLL(None, use_errno=True)

# <sys/mount.h>, <linux/sched.h>, <sys/prctl.h>
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_SLAVE = 32, 4096, 8192, 16384, 1 << 19
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWNET = 0x40000000
NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000,
              0x20000000, 0x40000000)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}


def die(text):
    print("restrict.py: " + text, file=sys.stderr)
    sys.exit(125)


def must(what, result):
    if result != 0:
        die("%s: %s" % (what, os.strerror(ctypes.get_errno())))


def mount(source, target, kind=None, flags=0, data=None):
    enc = [None if s is None else os.fsencode(s)
           for s in (source, target, kind, data)]
    must("mount %s" % target,
         libc.mount(enc[0], enc[1], enc[2], ctypes.c_ulong(flags), enc[3]))


class Unit:
    """The [Service] section: lists, which an empty value empties."""

    def __init__(self, path):
        self.values = {}
        section = ""
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                line = line.strip()
                if line.startswith("["):
                    section = line
                if section != "[Service]" or line[:1] in ("", "#", ";", "["):
                    continue
                name, _, value = line.partition("=")
                kept = self.values.setdefault(name, [])
                if value:
                    kept.append(value)
                else:
                    kept.clear()

    def last(self, name):
        return (self.values.get(name) or [""])[-1]

    def words(self, name):
        return " ".join(self.values.get(name, [])).split()

    def is_on(self, name):
        return self.last(name) in ("yes", "true", "on", "1")


# --- The file system ------------------------------------------------------

def below(path, directory):
    return path == directory or path.startswith(directory.rstrip("/") + "/")


class Mounts:
    """The view of the file system, built in a mount namespace of its own."""

    def __init__(self, unit, visible, writable, executable):
        self.unit = unit
        self.visible = visible        # paths that hidden directories keep
        self.writable = writable
        self.executable = executable
        self.fresh = []               # what stays as it was mounted here

    def apply(self):
        mount(None, "/", None, MS_REC | MS_SLAVE)
        if self.unit.is_on("ProtectHome"):
            for directory in ("/home", "/root", "/run/user"):
                self.hide(directory, "mode=0755", MS_RDONLY)
        if self.unit.is_on("PrivateTmp"):
            for directory in ("/tmp", "/var/tmp"):
                self.hide(directory, "mode=1777", 0)
        if self.unit.is_on("ProtectKernelModules"):
            for directory in ("/usr/lib/modules", "/lib/modules"):
                self.hide(directory, "mode=0000", MS_RDONLY)
        if self.unit.is_on("PrivateDevices"):
            self.devices()
        for path in self.writable:
            mount(path, path, None, MS_BIND | MS_REC)
        self.processes()
        self.protect()

    def hide(self, directory, mode, read_only):
        if os.path.islink(directory) or not os.path.isdir(directory):
            return
        stage = tempfile.mkdtemp()
        mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, mode)
        for path in self.visible:
            if below(path, directory) and path != directory:
                inside = stage + path[len(directory):]
                self.copy_place(path, inside)
                mount(path, inside, None, MS_BIND | MS_REC)
        self.move(stage, directory)
        flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | read_only
        mount(None, directory, None, MS_REMOUNT | MS_BIND | flags)
        self.fresh.append(directory)

    @staticmethod
    def move(stage, target):
        """Mount over target; the stage may lie below it and is removed."""
        parent = os.open(os.path.dirname(stage), os.O_PATH)
        mount(stage, target, None, MS_MOVE)
        os.rmdir(os.path.basename(stage), dir_fd=parent)
        os.close(parent)

    @staticmethod
    def copy_place(path, inside):
        """Something to mount path on."""
        if os.path.isdir(path):
            os.makedirs(inside, exist_ok=True)
            return
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        with open(inside, "a", encoding="ascii"):
            pass

    def devices(self):
        stage = tempfile.mkdtemp()
        mount("tmpfs", stage, "tmpfs", MS_NOSUID, "mode=0755")
        for name in ("null", "zero", "full", "random", "urandom", "tty", "log"):
            path = "/dev/" + name
            if os.path.islink(path):
                os.symlink(os.readlink(path), stage + "/" + name)
            elif os.path.exists(path):
                self.copy_place(path, stage + "/" + name)
                mount(path, stage + "/" + name, None, MS_BIND)
        os.symlink("/proc/self/fd", stage + "/fd")
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            os.symlink("/proc/self/fd/%d" % number, stage + "/" + name)
        os.mkdir(stage + "/shm")
        mount("tmpfs", stage + "/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "mode=1777")
        self.move(stage, "/dev")
        mount(None, "/dev", None,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC)
        self.fresh.append("/dev")

    def processes(self):
        options = []
        if self.unit.last("ProtectProc"):
            options.append("hidepid=" + self.unit.last("ProtectProc"))
        if self.unit.last("ProcSubset") == "pid":
            options.append("subset=pid")
        if options:
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  ",".join(options))
            self.fresh.append("/proc")

    def protect(self):
        """ProtectSystem=strict and NoExecPaths: all mounts, then exceptions."""
        read_only = MS_RDONLY if self.unit.last("ProtectSystem") == "strict" else 0
        no_exec = MS_NOEXEC if self.unit.words("NoExecPaths") == ["/"] else 0
        for path in self.executable:
            mount(path, path, None, MS_BIND | MS_REC)
        for target in self.targets():
            flags = MS_NOSUID
            if any(below(target, path) for path in self.writable):
                flags |= no_exec
            elif any(below(target, path) for path in self.executable):
                flags |= read_only
            elif any(below(target, path) for path in self.fresh):
                continue
            else:
                flags |= read_only | no_exec
            mount(None, target, None, MS_REMOUNT | MS_BIND | flags)

    @staticmethod
    def targets():
        """Mount points that can be seen, without those that cover devices."""
        found = []
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            for line in lines:
                path = line.split()[4].encode().decode("unicode_escape")
                if os.path.exists(path) and path not in found:
                    found.append(path)
        return found


# --- System call filters --------------------------------------------------

class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


NE, EQ, GT, MASKED = 1, 4, 6, 7
ALLOW = 0x7FFF0000


def errno_action(number):
    return 0x00050000 | number


class Filter:
    """One seccomp filter; several that are loaded are all obeyed."""

    def __init__(self, default=ALLOW):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.ctx = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(default)))
        self.default = default

    def rule(self, action, name, *compare):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0 or action == self.default:
            return  # not a call of this machine
        terms = (Compare * len(compare))(*[Compare(*term) for term in compare])
        result = self.lib.seccomp_rule_add_array(
            self.ctx, ctypes.c_uint32(action), number, len(compare), terms)
        if result != 0:
            die("seccomp rule %s: %s" % (name, os.strerror(-result)))

    def load(self):
        result = self.lib.seccomp_load(self.ctx)
        if result != 0:
            die("seccomp: " + os.strerror(-result))


def syscall_sets():
    """The sets that systemd knows, by name: {"@chown": ["chown", ...]}."""
    try:
        text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"],
                              check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as problem:
        die("systemd-analyze: %s" % problem)
    sets, members = {}, []
    for line in text.splitlines():
        word = line.strip()
        if line.startswith("@"):
            members = sets.setdefault(word, [])
        elif line.startswith(" ") and not word.startswith("#"):
            members.append(word)
    return sets


def expand(sets, word):
    if not word.startswith("@"):
        return {word}
    return set().union(*(expand(sets, member) for member in sets[word]))


def filter_system_calls(unit, sets):
    """SystemCallFilter: what the list leaves out fails; what systemd does not
    know either fails with ENOSYS, so that libc falls back to older calls."""
    allowed = expand(sets, "@default")
    for value in unit.values["SystemCallFilter"]:
        words = value.lstrip("~").split()
        chosen = set().union(*(expand(sets, word) for word in words))
        allowed = allowed - chosen if value.startswith("~") else allowed | chosen
    made = Filter(errno_action(38))
    for name in allowed:
        made.rule(ALLOW, name)
    for name in expand(sets, "@known") - allowed:
        made.rule(errno_action(1), name)
    return made


def filter_arguments(unit, sets):
    """The directives that look into a call's arguments."""
    made = Filter()
    eperm = errno_action(1)
    if unit.words("RestrictAddressFamilies"):
        import socket
        known = {getattr(socket, name) for name
                 in unit.words("RestrictAddressFamilies")}
        for family in set(range(46)) - known:
            made.rule(errno_action(97), "socket", (0, EQ, family, 0))
        made.rule(errno_action(97), "socket", (0, GT, 45, 0))
    if unit.is_on("MemoryDenyWriteExecute"):
        made.rule(eperm, "mmap", (2, MASKED, 6, 6))
        made.rule(eperm, "mprotect", (2, MASKED, 4, 4))
        made.rule(eperm, "pkey_mprotect", (2, MASKED, 4, 4))
        made.rule(eperm, "shmat", (2, MASKED, 0o100000, 0o100000))
    if unit.is_on("RestrictNamespaces"):
        for flag in NAMESPACES:
            made.rule(eperm, "unshare", (0, MASKED, flag, flag))
            made.rule(eperm, "clone", (0, MASKED, flag, flag))
        made.rule(eperm, "setns")
        made.rule(errno_action(38), "clone3")
    if unit.is_on("RestrictRealtime"):
        for policy in (1, 2, 4):
            made.rule(eperm, "sched_setscheduler", (1, EQ, policy, 0))
        made.rule(eperm, "sched_setscheduler", (1, GT, 5, 0))
        made.rule(eperm, "sched_setattr")
    if unit.is_on("RestrictSUIDSGID"):
        filter_set_id(made)
    if unit.is_on("LockPersonality"):
        made.rule(eperm, "personality", (0, NE, libc.personality(0xFFFFFFFF), 0))
    for directive, words in (("ProtectHostname", ["sethostname", "setdomainname"]),
                             ("ProtectClock", ["@clock"]),
                             ("ProtectKernelModules", ["@module"]),
                             ("ProtectKernelLogs", ["syslog"])):
        if unit.is_on(directive):
            for name in set().union(*(expand(sets, word) for word in words)):
                made.rule(eperm, name)
    return made


def filter_set_id(made):
    eperm = errno_action(1)
    for bit in (stat.S_ISUID, stat.S_ISGID):
        for name, mode in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2),
                           ("mkdir", 1), ("mkdirat", 2), ("mknod", 1),
                           ("mknodat", 2), ("creat", 1)):
            made.rule(eperm, name, (mode, MASKED, bit, bit))
        for name, flags in (("open", 1), ("openat", 2)):
            made.rule(eperm, name, (flags, MASKED, os.O_CREAT, os.O_CREAT),
                      (flags + 1, MASKED, bit, bit))
    made.rule(errno_action(38), "openat2")


# --- Identity, limits, capabilities ----------------------------------------

def apply_limits(unit):
    for name, limit in (("LimitNOFILE", resource.RLIMIT_NOFILE),
                        ("LimitCORE", resource.RLIMIT_CORE)):
        if unit.last(name):
            hard = resource.getrlimit(limit)[1]
            value = int(unit.last(name))
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)
            resource.setrlimit(limit, (value, value))
    if unit.last("UMask"):
        os.umask(int(unit.last("UMask"), 8))


def apply_identity(unit, user):
    if unit.last("KeyringMode") == "private":
        number = SYS_KEYCTL.get(os.uname().machine)
        if number is not None and libc.syscall(number, 1, None) < 0:
            die("keyctl: " + os.strerror(ctypes.get_errno()))
    try:
        who = pwd.getpwnam(user)
        groups = [grp.getgrnam(name).gr_gid
                  for name in unit.words("SupplementaryGroups")]
    except KeyError as problem:
        die(str(problem))
    os.setgroups(groups)
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    if not unit.words("CapabilityBoundingSet"):
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as number:
            last = int(number.read())
        for capability in range(last + 1):
            must("capabilities", libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
    if not unit.words("AmbientCapabilities"):
        must("capabilities",
             libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    return who.pw_uid


CARRIED_OUT = {
    "User", "Group", "SupplementaryGroups", "UMask", "ReadWritePaths",
    "LimitNOFILE", "LimitCORE", "ProtectSystem", "ProtectHome", "PrivateTmp",
    "PrivateDevices", "ProtectProc", "ProcSubset", "NoExecPaths", "ExecPaths",
    "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs",
    "ProtectControlGroups", "ProtectClock", "ProtectHostname", "PrivateIPC",
    "PrivateMounts", "PrivateNetwork", "KeyringMode", "CapabilityBoundingSet",
    "AmbientCapabilities", "NoNewPrivileges", "LockPersonality",
    "MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictRealtime",
    "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallFilter",
    "SystemCallErrorNumber", "RestrictAddressFamilies",
}


def check_directives(unit, is_listed):
    for name in unit.values:
        if is_listed:
            print("%-26s %s" % (name, "not tried: " + NOT_TRIED[name]
                                if name in NOT_TRIED else "carried out"))
        if name not in CARRIED_OUT and name not in NOT_TRIED:
            die("%s= is neither carried out nor known not to be" % name)
    # These have one value here; another would be passed over.
    for name, value in (("SystemCallErrorNumber", "EPERM"),
                        ("SystemCallArchitectures", "native"),
                        ("ProtectSystem", "strict"), ("NoExecPaths", "/")):
        if unit.last(name) not in ("", value):
            die("%s=%s: only %s is known" % (name, unit.last(name), value))


def existing(words):
    """Paths of a list, "-" before those that may be missing, as real paths."""
    found = []
    for word in words:
        path = os.path.realpath(word.lstrip("-+"))
        if os.path.exists(path) and path not in found:
            found.append(path)
    return found


def main():
    try:
        options, rest = getopt.getopt(sys.argv[1:], "ls:u:w:x:")
    except getopt.GetoptError as problem:
        die(str(problem))
    is_listed = ("-l", "") in options
    if bool(rest) == is_listed:
        die("usage: restrict.py [-s UNIT] [-l | [-u USER] [-w PATH]... "
            "[-x PATH]... COMMAND [ARG...]]")
    unit = Unit(dict(options).get("-s", UNIT))
    check_directives(unit, is_listed)
    if is_listed:
        return
    command = rest
    if os.geteuid() != 0:
        die("needs root")

    user = unit.last("User")
    writable = existing(unit.words("ReadWritePaths"))
    executable = existing(unit.words("ExecPaths")) + existing([command[0]])
    for option, value in options:
        if option == "-u":
            user = value
        elif option in ("-w", "-x"):
            if not os.path.exists(value):
                die("%s: no such file or directory" % value)
            kept = writable if option == "-w" else executable
            kept.append(os.path.realpath(value))

    sets = syscall_sets()
    filters = [filter_arguments(unit, sets), filter_system_calls(unit, sets)]
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC
    if unit.words("PrivateNetwork") == ["yes"]:
        flags |= CLONE_NEWNET
    must("unshare", libc.unshare(flags))
    uid = apply_identity(unit, user)
    os.umask(0o022)
    Mounts(unit, writable + executable, writable, executable).apply()
    apply_limits(unit)
    os.chdir("/")
    os.setresuid(uid, uid, uid)
    must("no new privileges", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    for made in filters:
        made.load()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execv(os.path.realpath(command[0]), command)
    except OSError as problem:
        die("%s: %s" % (shlex.join(command), problem.strerror))


main()
