# SPDX-License-Identifier: Apache-2.0
"""The few calls of an API server that the measurements need, each with the moment it was answered."""

import base64
import calendar
import http.client
import json
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse


class Cluster:
    """One namespace, as the current context of a kubeconfig file sees it."""

    def __init__(self, kubeconfig, namespace):
        self.namespace = namespace
        view = ["kubectl", "--kubeconfig", kubeconfig, "config", "view", "--raw", "--minify"]
        config = json.loads(subprocess.check_output([*view, "-o", "json"]))
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        self.server = urllib.parse.urlsplit(cluster["server"])
        self.headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        self.tls = None
        if self.server.scheme == "https":
            authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
            self.tls = ssl.create_default_context(cadata=authority)
            if "client-certificate-data" in user:
                self._show_certificate(user)
        self._calls = self._connect()
        self._lock = threading.Lock()

    def _show_certificate(self, user):
        with tempfile.NamedTemporaryFile() as certificate:
            for name in ("client-certificate-data", "client-key-data"):
                certificate.write(base64.b64decode(user[name]))
            certificate.flush()
            self.tls.load_cert_chain(certificate.name)

    def _connect(self):
        if self.tls:
            return http.client.HTTPSConnection(self.server.netloc, context=self.tls, timeout=60)
        return http.client.HTTPConnection(self.server.netloc, timeout=60)

    def path(self, kind, name=""):
        root = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def call(self, method, path, body=None):
        """The answer, read whole; anything but success ends the measurement."""
        with self._lock:
            data = None if body is None else json.dumps(body)
            self._calls.request(method, path, data, self.headers)
            response = self._calls.getresponse()
            answer = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {answer[:500]!r}")
        return answer

    def create_job(self, manifest):
        return json.loads(self.call("POST", self.path("jobs"), manifest))

    def delete_job(self, name):
        self.call("DELETE", self.path("jobs", name), {"propagationPolicy": "Background"})

    def job(self, name):
        return json.loads(self.call("GET", self.path("jobs", name)))

    def newest_pod(self, selector):
        query = urllib.parse.urlencode({"labelSelector": selector})
        pods = json.loads(self.call("GET", f"{self.path('pods')}?{query}"))["items"]
        return max(pods, key=lambda pod: int(pod["metadata"]["resourceVersion"]))

    def log(self, pod, container):
        """The lines of a container's log, each with the moment at which it was written."""
        query = f"/log?container={container}&timestamps=true"
        for line in self.call("GET", self.path("pods", pod) + query).decode().splitlines():
            moment, _, text = line.partition(" ")
            yield seconds(moment), text

    def watch(self, kind, selector, handle):
        """Calls `handle` with (moment, type, object) for whatever happens, until the process ends."""
        query = urllib.parse.urlencode({"labelSelector": selector, "limit": 1})
        listed = json.loads(self.call("GET", f"{self.path(kind)}?{query}"))
        state = {"version": listed["metadata"]["resourceVersion"]}

        def follow():
            while True:
                query = urllib.parse.urlencode(
                    {
                        "labelSelector": selector,
                        "watch": "true",
                        "allowWatchBookmarks": "true",
                        "resourceVersion": state["version"],
                        "timeoutSeconds": 50,
                    }
                )
                connection = self._connect()
                connection.request("GET", f"{self.path(kind)}?{query}", headers=self.headers)
                for line in connection.getresponse():
                    moment = time.time()
                    event = json.loads(line)
                    state["version"] = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        handle(moment, event["type"], event["object"])
                connection.close()

        threading.Thread(target=follow, daemon=True).start()


def seconds(moment):
    """Seconds since 1970 of an RFC 3339 moment in UTC with any number of decimals."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")
