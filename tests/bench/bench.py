#!/usr/bin/env python3
"""What the milter costs, as ratios to floors that are measured in the same run.

(a) ordinary mail through a private Postfix: our milter against none, against
    one that accepts at connect, and against one that negotiates all away.
(b) report mails, each with another report, through Postfix and through the
    bare milter protocol: against a milter that reads the body without replies.
    One more reads no report either, but replies, stores, logs and adds a header:
    what it costs to do so before the reply. Ours waits for the disk where it
    discards; where it delivers, the records of a moment are synced together.
    Through Postfix the time ends when it has delivered everything, or a fast
    milter would leave the deliveries to a time that nobody measures.
(c) decoding reports of four sizes: against inflate and cJSON alone.
(d) verifying a signature: against libopendkim alone with the same keys, which
    decodes them anew each time; ours stay decoded.
(e) the index (StateFile), through Postfix: with it against without it.
(f) reports by HTTPS: against an nginx that stores the bodies.

Machines drift, so configurations take turns and medians are compared; times
by themselves say little. Where others use the machine, too, the ratio of rates
falls with what they take; the ratio of CPU time varies less. (a), (b), (e) and
(f) run as root in namespaces of their own.
"""

import argparse
import contextlib
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import collectorbench  # noqa: E402  pylint: disable=wrong-import-position
import lab  # noqa: E402  pylint: disable=wrong-import-position

TOOLS = lab.BUILD / "bench"
SIZES = {"1 KB": 1000, "10 KB": 10240, "1 MB": 1000000, "25 MB": 25000000}
PORTS = {"none": 12500, "connect": 12501, "noop": 12502, "body": 12503,
         "deliver": 12504, "discard": 12505, "index": 12506, "duties": 12507}
NAMES = {"none": "no milter", "connect": "accepts at connect",
         "noop": "no-op negotiated", "body": "skeleton, reads the body",
         "duties": "skeleton with our duties",
         "deliver": "tlsrpt-milter, deliver",
         "discard": "tlsrpt-milter, discard",
         "index": "deliver, with the index"}


class Settings:
    """How much is measured."""

    def __init__(self, quick):
        self.runs = 3 if quick else 5
        self.ordinary = 1000 if quick else 3000
        self.reports = 500 if quick else 1500
        self.bare = 500 if quick else 2000
        self.https_seconds = 2 if quick else 5
        self.decode_rounds = 5 if quick else 11
        self.directory = f"bench-lab-{int(time.time())}"


def tool(name, *args):
    """Run one of our programs and return what it printed."""
    done = subprocess.run([str(TOOLS / name), *map(str, args)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise lab.LabError(f"{name}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def file_system(path):
    """The type of the file system that holds path."""
    path = str(pathlib.Path(path).resolve())
    best = ("", "unknown")
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if (path + "/").startswith(where.rstrip("/") + "/") \
                and len(where) >= len(best[0]):
            best = (where, kind)
    return best[1]


def furnish(name):
    """lab.furnish(), with directories that lie apart from all others.

    ext4 leaves inodes alone for minutes once their files have been removed,
    and steps over each of them whenever it makes a file in the same group:
    what ran before us, or runs beside us, would be measured. As in a
    directory of the top, what is made in this one gets a group of its own.
    """
    base = lab.furnish(name)
    subprocess.run(["chattr", "+T", str(base)], check=False,
                   stderr=subprocess.DEVNULL)
    return base


def interleave(runs, names, measure):
    """measure(name) in turns; the medians."""
    rates = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            rates[name].append(measure(name))
    return {name: statistics.median(values) for name, values in rates.items()}


def verdict(what, is_met):
    print(f"    {what}: {'met' if is_met else 'MISSED'}")


# (c) ----------------------------------------------------------------------

def bench_decode(settings):
    print(f"(c) decoding, against inflate + cJSON_ParseWithLength + "
          f"cJSON_Delete; medians of {settings.decode_rounds} rounds")
    print(f"    {'':8}{'inflate':>12}{'floor':>12}{'ours':>12}"
          f"{'ours/floor':>12}")
    ratios = {}
    for name, size in SIZES.items():
        path = TOOLS / f"report-{size}.json.gz"
        tool("decode", "make", size, path)
        took = {way: float(us) for way, us in
                (line.split() for line in tool(
                    "decode", "time", settings.decode_rounds,
                    path).splitlines())}
        ratios[name] = took["ours"] / took["cjson"]
        print(f"    {name:8}{took['inflate']:9.1f} us{took['cjson']:9.1f} us"
              f"{took['ours']:9.1f} us{ratios[name]:12.2f}")
    peak = {way: int(tool("decode", "peak", way, path))
            for way in ("inflate", "cjson", "ours")}
    memory = peak["ours"] / peak["cjson"]
    print(f"    peak memory at {name}: inflate {peak['inflate']} kB, floor "
          f"{peak['cjson']} kB, ours {peak['ours']} kB: {memory:.2f}")
    verdict("at most 1.2 at 10 KB", ratios["10 KB"] <= 1.2)
    verdict("at most 1.0 from 1 MB up",
            max(ratios["1 MB"], ratios["25 MB"]) <= 1.0)
    verdict("peak memory at most a third", memory <= 1 / 3)
    print(flush=True)


# (d) ----------------------------------------------------------------------

def bench_dkim(settings):
    data = HERE.parent / "data" / "dkim"
    print(f"(d) CPU for a verified mail, against libopendkim alone; medians "
          f"of {settings.decode_rounds} rounds")
    print(f"    {'':26}{'its hashes':>12}{'floor':>12}{'ours':>12}"
          f"{'ours/floor':>12}{'least':>12}")
    ratios = []
    for name in ("rsa1024", "relaxed-relaxed", "rsa4096",
                 "ed25519-relaxed-relaxed"):
        words = tool("dkimbench", settings.decode_rounds, data / "records", 0,
                     data / f"{name}.eml").split()
        took = {way: float(us) for way, us in zip(words[1::2], words[2::2])}
        ratios.append(took["ours"] / took["library"])
        print(f"    {name:26}{took['hash']:9.1f} us{took['library']:9.1f} us"
              f"{took['ours']:9.1f} us{ratios[-1]:12.2f}"
              f"{took['kept']:9.1f} us")
    print("    least: its hashes, and libcrypto with a key that is decoded")
    verdict("at most 0.5 with RSA", max(ratios[:3]) <= 0.5)
    verdict("at most 1.2 with Ed25519, which has little to decode",
            ratios[3] <= 1.2)
    print(flush=True)


# Milters ------------------------------------------------------------------

class Skeleton:
    """tests/bench/skeleton.c in one of its modes."""

    def __init__(self, base, mode, *args):
        self.socket = base / f"{mode}.sock"
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [str(TOOLS / "skeleton"), mode, f"local:{self.socket}",
             *map(str, args)], umask=0)
        lab.wait_until(self.socket.exists, f"skeleton {mode}")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        self.process.wait()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
    user, system = fields.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def all_cpu_seconds():
    """What milters, Postfix and log sink have used: every process in our
    namespaces, and what has ended of them, but ourselves and the load."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        if path.parent.name == str(os.getpid()):
            continue
        # One that ends now is its parent's a moment later.
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Bench:
    """All milters and a Postfix that has a port for each."""

    def __init__(self, settings):
        self.settings = settings
        self.base = furnish(settings.directory)
        self.seed = 1
        self.sent = {"deliver": 0, "discard": 0, "index": 0}
        self.cpu = {}
        self.all_cpu = {}
        self.mails = {}
        # What systemd sets at boot; new namespaces begin with 10.
        pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("512")
        # pylint: disable=consider-using-with
        self.log = subprocess.Popen([str(TOOLS / "logsink"), "/dev/log"],
                                    stdout=subprocess.PIPE)
        lab.wait_until(pathlib.Path("/dev/log").exists, "logsink")
        self.milters = {mode: Skeleton(self.base, mode)
                        for mode in ("connect", "noop", "body")}
        self.milters["duties"] = Skeleton(self.base, "duties",
                                          self.base / "duties")
        for name, action in (("deliver", "deliver"), ("discard", "discard"),
                             ("index", "deliver")):
            settings = {} if name == "index" else {"StateFile": "none"}
            self.milters[name] = lab.Milter(
                self.base / name, PORTS[name], OnReport=action,
                Mailbox="tls-reports@example.com", **settings).start()
        # The queue is on a tmpfs: its own syncs would hide what a milter adds.
        self.postfix = lab.Postfix(
            "/run/bench-postfix",
            [(port, f"unix:{self.milters[name].socket}"
              if name in self.milters else "", "tempfail")
             for name, port in PORTS.items()],
            extra="default_transport = discard:\n").start()

    def stop(self):
        self.postfix.stop()
        for milter in self.milters.values():
            milter.stop()
        self.log.send_signal(signal.SIGTERM)
        return int(self.log.communicate()[0])

    def has_queue(self):
        spool = self.postfix.base / "spool"
        return any(path.is_file()
                   for name in ("incoming", "active", "deferred")
                   for path in (spool / name).rglob("*"))

    def settle(self):
        """Wait until Postfix has delivered everything."""
        deadline = time.monotonic() + 60
        while self.has_queue():
            if time.monotonic() > deadline:
                raise lab.LabError("after 60 s the queue is not empty")
            time.sleep(0.003)

    def count_cpu(self, name, count, function):
        """Call function and charge CPU time to its mails: the milter's, and
        that of milter, Postfix and log sink together."""
        pid = self.milters[name].pid if name in self.milters else None
        before = cpu_seconds(pid) if pid else 0
        all_before = all_cpu_seconds()
        value = function()
        if pid:
            self.cpu[name] = (self.cpu.get(name, 0)
                              + cpu_seconds(pid) - before)
        self.all_cpu[name] = (self.all_cpu.get(name, 0)
                              + all_cpu_seconds() - all_before)
        self.mails[name] = self.mails.get(name, 0) + count
        return value

    def cpu_text(self, name, floor):
        """The milter's CPU a mail, that of all, and the ratio of the floor's
        to it: what the ratio of the rates would be if nobody ever waited."""
        each = {who: self.all_cpu[who] / self.mails[who]
                for who in (name, floor)}
        milter = (f"{self.cpu[name] / self.mails[name] * 1e6:.0f} us"
                  if name in self.cpu else "")
        return (f"{milter:>12}{each[name] * 1e6:9.0f} us"
                f"{each[floor] / each[name]:8.2f}")

    def forget_cpu(self):
        self.cpu.clear()
        self.all_cpu.clear()
        self.mails.clear()

    def next_seed(self, name, count):
        seed = self.seed
        self.seed += count
        if name in self.sent:
            self.sent[name] += count
        return seed

    def ordinary(self, name):
        count = self.settings.ordinary

        def send():
            start = time.monotonic()
            subprocess.run(
                ["smtp-source", "-4", "-s", "20", "-m", str(count), "-l",
                 "2000", "-f", "a@example.org", "-t", "b@example.test",
                 f"inet:127.0.0.1:{PORTS[name]}"], check=True)
            rate = count / (time.monotonic() - start)
            self.settle()
            return rate
        return self.count_cpu(name, count, send)

    def reports(self, name, size):
        count = self.settings.reports
        seed = self.next_seed(name, count)

        def send():
            # When it began, by the clock that Python calls monotonic.
            start = float(tool("smtpload", 20, count, seed, PORTS[name], size))
            self.settle()
            return count / (time.monotonic() - start)
        return self.count_cpu(name, count, send)

    def bare(self, name, connections):
        count = self.settings.bare
        seed = self.next_seed(name, count)
        words = self.count_cpu(name, count, lambda: tool(
            "miltload", connections, count, seed,
            self.milters[name].socket)).split()
        ended = dict(word.split("=") for word in words[1:])
        wanted = {"deliver": ("accept", "continue"),
                  "discard": ("discard",)}.get(name, ("accept",))
        if sum(int(ended[how]) for how in wanted) != count \
                or int(ended["early"]) > 0:
            print(f"    note: {name}, {connections} connections: "
                  f"{' '.join(words[1:])}")
        return float(words[0])

    def check_archives(self):
        """Every report that was sent must be there, or rates mean nothing."""
        for name, sent in self.sent.items():
            stored = len(self.milters[name].records())
            if stored != sent:
                raise lab.LabError(
                    f"{name}: {stored} records of {sent} reports")


# (a) and (b) --------------------------------------------------------------

def print_rates(bench, rates, floor):
    for name, rate in rates.items():
        print(f"    {NAMES[name]:26}{rate:10.0f}{rate / rates[floor]:10.2f}"
              f"{bench.cpu_text(name, floor)}")


def bench_ordinary(bench):
    settings = bench.settings
    names = ("none", "connect", "deliver", "noop")
    print(f"(a) ordinary mail through Postfix: {settings.ordinary} mails of "
          f"2 kB in 20 sessions; medians of {settings.runs} runs")
    print(f"    {'':26}{'mails/s':>10}{'ratio':>10}{'milter CPU':>12}"
          f"{'all CPU':>12}{'ratio':>8}")
    for name in names:
        bench.ordinary(name)
    bench.forget_cpu()
    rates = interleave(settings.runs, names, bench.ordinary)
    print_rates(bench, rates, "connect")
    verdict("at least 0.88 of one that accepts at connect",
            rates["deliver"] >= 0.88 * rates["connect"])
    verdict("above a no-op negotiated one", rates["deliver"] > rates["noop"])
    print(flush=True)


# Bytes of JSON, and what a report of that size is like. Of fifty real reports
# half have less than 980 bytes, and none more than 2,130 with three failures; so
# the largest is there for scale, without a verdict.
REPORTS = ((1000, "one failure, 3 log lines: most real ones are smaller", True),
           (2100, "four failures, 6 log lines: as large as real ones", True),
           (10000, "some 28 failures, 32 log lines: for scale", False))


def bench_reports(bench):
    settings = bench.settings
    names = ("body", "duties", "deliver", "discard")
    for size, what, is_judged in REPORTS:
        print(f"(b) report mails through Postfix, {size} bytes of JSON "
              f"({what}): {settings.reports} mails in 20 sessions; medians "
              f"of {settings.runs} runs")
        print(f"    {'':26}{'mails/s':>10}{'ratio':>10}{'milter CPU':>12}"
          f"{'all CPU':>12}{'ratio':>8}")
        for name in names:
            bench.reports(name, size)
        bench.forget_cpu()
        rates = interleave(settings.runs, names,
                           lambda name, n=size: bench.reports(name, n))
        print_rates(bench, rates, "body")
        for name in ("deliver", "discard") if is_judged else ():
            verdict(f"at least 0.80 of the skeleton, {name}",
                    rates[name] >= 0.80 * rates["body"])
        print(f"    deliver against the skeleton with our duties: "
              f"{rates['deliver'] / rates['duties']:.2f}")
        print(flush=True)


def bench_index(bench):
    settings = bench.settings
    names = ("deliver", "index")
    size, what, _ = REPORTS[0]
    print(f"(e) what the index costs: report mails through Postfix, {size} "
          f"bytes of JSON ({what}); medians of {settings.runs} runs")
    print(f"    {'':26}{'mails/s':>10}{'ratio':>10}{'milter CPU':>12}"
          f"{'all CPU':>12}{'ratio':>8}")
    for name in names:
        bench.reports(name, size)
    bench.forget_cpu()
    rates = interleave(settings.runs, names,
                       lambda name: bench.reports(name, size))
    print_rates(bench, rates, "deliver")
    verdict("at least 0.80 of the same without",
            rates["index"] >= 0.80 * rates["deliver"])
    print(flush=True)


def bench_bare(bench):
    settings = bench.settings
    names = ("body", "deliver", "discard")
    print(f"    the same through the bare milter protocol: {settings.bare} "
          f"mails; medians of 3 runs")
    for connections in (1, 8, 200):
        bench.forget_cpu()
        rates = interleave(
            3, names,
            lambda name, n=connections: bench.bare(name, n))
        print(f"    {connections} connection"
              f"{'s' if connections > 1 else ''}")
        print_rates(bench, rates, "body")
    print(flush=True)


def inside(settings, parts):
    bench = Bench(settings)
    if "a" in parts:
        bench_ordinary(bench)
    if "b" in parts:
        bench_reports(bench)
        bench_bare(bench)
    if "e" in parts:
        bench_index(bench)
    if "b" in parts or "e" in parts:
        bench.check_archives()
        print(f"    every report archived: "
              f"{sum(bench.sent.values())} records")
    lines = bench.stop()
    print(f"    lines logged: {lines}")
    return 0


def inside_https(settings):
    base = furnish(settings.directory)
    pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("512")
    with subprocess.Popen([str(TOOLS / "logsink"), "/dev/log"],
                          stdout=subprocess.PIPE) as log:
        try:
            lab.wait_until(pathlib.Path("/dev/log").exists, "logsink")
            collectorbench.run(base, settings.runs, settings.https_seconds,
                               interleave, verdict)
        finally:
            log.send_signal(signal.SIGTERM)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true",
                        help="fewer and shorter runs")
    parser.add_argument("--only", default="abcdef", metavar="PARTS",
                        help="of a, b, c, d, e and f")
    args = parser.parse_args()
    settings = Settings(args.quick)
    problems = lab.require()
    if shutil.which("smtp-source") is None:
        problems.append("smtp-source is not installed")
    for name in ("nginx", "wrk"):
        if "f" in args.only and shutil.which(name) is None:
            problems.append(f"{name} is not installed: run make deps")
    if problems:
        sys.exit("\n".join(f"bench: {text}" for text in problems))

    print(f"machine: {os.cpu_count()} cores, {platform.system()} "
          f"{platform.release()}, load {os.getloadavg()[0]:.2f}; archive on "
          f"{file_system(lab.BUILD)}, synced; Postfix queue on tmpfs; log to a "
          f"sink on /dev/log")
    print("The ratios are the message: to the floor of the same run, "
          "configurations in turns.\n", flush=True)
    start = time.monotonic()
    status = 0
    try:
        if "c" in args.only:
            bench_decode(settings)
        if "d" in args.only:
            bench_dkim(settings)
        if set(args.only) & set("abe"):
            status = lab.run_inside(lambda: inside(settings, args.only))
            shutil.rmtree(lab.BUILD / settings.directory, ignore_errors=True)
        if "f" in args.only:
            status |= lab.run_inside(lambda: inside_https(settings))
            shutil.rmtree(lab.BUILD / settings.directory, ignore_errors=True)
    except lab.LabError as error:
        sys.exit(f"bench: {error}")
    print(f"\ntook {time.monotonic() - start:.0f} s")
    sys.exit(status)


if __name__ == "__main__":
    main()
