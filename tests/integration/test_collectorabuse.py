"""tlsrpt-collector, and strangers that make the most of what they may do."""

from collectorcase import (CollectorCase, JSON, PATH, TOKEN, lab, mails)


def text_of(rep=None):
    return mails.text_of(rep or mails.report())


class Vouching(CollectorCase):
    def test_token_vouches_for_nothing_without_its_domain(self):
        """Its domain is to be in the report, and no other."""
        collector = self.collector(PathSecret=f"example.test {TOKEN}",
                                   RequireAuth="yes")
        nameless = mails.policy()
        del nameless["policy"]["policy-domain"]
        empty = mails.policy(domain="")
        other = mails.policy(domain="other.test")
        for policies in ([nameless], [empty], [nameless, empty],
                         [mails.policy(), other], [other, mails.policy()]):
            text = text_of(mails.report(*policies))
            self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"),
                             201)
        text = text_of(mails.report() | {"policies": []})
        self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"), 201)
        self.assertEqual(collector.records(), [])
        # Beside one that names it, one that names none is no harm.
        text = text_of(mails.report(nameless, mails.policy()))
        self.assertEqual(collector.post(text, JSON, f"{PATH}/{TOKEN}"), 201)
        self.assertEqual(collector.only_record()["auth"], "path")


class Log(CollectorCase):
    def test_trouble_is_told_whatever_strangers_do(self):
        """Lines on what they asked for leave room for those on us."""
        collector = self.collector(RatePerClient="0", MaxBodySize="2M")
        connection = collector.connection()

        def ask(path):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        collector.archive.chmod(0)
        try:
            lab.wait_until(lambda: ask("/healthz") == 503, "trouble")
            told = self.refusals().count((503, "archive"))
            for _ in range(30):
                for _ in range(20):
                    ask("/x")
                self.assertEqual(ask("/healthz"), 503)
        finally:
            collector.archive.chmod(0o755)
        connection.close()
        self.assertEqual(self.refusals().count((503, "archive")), told + 30)
