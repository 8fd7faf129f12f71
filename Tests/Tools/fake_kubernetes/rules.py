# SPDX-License-Identifier: Apache-2.0
"""Rules: objects that say which requests they are about, and what is done about them.

A rule is about a request when these fit, each of which may be left out:

    method       POST
    path         a regular expression, searched in path and query
    nth          1, or [1, 3]: which of the requests that fit otherwise, counted from 1
    times        the first so many of them
    probability  a share of them, drawn from `seed`

`name` is for the log. What else a rule may say is the affair of who obeys it. The first rule that is
about a request counts.
"""

import random
import re

COMMON = {"method", "path", "nth", "times", "probability", "seed", "name"}


class Rule:
    """One rule, and how often it fitted."""

    # What it may say beside COMMON.
    EFFECTS = frozenset()

    def __init__(self, fields):
        unknown = set(fields) - COMMON - self.EFFECTS
        if unknown:
            raise ValueError(f"a rule has no {', '.join(sorted(unknown))}")
        self.fields = fields
        self.path = re.compile(fields.get("path", ""))
        self.random = random.Random(fields.get("seed", 0))
        self.fitted = 0
        self.used = 0

    def __getattr__(self, name):
        if name in COMMON or name in type(self).EFFECTS:
            return self.fields.get(name)
        raise AttributeError(name)

    def fits(self, request):
        """Whether it could be about the request, how often it was about others aside."""
        return self.method in (None, request.method) and self.path.search(request.target)

    def is_about(self, request):
        if not self.fits(request):
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


class Rules:
    """All rules."""

    def __init__(self, kind, rules=()):
        self.rules = [kind(fields) for fields in rules]

    def find(self, request):
        return next((rule for rule in self.rules if rule.is_about(request)), None)

    def used(self):
        return [{**rule.fields, "fitted": rule.fitted, "used": rule.used} for rule in self.rules]
