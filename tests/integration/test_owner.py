"""What root makes in the archive and the index of another user is that user's,
or the milter could not write there.
"""

import os
import pathlib
import subprocess
import unittest

from case import LabCase, lab, mails

START = 1739318400  # 2025-02-12


def report(number):
    """All of one day."""
    return mails.report(report_id=f"r{number}", start=START,
                        end=START + 86399)


def owner(path):
    made = path.lstat()
    return made.st_uid, made.st_gid


class RootCase(LabCase):
    def setUp(self):
        super().setUp()
        self.make_milter(ArchiveMessage="yes")
        self.user = owner(self.mta.archive)
        self.assertNotEqual(self.user[0], 0)

    def run_root(self, command, *words, stdin=b"", status=0):
        done = subprocess.run(
            [str(lab.TLSRPT), command, "-c", str(self.mta.conf),
             *map(str, words)], input=stdin, check=False,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done)
        return done.stderr.decode()

    def ingest_message(self, number):
        self.run_root("ingest", stdin=mails.mail(report(number)))

    def ingest_files(self, *numbers):
        backlog = self.mta.directory / "backlog"
        backlog.mkdir(exist_ok=True)
        for number in numbers:
            (backlog / f"{number}.eml").write_bytes(
                mails.mail(report(number)))
        self.run_root("ingest", backlog)

    def made(self):
        """All that there is of the archive and the index."""
        return [path for top in (self.mta.archive, self.mta.state.parent)
                for path in (top, *top.rglob("*"))]

    def assert_given(self):
        self.assertEqual({str(path): owner(path) for path in self.made()},
                         {str(path): self.user for path in self.made()})

    def reports_indexed(self):
        done = subprocess.run(
            [str(lab.TLSRPT), "metrics", "--state", str(self.mta.state)],
            check=False, capture_output=True, text=True, timeout=60)
        return [line for line in done.stdout.splitlines()
                if line.startswith("tlsrpt_reports ")]

    def assert_milter_goes_on(self, records):
        """It archives a report of the same day, and the index has all."""
        self.assert_given()
        self.mta.start()
        self.expect_report(mails.mail(report("of the milter")))
        self.assertEqual(len(self.mta.records()), records + 1)
        lab.wait_until(
            lambda: self.reports_indexed() == [
                f"tlsrpt_reports {records + 1}"], "all in the index")
        self.assertEqual(self.events(name="error"), [])
        self.assert_given()


class ByRoot(RootCase):
    def test_message(self):
        self.ingest_message(1)
        self.assert_milter_goes_on(1)

    def test_files(self):
        self.ingest_files(1, 2, 3)
        self.assertEqual(
            len(list(self.mta.archive.rglob("*.eml.gz"))), 3)
        self.assert_milter_goes_on(3)

    def test_what_does_not_count(self):
        """unverified/ and unreadable/ are as deep."""
        self.mta.configure(DKIM="require", OnUnverified="deliver")
        self.ingest_message(1)
        self.ingest_files(2)
        self.run_root("ingest", stdin=mails.ordinary())
        for name in ("unverified", "unreadable"):
            self.assertTrue(any((self.mta.archive / name).rglob("*.gz")))
        self.assert_given()

    def test_reindex_where_there_is_none(self):
        self.ingest_files(1, 2)
        for path in self.mta.state.parent.iterdir():
            path.unlink()
        self.run_root("reindex")
        self.assertTrue(self.mta.state.exists())
        self.assert_milter_goes_on(2)

    def test_reindex_of_the_milters(self):
        self.mta.start()
        self.expect_report(mails.mail(report(1)))
        self.assertEqual(self.mta.stop(), 0)
        self.run_root("reindex")
        self.assert_milter_goes_on(1)

    def test_reindex_beside_the_milter(self):
        self.mta.start()
        self.expect_report(mails.mail(report(1)))
        self.run_root("reindex")
        self.assert_given()
        self.expect_report(mails.mail(report(2)))
        lab.wait_until(
            lambda: self.reports_indexed() == ["tlsrpt_reports 2"],
            "both in the index")
        self.assertEqual(self.events(name="error"), [])
        self.assert_given()

    def test_reindex_of_what_root_has_left(self):
        """A state that only root can write to is no help to anybody."""
        self.ingest_files(1)
        for path in self.mta.state.parent.iterdir():
            os.chown(path, 0, 0)
        self.run_root("reindex")
        self.assert_milter_goes_on(1)

    def test_owner_of_the_old_state_counts(self):
        self.ingest_files(1)
        for path in self.mta.state.parent.iterdir():
            os.chown(path, 4711, 4712)
        self.run_root("reindex")
        self.assertEqual({owner(path)
                          for path in self.mta.state.parent.iterdir()},
                         {(4711, 4712)})

    def test_new_archive_is_of_its_parents_owner(self):
        parent = self.mta.directory / "var"
        parent.mkdir()
        os.chown(parent, *self.user)
        self.mta.archive = parent / "archive"
        self.mta.configure(ArchiveDirectory=f"{self.mta.archive}/")
        self.ingest_message(1)
        self.assert_milter_goes_on(1)

    def test_roots_own_archive_stays_roots(self):
        for path in (self.mta.archive, self.mta.state.parent):
            os.chown(path, 0, 0)
        self.user = (0, 0)
        self.ingest_message(1)
        self.ingest_files(2)
        self.run_root("reindex")
        self.assert_given()


class Traps(RootCase):
    """The owner of the archive cannot lead root elsewhere."""

    def setUp(self):
        super().setUp()
        self.elsewhere = self.mta.directory / "elsewhere"
        self.elsewhere.mkdir()
        old = self.elsewhere / "old"
        old.write_text("root's")
        os.utime(old, (START, START))

    def trap(self, name):
        path = self.mta.archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.elsewhere)
        os.chown(path, *self.user, follow_symlinks=False)

    def assert_untouched(self):
        self.assertEqual([path.name for path in self.elsewhere.rglob("*")],
                         ["old"])
        self.assertEqual({owner(path) for path in
                          (self.elsewhere, self.elsewhere / "old")}, {(0, 0)})
        self.assertEqual((self.elsewhere / "old").read_text(), "root's")

    def test_links_in_the_archive(self):
        for name in ("tmp", "2025", "2025/02", "2025/02/12"):
            with self.subTest(name=name):
                self.trap(name)
                self.run_root("ingest", stdin=mails.mail(report(1)),
                              status=75)
                backlog = self.mta.directory / "backlog.eml"
                backlog.write_bytes(mails.mail(report(1)))
                subprocess.run(
                    [str(lab.TLSRPT), "ingest", "-c", str(self.mta.conf),
                     str(backlog)], check=False, capture_output=True,
                    timeout=60)
                self.assert_untouched()
                (self.mta.archive / name).unlink()

    def test_link_in_place_of_the_archive(self):
        parent = self.mta.directory / "var"
        parent.mkdir()
        os.chown(parent, *self.user)
        link = parent / "archive"
        link.symlink_to(self.elsewhere)
        os.chown(link, *self.user, follow_symlinks=False)
        for end in ("", "/"):
            self.mta.configure(ArchiveDirectory=f"{link}{end}")
            self.run_root("ingest", stdin=mails.mail(report(1)), status=75)
            self.assert_untouched()
        # The administrator may have led it to another disk.
        os.chown(link, 0, 0, follow_symlinks=False)
        os.chown(self.elsewhere, *self.user)
        self.run_root("ingest", stdin=mails.mail(report(1)))
        self.assertEqual(
            {owner(path) for path in self.elsewhere.rglob("*")
             if path.name != "old"}, {self.user})

    def test_links_beside_the_state(self):
        self.ingest_files(1)
        for ending in (".new", "-wal", "-shm"):
            path = pathlib.Path(f"{self.mta.state}{ending}")
            with self.subTest(ending=ending):
                path.unlink(missing_ok=True)
                path.symlink_to(self.elsewhere / "old")
                subprocess.run(
                    [str(lab.TLSRPT), "reindex", "-c", str(self.mta.conf)],
                    check=False, capture_output=True, timeout=60)
                self.assert_untouched()
                path.unlink(missing_ok=True)

    def test_another_name_of_a_file(self):
        """What is made anew is emptied first."""
        self.ingest_files(1)
        os.link(self.elsewhere / "old", f"{self.mta.state}.new")
        self.run_root("reindex", status=69)
        self.assert_untouched()


if __name__ == "__main__":
    unittest.main()
