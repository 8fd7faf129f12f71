# SPDX-License-Identifier: Apache-2.0
"""The stores that are measured against, all on 127.0.0.1, and what stands before them."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import time
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUCKET = "bench"
# The name of a SeaweedFS whose disk is not what is measured.
IN_MEMORY = "SeaweedFS in memory"
PAGE = 1000


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a bucket is, for every client in the same way."""

    name: str
    url: str
    # PEM certificates to trust, for https.
    authority: pathlib.Path = None

    @property
    def environment(self):
        """What ours, s5cmd, rclone and the libraries read."""
        values = {"AWS_ENDPOINT_URL_S3": self.url, "S3_ENDPOINT_URL": self.url}
        if self.authority:
            values |= {"AWS_CA_BUNDLE": str(self.authority), "SSL_CERT_FILE": str(self.authority)}
        return values

    def at(self, url, name=None):
        """The same store behind another address."""
        return dataclasses.replace(self, url=url, name=name or self.name)


def free_ports(count):
    """Ports of 127.0.0.1 on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextlib.contextmanager
def process(command, **options):
    """A server for as long as the block lasts."""
    # An interrupted measurement leaves no server behind.
    program = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    server = subprocess.Popen(program, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for_port(port, server, log):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"no server came up: {log.read_text()[-1000:]}")


@contextlib.contextmanager
def nginx(template, folder, port, values):
    """An nginx with a configuration made of `template`."""
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = (HERE / template).read_text()
    for name, value in {"DIR": folder, **values}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "nginx.conf").write_text(text)
    log = folder / "log"
    with log.open("wb") as output:
        command = ["nginx", "-p", folder, "-c", folder / "nginx.conf"]
        with process(command, stdout=output, stderr=subprocess.STDOUT) as server:
            wait_for_port(port, server, log)
            yield RequestLog(folder / "requests")


class RequestLog:
    """What nginx has noted of requests."""

    def __init__(self, path):
        self.path = path
        self.position = 0

    def since_last(self):
        """Requests by method, and the bytes that came with them, since this was last asked."""
        # A line is written when its answer has gone out: the client may have it a moment before.
        time.sleep(0.1)
        counts, received = collections.Counter(), 0
        with self.path.open("rb") as file:
            file.seek(self.position)
            for line in file:
                method, status, length, _ = line.decode().split()
                counts[method if status.startswith("2") else f"{method} {status}"] += 1
                received += int(length)
            self.position = file.tell()
        return counts, received


def make_certificate(folder):
    """An authority's certificate, and a key and a certificate for 127.0.0.1 that it has signed."""

    def make(name, subject, *extensions):
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        options = [word for extension in extensions for word in ("-addext", extension)]
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        if name != "authority":
            files += ["-CA", folder / "authority.pem", "-CAkey", folder / "authority.key"]
        subprocess.run(
            [*command.split(), "-subj", f"/CN={subject}", *options, *files], check=True, capture_output=True
        )
        return folder / f"{name}.pem"

    authority = make("authority", "bench", "keyUsage=critical,keyCertSign")
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    certificate = make("server", "127.0.0.1", names, "basicConstraints=critical,CA:FALSE")
    return authority, folder / "server.key", certificate


@contextlib.contextmanager
def near_free(folder, objects, tls=False):
    """An endpoint that costs next to nothing: `objects` names a file for each key; uploads vanish.

    Yields the endpoint and the log of its requests.
    """
    bucket = folder / "objects" / BUCKET
    for key, file in objects.items():
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        os.link(file, bucket / key)
        (bucket / key).chmod(0o644)
    write_listing(folder / "list", objects)
    port, sink = free_ports(2)
    listen, authority = f"listen 127.0.0.1:{port};", None
    if tls:
        authority, key, certificate = make_certificate(folder)
        listen = f"listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};"
    endpoint = Endpoint(
        "near-free, https" if tls else "near-free",
        f"{'https' if tls else 'http'}://127.0.0.1:{port}",
        authority,
    )
    try:
        with nginx("nginx.conf.in", folder, port, {"SINK": sink, "LISTEN": listen}) as log:
            yield endpoint, log
    finally:
        shutil.rmtree(folder)


def write_listing(folder, objects):
    """The pages of a listing with all objects but those at the top."""
    folder.mkdir(parents=True)
    keys = sorted(key for key in objects if "/" in key)
    pages = [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)] or [[]]
    for number, page in enumerate(pages, start=1):
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"e"</ETag><Size>{os.path.getsize(objects[key])}</Size>'
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in page
        )
        more = "<IsTruncated>false</IsTruncated>"
        if number < len(pages):
            token = f"<NextContinuationToken>page{number + 1}</NextContinuationToken>"
            more = f"<IsTruncated>true</IsTruncated>{token}"
        (folder / f"{number}.xml").write_text(
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><Prefix>small/</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{PAGE}</MaxKeys>{more}{entries}</ListBucketResult>"
        )


@contextlib.contextmanager
def seaweedfs(folder, name="SeaweedFS"):
    """A real store with its data in `folder`; its keys are in the environment from now on."""
    program = REPOSITORY / "Scripts" / "s3-server"
    try:
        exports = subprocess.run(
            [program, "start", "--bucket", BUCKET, folder], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        values = dict(word.split("=", 1) for line in exports.splitlines() for word in shlex.split(line)[1:])
        endpoint = Endpoint(name, values["AWS_ENDPOINT_URL_S3"])
        yield endpoint
    finally:
        subprocess.run([program, "stop", folder], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def keeping(folder):
    """An endpoint that costs next to nothing and keeps what it gets, for whole jobs."""
    folder.mkdir(parents=True)
    program = [sys.executable, HERE / "plain_store.py", folder]
    try:
        with process(program, stdout=subprocess.PIPE, text=True) as server:
            yield Endpoint("near-free", f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def counting(folder, endpoint):
    """The same store behind a proxy that notes every request; yields the endpoint and the log."""
    (port,) = free_ports(1)
    values = {"PORT": port, "STORE": endpoint.url.removeprefix("http://")}
    try:
        with nginx("counting-proxy.conf.in", folder, port, values) as log:
            yield endpoint.at(f"http://127.0.0.1:{port}"), log
    finally:
        shutil.rmtree(folder)


class Distance:
    """A proxy that makes a store far away."""

    def __init__(self, endpoint, passing, asking):
        self.endpoint = endpoint.at(f"http://127.0.0.1:{passing}", f"{endpoint.name}, far")
        self.asking = asking

    def figures(self):
        """What has passed since this was last asked."""
        with socket.create_connection(("127.0.0.1", self.asking), 30) as connection:
            return json.loads(connection.makefile().readline())


@contextlib.contextmanager
def far(endpoint, milliseconds, mebibytes):
    """The same store at a distance: round trip, and mebibytes a second of each connection."""
    program = [sys.executable, HERE / "distance_proxy.py", endpoint.url.removeprefix("http://")]
    program += [str(milliseconds), str(mebibytes)]
    with process(program, stdout=subprocess.PIPE, text=True) as server:
        passing, asking = server.stdout.readline().split()
        yield Distance(endpoint, passing, asking)
