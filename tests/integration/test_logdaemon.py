"""A log daemon that hangs, is absent, or comes back never holds up mail."""

import re
import time

from case import LabCase, event_of, lab, mails

SOON = 20.0  # seconds for a mail while the log is stuck: not for ever


class LogDaemon(LabCase):
    log_queue = 10  # is soon full

    def timed(self, mail):
        started = time.monotonic()
        queue_id = self.send(mail)
        self.assertLess(time.monotonic() - started, SOON)
        return queue_id

    def wait_events(self, ids, name="report"):
        """The event of each, once, in the order in which they were sent."""
        def complete():
            got = [e.queue_id for e in map(event_of, self.syslog.lines())
                   if e is not None and e.name == name and e.queue_id in ids]
            return len(got) >= len(ids) and got
        got = lab.wait_until(complete, f"events of {len(ids)} mails")
        self.assertEqual(got, ids)

    def test_hangs(self):
        """More lines than the socket holds, and nobody reads them."""
        self.milter()
        self.timed(mails.mail(mails.report()))
        self.syslog.hang()
        ids = [self.timed(mails.mail(mails.report())) for _ in range(30)]
        self.syslog.resume()
        self.wait_events(ids)

    def test_hangs_at_the_start(self):
        """It must come up and work although its first line does not go."""
        self.syslog.hang()
        for _ in range(40):
            try:
                self.syslog.send_now(b"<14>filler")
            except BlockingIOError:
                break
        self.milter()
        ids = [self.timed(mails.mail(mails.report())) for _ in range(3)]
        self.syslog.resume()
        self.syslog.sync()
        self.syslog.forget(b"<14>filler")
        self.wait_events(ids)

    def test_nothing_is_discarded_while_the_log_is_stuck(self):
        """The lines come first: then and only then may mail go."""
        self.milter(OnReport="discard")
        self.assert_discarded(self.timed(mails.mail(mails.report())))
        self.syslog.stop()
        ids = [self.timed(mails.mail(mails.report())) for _ in range(3)]
        for queue_id in ids:
            self.delivered(queue_id)
        self.assertEqual(len(self.mta.records()), 4)
        self.syslog.start()
        self.wait_events(ids)
        lab.wait_until(
            lambda: self.event(
                self.timed(mails.mail(mails.report())),
                "report")["disposition"] == "discard",
            "discard now that the log works again")

    def test_absent_and_back(self):
        self.milter()
        self.timed(mails.mail(mails.report()))
        self.syslog.stop()
        ids = [self.timed(mails.mail(mails.report())) for _ in range(10)]
        self.syslog.start()
        self.wait_events(ids)

    def test_absent_at_the_start(self):
        self.syslog.stop()
        self.milter()
        queue_id = self.timed(mails.mail(mails.report()))
        self.delivered(queue_id)
        self.syslog.start()
        self.wait_events([queue_id])

    def test_restarts(self):
        """A new socket at the same path: not a line is lost."""
        self.milter()
        ids = []
        for _ in range(5):
            ids.append(self.timed(mails.mail(mails.report())))
            self.syslog.sync()
            self.syslog.stop()
            self.syslog.start()
            ids.append(self.timed(mails.mail(mails.report())))
        self.wait_events(ids)

    def test_journal_comes_back(self):
        journal = lab.Journal()
        self.milter(LogTarget="journal")
        queue_id = self.timed(mails.mail(mails.report()))
        journal.start()
        self.addCleanup(journal.stop)
        lab.wait_until(
            lambda: [e for e in journal.entries()
                     if e.get("TLSRPT_QUEUE_ID") == queue_id
                     and e.get("TLSRPT_EVENT") == "report"],
            "the entry in the journal")

    def test_dropped_lines_are_counted_and_said(self):
        """More than the queue holds: arrived and dropped add up."""
        # Without a state there are no lines on problems besides.
        milter = self.milter(MaxFailureLines="100000", StateFile="none")
        self.wait_started()
        already = len(self.syslog.lines(milter.pid))
        self.syslog.stop()
        failures, number = 2000, 4
        for _ in range(number):
            self.timed(mails.mail(mails.report(mails.policy(
                0, failures, [mails.failure(additional_information="x" * 300)
                              for _ in range(failures)]))))
        written = number * (failures + 2)
        self.syslog.start()

        def said():
            for line in self.syslog.lines(milter.pid):
                if b"dropped" in line.text:
                    return line
            return None
        line = lab.wait_until(said, "line that says what was dropped")
        dropped = int(re.search(rb"dropped\D*(\d+)", line.text)[1])
        self.assertGreater(dropped, 0)
        self.syslog.sync()
        arrived = len(self.syslog.lines(milter.pid)) - already - 1
        self.assertEqual(arrived + dropped, written)
        self.assertLess(line.level, 5, "a loss is at least a warning")

    def test_memory_is_bounded_while_nobody_listens(self):
        milter = self.milter(MaxFailureLines="100000")
        self.syslog.stop()
        mail = mails.mail(mails.report(mails.policy(0, 5000, [
            mails.failure(additional_information="x" * 400)
            for _ in range(5000)])))
        self.timed(mail)
        first = milter.peak_memory()
        for _ in range(3):
            rep = mails.report(mails.policy(0, 5000, [
                mails.failure(additional_information="y" * 400)
                for _ in range(5000)]))
            self.timed(mails.mail(rep))
        if not lab.is_sanitized():
            self.assertLess(milter.peak_memory(), first + (16 << 20))

    def test_sigterm_while_it_hangs(self):
        """Lines that cannot go out do not keep the milter from ending."""
        milter = self.milter()
        self.syslog.hang()
        for _ in range(15):
            self.timed(mails.mail(mails.report()))
        started = time.monotonic()
        milter.may_end = True
        self.assertEqual(milter.stop(), 0)
        self.assertLess(time.monotonic() - started, SOON)
