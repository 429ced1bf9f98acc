"""The golden mails: add_all() registers every one in build.GOLDEN."""
from . import gateways, malformed, others, senders, texts


def add_all():
    for module in (senders, gateways, texts, malformed, others):
        module.add()
