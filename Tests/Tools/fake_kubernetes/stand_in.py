# SPDX-License-Identifier: Apache-2.0
"""Does in a bucket what the worker does at the end of a pod: outputs, a report, and the result.

No tool runs. Each declared output becomes a line that names it and the run, the exit code is 0, and
the result is put on condition that there is none, as the worker does it. The store is the one that
the pod's own arguments name, over plain http; requests are signed where the environment has keys.
"""

import asyncio
import datetime
import hashlib
import hmac
import json
import os
import secrets
import urllib.parse

CRC64NVME = 0x9A6C9329AC4BC9B5
CONNECTIONS = 32


class Worker:
    """The stand-in for every pod's worker."""

    def __init__(self):
        self.stores = {}

    async def work(self, pod, log):
        """Commits the run of this pod, unless it has a result."""
        container, options = find_options(pod)
        location = json.loads(options["storage"])
        store = self.stores.setdefault(options["storage"], None) or Store(location)
        self.stores[options["storage"]] = store
        spec_key = options["spec"]
        bytes_of_spec = (await store.send("GET", spec_key))[1]
        if hashlib.sha256(bytes_of_spec).hexdigest() != options["spec-sha256"]:
            raise ValueError(f"{spec_key} is not what was promised")
        spec = json.loads(bytes_of_spec)
        attempt = f"{pod['metadata']['uid']}-{secrets.token_hex(4)}"
        folder = spec_key.removesuffix("spec.json")
        data = folder.replace("jobs/", "data/", 1) if folder.startswith("jobs/") else None
        data = data or folder.replace("/jobs/", "/data/", 1)
        files = []
        for path, content in contents(spec):
            key = f"{data}{attempt}/{len(files)}"
            await store.send("PUT", key, content)
            files.append(entry(path, content, key))
        report = dump(report_of(spec, attempt, options["spec-sha256"], files))
        await store.send("PUT", f"{folder}attempts/{attempt}/report.json", report)
        digest = hashlib.sha256(report).hexdigest()
        committed = {"committed": {"attempt": attempt, "reportSHA256": digest}}
        result = dump({"run": spec["run"], "verdict": committed, "version": 1})
        await store.send("PUT", f"{folder}result.json", result, {"if-none-match": "*"})
        log(container, '{"gs3":"result"}')


def find_options(pod):
    """The container that commits, and its command line's options by name."""
    containers = {c["name"]: c for c in pod["spec"]["containers"]}
    container = containers.get("push") or containers["tool"]
    words = [word.replace("$$", "$") for word in container["args"]]
    names = [word.removeprefix("--") for word in words]
    return container["name"], {n: words[i + 1] for i, n in enumerate(names[:-1]) if n != words[i]}


def contents(spec):
    """What a tool would have left."""
    yield spec["job"]["exitCode"], b"0\n"
    for output in spec["outputs"]:
        yield output["path"], f"{output['name']} of run {spec['run']}\n".encode()


def entry(path, content, key):
    return {
        "digest": f"{crc64nvme(content):016x}",
        "location": {"key": key},
        "mode": "644",
        "modified": "1700000000.000000000",
        "path": path,
        "size": len(content),
    }


def report_of(spec, attempt, spec_sha256, files):
    tool = {"cpuSeconds": 0, "end": "ended", "exitCode": 0, "scriptStatus": 0, "seconds": 0}
    empty = ("directories", "links", "packs", "phases", "refused", "lost")
    return {
        **{name: [] for name in empty},
        "attempt": attempt,
        "files": sorted(files, key=lambda file: str(file["path"])),
        "run": spec["run"],
        "specSHA256": spec_sha256,
        "tool": {**tool, "peakResidentBytes": 0},
        "version": 1,
        "worker": "stand-in",
    }


def dump(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def crc64nvme(content):
    value = 0xFFFFFFFFFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (CRC64NVME if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF


class Store:
    """A bucket, addressed by path, over a few kept connections."""

    def __init__(self, location):
        url = urllib.parse.urlsplit(location["endpoint"])
        if url.scheme != "http":
            raise ValueError("the stand-in speaks plain http only")
        self.host, self.port = url.hostname, url.port or 80
        self.authority = url.netloc
        self.bucket = location["bucket"]
        self.region = location.get("region") or "us-east-1"
        self.key = os.environ.get("AWS_ACCESS_KEY_ID")
        self.secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
        self.free = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self.free.put_nowait(None)

    async def send(self, method, key, body=b"", fields=None):
        """Status and body of the answer; a 412 is one, any other refusal an error."""
        connection = await self.free.get()
        try:
            for _ in range(2):
                try:
                    connection = connection or await asyncio.open_connection(self.host, self.port)
                    status, answer = await self.exchange(connection, method, key, body, fields or {})
                    break
                except (ConnectionError, asyncio.IncompleteReadError):
                    connection = None
            else:
                raise ConnectionError(f"{method} {key}: the store does not answer")
        finally:
            self.free.put_nowait(connection)
        if status >= 300 and status != 412:
            raise ConnectionError(f"{method} {key}: {status} {answer[:300]!r}")
        return status, answer

    async def exchange(self, connection, method, key, body, fields):
        reader, writer = connection
        path = "/" + urllib.parse.quote(f"{self.bucket}/{key}", safe="/-_.~")
        fields = {"host": self.authority, "content-length": str(len(body)), **fields}
        if self.secret:
            fields = self.sign(method, path, body, fields)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        answered = dict(line.lower().split(": ", 1) for line in head[1:-2] if ": " in line)
        if answered.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int(await reader.readline(), 16):
                pieces.append(await reader.readexactly(size))
                await reader.readline()
            await reader.readline()
            return status, b"".join(pieces)
        return status, await reader.readexactly(int(answered.get("content-length", 0)))

    def sign(self, method, path, body, fields):
        """AWS Signature Version 4."""
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        fields = {**fields, "x-amz-date": moment, "x-amz-content-sha256": digest}
        signed = ";".join(sorted(fields))
        lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
        canonical = f"{method}\n{path}\n\n{lines}\n{signed}\n{digest}"
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = b"AWS4" + self.secret.encode()
        for part in [*scope.split("/"), text]:
            key = hmac.digest(key, part.encode(), "sha256")
        credential = f"{self.key}/{scope}"
        return {
            **fields,
            "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, "
            f"Signature={key.hex()}",
        }
