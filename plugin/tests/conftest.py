# SPDX-License-Identifier: Apache-2.0
"""What the tests share: the other side of the protocol, and the line that Scripts/test counts."""

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from galaxy_s3_executor.client import HeadNode

PATIENCE = 20


def pytest_terminal_summary(terminalreporter):
    outcomes = terminalreporter.stats
    bad = len(outcomes.get("failed", [])) + len(outcomes.get("error", []))
    terminalreporter.write_line(f"{len(outcomes.get('passed', []))} passed, {bad} failed")


class FakeProcess:
    """What a HeadNode takes for its child. A test reads what it is asked, and says what it likes."""

    def __init__(self):
        asked, self.stdin = os.pipe()
        self.stdout, answers = os.pipe()
        self.stderr, words = os.pipe()
        self.stdin = os.fdopen(self.stdin, "wb")
        self.stdout, self.stderr = os.fdopen(self.stdout, "rb"), os.fdopen(self.stderr, "rb")
        self._asked = os.fdopen(asked, "rb")
        self._answers, self._words = os.fdopen(answers, "wb"), os.fdopen(words, "wb")
        self._lines = queue.SimpleQueue()
        self.returncode = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._asked:
            self._lines.put(line)
        self._lines.put(None)

    def asked(self):
        """The next request; None when there will be no more."""
        line = self._lines.get(timeout=PATIENCE)
        return None if line is None else json.loads(line)

    def say(self, message):
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._answers.write(raw + b"\n")
        self._answers.flush()

    def log(self, text):
        self._words.write(text.encode() + b"\n")
        self._words.flush()

    def greet(self, executor="local"):
        hello = self.asked()
        result = {"protocol": 1, "version": "0.1.0", "pid": 1, "instance": "test", "executor": executor}
        self.say({"id": hello["id"], "result": result})
        return hello

    def grant(self, state="staging", seq=0):
        """Reads a request about a run and grants it."""
        request = self.asked()
        params = request["params"]
        self.say(
            {
                "id": request["id"],
                "result": {"job": params["job"], "run": params.get("run"), "state": state, "seq": seq},
            }
        )
        return request

    def refuse(self, code, message="no", retryable=False):
        request = self.asked()
        error = {"code": code, "message": message, "retryable": retryable}
        self.say({"id": request["id"], "error": error})
        return request

    def tell(self, run, state, **more):
        self.say({"event": "state", "job": "/j", "run": run, "seq": 1, "state": state, **more})

    def end(self, status=0):
        self.returncode = status
        self._answers.close()
        self._words.close()

    # As subprocess.Popen has them.

    def wait(self, timeout=None):
        return self.returncode

    def kill(self):
        self.end(-9)


class Notices:
    """What a HeadNode tells its runner."""

    def __init__(self):
        self._queue = queue.SimpleQueue()

    def __call__(self, notice):
        self._queue.put(notice)

    def next(self):
        return self._queue.get(timeout=PATIENCE)

    def all(self):
        found = []
        while not self._queue.empty():
            found.append(self._queue.get())
        return found


@pytest.fixture
def head_node(monkeypatch):
    """A HeadNode that is served by what the test makes of `processes`, one after the other."""
    monkeypatch.setattr("galaxy_s3_executor.client.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("galaxy_s3_executor.client.LONGEST_PAUSE", 0.05)
    processes = queue.SimpleQueue()
    notices = Notices()

    def spawn(command, **_):
        process = FakeProcess()
        processes.put(process)
        return process

    made = []

    def make(server_name="main", spawn=spawn, **more):
        node = HeadNode(["galaxy-head-node", "serve"], server_name, notices, spawn=spawn, **more)
        made.append(node)
        node.notices = notices
        node.next_process = lambda: processes.get(timeout=PATIENCE)
        node.start()
        return node

    yield make
    for node in made:
        node.close(0)


@pytest.fixture
def until():
    def wait(condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.01)

    return wait
