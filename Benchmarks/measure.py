# SPDX-License-Identifier: Apache-2.0
"""measure.py LOG LABEL COMMAND...: runs a command, appends what it cost to LOG; measure.py --table LOG.

One line of LOG is one run: label, wall seconds, CPU seconds (user and system, children too), peak
resident MiB. The table shows medians. A command that fails ends the measurement with its output.
"""

import collections
import statistics
import subprocess
import sys
import tempfile


def measure(log, label, command):
    # Not Python's own getrusage: a child's peak starts at that of the process it was forked from.
    with tempfile.NamedTemporaryFile("r") as figures:
        timed = ["/usr/bin/time", "-o", figures.name, "-f", "%e %U %S %M", *command]
        result = subprocess.run(timed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        wall, user, system, peak = map(float, figures.read().split()[-4:])
    if result.returncode != 0:
        sys.stderr.buffer.write(result.stdout[-4000:])
        sys.exit(f"{label}: {command[0]} ended with {result.returncode}")
    with open(log, "a", encoding="utf-8") as file:
        print(
            label,
            f"{wall:.3f}\t{user + system:.3f}\t{peak / 1024:.1f}",
            sep="\t",
            file=file,
        )


def table(log):
    runs = collections.defaultdict(list)
    with open(log, encoding="utf-8") as file:
        for line in file:
            label, *numbers = line.rstrip("\n").split("\t")
            runs[label].append([float(number) for number in numbers])
    print(f"{'transfer':42} {'runs':>4} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
    for label, rows in sorted(runs.items()):
        wall, cpu, peak = (statistics.median(column) for column in zip(*rows))
        print(f"{label:42} {len(rows):4d} {wall:8.2f} {cpu:8.2f} {peak:9.1f}")


if sys.argv[1] == "--table":
    table(sys.argv[2])
else:
    measure(sys.argv[1], sys.argv[2], sys.argv[3:])
