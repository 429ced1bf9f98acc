"""What SMTP clients do: several mails in a session, RSET, and rudeness."""

import concurrent.futures
import gzip
import time

from case import LabCase, lab, mails


class Session(LabCase):
    def test_several_mails_in_one_session(self):
        self.milter(OnReport="discard")
        client = self.client()
        kinds = ((mails.mail(mails.report()), lab.MAILBOX, "report"),
                 (mails.ordinary(), "boss@example.test", None),
                 (mails.damaged(), lab.MAILBOX, "malformed"),
                 (mails.ordinary(), lab.MAILBOX, "not-a-report"),
                 (mails.mail(mails.report()), "boss@example.test", None),
                 (mails.mail(mails.report()), lab.MAILBOX, "report"))
        for mail, recipient, name in kinds * 2:
            queue_id = client.send(mail, recipient).queue_id
            found = self.names(queue_id)
            if mail is kinds[0][0] or mail is kinds[-1][0]:
                found = ["report" if n == "duplicate" else n for n in found]
            self.assertEqual(found[:1], [name] if name else [])
            if name == "report":
                self.assert_discarded(queue_id)
            else:
                self.delivered(queue_id)

    def test_rset_forgets_the_envelope(self):
        self.milter(OnReport="discard")
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.command("RSET")
        mail = mails.mail(mails.report())
        queue_id = client.send(mail, "boss@example.test").queue_id
        self.assert_untouched(mail, self.delivered(queue_id))
        self.assertEqual(self.events(), [])
        client.envelope("boss@example.test")
        client.command("RSET")
        queue_id = client.send(mail).queue_id
        self.event(queue_id, "report")
        self.assert_discarded(queue_id)

    def test_second_ehlo_forgets_the_envelope(self):
        self.milter()
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.command("EHLO again.example.org")
        queue_id = client.send(mails.mail(mails.report()),
                               "boss@example.test").queue_id
        self.assertEqual(self.events(queue_id), [])

    def test_refused_recipients_do_not_count(self):
        """A recipient that Postfix refuses never was one."""
        self.milter()
        client = self.client()
        client.command("MAIL FROM:<reporter@example.org>")
        self.assertEqual(
            client.command("RCPT TO:<tls-reports@>").code // 100, 5)
        client.command("RCPT TO:<boss@example.test>")
        queue_id = client.data(mails.mail(mails.report())).queue_id
        self.assertEqual(self.events(queue_id), [])

    def test_data_without_recipients(self):
        self.milter()
        client = self.client()
        client.command("MAIL FROM:<reporter@example.org>")
        self.assertEqual(client.command("DATA").code // 100, 5)
        client.command("RSET")
        self.event(client.send(mails.mail(mails.report())).queue_id,
                   "report")

    def test_connection_dropped_in_a_message(self):
        # A state is opened by and by, and would count.
        self.milter(OnReport="discard", ArchiveMessage="yes",
                    StateFile="none")
        self.send(mails.ordinary())
        before = self.mta.descriptors()
        mail = lab.stuff(mails.plain_mail(
            mails.text_of(mails.report(comment="x" * 200000))))
        for cut in (1, 150, len(mail) // 2, len(mail)):
            for end in ("close", "abort"):
                client = lab.Client(self.mta.port)
                client.envelope(lab.MAILBOX)
                client.start_data()
                client.raw(mail[:cut])
                getattr(client, end)()
        self.event(self.send(mails.mail(mails.report())), "report")
        self.assertEqual(len(self.events(name="report")), 1)
        self.assertEqual(len(self.mta.records()), 1)
        lab.wait_until(lambda: self.mta.descriptors() <= before,
                       "end of open files of lost sessions")

    def test_connection_dropped_between_commands(self):
        self.milter()
        for commands in ((), ("MAIL FROM:<a@example.org>",),
                         ("MAIL FROM:<a@example.org>",
                          f"RCPT TO:<{lab.MAILBOX}>")):
            client = lab.Client(self.mta.port)
            for command in commands:
                client.command(command)
            client.abort()
        self.event(self.send(mails.mail(mails.report())), "report")

    def test_mail_that_comes_byte_by_byte(self):
        self.milter()
        client = self.client()
        client.envelope(lab.MAILBOX)
        client.start_data()
        mail = lab.stuff(mails.mail(mails.report())) + b".\r\n"
        for at in range(0, len(mail), 7):
            client.raw(mail[at:at + 7])
        self.event(client.reply().queue_id, "report")

    def test_lines_that_begin_with_a_dot(self):
        """SMTP doubles such dots; the report must not see it."""
        self.milter()
        rep = mails.report(comment=".hidden")
        text = mails.text_of(rep).replace(b'".hidden"', b'"\r\n.hidden"')
        part = b"Content-Type: application/tlsrpt+json\r\n\r\n" + text
        _, event = self.expect_report(mails.multipart(part))
        self.assertEqual(event["deviations"], "raw-control-character")
        self.assertEqual(self.only_record()["report"]["comment"],
                         "\r\n.hidden")

    def test_two_milters_in_one_postfix(self):
        """Each with its own mailbox, archive and log lines."""
        first = self.milter(Mailbox="one@example.test")
        second = self.milter(Mailbox="two@example.test")
        mail = mails.mail(mails.report())
        for milter, recipient, expected in (
                (first, "one@example.test", True),
                (first, "two@example.test", False),
                (second, "two@example.test", True)):
            queue_id = self.send(mail, recipient, milter)
            self.assertEqual(bool(self.events(queue_id)), expected)
        self.assertEqual(len(first.records()), 1)
        self.assertEqual(len(second.records()), 1)

    def test_inet_socket(self):
        milter = self.milter(
            "inet", Socket=f"inet:{lab.TCP_MILTER_PORT}@127.0.0.1",
            OnReport="discard")
        queue_id, _ = self.expect_report(mails.mail(mails.report()),
                                         milter=milter)
        self.assert_discarded(queue_id)


class Crowd(LabCase):
    def test_hundred_parallel_sessions(self):
        """A hundred sessions at once, each with mails of three kinds."""
        self.milter(OnReport="discard")
        sessions = [lab.Client(self.mta.port) for _ in range(100)]
        for client in sessions:
            self.addCleanup(client.close)

        def run(client):
            rep = mails.report(mails.policy(
                1000, 1, [mails.failure()]))
            return (rep, client.send(mails.mail(rep)).queue_id,
                    client.send(mails.ordinary(),
                                "boss@example.test").queue_id,
                    client.send(mails.damaged()).queue_id)

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            results = list(pool.map(run, sessions))
        by_id = {}
        for event in self.events():
            if not event.name.startswith("problem-"):
                by_id.setdefault(event.queue_id, []).append(event)
        records = {self.record(path)["queue-id"]: path
                   for path in self.mta.records()}
        for rep, report, ordinary, damaged in results:
            self.assertEqual([e.name for e in by_id[report]],
                             ["report", "policy", "failure"])
            self.assertEqual(by_id[report][0]["report-id"], rep["report-id"])
            self.assertEqual(by_id[report][0]["archive"],
                             str(records[report]))
            self.assertNotIn(ordinary, by_id)
            self.assertEqual([e.name for e in by_id[damaged]], ["malformed"])
            self.delivered(ordinary)
            self.delivered(damaged)
            self.assertEqual(self.sink.mails(report), [])
        self.assertEqual(len(records), len(sessions))
        self.event(self.send(mails.mail(mails.report())), "report")

    def test_slow_sessions_do_not_hold_up_others(self):
        self.milter()
        half = lab.stuff(mails.mail(mails.report()))[:600]
        for _ in range(40):
            client = self.client()
            client.envelope(lab.MAILBOX)
            client.start_data()
            client.raw(half)
        started = time.monotonic()
        self.event(self.send(mails.mail(mails.report())), "report")
        self.assertLess(time.monotonic() - started, 30)

    def test_nothing_is_left_open_after_many_mails(self):
        # A state is opened by and by, and would count.
        self.milter(OnReport="discard", ArchiveMessage="yes",
                    StateFile="none")
        big = mails.plain_mail(mails.text_of(
            mails.report(comment="x" * 300000)))
        self.send(big)
        before = self.mta.descriptors()
        client = self.client()
        for _ in range(10):
            client.send(mails.mail(mails.report()))
            client.send(mails.plain_mail(mails.text_of(
                mails.report(comment="y" * 300000))))
            client.send(mails.multipart(mails.attach(
                gzip.compress(b"[" * 1000))))
        client.close()
        lab.wait_until(lambda: self.mta.descriptors() <= before,
                       "end of open files")
        left = [p for p in (self.mta.archive / "tmp").rglob("*")]
        self.assertEqual(left, [])
