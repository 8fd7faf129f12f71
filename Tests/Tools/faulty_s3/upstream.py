# SPDX-License-Identifier: Apache-2.0
"""The real server's side: one request, one answer, read whole."""

import asyncio
import urllib.parse

# Of the connection, not of the message: they are said anew on each side.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


class Answer:
    """An answer. Its body is there as it was sent; `length` is what a HEAD has said of it."""

    def __init__(self, status, headers, body, length=None):
        self.status = status
        self.headers = headers
        self.body = body
        self.length = len(body) if length is None else length


class Upstream:
    """The real server."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    async def ask(self, request):
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        try:
            lines = [f"{request.method} {request.target} HTTP/1.1"]
            lines += [f"{n}: {v}" for n, v in request.headers.items() if n not in HOP_BY_HOP]
            lines += [f"content-length: {len(request.body)}", "connection: close"]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            writer.write(request.body)
            await writer.drain()
            return await self.read(reader, request.method)
        finally:
            writer.close()

    async def read(self, reader, method):
        status, headers = 100, []
        while status < 200:
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = text.split("\r\n")[:-2]
            status = int(first.split(" ")[1])
            headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        known = {name.lower(): value for name, value in headers}
        kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        size = known.get("content-length")
        if method == "HEAD" or status in (204, 304):
            return Answer(status, kept, b"", int(size or 0))
        if known.get("transfer-encoding", "").lower() == "chunked":
            return Answer(status, kept, await chunks(reader))
        body = await (reader.readexactly(int(size)) if size is not None else reader.read())
        return Answer(status, kept, body)


async def chunks(reader):
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    return bytes(body)
