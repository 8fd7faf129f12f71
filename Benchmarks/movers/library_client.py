# SPDX-License-Identifier: Apache-2.0
"""library_client.py LIBRARY OPERATION ENDPOINT BUCKET FILE KEY: what a program does that uses a library.

LIBRARY is awscrt, obstore or boto3, each with its own defaults. OPERATION is `up` or `down` for one file,
`up many` or `down many` for a folder FILE and all keys below KEY; `nothing` only starts. Credentials and
region come from the environment, and so does the certificate to trust.
"""

import os
import pathlib
import re
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

THREADS = 16


class Boto3:
    def __init__(self, endpoint, bucket):
        import boto3  # noqa: PLC0415 - each process loads one library
        from botocore.config import Config  # noqa: PLC0415

        self.bucket = bucket
        self.s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(max_pool_connections=2 * THREADS))

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def up(self, file, key):
        self.s3.upload_file(str(file), self.bucket, key)

    def down(self, file, key):
        self.s3.download_file(self.bucket, key, str(file))

    def all(self, work, pairs):
        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(work, *pair) for pair in pairs]:
                future.result()


class Obstore(Boto3):
    def __init__(self, endpoint, bucket):
        import obstore  # noqa: PLC0415
        from obstore.store import S3Store  # noqa: PLC0415

        self.obstore = obstore
        self.store = S3Store(
            bucket,
            endpoint=endpoint,
            region=os.environ["AWS_REGION"],
            access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
            secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True},
            virtual_hosted_style_request=False,
        )

    def keys(self, prefix):
        return [each["path"] for page in self.obstore.list(self.store, prefix) for each in page]

    def up(self, file, key):
        self.obstore.put(self.store, key, pathlib.Path(file))

    def down(self, file, key):
        with open(file, "wb") as target:
            for part in self.obstore.get(self.store, key).stream(min_chunk_size=8 << 20):
                target.write(part)


class AWSCRT:
    def __init__(self, endpoint, bucket):
        from awscrt import auth, http, io, s3  # noqa: PLC0415

        self.http, self.s3 = http, s3
        self.bucket = bucket
        address = urllib.parse.urlsplit(endpoint)
        self.host = address.netloc
        group = io.EventLoopGroup()
        provider = auth.AwsCredentialsProvider.new_static(
            os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        )
        region = os.environ["AWS_REGION"]
        tls = None
        if address.scheme == "https":
            options = io.TlsContextOptions()
            options.override_default_trust_store_from_path(None, os.environ["AWS_CA_BUNDLE"])
            tls = io.ClientTlsContext(options).new_connection_options()
        self.client = s3.S3Client(
            bootstrap=io.ClientBootstrap(group, io.DefaultHostResolver(group)),
            region=region,
            signing_config=s3.create_default_s3_signing_config(region=region, credential_provider=provider),
            tls_mode=s3.S3RequestTlsMode.ENABLED if tls else s3.S3RequestTlsMode.DISABLED,
            tls_connection_options=tls,
        )

    def request(self, kind, method, path, **options):
        headers = self.http.HttpHeaders([("host", self.host)])
        if "send_filepath" in options:
            headers.add("content-length", str(os.path.getsize(options["send_filepath"])))
        request = self.http.HttpRequest(method, path, headers)
        return self.client.make_request(type=kind, request=request, **options).finished_future

    def keys(self, prefix):
        found, token = [], ""
        while True:
            page = bytearray()
            query = f"list-type=2{token}&prefix={urllib.parse.quote(prefix, safe='')}"
            self.request(
                self.s3.S3RequestType.DEFAULT,
                "GET",
                f"/{self.bucket}?{query}",
                operation_name="ListObjectsV2",
                on_body=lambda chunk, offset, page=page, **_: page.extend(chunk),
            ).result()
            found += re.findall(r"<Key>([^<]*)</Key>", page.decode())
            more = re.search(r"<NextContinuationToken>([^<]*)<", page.decode())
            if not more:
                return found
            token = f"&continuation-token={urllib.parse.quote(more[1], safe='')}"

    def up(self, file, key):
        kind = self.s3.S3RequestType.PUT_OBJECT
        return self.request(kind, "PUT", f"/{self.bucket}/{key}", send_filepath=str(file))

    def down(self, file, key):
        kind = self.s3.S3RequestType.GET_OBJECT
        return self.request(kind, "GET", f"/{self.bucket}/{key}", recv_filepath=str(file))

    def all(self, work, pairs):
        # The client itself decides how many are under way.
        for future in [work(*pair) for pair in pairs]:
            future.result()


def main(library, operation, endpoint, bucket, file, key):
    client = {"awscrt": AWSCRT, "obstore": Obstore, "boto3": Boto3}[library](endpoint, bucket)
    file = pathlib.Path(file)
    if operation == "up":
        client.all(client.up, [(file, key)])
    if operation == "down":
        client.all(client.down, [(file, key)])
    if operation == "up many":
        files = [path for path in file.rglob("*") if path.is_file()]
        client.all(client.up, [(path, f"{key}{path.relative_to(file)}") for path in files])
    if operation == "down many":
        pairs = [(file / found.removeprefix(key), found) for found in client.keys(key)]
        for folder in {path.parent for path, _ in pairs}:
            folder.mkdir(parents=True, exist_ok=True)
        client.all(client.down, pairs)


if __name__ == "__main__":
    main(*sys.argv[1:])
