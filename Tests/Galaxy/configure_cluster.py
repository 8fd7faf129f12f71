# SPDX-License-Identifier: Apache-2.0
"""configure_cluster.py DIR: has the Galaxy in DIR, which configure.py has written, run its jobs in pods.

Which cluster, the environment says: the exports of Tests/Tools/cluster-lab.
"""

import os
import sys
from pathlib import Path

import yaml

home = Path(sys.argv[1])
# What a tool runs in that names no container of its own.
IMAGE = "localhost/glibc:1"


def change(name, change):
    content = yaml.safe_load((home / name).read_text())
    change(content)
    (home / name).write_text(yaml.safe_dump(content, sort_keys=False))


def use_cluster(content):
    block = content["s3_executor"]
    block["executor"] = "kubernetes"
    block["s3"]["allow_http"] = True
    del block["local"]["worker"]
    block["kubernetes"] = {
        "k8s_config_path": os.environ["GALAXY_S3_CLUSTER_KUBECONFIG"],
        "k8s_namespace": os.environ["GALAXY_S3_CLUSTER_NAMESPACE"],
        "worker_image": os.environ["GALAXY_S3_TEST_WORKER_IMAGE"],
        "credentials_secret": os.environ["GALAXY_S3_TEST_SECRET"],
        "output_allowance": "128Mi",
        # The node is small, and several pods are to fit.
        "worker_requests_cpu": "20m",
    }


def add_environments(content):
    environments = content["execution"]["environments"]
    ours = {**environments["s3"], "docker_default_container_id": IMAGE}
    for environment in environments.values():
        if environment["runner"] == ours["runner"]:
            environment["docker_default_container_id"] = IMAGE
    environments["small"] = {
        **ours,
        "requests_memory": "64Mi",
        "limits_memory": "64Mi",
        "resubmit": [{"condition": "memory_limit_reached and attempt < 2", "environment": "large"}],
    }
    environments["large"] = {**ours, "requests_memory": "64Mi", "limits_memory": "512Mi"}
    # It need not be the usual twenty seconds for what takes no notice anyway.
    environments["hasty"] = {**ours, "limits.grace": "5s"}
    environments["tight"] = {**ours, "limits_ephemeral_storage": "300Mi"}
    content["tools"] += [
        {"id": "test_memory", "environment": "small"},
        {"id": "test_disk", "environment": "tight"},
        {"id": "test_stubborn", "environment": "hasty"},
    ]


change("galaxy.yml", use_cluster)
change("job_conf.yml", add_environments)
