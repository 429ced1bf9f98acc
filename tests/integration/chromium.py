"""A headless Chromium, driven over a pair of pipes; nothing but Python needed.

The protocol is that of its developer tools: JSON, each message with a NUL
behind it (--remote-debugging-pipe).
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

TIMEOUT = 60
# It wants its ends of the pipes as 3 and 4.
START = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def program():
    """Its path, or None when it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def pipe():
    """A pipe whose numbers are not among the first."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends


class Chromium:
    """One tab; use it in a with statement. Events of the tab are kept."""

    def __init__(self, environment=None):
        self.events = []
        self._serial = 0
        self._buffer = b""
        self._session = None
        self._directory = tempfile.TemporaryDirectory(prefix="tlsrpt-chromium-")
        theirs_in, self._out = pipe()
        self._in, theirs_out = pipe()
        command = [sys.executable, "-c", START, str(theirs_in),
                   str(theirs_out), program(), "--headless", "--no-sandbox",
                   "--disable-gpu", "--disable-dev-shm-usage",
                   "--disable-background-networking", "--no-first-run",
                   "--disable-component-update", "--hide-scrollbars",
                   f"--user-data-dir={self._directory.name}",
                   "--remote-debugging-pipe", "about:blank"]
        self._process = subprocess.Popen(
            command, pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self._directory.name,
                 **(environment or {})})
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self):
        try:
            target = self.send("Target.createTarget", url="about:blank")
            self._session = self.send("Target.attachToTarget", flatten=True,
                                      targetId=target["targetId"])["sessionId"]
            for domain in ("Page", "Network", "Log", "Runtime"):
                self.send(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._process is not None:
            os.close(self._out)
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            os.close(self._in)
            self._process = None
            for _ in range(50):
                # Its children may still write there.
                try:
                    self._directory.cleanup()
                    break
                except OSError:
                    time.sleep(0.1)

    def _read(self, deadline):
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError("chromium does not answer")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise EOFError("chromium has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def send(self, method, **params):
        """Call a method and return its result."""
        self._serial += 1
        message = {"id": self._serial, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self._read(deadline)
            if answer.get("id") == self._serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def look(self, width, scheme="light", scale=1, height=900):
        """How wide the screen is, in CSS pixels, and which colours it has."""
        self.send("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=scale, mobile=width < 600)
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        """Load a file and wait for it."""
        before = len(self.events)
        self.send("Page.navigate", url=f"file://{path}")
        deadline = time.monotonic() + TIMEOUT
        while not any(event["method"] == "Page.loadEventFired"
                      for event in self.events[before:]):
            message = self._read(deadline)
            if "method" in message:
                self.events.append(message)

    def value(self, expression):
        """What an expression of JavaScript gives, in the page."""
        answer = self.send("Runtime.evaluate", expression=expression,
                           returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def picture(self, path, height=None):
        """A PNG of the whole page, or of its first pixels."""
        width = self.value("innerWidth")
        height = height or self.value("document.documentElement.scrollHeight")
        answer = self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": height,
                  "scale": 1})
        path.write_bytes(base64.b64decode(answer["data"]))
