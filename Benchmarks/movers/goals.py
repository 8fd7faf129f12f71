# SPDX-License-Identifier: Apache-2.0
"""What ours is meant to reach, and whether it does; a goal whose row was not measured is left out."""

import dataclasses

from clients import OursOfEight
from measuring import median
from row_job import WHOLE
from servers import IN_MEMORY


@dataclasses.dataclass(frozen=True)
class Goal:
    what: str
    value: float
    limit: float
    # Whether more is better.
    at_least: bool = False

    @property
    def is_met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self):
        word = "at least" if self.at_least else "at most"
        return f"{'met   ' if self.is_met else 'MISSED'} {self.what}: {self.value:.3g}, {word} {self.limit:g}"


def goals(results):
    """All goals that these results can say something of."""
    for make in (large, small, packed, job, head, far, worker):
        yield from (goal for goal in make(results) if goal.value is not None)


def large(results):
    limits = {("down", "wall"): 0.9, ("down", "cpu"): 0.9, ("up", "wall"): 1.0}
    for (operation, name), limit in limits.items():
        found = results.ratio(("large", "near-free", operation), name)
        if found:
            yield Goal(f"a large file {operation}, {name}, ours / best peer", found[0], limit)
    clients = results.clients(("large", "near-free", "up"))
    values = [median(clients.get(client, []), "cpu") for client in ("ours", "awscrt")]
    if all(values):
        yield Goal("a large file up, CPU, ours / awscrt", values[0] / values[1], 1.2)
    for operation in ("down", "up"):
        peak = median(results.clients(("large", "near-free", operation)).get("ours", []), "peak")
        yield Goal(f"a large file {operation}, peak MiB", peak, 32)


def small(results):
    for endpoint in ("near-free", IN_MEMORY):
        for operation in ("up many", "down many"):
            for name in ("wall", "cpu"):
                found = results.ratio(("small", endpoint, operation), name)
                if found:
                    what = f"small files {operation}, {endpoint}, {name}, ours / best peer"
                    yield Goal(what, found[0], 0.9)


def packed(results):
    """Small files in packs, beside the peer that is quickest with one request a file."""
    for row, endpoint, operation in results.cells():
        if row not in ("small", "scale"):
            continue
        clients = results.clients((row, endpoint, operation))
        walls = [median(records, "wall") for name, records in clients.items() if "ours" not in name]
        # Where they are counted: one a file is the least.
        files = median(results.clients((row, "near-free", operation)).get("ours", []), "requests")
        for name, ours in clients.items():
            if "packed" in name and any(walls):
                what = f"small files {operation}, {endpoint}, {name.removeprefix('ours, ')}"
                share = median(ours, "wall") / min(walls)
                yield Goal(f"{what}, wall, ours / best peer one by one", share, 0.25)
                if files:
                    share = median(ours, "requests") / files
                    yield Goal(f"{what}, requests / one by one", share, 1 / 50)


def job(results):
    for endpoint in ("near-free", "SeaweedFS"):
        found = results.ratio(("job", endpoint, WHOLE), "wall")
        if found:
            yield Goal(f"a job's four movements, {endpoint}, wall, ours / best peer", found[0], 0.6)


def head(results):
    """A job costs no more where there are ten times as many."""
    groups = {names[2]: records for names, records in results.groups.items() if names[0] == "head"}
    if len(groups) != 2:
        return
    few, many = (groups[jobs] for jobs in sorted(groups, key=len))
    for name, what in (("cpu_ms_a_job", "CPU"), ("kib_a_job", "memory")):
        values = median(few, name), median(many, name)
        if all(values):
            yield Goal(f"{what} a job, among ten times as many / among fewer", values[1] / values[0], 1.2)


def far(results):
    for operation in ("up", "down"):
        cell = ("distance", "near-free, far", operation)
        found = results.ratio(cell, "wall")
        if found:
            yield Goal(f"a far file {operation}, wall, ours / best peer", found[0], 0.9)
        share = median(results.clients(cell).get(OursOfEight.name, []), "share")
        yield Goal(f"a far file {operation}, of what its connections carry", share, 0.9, at_least=True)
    records = results.clients(("distance", "round trips", f"the job: {WHOLE}")).get("ours", [])
    yield Goal("a job far away, round trips in a row", median(records, "trips"), 6)


def worker(results):
    def found(endpoint, operation, name):
        return median(results.groups.get(("worker", endpoint, operation, "ours"), []), name)

    for endpoint, operation, limit in (
        ("none", "start to first byte", 10),
        ("SeaweedFS", "an empty job", 40),
    ):
        wall = found(endpoint, operation, "wall")
        yield Goal(f"the worker, {operation}, ms", wall and wall * 1000, limit)
    yield Goal("the worker, an empty job, requests", found("SeaweedFS", "an empty job", "requests"), 6)
