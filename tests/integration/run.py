#!/usr/bin/python3
"""Run the integration tests: run.py [-v] [-k PATTERN]... [MODULE]...

Each test is named with its time as it ends, the slowest once more after all.
The last line is "integration: N passed, N failed, N not run".
"""

import argparse
import pathlib
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


def summary(result):
    if len(result.times) > SLOWEST:
        print("slowest:")
        for taken, name in sorted(result.times, reverse=True)[:SLOWEST]:
            print(f"  {taken:6.2f} s  {name}")
    names = {name for _, name in result.times}
    failed = len(result.bad)
    not_run = len(set(result.not_run) - result.bad)
    passed = len(names - result.bad - set(result.not_run))
    print(f"integration: {passed} passed, {failed} failed, "
          f"{not_run} not run", flush=True)
    return 0 if failed == 0 and passed > 0 else 1


def run(options):
    base = lab.furnish("integration")
    if options.keyword:
        unittest.defaultTestLoader.testNamePatterns = [
            k if "*" in k else f"*{k}*" for k in options.keyword]
    names = options.module or sorted(p.stem for p in HERE.glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = Result()
    try:
        case.World.start(base)
        suite.run(result)
        for test, problem in case.World.settle_all():
            result.bad.add(test.removeprefix("test_"))
            print(f"--- the milter of {test}: {problem}")
    finally:
        case.World.stop()
    return summary(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    try:
        return lab.run_inside(lambda: run(options))
    except lab.LabError as error:
        print(f"integration tests: {error}", file=sys.stderr)
        print("integration: 0 passed, 1 failed, 0 not run")
        return 1


if __name__ == "__main__":
    sys.exit(main())
