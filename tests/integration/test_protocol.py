"""What Postfix never says to a milter, and others may."""

import contextlib
import socket
import struct

from case import LabCase, lab, mails


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


def negotiate(version=6, actions=0x1ff, steps=0x1fffff):
    return packet(b"O", struct.pack(">III", version, actions, steps))


MAIL = packet(b"M", b"<a@example.org>\0")
RCPT = packet(b"R", f"<{lab.MAILBOX}>\0".encode())
DATA = packet(b"T")
BODY = packet(b"L", b"Subject\0 x\0") + packet(b"B", b'{"policies":[]}')
END = packet(b"E")
MESSAGE = MAIL + RCPT + DATA + BODY + END
ANOTHER = packet(b"K")  # the same connection for another client
ABORT = packet(b"A")
QUIT = packet(b"Q")

TALKS = {
    "nothing": b"",
    "a message": negotiate() + MESSAGE,
    "two messages": negotiate() + MESSAGE + MESSAGE,
    "no negotiation": MESSAGE,
    "negotiation twice": negotiate() + negotiate() + MESSAGE,
    "another client": negotiate() + MESSAGE + ANOTHER + MESSAGE,
    "another client, MAIL alone": negotiate() + MAIL + ANOTHER + MAIL,
    "another client, no MAIL": negotiate() + ANOTHER + RCPT + DATA + END,
    "another client, negotiated": negotiate() + ANOTHER + negotiate()
                                  + MESSAGE,
    "no MAIL": negotiate() + RCPT + DATA + BODY + END,
    "no RCPT": negotiate() + MAIL + DATA + BODY + END,
    "DATA alone": negotiate() + DATA + BODY + END,
    "DATA twice": negotiate() + MAIL + RCPT + DATA + DATA + BODY + END,
    "the end twice": negotiate() + MESSAGE + END + BODY + END,
    "the end alone": negotiate() + END,
    "two MAILs": negotiate() + MAIL + MAIL + RCPT + MAIL + DATA + BODY + END,
    "an abort alone": negotiate() + ABORT + ABORT + QUIT,
    "an abort within": negotiate() + MAIL + RCPT + ABORT + DATA + BODY + END,
    "an abort after DATA": negotiate() + MAIL + RCPT + DATA + ABORT + BODY
                           + END,
    "no arguments": negotiate() + packet(b"M") + packet(b"R") + DATA + END,
    "no NUL": negotiate() + packet(b"M", b"<a") + packet(b"R", b"<b") + END,
    "macros that are none": packet(b"D") + negotiate() + packet(b"D", b"M")
                            + packet(b"D", b"Mi") + packet(b"D", b"Mi\0")
                            + MESSAGE,
    "an unknown command": negotiate() + packet(b"?") + MESSAGE,
    "a packet that is too long": negotiate() + b"\x7f\xff\xff\xffL",
    "a packet without a command": negotiate() + b"\0\0\0\0" + MESSAGE,
    "version 2": negotiate(2, 0x3f, 0x7f) + MAIL + RCPT + BODY + END,
    "version 1": negotiate(1, 1, 1) + MAIL + RCPT + BODY + END,
}


class Protocol(LabCase):
    def talk(self, data):
        """Say it, and read until the milter has said all that it will."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(lab.PATIENCE)
            s.connect(str(self.mta.socket))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass

    def test_whatever_is_said_the_milter_lives(self):
        self.milter()
        for name, data in TALKS.items():
            with self.subTest(talk=name):
                self.talk(data)
                self.expect_report(mails.mail(mails.report()))
                self.assertIsNone(self.mta.process.poll())
