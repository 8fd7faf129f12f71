# SPDX-License-Identifier: Apache-2.0
"""The part of check_chart.py that asks a real API server, as `Scripts/cluster env` names it."""

import os
import subprocess

# There are no definitions of these in the cluster.
FOREIGN = "ServiceMonitor"


def kubectl(*words, text=None):
    return subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True, timeout=120)


def own(text):
    """Without the documents that the cluster has no definition of."""
    return "\n---\n".join(part for part in text.split("\n---\n") if f"kind: {FOREIGN}" not in part)


def rights(namespace, account):
    """What the account may do in the namespace, one line a rule, as kubectl lists it."""
    answer = kubectl("--namespace", namespace, "auth", "can-i", "--list", f"--as=system:serviceaccount:{account}")
    return {" ".join(line.split()) for line in answer.stdout.splitlines()}


def rights_beyond(namespace, account, plain):
    """What `account` may do and the account `plain`, which has been given nothing, may not."""
    return sorted(rights(namespace, account) - rights(namespace, plain))


def check(checks, chart, files, golden):
    galaxy = f"check-chart-{os.getpid()}"
    jobs = f"{galaxy}-jobs"
    try:
        for namespace in (galaxy, jobs):
            answer = kubectl("create", "namespace", namespace)
            checks.check(f"the namespace {namespace}", answer.stderr or None)
        for file in files:
            text = own(chart.rendered([file], "--namespace", galaxy, "--set", f"jobNamespace={jobs}"))
            answer = kubectl("apply", "--dry-run=server", "-f", "-", text=text)
            problem = None if answer.returncode == 0 and not answer.stderr else answer.stdout + answer.stderr
            checks.check(f"{file.stem}: the API server takes it", problem)
        text = chart.rendered([], "--namespace", galaxy, "--set", f"jobNamespace={jobs}")
        answer = kubectl("apply", "-f", "-", text=text)
        checks.check("the defaults, in the cluster", None if answer.returncode == 0 else answer.stderr)
        check_rights(checks, galaxy, jobs, golden)
    finally:
        kubectl("delete", "namespace", galaxy, jobs, "--wait=false")


def check_rights(checks, galaxy, jobs, golden):
    head, worker = f"{galaxy}:galaxy-s3-executor", f"{jobs}:galaxy-s3-executor-worker"
    got = rights_beyond(jobs, head, f"{galaxy}:default")
    if os.environ.get("RECORD") == "1":
        golden.write_text("".join(line + "\n" for line in got), encoding="utf-8")
    wanted = golden.read_text(encoding="utf-8").splitlines()
    checks.check(f"what the head may, as in {golden}", None if got == wanted else f"{got} is not {wanted}")
    for what, namespace, account in [
        ("the head beside the jobs' namespace", galaxy, head),
        ("the head in another namespace", "default", head),
        ("a worker", jobs, worker),
    ]:
        beyond = rights_beyond(namespace, account, f"{galaxy}:default")
        checks.check(f"{what} may no more than anybody", None if not beyond else str(beyond))
