# SPDX-License-Identifier: Apache-2.0
"""roots_server.py LOG: the only network that check-worker-roots' namespaces have.

An HTTP server on 127.0.0.1:80 that answers every request like S3 does for an object it does not
have and writes "METHOD host path" to LOG; and a name server on port 53 that knows s3.roots.example.
"""

import http.server
import socket
import sys
import threading

BODY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchKey</Code><Message>not here</Message></Error>"
)
KNOWN = b"\x02s3\x05roots\x07example\x00"
ADDRESS_RECORD = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x7f\0\0\x01"
NO_ERROR, NO_SUCH_NAME = b"\x85\x80", b"\x85\x83"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            print(self.command, self.headers.get("Host"), self.path, file=log)
        self.send_response(404)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(BODY)

    do_GET = do_HEAD = answer

    def log_message(self, *arguments):
        pass


def reply(query):
    """The answer to a DNS query: one question, a record only for an A query of the known name."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    name, kind = question[:-4].lower(), question[-4:-2]
    records = ADDRESS_RECORD if name == KNOWN and kind == b"\0\x01" else b""
    code = NO_ERROR if name == KNOWN else NO_SUCH_NAME
    counts = b"\0\x01" + (b"\0\x01" if records else b"\0\0") + b"\0\0\0\0"
    return query[:2] + code + counts + question + records


def serve_names(server):
    while True:
        query, peer = server.recvfrom(512)
        server.sendto(reply(query), peer)


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
threading.Thread(target=serve_names, args=(names,), daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 80), Handler).serve_forever()
