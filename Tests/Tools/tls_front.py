# SPDX-License-Identifier: Apache-2.0
"""tls_front.py CERTIFICATE KEY ADDRESS PORT VERSION LIFE: https on 127.0.0.1 for the server at ADDRESS:PORT.

Prints its URL, and a line for each connection that it cuts. What it sends is as awkward as TLS allows:
records of one byte and of 16 KiB in turn, and a stream that is cut anywhere, in the middle of headers and of
records, with pauses. It speaks TLS of that VERSION, 1.2 or 1.3. After LIFE bytes a connection ends in the
middle of a record, without a goodbye; 0 for never.
"""

import itertools
import socket
import ssl
import sys
import threading
import time

RECORDS = (1, 16384, 16384, 100, 16384, 7000)
SLICES = (5, 1, 50000, 16397, 3, 100000, 20000, 2)
NEVER = 1 << 62


class Connection:
    """A client's, with TLS made by hand, so that what is sent can be cut where no record ends."""

    def __init__(self, client, context, life):
        self.client = client
        self.received, self.made = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.made, server_side=True)
        # OpenSSL's connections are for one thread at a time.
        self.lock = threading.Lock()
        self.slices, self.records = itertools.cycle(SLICES), itertools.cycle(RECORDS)
        self.left = life

    def ask(self, action, *arguments):
        """What `action` gives once the client has said enough; None when it has left."""
        while True:
            with self.lock:
                try:
                    return action(*arguments)
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self.send(self.made.read())
            data = self.client.recv(1 << 16)
            if not data:
                return None
            with self.lock:
                self.received.write(data)

    def send(self, data):
        while data:
            count = min(next(self.slices), self.left)
            if not count:
                print("cut", flush=True)
                raise ConnectionError("its time is over")
            self.client.sendall(data[:count])
            self.left -= count
            data = data[count:]
            time.sleep(0.0002)

    def carry_answers(self):
        try:
            while data := self.server.recv(1 << 18):
                while data:
                    count = next(self.records)
                    with self.lock:
                        self.tls.write(data[:count])
                        if len(data) <= count or self.made.pending > 1 << 17:
                            self.send(self.made.read())
                    data = data[count:]
        except OSError:
            pass
        self.end()

    def end(self):
        for one in (self.client, self.server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self, address):
        with self.client, socket.create_connection(address) as self.server:
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = threading.Thread(target=self.carry_answers, daemon=True)
            try:
                self.ask(self.tls.do_handshake)
                answers.start()
                while data := self.ask(self.tls.read, 1 << 16):
                    self.server.sendall(data)
            except OSError:
                pass
            self.end()
            if answers.ident:
                answers.join()


def main(certificate, key, address, port, version, life):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion["TLSv" + version.replace(".", "_")]
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            client, _ = listener.accept()
            connection = Connection(client, context, int(life) or NEVER)
            threading.Thread(target=connection.run, args=((address, int(port)),), daemon=True).start()


main(*sys.argv[1:])
