# SPDX-License-Identifier: Apache-2.0
"""What happens to each request."""

import asyncio
import datetime
import email.utils
import json
import time
import urllib.parse
from xml.sax.saxutils import escape

from faults import Faults
from operations import Call
from serving import Reset
from signing import sign_anew
from upstream import Answer, Upstream

# How far a client's clock may be from the server's (API reference, RequestTimeTooSkewed), seconds.
TOLERANCE = 15 * 60


class Proxy:
    """The requests of clients, and `/_…`, which are for whoever runs this."""

    def __init__(self, url):
        self.upstream = Upstream(url)
        self.faults = Faults()
        self.log = []
        self.keys = {}
        self.server = None

    async def handle(self, request, connection):
        if request.path.startswith("/_"):
            return await self.control(request, connection)
        call = Call(request)
        rule = self.faults.find(call)
        entry = self.note(call, rule)
        if rule is None:
            answer = await self.upstream.ask(request)
        else:
            answer = await self.obey(rule, call)
        entry["status"] = answer.status
        if rule and not rule.strikes(call, answer):
            rule.take_back()
            rule = None
        await self.send(answer, rule, call, connection)

    def breaks_off(self, request, size):
        """After how many bytes of its body the request's connection breaks; None for never."""
        if request.path.startswith("/_"):
            return None
        call = Call(request)
        rule = self.faults.find_cut(call, size)
        if rule is None:
            return None
        self.note(call, rule)
        return rule.cut_sent

    def note(self, call, rule):
        entry = {
            "at": round(time.time(), 4),
            "operation": call.operation,
            "key": call.key,
            "sent": len(call.request.body),
            "status": None,
        }
        if call.part is not None:
            entry["part"] = call.part
        if rule:
            entry["rule"] = rule.name or True
        self.log.append(entry)
        return entry

    # What comes back

    async def obey(self, rule, call):
        request = call.request
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.flip_sent is not None:
            request.body = flipped(request.body, rule.flip_sent)
        if rule.without:
            names = {name.lower() for name in rule.without}
            request.headers = {n: v for n, v in request.headers.items() if n not in names}
            sign_anew(request)
        if rule.skew:
            if late(request, rule.skew):
                return error(403, "RequestTimeTooSkewed", "the clocks differ", call, dated(rule.skew))
            sign_anew(request)
        if rule.page:
            shorten_page(request, rule.page)
        answer = None
        if rule.committed or not (rule.reset or rule.status):
            answer = await self.upstream.ask(request)
        if rule.reset:
            raise Reset
        if rule.status:
            answer = invented(rule, call)
        if rule.skew:
            answer.headers = replaced(answer.headers, dict(dated(rule.skew)))
        if rule.headers and not rule.status:
            answer.headers = replaced(answer.headers, rule.headers)
        if rule.flip is not None and rule.strikes(call, answer):
            answer.body = flipped(answer.body, rule.flip)
        return answer

    async def send(self, answer, rule, call, connection):
        body, length, cut = answer.body, answer.length, rule.cut if rule else None
        if cut is not None:
            body = body[:cut]
            if rule.rest == "gone":
                length, cut = len(body), None
        writer = connection.writer
        fields = [*answer.headers, ("Content-Length", str(length))]
        lines = [f"HTTP/1.1 {answer.status} Answer", *(f"{name}: {value}" for name, value in fields)]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if call.method != "HEAD":
            await drip(writer, body, rule and rule.drip)
        await writer.drain()
        if cut is not None:
            # What was written before has to arrive before the reset does.
            await asyncio.sleep(0.05)
            raise Reset

    # For whoever runs this

    def fresh_keys(self):
        """What was put there, as a service of a cloud hands it out: it ends `lifetime` seconds from now."""
        keys = dict(self.keys)
        seconds = time.time() + keys.pop("lifetime", 3600)
        return {**keys, "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))}

    async def control(self, request, connection):
        if request.path == "/_rules" and request.method == "PUT":
            try:
                self.faults = Faults(request.json())
            except ValueError as wrong:
                return await connection.answer(400, json.dumps(str(wrong)).encode())
        if request.path == "/_log" and request.method == "DELETE":
            self.log = []
        if request.path == "/_close":
            asyncio.get_running_loop().create_task(self.server.close_for(request.json()))
        if request.path == "/_keys" and request.method == "PUT":
            self.keys = request.json()
        known = {"/_rules": self.faults.used, "/_log": lambda: self.log, "/_keys": self.fresh_keys}
        found = known.get(request.path, dict)()
        await connection.answer(200, json.dumps(found).encode())


def late(request, skew):
    text = request.headers.get("x-amz-date", "19700101T000000Z")
    sent = datetime.datetime.strptime(text + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    return abs(sent - (time.time() + skew)) > TOLERANCE


def dated(skew):
    return [("Date", email.utils.formatdate(time.time() + skew, usegmt=True))]


def shorten_page(request, keys):
    path, _, query = request.target.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    pairs = [(n, v) for n, v in pairs if n != "max-keys"] + [("max-keys", str(keys))]
    request.target = f"{path}?{urllib.parse.urlencode(sorted(pairs), errors='surrogateescape')}"
    sign_anew(request)


def invented(rule, call):
    headers = list((rule.headers or {}).items())
    if rule.body is not None:
        return Answer(rule.status, headers, rule.body.encode())
    if rule.status == 200 and not rule.code:
        return Answer(200, headers, b"")
    return error(rule.status, rule.code or "InternalError", rule.message, call, headers)


def error(status, code, message, call, headers=()):
    words = f"<Code>{escape(code)}</Code><Message>{escape(message or 'by a rule')}</Message>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{words}<RequestId>faulty</RequestId></Error>'
    body = b"" if call.method == "HEAD" else text.encode()
    return Answer(status, [("Content-Type", "application/xml"), *headers], body)


def replaced(headers, changes):
    names = {name.lower() for name in changes}
    kept = [(name, value) for name, value in headers if name.lower() not in names]
    return kept + [(name, value) for name, value in changes.items() if value is not None]


def flipped(body, place):
    if not body:
        return body
    changed = bytearray(body)
    changed[place if -len(body) <= place < len(body) else -1] ^= 1
    return bytes(changed)


async def drip(writer, body, rate):
    if not rate:
        writer.write(body)
        return
    step = max(1, rate // 10)
    for start in range(0, len(body), step):
        writer.write(body[start : start + step])
        await writer.drain()
        await asyncio.sleep(step / rate)
