#!/usr/bin/python3
"""Make cli/html/html.png and html-dark.png, the page as the README shows it.

    python3 tests/demo/picture.py

Needs build/tlsrpt and Debian's packages chromium, fonts-inter and pngquant. The
reports are made up, with a seed; only the dates change from day to day.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import chromium
import truth

TLSRPT = ROOT / os.environ.get("B", "build") / "tlsrpt"
WIDTH, SCALE = 1184, 1.5
COLOURS = 96
SENDERS = ("Google Inc.", "Microsoft Corporation", "Yahoo Inc.", "mail.ru",
           "Comcast", "GMX", "web.de", "Deutsche Telekom AG", "Fastmail",
           "Example Mailer Inc.", "Mail Hosting GmbH", "Small Server")
DOMAINS = ("example.com", "example.org")
# What a desktop has as its font; a bare server has none that is as good.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include>/etc/fonts/fonts.conf</include>
""" + "".join(f"""<match target="pattern">
<test name="family"><string>{family}</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit>
</match>
""" for family in ("system-ui", "sans-serif", "sans", "DejaVu Sans")) + """
</fontconfig>
"""


def make_page(base):
    noise = truth.Problem("validation-failure", "example.com",
                          "mx1.example.com", range(28, 91), 0.0012)
    truth.Truth(4, SENDERS, DOMAINS, noise).store(base / "archive")
    subprocess.run([TLSRPT, "reindex", f"--archive={base}/archive",
                    f"--state={base}/state.db"], check=True)
    page = base / "report.html"
    with page.open("wb") as out:
        subprocess.run([TLSRPT, "html", f"--state={base}/state.db"],
                       stdout=out, check=True)
    return page


def main():
    with tempfile.TemporaryDirectory(prefix="tlsrpt-picture-") as name:
        base = pathlib.Path(name)
        page = make_page(base)
        fonts = base / "fonts.conf"
        fonts.write_text(FONTS, encoding="ascii")
        with chromium.Chromium({"FONTCONFIG_FILE": str(fonts)}) as tab:
            for scheme, to in (("light", "html.png"),
                               ("dark", "html-dark.png")):
                tab.look(WIDTH, scheme, SCALE)
                tab.open(page)
                # As far as the plot of days.
                tab.picture(base / to, 12 + tab.value(
                    "document.getElementById('day')"
                    ".getBoundingClientRect().bottom"))
                subprocess.run(["pngquant", "--force", "--speed=1", "--strip",
                                "--output", ROOT / "cli" / "html" / to, str(COLOURS),
                                base / to], check=True)


if __name__ == "__main__":
    main()
