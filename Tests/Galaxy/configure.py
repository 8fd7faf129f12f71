# SPDX-License-Identifier: Apache-2.0
"""configure.py DIR PORT HEAD_NODE WORKER STORE: writes the configuration of the Galaxy in DIR, and its
indices.

The bucket is the one of DIR/s3-exports. Everything is written anew each time but what Galaxy keeps. STORE
is where that is: `disk`, or `object_store` for the bucket.
"""

import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

directory, port, head_node, worker, store = sys.argv[1:]
home = Path(directory)
# Below a place that any user can reach, in a pod too: a tool's directory is seen at its own path.
tools = home / "tools"
shutil.copytree(Path(__file__).resolve().parent / "tools", tools, dirs_exist_ok=True)
# A rule of the administrator's, where Galaxy finds it.
shutil.copytree(Path(__file__).resolve().parent / "rules", home / "site/test_rules", dirs_exist_ok=True)
key = (home / "key").read_text()
bundled = ("data_source/upload.xml", "filters/catWrapper.xml")

# A data table with both kinds of columns: `path`, which Galaxy tells the runner of, and one it does not.
indices = home / "indices"
(indices / "spaced name").mkdir(parents=True, exist_ok=True)
(indices / "first.fa").write_text("first sequence\n")
(indices / "first.fa.idx").write_text("first index\n")
(indices / "spaced name" / "notes.txt").write_text("notes of the first\n")
(home / "tool-data").mkdir(exist_ok=True)
(home / "tool-data" / "shared.txt").write_text("shared by all tools\n")
row = ("first", "First", str(indices / "first.fa"), str(indices / "spaced name"))
(home / "sequences.loc").write_text("\t".join(row) + "\n")
(home / "tables.xml").write_text(
    '<tables><table name="test_sequences" comment_char="#">'
    "<columns>value, name, path, notes_path</columns>"
    f'<file path="{home}/sequences.loc"/></table><table name="test_genomes" comment_char="#">'
    f'<columns>value, name, path</columns><file path="{home}/genomes.loc"/></table></tables>\n'
)

# A real index, which a table names by what its files have in common.
genome = indices / "genome"
if not genome.with_suffix(".rev.2.bt2").exists():
    bases = "".join(random.Random(1).choices("ACGT", k=100_000))
    genome.with_suffix(".fa").write_text(f">genome\n{bases}\n")
    subprocess.run(["bowtie2-build", "--quiet", f"{genome}.fa", str(genome)], check=True)
(home / "genomes.loc").write_text(f"genome\tGenome\t{genome}\n")

# A name of its own, which a test can take away.
program = home / "galaxy-head-node"
program.unlink(missing_ok=True)
program.symlink_to(head_node)


def write(name, content):
    (home / name).write_text(yaml.safe_dump(content, sort_keys=False))


tool_files = [*bundled, *sorted(map(str, tools.glob("*.xml")))]
entries = "".join(f'<tool file="{file}"/>' for file in tool_files)
(home / "tool_conf.xml").write_text(
    f'<toolbox><section id="test" name="Test">{entries}</section></toolbox>\n'
)

exported = shlex.split((home / "s3-exports").read_text())
bucket = dict(word.split("=", 1) for word in exported if "=" in word)

if store == "object_store":
    write(
        "objects.yml",
        {
            "type": "boto3",
            "store_by": "uuid",
            "auth": {
                "access_key": bucket["AWS_ACCESS_KEY_ID"],
                "secret_key": bucket["AWS_SECRET_ACCESS_KEY"],
            },
            "bucket": {"name": bucket["GALAXY_S3_BUCKET"]},
            "connection": {"endpoint_url": bucket["AWS_ENDPOINT_URL_S3"]},
            "cache": {"path": str(home / "cache"), "size": 10},
            "extra_dirs": [
                {"type": "job_work", "path": str(home / "data/jobs_directory")},
                {"type": "temp", "path": str(home / "data/tmp")},
            ],
        },
    )
    (home / "objects.yml").chmod(0o600)
objects = {"object_store_config_file": str(home / "objects.yml")} if store == "object_store" else {}

# As Galaxy's own, but for libraries with twenty lines for each object that Galaxy pushes.
logging = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"handlers": ["console"], "level": "DEBUG"},
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("amqp", "boto3", "botocore", "routes.middleware", "s3transfer", "urllib3.connectionpool")
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "stack",
            "filters": ["stack"],
            "stream": "ext://sys.stderr",
        }
    },
    "filters": {"stack": {"()": "galaxy.web_stack.application_stack_log_filter"}},
    "formatters": {"stack": {"()": "galaxy.web_stack.application_stack_log_formatter"}},
}

write(
    "galaxy.yml",
    {
        "galaxy": {
            "data_dir": str(home / "data"),
            # Of a lock that lasts longer than a few seconds Galaxy's own runner loses jobs.
            "database_connection": (
                f"sqlite:///{home}/data/universe.sqlite?isolation_level=IMMEDIATE&timeout=60"
            ),
            "id_secret": key,
            "bootstrap_admin_api_key": key,
            "admin_users": "admin@example.org",
            "galaxy_infrastructure_url": f"http://127.0.0.1:{port}",
            "job_config_file": str(home / "job_conf.yml"),
            "tool_config_file": str(home / "tool_conf.xml"),
            "tool_data_path": str(home / "tool-data"),
            "tool_data_table_config_path": str(home / "tables.xml"),
            "container_resolvers": [{"type": "explicit"}],
            "conda_auto_init": False,
            "use_cached_dependency_manager": False,
            "cleanup_job": "never",
            "job_metrics": [{"type": "core"}],
            "interactivetools_enable": True,
            "use_tasked_jobs": True,
            "logging": logging,
            **objects,
        },
        "s3_executor": {
            "instance": "test",
            "executor": "local",
            "metrics": {"listen": f"unix:{home}/metrics.sock"},
            "s3": {
                "bucket": bucket["GALAXY_S3_BUCKET"],
                "endpoint": bucket["AWS_ENDPOINT_URL_S3"],
                "region": bucket["AWS_REGION"],
                "addressing": "path",
            },
            "local": {"worker": worker, "state_directory": str(home / "runs")},
            "link": {"mount": str(home / "mount"), "inputs": True},
            # Of all jobs; of those on disk each environment says its own.
            **({"output_mode": "object_store"} if store == "object_store" else {}),
        },
    },
)

ours = {
    "runner": "s3",
    "outputs_to_working_directory": store == "disk",
    "docker_enabled": True,
    "live_tool_output_reporting": True,
}
environments = {
    "local": {"runner": "local"},
    "by_history": {
        "runner": "dynamic",
        "type": "python",
        "rules_module": "test_rules",
        "function": "environment_of_history",
    },
    # Metadata in Galaxy's own process: the many small jobs of the tests are quicker this way.
    "s3": {**ours, "metadata": "internal", "k8s_extra_job_envs": {"TEST_TOKEN": "token-of-environment"}},
}
rules = [
    {"class": "local", "environment": "local"},
    {"class": "requires_galaxy", "environment": "local"},
]


def limited(name, base):
    """An environment with too little time for its jobs, and the one that they are sent to then."""
    return {
        f"{name}short": {
            **base,
            "limits.walltime": "4s",
            "limits.grace": "1s",
            "resubmit": [{"condition": "walltime_reached and attempt < 2", "environment": f"{name}long"}],
        },
        f"{name}long": {**base, "limits.walltime": "10m"},
    }


environments |= limited("", environments["s3"])
if store == "disk":
    environments |= {
        "external": {**ours, "metadata": "external"},
        "extended": {**ours, "metadata_strategy": "extended"},
        "tidy": {**ours, "metadata": "internal", "cleanup_job": "always"},
        "remote": {**ours, "tool_evaluation_strategy": "remote", "metadata_strategy": "extended"},
        # No packs: every discovered output is an object too.
        "link": {
            **ours,
            "outputs_to_working_directory": False,
            "output_mode": "link",
            "staging.pack_below": 0,
        },
    }
    environments["link_internal"] = {**environments["link"], "metadata": "internal"}
    environments |= limited("link_", environments["link_internal"])
    rules += [
        {"id": "test_remote", "environment": "remote"},
        # Before the rule for its class.
        {"id": "column_join", "environment": "s3"},
    ]

write(
    "job_conf.yml",
    {
        "runners": {
            "local": {"load": "galaxy.jobs.runners.local:LocalJobRunner", "workers": 2},
            "s3": {
                "load": "galaxy_s3_executor.runner:S3JobRunner",
                "workers": 4,
                "head_node": str(program),
                "k8s_extra_job_envs": {"TEST_TOKEN": "token-of-runner"},
            },
        },
        "execution": {
            "default": "by_history",
            "environments": environments,
        },
        "tools": rules,
    },
)
