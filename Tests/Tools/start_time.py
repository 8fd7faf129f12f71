# SPDX-License-Identifier: Apache-2.0
"""start_time.py RUNS PROGRAM ARGUMENT...: how long a program takes from spawn to exit, in ms."""

import os
import statistics
import sys
import time

runs, command = int(sys.argv[1]), sys.argv[2:]
times = []
for _ in range(runs):
    begin = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status = os.waitpid(process, 0)
    times.append((time.perf_counter() - begin) * 1000)
    if status != 0:
        sys.exit(f"{command} ended with wait status {status}")
times.sort()
print(
    f"start to exit of {' '.join(command[1:])}, {runs} runs: median {statistics.median(times):.2f} ms,"
    f" fastest {times[0]:.2f} ms, 95th percentile {times[int(runs * 0.95)]:.2f} ms"
)
