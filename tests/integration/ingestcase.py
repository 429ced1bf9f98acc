"""What the tests of "tlsrpt ingest" have in common."""

import contextlib
import gzip
import hashlib
import itertools
import json
import os
import pathlib
import pwd
import re
import shutil
import sqlite3
import subprocess

from case import World, check_line, lab, mails
from dkimcase import SignedCase

_serial = itertools.count(1)

SUMMARY = re.compile(r"(\d+) reports new, (\d+) known, (\d+) unverified, "
                     r"(\d+) not reports, (\d+) unreadable"
                     r"(?:, (\d+) to be tried again)?\n"
                     r"(?:(\d+) problems? (?:is|are) open: "
                     r"see tlsrpt problems\n)?")


class Place:
    """A directory with a configuration, an archive and an index."""

    def __init__(self, **settings):
        # In memory: a program that is killed loses nothing of what it has
        # written, and a busy disk would be waited for.
        self.base = pathlib.Path("/run/ingest") / str(next(_serial))
        self.base.mkdir(parents=True)
        self.archive = self.base / "archive"
        self.state = self.base / "state.db"
        self.conf = self.base / "conf"
        self.files = self.base / "files"
        self.files.mkdir()
        self.settings = {"Mailbox": lab.MAILBOX,
                         "ArchiveDirectory": str(self.archive),
                         "StateFile": str(self.state),
                         "LogTarget": "syslog", "DKIM": "off"}
        self.configure(**settings)

    def configure(self, **settings):
        self.settings.update(settings)
        self.conf.write_text("".join(
            f"{name} {value}\n" for name, value in self.settings.items()
            if value is not None))

    def command(self, name, *words):
        return [str(lab.TLSRPT), name, "-c", str(self.conf),
                *map(str, words)]

    def run(self, name, *words, stdin=b"", env=None, user=None):
        """The finished process, with texts as bytes."""
        return subprocess.run(
            self.command(name, *words), input=stdin, check=False,
            capture_output=True, timeout=60, user=user,
            env={"PATH": os.environ["PATH"], **(env or {})})

    def write(self, name, data, mtime=None):
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def give_away(self):
        """To a user that is not root, as a transport has one."""
        user = pwd.getpwnam(lab.USER)
        self.base.chmod(0o755)
        self.archive.mkdir(exist_ok=True)
        for path in (self.base, self.archive):
            os.chown(path, user.pw_uid, user.pw_gid)

    def records(self, where="[0-9]*"):
        return sorted(path.relative_to(self.archive)
                      for path in self.archive.glob(where + "/**/*.json"))

    def unreadable(self):
        """What was kept since nobody could read it, as it came."""
        kept = []
        for path in sorted(self.archive.glob("unreadable/*/*/*/*.eml.gz")):
            data = gzip.decompress(path.read_bytes())
            assert path.name == hashlib.sha256(data).hexdigest() + ".eml.gz"
            kept.append(data)
        return kept

    def record(self, path):
        return json.loads((self.archive / path).read_text())

    def only_record(self, where="[0-9]*"):
        found = self.records(where)
        assert len(found) == 1, found
        return self.record(found[0])

    def contents(self):
        """Everything in the archive but what is not whole, by its path."""
        return {str(path.relative_to(self.archive)): path.read_bytes()
                for path in self.archive.rglob("*")
                if path.is_file() and path.parent.name != "tmp"}

    def dump(self):
        """All that is in the index, whatever numbers things have there."""
        with contextlib.closing(sqlite3.connect(self.state)) as db:
            names = dict(db.execute("SELECT id, text FROM name"))
            reports = dict(db.execute("SELECT id, hex(sha256) FROM report"))
            return {table: sorted(map(repr, self._rows(db, table, names,
                                                       reports)))
                    for table in ("report", "policy", "failure", "problem",
                                  "daily", "daily_failure", "rollup",
                                  "reporter", "domain")}

    @staticmethod
    def _rows(db, table, names, reports):
        cursor = db.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        for row in cursor:
            made = dict(zip(columns, row))
            for column in ("organization", "domain", "type", "mx", "result",
                           "reporter", "name"):
                # Of some kinds a sum has no name.
                if isinstance(made.get(column), int):
                    made[column] = names.get(made[column])
            if table in ("reporter", "domain"):
                made["id"] = names[made["id"]]
                # Of the daemons, not of the archive.
                made.pop("told", None)
            elif "id" in made:
                del made["id"]
            if isinstance(made.get("report"), int):
                made["report"] = reports[made["report"]]
            yield made


class IngestCase(SignedCase):
    def place(self, **settings):
        place = Place(**settings)
        self.addCleanup(shutil.rmtree, place.base)
        return place

    def take(self, place, mail, *words, status=0, errors="", **kwargs):
        """Hand over one message; returns standard error."""
        done = place.run("ingest", *words, stdin=mail, **kwargs)
        self.assertEqual((done.returncode, done.stdout), (status, b""),
                         done.stderr)
        self.assertRegex(done.stderr.decode(), errors or r"\A\Z")
        return done.stderr.decode()

    def load(self, place, *words, status=0, errors=None, counts=None):
        """Hand over files. counts: (new, known, unverified, not, bad)."""
        done = place.run("ingest", *words)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, status, text)
        found = SUMMARY.fullmatch(done.stdout.decode())
        self.assertIsNotNone(found, done.stdout)
        if counts is not None:
            self.assertEqual(tuple(map(int, found.groups()[:5])), counts,
                             text)
        if errors is None:
            self.assertEqual(text, "")
        else:
            self.assertRegex(text, errors)
        return found

    def logged(self):
        """The events of the log so far: (queue id, fields)."""
        found = []
        for line in self.lines():
            text = check_line(line)
            match = re.fullmatch(r"([0-9A-Za-z-]+): (event=.*)", text)
            if match is not None:
                found.append((match[1], lab.parse_logfmt(match[2])))
        return found

    def dispositions(self):
        return [fields["disposition"] for _, fields in self.logged()
                if "disposition" in fields]

    def names_logged(self):
        return [fields["event"] for _, fields in self.logged()]

    def reports_indexed(self, place):
        done = place.run("metrics")
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(re.search(r"^tlsrpt_reports (\d+)$", done.stdout.decode(),
                             re.MULTILINE)[1])


__all__ = ["IngestCase", "Place", "World", "lab", "mails"]
