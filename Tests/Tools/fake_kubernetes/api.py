# SPDX-License-Identifier: Apache-2.0
"""What the API server says to each request, and what the rules make of it."""

import asyncio
import collections
import json
import time

from discovery import DOCUMENTS
from faults import Disorder, Faults
from objects import Refused, Selector
from serving import Reset
from shapes import VERSIONS

HEARTBEAT = 5.0


class API:
    """The requests of clients, and `/_…`, which are for whoever runs the fake."""

    def __init__(self, cluster, bookmark_seconds=60):
        self.cluster = cluster
        self.bookmark_seconds = bookmark_seconds
        self.faults = Faults()
        self.requests = []
        self.server = None

    async def handle(self, request, connection):
        if request.path.startswith("/_"):
            return await self.control(request, connection)
        rule = self.faults.find(request)
        entry = self.note(request, rule)
        if rule and rule.committed:
            self.commit(request)
        if rule and rule.delay:
            await asyncio.sleep(rule.delay)
        if rule and (rule.reset or rule.status):
            if rule.reset:
                raise Reset
            words = rule.message or "a rule of the fake says so"
            refused = Refused(rule.status, rule.reason or "", words, rule.details)
            entry["status"] = rule.status
            headers = list((rule.headers or {}).items())
            return await connection.answer(rule.status, dump(refused.status), headers)
        cut = rule.cut if rule else None
        try:
            if (kind := verb(request)) == "watch":
                await connection.stream(self.watch(request, rule), cut=cut)
            elif kind == "log":
                await connection.stream(self.log(request), kind="text/plain", cut=cut)
            else:
                body = self.answer(request)
                if rule and rule.items == "none":
                    body = dump({**json.loads(body), "items": []})
                await connection.answer(201 if kind == "create" else 200, body, cut=cut)
        except Refused as refused:
            entry["status"] = refused.code
            await connection.answer(refused.code, dump(refused.status), refused.headers)

    def note(self, request, rule):
        entry = {
            "at": round(time.time(), 4),
            "verb": verb(request),
            "resource": resource(request),
            "method": request.method,
            "target": request.target,
            "status": 200,
        }
        if rule:
            entry["rule"] = rule.name or True
        self.requests.append(entry)
        return entry

    def commit(self, request):
        """Does what was asked, whatever comes of it."""
        try:
            self.answer(request)
        except Refused:
            pass

    # Answers read whole

    def answer(self, request):
        if "protobuf" in request.headers.get("content-type", ""):
            raise Refused(415, "UnsupportedMediaType", "the fake reads JSON")
        if request.path in DOCUMENTS:
            return dump(DOCUMENTS[request.path])
        if request.path == "/version":
            return dump(VERSIONS[self.cluster.shapes.version])
        if request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            return dump({**request.json(), "status": {"allowed": True, "reason": "the fake allows all"}})
        collection, name, _ = self.place(request)
        if request.method == "GET" and not name:
            return self.list(collection, request)
        if request.method == "GET":
            return dump(collection.get(name))
        if request.method == "POST" and not name and collection is self.cluster.jobs:
            is_rehearsal = request.query.get("dryRun") == "All"
            return dump(self.cluster.create_job(request.json(), is_rehearsal))
        if request.method == "DELETE" and name and collection is not self.cluster.events:
            return dump(self.cluster.delete(collection, name, request.json()))
        if request.method == "PATCH" and name and collection is self.cluster.jobs:
            return dump(self.cluster.patch(collection, name, request.json()))
        raise Refused(405, "MethodNotAllowed", "the fake does not do that")

    def list(self, collection, request):
        selector = Selector(request.query.get("labelSelector", ""))
        fields, token = request.query.get("fieldSelector"), request.query.get("continue")
        return collection.list(selector, fields, request.number("limit"), token)

    def place(self, request):
        """Which objects a path is about: their collection, a name, a subresource."""
        parts = request.path.strip("/").split("/")
        roots = {
            ("apis", "batch", "v1"): {"jobs": self.cluster.jobs},
            ("api", "v1"): {"pods": self.cluster.pods, "events": self.cluster.events},
        }
        for root, known in roots.items():
            size = len(root)
            if tuple(parts[:size]) != root or len(parts) < size + 3 or parts[size] != "namespaces":
                continue
            namespace, kind = parts[size + 1 : size + 3]
            if kind not in known:
                break
            if namespace != self.cluster.namespace:
                details = {"name": namespace, "kind": "namespaces"}
                raise Refused(404, "NotFound", f'namespaces "{namespace}" not found', details)
            name, subresource = (parts[size + 3 :] + ["", ""])[:2]
            return known[kind], name, subresource
        raise Refused(404, "NotFound", "the server could not find the requested resource")

    # Streams

    def watch(self, request, rule):
        """Events as lines, until the time that was asked for is over."""
        collection, _, _ = self.place(request)
        return self.events(collection, request, rule)

    async def events(self, collection, request, rule):
        end = time.monotonic() + (request.number("timeoutSeconds") or 1800)
        if rule and rule.silent:
            await asyncio.sleep(min(rule.silent, end - time.monotonic()))
            return
        selector = Selector(request.query.get("labelSelector", ""))
        disorder = Disorder(rule.events if rule else None)
        try:
            if disorder.how == "expired":
                raise collection.expired("a rule of the fake says so")
            watch = collection.watch(selector, request.query.get("resourceVersion"))
        except Refused as refused:
            yield line("ERROR", dump(refused.status))
            return
        try:
            async for piece in self.batches(collection, watch, request, disorder, end):
                yield piece
        finally:
            collection.watches.discard(watch)

    async def batches(self, collection, watch, request, disorder, end):
        has_bookmarks = request.flag("allowWatchBookmarks")
        bookmark = time.monotonic() + self.bookmark_seconds
        while (left := end - time.monotonic()) > 0:
            batch = await watch.batch(min(left, HEARTBEAT))
            if disorder.how == "reorder" and batch:
                await asyncio.sleep(0.2)
                batch += await watch.batch(0)
            if batch:
                yield b"".join(line(kind, item.data) for _, kind, item in disorder(batch))
            elif has_bookmarks and time.monotonic() >= bookmark:
                bookmark = time.monotonic() + self.bookmark_seconds
                metadata = {"resourceVersion": str(collection.versions.last), "creationTimestamp": None}
                mark = {"kind": collection.kind, "apiVersion": collection.api_version}
                yield line("BOOKMARK", dump({**mark, "metadata": metadata}))

    def log(self, request):
        """A container's lines, from those that are there on."""
        collection, name, _ = self.place(request)
        pod = collection.get(name)
        container = request.query.get("container", "")
        self.check_log(pod, container)
        return self.lines(self.cluster.log(pod, container), request)

    @staticmethod
    async def lines(log, request):
        since = request.query.get("sinceTime", "")
        lines = [entry for entry in log.lines if entry[0][:19] >= since[:19]]
        sent = len(log.lines)
        if (tail := request.number("tailLines")) is not None:
            lines = lines[len(lines) - min(tail, len(lines)) :]
        has_times = request.flag("timestamps")
        while True:
            for moment, text in lines:
                yield (f"{moment} {text}\n" if has_times else f"{text}\n").encode()
            if log.is_over or not request.flag("follow"):
                if sent == len(log.lines):
                    return
            elif sent == len(log.lines):
                await log.bell.wait()
            lines, sent = log.lines[sent:], len(log.lines)

    def check_log(self, pod, container):
        """Refuses a log that is not there yet, in the server's own words."""
        name = pod["metadata"]["name"]
        spec, status = pod["spec"], pod["status"]
        if container not in [c["name"] for c in spec.get("initContainers", []) + spec["containers"]]:
            raise Refused(400, "BadRequest", f"container {container} is not valid for pod {name}")
        found = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        state = next((c["state"] for c in found if c["name"] == container), {"waiting": {}})
        if "waiting" in state:
            why = state["waiting"].get("reason", "ContainerCreating")
            words = f'container "{container}" in pod "{name}" is waiting to start: {why}'
            raise Refused(400, "BadRequest", words)

    # For whoever runs the fake

    async def control(self, request, connection):
        """GET /_log, GET /_counts; PUT /_rules, /_plays; POST /_reset, /_hold, /_release, /_forget,
        /_close?seconds=N."""
        answer = {}
        what = (request.method, request.path)
        if what == ("GET", "/_log"):
            answer = {"requests": self.requests, "rules": self.faults.used()}
        elif what == ("GET", "/_counts"):
            answer = self.counts()
        elif what == ("PUT", "/_rules"):
            self.faults = Faults(request.json())
        elif what == ("PUT", "/_plays"):
            self.cluster.set_plays(request.json())
        elif what == ("POST", "/_reset"):
            self.cluster.reset()
            self.faults = Faults()
            self.requests.clear()
        elif what == ("POST", "/_hold"):
            self.cluster.hold()
        elif what == ("POST", "/_release"):
            self.cluster.release()
        elif what == ("POST", "/_forget"):
            for collection in (self.cluster.jobs, self.cluster.pods, self.cluster.events):
                collection.forget()
        elif what == ("POST", "/_close"):
            seconds = float(request.query.get("seconds", "1"))
            await connection.answer(200, b"{}")
            asyncio.get_running_loop().create_task(self.server.close_for(seconds))
            return
        else:
            await connection.answer(404, b"{}")
            return
        await connection.answer(200, dump(answer))

    def counts(self):
        """How many requests came, and how many objects there are."""
        requests = collections.Counter(f"{e['verb']} {e['resource']}" for e in self.requests)
        phases = collections.Counter(
            item.object["status"].get("phase", "") for item in self.cluster.pods.items.values()
        )
        return {"requests": requests, "jobs": len(self.cluster.jobs.items), "pods": phases}


def verb(request):
    """What a request is in the words of RBAC; `log` for a pod's log."""
    if request.method == "GET":
        if request.path.endswith("/log"):
            return "log"
        if request.flag("watch"):
            return "watch"
        return "list" if request.path.endswith(("/jobs", "/pods", "/events")) else "get"
    return {"POST": "create", "PATCH": "patch", "DELETE": "delete"}.get(request.method, "other")


def resource(request):
    parts = request.path.strip("/").split("/")
    known = ("jobs", "pods", "events", "selfsubjectaccessreviews", "version")
    return next((part for part in reversed(parts) if part in known), request.path)


def dump(document):
    return json.dumps(document, separators=(",", ":")).encode()


def line(kind, data):
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), data)
