#!/usr/bin/python3
"""Run shell commands, some at the same time: jobs.py JOBS DIRECTORY <TABLE

TABLE has a line "NAME: COMMAND" for each, begun in that order, JOBS of them at
the same time. What a command prints is kept in DIRECTORY/NAME.log and shown
when it ends. The first that fails ends the others, and is the last to be shown.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time


class Job:
    """A command in a session of its own, so that it ends as a whole."""

    def __init__(self, name, command, directory):
        self.name = name
        self.log = directory / f"{name}.log"
        self._started = time.monotonic()
        with open(self.log, "wb") as log:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                ["/bin/sh", "-euc", command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        print(f"... {name}", flush=True)

    @property
    def pid(self):
        return self._process.pid

    def show(self, status):
        """It has ended with this status, as waitpid(2) tells it."""
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        taken = time.monotonic() - self._started
        word = "ok" if code == 0 else f"FAILED (status {code})"
        print(f"\n=== {self.name}: {word}, {taken:.0f} s", flush=True)
        sys.stdout.buffer.write(self.log.read_bytes())
        sys.stdout.flush()
        return code == 0

    def end(self):
        os.killpg(self.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def read_table(lines):
    """The (name, command) of each line."""
    pairs = [line.strip().partition(": ") for line in lines if line.strip()]
    if not pairs or not all(command for _, _, command in pairs):
        raise SystemExit("jobs.py: a line is no \"NAME: COMMAND\"")
    return [(name, command) for name, _, command in pairs]


def run(table, count, directory):
    """Returns the exit status."""
    waiting, running = list(table), {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                job = Job(*waiting.pop(0), directory)
                running[job.pid] = job
            pid, status = os.wait()
            if not running.pop(pid).show(status):
                return 1
    finally:
        for job in running.values():
            job.end()
    return 0


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    directory = pathlib.Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return run(read_table(sys.stdin), int(sys.argv[1]), directory)


if __name__ == "__main__":
    sys.exit(main())
