#!/usr/bin/python3
"""Run the integration tests: run.py [-j JOBS] [-k PATTERN]... [MODULE]...

With -j as many modules at the same time, each job with namespaces, a Postfix
and a directory (build/integration/NUMBER) of its own.

Each test is named with its time as it ends, the slowest once more after all.
The last line is "integration: N passed, N failed, N not run".
"""

import argparse
import ctypes
import json
import os
import pathlib
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import case
import lab

SLOWEST = 8

# These begin first, so that no job is left alone with one of them.
SLOW = ("test_limits", "test_diagnose", "test_slowdns", "test_crash",
        "test_dkim", "test_diagnosehostile")


class Result(unittest.TestResult):
    """Counts every test once and says what it does."""

    def __init__(self):
        super().__init__()
        self.times = []
        self.bad = set()
        self.not_run = {}
        self._started = 0.0

    @staticmethod
    def name(test):
        return test.id().removeprefix("test_")

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        taken = time.monotonic() - self._started
        self.times.append((taken, self.name(test)))
        word = "ok"
        if self.name(test) in self.bad:
            word = "FAILED"
        elif self.name(test) in self.not_run:
            word = "not run: " + self.not_run[self.name(test)]
        print(f"  {taken:6.2f} s  {self.name(test)}  {word}", flush=True)

    def _failed(self, test, text):
        self.bad.add(self.name(test))
        print(f"--- {self.name(test)}\n{text}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.bad.add(self.name(test))
            print(f"--- {subtest}\n{self._exc_info_to_string(err, test)}",
                  flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.not_run[self.name(test)] = reason


class Sum:
    """What became of the tests of all jobs."""

    def __init__(self):
        self.times = []
        self.bad = set()
        self.not_run = {}
        self.finished = set()

    def add(self, told):
        self.times += told["times"]
        self.bad |= set(told["bad"])
        self.not_run |= told["not_run"]
        self.finished |= set(told["finished"])

    def miss(self, modules):
        """Nothing is known of these: their job came to a bad end."""
        for module in modules:
            print(f"--- {module} was not finished")
            self.bad.add(module)

    def tell(self):
        """Print it; returns the exit status."""
        if len(self.times) > SLOWEST:
            print("slowest:")
            for taken, name in sorted(self.times, reverse=True)[:SLOWEST]:
                print(f"  {taken:6.2f} s  {name}")
        names = {name for _, name in self.times}
        failed = len(self.bad)
        not_run = len(set(self.not_run) - self.bad)
        passed = len(names - self.bad - set(self.not_run))
        print(f"integration: {passed} passed, {failed} failed, "
              f"{not_run} not run", flush=True)
        return 0 if failed == 0 and passed > 0 else 1


def load(options):
    """The tests of each module in which there are any that are wanted."""
    loader = unittest.defaultTestLoader
    if options.keyword:
        loader.testNamePatterns = [
            k if "*" in k else f"*{k}*" for k in options.keyword]
    names = options.module or sorted((p.stem for p in HERE.glob("test_*.py")),
                                     key=lambda name: name not in SLOW)
    suites = [(name, loader.loadTestsFromName(name)) for name in names]
    return [pair for pair in suites if pair[1].countTestCases() > 0]


class Queue:
    """Numbers that whoever is free takes: a pipe, a byte for each."""

    def __init__(self, count):
        self._read, write = os.pipe()
        os.write(write, bytes(range(count)))
        os.close(write)

    def __iter__(self):
        while taken := os.read(self._read, 1):
            yield taken[0]


def work(number, suites, queue):
    """Inside new namespaces: run what is in the queue; returns a report."""
    result = Result()
    finished = []
    try:
        case.World.start(lab.furnish(f"integration/{number}"))
        for index in queue:
            name, suite = suites[index]
            suite.run(result)
            finished.append(name)
        for test, problem in case.World.settle_all():
            result.bad.add(test.removeprefix("test_"))
            print(f"--- the milter of {test}: {problem}")
    finally:
        case.World.stop()
    return {"times": result.times, "bad": list(result.bad),
            "not_run": result.not_run, "finished": finished}


def start_job(number, suites, queue):
    """A process that works; returns a descriptor on which it reports."""
    read, write = os.pipe()
    sys.stdout.flush()
    if os.fork() > 0:
        os.close(write)
        return read
    os.close(read)
    ctypes.CDLL(None).prctl(lab.PR_SET_PDEATHSIG, signal.SIGTERM)

    def report():
        with open(write, "w", encoding="utf-8") as file:
            json.dump(work(number, suites, queue), file)
        return 0

    try:
        status = lab.run_inside(report)
    except lab.LabError as error:
        print(f"integration tests: {error}", file=sys.stderr, flush=True)
        status = 1
    os._exit(status)


def run(options):
    suites = load(options)
    queue = Queue(len(suites))
    jobs = [start_job(number, suites, queue)
            for number in range(min(options.jobs, len(suites)))]
    total = Sum()
    for descriptor in jobs:
        with open(descriptor, encoding="utf-8") as file:
            text = file.read()
        if text:
            total.add(json.loads(text))
    total.miss(name for name, _ in suites if name not in total.finished)
    return total.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", dest="jobs", type=int, default=1,
                        help="how many modules at the same time")
    parser.add_argument("-k", dest="keyword", action="append",
                        help="only tests whose name has this in it")
    parser.add_argument("module", nargs="*")
    options = parser.parse_args()
    problems = lab.require()
    if problems:
        for problem in problems:
            print(f"integration tests: {problem}", file=sys.stderr)
        print("integration: 0 passed, 1 failed, 0 not run")
        return 1
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
