# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a client and the API server, by rules (rules.py). A rule may say:

    committed    true: what was asked is done first, and the rule is about its answer alone
    delay        seconds before anything else
    status       an answer instead of the server's own, with `reason`, `message`, `headers`, `details`
    reset        true: the connection is reset instead
    cut          so many bytes of the body (or pieces of a stream), and then a reset
    items        "none": a list without its items
    silent       seconds for which a stream is open and nothing comes; then it ends
    events       "duplicate", "reorder", "stale" (each followed by the version before it) or
                 "expired" (a 410 in the stream, at once)
"""

import rules


class Rule(rules.Rule):
    """What a client of the API server meets."""

    EFFECTS = frozenset(
        ("committed", "delay", "status", "reason", "message", "headers", "details")
        + ("reset", "cut", "items", "silent", "events")
    )


class Faults(rules.Rules):
    """All rules."""

    def __init__(self, given=()):
        super().__init__(Rule, given)


class Disorder:
    """Passes on batches of a watch's events as a rule wants them."""

    def __init__(self, how):
        self.how = how
        self.last = {}

    def __call__(self, batch):
        if self.how == "reorder":
            return list(reversed(batch))
        changed = []
        for event in batch:
            changed.append(event)
            _, kind, item = event
            name = item.object["metadata"]["name"]
            if self.how == "duplicate":
                changed.append(event)
            if self.how == "stale" and kind != "DELETED" and name in self.last:
                changed.append(self.last[name])
            self.last[name] = event
        return changed
