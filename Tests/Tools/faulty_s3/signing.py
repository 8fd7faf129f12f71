# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 in header fields, for requests that the proxy has changed."""

import datetime
import hashlib
import hmac
import os
import urllib.parse


def sign_anew(request):
    """Signs the request with our keys and the time that it is."""
    now = datetime.datetime.now(datetime.timezone.utc)
    request.headers["x-amz-date"] = now.strftime("%Y%m%dT%H%M%SZ")
    request.headers.pop("x-amz-security-token", None)
    day, region = now.strftime("%Y%m%d"), region_of(request)
    signed = sorted(n for n in request.headers if n == "host" or n.startswith("x-amz-"))
    canonical = "\n".join(
        [request.method, request.path, canonical_query(request)]
        + [f"{name}:{' '.join(request.headers[name].split())}" for name in signed]
        + ["", ";".join(signed), request.headers["x-amz-content-sha256"]]
    )
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for word in (day, region, "s3", "aws4_request", text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    request.headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope},"
        f"SignedHeaders={';'.join(signed)},Signature={key.hex()}"
    )


def region_of(request):
    return request.headers["authorization"].partition("Credential=")[2].split("/")[2]


def canonical_query(request):
    _, _, query = request.target.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    encoded = sorted((encode(name), encode(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def encode(word):
    return urllib.parse.quote(word, safe="-_.~", errors="surrogateescape")
