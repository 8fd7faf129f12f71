# SPDX-License-Identifier: Apache-2.0
"""Jobs of a real Galaxy, which have nothing of Galaxy's but what came through the bucket."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from conftest import LINES, PATIENCE, begun, command_line


@pytest.fixture(scope="module")
def place(lab):
    return lab.at("link")


@pytest.fixture(scope="module")
def linked(place, lines):
    job = place.start("test_kinds", input=lines, greeting="hello")
    job.ended_ok()
    return job


class TestLinks:
    """Output mode `link`, with the bucket mounted by s3fs."""

    GREETING = "hello\n"

    @pytest.fixture(autouse=True)
    def mounted(self, lab):
        if not lab.mount.is_mount():
            pytest.skip("this machine cannot mount a bucket")

    def test_outputs_are_links_into_the_bucket(self, lab, linked):
        found = {name: lab.is_link(dataset) for name, dataset in linked.outputs.items()}
        assert found == {"plain": True, "numbered": True, "page": True, "never": False}
        assert linked.text("plain") == self.GREETING + LINES
        assert lab.path(linked.outputs["never"]).stat().st_size == 0

    def test_discovered_outputs_become_links_too(self, lab, linked):
        (collection,) = linked.collections.values()
        shown = lab.galaxy.histories.show_dataset_collection(linked.lab.history, collection)
        elements = [element["object"]["id"] for element in shown["elements"]]
        assert len(elements) == 3
        lab.until(lambda: all(map(lab.is_link, elements)))
        assert linked.lab.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}

    def test_a_following_job_stages_nothing_of_it(self, lab, linked):
        path = str(lab.path(linked.outputs["plain"]))
        job = lab.start("test_line", input={"src": "hda", "id": linked.outputs["plain"]})
        shown = job.ended_ok()
        assert job.text() == self.GREETING + LINES + "more\n"
        (entry,) = [one for one in lab.spec(shown)["inputs"] if one["path"] == path]
        assert entry["key"] == str(Path(os.readlink(path)).relative_to(lab.mount))
        assert entry["key"].startswith("galaxy/data/test/")

    def test_an_input_becomes_a_link_too(self, lab, place):
        upload = lab.upload(LINES, name="to be linked")
        path = lab.path(upload["id"])
        # Files that are newer than two seconds could still change unseen.
        lab.until(lambda: time.time() - path.stat().st_ctime > 3)
        place.start("test_kinds", input=upload, greeting="hello").ended_ok()
        assert lab.is_link(upload["id"])
        assert lab.text(upload["id"]) == LINES
        again = lab.start("test_line", input=upload)
        again.ended_ok()
        assert again.text() == LINES + "more\n"

    def test_without_the_mount_outputs_are_copied(self, lab, place):
        # Not one that is a link by now: Galaxy could not find it.
        lines = lab.upload(LINES, name="for a job without the mount")
        subprocess.run(["umount", "--lazy", lab.mount], check=True)
        try:
            assert not lab.mount.is_mount()
            job = place.start("test_kinds", input=lines, greeting="hello")
            job.ended_ok()
            assert job.text("plain") == self.GREETING + LINES
            assert not any(lab.path(dataset).is_symlink() for dataset in job.outputs.values())
            assert not lab.path(lines["id"]).is_symlink()
            (collection,) = job.collections.values()
            assert place.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}
            lab.until(lambda: "The outputs are copied, not linked" in lab.log())
        finally:
            lab.start_galaxy()
        assert lab.mount.is_mount()


@pytest.mark.anywhere
def test_output_is_seen_while_the_tool_runs(lab):
    job = lab.start("test_patient", seconds=20)
    name = begun(lab, job)
    lab.until(lambda: "second 3" in lab.output_so_far(job.id))
    lab.until(lambda: "warning 3" in lab.output_so_far(job.id, "stderr"))
    outputs = lab.job_directory(job.show()["external_id"]) / "outputs"
    written = (outputs / "tool_stderr").read_text()
    assert job.show()["state"] == "running"
    # Nothing of the other stream is in it, and nothing is there twice.
    whole = written[: written.rfind("\n") + 1].splitlines()
    assert whole == [f"warning {number}" for number in range(1, len(whole) + 1)]
    shown = job.ended_ok()
    seconds = range(1, 21)
    assert shown["tool_stdout"].splitlines() == [f"begun as {name}", *(f"second {at}" for at in seconds)]
    assert shown["tool_stderr"].splitlines() == [f"warning {at}" for at in seconds]
    assert job.text() == f"{name}\n"


def test_what_may_be_a_secret_is_on_no_command_line(lab):
    job = lab.start("test_patient", seconds=5)
    begun(lab, job)
    running = [pid for pid in os.listdir("/proc") if pid.isdecimal()]
    assert not [line for line in map(command_line, running) if "token-of-" in line]
    # There it is, for itself and for root.
    environment = Path(f"/proc/{lab.head_node()}/environ")
    assert b"token-of-runner" in environment.read_bytes()
    assert environment.stat().st_mode & 0o077 == 0
    job.ended_ok()


@pytest.mark.anywhere
def test_a_job_is_cancelled(lab):
    job = lab.start("test_patient", seconds=600)
    begun(lab, job)
    run = job.show()["external_id"]
    lab.galaxy.jobs.cancel_job(job.id)
    assert job.end()["state"] == "deleted"
    lab.until(lambda: f"{run} cancelled" in lab.log())
    # A pod has its time of grace.
    assert lab.executor == "kubernetes" or not lab.what_runs(run)
    lab.until(lambda: not lab.what_runs(run))


def test_a_job_that_waits_is_cancelled_before_it_runs(lab, lines):
    jobs = [lab.start("test_patient", seconds=600) for _ in range(3)]
    for job in jobs:
        # Galaxy never ends a job that was deleted before a handler had taken it.
        lab.until(lambda id=job.id: lab.galaxy.jobs.get_state(id) != "new")
        lab.galaxy.jobs.cancel_job(job.id)
    assert [job.end()["state"] for job in jobs] == ["deleted"] * 3
    after = lab.start("test_line", input=lines)
    after.ended_ok()


@pytest.mark.parametrize(
    ("tool", "inputs", "words"),
    [
        ("test_remote", {"text": "x"}, "`tool_evaluation_strategy: remote` needs Galaxy's files"),
        ("test_interactive", {}, "Interactive tools cannot be run through S3"),
        ("column_join", {}, "The tool column_join needs Galaxy's own Python"),
    ],
)
def test_what_is_refused_says_why(lab, lines, tool, inputs, words):
    if tool != "test_interactive":
        inputs = {**inputs, "input": lines}
    assert words in refused(lab, tool, **inputs)


def test_what_a_rule_has_made_is_refused_too(lab, lines):
    said = refused(lab.at("made by a rule"), "test_line", input=lines)
    assert "The environment made_by_a_rule needs `outputs_to_working_directory: true`" in said


def refused(lab, tool, **inputs):
    """What its user is told of a job of which nothing is staged."""
    started = lab.start(tool, **inputs)
    shown = started.end()
    assert (shown["state"], shown["external_id"]) == ("error", None)
    (output,) = started.outputs.values()
    return lab.galaxy.datasets.show_dataset(output)["misc_info"]


def test_who_has_split_a_job_does_not_wait_for_what_is_refused(lab, lines):
    assert "Split jobs (use_tasked_jobs) cannot be run through S3" in refused(lab, "test_split", input=lines)
    lab.until(lambda: re.search(r"Canceling job \d+: Task \d+ returned an error", lab.log()))


def test_a_configuration_that_cannot_be_used_ends_galaxys_start(lab, tmp_path):
    """With one clear message, and before anybody's job has failed."""
    jobs = yaml.safe_load((lab.directory / "job_conf.yml").read_text())
    jobs["execution"]["environments"]["s3"]["limits.waltime"] = "2h"
    (tmp_path / "job_conf.yml").write_text(yaml.safe_dump(jobs))
    galaxy = yaml.safe_load((lab.directory / "galaxy.yml").read_text())
    galaxy["galaxy"] |= {
        "job_config_file": str(tmp_path / "job_conf.yml"),
        "data_dir": str(tmp_path / "data"),
        "database_connection": f"sqlite:///{tmp_path}/universe.sqlite?isolation_level=IMMEDIATE",
    }
    (tmp_path / "galaxy.yml").write_text(yaml.safe_dump(galaxy))
    started = subprocess.run(
        ["galaxy-main", "-c", str(tmp_path / "galaxy.yml"), "--server-name", "main"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(lab.directory / "site")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert started.returncode != 0
    words = f"{tmp_path}/job_conf.yml:"
    (said,) = {line for line in started.stderr.splitlines() if line.startswith(words)}
    assert "limits.waltime" in said
    assert "limits.walltime" in said


def test_a_head_node_that_is_killed_is_started_again(lab):
    job = lab.start("test_patient", seconds=15)
    name = begun(lab, job)
    first = lab.head_node()
    os.kill(first, signal.SIGKILL)
    assert lab.until(lambda: (found := lab.head_node()) != first and found)
    job.ended_ok()
    # One run of the tool, from its beginning to its end.
    assert job.text() == f"{name}\n"


def test_jobs_wait_for_a_head_node_and_a_galaxy_that_is_killed_meanwhile_knows_them(lab, lines):
    (lab.directory / "galaxy-head-node").unlink()
    os.kill(lab.head_node(), signal.SIGKILL)
    jobs = [lab.start("test_line", input=lines) for _ in range(3)]
    runs = [lab.until(lambda id=job.id: lab.job(id)["external_id"]) for job in jobs]
    assert {job.show()["state"] for job in jobs} == {"queued"}
    lab.kill_galaxy()
    lab.start_galaxy()
    assert [job.ended_ok()["external_id"] for job in jobs] == runs
    assert {job.text() for job in jobs} == {LINES + "more\n"}


@pytest.mark.anywhere
def test_a_galaxy_that_is_killed_takes_its_jobs_up_again(lab, lines):
    long = lab.start("test_patient", seconds=60)
    name = begun(lab, long)
    run = long.show()["external_id"]
    short = lab.start("test_patient", seconds=5)
    other = begun(lab, short)
    new = [lab.start("test_line", input=lines) for _ in range(4)]
    lab.kill_galaxy()
    lab.start_galaxy()
    for job in (long, short, *new):
        job.ended_ok()
    assert long.show()["external_id"] == run
    assert (long.text(), short.text()) == (f"{name}\n", f"{other}\n")
    assert [job.text() for job in new] == [LINES + "more\n"] * 4


def test_a_limit_of_galaxys_own_is_told_by_a_galaxy_that_was_started_meanwhile(lab):
    job = lab.start("test_timed")
    begun(lab, job)
    run = job.show()["external_id"]
    head, galaxy = lab.head_node(), lab.process()
    os.kill(head, signal.SIGSTOP)
    try:
        lab.until((lab.job_directory(run) / "galaxy_s3/limit.json").exists)
        # It is asked to end the run next, and Galaxy never hears that it has.
        time.sleep(2)
        os.kill(galaxy, signal.SIGSTOP)
    finally:
        os.kill(head, signal.SIGCONT)
    lab.until(lambda: not lab.what_runs(run))
    lab.kill_galaxy()
    lab.start_galaxy()
    assert job.end()["state"] == "error"
    words = lab.galaxy.datasets.show_dataset(job.outputs["out"])["misc_info"]
    assert "Job exceeded tool time limit" in words


@pytest.mark.parametrize("environment", ["s3", "external"])
def test_an_output_that_is_purged_while_its_job_runs_costs_no_other(lab, environment):
    lab = lab.at(environment)
    job = lab.start("test_patient", seconds=12)
    name = begun(lab, job)
    lab.galaxy.histories.delete_dataset(lab.history, job.outputs["other"], purge=True)
    lab.until(lambda: lab.galaxy.datasets.show_dataset(job.outputs["other"])["purged"])
    job.ended_ok()
    assert job.text() == f"{name}\n"


def test_a_galaxy_that_is_killed_while_it_finishes_a_job_finishes_it_again(lab):
    lab = lab.at("tidy")
    objects = lab.directory / "data/objects"
    before = sum(1 for _ in objects.rglob("dataset_*.dat"))
    job = lab.start("test_many", count=1000)
    # Discovered files get their places one by one, while Galaxy finishes.
    lab.until(lambda: sum(1 for _ in objects.rglob("dataset_*.dat")) > before + 20)
    lab.kill_galaxy()
    left = (lab.directory / "data/jobs_directory").glob("*/*/working/parts/1000.txt")
    assert any(left), "Galaxy had finished before it was killed"
    lab.start_galaxy()
    shown = job.ended_ok()
    # Declared outputs have been moved before the discovered ones: none is empty now.
    assert job.text("number") == "1000\n"
    (collection,) = job.collections.values()
    expected = {str(number): f"part {number}\n" for number in range(1, 1001)}
    found = lab.galaxy.histories.show_dataset_collection(lab.history, collection)["elements"]
    names = {element["element_identifier"]: element["object"]["id"] for element in found}
    assert (len(found), set(names)) == (1000, set(expected))
    for name in ("1", "500", "1000"):
        assert lab.text(names[name]) == expected[name]
    # Galaxy has cleaned up behind it.
    lab.until(lambda: not lab.job_directory(shown["external_id"]).exists())
