# SPDX-License-Identifier: Apache-2.0
"""counting_proxy.py KUBECONFIG: plain http on 127.0.0.1 before a real API server, counting requests.

It says who KUBECONFIG says, so whoever uses it needs no credentials. Its first line of output is its
URL. `GET /_counts` tells what came since the last time it was asked.
"""

import asyncio
import collections
import json
import sys

from api import Cluster

counts = collections.Counter()


def kind(method, target):
    """What a request is in the words of RBAC."""
    path, _, query = target.partition("?")
    parts = path.strip("/").split("/")
    if parts[-1] == "log":
        return "get pods/log"
    resource = next((part for part in parts if part in ("jobs", "pods", "events")), path)
    verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
    reading = "watch" if "watch=true" in query else "list" if parts[-1] == resource else "get"
    return f"{verbs.get(method, reading)} {resource}"


async def pump(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def serve(cluster, reader, writer):
    """One request a connection: an answer may have no end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        fields = [line.split(": ", 1) for line in head[1:-2]]
        size = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
        body = await reader.readexactly(size)
        if target == "/_counts":
            answer = json.dumps(counts).encode()
            counts.clear()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + answer)
            return
        counts[kind(method, target)] += 1
        ours = {"host": cluster.server.netloc, "connection": "close"}
        if "Authorization" in cluster.headers:
            ours["authorization"] = cluster.headers["Authorization"]
        theirs = [(name, value) for name, value in fields if name.lower() not in ours]
        lines = [f"{name}: {value}" for name, value in [*theirs, *ours.items()]]
        up_reader, up_writer = await asyncio.open_connection(
            cluster.server.hostname, cluster.server.port, ssl=cluster.tls
        )
        up_writer.write("\r\n".join([head[0], *lines, "", ""]).encode("latin-1") + body)
        # Whoever goes away before the end of a stream must not leave it open.
        answer = asyncio.ensure_future(pump(up_reader, writer))
        client = asyncio.ensure_future(reader.read())
        await asyncio.wait({answer, client}, return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()
        client.cancel()
        up_writer.close()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(kubeconfig):
    cluster = Cluster(kubeconfig, "")
    server = await asyncio.start_server(lambda *pair: serve(cluster, *pair), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
