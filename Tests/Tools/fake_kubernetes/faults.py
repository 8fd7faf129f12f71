# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a client and the API server, by rules.

A rule is an object. It is about a request when these fit, each of which may be left out:

    method       POST
    path         a regular expression, searched in path and query
    nth          1, or [1, 3]: which of the requests that fit otherwise, counted from 1
    times        the first so many of them
    probability  a share of them, drawn from `seed`

and says what is done about it:

    committed    true: what was asked is done first, and the rule is about its answer alone
    delay        seconds before anything else
    status       an answer instead of the server's own, with `reason`, `message`, `headers`, `details`
    reset        true: the connection is reset instead
    cut          so many bytes of the body (or pieces of a stream), and then a reset
    items        "none": a list without its items
    silent       seconds for which a stream is open and nothing comes; then it ends
    events       "duplicate", "reorder", "stale" (each followed by the version before it) or
                 "expired" (a 410 in the stream, at once)

The first rule that is about a request counts.
"""

import random
import re

KNOWN = {
    *("method", "path", "nth", "times", "probability", "seed", "name"),
    *("delay", "status", "reason", "message", "headers", "details", "reset", "committed"),
    *("cut", "items", "silent", "events"),
}


class Rule:
    """One rule, and how often it fitted."""

    def __init__(self, fields):
        unknown = set(fields) - KNOWN
        if unknown:
            raise ValueError(f"a rule has no {', '.join(sorted(unknown))}")
        self.fields = fields
        self.path = re.compile(fields.get("path", ""))
        self.random = random.Random(fields.get("seed", 0))
        self.fitted = 0
        self.used = 0

    def __getattr__(self, name):
        if name in KNOWN:
            return self.fields.get(name)
        raise AttributeError(name)

    def is_about(self, request):
        if self.method not in (None, request.method) or not self.path.search(request.target):
            return False
        self.fitted += 1
        wanted = [self.nth] if isinstance(self.nth, int) else self.nth
        if wanted is not None and self.fitted not in wanted:
            return False
        if self.times is not None and self.fitted > self.times:
            return False
        if self.probability is not None and self.random.random() >= self.probability:
            return False
        self.used += 1
        return True


class Faults:
    """All rules."""

    def __init__(self, rules=()):
        self.rules = [Rule(fields) for fields in rules]

    def find(self, request):
        return next((rule for rule in self.rules if rule.is_about(request)), None)

    def used(self):
        return [{**rule.fields, "fitted": rule.fitted, "used": rule.used} for rule in self.rules]


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
