"""What the tests have in common: the world they share, and its questions."""

import collections
import itertools
import json
import re
import signal
import subprocess
import unittest

import lab
import mails

LEVELS = {"err": 3, "warning": 4, "notice": 5, "info": 6}
LINE_MAX = 4096
HEADER = "X-TLSRPT-Milter"


class World:
    """One Postfix and one sink for all tests, and the milters' places."""

    base = None
    postfix = None
    sink = None
    slots = {}
    ending = {}
    bad_ends = []
    _ports = itertools.count(lab.FIRST_PORT)

    @classmethod
    def start(cls, base):
        cls.base = base
        services = []
        for default, count in (("tempfail", 24), ("accept", 4)):
            cls.slots[default] = collections.deque()
            for number in range(count):
                port = next(cls._ports)
                directory = base / f"{default}{number}"
                cls.slots[default].append((directory, port))
                services.append((port, f"unix:{directory}/milter.sock",
                                 default))
        port = next(cls._ports)
        cls.slots["inet"] = collections.deque([(base / "inet", port)])
        services.append((port, f"inet:127.0.0.1:{lab.TCP_MILTER_PORT}",
                         "tempfail"))
        cls.postfix = lab.Postfix(base / "postfix", services).start()
        cls.sink = lab.Sink(lab.SINK_PORT)

    @classmethod
    def place(cls, kind):
        """The place that has not been used for the longest time."""
        place = cls.slots[kind][0]
        cls.slots[kind].rotate(-1)
        cls.settle(place)
        return place

    @classmethod
    def end(cls, place, milter, test):
        """Tell a milter to stop, but do not wait for it.

        libmilter may take five seconds; what comes of it is looked at when
        the place is needed again, or at the end.
        """
        milter.signal(signal.SIGTERM)
        cls.ending[place] = (milter, test)

    @classmethod
    def settle(cls, place):
        """Wait for the milter that was told to stop in this place."""
        if place not in cls.ending:
            return
        milter, test = cls.ending.pop(place)
        try:
            status = milter.wait_end()
        except subprocess.TimeoutExpired:
            milter.kill()
            status = "nothing"
        if status != 0:
            cls.bad_ends.append((test, f"SIGTERM ended it with {status}: "
                                 + milter.error_text()))

    @classmethod
    def settle_all(cls):
        """Wait for all; returns the tests whose milters did not end well."""
        for place in list(cls.ending):
            cls.settle(place)
        return cls.bad_ends

    @classmethod
    def stop(cls):
        if cls.postfix is not None:
            cls.postfix.stop()
        if cls.sink is not None:
            cls.sink.close()


class Event:
    """A line of the log that is an event."""

    def __init__(self, queue_id, level, fields, text):
        self.queue_id = queue_id
        self.level = level
        self.fields = fields
        self.text = text
        self.name = fields["event"]

    def __getitem__(self, name):
        return self.fields[name]

    def __contains__(self, name):
        return name in self.fields

    def get(self, name):
        return self.fields.get(name)

    def __repr__(self):
        return f"<{self.level}>{self.text}"


def check_line(line):
    """What holds for every line, whatever was in the mail."""
    assert len(line.text) < LINE_MAX, f"{len(line.text)} bytes: {line!r}"
    text = line.text.decode("utf-8")  # raises when it is not
    for c in text:
        assert c >= " " and not "\x7f" <= c <= "\x9f" \
            and c not in "\u2028\u2029", f"control character: {text!r}"
    return text


def event_of(line):
    """The event in a syslog line, or None; each is checked strictly."""
    text = check_line(line)
    found = re.fullmatch(r"(?:([0-9A-Za-z]+): )?(event=.*)", text)
    if found is None:
        return None
    event = Event(found[1], line.level, lab.parse_logfmt(found[2]), text)
    check_event(event, line)
    return event


def event_of_json(line):
    text = check_line(line)
    fields = json.loads(text.removeprefix("@cee:"),
                        object_pairs_hook=no_repetition)
    if fields["event"] == "message":
        return None
    event = Event(fields.get("queue-id"), line.level, fields, text)
    check_event(event, line)
    return event


def no_repetition(pairs):
    made = dict(pairs)
    assert len(made) == len(pairs), f"repeated member: {pairs}"
    return made


def check_event(event, line):
    assert line.ident == lab.IDENT, line
    assert line.facility == 2, f"not of facility mail: {line!r}"
    if "severity" in event:
        assert LEVELS[event["severity"]] == event.level, event


class LabCase(unittest.TestCase):
    """A test with its own syslog daemon and as many milters as it wants."""

    maxDiff = 2000
    log_format = "logfmt"
    log_queue = lab.Listener.QUEUE

    def setUp(self):
        self.world = World
        self.sink = World.sink
        self.postfix = World.postfix
        self.syslog = lab.Syslog(self.log_queue)
        self.syslog.start()
        self.addCleanup(self.syslog.stop)
        self.mta = None
        self.milters = []

    # Milters

    def make_milter(self, kind="tempfail", **settings):
        """A milter that is not started yet. Mail goes to the latest one."""
        place = World.place(kind)
        milter = lab.Milter(*place, **settings)
        milter.may_end = False
        self.addCleanup(self._finish, place, milter)
        self.mta = milter
        self.milters.append(milter)
        return milter

    def milter(self, kind="tempfail", **settings):
        return self.make_milter(kind, **settings).start()

    def _finish(self, place, milter):
        """No test passes over a milter that crashed or will not stop."""
        if milter.process is None or milter.may_end:
            milter.kill()
            return
        ended = milter.process.poll()
        if ended is not None:
            self.fail(f"the milter ended by itself with {ended}: "
                      + milter.error_text())
        World.end(place, milter, self.id())

    # Mail

    def client(self, milter=None):
        client = lab.Client((milter or self.mta).port)
        self.addCleanup(client.close)
        return client

    def submit(self, mail, recipients=lab.MAILBOX, milter=None, **kwargs):
        """Send one mail in a session of its own; returns the reply."""
        with lab.Client((milter or self.mta).port) as client:
            return client.send(mail, recipients, **kwargs)

    def send(self, mail, recipients=lab.MAILBOX, milter=None, **kwargs):
        """The same for a mail that is taken; returns its queue id."""
        return self.submit(mail, recipients, milter, **kwargs).queue_id

    def delivered(self, queue_id):
        return self.sink.wait(queue_id)

    def assert_untouched(self, mail, delivered, but_for=()):
        """Delivered as sent, byte for byte, but for the named fields."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = re.split(rb"\r\n(?![ \t])", head)
        prefixes = tuple(name.lower().encode() + b":" for name in but_for)

        def others(all_fields):
            return [f for f in all_fields
                    if not f.lower().startswith(prefixes or (b"\0",))]
        self.assertEqual(others(delivered.rest), others(fields))
        self.assertEqual(len(delivered.body), len(body))
        self.assertTrue(delivered.body == body, "the body was changed")

    def assert_discarded(self, queue_id):
        lab.wait_until(
            lambda: f"{queue_id}: milter-discard:" in self.postfix.maillog(),
            f"milter-discard of {queue_id}")
        self.assertEqual(self.sink.mails(queue_id), [])
        self.assertFalse(self.postfix.queued(queue_id))

    # The log

    def lines(self, pid=None):
        self.syslog.sync()
        return self.syslog.lines(pid)

    def events(self, queue_id=None, name=None):
        """All events so far, in order, each checked for its form.

        Milters of earlier tests may still be saying that they end.
        """
        pids = set().union(*(milter.pids for milter in self.milters))
        read = event_of if self.log_format == "logfmt" else event_of_json
        found = [read(line) for line in self.lines() if line.pid in pids]
        return [event for event in found
                if event is not None
                and queue_id in (None, event.queue_id)
                and name in (None, event.name)]

    def event(self, queue_id, name):
        """The only event of that name for this message."""
        found = self.events(queue_id, name)
        self.assertEqual(len(found), 1,
                         f"{name}: {self.events(queue_id)}")
        return found[0]

    def names(self, queue_id):
        """The events of a message, but for what it means for problems."""
        return [event.name for event in self.events(queue_id)
                if not event.name.startswith("problem-")]

    def wait_started(self):
        """Until the milter has said the last of what it says at the start."""
        lab.wait_until(
            lambda: any(b" listens on " in line.text
                        for line in self.lines(self.mta.pid)),
            "line that says where the milter listens")

    # The archive

    def record(self, path, milter=None):
        """A record of the archive, checked to be one line of JSON."""
        data = ((milter or self.mta).archive / path).read_bytes()
        self.assertEqual(data.count(b"\n"), 1, "not one line")
        self.assertTrue(data.endswith(b"\n"), "not a whole line")
        return json.loads(data.decode("utf-8"),
                          object_pairs_hook=no_repetition)

    def only_record(self, milter=None):
        paths = (milter or self.mta).records()
        self.assertEqual(len(paths), 1, paths)
        return self.record(paths[0], milter)

    # The whole road

    def expect_report(self, mail, **kwargs):
        """Send it; it must be taken as one report. Returns id and event."""
        queue_id = self.send(mail, **kwargs)
        return queue_id, self.event(queue_id, "report")

    def expect_malformed(self, mail, reason, **kwargs):
        """Send it; it must be named malformed and delivered unharmed."""
        queue_id = self.send(mail, **kwargs)
        event = self.event(queue_id, "malformed")
        self.assertEqual(event["reason"], reason, event)
        self.assertTrue(event["detail"], event)
        delivered = self.delivered(queue_id)
        self.assert_untouched(mail, delivered, [HEADER])
        return event


__all__ = ["LabCase", "World", "Event", "HEADER", "lab", "mails"]
