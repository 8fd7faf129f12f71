# SPDX-License-Identifier: Apache-2.0
"""An S3 server that misbehaves when told to: a proxy on 127.0.0.1 before a real one.

    python3 Tests/Tools/faulty_s3 --to http://127.0.0.1:8333 [--port N] [--rules FILE]

What no rule is about passes unchanged, with the client's own Host header, so that the real server
checks the client's signatures and checksums. What goes wrong is said by rules (faults.py), at the
start or later:

    curl -X PUT 127.0.0.1:PORT/_rules -d '[{"operation": "PutObject", "nth": 1, "status": 503}]'
    curl 127.0.0.1:PORT/_log
    curl -X PUT 127.0.0.1:PORT/_keys -d '{"AccessKeyId": "a", "SecretAccessKey": "b", "lifetime": 70}'

The last is what AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:PORT/_keys finds from then on.
Its first line of output is its URL. Some rules need requests signed anew, with the keys that
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY name.
"""

import argparse
import asyncio
import contextlib
import json
import pathlib

from faults import Faults
from proxy import Proxy
from serving import Server


def arguments():
    parser = argparse.ArgumentParser(description="A proxy before an S3 server, for faults.")
    parser.add_argument("--to", required=True, metavar="URL")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rules", type=pathlib.Path)
    return parser.parse_args()


async def main():
    given = arguments()
    proxy = Proxy(given.to)
    if given.rules:
        proxy.faults = Faults(json.loads(given.rules.read_text()))
    proxy.server = Server(proxy.handle, proxy.breaks_off)
    await proxy.server.listen(given.port)
    print(f"http://127.0.0.1:{proxy.server.port}", flush=True)
    await asyncio.Event().wait()


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
