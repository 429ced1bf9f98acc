"""(f) reports by HTTPS: requests a second, and memory of idle connections.

The floor is a plain nginx of as many processes as there are processors, that
stores each body as a file (PUT) on the same file system. It does not sync them;
the collector syncs each report before it answers.
"""

import os
import pathlib
import pwd
import re
import resource
import socket
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

# pylint: disable=wrong-import-position
import lab  # noqa: E402
from collectorcase import Collector, PATH, PORT  # noqa: E402

CONNECTIONS = 64
IDLE = 10000
NGINX_PORT = 8461
NAMES = {"nginx": "nginx, stores, no sync",
         "collector": "tlsrpt-collector",
         "index": "the same with the index",
         "behind": "the same behind nginx"}

NGINX = """daemon off;
user {user} nogroup;
worker_processes {processors};
pid {base}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_buffer_size 16k;
    client_body_temp_path {base}/bodies/tmp;
    upstream collector {{
        server unix:{socket};
        keepalive {connections};
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location /bodies/ {{
            root {base};
            dav_methods PUT;
            dav_access user:rw;
        }}
        location {path} {{
            proxy_pass http://collector;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Remote-User "";
        }}
    }}
}}
"""


class Nginx:
    """Stores what is PUT, and hands on what is POSTed to a collector."""

    def __init__(self, base, collector):
        user = pwd.getpwnam(lab.USER)
        self.bodies = base / "bodies"
        for path in (self.bodies, self.bodies / "tmp"):
            path.mkdir()
            os.chown(path, user.pw_uid, user.pw_gid)
        conf = base / "nginx.conf"
        conf.write_text(NGINX.format(
            user=lab.USER, processors=os.cpu_count(), base=base,
            connections=CONNECTIONS, socket=collector.socket,
            port=NGINX_PORT, path=PATH))
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["nginx", "-c", str(conf), "-p", str(base)],
            stdin=subprocess.DEVNULL)
        lab.wait_until(self.is_listening, "nginx")

    def is_listening(self):
        if self.process.poll() is not None:
            raise lab.LabError("nginx ended")
        try:
            socket.create_connection(("127.0.0.1", NGINX_PORT), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def stored(self):
        return sum(1 for path in self.bodies.iterdir() if path.is_file())


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
        total += sum(map(int, fields.rpartition(")")[2].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def memory(pid):
    """In kB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+)", text, re.MULTILINE)[1])


class Bench:
    def __init__(self, base, seconds):
        self.seconds = seconds
        self.seed = 0
        self.answered = {name: 0 for name in NAMES}
        self.cpu = {name: [] for name in NAMES}
        self.slow = {name: [] for name in NAMES}
        self.collectors = {}
        for number, name in enumerate(("collector", "index")):
            self.collectors[name] = self.collector(base / name, number, name)
        self.collectors["behind"] = self.collectors["index"]
        self.nginx = Nginx(base, self.collectors["index"])

    @staticmethod
    def collector(place, number, name):
        made = Collector(RatePerClient="0", MaxConnections="12000",
                         RequestTimeout="600s", TrustedProxy="unix")
        user = pwd.getpwnam(lab.USER)
        for path in (place, place / "archive"):
            path.mkdir()
            os.chown(path, user.pw_uid, user.pw_gid)
        made.archive = place / "archive"
        made.port = PORT + 10 + number
        made.configure(
            ArchiveDirectory=made.archive,
            Listen=[f"unix:{made.socket}", f"inet:{made.port}@127.0.0.1"],
            ListenMode="0666",
            StateFile=place / "state.db" if name == "index" else "none")
        made.is_ready = made.socket.exists
        return made.start()

    def pids(self, name):
        if name == "nginx":
            return children(self.nginx.process.pid)
        return [self.collectors[name].process.pid]

    def rate(self, name):
        """Requests answered a second."""
        self.seed += 1
        port = NGINX_PORT if name in ("nginx", "behind") else \
            self.collectors[name].port
        before = cpu_seconds(self.pids(name))
        done = subprocess.run(
            ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{self.seconds}s",
             "--latency", "-s", str(HERE / "post.lua"),
             f"http://127.0.0.1:{port}{PATH}", "--",
             "PUT" if name == "nginx" else "POST", str(self.seed)],
            stdout=subprocess.PIPE, check=True, text=True)
        took, answered, other = re.search(
            r"^requests ([\d.]+) (\d+) (\d+)$", done.stdout,
            re.MULTILINE).groups()
        if int(other) > 0:
            raise lab.LabError(f"{name}: {other} of {answered} refused")
        self.cpu[name].append((cpu_seconds(self.pids(name)) - before)
                              / int(answered) * 1e6)
        slow = re.search(r"^ +99% +([\d.]+)(us|ms|s)$", done.stdout,
                         re.MULTILINE)
        self.slow[name].append(float(slow[1]) * {
            "us": 0.001, "ms": 1, "s": 1000}[slow[2]])
        self.answered[name] += int(answered)
        return int(answered) / float(took)

    def check(self):
        """All that was answered is there; what was not, was on its way."""
        for name, collector in (("collector", self.collectors["collector"]),
                                ("index", self.collectors["index"])):
            answered = self.answered[name] + (
                self.answered["behind"] if name == "index" else 0)
            stored = len(collector.records())
            runs = self.seed * CONNECTIONS
            if not answered <= stored <= answered + runs:
                raise lab.LabError(
                    f"{name}: {stored} records of {answered} answered")
        if self.nginx.stored() < self.answered["nginx"]:
            raise lab.LabError("nginx has not stored everything")

    def idle(self):
        """kB for each of so many connections."""
        pid = self.collectors["collector"].process.pid
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
        count = min(IDLE, limit[1] - 500)
        # Once before, for what is not given back.
        socks = []
        before = memory(pid)
        port = self.collectors["collector"].port
        for _ in range(count):
            socks.append(socket.create_connection(("127.0.0.1", port), 30))
        lab.wait_until(
            lambda: len(os.listdir(f"/proc/{pid}/fd")) > count,
            "all connections")
        each = (memory(pid) - before) / count
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        return count, each, memory(pid)

    def stop(self):
        self.nginx.stop()
        for name in ("collector", "index"):
            self.collectors[name].stop()


def run(base, runs, seconds, interleave, verdict):
    bench = Bench(base, seconds)
    # Of one that is just started, before anything else is in its memory.
    count, each, total = bench.idle()
    for name in NAMES:
        bench.rate(name)
    for table in (bench.cpu, bench.slow):
        for values in table.values():
            values.clear()
    rates = interleave(runs, list(NAMES), bench.rate)
    bench.check()
    print(f"(f) reports by HTTPS: {CONNECTIONS} connections that are kept, a "
          f"kilobyte of JSON, each another one, {seconds} s; medians of "
          f"{runs} runs")
    print(f"    {'':26}{'requests/s':>12}{'ratio':>8}{'its CPU':>10}"
          f"{'99 % within':>14}")
    for name, rate in rates.items():
        print(f"    {NAMES[name]:26}{rate:12.0f}"
              f"{rate / rates['nginx']:8.2f}"
              f"{statistics.median(bench.cpu[name]):7.0f} us"
              f"{statistics.median(bench.slow[name]):11.0f} ms")
    verdict("at least 0.25 of an nginx that does not sync",
            rates["collector"] >= 0.25 * rates["nginx"])
    print(f"    {count} idle connections: {each:.1f} kB each, "
          f"{total / 1024:.0f} MB in all")
    verdict("at most 8 kB each", each <= 8)
    print(flush=True)
    bench.stop()


__all__ = ["run"]
