# SPDX-License-Identifier: Apache-2.0
"""Objects of one kind as an API server keeps them: with versions, lists in pages, and watches."""

import asyncio
import collections
import datetime
import json
import re
import uuid

# How many events a watch can go back.
MEMORY = 20_000


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Refused(Exception):
    """What the server says instead of doing what was asked: a Status."""

    def __init__(self, code, reason, message, details=None, headers=()):
        super().__init__(message)
        self.code = code
        self.headers = headers
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        }


class Selector:
    """A label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`."""

    TERM = re.compile(r"\s*(!?)([^\s=!,()]+)\s*(?:(=|==|!=)\s*([^,]*)|(in|notin)\s*\(([^)]*)\))?\s*(?:,|$)")

    def __init__(self, text):
        self.terms = []
        position = 0
        while position < len(text):
            match = self.TERM.match(text, position)
            if not match:
                raise Refused(400, "BadRequest", f'unable to parse requirement: "{text}"')
            absent, name, operator, value, word, values = match.groups()
            wanted = [value.strip()] if operator else [v.strip() for v in (values or "").split(",")]
            self.terms.append((name, absent or operator or word or "exists", wanted))
            position = match.end()

    def matches(self, labels):
        return all(self.holds(labels, *term) for term in self.terms)

    @staticmethod
    def holds(labels, name, operator, values):
        if operator == "!":
            return name not in labels
        if operator == "exists":
            return name in labels
        if operator in ("!=", "notin"):
            return labels.get(name) not in values
        return labels.get(name) in values


class Versions:
    """One count for all objects, as etcd has it."""

    def __init__(self):
        self.last = 100

    def next(self):
        self.last += 1
        return self.last


class Item:
    """One version of an object, as it is sent."""

    def __init__(self, item):
        self.object = item
        self.labels = item["metadata"].get("labels") or {}
        self.data = json.dumps(item, separators=(",", ":")).encode()


class Watch:
    """What has happened since a version, and has not been sent yet."""

    def __init__(self, selector):
        self.selector = selector
        self.waiting = collections.deque()
        self.bell = asyncio.Event()

    def offer(self, version, kind, item):
        if self.selector.matches(item.labels):
            self.waiting.append((version, kind, item))
            self.bell.set()

    async def batch(self, seconds):
        """What has come by now, or comes within so many seconds."""
        if not self.waiting:
            self.bell.clear()
            try:
                await asyncio.wait_for(self.bell.wait(), seconds)
            except TimeoutError:
                pass
        batch = list(self.waiting)
        self.waiting.clear()
        return batch


class Collection:
    """All objects of one kind in the namespace."""

    def __init__(self, versions, kind, plural, group, api_version):
        self.versions = versions
        self.kind = kind
        self.plural = plural
        self.group = group
        self.api_version = api_version
        self.items = {}
        self.history = collections.deque(maxlen=MEMORY)
        self.forgotten = 0
        self.watches = set()
        self.pages = {}

    @property
    def resource(self):
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def details(self, name):
        details = {"name": name, "kind": self.plural}
        return {**details, "group": self.group} if self.group else details

    # One object

    def find(self, name):
        item = self.items.get(name)
        return item.object if item else None

    def get(self, name):
        if name not in self.items:
            message = f'{self.resource} "{name}" not found'
            raise Refused(404, "NotFound", message, self.details(name))
        return self.items[name].object

    def add(self, item):
        metadata = item["metadata"]
        name = metadata["name"]
        if old := self.find(name):
            words = f'{self.resource} "{name}" already exists'
            if old["metadata"].get("deletionTimestamp"):
                words = "object is being deleted: " + words
            raise Refused(409, "AlreadyExists", words, self.details(name))
        item["kind"] = self.kind
        item["apiVersion"] = self.api_version
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", now())
        return self.record("ADDED", item)

    def update(self, item):
        """Keeps another version of the object, if it is still there."""
        old = self.find(item["metadata"]["name"])
        if old and old["metadata"]["uid"] == item["metadata"]["uid"]:
            self.record("MODIFIED", item)

    def remove(self, item):
        name = item["metadata"]["name"]
        old = self.find(name)
        if old and old["metadata"]["uid"] == item["metadata"]["uid"]:
            self.record("DELETED", item)
            del self.items[name]

    def record(self, kind, item):
        version = self.versions.next()
        item["metadata"]["resourceVersion"] = str(version)
        kept = Item(item)
        self.items[item["metadata"]["name"]] = kept
        if len(self.history) == self.history.maxlen:
            self.forgotten = self.history[0][0]
        self.history.append((version, kind, kept))
        for watch in self.watches:
            watch.offer(version, kind, kept)
        return item

    # Many objects

    def expired(self, text):
        return Refused(410, "Expired", text)

    def forget(self):
        """Forgets what happened before now, and every list that has begun, as etcd does in time."""
        self.forgotten = self.versions.last
        self.history.clear()
        self.pages.clear()

    def list(self, selector, fields, limit, token):
        """One page as bytes."""
        if token is None:
            version = self.versions.last
            found = [
                item
                for item in self.items.values()
                if selector.matches(item.labels) and has_fields(item.object, fields)
            ]
        elif token in self.pages:
            version, found = self.pages.pop(token)
        else:
            raise self.expired("The provided continue parameter is too old to display a consistent list")
        metadata = {"resourceVersion": str(version)}
        if limit and len(found) > limit:
            metadata["continue"] = token = str(uuid.uuid4())
            metadata["remainingItemCount"] = len(found) - limit
            self.pages[token] = (version, found[limit:])
            found = found[:limit]
        page = json.dumps(
            {"kind": self.kind + "List", "apiVersion": self.api_version, "metadata": metadata}
        ).encode()
        return page[:-1] + b',"items":[' + b",".join(item.data for item in found) + b"]}"

    def watch(self, selector, since):
        """A watch that begins after version `since`; with none, with what there is."""
        watch = Watch(selector)
        if since in (None, "", "0"):
            for item in self.items.values():
                watch.offer(int(item.object["metadata"]["resourceVersion"]), "ADDED", item)
        else:
            if int(since) < self.forgotten:
                raise self.expired(f"too old resource version: {since} ({self.forgotten})")
            for event in self.history:
                if event[0] > int(since):
                    watch.offer(*event)
        self.watches.add(watch)
        return watch


def has_fields(item, fields):
    """Whether an object has the fields that a field selector of equalities names."""
    for term in filter(None, (fields or "").split(",")):
        path, _, value = term.partition("=")
        found = item
        for name in path.split("."):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        if found != value.removeprefix("="):
            return False
    return True
