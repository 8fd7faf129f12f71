# SPDX-License-Identifier: Apache-2.0
"""What Galaxy purges is freed in the bucket, when it has been gone for long enough."""

import os
import re
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import LINES, skip_without_mount

DAYS = 2
NOT_THERE = 66
BY_THE_WAY = {"connection", "content-length", "date", "expect", "server", "transfer-encoding"}


class AgedStore(BaseHTTPRequestHandler):
    """Passes everything on to the bucket's server, and lists its objects as DAYS old."""

    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection(self.server.behind)
        # With the name that the request was signed for.
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in BY_THE_WAY or name.lower() == "content-length":
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        past = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - DAYS * 24 * 3600))
        content = re.sub(rb"(?<=<LastModified>)[^<]+", past.encode(), answer.read())
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in BY_THE_WAY:
                self.send_header(name, value)
        size = len(content) if self.command != "HEAD" else answer.getheader("Content-Length", 0)
        self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def aged(lab):
    """An endpoint where every object is old."""
    with ThreadingHTTPServer(("127.0.0.1", 0), AgedStore) as server:
        server.behind = urlsplit(lab.endpoint).netloc
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def place(lab):
    """Where outputs become links, and nothing is under way: that is young, and here it would be old."""
    skip_without_mount(lab, "link_internal")
    lab.until(lambda: not lab.galaxy.jobs.get_jobs(state=["new", "queued", "running"]))
    return lab.at("link_internal")


def test_what_is_purged_is_freed_and_nothing_else(lab, place, lines, aged):
    jobs = {name: place.start("test_line", input=lines, text=name) for name in ("purged", "deleted", "kept")}
    for job in jobs.values():
        job.ended_ok()
    outputs = {name: job.outputs["out"] for name, job in jobs.items()}
    assert all(map(lab.is_link, outputs.values()))
    paths = {name: lab.path(output) for name, output in outputs.items()}
    keys = {name: Path(os.readlink(path)).relative_to(lab.mount) for name, path in paths.items()}

    def there():
        looks = {name: lab.call_head_node("s3", "stat", lab.url(key)) for name, key in keys.items()}
        found = {name: look.returncode for name, look in looks.items()}
        assert set(found.values()) <= {0, NOT_THERE}
        return {name for name, status in found.items() if status == 0}

    def free(*options):
        done = lab.call_head_node("gc", "--delete", "--grace", "1d", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    place.galaxy.histories.delete_dataset(place.history, outputs["purged"], purge=True)
    place.galaxy.histories.delete_dataset(place.history, outputs["deleted"])
    lab.until(lambda: not os.path.lexists(paths["purged"]))
    assert there() == set(jobs)
    free("--set", f"s3.endpoint={aged}")
    assert there() == set(jobs), "it was gone for the first time"
    free()
    assert there() == set(jobs), "it has not been gone for long"
    free("--set", f"s3.endpoint={aged}")
    assert there() == {"deleted", "kept"}
    for name in ("deleted", "kept"):
        assert paths[name].read_text() == f"{LINES}{name}\n"
    # Galaxy goes on with what is left.
    following = place.start("test_line", input=jobs["kept"].output(), text="again")
    following.ended_ok()
    assert following.text() == f"{LINES}kept\nagain\n"
