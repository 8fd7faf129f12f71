# SPDX-License-Identifier: Apache-2.0
"""distance_proxy.py HOST:PORT MILLISECONDS MIB: a store that is far away, on 127.0.0.1.

Every connection is passed on to HOST:PORT. What goes through it takes half of MILLISECONDS each way, and
a connection is there only after one round trip, as by TCP's handshake. Each direction of each connection
passes MIB mebibytes a second; 0 is as fast as it goes. There is no slow start and no loss.

The first line of output is the port for connections and the port for questions: who connects to the
latter gets one JSON object on what has passed since the last time: connections, how many of them passed
at least a mebibyte, bytes each way, and the CPU seconds that all this took here.
"""

import asyncio
import json
import socket
import sys
import time

CHUNK = 1 << 15
MIB = 1 << 20


class Distance:
    """How far, how wide, and what has passed."""

    def __init__(self, target, milliseconds, mebibytes):
        host, _, port = target.rpartition(":")
        self.target = host, int(port)
        self.round_trip = milliseconds / 1000
        self.rate = mebibytes * MIB
        self.begin_anew()

    def begin_anew(self):
        self.connections = []
        self.cpu = time.process_time()

    def figures(self):
        passed = [up.bytes + down.bytes for up, down in self.connections]
        return {
            "connections": len(passed),
            "busy": sum(count >= MIB for count in passed),
            "up": sum(up.bytes for up, _ in self.connections),
            "down": sum(down.bytes for _, down in self.connections),
            "cpu": time.process_time() - self.cpu,
        }

    async def connect(self, reader, writer):
        """Serves one connection until both of its directions have ended."""
        there = asyncio.get_running_loop().time() + self.round_trip
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target, limit=CHUNK)
        except OSError:
            writer.transport.abort()
            return
        for each in (writer, far_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lanes = Lane(self, there), Lane(self, there)
        self.connections.append(lanes)
        try:
            await asyncio.gather(lanes[0].carry(reader, far_writer), lanes[1].carry(far_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def answer(self, _, writer):
        writer.write(json.dumps(self.figures()).encode() + b"\n")
        self.begin_anew()
        await writer.drain()
        writer.close()


class Lane:
    """One direction of one connection: a wire with a width and a length."""

    def __init__(self, distance, there):
        self.distance = distance
        self.free = there
        self.bytes = 0

    async def carry(self, reader, writer):
        # As much as the wire itself holds, and no more, or a sender would seem to be done too early.
        wire = self.distance.rate * self.distance.round_trip / 2
        under_way = asyncio.Queue(int(wire // CHUNK) + 2 if self.distance.rate else 64)
        sending = asyncio.create_task(self.deliver(under_way, writer))
        try:
            while data := await reader.read(CHUNK):
                await under_way.put((self.due(len(data)), data))
            await under_way.put((self.free + self.distance.round_trip / 2, b""))
            await sending
        finally:
            sending.cancel()

    def due(self, count):
        """When the last of so many bytes arrives that can set out now."""
        self.bytes += count
        now = asyncio.get_running_loop().time()
        duration = count / self.distance.rate if self.distance.rate else 0
        self.free = max(now, self.free) + duration
        return self.free + self.distance.round_trip / 2

    async def deliver(self, under_way, writer):
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await under_way.get()
            if (wait := due - clock()) > 0:
                await asyncio.sleep(wait)
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


async def main(target, milliseconds, mebibytes):
    distance = Distance(target, float(milliseconds), float(mebibytes))
    passing = await asyncio.start_server(distance.connect, "127.0.0.1", 0, limit=CHUNK, backlog=1024)
    asking = await asyncio.start_server(distance.answer, "127.0.0.1", 0)
    print(*(server.sockets[0].getsockname()[1] for server in (passing, asking)), flush=True)
    async with passing, asking:
        await asyncio.gather(passing.serve_forever(), asking.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
