"""The backlog: files and directories, taken into the archive and the index."""

import gzip
import io
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
import zipfile
import zlib

from dkimcase import place_of, record, sign, unsigned
from ingestcase import IngestCase, lab, mails

KILLS = int(os.environ.get("INGEST_KILLS", "10"))
MTIME = 1770951845  # 2026-02-13T03:04:05Z


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", data)
    return out.getvalue()


def mbox(*parts):
    """Each part a mail, as an MTA appends it."""
    text = b""
    for n, mail in enumerate(parts):
        mail = re.sub(rb"(?m)^(>*From )", rb">\1",
                      mail.replace(b"\r\n", b"\n"))
        text += (b"From a%d@b.example Fri Feb 13 04:00:0%d 2026\n" % (n, n)
                 + mail + b"\n")
    return text


class Kinds(IngestCase):
    def test_whatever_a_file_is(self):
        place = self.place()
        reports = [mails.report() for _ in range(6)]
        texts = list(map(mails.text_of, reports))
        name = "google.com!example.test!1770854400!1770940799!1.json"
        place.write(f"a/{name}", texts[0], MTIME)
        place.write("a/deeper/still/2.json.gz", gzip.compress(texts[1]))
        place.write("a/3.zip", zipped(texts[2]))
        place.write("a/mail.eml", mails.mail(reports[3]))
        place.write("a/packed.eml.gz", gzip.compress(mails.mail(reports[4])))
        place.write("a/notes.txt", b"Hello\n")
        place.write("box", mbox(mails.mail(reports[5]), mails.ordinary(),
                                mails.mail(reports[3])))
        self.load(place, place.files, counts=(6, 1, 0, 2, 0))
        self.assertEqual(len(place.records()), 6)
        self.assertEqual(self.reports_indexed(place), 6)
        made = place.record(f"2026/02/12/{name[:-6]}"
                            f"{mails.unique_of(texts[0])}.json")
        self.assertEqual((made["report"], made["submitter"],
                          made["received"]),
                         (reports[0], "google.com", "2026-02-13T03:04:05Z"))
        self.assertNotIn("dkim", made)
        self.load(place, place.files, counts=(0, 7, 0, 2, 0))
        self.assertEqual(self.lines(), [])

    def test_maildir(self):
        place = self.place()
        for part in ("cur", "new", "tmp"):
            place.write(f"{part}/1770951845.{part}.host:2,S",
                        mails.mail(mails.report()), MTIME)
        place.write("dovecot-uidlist", b"3 V1\n")
        place.write(".Sent/cur/1", mails.mail(mails.report()))
        self.load(place, place.files, counts=(2, 0, 0, 0, 0))
        for path in place.records():
            self.assertEqual(place.record(path)["received"],
                             "2026-02-13T03:04:05Z")
        # What is hidden is taken when it is named.
        self.load(place, place.files / ".Sent", counts=(1, 0, 0, 0, 0))

    def test_mbox(self):
        place = self.place()
        body = b"From here on\r\n>From there\r\n"
        mail = mails.mail(mails.report()).replace(b"This is", body + b"This is")
        place.write("box", mbox(mail, mails.damaged(), mail))
        self.load(place, place.files, counts=(1, 1, 0, 0, 1), status=65,
                  errors=r"/box \(message 2\): gzip-corrupt: .*\n\Z")
        made = place.only_record()
        self.assertEqual((made["received"], made["envelope-from"]),
                         ("2026-02-13T04:00:00Z", "a0@b.example"))

    def test_an_mbox_keeps_its_signatures(self):
        server = self.nameserver({place_of("s"): record()})
        place = self.place(DKIM="require", Resolver=server.address,
                           ArchiveMessage="yes")
        mail = sign(unsigned().replace(
            b"This is an", b"From x\r\n>From y\r\nThis is an"),
            canon="simple/simple")
        place.write("box", mbox(mail, mail.replace(b"From x", b"From z")))
        self.load(place, place.files, counts=(1, 0, 1, 0, 0))
        self.assertEqual(place.only_record()["dkim"]["result"], "pass")
        kept, = place.archive.glob("2026/*/*/*.eml.gz")
        self.assertEqual(gzip.decompress(kept.read_bytes()),
                         mail.replace(b"\r\n", b"\n"))

    def test_among_mail_only_mails_count(self):
        """A body's "From " lines are not escaped by every MTA."""
        place = self.place(DKIM="require")
        forged = [mails.text_of(mails.report()) for _ in range(3)]
        place.write("box", b"From a@b.example Fri Feb 13 04:00:00 2026\n"
                    + mails.ordinary().replace(b"\r\n", b"\n")
                    + b"\nFrom a@b.example Fri Feb 13 04:00:00 2026\n"
                    + forged[0] + b"\n")
        for part in ("cur", "new", "tmp"):
            place.write(f"Maildir/{part}/1", forged[1])
        place.write("Maildir/new/2", gzip.compress(forged[2]))
        self.load(place, place.files, counts=(0, 0, 4, 1, 0))

    def test_nothing_was_received_in_the_future(self):
        place = self.place()
        place.write("1.json", mails.text_of(mails.report()), 2 ** 32)
        place.write("box", b"From a@b.example Fri Feb 13 04:00:00 2099\n"
                    + mails.mail(mails.report()).replace(b"\r\n", b"\n"))
        self.load(place, place.files, counts=(2, 0, 0, 0, 0))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for path in place.records():
            self.assertLessEqual(place.record(path)["received"], now)

    def test_records_of_another_archive(self):
        server = self.nameserver({place_of("s"): record()})
        ours = self.place(DKIM="require", Resolver=server.address)
        self.take(ours, sign(unsigned()), "--queue-id=4XyZ1k2",
                  "--client=x [192.0.2.1]", "--sender=a@b.example")
        self.take(ours, unsigned())
        theirs = self.place(DKIM="require", Resolver=server.address)
        server.stop()
        self.load(theirs, ours.archive, counts=(1, 0, 1, 0, 0))
        self.assertEqual(theirs.contents(), ours.contents())

    def test_what_is_passed_over(self):
        place = self.place()
        rep = mails.text_of(mails.report())
        outside = place.base / "outside"
        outside.write_bytes(rep)
        place.write("tmp/half.json", b'{"organization')
        place.write(".hidden", rep)
        (place.files / "link.json").symlink_to(outside)
        (place.files / "loop").symlink_to(place.files)
        os.mkfifo(place.files / "fifo")
        self.load(place, place.files, counts=(0, 0, 0, 0, 0))
        # A link that is named is followed; a pipe is not waited for.
        self.load(place, place.files / "link.json",
                  counts=(1, 0, 0, 0, 0))
        self.load(place, place.files / "fifo", status=66,
                  counts=(0, 0, 0, 0, 0),
                  errors=r"\A\S+/fifo: neither a file nor a directory\n\Z")

    def test_what_cannot_be_read_is_named(self):
        place = self.place()
        bad = place.write("bad\x1b[31m.json", b'{"policies":\n')
        place.write("good.json", mails.text_of(mails.report()))
        place.write("nothing.eml", b"")
        self.load(place, place.files, place.base / "missing", status=65,
                  counts=(1, 0, 0, 0, 2),
                  errors=r"(?s)\A(?=.*/bad\\x1b\[31m\.json: json-syntax: )"
                         r"(?=.*/nothing\.eml: empty: )"
                         r"(?=.*/missing: No such file or directory\n)")
        bad.unlink()
        (place.files / "nothing.eml").unlink()
        self.load(place, place.files, place.base / "missing", status=66,
                  errors="missing: No such", counts=(0, 1, 0, 0, 0))
        # In a heap of mail, not everything is a report. By itself it is meant.
        other = place.write("other.eml", mails.ordinary())
        self.load(place, place.files, counts=(0, 1, 0, 1, 0))
        self.load(place, other, counts=(0, 0, 0, 1, 0), status=65,
                  errors="other.eml: not-a-report: ")

    def test_other_files_in_a_directory(self):
        place = self.place()
        others = [place.write(name, data) for name, data in (
            ("README", b"tlsrpt: what lies here\n\nReports.\n"),
            ("days.tsv", b"2026-02-12\t17\n2026-02-13\t4\n"),
            ("names.txt", b"\"quoted\" and more\nnot much\n"),
            (".lock/none", b""), ("index", b""))]
        self.load(place, place.files, counts=(0, 0, 0, 4, 0))
        # By itself it is meant.
        self.load(place, *others[:3], counts=(0, 0, 0, 3, 0), status=65,
                  errors=r"(?s)\A(?=.*README: not-a-report: )"
                         r"(?=.*names\.txt: )")
        self.load(place, others[4], counts=(0, 0, 0, 0, 1), status=65,
                  errors=r"index: empty: ")
        # A report by its name or its content is one that is broken.
        place.write("a.json", b"")
        place.write("b", b'{"organization-name": ')
        self.load(place, place.files, counts=(0, 0, 0, 4, 2), status=65,
                  errors=r"(?s)\A(?=.*/a\.json: empty: )"
                         r"(?=.*/b: json-syntax: )")

    def test_dkim(self):
        place = self.place(DKIM="require")
        place.write("mail.eml", unsigned())
        place.write("bare.json", mails.text_of(mails.report()))
        self.load(place, place.files, counts=(1, 0, 1, 0, 0))
        self.assertEqual(self.reports_indexed(place), 1)
        # Keys of old mail may be gone.
        self.load(place, "--dkim=off", place.files, counts=(1, 1, 0, 0, 0))
        self.load(place, "--dkim=log", place.files, counts=(0, 2, 0, 0, 0))
        self.assertEqual(self.reports_indexed(place), 2)

    def test_dns_that_fails_is_for_later(self):
        server = self.nameserver({place_of("s"): record()})
        server.fail(place_of("s"))
        place = self.place(DKIM="require", Resolver=server.address,
                           OnDNSFailure="tempfail")
        place.write("mail.eml", sign(unsigned()))
        found = self.load(place, place.files, status=75,
                          errors="mail.eml: temperror: dns-failure\n",
                          counts=(0, 0, 0, 0, 0))
        self.assertEqual(found[6], "1")
        self.assertEqual(place.contents(), {})

    def test_problems_that_are_open_are_told(self):
        place = self.place()
        start = int(time.time()) // 86400 * 86400 - 86400
        told = []
        for n in range(3):
            policies = [mails.policy(50, 50 if n else 0, [
                mails.failure(sessions=50)] if n else [],
                                     domain=f"d{n}.example")]
            place.write(f"{n}.json", mails.text_of(mails.report(
                *policies, start=start, end=start + 86399)))
            done = place.run("ingest", place.files)
            told.append(done.stdout.decode().splitlines()[1:])
        self.assertEqual(told, [[], ["1 problem is open: see tlsrpt problems"],
                                ["2 problems are open: see tlsrpt problems"]])
        # No index, nothing to see.
        place.configure(StateFile="none")
        done = place.run("ingest", place.files)
        self.assertEqual(done.stdout.count(b"\n"), 1)

    def test_log(self):
        place = self.place()
        place.write("mail.eml", mails.mail(mails.case_certificate()))
        self.load(place, "--log", place.files)
        self.load(place, "--log", place.files)
        self.assertEqual(self.names_logged(),
                         ["report", "policy", "failure", "duplicate"])

    def test_log_of_more_than_fits(self):
        """As the milter would: what gets no line is summed up."""
        place = self.place()
        place.configure(MaxFailureLines="2")
        place.write("report.json", mails.text_of(mails.report(*(
            mails.policy(0, 40, [mails.failure(sessions=10)
                                 for _ in range(4)]) for _ in range(3)))))
        self.load(place, "--log", place.files)
        self.assertEqual(self.names_logged(), [
            "report", "policy", "failure", "failure", "policy", "omitted"])
        omitted = self.logged()[-1][1]
        self.assertEqual(
            [omitted[f"{name}-count"]
             for name in ("policy", "failure", "failed-session")],
            ["1", "10", "100"])

    def test_log_of_loop_noise(self):
        place = self.place()
        place.write("report.json", mails.text_of(mails.report(
            mails.policy(0, 1, [mails.failure()]), contact_info=None)))
        self.load(place, "--log", place.files)
        labels = [fields.get("label") for _, fields in self.logged()]
        self.assertEqual(labels, ["loop-noise", None, "loop-noise"])


class Index_(IngestCase):
    """The index, in whatever state it is."""

    def filled(self, count=700):
        place = self.place()
        for n in range(count):
            place.write(f"{n}.json", mails.text_of(mails.report()))
        return place

    def check(self, place):
        """The index is what the archive makes it."""
        ours = place.dump()
        self.assertEqual(place.run("reindex").returncode, 0)
        self.assertEqual(ours, place.dump())

    def test_a_whole_index_is_added_to(self):
        place = self.filled()
        self.assertEqual(place.run("ingest", place.base / "none").returncode,
                         66)
        before = place.state.stat().st_ino
        self.load(place, place.files, counts=(700, 0, 0, 0, 0))
        self.assertEqual(place.state.stat().st_ino, before)
        self.check(place)

    def test_a_damaged_index_is_made_anew(self):
        place = self.filled(10)
        place.state.write_text("no database\n" * 1000)
        self.load(place, place.files)
        self.check(place)

    def test_an_index_of_another_archive_is_made_anew(self):
        place = self.filled(3)
        self.load(place, place.files)
        place.configure(ArchiveDirectory=str(place.base / "other"))
        place.archive = place.base / "other"
        self.load(place, place.files / "1.json", counts=(1, 0, 0, 0, 0))
        self.assertEqual(self.reports_indexed(place), 1)

    def test_a_locked_index_is_waited_for(self):
        place = self.filled(10)
        place.run("reindex")
        place.run("ingest", place.base / "none")
        db = sqlite3.connect(place.state, isolation_level=None,
                             check_same_thread=False)
        db.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(4, db.execute, ["COMMIT"])
        timer.start()
        self.load(place, place.files, counts=(10, 0, 0, 0, 0))
        timer.join()
        db.close()
        self.check(place)

    def test_an_index_that_cannot_be_written(self):
        place = self.filled(10)
        place.archive.mkdir()
        place.configure(StateFile="/proc/state.db")
        self.load(place, place.files, counts=(10, 0, 0, 0, 0), status=75,
                  errors=r'\Atlsrpt ingest: index: .*\nWhat is archived is '
                         r'not all in the index; "tlsrpt reindex" mends '
                         r'that\.\n\Z')
        self.assertEqual(len(place.records()), 10)

    def test_an_archive_that_cannot_be_written(self):
        place = self.filled(1)
        place.archive.write_text("a file")
        done = place.run("ingest", place.files)
        self.assertEqual((done.returncode, done.stdout), (73, b""), done)
        self.assertIn(b"tlsrpt ingest: archive: ", done.stderr)

    def test_progress_is_for_terminals(self):
        place = self.filled(400)
        ours, theirs = lab.terminal(self)
        with subprocess.Popen(place.command("ingest", place.files),
                              stdin=subprocess.DEVNULL, stderr=theirs,
                              stdout=subprocess.PIPE) as process:
            os.close(theirs)
            text = b""
            with open(ours, "rb", buffering=0) as terminal:
                try:
                    while data := terminal.read(4096):
                        text += data
                except OSError:
                    pass  # nobody has it open any more
            self.assertEqual(process.stdout.read().decode(),
                             "400 reports new, 0 known, 0 unverified, "
                             "0 not reports, 0 unreadable\n")
            self.assertEqual(process.wait(), 0)
        self.assertRegex(text, rb"\[#{1,20} *\] +\d+%  \d+ reports")
        # The line is gone at the end.
        self.assertTrue(text.endswith(b"\r\x1b[K"), text[-80:])


class Stopped(IngestCase):
    """Stopped at any time, it loses nothing and goes on."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(KILLS)
        self.source = self.place()
        first = int(time.time()) // 86400 * 86400 - 30 * 86400
        reports = []
        for n in range(2000):
            start = first + n // 200 * 86400
            bad = self.random.randrange(40) if n % 7 == 0 else 0
            reports.append(mails.report(
                mails.policy(100 + n, bad, [
                    mails.failure("certificate-expired", bad,
                                  receiving_mx_hostname=f"mx{n % 3}.test")]
                    if bad else [], domain=f"d{n % 5}.example"),
                organization=f"Sender {n % 11}", start=start,
                end=start + 86399))
        # The same again, and the same with another content.
        reports += self.random.choices(reports, k=50)
        for rep in self.random.sample(reports[:2000], 50):
            reports.append({**rep, "contact-info": "other@example.org"})
        for n, rep in enumerate(reports):
            # Of the same report, what comes first counts: both as old.
            self.source.write(
                f"{n % 10}/{n}.json", mails.text_of(rep), first + 20 * 86400
                + zlib.crc32(rep["report-id"].encode()) % 1000)
        self.source.run("ingest", self.source.files)
        self.source.run("reindex")
        self.contents = self.source.contents()
        self.assertEqual(len(self.contents), 2050)
        self.dump = self.source.dump()

    def start(self, place):
        # pylint: disable=consider-using-with
        return subprocess.Popen(
            place.command("ingest", self.source.files),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def stop(self, place, number, share):
        """Start it and stop it when that share of the records is there;
        returns its exit status."""
        process = self.start(place)
        while len(place.records()) < share * len(self.contents) \
                and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(number)
        process.communicate()
        return process.returncode

    def check_part(self, place):
        """What is there is whole, and reindex makes an index of it."""
        contents = place.contents()
        for name, data in contents.items():
            self.assertEqual(data, self.contents[name], name)
        done = place.run("reindex")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return len(contents)

    def check_whole(self, place, words):
        self.assertEqual(place.contents(), self.contents)
        self.assertEqual(place.dump(), self.dump, words)
        self.assertEqual(place.run("reindex").returncode, 0)
        self.assertEqual(place.dump(), self.dump, words)

    def test_kill_at_any_time(self):
        killed, parts = 0, set()
        for n in range(KILLS):
            place = self.place()
            # Half of them with an index that is added to.
            if n % 2 == 0:
                place.run("ingest", place.base / "none")
            share = self.random.random()
            killed += self.stop(place, signal.SIGKILL, share) == -9
            if n % 3 == 0:
                parts.add(self.check_part(place))
            self.assertEqual(self.load(
                place, self.source.files)[5], "0")
            self.check_whole(place, f"kill {n} at {share}")
            subprocess.run(["rm", "-rf", place.archive], check=True)
        self.assertGreater(killed, KILLS // 3)
        if KILLS > 20:
            self.assertGreater(len(parts), 3)

    def test_interrupt(self):
        place = self.place()
        status = self.stop(place, signal.SIGINT, 1 / 3)
        self.assertIn(status, (0, 130))
        self.check_part(place)
        self.load(place, self.source.files)
        self.check_whole(place, "SIGINT")


__all__ = ["Kinds", "Index_", "Stopped", "lab"]
