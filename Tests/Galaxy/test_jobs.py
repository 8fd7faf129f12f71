# SPDX-License-Identifier: Apache-2.0
"""Jobs of a real Galaxy, which have nothing of Galaxy's but what came through the bucket."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pysam
import pytest

LINES = 'one\ntwo words\nit\'s a "third"\n'
NAME = 'it\'s a "name" with $HOME and caf\u00e9 (1).txt'


@pytest.fixture(scope="module")
def lines(lab):
    return lab.upload(LINES)


@pytest.fixture(scope="module", params=["test_kinds", "test_kinds_extended", "test_kinds_linked"])
def kinds(request, lab, lines):
    """A job with every kind of output. Galaxy sets its metadata in the two ways that need a process, and
    has links in place of outputs."""
    if request.param == "test_kinds_linked" and not lab.mount.is_mount():
        pytest.skip("this machine cannot mount a bucket")
    return lab.start(request.param, input=lines, greeting='it\'s a "greeting" for $HOME')


class TestKinds:
    def test_it_ends_well(self, kinds):
        job = kinds.ended_ok()
        assert job["exit_code"] == 0
        assert (job["tool_stdout"], job["tool_stderr"]) == ("said on stdout\n", "said on stderr\n")

    def test_its_external_id_is_the_run(self, kinds):
        assert re.fullmatch(r"\d+-[0-9a-f]{16}", kinds.ended_ok()["external_id"])

    def test_outputs(self, kinds):
        kinds.ended_ok()
        assert kinds.text("plain") == 'it\'s a "greeting" for $HOME\n' + LINES
        assert kinds.text("numbered") == '1\tone\n2\ttwo words\n3\tit\'s a "third"\n'
        assert kinds.text("never") == ""

    def test_metadata(self, lab, kinds):
        kinds.ended_ok()
        shown = lab.galaxy.datasets.show_dataset(kinds.outputs["numbered"])
        assert (shown["state"], shown["metadata_columns"]) == ("ok", 2)
        assert shown["metadata_data_lines"] == 3
        assert lab.galaxy.datasets.show_dataset(kinds.outputs["plain"])["name"] == "named by the tool"

    def test_extra_files(self, lab, kinds):
        kinds.ended_ok()
        page = f"histories/{lab.history}/contents/{kinds.outputs['page']}/extra_files"
        found = lab.galaxy.make_get_request(f"{lab.galaxy.url}/{page}").json()
        assert "sub dir/it's a note.txt" in [one["path"] for one in found]

    def test_discovered_collection(self, lab, kinds):
        kinds.ended_ok()
        (collection,) = kinds.collections.values()
        assert lab.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}

    def test_job_metrics(self, kinds):
        names = {metric["name"] for metric in kinds.ended_ok()["job_metrics"]}
        assert "runtime_seconds" in names


@pytest.fixture(scope="module")
def linked(lab, lines):
    job = lab.start("test_kinds_linked", input=lines, greeting="hello")
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
        shown = lab.galaxy.histories.show_dataset_collection(lab.history, collection)
        elements = [element["object"]["id"] for element in shown["elements"]]
        assert len(elements) == 3
        lab.until(lambda: all(map(lab.is_link, elements)))
        assert lab.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}

    def test_a_following_job_stages_nothing_of_it(self, lab, linked):
        path = str(lab.path(linked.outputs["plain"]))
        job = lab.start("test_line", input={"src": "hda", "id": linked.outputs["plain"]})
        shown = job.ended_ok()
        assert job.text() == self.GREETING + LINES + "more\n"
        (entry,) = [one for one in lab.spec(shown)["inputs"] if one["path"] == path]
        assert entry["key"] == str(Path(os.readlink(path)).relative_to(lab.mount))
        assert entry["key"].startswith("galaxy/data/test/")

    def test_an_input_becomes_a_link_too(self, lab):
        upload = lab.upload(LINES, name="to be linked")
        path = lab.path(upload["id"])
        # Files that are newer than two seconds could still change unseen.
        lab.until(lambda: time.time() - path.stat().st_ctime > 3)
        lab.start("test_kinds_linked", input=upload, greeting="hello").ended_ok()
        assert lab.is_link(upload["id"])
        assert lab.text(upload["id"]) == LINES
        again = lab.start("test_line", input=upload)
        again.ended_ok()
        assert again.text() == LINES + "more\n"

    def test_without_the_mount_outputs_are_copied(self, lab):
        # Not one that is a link by now: Galaxy could not find it.
        lines = lab.upload(LINES, name="for a job without the mount")
        subprocess.run(["umount", "--lazy", lab.mount], check=True)
        try:
            assert not lab.mount.is_mount()
            job = lab.start("test_kinds_linked", input=lines, greeting="hello")
            job.ended_ok()
            assert job.text("plain") == self.GREETING + LINES
            assert not any(lab.path(dataset).is_symlink() for dataset in job.outputs.values())
            assert not lab.path(lines["id"]).is_symlink()
            (collection,) = job.collections.values()
            assert lab.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}
            lab.until(lambda: "The outputs are copied, not linked" in lab.log())
        finally:
            lab.start_galaxy()
        assert lab.mount.is_mount()


def test_everything_a_tool_can_read(lab, lines, tmp_path):
    reads = tmp_path / "reads.bam"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 1000}]}
    with pysam.AlignmentFile(str(reads), "wb", header=header) as file:
        read = pysam.AlignedSegment(file.header)
        read.query_name, read.query_sequence, read.cigarstring = "r1", "ACGT", "4M"
        read.flag, read.reference_id, read.reference_start = 0, 0, 10
        file.write(read)
    page = lab.start("test_kinds", input=lines)
    named = lab.upload("x\n", name=NAME)
    page.ended_ok()
    gathered = lab.start(
        "test_gather",
        page={"src": "hda", "id": page.outputs["page"]},
        many=[lines, named, lines],
        reads=lab.upload_file(reads, "reads", "bam"),
        sequence="first",
    )
    gathered.ended_ok()
    text = gathered.text()
    assert text.startswith("a note\nfirst sequence\nfirst index\nnotes of the first\nshared by all tools\n")
    assert text.endswith("reads with their index\n")
    assert text.splitlines()[5:-1].count("lines") == 2
    assert any("name" in line for line in text.splitlines()[5:-1])


def test_a_tools_environment(lab):
    job = lab.start("test_variables")
    # The local executor has no use for it, and Galaxy's script does not call Docker.
    assert lab.description(job.ended_ok())["image"] == "quay.io/biocontainers/coreutils:8.31"
    found = dict(line.partition("=")[::2] for line in job.text().splitlines())
    assert found["TEST_VARIABLE"] == "for admin@example.org"
    assert found["GALAXY_SLOTS"] == "1"
    assert found["cwd"].endswith("/working")
    assert found["HOME"].endswith("/home")
    # Nothing of Galaxy's own environment, and no key of the bucket's.
    assert not any(name.startswith(("AWS_", "GALAXY_S3", "PYTHONPATH")) for name in found)


def test_a_tool_that_fails(lab):
    started = lab.start("test_fail", code=7)
    job = started.end()
    assert (job["state"], job["exit_code"]) == ("error", 7)
    assert (job["tool_stdout"].strip(), job["tool_stderr"].strip()) == ("on the way", "it broke")
    assert started.text() == "half of it\n"


def test_names_are_data(lab):
    named = lab.upload(LINES, name=NAME)
    for text in (NAME, "$(touch /tmp/never) `id` ; 'x' \"y\""):
        job = lab.start("test_line", input=named, text=text)
        job.ended_ok()
        assert job.text() == f"{LINES}{text}\n"


def test_a_collection_of_pairs_is_mapped(lab):
    sides = {side: lab.upload(f"{side}\n", name=side) for side in ("forward", "reverse")}
    pairs = [
        {
            "name": f"sample {number} of 'twenty'",
            "src": "new_collection",
            "collection_type": "paired",
            "element_identifiers": [{"name": side, **sides[side]} for side in sides],
        }
        for number in range(20)
    ]
    collection = lab.galaxy.histories.create_dataset_collection(
        lab.history, {"collection_type": "list:paired", "name": "pairs", "element_identifiers": pairs}
    )
    over = {"src": "hdca", "id": collection["id"], "map_over_type": "paired"}
    job = lab.start("test_pair", pair={"batch": True, "values": [over]})
    assert len(job.jobs) == 20
    assert job.states() == ["ok"] * 20
    assert lab.elements(job.implicit[0]) == {pair["name"]: "forward\treverse\n" for pair in pairs}


def test_a_workflow_of_three_steps(lab, lines):
    def step(number, **more):
        return {"id": number, "input_connections": {}, "workflow_outputs": [], "annotation": "", **more}

    first = step(0, type="data_input", name="Input dataset", tool_state='{"name": "lines"}', label="lines")
    steps = {"0": first}
    for number in (1, 2, 3):
        steps[str(number)] = step(
            number,
            type="tool",
            name="Adds a line",
            tool_id="test_line",
            tool_version="1.0",
            tool_state=f'{{"input": null, "text": "step {number}", "__page__": null}}',
            input_connections={
                "input": {"id": number - 1, "output_name": "output" if number == 1 else "out"}
            },
        )
    workflow = lab.galaxy.workflows.import_workflow_dict(
        {
            "a_galaxy_workflow": "true",
            "annotation": "",
            "format-version": "0.1",
            "name": "three lines",
            "steps": steps,
        }
    )
    invocation = lab.galaxy.workflows.invoke_workflow(
        workflow["id"], {"lines": lines}, history_id=lab.history, inputs_by="name"
    )["id"]

    def jobs():
        shown = lab.galaxy.invocations.show_invocation(invocation)["steps"]
        found = [one["job_id"] for one in shown if one["job_id"]]
        states = [lab.galaxy.jobs.get_state(job) for job in found]
        assert "error" not in states
        return found if states == ["ok"] * 3 else None

    last = lab.job(lab.until(jobs)[-1])
    assert lab.text(last["outputs"]["out"]["id"]) == LINES + "step 1\nstep 2\nstep 3\n"


def begun(lab, started):
    """The name that the tool has drawn, as its live output shows it."""

    def name():
        found = re.search(r"begun as (\S+)", lab.output_so_far(started.id))
        return found and found.group(1)

    return lab.until(name)


def test_output_is_seen_while_the_tool_runs(lab):
    job = lab.start("test_patient", seconds=20)
    name = begun(lab, job)
    lab.until(lambda: "second 3" in lab.output_so_far(job.id))
    assert job.show()["state"] == "running"
    assert job.ended_ok()["tool_stdout"].splitlines()[-1] == "second 20"
    assert job.text() == f"{name}\n"


def test_a_job_is_cancelled(lab):
    job = lab.start("test_patient", seconds=600)
    begun(lab, job)
    run = job.show()["external_id"]
    lab.galaxy.jobs.cancel_job(job.id)
    assert job.end()["state"] == "deleted"
    lab.until(lambda: f"{run} cancelled" in lab.log())
    running = [path for path in os.listdir("/proc") if path.isdecimal() and run in command_line(path)]
    assert running == []


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def test_a_job_that_waits_is_cancelled_before_it_runs(lab, lines):
    jobs = [lab.start("test_patient", seconds=600) for _ in range(3)]
    for job in jobs:
        # Galaxy never ends a job that was deleted before a handler had taken it.
        lab.until(lambda id=job.id: lab.galaxy.jobs.get_state(id) != "new")
        lab.galaxy.jobs.cancel_job(job.id)
    assert [job.end()["state"] for job in jobs] == ["deleted"] * 3
    after = lab.start("test_line", input=lines)
    after.ended_ok()


def test_walltime_leads_to_the_next_environment(lab):
    job = lab.start("test_limited", seconds=12)
    shown = job.ended_ok()
    assert shown["tool_stdout"].splitlines()[-1] == "second 12"
    log = lab.log()
    assert "will be resubmitted to 'long' because it reached the walltime at the 'short' destination" in log


@pytest.mark.parametrize(
    ("tool", "inputs", "words"),
    [
        ("test_remote", {"text": "x"}, "`tool_evaluation_strategy: remote` needs Galaxy's files"),
        ("test_mistaken", {"text": "x"}, "limits.walltime"),
        ("test_interactive", {}, "Interactive tools cannot be run through S3"),
    ],
)
def test_what_is_refused_says_why(lab, lines, tool, inputs, words):
    if tool != "test_interactive":
        inputs = {**inputs, "input": lines}
    started = lab.start(tool, **inputs)
    assert started.end()["state"] == "error"
    (output,) = started.outputs.values()
    assert words in lab.galaxy.datasets.show_dataset(output)["misc_info"]


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
