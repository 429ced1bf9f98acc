"""The page that "tlsrpt html" prints, by itself and in a headless Chromium."""

import html.parser
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import chromium
import mails
from case import lab
from truth import DAY, DAYS, Truth, day, store, today

SENDERS = [f"Sender {n}" for n in range(12)]
DOMAINS = ("example.test", "other.test")
HOSTILE = ("</title></script><script>alert(1)</script><img src=x "
           "onerror=alert(1)>\" onload=\"alert(1)' & &lt; \x1b[31m\x00\n"
           "\u202eabc\u2066\ufffe ]]>-->")
SEEN = ("</title></script><script>alert(1)</script><img src=x "
        "onerror=alert(1)>\" onload=\"alert(1)' & &lt; \\x1b[31m\ufffd\\x0a"
        "\\xe2\\x80\\xaeabc\\xe2\\x81\\xa6\\xef\\xbf\\xbe ]]>-->")
VOID = ("meta",)
ALLOWED = set(
    "html head meta title style body a header h1 h2 h3 p main section article "
    "div span small dl dt dd bdi time pre code table caption thead tbody tr "
    "th td figure figcaption details summary svg desc defs pattern g text "
    "tspan rect line circle".split())


class Element:
    def __init__(self, tag, attributes):
        self.tag = tag
        self.attributes = attributes
        self.children = []

    def __getitem__(self, name):
        return self.attributes.get(name)

    def all(self, tag=None, **attributes):
        """Elements below, with these attributes (class_ for a word of it)."""
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if (tag in (None, child.tag)
                    and all((value in (child["class"] or "").split())
                            if name == "class_" else child[name] == value
                            for name, value in attributes.items())):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag=None, **attributes):
        found, = self.all(tag, **attributes)
        return found

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text
                       for child in self.children)


class Page(html.parser.HTMLParser):
    """Strict: every element is known, and closed where it must be."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source = text
        self.root = Element("", {})
        self.open = [self.root]
        self.declarations = []
        self.feed(text)
        self.close()
        assert self.open == [self.root], self.open[-1].tag

    def handle_decl(self, decl):
        self.declarations.append(decl)

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, tag
        element = Element(tag, dict(attrs))
        assert len(attrs) == len(element.attributes), attrs
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag, tag

    def handle_data(self, data):
        self.open[-1].children.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"comment {data!r}")

    handle_pi = unknown_decl = handle_comment

    def table(self, caption):
        """The rows of a table as lists of text, without its heading."""
        table, = (table for table in self.root.all("table")
                  if table.one("caption").text == caption)
        return [[cell.text for cell in row.children
                 if not isinstance(cell, str)]
                for row in table.one("tbody").all("tr")]

    def facts(self, card):
        return {fact.one("dt").text: fact.one("dd").text
                for fact in card.one("dl", class_="facts").all("div")}


def number(text):
    return int(text.replace(",", ""))


def percent(failed, sessions):
    rate = 100 * failed / sessions if sessions else 0
    if rate in (0, 100):
        return f"{rate:.0f}%"
    return "<0.01%" if rate < 0.005 else \
        ">99.99%" if rate >= 99.995 else f"{rate:.2f}%"


def reindex(archive, state):
    subprocess.run([str(lab.TLSRPT), "reindex", f"--archive={archive}",
                    f"--state={state}"], check=True,
                   stdin=subprocess.DEVNULL, timeout=60)


class Html(unittest.TestCase):
    """An archive of its own for each test."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tlsrpt-html-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.archive = self.dir / "archive"
        self.archive.mkdir()
        self.state = self.dir / "state.db"

    def run_html(self, *words, **kwargs):
        return subprocess.run(
            [str(lab.TLSRPT), "html", f"--state={self.state}",
             *map(str, words)], check=False, stdin=subprocess.DEVNULL,
            timeout=60, **{"capture_output": True, **kwargs})

    def reindex(self):
        reindex(self.archive, self.state)

    def page(self, *words):
        done = self.run_html(*words)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        page = Page(done.stdout.decode("utf-8"))
        check_structure(self, page)
        return page

    def store(self, *policies, organization="Example Mailer Inc.", age=1):
        start = today() - age * DAY
        store(self.archive, mails.report(
            *policies, organization=organization, start=start,
            end=start + DAY - 1), start + DAY + 60, "x")


def check_structure(test, page):
    """What holds for every page, whatever is in it."""
    root = page.root
    test.assertEqual(page.declarations, ["DOCTYPE html"])
    test.assertEqual(root.one("html")["lang"], "en")
    test.assertEqual(len(root.all("h1")), 1)
    levels = [int(heading.tag[1]) for heading in root.all()
              if re.fullmatch("h[1-6]", heading.tag)]
    for before, after in zip([0, *levels], levels):
        test.assertLessEqual(after, before + 1)
    ids = [element["id"] for element in root.all() if element["id"]]
    test.assertEqual(len(ids), len(set(ids)))
    for table in root.all("table"):
        test.assertTrue(table.one("caption").text)
        for cell in table.all("th"):
            test.assertIn(cell["scope"], ("col", "row"))
        columns = len(table.one("thead").all("th"))
        for row in table.one("tbody").all("tr"):
            test.assertEqual(sum(int(cell["colspan"] or 1)
                                 for cell in row.all()
                                 if cell.tag in ("th", "td")), columns)
    check_drawings(test, page, ids)
    check_loads_nothing(test, page)


def check_drawings(test, page, ids):
    """SVG that XML accepts, with words for those who do not see it."""
    drawings = re.findall(r'<svg width="100%".*?\n</svg>\n', page.source,
                          re.DOTALL)
    test.assertEqual(len(drawings), len(page.root.all("figure")))
    test.assertEqual(len(drawings), len(page.root.all("svg", role="img")))
    for text in drawings:
        svg = xml.etree.ElementTree.fromstring(text)
        test.assertEqual(svg.attrib["role"], "img")
        for name in svg.attrib["aria-labelledby"].split():
            test.assertIn(name, ids)
        test.assertEqual([child.tag for child in svg][:2], ["title", "desc"])
        test.assertTrue(svg[0].text and svg[1].text)


def check_loads_nothing(test, page):
    for element in page.root.all():
        for name, value in element.attributes.items():
            test.assertFalse(name.startswith("on"), name)
            test.assertNotIn(name, ("src", "srcset", "style", "action",
                                    "xlink:href", "data", "background"))
            if name == "href":
                test.assertEqual((element.tag, value[:1]), ("a", "#"))
    style = page.root.one("style").text
    test.assertEqual(set(re.findall(r"url\(.*?\)", style)), {"url(#hatch)"})
    test.assertNotRegex(style, r"@import|@font-face|https?:|//")
    policy = page.root.one("meta",
                           **{"http-equiv": "Content-Security-Policy"})
    test.assertEqual(policy["content"].split(";")[:2],
                     ["default-src 'none'", " style-src 'unsafe-inline'"])


class Truthful(Html):
    """90 days of 12 senders; what is shown is right to the session."""

    @classmethod
    def setUpClass(cls):
        cls.truth = Truth(7, SENDERS, DOMAINS)
        cls.all = pathlib.Path(tempfile.mkdtemp(prefix="tlsrpt-html-"))
        cls.addClassCleanup(shutil.rmtree, cls.all)
        cls.truth.store(cls.all / "archive")
        reindex(cls.all / "archive", cls.all / "state.db")

    def setUp(self):
        super().setUp()
        self.state = self.all / "state.db"

    def check_sums(self, page, caption, sums):
        rows = page.table(caption)
        self.assertEqual(
            {row[0]: [number(n) for n in row[1:4]] for row in rows
             if row[1] != "no reports"}, sums)
        for _, _, sessions, failed, rate in (r for r in rows if len(r) == 5):
            self.assertEqual(rate, percent(number(failed), number(sessions)))
        return rows

    def test_tables(self):
        page = self.page()
        days = self.check_sums(page, "Sessions by day",
                               self.truth.sums(lambda row: day(row.start)))
        self.assertEqual([row[0] for row in days],
                         [day(today() - age * DAY)
                          for age in range(DAYS, 0, -1)])
        self.assertEqual(sum(row[1] == "no reports" for row in days), 3)
        self.check_sums(page, "By sender",
                        self.truth.sums(lambda row: row.sender))
        self.check_sums(page, "By domain",
                        self.truth.sums(lambda row: row.domain))
        for caption, name in (("By MX", lambda problem: problem.host),
                              ("By result type", lambda problem: problem.kind)):
            self.assertEqual({row[0]: [number(n) for n in row[1:]]
                              for row in page.table(caption)},
                             self.truth.failed(name))

    def test_strip(self):
        strip = [(tile.one("dd").children[0], tile.one("small").text)
                 for tile in self.page().root.one("dl", class_="strip")
                 .all("div")]
        self.assertEqual(strip[0], ("1", "worst: err"))
        sessions = sum(row.sessions for row in self.truth.rows)
        failed = sum(row.failed for row in self.truth.rows)
        self.assertEqual([tile[0] for tile in strip[1:]],
                         [percent(failed, sessions), f"{sessions:,}",
                          f"{len(self.truth.rows):,}", "12"])
        self.assertEqual(strip[1][1], f"{failed:,} failed")
        self.assertEqual(strip[4][1], "1 silent")

    def test_window_and_domain(self):
        page = self.page("--since=30d", "--domain=OTHER.test")
        since = today() - 30 * DAY
        truth = {}
        for row in self.truth.rows:
            if row.domain == DOMAINS[1] and row.start >= since:
                sums = truth.setdefault(row.sender, [0, 0, 0])
                for at, n in enumerate((1, row.sessions, row.failed)):
                    sums[at] += n
        self.check_sums(page, "By sender", truth)
        self.assertEqual([row[0] for row in page.table("By domain")],
                         ["other.test"])
        self.assertEqual(page.root.all("section", id="open"), [])
        self.assertEqual([row[0] for row in page.table("Resolved problems")],
                         ["tlsa-invalid"])
        self.assertEqual(page.root.one("h1").text,
                         "TLS reports for OTHER.test")

    def test_open_problem(self):
        page = self.page()
        card, = page.root.one("section", id="open").all("article")
        problem = self.truth.problems[3]
        rows, failed = self.truth.failing(problem)
        sessions = sum(row.sessions for row in rows)
        self.assertEqual(card.one("h3").text,
                         "err certificate-expired on MX mx1.example.test")
        facts = page.facts(card)
        self.assertEqual(
            facts.pop("Reporters").split(", "),
            sorted({row.sender for row in rows}))
        self.assertEqual(facts, {
            "Policy domain": "example.test", "Policy type": "sts",
            "Since": day(min(row.start for row in rows)),
            "Last failure": day(max(row.start for row in rows)),
            "Failed sessions": f"{failed:,} of {sessions:,} "
                               f"({percent(failed, sessions)})",
            "Reports": str(len(rows))})
        advice = card.one("dl", class_="advice")
        self.assertEqual([dt.text for dt in advice.all("dt")],
                         ["Meaning", "Usual cause", "What to do", "Verify",
                          "By hand"])
        self.assertIn("postfix reload", advice.text)
        verify, by_hand = (code.text for code in advice.all("code"))
        self.assertEqual(
            verify, "tlsrpt diagnose --mx mx1.example.test example.test")
        self.assertIn("-connect mx1.example.test:25 </dev/null", by_hand)

    def test_resolved_problems(self):
        rows = {row[0]: row for row in self.page().table("Resolved problems")}
        self.assertEqual(len(rows), 3)
        for problem in self.truth.problems[:3]:
            found, failed = self.truth.failing(problem)
            sessions = sum(row.sessions for row in found)
            row = rows[problem.kind]
            self.assertEqual(row[1:7], [
                problem.host, problem.domain, "sts", "err",
                day(min(r.start for r in found)),
                day(max(r.start for r in found))])
            self.assertGreater(row[7], row[6])
            self.assertEqual(row[8:], [
                f"{failed:,} of {sessions:,} ({percent(failed, sessions)})",
                str(len({r.sender for r in found}))])

    def test_reporters(self):
        rows = self.page().table("Reporters, the one silent the longest first")
        self.assertEqual([row[0] for row in rows][0], SENDERS[-1])
        self.assertEqual([row[4] for row in rows],
                         ["silent", *["reporting"] * 11])
        sums = self.truth.sums(lambda row: row.sender)
        self.assertEqual(
            {row[0]: number(row[2]) for row in rows},
            {name: sums[name][0] for name in sums})

    def test_as_the_other_commands(self):
        """The same numbers that summary has."""
        done = subprocess.run(
            [str(lab.TLSRPT), "summary", f"--state={self.state}",
             "--since=90d", "--by=mx", "--format=csv"], check=True,
            capture_output=True, text=True, timeout=60)
        self.assertEqual(
            [[row[0], number(row[1]), number(row[2])]
             for row in self.page().table("By MX")],
            [[name.strip('"'), int(reports), int(failed)]
             for name, reports, failed in (
                 line.split(",") for line in done.stdout.splitlines()[1:])])


class Bounds(Html):
    def test_many_rows_are_summed(self):
        for n in range(70):
            host = f"mx{n}.example.test"
            self.store(mails.policy(10, n + 10, [mails.failure(
                f"type-{n}", n + 10, receiving_mx_hostname=host)],
                domain=f"d{n}.test"), organization=f"Sender {n}")
        self.reindex()
        page = self.page()
        failed = sum(range(10, 80))
        for caption, column in (("By sender", 3), ("By domain", 3),
                                ("By MX", 2), ("By result type", 2)):
            rows = page.table(caption)
            self.assertEqual(len(rows), 51)
            self.assertEqual(rows[-1][0], "and 20 more")
            self.assertEqual(sum(number(row[column]) for row in rows), failed)
        svg = page.root.one("section", id="mx").all("svg", role="img")[0]
        values = [number(text.text)
                  for text in svg.all("text", class_="value")]
        self.assertEqual((len(values), sum(values)), (13, failed))
        self.assertIn("and 58 more", svg.text)
        cards = page.root.one("section", id="open")
        self.assertEqual(len(cards.all("article")), 50)
        self.assertTrue("and 20 more:" in cards.text)
        reporters = page.root.one("section", id="reporters")
        self.assertEqual(len(reporters.one("tbody").all("tr")), 50)
        self.assertIn("and 20 more", reporters.text)

    def test_many_days_become_weeks(self):
        for age in (1, 2, 3, 300, 399):
            self.store(mails.policy(100, int(age == 3)), age=age)
        self.reindex()
        page = self.page("--since=100000d")
        rows = page.table("Sessions by day")
        self.assertIn(len(rows), (57, 58))
        sums = [row for row in rows if row[1] != "no reports"]
        self.assertEqual(sum(number(row[2]) for row in sums), 501)
        self.assertEqual(sum(number(row[3]) for row in sums), 1)
        self.assertLessEqual(rows[0][0], day(today() - 399 * DAY))

    def test_rate_of_a_thousandth_is_seen(self):
        self.store(mails.policy(99900, 100), age=1)
        self.store(mails.policy(999999, 1), age=2)
        self.store(mails.policy(0, 100), age=3)
        self.store(mails.policy(100, 0), age=4)
        self.reindex()
        page = self.page()
        dots = [float(dot["cy"]) for dot in page.root.all("circle")]
        self.assertEqual(len(dots), 4)
        none, full, little, thousandth = dots
        # Down is none; each stands apart from the next.
        self.assertGreater(none - 5, little)
        self.assertGreater(little - 5, thousandth)
        self.assertGreater(thousandth - 30, full)

    def test_one_day_and_an_until(self):
        for age in (1, 2, 3):
            self.store(mails.policy(100), age=age)
        self.reindex()
        when = day(today() - 2 * DAY)
        rows = self.page(f"--since={when}",
                         f"--until={when}").table("Sessions by day")
        self.assertEqual([row[:3] for row in rows], [[when, "1", "100"]])

    def test_future_and_past(self):
        self.store(mails.policy(100))
        self.reindex()
        for words in (("--since=2999-01-01", "--until=2999-12-31"),
                      ("--since=1970-01-01", "--until=1970-01-01")):
            rows = self.page(*words).table("Sessions by day")
            self.assertEqual([row[1] for row in rows], ["no reports"])

    def test_stale(self):
        for age in (20, 21, 22):
            self.store(mails.policy(10, 90, [mails.failure(sessions=90)]),
                       age=age)
        self.reindex()
        page = self.page()
        self.assertEqual(len(page.root.one("section", id="stale")
                             .all("article")), 1)
        self.assertIn("1 stale", page.root.one("dl", class_="strip").text)

    def test_empty(self):
        self.reindex()
        page = self.page()
        self.assertEqual(page.root.one("h1").text, "TLS reports")
        self.assertIn("no reports yet",
                      page.root.one("dl", class_="strip").text)

    def test_nothing_open(self):
        self.store(mails.policy(100), age=9)
        self.reindex()
        self.assertIn("but no recent reports",
                      self.page().root.one("dl", class_="strip").text)
        self.store(mails.policy(100), age=1)
        self.reindex()
        self.assertIn("all clear",
                      self.page().root.one("dl", class_="strip").text)


class Hostile(Html):
    def test_text_stays_text(self):
        for age in (1, 2):
            self.store(mails.policy(10, 50, [mails.failure(
                HOSTILE[:60], 50, receiving_mx_hostname=HOSTILE)],
                domain=HOSTILE), organization=HOSTILE, age=age)
        self.reindex()
        # The parser knows few elements, and each drawing must be XML.
        page = self.page()
        self.assertNotRegex(page.source,
                            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e"
                            "\u2066-\u2069\ufffe]")
        self.assertEqual(page.root.all("script") + page.root.all("img"), [])
        for caption, name in (("By sender", SEEN), ("By domain", SEEN.lower()),
                              ("By MX", SEEN.lower()),
                              ("By result type", SEEN[:60])):
            row, = page.table(caption)
            self.assertEqual(row[0], name)
        self.assertEqual(page.root.one("head").one("title").text,
                         "TLS reports for " + SEEN.lower())
        for code in page.root.all("code"):
            self.assertNotIn("alert", code.text)
        page = self.page(f"--domain={HOSTILE.replace(chr(0), '')}")
        self.assertIn("<script>", page.root.one("h1").text)

    def test_sums_that_overflow(self):
        self.store(mails.policy(2 ** 64 - 1, 2 ** 64 - 1))
        self.reindex()
        self.page()


class Contrast(Html):
    """WCAG 2: 4.5 for text, 3 for what is drawn, in both schemes."""

    TEXT = [*((ink, ground) for ink in ("ink", "muted", "link")
              for ground in ("page", "surface")), ("ink", "code"),
            *((kind, f"{kind}-soft")
              for kind in ("err", "warning", "notice", "ok"))]
    DRAWN = [(kind, "surface") for kind in (
        "bar", "failed", "err", "warning-mark", "notice", "ok")]

    @staticmethod
    def luminance(colour):
        parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), parts))

    def test_contrast(self):
        self.reindex()
        style = self.page().root.one("style").text
        light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
                       for block in re.findall(r":root \{(.*?)\}", style,
                                               re.DOTALL)[:2])
        self.assertEqual(light.keys(), dark.keys())
        for name, scheme in (("light", light), ("dark", dark)):
            for least, pairs in ((4.5, self.TEXT), (3, self.DRAWN)):
                for ink, ground in pairs:
                    with self.subTest(scheme=name, ink=ink, ground=ground):
                        lights = sorted(self.luminance(scheme[colour])
                                        for colour in (ink, ground))
                        self.assertGreaterEqual(
                            (lights[1] + 0.05) / (lights[0] + 0.05), least)


class Usage(Html):
    def test_help(self):
        done = self.run_html("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout.startswith(
            b"usage: tlsrpt html [-c FILE]"), done)

    def test_wrong(self):
        for words in (("x",), ("--format=json",), ("--by=day",), ("--all",),
                      ("--since=x",),
                      ("--since=2026-02-12", "--until=2026-02-11")):
            done = self.run_html(*words)
            self.assertEqual((done.returncode, done.stdout), (64, b""), words)

    def test_no_index(self):
        done = self.run_html()
        self.assertEqual((done.returncode, done.stdout), (69, b""))
        self.assertIn(b'"tlsrpt reindex"', done.stderr)

    def test_damaged_index(self):
        self.state.write_text("not a database\n" * 1000)
        done = self.run_html()
        self.assertEqual((done.returncode, done.stdout), (69, b""))

    def test_full_disk(self):
        self.reindex()
        with open("/dev/full", "w", encoding="ascii") as full:
            done = self.run_html(capture_output=False, stdout=full,
                                 stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 74)


@unittest.skipIf(chromium.program() is None, "chromium is not installed")
class Browser(Html):
    """As a browser sees it: quiet, whole, and no wider than a phone."""

    def look_at(self, tab, path, width, scheme):
        before = len(tab.events)
        tab.look(width, scheme)
        tab.open(path)
        tab.value("document.querySelectorAll('details')"
                  ".forEach(details => details.open = true)")
        self.assertLessEqual(
            tab.value("document.documentElement.scrollWidth"), width)
        self.assertEqual(tab.value("document.compatMode"), "CSS1Compat")
        # Every drawing is there, and inks are those of the scheme.
        self.assertGreater(tab.value(
            "Math.min(...[...document.querySelectorAll('svg[role]')]"
            ".map(svg => svg.getBoundingClientRect().width))"), width / 4)
        is_dark = tab.value(
            "getComputedStyle(document.body).backgroundColor"
            ".match(/\\d+/g).every(part => part < 64)")
        self.assertEqual(is_dark, scheme == "dark")
        events = tab.events[before:]
        self.assertEqual([event for event in events if event["method"] in (
            "Log.entryAdded", "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown")], [])
        self.assertEqual(
            {event["params"]["request"]["url"] for event in events
             if event["method"] == "Network.requestWillBeSent"},
            {f"file://{path}"})

    def test_page(self):
        Truth(8, SENDERS, DOMAINS).store(self.archive)
        long = "a-name-without-any-place-to-break." * 7
        for age in (1, 2):
            self.store(mails.policy(10, 50, [mails.failure(
                HOSTILE[:60], 50, receiving_mx_hostname=HOSTILE)],
                domain=HOSTILE), organization=HOSTILE, age=age)
            self.store(mails.policy(10, 50, [mails.failure(
                "x" * 63, 50, receiving_mx_hostname=long)], domain=long),
                organization=long.replace(".", "W"), age=age)
        self.reindex()
        path = self.dir / "page.html"
        path.write_bytes(self.run_html().stdout)
        with chromium.Chromium() as tab:
            for width in (390, 1200):
                for scheme in ("light", "dark"):
                    with self.subTest(width=width, scheme=scheme):
                        self.look_at(tab, path, width, scheme)
            self.assertIsNone(tab.value("document.querySelector('script,img')"))
            # Nothing is cut off below: an empty picture would be small.
            picture = self.dir / "page.png"
            tab.picture(picture)
            self.assertGreater(picture.stat().st_size, 50000)


if __name__ == "__main__":
    unittest.main()
