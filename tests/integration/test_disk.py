"""A disk that does not take what it has been given."""

import os
import subprocess

from case import HEADER, LabCase, lab, mails

# In the place of the C library's; files alone fail, so that directories can
# be made.
SOURCE = """
#include <errno.h>
#include <sys/stat.h>
int fsync(int fd)
{
	struct stat sb;

	if (fstat(fd, &sb) == 0 && S_ISDIR(sb.st_mode))
		return 0;
	errno = EIO;
	return -1;
}
"""


class Failing(LabCase):
    def start(self, **settings):
        milter = self.make_milter("tempfail", **settings)
        library = milter.directory / "fsync.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x",
                        "c", "-o", str(library), "-"], check=True,
                       input=SOURCE.encode())
        return milter.start(environment={
            "LD_PRELOAD": str(library),
            # Its runtime wants to be the first library.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
            + ":verify_asan_link_order=0"})

    def test_discard_waits_for_it(self):
        self.start(OnReport="discard")
        queue_id = self.send(mails.mail(mails.report()))
        event = self.event(queue_id, "error")
        self.assertEqual(event["reason"], "archive")
        self.assertEqual(event["disposition"], "deliver")
        self.assertIn("cannot write", event["detail"])
        self.assertEqual(self.delivered(queue_id).field(HEADER), [])

    def test_tempfail_waits_for_it(self):
        self.start(OnFailure="tempfail")
        reply = self.submit(mails.mail(mails.report()))
        self.assertEqual(reply.code, 451)

    def test_deliver_says_so_afterwards(self):
        milter = self.start()
        queue_id = self.send(mails.mail(mails.report()))
        self.assertEqual(self.event(queue_id, "report")["disposition"],
                         "deliver")
        self.assertTrue(self.delivered(queue_id).field(HEADER))
        lab.wait_until(lambda: self.events("NOQUEUE", "error"), "its line")
        event = self.event("NOQUEUE", "error")
        self.assertEqual(event["reason"], "archive")
        self.assertEqual(event["disposition"], "deliver")
        self.assertIn("cannot sync", event["detail"])
        self.assertIn(milter.records()[0].name, event["detail"])

    def test_quarantine_is_named(self):
        """By whichever reply the mail has got."""
        self.start(DKIM="require", OnUnverified="quarantine")
        queue_id = self.send(mails.mail(mails.report()))
        self.assertEqual(self.event(queue_id, "unverified")["disposition"],
                         "quarantine")
        lab.wait_until(lambda: self.postfix.held(queue_id),
                       f"{queue_id} in the hold queue")
        lab.wait_until(lambda: self.events("NOQUEUE", "error"), "its line")
        self.assertEqual(self.event("NOQUEUE", "error")["disposition"],
                         "quarantine")
        self.postfix.drop(queue_id)
