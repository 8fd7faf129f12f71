# SPDX-License-Identifier: Apache-2.0
"""Jobs of a real Galaxy in the pods of a real cluster, and what can happen to a pod."""

import json

import pytest
from conftest import begun, kubectl, kubectl_json

pytestmark = pytest.mark.cluster
RUN = "galaxy-s3-executor/run"


def pods(run):
    """The pods of a run, by the number of their try."""
    found = kubectl_json("get", "pods", "-l", f"{RUN}={run}")["items"]
    return {int(pod["metadata"]["labels"]["galaxy-s3-executor/try"]): pod for pod in found}


def evict(pod):
    """As a drain does."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    path = "/api/v1/namespaces/{namespace}/pods/{name}/eviction".format(**metadata)
    eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": metadata}
    kubectl("create", "--raw", path, "-f", "-", input=json.dumps(eviction))


@pytest.fixture(scope="module", autouse=True)
def greedy(lab):
    """Takes too much disk. It begins before the others, for a kubelet seldom looks at disks."""
    return lab.start("test_disk", mebibytes=500, seconds=600)


def test_a_tool_runs_in_the_container_that_it_asks_for(lab):
    header = "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:1000\n"
    reads = [f"r{at}\t0\tchr1\t{at}\t60\t4M\t*\t0\t0\tACGT\tIIII\n" for at in (300, 20, 100)]
    job = lab.start("test_contained", reads=lab.upload(header + "".join(reads), ext="sam"))
    shown = job.ended_ok()
    containers = pods(shown["external_id"])[1]["spec"]["containers"]
    images = {container["name"]: container["image"] for container in containers}
    assert images["tool"] == "localhost/galaxy-demo-tools:1"
    dataset = lab.galaxy.datasets.show_dataset(job.outputs["out"])
    # Galaxy has read it, and has made an index of what is sorted.
    assert (dataset["state"], dataset["metadata_sort_order"]) == ("ok", "coordinate")


def test_memory_leads_to_the_next_environment(lab):
    job = lab.start("test_memory", mebibytes=200)
    shown = job.ended_ok()
    # Nothing of the first run is in the second one's results.
    (name,) = job.text().splitlines()
    assert shown["tool_stdout"].splitlines() == [f"begun as {name}", str(200 << 20)]
    number = shown["external_id"].partition("-")[0]
    found = kubectl_json("get", "pods", "-l", f"app.galaxyproject.org/job_id={number}")["items"]
    runs = {pod["metadata"]["labels"][RUN] for pod in found}
    assert len(runs) == 2
    assert shown["external_id"] in runs
    assert "resubmitted to 'large' because it exceeded the amount of allocated memory" in lab.log()


def test_memory_that_is_never_enough(lab):
    job = lab.start("test_memory", mebibytes=600)
    shown = job.end()
    assert shown["state"] == "error"
    assert "memory" in lab.galaxy.datasets.show_dataset(job.outputs["out"])["misc_info"]


def test_evicted_pods_are_replaced_and_the_others_go_on(lab, lines):
    """Also those of a tool that takes no notice, and so runs on for a while."""
    jobs = [lab.start(tool, seconds=25) for tool in ("test_patient", "test_stubborn")]
    first = [begun(lab, job) for job in jobs]
    runs = [job.show()["external_id"] for job in jobs]
    other = lab.start("test_patient", seconds=5)
    for run in runs:
        evict(pods(run)[1])
    other.ended_ok()
    # The head waits a little before it tries again; jobs that come meanwhile do not.
    later = lab.start("test_line", input=lines)
    later.ended_ok()
    shown = [job.ended_ok() for job in jobs]
    assert [one["external_id"] for one in shown] == runs
    for job, one, name in zip(jobs, shown, first):
        # One run of the tool is seen, whole: the second.
        (last,) = job.text().splitlines()
        assert last != name
        said = one["tool_stdout"].splitlines()
        assert said == [f"begun as {last}", *[f"second {second}" for second in range(1, 26)]]
        # Each had a volume of its own, and none is left when its pod is gone.
        for pod in pods(one["external_id"]).values():
            kinds = {kind for volume in pod["spec"]["volumes"] for kind in volume if kind != "name"}
            assert kinds == {"emptyDir", "secret"}


def test_a_job_that_ends_and_is_removed_while_galaxy_is_away(lab):
    """As its time to live removes it. Galaxy's own runner takes that for a failure."""
    job = lab.start("test_patient", seconds=15)
    name = begun(lab, job)
    run = job.show()["external_id"]
    lab.kill_galaxy()
    labels = pods(run)[1]["metadata"]["labels"]
    lab.until(lambda: pods(run)[1]["status"]["phase"] == "Succeeded")
    kubectl("delete", "job", labels["job-name"])
    lab.until(lambda: not pods(run))
    lab.start_galaxy()
    assert job.ended_ok()["external_id"] == run
    assert job.text() == f"{name}\n"
    assert kubectl_json("get", "jobs", "-l", f"{RUN}={run}")["items"] == []


def test_a_job_whose_pod_is_deleted_is_tried_again(lab):
    job = lab.start("test_patient", seconds=10)
    first = begun(lab, job)
    run = job.show()["external_id"]
    kubectl("delete", "job", pods(run)[1]["metadata"]["labels"]["job-name"], "--wait=false")
    job.ended_ok()
    (name,) = job.text().splitlines()
    assert name != first


def test_a_pod_that_takes_too_much_disk_stops_nobody_else(lab, lines, greedy):
    """Which all the tests before this one have shown, too."""
    assert greedy.end()["state"] == "error"
    words = lab.galaxy.datasets.show_dataset(greedy.outputs["out"])["misc_info"]
    assert "used more disk than it may" in words
    assert "limits_ephemeral_storage" in words
    lab.start("test_line", input=lines).ended_ok()
