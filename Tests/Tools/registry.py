# SPDX-License-Identifier: Apache-2.0
"""registry.py PORT NAME:TAG=ARCHIVE...: a registry on 127.0.0.1 that images can be pulled from.

It answers GET and HEAD for the manifests and blobs of OCI image archives (as Tests/Tools/make_image.py
writes them), whatever the request's credentials. NAME can have several parts, as a mirror's names do:
a pod's image is then 127.0.0.1:PORT/quay.io/biocontainers/x:1. PORT 0 takes a free one.

Standard output begins with a line "127.0.0.1:PORT"; then comes one line for each request, "METHOD path
status".
"""

import http.server
import json
import re
import shutil
import sys
import tarfile

MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")


class Image:
    """One archive: the manifest that its index names, and its blobs by digest."""

    def __init__(self, archive):
        self.archive = archive
        with tarfile.open(archive) as tar:
            self.manifest = json.load(tar.extractfile("index.json"))["manifests"][0]
            self.blobs = {
                "sha256:" + entry.name.rpartition("/")[2]: entry
                for entry in tar
                if entry.name.startswith("blobs/sha256/")
            }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    images = {}

    def do_GET(self):
        if self.path == "/v2/":
            self.answer(200, "application/json", b"{}")
        elif found := self.manifest():
            image, descriptor = found
            self.send_blob(image, descriptor["digest"], descriptor["mediaType"])
        elif found := self.blob():
            self.send_blob(*found, "application/octet-stream")
        else:
            unknown = {"errors": [{"code": "NAME_UNKNOWN", "message": "not here"}]}
            self.answer(404, "application/json", json.dumps(unknown).encode())

    do_HEAD = do_GET

    def manifest(self):
        """The image and its manifest's descriptor, if the path names one by tag or digest."""
        match = MANIFEST.fullmatch(self.path)
        if not match:
            return None
        for (name, tag), image in self.images.items():
            if name == match[1] and match[2] in (tag, image.manifest["digest"]):
                return image, image.manifest
        return None

    def blob(self):
        match = BLOB.fullmatch(self.path)
        if not match:
            return None
        for (name, _), image in self.images.items():
            if name == match[1] and match[2] in image.blobs:
                return image, match[2]
        return None

    def send_blob(self, image, digest, kind):
        entry = image.blobs[digest]
        self.begin(200, kind, entry.size, digest)
        if self.command == "GET":
            # A file of its own: requests are answered at the same time.
            with tarfile.open(image.archive) as tar:
                shutil.copyfileobj(tar.extractfile(entry), self.wfile)

    def answer(self, status, kind, body):
        self.begin(status, kind, len(body))
        if self.command == "GET":
            self.wfile.write(body)

    def begin(self, status, kind, size, digest=None):
        print(self.command, self.path, status, flush=True)
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def main(port, *images):
    for image in images:
        reference, _, archive = image.partition("=")
        name, _, tag = reference.rpartition(":")
        Handler.images[name, tag] = Image(archive)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    print(f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main(*sys.argv[1:])
