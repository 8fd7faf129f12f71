# SPDX-License-Identifier: Apache-2.0
"""configure.py DIR PORT: what `configure` changes in the configuration of the Galaxy in DIR."""

import os
import sys
from pathlib import Path

import yaml

home, port = Path(sys.argv[1]), sys.argv[2]
bench = Path(os.environ["GALAXY_S3_BENCH"])
is_stored = "object_store_config_file" in yaml.safe_load((home / "galaxy.yml").read_text())["galaxy"]
# One tool of each kind for each way: its id says where it goes.
WAYS = ("stored",) if is_stored else ("upstream", "ours", "internal", "linked")
COMMANDS = {"bench": "cat '$input' | wc -c > '$out'", "bench_copy": "cat '$input' > '$out'"}
TOOL = """\
<tool id="{id}" name="Reads bytes" version="1.0" profile="24.2">
    <command detect_errors="exit_code"><![CDATA[ {command} ]]></command>
    <inputs><param name="input" type="data" format="data" label="Anything"/></inputs>
    <outputs><data name="out" format="txt" label="what came of it"/></outputs>
</tool>
"""


def change(name, change):
    content = yaml.safe_load((home / name).read_text())
    change(content)
    (home / name).write_text(yaml.safe_dump(content, sort_keys=False))


def settings(content):
    # As Galaxy has it unless told otherwise.
    del content["galaxy"]["cleanup_job"]
    block = content["s3_executor"]
    block["metrics"] = {"listen": f"127.0.0.1:{port}"}
    # An input that has become a link is never new again.
    block["link"]["inputs"] = False
    block["kubernetes"] |= {
        "k8s_config_path": str(bench / "ours.kubeconfig"),
        # All pods of a burst are to be there at once, as the other runner's are, which ask for nothing.
        "worker_requests_cpu": "1m",
        "worker_requests_memory": "16Mi",
        # Room for what the largest writes.
        "output_allowance": "2Gi",
    }


def jobs(content):
    environments = content["execution"]["environments"]
    ours = environments["s3"]
    if is_stored:
        environments["stored"] = {**ours, "metadata": "internal"}
    else:
        add_upstream(content, ours)
        environments["ours"] = {**ours, "metadata": "external"}
        environments["internal"] = {**ours, "metadata": "internal"}
        environments["linked"] = {**environments["link"], "metadata": "internal"}
    # The tests have one tool sent where it cannot run; here it uploads.
    content["tools"] = [tool for tool in content["tools"] if tool.get("id") != "__DATA_FETCH__"]
    content["tools"] += [{"id": f"{kind}_{way}", "environment": way} for kind in COMMANDS for way in WAYS]


def add_upstream(content, ours):
    content["runners"]["upstream"] = {
        "load": "galaxy.jobs.runners.kubernetes:KubernetesJobRunner",
        "k8s_config_path": str(bench / "upstream.kubeconfig"),
        "k8s_namespace": "upstream",
        "k8s_pull_policy": "IfNotPresent",
        "k8s_galaxy_instance_id": "bench",
        "k8s_persistent_volume_claims": f"galaxy:{home}",
    }
    content["execution"]["environments"]["upstream"] = {
        "runner": "upstream",
        "docker_enabled": True,
        "docker_default_container_id": ours["docker_default_container_id"],
    }


change("galaxy.yml", settings)
change("job_conf.yml", jobs)
(home / "bench-port").write_text(port)
tools = home / "bench-tools"
tools.mkdir(exist_ok=True)
for way in WAYS:
    for kind, command in COMMANDS.items():
        id = f"{kind}_{way}"
        (tools / f"{id}.xml").write_text(TOOL.format(id=id, command=command))
entries = "".join(f'<tool file="{file}"/>' for file in sorted(tools.glob("*.xml")))
conf = (home / "tool_conf.xml").read_text()
(home / "tool_conf.xml").write_text(conf.replace("</section>", f"{entries}</section>"))
