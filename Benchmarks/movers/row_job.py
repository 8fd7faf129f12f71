# SPDX-License-Identifier: Apache-2.0
"""A job's four movements: stage, fetch, push, collect; by ours with a job, and by movers in a loop.

Ours does more: it sets up a sandbox and runs a tool in it, verifies every byte at every end, keeps
records of what is staged and of what happened, and replaces no file before what replaces it is whole.
"""

import contextlib
import shutil

from clients import DOWN_MANY, UP_MANY, clients
from files import compare, gone_after
from galaxy_job import PHASES, GalaxyJob, typical
from measuring import Broken, Cost, rounds, run
from servers import counting, keeping, seaweedfs

PEERS = ("s5cmd", "rclone", "boto3")
WHOLE = "four movements"


def job(suite):
    """Rounds of all; then each once more before a proxy that counts requests, not timed."""
    for folder, store in ((suite.memory, keeping), (suite.disk, seaweedfs)):
        synthetic = GalaxyJob(folder / "job", typical(suite.quick))
        with store(folder / "store") as endpoint:
            in_turn(suite, synthetic, endpoint)
        shutil.rmtree(synthetic.folder)


def in_turn(suite, synthetic, endpoint):
    movers = {client.name: client for client in clients(*PEERS)}
    left = ["ours", *PEERS]
    for number in rounds(suite.rounds, suite.seconds(0.35)):
        suite.say(f"job, {endpoint.name}: round {number + 1} of {suite.rounds}")
        if not left:
            return
        first = number % len(left)
        for name in left[first:] + left[:first]:
            try:
                moved = move(synthetic, endpoint, movers.get(name))
            except Broken as problem:
                suite.failed(f"job: {name}: {problem}")
                left.remove(name)
                # Perhaps there is nothing.
                with contextlib.suppress(Broken):
                    delete_all(endpoint, "job/")
                continue
            for operation, (cost, more) in moved.items():
                suite.samples.add("job", endpoint.name, operation, name, cost, **more)
    with counting(suite.disk / "counting", endpoint) as (counted, log):
        for name in left:
            log.since_last()
            move(synthetic, counted, movers.get(name))
            counts, _ = log.since_last()
            suite.samples.count("job", endpoint.name, WHOLE, name, counts)


def move(synthetic, endpoint, mover=None):
    """The costs of a new job of this shape, for each movement and for all four, by ours or a mover."""
    synthetic.renew()
    if mover is None:
        return ours(synthetic, endpoint)
    shape = synthetic.shape
    with gone_after(synthetic.folder / "pod") as pod, gone_after(synthetic.folder / "collected") as collected:
        results = pod / "results"
        moved = {}

        def step(phase, operation, folder, key, size):
            cost, _ = run(mover.command(operation, endpoint, folder, key), mover.environment(endpoint))
            moved[phase] = cost, {"bytes": size}

        pod.mkdir()
        collected.mkdir()
        step("stage", UP_MANY, synthetic.galaxy, "job/staged/", shape.staged_bytes)
        step("fetch", DOWN_MANY, pod / "galaxy", "job/staged/", shape.staged_bytes)
        compare(synthetic.galaxy, pod / "galaxy", mover.name)
        synthetic.make_results(results)
        step("push", UP_MANY, results, "job/pushed/", shape.pushed_bytes)
        step("collect", DOWN_MANY, collected, "job/pushed/", shape.pushed_bytes)
        compare(results, collected, mover.name)
    costs = [cost for cost, _ in moved.values()]
    moved[WHOLE] = (
        Cost(
            sum(cost.wall for cost in costs),
            sum(cost.cpu for cost in costs),
            max(cost.peak for cost in costs),
            costs[0].begin,
        ),
        {"bytes": 2 * (shape.staged_bytes + shape.pushed_bytes)},
    )
    # What the next mover would otherwise find done already.
    delete_all(endpoint, "job/")
    return moved


def ours(synthetic, endpoint):
    cost, phases = synthetic.run(endpoint)
    moved = {
        name: (
            Cost(phases[name]["seconds"], None, None, None),
            {"bytes": phases[name]["bytes"], "requests": phases[name]["requests"]},
        )
        for name in PHASES
    }
    shape = synthetic.shape
    seconds = sum(cost.wall for cost, _ in moved.values())
    size = {"bytes": 2 * (shape.staged_bytes + shape.pushed_bytes)}
    moved[WHOLE] = Cost(seconds, cost.cpu, cost.peak, cost.begin), size
    # With the head's and the worker's start, the sandbox, the notes and the records.
    moved["the whole run, without its tool"] = cost, size
    return moved


def delete_all(endpoint, prefix):
    run(["s5cmd", "--log", "error", "rm", f"s3://bench/{prefix}*"], endpoint.environment)
