# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as servers speak it: kept connections, whole answers, endless chunked streams."""

import asyncio
import json
import socket
import struct
import urllib.parse

LARGEST_BODY = 256 << 20
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 500: "Server Error"}


class Reset(Exception):
    """The connection is to be reset."""


class Request:
    """One request, its body read whole."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = headers
        self.body = body

    def flag(self, name):
        return self.query.get(name, "").lower() in ("1", "true")

    def number(self, name):
        return int(self.query[name]) if self.query.get(name) else None

    def json(self):
        return json.loads(self.body) if self.body else {}


class Connection:
    """One client's connection, for one answer after the other."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def request(self, breaks_off=None):
        """The next request.

        `breaks_off` may say, of one whose body has not come, after how many bytes the connection breaks.
        """
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        if size > LARGEST_BODY:
            raise ValueError("the body is too large")
        if headers.get("expect", "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = Request(method, target, headers, b"")
        cut = breaks_off(request, size) if breaks_off else None
        request.body = await self.reader.readexactly(size if cut is None else cut)
        if cut is not None:
            raise Reset
        return request

    async def answer(self, status, body, headers=(), kind="application/json", cut=None):
        """Sends a whole answer; with `cut`, that many bytes of it, and then no more."""
        fields = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]
        self.writer.write(head(status, fields) + body[:cut])
        if cut is not None:
            raise Reset
        await self.writer.drain()

    async def stream(self, pieces, headers=(), kind="application/json", cut=None):
        """Sends a 200 whose end is not known; with `cut`, no more than that many pieces."""
        fields = [("Content-Type", kind), ("Transfer-Encoding", "chunked"), *headers]
        self.writer.write(head(200, fields))
        await self.writer.drain()
        count = 0
        async for piece in pieces:
            if count == cut:
                raise Reset
            count += 1
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self.writer.drain()
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    def reset(self):
        """Ends the connection so that the client sees it reset, and not closed."""
        linger = struct.pack("ii", 1, 0)
        plain = self.writer.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


def head(status, fields):
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Answer')}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Server:
    """Listens on 127.0.0.1, and can stop listening for a while as a server that is restarted does."""

    def __init__(self, handle, breaks_off=None):
        self.handle = handle
        self.breaks_off = breaks_off
        self.port = None
        self.listener = None
        self.connections = set()

    async def listen(self, port=0):
        self.listener = await asyncio.start_server(
            self.serve, "127.0.0.1", self.port or port, limit=1 << 20, backlog=1024
        )
        self.port = self.listener.sockets[0].getsockname()[1]

    async def close_for(self, seconds):
        """Resets every connection, and refuses new ones for a while."""
        self.listener.close()
        for connection in list(self.connections):
            connection.reset()
        await asyncio.sleep(seconds)
        await self.listen()

    async def serve(self, reader, writer):
        connection = Connection(reader, writer)
        self.connections.add(connection)
        try:
            while True:
                await self.handle(await connection.request(self.breaks_off), connection)
        except Reset:
            connection.reset()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            # The client has gone.
            pass
        finally:
            self.connections.discard(connection)
            writer.close()
