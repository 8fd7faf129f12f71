# SPDX-License-Identifier: Apache-2.0
"""check_chart.py REPOSITORY HELM HEAD-NODE: the chart and the manifests beside it.

Renders the chart with every file of chart-values, compares that with chart-golden, and holds it against
Kubernetes' own schemas, the manifests for those without Helm, the head's reading of its configuration,
and what the network policy has to let through and to hold back.
"""

import base64
import copy
import ipaddress
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import chart_cluster
from kubernetes_schemas import VERSIONS, refusal

# What is not Kubernetes' own, and has no schema there.
FOREIGN = {"ServiceMonitor"}
RELEASE, NAMESPACE = "galaxy-s3-executor", "galaxy"
CANARY = "CANARY"
# Parts of values.yaml in which any key may stand.
FREE = {"annotations", "selector", "labels", "config"}


class Checks:
    """Counts, and says what failed."""

    passed = failed = 0

    def check(self, what, problem=None):
        """`problem` is None, or why it failed."""
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED  {what}: {problem}", flush=True)


class Chart:
    def __init__(self, repository, helm):
        self.folder = repository / "config/kubernetes/chart"
        self.defaults = yaml.safe_load((self.folder / "values.yaml").read_text(encoding="utf-8"))
        self._helm = helm
        self._home = tempfile.TemporaryDirectory()
        # No cluster, no registry and no setting of this machine's.
        self._environment = {"PATH": os.environ["PATH"], "HOME": self._home.name, "KUBECONFIG": "/dev/null"}

    def helm(self, *words):
        command = [self._helm, *map(str, words)]
        return subprocess.run(
            command, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )

    def run(self, verb, values, *words):
        """`values` are files; later wins."""
        files = [word for file in values for word in ("--values", file)]
        return self.helm(verb, RELEASE, self.folder, "--namespace", NAMESPACE, *files, *words)

    def rendered(self, values, *words):
        answer = self.run("template", values, *words)
        if answer.returncode != 0:
            sys.exit(f"{values}: {answer.stderr}")
        return answer.stdout


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def one(documents, kind, name=""):
    (found,) = [d for d in documents if d["kind"] == kind and d["metadata"]["name"].endswith(name)]
    return found


def differ(got, wanted):
    return None if got == wanted else f"{json.dumps(got)[:2000]} is not {json.dumps(wanted)[:2000]}"


def check_schemas(checks, name, documents):
    for document in documents:
        what = f"{name}: {document['kind']} {document['metadata']['name']}"
        if document["kind"] in FOREIGN:
            continue
        damaged = copy.deepcopy(document)
        damaged["metadata"]["surprise"] = "x"
        for version in VERSIONS:
            checks.check(f"{what}, Kubernetes {version}", refusal(document, version))
            noticed = refusal(damaged, version) is not None
            checks.check(f"{what}, damaged", None if noticed else f"{version} did not notice")


def check_golden(checks, golden, name, text):
    file = golden / f"{name}.yaml"
    if os.environ.get("RECORD") == "1":
        file.write_text(text, encoding="utf-8")
    wanted = file.read_text(encoding="utf-8") if file.exists() else None
    checks.check(f"{name}: as in {file}", None if text == wanted else "it is not; RECORD=1 writes it anew")


def check_refusals(checks, chart, base, refusals):
    for case in refusals:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(case["values"], file)
            file.flush()
            answer = chart.run("template", [base, file.name])
        problem = None
        if answer.returncode == 0:
            problem = "it is not refused"
        elif case["says"] not in answer.stderr:
            problem = f"the message does not say {case['says']!r}: {answer.stderr}"
        elif CANARY in answer.stderr:
            problem = "the message says the secret"
        checks.check(f"refused: {case['what']}", problem)


def sections(values, path=()):
    """The paths of all maps of the values in which only known keys may stand."""
    yield path
    for key, value in values.items():
        if isinstance(value, dict) and key not in FREE:
            yield from sections(value, (*path, key))


def check_strictness(checks, chart):
    for path in sections(chart.defaults):
        answer = chart.run("template", [], "--set", ".".join((*path, "surprise=1")))
        refused = answer.returncode != 0 and "'surprise' not allowed" in answer.stderr
        problem = None if refused else answer.stderr or "it is taken"
        checks.check(f"an unknown value in {'.'.join(path) or 'the values'}", problem)


def check_static(checks, repository, documents):
    """The manifests for those without Helm, and what the chart makes by default."""
    folder = repository / "config/kubernetes"
    static = objects((folder / "role.yaml").read_text(encoding="utf-8"))
    for kind, file in [("NetworkPolicy", "networkpolicy"), ("ServiceAccount", "worker-serviceaccount")]:
        (document,) = objects((folder / f"{file}.yaml").read_text(encoding="utf-8"))
        checks.check(f"{file}.yaml is a {kind}", differ(document["kind"], kind))
        static.append(document)
    check_schemas(checks, "config/kubernetes", static)
    for document in static:
        chart_own = copy.deepcopy(one(documents, document["kind"], document["metadata"]["name"]))
        del chart_own["metadata"]["namespace"], chart_own["metadata"]["labels"]
        what = f"{document['kind']} {document['metadata']['name']}, with Helm and without"
        checks.check(what, differ(chart_own, document))
    stray = {d["kind"] for d in documents} - {d["kind"] for d in static}
    checks.check("nothing is made by default but what there is without Helm", differ(sorted(stray), []))


def check_config(checks, name, documents, values, program):
    """The head takes the configuration, and its names are those of what the chart makes."""
    maps = [d for d in documents if d["kind"] == "ConfigMap"]
    if not values.get("config"):
        checks.check(f"{name}: no configuration", differ(maps, []))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "galaxy-s3-executor.yml"
        file.write_text(maps[0]["data"][file.name], encoding="utf-8")
        answer = subprocess.run(
            [program, "check-config", "--config", file],
            env={"PATH": os.environ["PATH"], "HOME": folder}, cwd=folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )
    checks.check(f"{name}: check-config", None if answer.returncode == 0 else answer.stdout + answer.stderr)
    found = dict(line.split(maxsplit=2)[:2] for line in answer.stdout.splitlines() if len(line.split()) > 1)
    role = one(documents, "Role")
    secrets = [d["metadata"]["name"] for d in documents if d["kind"] == "Secret"]
    secret = values.get("worker", {}).get("credentials", {}).get("existingSecret") or (secrets or ["-"])[0]
    wanted = {
        "executor": "kubernetes",
        "kubernetes.k8s_use_service_account": "true",
        "kubernetes.k8s_namespace": role["metadata"]["namespace"],
        "kubernetes.credentials_secret": secret,
        "kubernetes.service_account": [
            d for d in documents if d.get("automountServiceAccountToken") is False
        ][0]["metadata"]["name"],
        **{f"s3.{key}": str(value) for key, value in values["config"]["s3"].items() if not isinstance(value, bool)},
    }
    checks.check(f"{name}: the settings", differ({key: found.get(key) for key in wanted}, wanted))


def check_secrets(checks, chart, file, documents, values):
    """The keys stand in the Secret as they were given, and nowhere else."""
    given = values.get("worker", {}).get("credentials", {}).get("file")
    secrets = [d for d in documents if d["kind"] == "Secret"]
    got = [base64.b64decode(d["data"]["credentials"]).decode() for d in secrets]
    checks.check(f"{file.name}: the credentials file", differ(got, [given] if given else []))
    rest = json.dumps([d for d in documents if d["kind"] != "Secret"])
    notes = chart.run("install", [file], "--dry-run=client", "--hide-secret")
    problem = None if notes.returncode == 0 and "NOTES:" in notes.stdout else notes.stderr
    checks.check(f"{file.name}: the notes", problem)
    for what, text in [("the other objects", rest), ("the notes", notes.stdout)]:
        hidden = CANARY not in text and (not given or base64.b64encode(given.encode()).decode() not in text)
        checks.check(f"{file.name}: no secret in {what}", None if hidden else "there is one")


def lets_through(policy, address, port, protocol="TCP"):
    """Whether a pod that the policy selects may reach this address, which is no pod's."""
    address = ipaddress.ip_address(address)

    def holds(block):
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(hidden) for hidden in block.get("except", [])
        )

    return any(
        any(p["port"] == port and p["protocol"] == protocol for p in rule["ports"])
        and ("to" not in rule or any(holds(peer["ipBlock"]) for peer in rule["to"] if "ipBlock" in peer))
        for rule in policy["spec"]["egress"]
    )


# Addresses and ports that a worker has to reach, and those it must not.
METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.169.252", "169.254.42.42", "100.100.100.200",
    "168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "fe80::1",
]  # fmt: skip
AGENT = ["169.254.170.23", "fd00:ec2::23"]
REACHED = {
    "defaults": [("52.92.1.1", 443), ("10.1.2.3", 443), ("2600:1fa0::1", 443), ("10.96.0.10", 53)],
    "irsa": [("52.92.1.1", 443)],
    "secret": [("10.96.0.10", 53)],
    "pod-identity": [("52.92.1.1", 443), *((address, 80) for address in AGENT)],
    "everything": [("52.92.1.1", 443), ("10.1.2.3", 8443), ("169.1.2.3", 443), ("192.0.2.10", 3128)],
}
HELD_BACK = {
    "defaults": [("52.92.1.1", 80), ("10.0.0.1", 6443), *((address, 80) for address in AGENT)],
    "secret": [("52.92.1.1", 443), ("52.92.1.1", 8333)],
    "pod-identity": [(address, 443) for address in AGENT],
    "everything": [("8.8.8.8", 443), ("10.96.0.1", 443), ("8.8.8.8", 53), ("192.0.2.10", 443)],
}


def check_network(checks, name, policy, labels):
    (selected,) = policy["spec"]["podSelector"].values()
    missed = [pod for pod in labels if not selected.items() <= pod.items()]
    checks.check(f"{name}: the policy selects all pods of jobs", differ(missed if labels else "there are none", []))
    head = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "galaxy"}
    checks.check(f"{name}: and not Galaxy's", "it does" if selected.items() <= head.items() else None)
    checks.check(f"{name}: nobody reaches workers", differ(policy["spec"]["ingress"], []))
    checks.check(f"{name}: both ways", differ(policy["spec"]["policyTypes"], ["Ingress", "Egress"]))
    for address, port in REACHED[name]:
        reached = lets_through(policy, address, port)
        checks.check(f"{name}: {address} port {port}", None if reached else "cannot be reached")
    hidden = [(address, port) for address in METADATA for port in (80, 443, 8443, 8333)]
    for address, port in HELD_BACK.get(name, []) + hidden:
        reached = lets_through(policy, address, port)
        checks.check(f"{name}: {address} port {port}", "can be reached" if reached else None)


def worker_labels(repository):
    """The labels of pods that the head makes, one dictionary for each that its own tests know."""
    files = sorted((repository / "Tests/HeadNodeTests/Kubernetes/Golden").glob("*.json"))
    jobs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [job["spec"]["template"]["metadata"]["labels"] for job in jobs]


def check_versions(checks, repository, chart):
    about = yaml.safe_load((chart.folder / "Chart.yaml").read_text(encoding="utf-8"))
    source = (repository / "Sources/Contract/Release.swift").read_text(encoding="utf-8")
    (version,) = re.findall(r'static let version = "([^"]+)"', source)
    checks.check("the chart's appVersion is the programs' own", differ(about["appVersion"], version))


def main(repository, helm, program):
    repository = pathlib.Path(repository)
    tools = repository / "Tests/Tools"
    checks, chart = Checks(), Chart(repository, helm)
    labels = worker_labels(repository)
    files = sorted((tools / "chart-values").glob("*.yaml"))
    checks.check("every case of the network has its values", differ([f.stem for f in files], sorted(REACHED)))
    for file in files:
        name = file.stem
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        lint = chart.helm("lint", "--strict", "--values", file, chart.folder)
        checks.check(f"{name}: helm lint", None if lint.returncode == 0 else lint.stdout + lint.stderr)
        text = chart.rendered([file])
        documents = objects(text)
        check_golden(checks, tools / "chart-golden", name, text)
        check_schemas(checks, name, documents)
        check_config(checks, name, documents, values, program)
        check_secrets(checks, chart, file, documents, values)
        check_network(checks, name, one(documents, "NetworkPolicy"), labels)
        if name == "defaults":
            check_static(checks, repository, documents)
    refusals = yaml.safe_load((tools / "chart-refused.yaml").read_text(encoding="utf-8"))
    check_refusals(checks, chart, tools / "chart-values/secret.yaml", refusals)
    check_strictness(checks, chart)
    check_versions(checks, repository, chart)
    if "GALAXY_S3_CLUSTER_STATE" in os.environ:
        chart_cluster.check(checks, chart, files, tools / "chart-golden/rights.txt")
    else:
        print("no cluster is asked; for that: eval \"$(Scripts/cluster env)\"")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


sys.exit(main(*sys.argv[1:]))
