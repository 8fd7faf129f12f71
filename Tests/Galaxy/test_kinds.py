# SPDX-License-Identifier: Apache-2.0
"""Whatever a tool can read and write, wherever its results go.

The jobs of all environments are begun before the first is judged, and those that need another's output
are Galaxy's to hold back: an environment more costs little.
"""

import os
import re
from dataclasses import dataclass

import pysam
import pytest
from conftest import LINES, asked, skip_without_mount

pytestmark = pytest.mark.modes
NAME = 'it\'s a "name" with $HOME and caf\u00e9 (1).txt'
GREETING = 'it\'s a "greeting" for $HOME'
NUMBERED = '1\tone\n2\ttwo words\n3\tit\'s a "third"\n'
RUN = re.compile(r"\d+-[0-9a-f]{16}")

# Environments of configure.py.
if os.environ.get("GALAXY_S3_TEST_STORE") == "object_store":
    OF_KINDS = OF_TOOLS = [pytest.param("s3", id="object_store")]
else:
    # Metadata in each of the ways that need a process of its own.
    OF_KINDS = [pytest.param("external", marks=pytest.mark.anywhere), "extended", "link"]
    OF_TOOLS = [pytest.param("s3", id="copy"), pytest.param("link_internal", id="link")]


# Every kind of output


@pytest.fixture(scope="module")
def all_kinds(request, lab, lines):
    places = [(name, lab.at(name)) for name in asked(request, "kinds")]
    return {
        name: (
            place.start("test_kinds", input=lines, greeting=GREETING),
            place.start("test_fail", code=7),
        )
        for name, place in places
    }


@pytest.fixture(scope="module", params=OF_KINDS)
def kinds(request, lab, all_kinds):
    """A job with every kind of output, and one that fails."""
    skip_without_mount(lab, request.param)
    return all_kinds[request.param]


class TestKinds:
    @pytest.fixture
    def job(self, kinds):
        job, _ = kinds
        job.ended_ok()
        return job

    def test_it_ends_well(self, job):
        shown = job.show()
        assert shown["exit_code"] == 0
        assert (shown["tool_stdout"], shown["tool_stderr"]) == ("said on stdout\n", "said on stderr\n")

    def test_its_external_id_is_the_run(self, job):
        assert RUN.fullmatch(job.show()["external_id"])

    def test_outputs(self, lab, job):
        assert job.text("plain") == f"{GREETING}\n{LINES}"
        assert job.text("numbered") == NUMBERED
        assert job.text("never") == ""
        sizes = {name: lab.galaxy.datasets.show_dataset(id)["file_size"] for name, id in job.outputs.items()}
        plain = len(GREETING) + 1 + len(LINES)
        assert sizes == {"plain": plain, "numbered": len(NUMBERED), "page": len("a page\n"), "never": 0}

    def test_metadata(self, lab, job):
        shown = lab.galaxy.datasets.show_dataset(job.outputs["numbered"])
        assert (shown["state"], shown["metadata_columns"]) == ("ok", 2)
        assert shown["metadata_data_lines"] == 3
        assert lab.galaxy.datasets.show_dataset(job.outputs["plain"])["name"] == "named by the tool"

    def test_extra_files(self, job):
        page = f"histories/{job.lab.history}/contents/{job.outputs['page']}/extra_files"
        found = job.lab.galaxy.make_get_request(f"{job.lab.galaxy.url}/{page}").json()
        assert "sub dir/it's a note.txt" in [one["path"] for one in found]

    def test_discovered_collection(self, job):
        (collection,) = job.collections.values()
        assert job.lab.elements(collection) == {line: f"{line}\n" for line in LINES.splitlines()}

    def test_job_metrics(self, job):
        shown = job.show()["job_metrics"]
        assert "runtime_seconds" in {metric["name"] for metric in shown}
        ours = {one["name"]: float(one["raw_value"]) for one in shown if one["plugin"] == "s3_executor"}
        assert ours["tries"] == 1
        phases = {f"{phase}_seconds" for phase in ("stage", "fetch", "tool", "push", "collect")}
        sizes = {"peak_memory_bytes", "stage_bytes", "fetch_bytes", "push_bytes"}
        assert {name for name, value in ours.items() if value > 0} >= phases | sizes | {"cpu_seconds"}

    def test_a_tool_that_fails(self, kinds):
        _, started = kinds
        job = started.end()
        assert (job["state"], job["exit_code"]) == ("error", 7)
        assert (job["tool_stdout"].strip(), job["tool_stderr"].strip()) == ("on the way", "it broke")
        assert started.text() == "half of it\n"


# Every tool


@dataclass
class Data:
    """Inputs of the tools."""

    lines: dict
    named: dict
    reads: dict
    alignments: dict


@pytest.fixture(scope="module")
def data(lab, lines, tmp_path_factory):
    genome = (lab.directory / "indices/genome.fa").read_text().split("\n", 1)[1].replace("\n", "")
    reads = [f"@r{at}\n{genome[at : at + 80]}\n+\n{'I' * 80}\n" for at in (100, 500, 5000)]
    alignments = tmp_path_factory.mktemp("data") / "reads.bam"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 1000}]}
    with pysam.AlignmentFile(str(alignments), "wb", header=header) as file:
        read = pysam.AlignedSegment(file.header)
        read.query_name, read.query_sequence, read.cigarstring = "r1", "ACGT", "4M"
        read.flag, read.reference_id, read.reference_start = 0, 0, 10
        file.write(read)
    return Data(
        lines=lines,
        named=lab.upload(LINES, name=NAME, wait=False),
        reads=lab.upload("".join(reads), name="reads", ext="fastqsanger", wait=False),
        alignments=lab.upload_file(alignments, "alignments", "bam", wait=False),
    )


class Tools:
    """A job of each tool."""

    TEXTS = (NAME, "$(touch /tmp/never) `id` ; 'x' \"y\"")

    def __init__(self, lab, data):
        self.lab = lab
        # What is converted once is not converted again: each environment needs a file of its own.
        content = ">one\nACGT\nAC\n>two\nGGG\n"
        sequences = lab.upload(content, name="it's a 'sequence' file", ext="fasta", wait=False)
        self.converted = lab.start("test_lengths", index=sequences)
        self.variables = lab.start("test_variables")
        self.losing = lab.start("test_lost")
        self.named = [lab.start("test_line", input=data.named, text=text) for text in self.TEXTS]
        page = lab.start("test_kinds", input=data.lines, greeting="hello")
        self.gathered = lab.start(
            "test_gather",
            page=page.output("page"),
            many=[data.lines, data.named, data.lines],
            reads=data.alignments,
            sequence="first",
        )
        self.aligned = lab.start("test_align", reads=data.reads, index="genome")
        self.counted = lab.start("test_inspect", reads=self.aligned.output(), index="genome")
        self.invocation = three_steps(lab, data.lines)


def three_steps(lab, lines):
    """A workflow in which each step adds a line."""

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
    return lab.galaxy.workflows.invoke_workflow(
        workflow["id"], {"lines": lines}, history_id=lab.history, inputs_by="name"
    )["id"]


@pytest.fixture(scope="module")
def all_tools(request, lab, data):
    return {name: Tools(lab.at(name), data) for name in asked(request, "tools")}


@pytest.fixture(scope="module", params=OF_TOOLS)
def tools(request, lab, all_tools):
    skip_without_mount(lab, request.param)
    return all_tools[request.param]


class TestTools:
    def test_everything_a_tool_can_read(self, tools):
        tools.gathered.ended_ok()
        text = tools.gathered.text()
        assert text.startswith(
            "a note\nfirst sequence\nfirst index\nnotes of the first\nshared by all tools\n"
        )
        assert text.endswith("reads with their index\n")
        assert text.splitlines()[5:-1].count("lines") == 2
        assert any("name" in line for line in text.splitlines()[5:-1])

    def test_a_tools_environment(self, tools):
        shown = tools.variables.ended_ok()
        # The local executor has no use for it, and Galaxy's script does not call Docker.
        assert tools.lab.description(shown)["image"] == "quay.io/biocontainers/coreutils:8.31"
        found = dict(line.partition("=")[::2] for line in tools.variables.text().splitlines())
        assert found["TEST_VARIABLE"] == "for admin@example.org"
        assert found["GALAXY_SLOTS"] == "1"
        assert found["cwd"].endswith("/working")
        assert found["HOME"].endswith("/home")
        # Nothing of Galaxy's own environment, and no key of the bucket's.
        assert not any(name.startswith(("AWS_", "GALAXY_S3", "PYTHONPATH")) for name in found)

    def test_names_are_data(self, tools):
        for job, text in zip(tools.named, tools.TEXTS):
            job.ended_ok()
            assert job.text() == f"{LINES}{text}\n"

    def test_an_input_is_converted(self, tools):
        tools.converted.ended_ok()
        assert tools.converted.text() == "one\t6\ntwo\t3\n"
        found = tools.lab.galaxy.jobs.get_jobs(tool_id="CONVERTER_fasta_to_fai", history_id=tools.lab.history)
        (converter,) = found
        assert RUN.fullmatch(tools.lab.job(converter["id"])["external_id"])

    def test_an_index_of_a_table_and_one_that_galaxy_makes(self, tools):
        tools.aligned.ended_ok()
        shown = tools.lab.galaxy.datasets.show_dataset(tools.aligned.outputs["out"])
        # Galaxy has read the results to say so, and has made the index that the next tool asks for.
        assert (shown["state"], shown["metadata_sort_order"]) == ("ok", "coordinate")
        tools.counted.ended_ok()
        assert tools.counted.text() == "2\ngenome\n"

    def test_an_output_that_the_tool_removes_is_missed(self, tools):
        job = tools.losing
        shown = job.end()
        assert shown["state"] == "error"
        assert shown["tool_stdout"] == "it goes on\n"
        for name in job.outputs:
            assert tools.lab.state(job.outputs[name]) == "error"
        path = tools.lab.description(shown)["outputs"][0]["path"]
        words = tools.lab.galaxy.datasets.show_dataset(job.outputs["out"])["misc_info"]
        assert os.path.basename(path) in words

    def test_a_workflow_of_three_steps(self, tools):
        lab = tools.lab

        def jobs():
            shown = lab.galaxy.invocations.show_invocation(tools.invocation)["steps"]
            found = [one["job_id"] for one in shown if one["job_id"]]
            states = [lab.galaxy.jobs.get_state(job) for job in found]
            assert "error" not in states
            return found if states == ["ok"] * 3 else None

        last = lab.job(lab.until(jobs)[-1])
        assert lab.text(last["outputs"]["out"]["id"]) == LINES + "step 1\nstep 2\nstep 3\n"

    def test_results_are_where_they_belong(self, request, tools):
        """That the environment is the one that is meant."""
        tools.gathered.ended_ok()
        is_link = tools.lab.is_link(tools.gathered.outputs["out"])
        assert is_link == ("[link]" in request.node.nodeid)
