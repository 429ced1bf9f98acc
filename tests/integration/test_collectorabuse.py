"""tlsrpt-collector, and strangers that make the most of what they may do."""

from collectorcase import (CollectorCase, JSON, PATH, TOKEN, mails)


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
