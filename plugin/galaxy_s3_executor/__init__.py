# SPDX-License-Identifier: Apache-2.0
"""Galaxy's side of galaxy-s3-executor. The job runner is galaxy_s3_executor.runner:S3JobRunner."""

__version__ = "0.1.0"
