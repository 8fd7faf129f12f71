# SPDX-License-Identifier: Apache-2.0
"""Descriptions, made from stand-ins for Galaxy's objects. Tests/Galaxy makes them from the real ones."""

import base64
import json
import os
from types import SimpleNamespace

import pytest
from galaxy_s3_executor import description
from galaxy_s3_executor.stores import StoredObject


class Dataset:
    """As Galaxy's DatasetInstance, of which descriptions use this much."""

    def __init__(self, path, metadata=None, deferred=False, extra_files=None):
        self.path = str(path)
        self.metadata = metadata
        states = SimpleNamespace(DEFERRED="deferred")
        self.dataset = SimpleNamespace(
            state="deferred" if deferred else "ok",
            states=states,
            object_store=None,
            object_store_id=None,
            external_filename=None,
            purged=False,
            extra_files_path_exists=lambda: extra_files is not None,
            extra_files_path=extra_files and str(extra_files),
            extra_files_path_name=extra_files and os.path.basename(extra_files),
        )


class MetadataFile:
    def __init__(self, path):
        self.get_file_name = lambda: str(path)


class OutputPath(str):
    false_extra_files_path = None


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    monkeypatch.setattr(description, "DatasetInstance", Dataset)
    monkeypatch.setattr(description, "MetadataFile", MetadataFile)


@pytest.fixture
def job(tmp_path):
    """A job whose command has been built: its wrapper, the runner's state, and what was noted."""
    directory = tmp_path / "jobs/000/42"
    for name in ("working", "outputs", "configs"):
        (directory / name).mkdir(parents=True)
    (directory / "tool_script.sh").write_text("wc -l < input\n")
    tool = SimpleNamespace(id="wc_gnu", tool_dir=None, required_files=None, find_output_def=lambda name: None)
    io = SimpleNamespace(
        get_input_path=lambda dataset: dataset.path, get_output_hdas_and_fnames=lambda: outputs
    )
    outputs = {}
    record = SimpleNamespace(input_datasets=[], input_library_datasets=[])
    app = SimpleNamespace(
        tool_data_tables=SimpleNamespace(data_tables={}),
        config=SimpleNamespace(tool_data_path=str(tmp_path / "tool-data")),
    )
    tables = description.DataTables(app)
    wrapper = SimpleNamespace(
        job_id=42,
        tool=tool,
        shell="/bin/bash",
        working_directory=str(directory),
        extra_filenames=[],
        job_io=io,
        get_job=lambda: record,
        app=app,
        job_destination=SimpleNamespace(env=[]),
    )
    state = SimpleNamespace(
        job_file=str(directory / "galaxy_42.sh"),
        exit_code_file=str(directory / "galaxy_42.ec"),
        output_file=str(directory / "galaxy_42.o"),
        error_file=str(directory / "galaxy_42.e"),
    )
    recorded = SimpleNamespace(
        datasets=[], reference_data=[], materialized_objects={}, stored_object=lambda dataset: None
    )
    return SimpleNamespace(
        directory=directory,
        tool=tool,
        wrapper=wrapper,
        recorded=recorded,
        outputs=outputs,
        inputs=record.input_datasets,
        tables=app.tool_data_tables.data_tables,
        describe=lambda image=None: description.describe(wrapper, state, recorded, tables, image),
    )


def listed(name, dataset):
    return SimpleNamespace(name=name, dataset=dataset)


def make(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("is_purged", "words"), [(True, "was purged"), (False, "is not there")])
def test_an_input_without_a_file_is_named(job, monkeypatch, tmp_path, is_purged, words):
    """Galaxy gives no path then, which would be the directory that it runs in."""
    monkeypatch.chdir(tmp_path)
    lost = Dataset("")
    lost.hid, lost.name, lost.id = 7, "reads", 12
    lost.dataset.purged = is_purged
    job.inputs.append(listed("input", lost))
    with pytest.raises(description.CannotRun, match=f"7: reads.* {words}"):
        job.describe()


def test_the_whole_of_a_plain_job(job, tmp_path):
    read = make(tmp_path / "objects/dataset_1.dat")
    job.inputs.append(listed("input", Dataset(read)))
    job.outputs["out_file1"] = (None, OutputPath(job.directory / "outputs/dataset_2.dat"))
    assert job.describe("quay.io/biocontainers/coreutils:8.31") == {
        "version": 1,
        "galaxy_id": "42",
        "tool_id": "wc_gnu",
        "image": "quay.io/biocontainers/coreutils:8.31",
        "job_directory": str(job.directory),
        "working_directory": str(job.directory),
        "command": ["/bin/bash", f"{job.directory}/galaxy_42.sh"],
        "environment": {},
        "inputs": [{"path": str(read), "extra_files": None, "metadata_files": []}],
        "tool_files": [],
        "reference_data": [],
        "outputs": [
            {
                "name": "out_file1",
                "path": f"{job.directory}/outputs/dataset_2.dat",
                "extra_files": f"{job.directory}/outputs/dataset_2_files",
            }
        ],
        "exit_code_file": f"{job.directory}/galaxy_42.ec",
        "stdout": f"{job.directory}/outputs/tool_stdout",
        "stderr": f"{job.directory}/outputs/tool_stderr",
        "job_stdout": f"{job.directory}/galaxy_42.o",
        "job_stderr": f"{job.directory}/galaxy_42.e",
    }


def test_what_galaxys_own_store_has_is_named_and_not_pulled(job, tmp_path):
    def stored(dataset):
        path = f"/cache/{dataset}" if isinstance(dataset, str) else "/cache/0/dataset_1.dat"
        return StoredObject(path, "data", path.removeprefix("/cache/"), "http://s3", 5)

    job.recorded.stored_object = stored
    job.inputs.append(listed("input", Dataset("never asked for")))
    job.outputs["out"] = ("0/dataset_2.dat", OutputPath("/cache/0/dataset_2.dat"))
    described = job.describe()
    assert described["inputs"] == [
        {
            "path": "/cache/0/dataset_1.dat",
            "extra_files": None,
            "metadata_files": [],
            "object": {"bucket": "data", "key": "0/dataset_1.dat", "endpoint": "http://s3", "size": 5},
        }
    ]
    # How large an output will be nobody knows.
    expected = {"bucket": "data", "key": "0/dataset_2.dat", "endpoint": "http://s3"}
    assert described["outputs"][0]["object"] == expected


def test_an_input_stands_once_with_all_that_belongs_to_it(job, tmp_path):
    read = make(tmp_path / "objects/dataset_1.dat")
    make(tmp_path / "objects/dataset_1_files/sub/note.txt")
    index = make(tmp_path / "objects/_metadata_files/metadata_1.dat")
    gone = tmp_path / "objects/_metadata_files/metadata_2.dat"
    metadata = {"bam_index": MetadataFile(index), "old_index": MetadataFile(gone), "columns": 3}
    job.inputs += [listed("many", Dataset(read, metadata)), listed("many1", Dataset(read, metadata))]
    job.recorded.datasets.append(Dataset(read, metadata))
    assert job.describe()["inputs"] == [
        {
            "path": str(read),
            "extra_files": str(tmp_path / "objects/dataset_1_files"),
            "metadata_files": [str(index)],
        }
    ]


def test_a_dataset_that_only_a_template_asked_for_is_an_input(job, tmp_path):
    read = make(tmp_path / "objects/dataset_9.dat")
    job.recorded.datasets.append(Dataset(read))
    assert [one["path"] for one in job.describe()["inputs"]] == [str(read)]


@pytest.mark.parametrize(
    ("change", "is_ours"),
    [
        ({}, True),
        ({"external_filename": "/library/reads"}, False),
        ({"purged": True}, False),
        ({"object_store": None}, False),
        ({"object_store": SimpleNamespace(store_type="boto3", file_path="/objects")}, False),
        ({"object_store": SimpleNamespace(store_type="disk", file_path="/obj")}, False),
        ({"object_store": SimpleNamespace(store_type="disk", file_path="/objects/dataset_1.dat")}, False),
    ],
)
def test_only_files_of_galaxys_own_store_may_be_replaced(change, is_ours):
    dataset = Dataset("/objects/dataset_1.dat")
    disk = SimpleNamespace(store_type="disk", file_path="/objects/")
    inner = {"object_store": disk, **change}
    for name, value in inner.items():
        setattr(dataset.dataset, name, value)
    assert description.in_file_store(dataset, "/objects/dataset_1.dat") == is_ours


def test_a_nested_store_is_asked_for_the_one_that_has_the_file():
    stores = {
        "disk": SimpleNamespace(store_type="disk", file_path="/objects"),
        "s3": SimpleNamespace(store_type="boto3", file_path="/cache"),
    }
    dataset = Dataset("/objects/dataset_1.dat")
    dataset.dataset.object_store = SimpleNamespace(
        store_type="distributed", backends=stores, get_concrete_store_by_object_store_id=stores.get
    )
    for id, is_ours in (("disk", True), ("s3", False), ("gone", False)):
        dataset.dataset.object_store_id = id
        assert description.in_file_store(dataset, "/objects/dataset_1.dat") == is_ours


def test_extra_files_are_where_the_object_store_has_them(job, tmp_path):
    read = make(tmp_path / "library/reads.fastq")
    elsewhere = tmp_path / "objects/dataset_1_files"
    elsewhere.mkdir(parents=True)
    job.inputs.append(listed("input", Dataset(read, extra_files=elsewhere)))
    assert job.describe()["inputs"][0]["extra_files"] == str(elsewhere)


def test_inputs_that_are_none(job, tmp_path):
    made = make(job.directory / "inputs/dataset_7.dat")
    job.inputs += [
        listed("optional", None),
        # Deferred: Galaxy has made a file of it in the job directory, which travels as a whole.
        listed("deferred", Dataset(tmp_path / "objects/dataset_7.dat", deferred=True)),
        listed("element", Dataset(tmp_path / "objects/dataset_8.dat", deferred=True)),
    ]
    job.recorded.materialized_objects["deferred"] = Dataset(made)
    assert job.describe()["inputs"] == []


def test_outputs_name_their_extra_files_and_where_they_are_made(job):
    path = OutputPath(job.directory / "outputs/dataset_2.dat")
    path.false_extra_files_path = str(job.directory / "outputs/dataset_2_files")
    job.outputs["page"] = (None, path)
    job.tool.find_output_def = lambda name: SimpleNamespace(from_work_dir="made/page.html")
    assert job.describe()["outputs"] == [
        {
            "name": "page",
            "path": str(path),
            "extra_files": path.false_extra_files_path,
            "from_work_dir": "made/page.html",
        }
    ]


def test_an_output_at_its_final_place_has_its_extra_files_beside_it(job):
    job.outputs["page"] = (None, OutputPath("/objects/0/1/dataset_2.dat"))
    job.outputs["odd"] = (None, OutputPath("/library/page.html"))
    page, odd = job.describe()["outputs"]
    assert page["extra_files"] == "/objects/0/1/dataset_2_files"
    assert "extra_files" not in odd


def test_the_tools_directory_travels_if_the_job_names_it(job, tmp_path):
    root = tmp_path / "tools/wc"
    make(root / "wc.py")
    job.tool.tool_dir = str(root)
    assert job.describe()["tool_files"] == []
    (job.directory / "tool_script.sh").write_text(f"python '{root}/wc.py'\n")
    assert job.describe()["tool_files"] == [{"root": str(root), "files": None}]
    job.tool.required_files = SimpleNamespace(find_required_files=lambda _: ["wc.py", "lib/a.py", "wc.py"])
    assert job.describe()["tool_files"] == [{"root": str(root), "files": ["lib/a.py", "wc.py"]}]


@pytest.mark.parametrize("place", ["configs/tmpabc", "tool_env_x"])
def test_the_tools_directory_may_be_named_anywhere(job, tmp_path, place):
    root = tmp_path / "tools/wc"
    make(root / "wc.py")
    job.tool.tool_dir = str(root)
    file = make(job.directory / place, f"PYTHONPATH={root}")
    if place.startswith("configs"):
        job.wrapper.extra_filenames.append(str(file))
    assert job.describe()["tool_files"] == [{"root": str(root), "files": None}]


def test_reference_data_that_templates_asked_for(job, tmp_path):
    sequence = make(tmp_path / "indices/hg38/hg38.fa")
    make(tmp_path / "indices/bwa/hg38.fa.bwt")
    prefix = tmp_path / "indices/bwa/hg38.fa"
    job.recorded.reference_data += [
        str(sequence),
        str(prefix),
        f"{sequence.parent}/",
        "hg38",
        "",
        None,
        str(tmp_path / "indices/of-the-image"),
        str(job.directory / "configs"),
    ]
    # The directory holds the sequence; of what is not there nothing is known.
    assert job.describe()["reference_data"] == [{"path": str(prefix)}, {"path": str(sequence.parent)}]


def test_reference_data_that_only_the_command_names(job, tmp_path):
    named, longer = tmp_path / "indices/hg1", tmp_path / "indices/hg19"
    prefix = make(tmp_path / "indices/bowtie/hg38.1.bt2").parent / "hg38"
    spaced = tmp_path / "indices/a name"
    for path in (named, longer, spaced):
        path.mkdir(parents=True)
    shared = make(tmp_path / "tool-data/shared/ucsc/chrom.len")
    rows = [["hg1", str(named)], ["hg19", str(longer)], ["spaced", str(spaced)], ["none", "", None]]
    job.tables["all"] = SimpleNamespace(get_version_fields=lambda: (len(rows), rows))
    job.tables["other"] = SimpleNamespace()
    (job.directory / "tool_script.sh").write_text(
        f"align --index={longer}/genome --notes '{spaced}' --lengths '{shared}' --all {tmp_path}/tool-data/"
        f" '{prefix}.1.bt2'\n"
    )
    wanted = [longer, spaced, shared]
    assert job.describe()["reference_data"] == [{"path": str(path)} for path in sorted(wanted)]
    # A table that has grown meanwhile.
    rows.append(["hg38", str(prefix)])
    wanted.append(prefix)
    assert job.describe()["reference_data"] == [{"path": str(path)} for path in sorted(wanted)]


@pytest.mark.parametrize(
    "text",
    [
        "{data}/../config/galaxy.yml",
        "{data}/shared/../../config/galaxy.yml",
        "{data}/./../config/galaxy.yml",
        "{data}//..//config/galaxy.yml",
        "{data}/../config/./galaxy.yml",
        "{data}/../config",
        "{data}/../config/",
        "{data}/..",
        "{data}/../",
        "{data}/shared/..",
        "{data}/shared/../..",
        "{data}/../tool-data/../config/galaxy.yml",
        "{data}/../tool-data",
        "{data}-of-others/galaxy.yml",
        "/{data}/../config/galaxy.yml",
        "{data}/hg1/../../config/galaxy.yml",
        "{data}/../../../../../../../../../../etc/hostname",
        "/etc/hostname",
        "{config}",
        "{data}/none/../../config/galaxy.yml",
    ],
)
def test_a_users_text_leads_nowhere_else(job, tmp_path, text):
    config = make(tmp_path / "config/galaxy.yml")
    make(tmp_path / "tool-data-of-others/galaxy.yml")
    make(tmp_path / "tool-data/shared/x.len")
    make(tmp_path / "indices/hg1/x.fa")
    rows = [["hg1", str(tmp_path / "indices/hg1")]]
    job.tables["all"] = SimpleNamespace(get_version_fields=lambda: (len(rows), rows))
    named = text.format(data=tmp_path / "tool-data", config=config)
    (job.directory / "tool_script.sh").write_text(f"annotate --title '{named}'\n")
    assert job.describe()["reference_data"] == []


def test_a_purged_output_has_a_place_all_the_same(job):
    kept, purged = (
        SimpleNamespace(dataset_id=number, real_path=path)
        for number, path in ((1, "/objects/1.dat"), (2, ""))
    )
    wrapper = SimpleNamespace(
        working_directory=str(job.directory), job_io=SimpleNamespace(output_paths=[kept, purged])
    )
    description.give_purged_outputs_a_place(wrapper)
    assert (kept.real_path, purged.real_path) == ("/objects/1.dat", f"{job.directory}/galaxy_s3/purged_2")


def test_paths_are_normal_and_shells_may_have_arguments(job):
    job.wrapper.working_directory = f"/{job.directory}/./"
    job.wrapper.shell = "/bin/bash -e"
    made = job.describe()
    assert made["job_directory"] == str(job.directory)
    assert made["command"] == ["/bin/bash", "-e", f"{job.directory}/galaxy_42.sh"]


def test_a_name_is_bytes(job, tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9.dat"
    with open(raw, "w"):
        job.inputs.append(listed("input", Dataset(os.fsdecode(raw))))
    (made,) = job.describe()["inputs"]
    assert base64.b64decode(made["path"]["base64"]) == raw
    json.dumps(made).encode("utf-8")


def test_it_is_written_whole(job, tmp_path):
    path = description.path_of(str(job.directory))
    assert path == f"{job.directory}/galaxy_s3/job.json"
    description.write({"version": 1}, path)
    description.write(job.describe(), path)
    with open(path, encoding="utf-8") as file:
        assert json.load(file) == job.describe()
    assert os.listdir(os.path.dirname(path)) == ["job.json"]


def test_what_is_noted_is_not_changed():
    io = SimpleNamespace(get_input_path=lambda dataset: dataset.path)
    environment = description.RecordingEnvironment(io, None)
    dataset = Dataset("/objects/dataset_1.dat")
    assert environment.input_path_rewrite(dataset) == "/objects/dataset_1.dat"
    assert environment.input_extra_files_rewrite(dataset) == "/objects/dataset_1_files"
    assert environment.unstructured_path_rewrite("/indices/hg38") is None
    assert dataset in environment.datasets
    assert environment.reference_data == ["/indices/hg38"]


def test_files_that_set_the_environment_are_there(job, tmp_path):
    setup = make(tmp_path / "setup.sh")
    named = make(tmp_path / "env.sh")
    job.wrapper.app.config.environment_setup_file = str(setup)
    job.wrapper.job_destination.env = [
        {"name": "X", "value": "1"},
        {"execute": "true"},
        {"file": str(named)},
        {"file": "/nowhere/in/the/image.sh"},
    ]
    assert job.describe()["reference_data"] == [{"path": str(named)}, {"path": str(setup)}]
