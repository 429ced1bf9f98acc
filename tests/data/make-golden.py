#!/usr/bin/env python3
"""Write the golden mails: golden/NAME.eml and golden/NAME.expect.

With --check nothing is written: says which files differ from what would be,
are missing, or are there without a source, and ends 1 if any is. The files of
one run are those of the next, to the byte, as long as zlib compresses alike.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True

from golden_mails import add_all  # noqa: E402
from golden_mails.build import GOLDEN  # noqa: E402

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


def wanted():
    """File name -> bytes."""
    add_all()
    files = {}
    for name, (eml, expect) in GOLDEN.items():
        files[name + ".eml"] = eml
        files[name + ".expect"] = expect
    return files


def present():
    if not os.path.isdir(DIRECTORY):
        return {}
    files = {}
    for name in os.listdir(DIRECTORY):
        with open(os.path.join(DIRECTORY, name), "rb") as file:
            files[name] = file.read()
    return files


def check(files):
    here = present()
    problems = ["%s: not made by this program" % name
                for name in here if name not in files]
    for name, data in files.items():
        if name not in here:
            problems.append("%s: missing" % name)
        elif here[name] != data:
            problems.append("%s: differs" % name)
    for problem in sorted(problems):
        print("make-golden.py: " + problem, file=sys.stderr)
    print("%d golden mails, %d problems" % (len(GOLDEN), len(problems)))
    return 1 if problems else 0


def write(files):
    os.makedirs(DIRECTORY, exist_ok=True)
    here = present()
    for name in here:
        if name not in files:
            os.remove(os.path.join(DIRECTORY, name))
    for name, data in files.items():
        if here.get(name) != data:
            with open(os.path.join(DIRECTORY, name), "wb") as file:
                file.write(data)
    print("%d golden mails" % len(GOLDEN))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true",
                        help="compare, write nothing")
    options = parser.parse_args()
    files = wanted()
    return check(files) if options.check else write(files)


if __name__ == "__main__":
    sys.exit(main())
