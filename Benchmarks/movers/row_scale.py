# SPDX-License-Identifier: Apache-2.0
"""More of it: a file of 5 GiB, 20,000 files of 16 KiB and 100,000 of 1 KiB, where the store costs nothing.

Not part of a run unless it is asked for: it takes longer than all the others.
"""

import shutil

from clients import DOWN, DOWN_MANY, UP, UP_MANY
from files import MIB, make_file, make_files
from galaxy_job import Shape
from row_files import KIB, Transfers, pack
from servers import keeping, near_free

# Those that come near; boto3 takes minutes.
NEAR = ("ours", "s5cmd", "awscrt", "obstore")
TREES = ((20_000, 16 * KIB, "20,000 of 16 KiB"), (100_000, KIB, "100,000 of 1 KiB"))


def scale(suite):
    part = suite.seconds(0.3)
    size = 64 * MIB if suite.quick else 5120 * MIB
    file = make_file(suite.memory / "scale", size)
    with near_free(suite.memory / "near-free", {"up": file}) as (endpoint, log):
        one = Transfers(suite, "scale", (UP, DOWN), endpoint, log, label=", 5 GiB", names=NEAR)
        one.measure(file, "up", part)
    file.unlink()
    for count, bytes_each, label in TREES:
        many(suite, count // 100 if suite.quick else count, bytes_each, f", {label}", part)


def many(suite, count, size, label, seconds):
    """One by one beside the peers; then in packs, as a job has them."""
    folder = make_files(suite.memory / "small", count, size)
    objects = {f"small/{path.name}": path for path in folder.iterdir()}
    with near_free(suite.memory / "near-free", objects) as (endpoint, log):
        ways = UP_MANY, DOWN_MANY
        Transfers(suite, "scale", ways, endpoint, log, label=label, names=NEAR).measure(
            folder, "small/", seconds
        )
    shutil.rmtree(folder)
    with keeping(suite.memory / "keeping") as endpoint:
        shape = Shape(small=count, small_bytes=size, small_outputs=count)
        pack(suite, "scale", endpoint, shape, seconds, label)
