# SPDX-License-Identifier: Apache-2.0
"""A store that is 40 ms away and gives each connection 8 MiB/s."""

from clients import ALL, DOWN, UP, OursOfEight, clients
from files import MIB, compare, gone_after, make_file
from galaxy_job import PHASES, GalaxyJob, Shape, typical
from measuring import Broken, rounds, run
from row_job import WHOLE, move
from servers import far, keeping, near_free

ROUND_TRIP_MS = 40
WIDTH_MIB = 8


def distance(suite):
    width_of_proxy(suite)
    large_file(suite)
    jobs(suite)


def width_of_proxy(suite):
    """What the proxy itself lets through, so that it is known not to be what is measured."""
    size = 256 * MIB if suite.quick else 1024 * MIB
    file = make_file(suite.memory / "large", size)
    (ours,) = clients("ours")
    with near_free(suite.memory / "near-free", {"up": file}) as (near, _), far(near, 0, 0) as wire:
        with gone_after(suite.memory / "back") as back:
            cost, _ = run(ours.command(DOWN, wire.endpoint, back, "up"), wire.endpoint.environment)
        passed = size / MIB / cost.wall
    suite.samples.note(
        f"the proxy of the row `distance` lets {passed:.0f} MiB/s through when it holds nothing back"
    )
    file.unlink()


def large_file(suite):
    """How much of what its connections could carry a client uses."""
    size = (32 if suite.quick else 256) * MIB
    file = make_file(suite.memory / "large", size)
    with (
        near_free(suite.memory / "near-free", {"up": file}) as (near, _),
        far(near, ROUND_TRIP_MS, WIDTH_MIB) as wire,
    ):
        for _ in rounds(min(suite.rounds, 2), suite.seconds(0.35)):
            for client in clients("ours", OursOfEight.name, *ALL[1:]):
                for operation in (UP, DOWN):
                    try:
                        far_transfer(suite, client, operation, wire, file)
                    except Broken as problem:
                        suite.failed(f"distance: {client.name}: {problem}")
    file.unlink()


def far_transfer(suite, client, operation, wire, file):
    with gone_after(suite.memory / "back") as back:
        local = file if operation == UP else back
        wire.figures()
        command = client.command(operation, wire.endpoint, local, "up")
        cost, _ = run(command, client.environment(wire.endpoint))
        seen = wire.figures()
        if operation == DOWN:
            compare(file, back, client.name)
    # What the others do shows what they may.
    connections = max(getattr(client, "connections", 1), seen["busy"])
    size = file.stat().st_size
    suite.samples.add(
        "distance",
        wire.endpoint.name,
        operation,
        client.name,
        cost,
        bytes=size,
        connections=connections,
        busy=seen["busy"],
        share=round(size / MIB / cost.wall / (connections * WIDTH_MIB), 3),
        proxy_cpu=round(seen["cpu"] / cost.wall, 3),
    )


def jobs(suite):
    """A job near and far through connections of the same width: the difference is round trips.

    The store costs next to nothing: what SeaweedFS needs for so many bytes differs by whole seconds.
    """
    shapes = {"an empty job": Shape(small=5, small_bytes=1 << 10), "the job": typical(suite.quick)}
    with keeping(suite.memory / "store") as store:
        for name, shape in shapes.items():
            synthetic = GalaxyJob(suite.memory / name.replace(" ", "-"), shape)
            for _ in rounds(min(suite.rounds, 3), suite.seconds(0.35)):
                for milliseconds in (0, ROUND_TRIP_MS):
                    with far(store, milliseconds, WIDTH_MIB) as wire:
                        endpoint = wire.endpoint.at(wire.endpoint.url, f"{milliseconds} ms")
                        keep(suite, name, "ours", endpoint, move(synthetic, endpoint))
            round_trips(suite, name)
        for client in clients("s5cmd", "rclone"):
            with far(store, ROUND_TRIP_MS, WIDTH_MIB) as wire:
                endpoint = wire.endpoint.at(wire.endpoint.url, f"{ROUND_TRIP_MS} ms")
                try:
                    keep(suite, name, client.name, endpoint, move(synthetic, endpoint, client))
                except Broken as problem:
                    suite.failed(f"distance: {client.name}: {problem}")


def keep(suite, name, client, endpoint, moved):
    for operation, (cost, more) in moved.items():
        suite.samples.add("distance", endpoint.name, f"{name}: {operation}", client, cost, **more)


def round_trips(suite, name):
    """How many round trips in a row each movement needed: what 40 ms more have cost, in 40 ms.

    Of both the least is taken: whatever else goes on only adds.
    """
    for movement in (*PHASES, WHOLE, "the whole run, without its tool"):
        operation = f"{name}: {movement}"
        near, distant = (
            min(one["wall"] for one in suite.samples.of("distance", f"{milliseconds} ms", operation, "ours"))
            for milliseconds in (0, ROUND_TRIP_MS)
        )
        trips = round((distant - near) / (ROUND_TRIP_MS / 1000), 1)
        suite.samples.keep("distance", "round trips", operation, "ours", near=near, far=distant, trips=trips)
