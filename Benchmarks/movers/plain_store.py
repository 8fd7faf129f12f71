# SPDX-License-Identifier: Apache-2.0
"""plain_store.py FOLDER: an S3 endpoint on 127.0.0.1 that keeps what it gets, and does no more.

No signature is looked at and nothing is hashed: checksums are kept and given back as clients say them. So
what whole jobs cost here, their clients cost. Objects are files of FOLDER without a name, parts are never
put together, and what goes out goes by sendfile. The first line of output is the port.
"""

import email.utils
import itertools
import os
import re
import socket
import socketserver
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

PIECE = 1 << 20
CHECKSUM = "x-amz-checksum-crc64nvme"


@dataclass
class Segment:
    """What one request has brought."""

    file: int
    size: int

    def __del__(self):
        os.close(self.file)


@dataclass
class Object:
    segments: list
    tag: str
    headers: dict
    modified: float = field(default_factory=time.time)

    @property
    def size(self):
        return sum(segment.size for segment in self.segments)


@dataclass
class Upload:
    key: str
    headers: dict
    parts: dict = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class Store:
    """Objects by key, and uploads that are under way."""

    def __init__(self, folder):
        self.folder = folder
        self.objects, self.uploads = {}, {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)

    def new_file(self):
        with tempfile.TemporaryFile(dir=self.folder, buffering=0) as file:
            return os.dup(file.fileno())

    def tag(self):
        # Unlike an MD5, with which a client would compare it.
        return f'"{next(self.numbers)}-1"'

    def put(self, key, segments, headers, is_new):
        with self.lock:
            if is_new and key in self.objects:
                raise Refused(412, "PreconditionFailed")
            self.objects[key] = Object(segments, self.tag(), headers)
            return self.objects[key]

    def find(self, key):
        found = self.objects.get(key)
        if found is None:
            raise Refused(404, "NoSuchKey")
        return found

    def upload(self, name):
        found = self.uploads.get(name)
        if found is None:
            raise Refused(404, "NoSuchUpload")
        return found

    def page(self, prefix, after, limit):
        """Keys below a prefix, and whether there are more."""
        with self.lock:
            keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return keys[:limit], len(keys) > limit


class Connection(socketserver.BaseRequestHandler):
    """Requests of one connection, one after the other."""

    def setup(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.store = self.server.store
        self.rest = b""
        self.piece = memoryview(bytearray(PIECE))

    def handle(self):
        try:
            while self.next_request():
                try:
                    self.answer_request()
                except Refused as refusal:
                    self.skip_body()
                    text = f"<Error><Code>{refusal.code}</Code><Message>no</Message></Error>"
                    self.answer(refusal.status, text.encode())
        except (ConnectionError, TimeoutError):
            return

    # Requests

    def next_request(self):
        while b"\r\n\r\n" not in self.rest:
            more = self.request.recv(1 << 16)
            if not more:
                return False
            self.rest += more
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, target, _ = line.split(" ")
        self.headers = {name.lower(): value.strip() for name, value in (one.split(":", 1) for one in fields)}
        parts = urlsplit(target)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        _, self.bucket, self.key = (*unquote(parts.path).split("/", 2), "")[:3]
        self.left = int(self.headers.get("content-length", 0))
        return True

    def pieces(self):
        """The body as it comes."""
        if self.headers.get("expect", "").lower() == "100-continue" and self.left:
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while self.left:
            if self.rest:
                piece, self.rest = self.rest[: self.left], self.rest[self.left :]
            else:
                count = self.request.recv_into(self.piece[: min(self.left, PIECE)])
                if count == 0:
                    raise ConnectionError
                piece = self.piece[:count]
            self.left -= len(piece)
            yield piece

    def skip_body(self):
        for _ in self.pieces():
            pass

    def body(self):
        return b"".join(bytes(piece) for piece in self.pieces())

    def segment(self):
        """The body in a file of its own."""
        segment = Segment(self.store.new_file(), 0)
        if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            pieces = [unframed(self.body())]
        else:
            pieces = self.pieces()
        for piece in pieces:
            os.write(segment.file, piece)
            segment.size += len(piece)
        return segment

    # Answers

    def answer_request(self):
        answers = {
            "HEAD": self.answer_get,
            "GET": self.answer_get,
            "PUT": self.answer_put,
            "POST": self.answer_post,
            "DELETE": self.answer_delete,
        }
        if self.method not in answers:
            raise Refused(501, "NotImplemented")
        answers[self.method]()

    def answer_get(self):
        if self.key:
            self.get(self.store.find(self.key))
        elif self.method == "HEAD":
            self.answer(200)
        elif "uploads" in self.query:
            self.answer(200, b"<ListMultipartUploadsResult></ListMultipartUploadsResult>")
        else:
            self.list()

    def answer_put(self):
        if "uploadId" in self.query:
            upload, segment = self.store.upload(self.query["uploadId"]), self.segment()
            upload.parts[int(self.query["partNumber"])] = segment
            tag = self.store.tag()
        elif "x-amz-copy-source" in self.headers:
            raise Refused(501, "NotImplemented")
        else:
            tag = self.put([self.segment()], self.kept()).tag
        self.answer(200, headers={"ETag": tag, **self.checksum()})

    def answer_post(self):
        if "uploads" in self.query:
            name = f"upload{next(self.store.numbers)}"
            self.store.uploads[name] = Upload(self.key, self.kept())
            self.answer(200, result("InitiateMultipartUpload", Key=self.key, UploadId=name))
        elif "uploadId" in self.query:
            self.complete(self.query["uploadId"])
        elif "delete" in self.query and not self.key:
            for key in re.findall(rb"<Key>(.*?)</Key>", self.body()):
                self.store.objects.pop(plain(key.decode()), None)
            self.answer(200, b"<DeleteResult></DeleteResult>")
        else:
            raise Refused(501, "NotImplemented")

    def answer_delete(self):
        if "uploadId" in self.query:
            self.store.uploads.pop(self.query["uploadId"], None)
        else:
            self.store.objects.pop(self.key, None)
        self.answer(204)

    def kept(self):
        """What an object keeps of the headers it came with."""
        wanted = ("content-type", CHECKSUM)
        return {
            name: value
            for name, value in self.headers.items()
            if name in wanted or name.startswith("x-amz-meta-")
        }

    def checksum(self):
        return {CHECKSUM: self.headers[CHECKSUM]} if CHECKSUM in self.headers else {}

    def put(self, segments, headers):
        return self.store.put(self.key, segments, headers, self.headers.get("if-none-match") == "*")

    def complete(self, name):
        upload = self.store.upload(name)
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", self.body())]
        if not set(numbers) <= set(upload.parts):
            raise Refused(400, "InvalidPart")
        headers = upload.headers | self.checksum()
        found = self.put([upload.parts[number] for number in numbers], headers)
        self.store.uploads.pop(name, None)
        said = {"ChecksumCRC64NVME": headers[CHECKSUM]} if CHECKSUM in headers else {}
        self.answer(200, result("CompleteMultipartUpload", Key=self.key, ETag=found.tag, **said))

    def get(self, found):
        begin, end, status = 0, found.size, 200
        headers = {"ETag": found.tag, "Accept-Ranges": "bytes", **found.headers}
        headers["Last-Modified"] = email.utils.formatdate(found.modified, usegmt=True)
        if chosen := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", "")):
            begin = int(chosen[1])
            end = min(int(chosen[2]) + 1, found.size) if chosen[2] else found.size
            if begin >= end:
                raise Refused(416, "InvalidRange")
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{found.size}"
            headers.pop(CHECKSUM, None)
        self.answer(status, headers=headers, length=end - begin)
        if self.method == "GET":
            for segment in found.segments:
                self.send(segment, max(begin, 0), min(end, segment.size))
                begin, end = begin - segment.size, end - segment.size

    def send(self, segment, begin, end):
        while begin < end:
            begin += os.sendfile(self.request.fileno(), segment.file, begin, end - begin)

    def list(self):
        limit = int(self.query.get("max-keys", 1000))
        after = self.query.get("continuation-token", self.query.get("marker", ""))
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter")
        keys, is_cut = self.store.page(prefix, after, limit)
        text = quote if self.query.get("encoding-type") == "url" else escape
        entries, folders = [], {}
        for key in keys:
            folder, slash, _ = key[len(prefix) :].partition(delimiter or "\0")
            if slash:
                folders[f"{prefix}{folder}{slash}"] = None
                continue
            found = self.store.objects.get(key)
            if found is not None:
                when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(found.modified))
                entries.append(
                    f"<Contents><Key>{text(key)}</Key><LastModified>{when}</LastModified>"
                    f"<ETag>{escape(found.tag)}</ETag><Size>{found.size}</Size>"
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                )
        more = "<IsTruncated>false</IsTruncated>"
        if is_cut:
            token = text(keys[-1])
            more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
            more += f"<NextMarker>{token}</NextMarker>"
        encoding = "<EncodingType>url</EncodingType>" if self.query.get("encoding-type") == "url" else ""
        entries += [f"<CommonPrefixes><Prefix>{text(one)}</Prefix></CommonPrefixes>" for one in folders]
        self.answer(
            200,
            (
                '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.bucket}</Name><Prefix>{text(prefix)}</Prefix><KeyCount>{len(entries)}</KeyCount>"
                f"<MaxKeys>{limit}</MaxKeys>{encoding}{more}{''.join(entries)}</ListBucketResult>"
            ).encode(),
        )

    def answer(self, status, body=b"", headers=None, length=None):
        lines = [f"HTTP/1.1 {status} {'OK' if status < 300 else 'no'}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if status != 204:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        if body:
            lines.append("Content-Type: application/xml")
        self.skip_body()
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.request.sendall(head if self.method == "HEAD" else head + body)


def result(name, **values):
    inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items())
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    text = f'<?xml version="1.0"?><{name}Result xmlns="{space}"><Bucket>bench</Bucket>{inner}</{name}Result>'
    return text.encode()


def plain(text):
    """Text of XML as it was meant; of its entities those that clients write in keys."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def unframed(body):
    """What is in chunks that are signed one by one (`aws-chunked`)."""
    pieces, position = [], 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[end + 2 : end + 2 + size])
        position = end + 2 + size + 2


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Connection)
        self.store = Store(folder)


if __name__ == "__main__":
    server = Server(sys.argv[1])
    print(server.server_address[1], flush=True)
    server.serve_forever()
