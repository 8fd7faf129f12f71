# SPDX-License-Identifier: Apache-2.0
"""Sends jobs to the environment that their history is called after."""


def environment_of_history(app, job):
    name = job.history.name if job.history else None
    return name if name in app.job_config.destinations else "s3"
