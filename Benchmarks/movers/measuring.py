# SPDX-License-Identifier: Apache-2.0
"""What a command costs, and all that was measured."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# The program that `bench` has compiled of costs.c.
COSTS = os.environ.get("GALAXY_S3_BENCH_COSTS", "costs")
# Seconds after which a command is given up.
PATIENCE = 180


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one command with all its processes."""

    wall: float
    cpu: float
    # Mebibytes that the largest of its processes had resident at most.
    peak: float
    # When it began, in seconds of the clock of time.monotonic().
    begin: float


class Broken(Exception):
    """A measurement came to nothing: a client failed, or brought other bytes."""


def run(command, environment=None, patience=PATIENCE, expected=0):
    """Runs a command; its cost and what it has written to standard output."""
    with tempfile.NamedTemporaryFile("r") as figures, tempfile.TemporaryFile() as errors:
        program = [COSTS, figures.name, str(patience), *map(str, command)]
        result = subprocess.run(
            program,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
        if result.returncode != expected:
            errors.seek(0)
            words = (result.stdout + errors.read()).decode(errors="replace").strip()[-1500:]
            raise Broken(f"{' '.join(map(str, command))[:300]} ended with {result.returncode}: {words}")
        found = json.loads(figures.read())
    cost = Cost(found["wall"] / 1e9, found["cpu"] / 1e6, found["peak"] / 1024, found["begin"] / 1e9)
    return cost, result.stdout


class Samples:
    """Everything measured: one record a command, under row, endpoint, operation and client."""

    NAMES = ("row", "endpoint", "operation", "client")

    def __init__(self):
        self.records = []
        self.notes = []

    def add(self, row, endpoint, operation, client, cost, **more):
        """Keeps a cost; `more` is what else was seen, such as requests or bytes."""
        record = dict(zip(self.NAMES, (row, endpoint, operation, client)))
        # Of a part of a process nothing but the time is known.
        known = {name: getattr(cost, name) for name in ("wall", "cpu", "peak")}
        record |= {name: round(value, 4) for name, value in known.items() if value is not None}
        self.records.append(record | more)

    def of(self, *names):
        """The records of this row, endpoint, operation and client."""
        return [one for one in self.records if tuple(one[name] for name in self.NAMES) == names]

    def keep(self, row, endpoint, operation, client, **seen):
        """Keeps what was seen of something that was not timed, such as its requests."""
        self.records.append(dict(zip(self.NAMES, (row, endpoint, operation, client))) | seen)

    def count(self, row, endpoint, operation, client, counts):
        """Keeps the requests of one that was counted and not timed."""
        self.keep(row, endpoint, operation, client, requests=counts.total(), by_method=dict(counts))

    def note(self, text):
        """Keeps a sentence that belongs to the figures, and says it."""
        self.notes.append(text)
        say(text)


def grouped(records):
    """The records of each row, endpoint, operation and client, in the order of their first."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[name] for name in Samples.NAMES), []).append(record)
    return groups


def median(records, name):
    """The median of what was measured under this name; None where it was not."""
    values = [record[name] for record in records if record.get(name) is not None]
    return statistics.median(values) if values else None


def spread(records, name):
    """How far apart the middle half of the values lies, as a part of their median."""
    values = sorted(record[name] for record in records if record.get(name) is not None)
    if len(values) < 3 or not statistics.median(values):
        return 0.0
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    return (quarters[2] - quarters[0]) / statistics.median(values)


def rounds(count, seconds):
    """Numbers from 0 on: at most `count`, and as many as `seconds` allow, but one at least."""
    begin = time.monotonic()
    for number in range(count):
        yield number
        spent = time.monotonic() - begin
        if spent * (number + 2) / (number + 1) > seconds:
            if number + 1 < count:
                say(f"  {number + 1} of {count} rounds: the time of this row is over")
            return


def say(text):
    print(text, file=sys.stderr, flush=True)
