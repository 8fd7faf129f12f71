# SPDX-License-Identifier: Apache-2.0
"""What a head does of a job before it is submitted, with the store in memory: CPU and memory a job."""

import os

from galaxy_job import GalaxyJob, typical
from measuring import rounds, run

SMALL_PART = 10


def head(suite):
    """Survey, plan, pack, records and spec, of jobs that share their inputs: each is one more run."""
    program = os.environ["GALAXY_S3_BENCH_PLAN"]
    most = 200 if suite.quick else 10_000
    # Of what is staged already only the record counts, whatever the file's size.
    job = GalaxyJob(suite.disk / "head", typical(quick=True))
    job.renew()
    for _ in rounds(min(suite.rounds, 3), suite.seconds(1)):
        for jobs in (most // SMALL_PART, most):
            costs = {}
            for word in ("drop", "keep"):
                costs[word], _ = run([program, job.folder / "job.json", str(jobs), word])
            first, _ = run([program, job.folder / "job.json", "1", "drop"])
            suite.samples.add(
                "head",
                "memory",
                f"{jobs:,} jobs",
                "ours",
                costs["keep"],
                cpu_ms_a_job=round((costs["drop"].cpu - first.cpu) / (jobs - 1) * 1000, 4),
                kib_a_job=round((costs["keep"].peak - costs["drop"].peak) * 1024 / jobs, 2),
            )
