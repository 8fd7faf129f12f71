# SPDX-License-Identifier: Apache-2.0
"""Which operation of S3 a request is, by the API reference's names."""

import urllib.parse


class Call:
    """One request, as rules see it."""

    def __init__(self, request):
        self.request = request
        self.method = request.method
        self.target = request.target
        path = urllib.parse.unquote(request.path, errors="surrogateescape").lstrip("/")
        self.bucket, _, self.key = path.partition("/")
        self.part = request.number("partNumber") if "partNumber" in request.query else None
        self.signer = signer(request.headers.get("authorization", ""))
        self.operation = operation(request, self.key)


def signer(authorization):
    return authorization.partition("Credential=")[2].partition("/")[0] or None


def operation(request, key):
    query, copied = request.query, "x-amz-copy-source" in request.headers
    if not key:
        return {
            "GET": listing(query),
            "POST": "DeleteObjects" if "delete" in query else "Post",
            "HEAD": "HeadBucket",
            "PUT": "CreateBucket",
            "DELETE": "DeleteBucket",
        }.get(request.method, request.method)
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "uploadId" in query:
        return {
            "PUT": "UploadPartCopy" if copied else "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
            "GET": "ListParts",
        }.get(request.method, request.method)
    return {
        "GET": "GetObject",
        "HEAD": "HeadObject",
        "PUT": "CopyObject" if copied else "PutObject",
        "DELETE": "DeleteObject",
    }.get(request.method, request.method)


def listing(query):
    if "uploads" in query:
        return "ListMultipartUploads"
    return "ListObjectsV2" if query.get("list-type") == "2" else "GetBucket"
