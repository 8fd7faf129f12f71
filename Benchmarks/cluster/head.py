# SPDX-License-Identifier: Apache-2.0
"""One `galaxy-head-node serve`, as Galaxy's plugin speaks to it (docs/protocol.md)."""

import json
import subprocess
import threading
import time

FINAL = {"ok", "tool_failed", "memory_limit_reached", "walltime_reached", "failed", "cancelled"}


class Head:
    """A running head; `observe` is called with (moment, message) for every line that it writes."""

    def __init__(self, command, observe, log=subprocess.DEVNULL):
        self.observe = observe
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.count = 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        self.ask("hello", {"protocol": 1, "server_name": f"bench{time.time_ns()}", "plugin": "bench"})

    def read(self):
        for line in self.process.stdout:
            self.observe(time.time(), json.loads(line))
        self.observe(time.time(), {"event": "over"})

    def ask(self, method, params=None):
        """Writes a request, whose id is returned; its answer comes to `observe`."""
        with self.lock:
            self.count += 1
            request = {"id": self.count, "method": method}
            if params is not None:
                request["params"] = params
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            return self.count

    def submit(self, job, params=None):
        wanted = {"job": str(job)}
        if params:
            wanted["destination"] = {"name": "bench", "params": params}
        return self.ask("submit", wanted)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
