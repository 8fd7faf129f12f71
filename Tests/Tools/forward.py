# SPDX-License-Identifier: Apache-2.0
"""forward.py ADDRESS PORT: passes connections to ADDRESS:PORT on to 127.0.0.1:PORT, byte by byte."""

import os
import socket
import sys
import threading

CHUNK_BYTES = 1 << 20


def pump(source, sink):
    """Moves bytes until the source ends, through a pipe and so without a copy; then ends the sink."""
    reader, writer = os.pipe()
    try:
        while count := os.splice(source.fileno(), writer, CHUNK_BYTES):
            while count:
                count -= os.splice(reader, sink.fileno(), count)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: the other must learn it too.
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    finally:
        os.close(reader)
        os.close(writer)


def serve(client, port):
    with client:
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        with server:
            answers = threading.Thread(target=pump, args=(server, client), daemon=True)
            answers.start()
            pump(client, server)
            answers.join()


def main(address, port):
    with socket.create_server((address, port), backlog=256) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, port), daemon=True).start()


main(sys.argv[1], int(sys.argv[2]))
