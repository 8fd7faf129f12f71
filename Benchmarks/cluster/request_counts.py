# SPDX-License-Identifier: Apache-2.0
"""request_counts.py [--jobs N] HEAD-NODE-OPTION...: what a job costs a real API server, in requests.

The same empty jobs as empty_job.py's, one after the other through one `serve`, which reaches the API
server through counting_proxy.py. The environment is that of empty_job.py.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import empty_job

PROXY = pathlib.Path(__file__).with_name("counting_proxy.py")
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: proxy
contexts:
- name: proxy
  context: {{cluster: proxy, user: proxy}}
clusters:
- name: proxy
  cluster: {{server: '{url}'}}
users:
- name: proxy
  user: {{}}
"""


def counts(url):
    with urllib.request.urlopen(url + "/_counts", timeout=60) as answer:
        return json.load(answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=20)
    known, options = parser.parse_known_args()
    command = [sys.executable, PROXY, os.environ["GALAXY_S3_CLUSTER_KUBECONFIG"]]
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = proxy.stdout.readline().strip()
        with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig") as file:
            file.write(KUBECONFIG.format(url=url))
            file.flush()
            way = ["--set", f"kubernetes.k8s_config_path={file.name}"]
            bench = empty_job.Bench([*options, *way])
            try:
                bench.split()
                counts(url)
                for shape in ("split", "single"):
                    for _ in range(known.jobs):
                        getattr(bench, shape)()
                    found = {kind: n / known.jobs for kind, n in sorted(counts(url).items())}
                    print(f"{shape}: {sum(found.values()):.2f} requests a job: {found}")
            finally:
                bench.close()
    finally:
        proxy.kill()
        proxy.wait()


if __name__ == "__main__":
    main()
