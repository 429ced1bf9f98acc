"""The milter is killed again and again while mail flows; nothing is lost."""

import json
import threading
import time

from case import LabCase, lab, mails

KILLS = 12
LEAST = 60  # mails taken meanwhile
CLIENTS = 6


class Sender(threading.Thread):
    """Sends mail as an MTA does: what is not taken is sent again."""

    def __init__(self, port, over):
        """over: the event that ends it."""
        super().__init__()
        self.port = port
        self.over = over
        self.taken = []  # (queue id, report or None, recipient)
        self.refused = 0
        self.wrong = []

    def run(self):
        serial = 0
        while not self.over.is_set():
            serial += 1
            rep, recipient = mails.report(), lab.MAILBOX
            mail = mails.mail(rep)
            if serial % 3 == 0:
                mail, rep = mails.ordinary(), None
                recipient = ("boss@example.test" if serial % 2
                             else lab.MAILBOX)
            while not self.offer(mail, rep, recipient):
                self.refused += 1
                time.sleep(0.02)

    def offer(self, mail, rep, recipient):
        """True: Postfix has it now."""
        try:
            with lab.Client(self.port) as client:
                for command in ("MAIL FROM:<reporter@example.org>",
                                f"RCPT TO:<{recipient}>", "DATA"):
                    reply = client.command(command)
                    if reply.code >= 400:
                        break
                else:
                    client.raw(lab.stuff(mail) + b".\r\n")
                    reply = client.reply()
        except ConnectionError:
            return False
        if reply.code == 250:
            self.taken.append((reply.queue_id, rep, recipient))
            return True
        if reply.code // 100 != 4:
            self.wrong.append(reply)
            return True
        return False


class Killed(LabCase):
    def flow(self, kind, action="discard"):
        milter = self.milter(kind, OnReport=action)
        over = threading.Event()
        senders = [Sender(milter.port, over) for _ in range(CLIENTS)]
        for sender in senders:
            sender.start()
        self.addCleanup(over.set)
        kills = 0
        deadline = time.monotonic() + 150
        while kills < KILLS or sum(len(s.taken) for s in senders) < LEAST:
            self.assertLess(time.monotonic(), deadline, "no mail flows")
            time.sleep(0.25 + 0.05 * (kills % 7))
            milter.kill()
            kills += 1
            time.sleep(0.05)
            milter.start()
        over.set()
        for sender in senders:
            sender.join()
        for sender in senders:
            self.assertEqual(sender.wrong, [])
        taken = [item for sender in senders for item in sender.taken]
        return milter, taken, sum(s.refused for s in senders)

    @staticmethod
    def archived(milter):
        """The report-id of each record; one that is not whole raises."""
        return {json.loads((milter.archive / path).read_text())
                ["report"]["report-id"] for path in milter.records()}

    def check(self, milter, taken):
        archived = self.archived(milter)
        discarded = 0
        for queue_id, rep, recipient in taken:
            if rep is not None and rep["report-id"] in archived:
                discarded += not self.sink.mails(queue_id)
                continue
            delivered = self.delivered(queue_id)
            self.assertEqual(delivered.recipients, [recipient])
        return discarded

    def test_with_tempfail(self):
        """Postfix defers while the milter is away: all reports are read."""
        milter, taken, refused = self.flow("tempfail")
        self.assertGreater(refused, 0, "no kill hit a session")
        self.assertGreater(self.check(milter, taken), 0)
        for queue_id, rep, _ in taken:
            if rep is not None:
                self.assertEqual(self.sink.mails(queue_id), [],
                                 "a report went by unread")

    def test_with_accept(self):
        """Postfix takes mail without the milter: then it is delivered."""
        milter, taken, _ = self.flow("accept")
        self.assertGreater(self.check(milter, taken), 0)

    def test_delivered_with_tempfail(self):
        """What is synced behind the reply is in the archive before it."""
        milter, taken, refused = self.flow("tempfail", "deliver")
        self.assertGreater(refused, 0, "no kill hit a session")
        archived = self.archived(milter)
        for queue_id, rep, recipient in taken:
            # It may still be in the queue.
            self.assertEqual(self.delivered(queue_id).recipients, [recipient])
            self.assertEqual(len(self.sink.mails(queue_id)), 1)
            if rep is not None:
                self.assertIn(rep["report-id"], archived)
