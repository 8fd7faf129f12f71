# SPDX-License-Identifier: Apache-2.0
"""Signs requests as botocore does: JSON lines in, "<url> <authorization>" lines out; for a request
with "expires", the presigned URL's query, its items sorted by name.

All texts but method, region and time are hexadecimal, so that any byte gets through.
"""

import datetime
import json
import sys
from types import SimpleNamespace
from urllib.parse import quote

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def main() -> None:
    moment = None
    botocore.auth.get_current_datetime = lambda *_, **__: moment
    for line in sys.stdin:
        case = json.loads(line)
        moment = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc)
        moment = moment.replace(tzinfo=None)
        path = "/" + quote(bytes.fromhex(case["key"]), safe="/~")
        pairs = sorted(
            (quote(bytes.fromhex(name), safe="-_.~"), quote(bytes.fromhex(value), safe="-_.~"))
            for name, value in case["query"]
        )
        query = "&".join(f"{name}={value}" for name, value in pairs)
        url = f"https://{case['host']}{path}" + (f"?{query}" if query else "")
        body = bytes.fromhex(case["body"])
        request = AWSRequest(method=case["method"], url=url, data=body)
        for name, value in case["fields"]:
            request.headers.add_header(
                bytes.fromhex(name).decode(), bytes.fromhex(value).decode()
            )
        s3 = {"payload_signing_enabled": case["signed"]}
        request.context["client_config"] = SimpleNamespace(s3=s3)
        token = bytes.fromhex(case["token"]).decode() or None
        secret = bytes.fromhex(case["secret"]).decode()
        credentials = Credentials("AKIDEXAMPLE", secret, token)
        if "expires" in case:
            region, expires = case["region"], case["expires"]
            S3SigV4QueryAuth(credentials, "s3", region, expires).add_auth(request)
            print("&".join(sorted(request.url.partition("?")[2].split("&"))))
            continue
        S3SigV4Auth(credentials, "s3", case["region"]).add_auth(request)
        print(url, request.headers["Authorization"])


if __name__ == "__main__":
    main()
