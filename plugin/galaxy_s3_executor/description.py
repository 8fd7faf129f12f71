# SPDX-License-Identifier: Apache-2.0
"""What Galaxy knows of a job, as the document that docs/job-description.md explains.

Galaxy's own lists say which files a job has; the paths that a tool's templates ask for are noted while
Galaxy fills the templates in. Nothing is guessed from a command line; what is looked for in it are
paths that are known: see DataTables.
"""

import base64
import contextlib
import glob
import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Optional, Union

from galaxy.job_execution.compute_environment import SharedComputeEnvironment, dataset_path_to_extra_path
from galaxy.model import DatasetInstance, MetadataFile

from . import stores

# The head node's own folder in a job directory: it never travels.
FOLDER = "galaxy_s3"
Path = Union[str, dict[str, str]]


class CannotRun(Exception):
    """A job that this runner does not take, in words for its user."""


class RecordingEnvironment(SharedComputeEnvironment):
    """Changes no path, and notes which ones the tool's templates ask for.

    With in_store, what Galaxy's own S3 object store has stays there: Galaxy's way to an input's path pulls
    the input into the cache first.
    """

    def __init__(self, job_io, job, in_store: bool = False):
        super().__init__(job_io, job)
        self.datasets: list[DatasetInstance] = []
        self.reference_data: list[str] = []
        self._in_store = in_store
        # By the dataset's bytes: Galaxy asks its store each time.
        self._stored: dict[Any, Optional[stores.StoredObject]] = {}

    def input_path_rewrite(self, dataset):
        self.datasets.append(dataset)
        stored = self.stored_object(dataset)
        return stored.path if stored else super().input_path_rewrite(dataset)

    def stored_object(self, dataset) -> Optional[stores.StoredObject]:
        if not self._in_store or dataset.dataset is None or is_deferred(dataset):
            return None
        held = dataset.dataset
        if held not in self._stored:
            self._stored[held] = stores.stored_object(dataset)
        return self._stored[held]

    def unstructured_path_rewrite(self, path):
        self.reference_data.append(path)


class DataTables:
    """The paths in Galaxy's data tables, to find those that the texts of a job name.

    Galaxy tells a recording environment of the columns `path` and `len_path` alone. A tool that uses
    another column, __get_data_table_entry__ or $__tool_data_path__ is seen here.
    """

    TOKEN = re.compile(r"/[\w.+@%~/-]+")

    def __init__(self, app):
        self._app = app
        self._known: tuple[Any, set[str], list[str]] = (None, set(), [])

    def named_in(self, script_texts: Iterable[str]) -> set[str]:
        plain, unusual = self._paths()
        tool_data = self._app.config.tool_data_path and normal(self._app.config.tool_data_path)
        found = set()
        for text in script_texts:
            tokens = self.TOKEN.findall(text)
            found.update(path for token in tokens for path in self._candidates(token) if path in plain)
            found.update(path for path in unusual if path in text)
            if tool_data:
                # A user's own text is in there too: where a path leads counts, not how it begins.
                named = (normal(token) for token in tokens)
                found.update(path for path in named if path != tool_data and is_below(path, tool_data))
        return found

    def _paths(self) -> tuple[set[str], list[str]]:
        """Those that a token can be, and the others. A large Galaxy has many: read when they change."""
        tables = [
            table.get_version_fields()
            for table in list(self._app.tool_data_tables.data_tables.values())
            if hasattr(table, "get_version_fields")
        ]
        versions = [version for version, _ in tables]
        if self._known[0] != versions:
            rows = (row for _, fields in tables for row in fields)
            paths = {value for row in rows for value in row if isinstance(value, str) and value[:1] == "/"}
            plain = {path for path in paths if self.TOKEN.fullmatch(path)}
            self._known = (versions, plain, sorted(paths - plain))
        return self._known[1:]

    @staticmethod
    def _candidates(token: str) -> Iterable[str]:
        """What a table may have called it: itself, without its extensions, and what it is below."""
        while len(token) > 1:
            yield token
            directory, _, name = token.rpartition("/")
            while "." in name[1:]:
                name = name[: name.rindex(".")]
                yield f"{directory}/{name}"
            token = directory


def path_of(job_directory: str) -> str:
    """Where the description of the job in this directory is."""
    return os.path.join(job_directory, FOLDER, "job.json")


def limit_of(path: str) -> str:
    """Where the limit of Galaxy's own is noted that the job of this description has reached."""
    return os.path.join(os.path.dirname(path), "limit.json")


def describe(
    job_wrapper, state, recorded: RecordingEnvironment, tables: DataTables, image: Optional[str]
) -> dict[str, Any]:
    """The description of a job whose command, config files and script have been written.

    state is the runner's: it names the script, and where the script's exit code and streams go.
    """
    directory = normal(job_wrapper.working_directory)
    outputs = os.path.join(directory, "outputs")
    script_texts = texts(directory, job_wrapper.extra_filenames)
    tool_files = describe_tool(job_wrapper.tool, script_texts)
    asked = [path for path in recorded.reference_data if isinstance(path, str)]
    asked += tables.named_in(script_texts)
    asked += environment_files(job_wrapper)
    elsewhere = [directory, *(tool["root"] for tool in tool_files)]
    return {
        "version": 1,
        "galaxy_id": str(job_wrapper.job_id),
        "tool_id": str(job_wrapper.tool.id),
        "image": image,
        "job_directory": encode(directory),
        "working_directory": encode(directory),
        "command": [*map(encode, shlex.split(job_wrapper.shell)), encode(normal(state.job_file))],
        "environment": {},
        "inputs": describe_inputs(job_wrapper, recorded, directory),
        "tool_files": [
            {"root": encode(tool["root"]), "files": tool["files"] and [*map(encode, tool["files"])]}
            for tool in tool_files
        ],
        "reference_data": [{"path": encode(path)} for path in describe_reference_data(asked, elsewhere)],
        "outputs": describe_outputs(job_wrapper, recorded),
        "exit_code_file": encode(normal(state.exit_code_file)),
        "stdout": encode(os.path.join(outputs, "tool_stdout")),
        "stderr": encode(os.path.join(outputs, "tool_stderr")),
        "job_stdout": encode(normal(state.output_file)),
        "job_stderr": encode(normal(state.error_file)),
    }


def describe_inputs(job_wrapper, recorded: RecordingEnvironment, job_directory: str) -> list[dict[str, Any]]:
    """Every dataset that Galaxy lists as an input or that a template asked for, once.

    A deferred dataset is an input as the file that Galaxy made of it in the job directory.
    """
    materialized = recorded.materialized_objects
    job = job_wrapper.get_job()
    listed = [
        materialized.get(association.name, association.dataset)
        for association in [*job.input_datasets, *job.input_library_datasets]
    ]
    inputs: dict[str, dict[str, Any]] = {}
    for dataset in [*listed, *recorded.datasets]:
        if not isinstance(dataset, DatasetInstance) or is_deferred(dataset):
            continue
        stored = recorded.stored_object(dataset)
        path = normal(stored.path if stored else input_path(dataset, job_wrapper.job_io))
        if is_below(path, job_directory):
            continue
        if path not in inputs:
            inputs[path] = {"path": encode(path), "metadata_files": []}
            extra = stores.stored_extra_files(dataset, stored) if stored else None
            inputs[path]["extra_files"] = encode(normal(extra.path)) if extra else extra_files(dataset, path)
            if extra:
                inputs[path]["extra_files_object"] = describe_object(extra)
            if stored:
                inputs[path]["object"] = describe_object(stored)
        known = inputs[path]
        if not stored and in_file_store(dataset, path):
            known["in_file_store"] = True
        for file in metadata_files(dataset):
            if encode(file) not in known["metadata_files"]:
                known["metadata_files"].append(encode(file))
    return list(inputs.values())


def input_path(dataset, job_io) -> str:
    """Galaxy has no path for a dataset that is purged, or whose file its object store does not find."""
    path = str(job_io.get_input_path(dataset))
    if path:
        return path
    name = f"{dataset.hid}: {dataset.name}" if getattr(dataset, "hid", None) else str(dataset.name)
    if dataset.dataset is not None and dataset.dataset.purged:
        raise CannotRun(f"The input {name} was purged. Please choose another one.")
    raise CannotRun(
        f"The file of the input {name} (dataset {dataset.id}) is not there. It was removed, or its disk, or"
        " the mounted bucket that it is in, is away: please tell an administrator, and run the job again"
        " when it is back."
    )


def is_deferred(dataset) -> bool:
    return dataset.dataset is not None and dataset.dataset.state == dataset.dataset.states.DEFERRED


def in_file_store(dataset, path: str) -> bool:
    """Whether the file is Galaxy's own, in a store on disk: nobody else's is ever replaced."""
    inner = dataset.dataset
    store = inner and inner.object_store
    if store is None or inner.external_filename or inner.purged:
        return False
    if getattr(store, "backends", None):
        store = store.get_concrete_store_by_object_store_id(inner.object_store_id)
    if getattr(store, "store_type", None) != "disk" or not getattr(store, "file_path", None):
        return False
    return path != normal(store.file_path) and is_below(path, normal(store.file_path))


def extra_files(dataset, path: str) -> Optional[Path]:
    """Templates derive the directory from the dataset's path, Galaxy's object store knows it."""
    derived = normal(dataset_path_to_extra_path(path))
    if os.path.isdir(derived):
        return encode(derived)
    if dataset.dataset is not None and dataset.dataset.extra_files_path_exists():
        return encode(normal(dataset.dataset.extra_files_path))
    return None


def metadata_files(dataset) -> list[str]:
    values = dataset.metadata.values() if dataset.metadata else []
    files = (value.get_file_name() for value in values if isinstance(value, MetadataFile))
    return [normal(file) for file in files if os.path.exists(file)]


def describe_object(stored: stores.StoredObject) -> dict[str, Any]:
    found: dict[str, Any] = {"bucket": stored.bucket, "key": encode(stored.key)}
    if stored.endpoint is not None:
        found["endpoint"] = stored.endpoint
    if stored.size is not None:
        found["size"] = stored.size
    return found


def describe_outputs(job_wrapper, recorded: RecordingEnvironment) -> list[dict[str, Any]]:
    outputs = []
    for name, (dataset, path) in job_wrapper.job_io.get_output_hdas_and_fnames().items():
        definition = job_wrapper.tool.find_output_def(name)
        output = {"name": name, "path": encode(normal(str(path)))}
        extra = path.false_extra_files_path
        if not extra and str(path).endswith(".dat"):
            # An output at its final place has its extra files beside it.
            extra = dataset_path_to_extra_path(str(path))
        if extra:
            output["extra_files"] = encode(normal(extra))
        if definition is not None and definition.from_work_dir:
            output["from_work_dir"] = definition.from_work_dir
        stored = recorded.stored_object(dataset)
        if stored:
            # Its size is not known before the job has run.
            output["object"] = describe_object(replace(stored, size=None))
        outputs.append(output)
    return outputs


def forget_placeholders(file: str) -> None:
    """Removes what Galaxy's cache has of outputs that are in its object store, if it has no byte.

    Galaxy would take such a file for the output. The head node has removed them; Galaxy makes one when
    somebody looks at an output just before that, and pulls what then is in the store: nothing.
    """
    with open(file, encoding="utf-8") as opened:
        outputs = json.load(opened)["outputs"]
    for path in (decode(output["path"]) for output in outputs if "object" in output):
        with contextlib.suppress(FileNotFoundError):
            if os.path.getsize(path) == 0:
                os.unlink(path)


def give_purged_outputs_a_place(job_wrapper) -> None:
    """Galaxy knows no place for an output that was purged while its job ran, and for want of one it would
    fail the job with all its other outputs. To be called in the thread that finishes the job."""
    for path in job_wrapper.job_io.output_paths:
        if not path.real_path:
            folder = os.path.dirname(path_of(normal(job_wrapper.working_directory)))
            path.real_path = os.path.join(folder, f"purged_{path.dataset_id}")


def final_outputs(job) -> list[Path]:
    """Where the outputs of a job that Galaxy has finished are, the ones that it has discovered too."""
    found = [association.dataset for association in [*job.output_datasets, *job.output_library_datasets]]
    for association in job.output_dataset_collection_instances:
        found += association.dataset_collection_instance.collection.dataset_instances
    paths = []
    for output in found:
        dataset = output and output.dataset
        # Asking for it must not bring a file here from a remote store.
        if dataset is not None and dataset.state == dataset.states.OK and not dataset.purged:
            paths.append(dataset.get_file_name(sync_cache=False))
    return [encode(normal(path)) for path in dict.fromkeys(paths) if path]


def environment_files(job_wrapper) -> list[str]:
    """What the job's script reads its environment from, as an administrator has named it."""
    named = [setting.get("file") for setting in job_wrapper.job_destination.env or []]
    named.append(getattr(job_wrapper.app.config, "environment_setup_file", None))
    return [file for file in named if file and os.path.isfile(file)]


def describe_tool(tool, script_texts: Iterable[str]) -> list[dict[str, Any]]:
    """The tool's directory, if anything that the job reads names it.

    It is rendered as text wherever a tool uses it; a tool made of a command line alone needs no file.
    """
    if not tool.tool_dir:
        return []
    root = os.path.abspath(str(tool.tool_dir))
    if not any(root in text for text in script_texts):
        return []
    if tool.required_files is None:
        return [{"root": root, "files": None}]
    files = sorted(set(tool.required_files.find_required_files(root)))
    return [{"root": root, "files": files}] if files else []


def texts(job_directory: str, config_files: Iterable[str]) -> list[str]:
    """What Galaxy has rendered for this job: the tool's command line, config files and variables."""
    files = {os.path.join(job_directory, "tool_script.sh"), *config_files}
    files.update(glob.glob(os.path.join(glob.escape(job_directory), "tool_env_*")))
    found = []
    for file in sorted(files):
        try:
            with open(file, encoding="utf-8", errors="surrogateescape") as opened:
                found.append(opened.read())
        except FileNotFoundError:
            continue
    return found


def describe_reference_data(asked: Iterable[str], elsewhere: Iterable[str]) -> list[str]:
    """The paths that mean something on this machine and are not part of what travels anyway.

    A path that means nothing here is a file of the container image, or no path at all.
    """
    elsewhere = list(elsewhere)
    found = set()
    for path in (normal(path) for path in asked if path.startswith("/")):
        if any(is_below(path, directory) for directory in elsewhere):
            continue
        if os.path.lexists(path) or glob.glob(glob.escape(path) + ".*"):
            found.add(path)
    return sorted(path for path in found if not any(is_below(path, other) for other in found - {path}))


def is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def normal(path: str) -> str:
    """Absolute, and without doubled or closing slashes, as descriptions want it."""
    path = os.path.abspath(path)
    # POSIX lets two leading slashes mean something else, and so does Python.
    return "/" + path.lstrip("/")


def encode(path: str) -> Path:
    """A path as JSON has it: names are bytes, and need not be UTF-8."""
    raw = os.fsencode(path)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def decode(path: Path) -> str:
    return path if isinstance(path, str) else os.fsdecode(base64.b64decode(path["base64"]))


def write(description: dict[str, Any], path: str) -> None:
    """Writes the document whole or not at all, and flushes it to the disk."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(description, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    for directory in (folder, os.path.dirname(folder)):
        flush_directory(directory)


def flush_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
