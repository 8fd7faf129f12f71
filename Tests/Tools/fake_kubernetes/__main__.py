# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server on 127.0.0.1 that misbehaves when told to, with a cluster behind it.

    python3 Tests/Tools/fake_kubernetes [--port N] [--version 1.20|1.36] [--namespace galaxy] …

It knows Jobs, Pods, their logs, events and access reviews of one namespace, and shows what real
servers of the two versions show. A Job's pod runs no program; with --work somebody does in the bucket
what the worker does at its end (stand_in.py), and with --containers FOLDER --worker PROGRAM its
containers run on this machine (node.py), their volumes in that folder. What goes wrong is said by rules
(faults.py) and plays (cluster.py), at the start or later:

    curl -X PUT 127.0.0.1:PORT/_rules -d '[{"method": "POST", "nth": 1, "status": 429}]'

Its first line of output is its URL. --kubeconfig writes a file that leads there.
"""

import argparse
import asyncio
import contextlib
import json
import pathlib

from api import API
from cluster import DELAYS, Cluster
from faults import Faults
from node import Node
from serving import Server
from shapes import VERSIONS
from stand_in import Worker

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: fake
contexts:
- name: fake
  context: {{cluster: fake, user: fake, namespace: {namespace}}}
clusters:
- name: fake
  cluster: {{server: '{url}'}}
users:
- name: fake
  user: {{}}
"""


def arguments():
    parser = argparse.ArgumentParser(description="A fake Kubernetes API server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--version", choices=VERSIONS, default="1.36")
    parser.add_argument("--namespace", default="galaxy")
    parser.add_argument("--kubeconfig", type=pathlib.Path)
    parser.add_argument("--rules", type=pathlib.Path)
    parser.add_argument("--plays", type=pathlib.Path)
    parser.add_argument("--work", action="store_true", help="pods commit their runs in the bucket")
    parser.add_argument("--containers", type=pathlib.Path, metavar="FOLDER", help="they run here")
    parser.add_argument("--worker", type=pathlib.Path, metavar="PROGRAM")
    parser.add_argument("--bookmarks", type=float, default=60, metavar="SECONDS")
    for name, seconds in DELAYS.items():
        parser.add_argument(f"--{name}", type=float, default=seconds, metavar="SECONDS")
    return parser.parse_args()


async def main():
    given = arguments()
    worker = Worker() if given.work else None
    node = Node(given.containers, given.worker) if given.containers else None
    cluster = Cluster(given.namespace, given.version, worker, node=node)
    cluster.delays = {name: getattr(given, name) for name in DELAYS}
    if given.plays:
        cluster.set_plays(json.loads(given.plays.read_text()))
    api = API(cluster, given.bookmarks)
    if given.rules:
        api.faults = Faults(json.loads(given.rules.read_text()))
    api.server = Server(api.handle)
    await api.server.listen(given.port)
    url = f"http://127.0.0.1:{api.server.port}"
    if given.kubeconfig:
        given.kubeconfig.write_text(KUBECONFIG.format(url=url, namespace=given.namespace))
    print(url, flush=True)
    await asyncio.Event().wait()


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
