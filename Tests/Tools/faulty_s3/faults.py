# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a client and an S3 server, by rules (rules.py). Beside what is said there, a
rule is about a request when these fit:

    operation    "PutObject", or several: the API reference's names
    key          a regular expression, searched in the key as it is, not encoded
    part         the number of a part
    signer       the id of the key that the request is signed with

and may say, in the order in which it happens:

    delay        seconds before anything else
    cut_sent     after so many bytes of the request's body the connection is reset, and nothing is done
    flip_sent    the byte of the request's body that is changed on its way (negative: from its end)
    without      names of the request's fields that the server is not to see: it knows nothing of them
    skew         so many seconds the server's clock is off: it refuses who differs by 15 minutes
    page         so many keys a page of a list has at most
    committed    true: what was asked is done first, and all that follows is about its answer alone
    reset        true: the connection is reset instead of an answer
    status       an answer instead of the server's own; with `code`, `message`, `headers`, or a literal
                 `body`. 200 with a code is the error that comes after a 200
    headers      fields of the server's answer that are replaced; null removes one
    flip         the byte of the answer's body that is changed
    rest         "gone": a body that is whole by its headers, and is short (see `cut`)
    cut          so many bytes of the body, and then a reset; with `rest`, and then a proper end
    drip         bytes a second at which the body comes

What spoils a body counts as used, and for `nth` and `times`, where there was one to spoil.
"""

import re

import rules


class Rule(rules.Rule):
    """What a client of an S3 server meets."""

    EFFECTS = frozenset(
        ("operation", "key", "part", "signer", "delay", "cut_sent", "flip_sent", "without", "skew")
        + ("page", "committed")
        + ("reset", "status", "code", "message", "headers", "body", "flip", "rest", "cut", "drip")
    )

    def __init__(self, fields):
        super().__init__(fields)
        self.key = re.compile(fields.get("key", ""))
        known = fields.get("operation")
        self.operations = {known} if isinstance(known, str) else known and set(known)

    def fits(self, call):
        return (
            super().fits(call)
            and (not self.operations or call.operation in self.operations)
            and self.key.search(call.key)
            and self.part in (None, call.part)
            and self.signer in (None, call.signer)
        )

    def take_back(self):
        """It was about a request, and nothing came of it: then it is not counted."""
        self.fitted -= 1
        self.used -= 1

    def strikes(self, call, answer):
        """Whether anything comes of it: what spoils bodies needs one that somebody wants."""
        spoils = (self.flip_sent, self.flip, self.cut, self.drip)
        if all(effect is None for effect in spoils):
            return True
        wanted = answer.body if answer.status < 300 and call.method == "GET" else b""
        return bool(
            (self.flip_sent is not None and call.request.body)
            or (self.flip is not None and wanted)
            or (self.cut is not None and len(wanted) > self.cut)
            or (self.drip and wanted)
        )


class Faults(rules.Rules):
    """All rules."""

    def __init__(self, given=()):
        super().__init__(Rule, given)

    def find(self, call):
        return next((rule for rule in self.rules if rule.cut_sent is None and rule.is_about(call)), None)

    def find_cut(self, call, size):
        """The rule by which a request with a body of that size does not come to its end."""
        cutting = (r for r in self.rules if r.cut_sent is not None and r.cut_sent < size)
        return next((rule for rule in cutting if rule.is_about(call)), None)
