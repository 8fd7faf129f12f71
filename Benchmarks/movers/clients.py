# SPDX-License-Identifier: Apache-2.0
"""How each client is told to move files: a command line and an environment for one operation."""

import os
import pathlib
import subprocess
import sys

from servers import BUCKET

HERE = pathlib.Path(__file__).resolve().parent
UP, DOWN, UP_MANY, DOWN_MANY = OPERATIONS = ("up", "down", "up many", "down many")


class Ours:
    """galaxy-head-node s3 cp."""

    name = "ours"
    options = ()

    def __init__(self):
        self.program = os.environ["GALAXY_S3_BENCH_HEAD_NODE"]
        usage = subprocess.run([self.program, "s3", "cp", "--help"], check=False, capture_output=True).stdout
        self.is_recursive = b"--recursive" in usage

    def can(self, operation):
        return self.is_recursive or operation in (UP, DOWN)

    def environment(self, endpoint):
        return endpoint.environment

    def command(self, operation, endpoint, file, key):
        """Moves `file` to `key` or back; with many, a folder to all keys below `key`, or back."""
        many = operation in (UP_MANY, DOWN_MANY)
        ends = [f"{file}/" if many else str(file), f"s3://{BUCKET}/{key}"]
        if operation in (DOWN, DOWN_MANY):
            ends.reverse()
        return [self.program, "s3", "cp", *(["--recursive"] if many else []), *self.options, *ends]


class OursOfEight(Ours):
    """The same, with no more connections than it begins with, however slow they are."""

    connections = 8
    name = f"ours, {connections} connections"
    options = ("--parallel", str(connections))


class S5cmd(Ours):
    """s5cmd cp, as it comes."""

    name = "s5cmd"

    def __init__(self):
        self.program = "s5cmd"

    def can(self, operation):
        return operation in OPERATIONS

    def command(self, operation, endpoint, file, key):
        url = f"s3://{BUCKET}/{key}"
        ends = {
            UP: [str(file), url],
            DOWN: [url, str(file)],
            UP_MANY: [f"{file}/", url],
            DOWN_MANY: [f"{url}*", f"{file}/"],
        }
        return [self.program, "--log", "error", "cp", *ends[operation]]


class Rclone(S5cmd):
    """rclone copy with as many transfers as ours has."""

    name = "rclone"

    def __init__(self):
        self.program = "rclone"

    def environment(self, endpoint):
        known = {
            "TYPE": "s3",
            "PROVIDER": "Other",
            "ENDPOINT": endpoint.url,
            "ENV_AUTH": "true",
            "REGION": os.environ["AWS_REGION"],
        }
        return endpoint.environment | {f"RCLONE_CONFIG_STORE_{name}": value for name, value in known.items()}

    def command(self, operation, endpoint, file, key):
        verb = "copy" if operation in (UP_MANY, DOWN_MANY) else "copyto"
        ends = [str(file), f"store:{BUCKET}/{key}"]
        if operation in (DOWN, DOWN_MANY):
            ends.reverse()
        return [self.program, verb, "--config", "", "--transfers", "16", "--s3-no-check-bucket", *ends]


class Library(S5cmd):
    """A library, through the least program that uses it (library_client.py)."""

    def __init__(self, name):
        self.name = name

    def command(self, operation, endpoint, file, key):
        program = [sys.executable, HERE / "library_client.py"]
        return [*program, self.name, operation, endpoint.url, BUCKET, str(file), key]


def clients(*names):
    """Clients by name, in this order."""
    makers = {"ours": Ours, OursOfEight.name: OursOfEight, "s5cmd": S5cmd, "rclone": Rclone}
    return [makers[name]() if name in makers else Library(name) for name in names]


ALL = ("ours", "s5cmd", "awscrt", "obstore", "boto3")
