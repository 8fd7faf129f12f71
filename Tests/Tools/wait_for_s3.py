# SPDX-License-Identifier: Apache-2.0
"""wait_for_s3.py BUCKET SECONDS: makes the bucket and returns once an object can be stored and read.

The endpoint and the keys come from the environment. A server that is starting refuses connections,
then answers 500 for a while: a PUT that works is the only sign that counts.
"""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PROBE = "probe of wait_for_s3"


def try_once(client, bucket):
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
            raise
    client.put_object(Bucket=bucket, Key=PROBE, Body=b"probe")
    body = client.get_object(Bucket=bucket, Key=PROBE)["Body"].read()
    client.delete_object(Bucket=bucket, Key=PROBE)
    return body == b"probe"


def main(bucket, seconds):
    limits = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    client = boto3.client("s3", config=limits)
    deadline = time.monotonic() + seconds
    while True:
        try:
            if try_once(client, bucket):
                return 0
            problem = "the object came back with other bytes"
        except (BotoCoreError, ClientError) as error:
            problem = str(error)
        if time.monotonic() > deadline:
            print(f"no PUT worked within {seconds:g} s: {problem}", file=sys.stderr)
            return 1
        time.sleep(0.2)


sys.exit(main(sys.argv[1], float(sys.argv[2])))
