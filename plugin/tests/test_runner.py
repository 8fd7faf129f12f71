# SPDX-License-Identifier: Apache-2.0
"""The runner's own decisions, with stand-ins for Galaxy and for the head node."""

import json
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from galaxy.exceptions import ConfigurationError
from galaxy.job_metrics import JobMetrics
from galaxy.jobs import job_config_xml_to_dict
from galaxy.jobs.runners import AsynchronousJobRunner, JobState
from galaxy.model import Job
from galaxy.util.xml_macros import load
from galaxy_s3_executor import description
from galaxy_s3_executor.client import Refused, RunEvent
from galaxy_s3_executor.runner import S3JobRunner

STATES = JobState.runner_states
OURS = {"outputs_to_working_directory": True}
IN_STORE = {"outputs_to_working_directory": False, "output_mode": "object_store"}


class FakeHead:
    """Writes down what it is asked, with what else happened in between."""

    def __init__(self, history, executor=None):
        self.history = history
        self.executor = executor

    def submit(self, job, run, destination):
        self.history.append(("submit", job, run, destination))

    def cancel(self, job, run):
        self.history.append(("cancel", run))

    def finished(self, job, run, outputs):
        self.history.append(("finished", run, outputs))

    def forget(self, job, run):
        self.history.append(("forget", run))


class Queue(list):
    put = list.append


class Wrapper:
    """A job as its runner sees it."""

    is_task = remote_command_line = False
    cleanup_job = "onsuccess"
    shell = "/bin/bash"

    def __init__(self, job_id, directory, history, **params):
        self.job_id, self.history = job_id, history
        self.working_directory = str(directory)
        self.job_destination = SimpleNamespace(id="k8s", params={**OURS, **params}, runner="s3")
        self.tool = SimpleNamespace(
            id="wc",
            old_id="wc",
            tool_type="default",
            produces_entry_points=False,
            requires_galaxy_python_environment=False,
            timelimit=None,
        )
        self.app = SimpleNamespace(config=SimpleNamespace(redact_email_in_job_name=True))
        self.job = SimpleNamespace(
            state=Job.states.QUEUED,
            job_runner_external_id=None,
            output_datasets=[],
            output_library_datasets=[],
            output_dataset_collection_instances=[],
            state_history=[],
        )
        self.job_io = SimpleNamespace(output_paths=[])
        self.metadata_strategy = None

    def get_id_tag(self):
        return str(self.job_id)

    def get_job(self):
        return self.job

    def get_state(self):
        return self.job.state

    def set_external_id(self, name):
        path = description.path_of(self.working_directory)
        self.history.append(("external id", name, os.path.exists(path)))
        self.job.job_runner_external_id = name

    def change_state(self, state):
        self.history.append(("state", state.value))
        self.job.state = state

    def cleanup(self):
        self.history.append(("cleanup",))

    def has_limits(self):
        return False

    def check_limits(self, runtime=None):
        return None


@pytest.fixture
def history():
    return []


@pytest.fixture(autouse=True)
def head_node_that_has_no_word_to_say(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "galaxy-head-node"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def galaxy():
    """An application with one environment of ours and one of somebody else's."""

    def make(params=OURS, **config):
        def environment(id, runner, params):
            return SimpleNamespace(id=id, runner=runner, params=params)

        load = "galaxy_s3_executor.runner:S3JobRunner"
        return SimpleNamespace(
            config=SimpleNamespace(
                config_file="/galaxy/config/galaxy.yml",
                server_name="main.job-handlers.1",
                redact_email_in_job_name=True,
                metadata_strategy="directory",
                preserve_python_environment="legacy_only",
                **config,
            ),
            model=SimpleNamespace(context=None),
            job_metrics=JobMetrics(),
            object_store=SimpleNamespace(
                store_type="distributed",
                backends={name: SimpleNamespace(store_type=name) for name in ("disk", "boto3")},
            ),
            job_config=SimpleNamespace(
                runner_plugins=[
                    {"id": "s3", "load": load},
                    {"id": "local", "load": "galaxy.jobs.runners.local:LocalJobRunner"},
                ],
                destinations={
                    "k8s": (environment("k8s", "s3", params),),
                    "local": (environment("local", "local", {"output_mode": "of another runner"}),),
                },
            ),
        )

    return make


@pytest.fixture
def runner(galaxy, history, monkeypatch):
    made = S3JobRunner(galaxy(), 1)
    made._head = FakeHead(history)
    made.work_queue = Queue()
    made.sa_session = SimpleNamespace(scalars=lambda _: [])
    monkeypatch.setattr(made, "prepare_job", lambda *_, **__: True)
    monkeypatch.setattr(made, "get_job_file", lambda *_, **__: "true")
    monkeypatch.setattr(made, "write_executable_script", lambda *_, **__: None)
    monkeypatch.setattr(made, "_find_container", lambda _: None)
    monkeypatch.setattr(description, "describe", lambda *_: {"version": 1})
    return made


@pytest.fixture
def job(tmp_path, history):
    def make(job_id=42, **params):
        directory = tmp_path / str(job_id)
        (directory / "outputs").mkdir(parents=True)
        return Wrapper(job_id, directory, history, **params)

    return make


def queued(runner, wrapper):
    runner.queue_job(wrapper)
    return runner._runs[wrapper.job_id]


def happen(runner, *events):
    for event in events:
        runner._events.put(event)
    runner.check_watched_items()


def end_well(run, code=0):
    with open(run.exit_code_file, "w") as file:
        file.write(f"{code}\n")


# Configuration


def test_the_head_node_gets_galaxys_own_configuration_and_the_names_of_its_kubernetes_runner(galaxy):
    runner = S3JobRunner(
        galaxy(),
        4,
        head_node="/bin/true",
        k8s_namespace="jobs",
        k8s_use_service_account=True,
        k8s_read_only_root_filesystem="False",
        k8s_node_selector={"pool": "a b"},
    )
    assert runner._command() == [
        "/bin/true",
        "serve",
        "--config",
        "/galaxy/config/galaxy.yml",
        "--set",
        "kubernetes.k8s_use_service_account=true",
        "--set",
        "kubernetes.k8s_read_only_root_filesystem=False",
    ]
    assert runner._variables() == {
        "GALAXY_S3_EXECUTOR_KUBERNETES_K8S_NAMESPACE": "jobs",
        "GALAXY_S3_EXECUTOR_KUBERNETES_K8S_NODE_SELECTOR": '{"pool": "a b"}',
    }


@pytest.mark.parametrize("value", [{"TOKEN": "none of yours"}, "TOKEN: none of yours\n"])
def test_what_may_be_a_secret_is_on_no_command_line(galaxy, program, tmp_path, value):
    made = S3JobRunner(galaxy(), 1, head_node=program(0), k8s_extra_job_envs=value)
    assert "none of yours" not in (tmp_path / "called").read_text() + " ".join(made._command())
    assert "none of yours" in (tmp_path / "variables").read_text()


@pytest.fixture
def program(tmp_path):
    """A head node that answers every call with this status and these words."""

    def make(status, words=""):
        file = tmp_path / "galaxy-head-node"
        lines = (
            "#!/bin/sh",
            f'echo "$@" > {tmp_path}/called',
            # Of the rest some may be secrets.
            f"env | grep ^GALAXY_S3_EXECUTOR_ > {tmp_path}/variables || true",
            f"echo '{words}' >&2",
            f"exit {status}",
        )
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o755)
        return str(file)

    return make


def test_a_configuration_that_the_head_node_refuses_ends_galaxys_start(galaxy, program, tmp_path):
    job_conf = tmp_path / "job_conf.yml"
    job_conf.write_text("runners: {}\n")
    app = galaxy(job_config_file=str(job_conf))
    with pytest.raises(ConfigurationError, match=r"galaxy\.yml:3: unknown key limits\.waltime"):
        S3JobRunner(app, 1, head_node=program(78, "galaxy.yml:3: unknown key limits.waltime"))
    called = (tmp_path / "called").read_text()
    assert called == f"check-config --config /galaxy/config/galaxy.yml --job-config {job_conf}\n"


def test_a_job_configuration_inside_galaxy_yml_is_looked_at_there(galaxy, program, tmp_path):
    galaxy_yml = tmp_path / "galaxy.yml"
    galaxy_yml.write_text("galaxy: {job_config: {runners: {}}}\n")
    other = tmp_path / "job_conf.yml"
    other.write_text("runners: {}\n")
    app = galaxy(config_dict={"job_config": {"runners": {}}}, job_config_file=str(other))
    app.config.config_file = str(galaxy_yml)
    S3JobRunner(app, 1, head_node=program(0, ""))
    assert (tmp_path / "called").read_text().endswith(f"--job-config {galaxy_yml}\n")


def test_a_head_node_that_is_not_there_ends_galaxys_start(galaxy):
    with pytest.raises(ConfigurationError, match=r"no program /nowhere/head: .*`head_node`"):
        S3JobRunner(galaxy(), 1, head_node="/nowhere/head")


@pytest.mark.parametrize("status", [0, 1])
def test_what_is_no_word_on_the_configuration_ends_no_start(galaxy, program, caplog, status):
    S3JobRunner(galaxy(), 1, head_node=program(status, "a word of warning"))
    assert "a word of warning" in caplog.text


def test_a_second_runner_of_ours_is_refused(galaxy):
    app = galaxy()
    app.job_config.runner_plugins.append({**app.job_config.runner_plugins[0], "id": "s3b"})
    with pytest.raises(ConfigurationError, match=r"2 runners of .*: s3, s3b"):
        S3JobRunner(app, 1)


@pytest.fixture
def galaxy_yml(tmp_path):
    """Galaxy's own file, with this block of ours beside Galaxy's."""

    def make(block):
        file = tmp_path / "galaxy.yml"
        file.write_text(yaml.safe_dump({"galaxy": {}, "s3_executor": block}))
        return str(file)

    return make


def test_the_output_mode_of_another_file(galaxy, galaxy_yml, tmp_path, monkeypatch):
    other = tmp_path / "other.yml"
    other.write_text("s3_executor: {output_mode: link}\n")
    params = {"outputs_to_working_directory": False}
    app = galaxy(params)
    app.config.config_file = galaxy_yml({"output_mode": "copy"})
    assert S3JobRunner(app, 1, config=str(other))._output_mode(params) == "link"
    monkeypatch.setenv("GALAXY_S3_EXECUTOR_OUTPUT_MODE", "link")
    assert S3JobRunner(app, 1)._output_mode(params) == "link"


EXAMPLES = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture(scope="module")
def examples():
    """The examples of a job configuration, as Galaxy reads its two forms."""
    root = load(EXAMPLES / "job_conf.xml").getroot()
    in_xml = job_config_xml_to_dict(SimpleNamespace(config_dict={}), root)
    return yaml.safe_load((EXAMPLES / "job_conf.yml").read_text()), in_xml


def texts(values):
    """Values as XML has them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def split(values, *names):
    return {name: values[name] for name in names if values.get(name)}, {
        name: values[name] for name in values if name not in names
    }


def test_the_examples_say_the_same(examples):
    in_yaml, in_xml = examples
    assert list(in_xml["runners"]) == list(in_yaml["runners"])
    for name, runner in in_yaml["runners"].items():
        apart, params = split(runner, "load", "workers")
        other = in_xml["runners"][name]
        assert split(other, "load", "workers")[0] == apart
        assert other["kwds"] == texts(params)
    environments = in_yaml["execution"]["environments"]
    assert in_xml["execution"]["default"] == in_yaml["execution"]["default"]
    assert [one["id"] for one in in_xml["execution"]["environments"]] == list(environments)
    for other in in_xml["execution"]["environments"]:
        apart, params = split(environments[other["id"]], "runner", "tags", "resubmit")
        for step in other.get("resubmit", []):
            del step["handler"], step["delay"]
        assert split(other, "runner", "tags", "resubmit")[0] == apart
        # Galaxy adds this one where it reads XML.
        assert other["params"] == {**texts(params), "docker_sudo": "true"}
    for other, tool in zip(in_xml["tools"], in_yaml["tools"]):
        assert split(other, "id", "class", "environment")[0] == tool
    assert len(in_xml["tools"]) == len(in_yaml["tools"])


def test_texts_from_xml_are_as_good_as_values_from_yaml(galaxy, examples):
    in_yaml, in_xml = examples
    params = {one["id"]: one["params"] for one in in_xml["execution"]["environments"]}
    runner = in_xml["runners"]["s3"]
    # Of the example's program nothing is asked.
    for kwds in (runner["kwds"], in_yaml["runners"]["s3"]):
        kwds["head_node"] = "/bin/true"
    made = S3JobRunner(galaxy(params["s3"]), runner["workers"], **runner["kwds"])
    _, kwds = split(in_yaml["runners"]["s3"], "load", "workers")
    assert made._command() == S3JobRunner(galaxy(), 4, **kwds)._command()
    assert made._variables() == {"GALAXY_S3_EXECUTOR_KUBERNETES_K8S_POD_RETRIES": "3"}
    with pytest.raises(ConfigurationError, match="needs `outputs_to_working_directory: true`"):
        S3JobRunner(galaxy({**params["s3"], "outputs_to_working_directory": "no"}), 4)


def test_a_parameter_without_a_value_says_nothing(galaxy):
    made = S3JobRunner(galaxy(), 4, k8s_walltime_limit=None)
    assert ("--set" in made._command(), made._variables()) == (False, {})


def test_an_empty_value_is_one(galaxy):
    made = S3JobRunner(galaxy(), 4, k8s_node_selector="")
    assert (made._command()[-1], made._variables()) == ("kubernetes.k8s_node_selector=", {})


def test_a_misspelt_parameter_stops_galaxy(galaxy):
    with pytest.raises(Exception, match="Invalid job runner parameter for this plugin: head_nod"):
        S3JobRunner(galaxy(), 4, head_nod="/opt/galaxy-head-node")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "environment k8s needs `outputs_to_working_directory: true`"),
        ({"outputs_to_working_directory": "false"}, "environment k8s needs"),
        (
            {**OURS, "output_mode": "link"},
            "environment k8s needs `outputs_to_working_directory: false` for `output_mode: link`",
        ),
        (
            {**OURS, "output_mode": "object_store"},
            "environment k8s needs `outputs_to_working_directory: false` for `output_mode: object_store`",
        ),
        ({**IN_STORE, "metadata": "external"}, "environment k8s needs `metadata: internal`"),
        ({**IN_STORE, "metadata_strategy": "extended"}, "and Galaxy's `metadata_strategy: directory`"),
        ({**IN_STORE, "retry_metadata_internally": "false"}, "and `retry_metadata_internally: true`"),
        ({**OURS, "output_mode": "copies"}, "there are copy, link, object_store"),
        ({**OURS, "metadata": "no"}, "there are external and internal"),
    ],
)
def test_what_would_fail_every_job_stops_galaxy(galaxy, params, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        S3JobRunner(galaxy(params), 4)


def test_object_store_mode_needs_an_s3_store_of_galaxys_own(galaxy):
    app = galaxy(IN_STORE)
    for backends in ({}, {"a": SimpleNamespace(store_type="disk")}):
        app.object_store = SimpleNamespace(store_type="distributed", backends=backends)
        with pytest.raises(ConfigurationError, match="Galaxy's own object store is not in S3"):
            S3JobRunner(app, 4)
    app.object_store.backends["b"] = SimpleNamespace(store_type="generic_s3")
    S3JobRunner(app, 4)


def test_galaxys_own_setting_is_as_good_as_the_environments(galaxy):
    S3JobRunner(galaxy({}, outputs_to_working_directory=True), 4)
    with pytest.raises(ConfigurationError, match="runner S3JobRunner asks for `output_mode: links`"):
        S3JobRunner(galaxy(), 4, output_mode="links")
    with pytest.raises(ConfigurationError, match="needs `outputs_to_working_directory: false`"):
        S3JobRunner(galaxy(), 4, output_mode="link")


@pytest.mark.parametrize(
    ("store", "is_fine"),
    [
        (SimpleNamespace(store_type="disk"), True),
        (SimpleNamespace(store_type="boto3"), False),
        (SimpleNamespace(backends={0: SimpleNamespace(store_type="boto3")}), False),
        (
            SimpleNamespace(
                backends={"a": SimpleNamespace(store_type="boto3"), "b": SimpleNamespace(store_type="disk")}
            ),
            True,
        ),
    ],
)
def test_links_need_a_disk(galaxy, store, is_fine):
    app = galaxy({"outputs_to_working_directory": False})
    app.object_store = store
    if is_fine:
        S3JobRunner(app, 4, output_mode="link")
        return
    with pytest.raises(ConfigurationError, match="needs a disk object store"):
        S3JobRunner(app, 4, output_mode="link")


@pytest.mark.parametrize(
    ("params", "runner", "block", "mode"),
    [
        ({}, {}, None, "copy"),
        ({}, {}, {"output_mode": "link"}, "link"),
        ({}, {"output_mode": "copy"}, {"output_mode": "link"}, "copy"),
        ({"output_mode": "link"}, {"output_mode": "copy"}, None, "link"),
        # What cannot be read is the head node's to complain of.
        ({}, {"config": "/nowhere/other.yml"}, {"output_mode": "link"}, "copy"),
    ],
)
def test_the_output_mode_is_the_one_that_the_head_node_takes(galaxy, galaxy_yml, params, runner, block, mode):
    params = {**params, "outputs_to_working_directory": mode == "copy"}
    app = galaxy(params)
    app.config.config_file = galaxy_yml(block)
    made = S3JobRunner(app, 4, **runner)
    assert made._output_mode(params) == mode
    command = made._command()
    assert ("output_mode=copy" in command) == (runner.get("output_mode") == "copy")


# Queue


def test_a_run_is_described_then_named_then_submitted(runner, job, history):
    wrapper = job(limits_memory="4Gi")
    run = queued(runner, wrapper)
    assert re.fullmatch(r"42-[0-9a-f]{16}", run.job_id)
    destination = {"name": "k8s", "params": {**OURS, "limits_memory": "4Gi"}}
    assert history == [
        ("external id", run.job_id, True),
        ("submit", f"{wrapper.working_directory}/galaxy_s3/job.json", run.job_id, destination),
    ]


def test_nothing_is_submitted_if_galaxy_cannot_be_told(runner, job, history, monkeypatch):
    wrapper = job()
    monkeypatch.setattr(wrapper, "set_external_id", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runner.queue_job(wrapper)
    assert history == []


def test_a_job_that_need_not_run_is_let_go(runner, job, history, monkeypatch):
    monkeypatch.setattr(runner, "prepare_job", lambda *_, **__: False)
    runner.queue_job(job())
    assert (runner._runs, history) == ({}, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda wrapper: setattr(wrapper, "is_task", True), "Split jobs"),
        (lambda wrapper: setattr(wrapper.tool, "tool_type", "interactive"), "Interactive tools"),
        (
            lambda wrapper: setattr(wrapper.tool, "requires_galaxy_python_environment", True),
            "needs Galaxy's own Python",
        ),
        (lambda wrapper: setattr(wrapper, "remote_command_line", True), "tool_evaluation_strategy: remote"),
        (lambda wrapper: wrapper.job_destination.params.clear(), "outputs_to_working_directory: true"),
        (lambda wrapper: wrapper.job_destination.params.update(output_mode="link"), "directory: false"),
    ],
)
def test_what_cannot_run_fails_in_words(runner, job, history, change, words):
    wrapper = job()
    change(wrapper)
    runner.queue_job(wrapper)
    ((method, run),) = runner.work_queue
    assert method == runner.fail_job
    assert words in run.fail_message
    assert history == []


def test_kubernetes_needs_a_container(runner, job, history, monkeypatch):
    runner._head.executor = "kubernetes"
    runner.queue_job(job(1))
    ((_, run),) = runner.work_queue
    assert "The tool wc has no Docker container" in run.fail_message
    container = SimpleNamespace(container_type="singularity", container_id="/images/wc.sif")
    monkeypatch.setattr(runner, "_find_container", lambda _: container)
    runner.queue_job(job(2))
    assert len(runner.work_queue) == 2
    container.container_type, container.container_id = "docker", "busybox"
    assert queued(runner, job(3)).is_submitted


# States


def test_a_job_that_runs_is_said_to_run_once(runner, job, history):
    run = queued(runner, job())
    del history[:]
    for state in ("staging", "queued", "running", "staging", "running", "collecting"):
        happen(runner, RunEvent(run.job_id, state))
    assert history == [("state", "running")]
    assert runner.work_queue == []


def test_only_the_last_word_on_a_run_counts(runner, job, history):
    run = queued(runner, job())
    del history[:]
    ended = RunEvent(run.job_id, "ok", "", 0)
    happen(runner, RunEvent(run.job_id, "running"), ended, RunEvent(run.job_id, "staging"), ended)
    assert (history, runner.work_queue) == ([], [(runner.finish_job, run)])
    happen(runner, ended, RunEvent(run.job_id, "failed"))
    assert len(runner.work_queue) == 1


def test_another_run_of_the_job_is_nobodys(runner, job, history):
    run = queued(runner, job())
    del history[:]
    happen(
        runner,
        RunEvent("42-00000000000000aa", "ok", "", 0),
        RunEvent("41-00000000000000aa", "ok", "", 0),
        RunEvent("?", "ok", "", 0),
    )
    assert (history, runner.work_queue) == ([], [])
    assert not run.has_ended


@pytest.mark.parametrize(
    ("state", "runner_state"),
    [
        ("memory_limit_reached", STATES.MEMORY_LIMIT_REACHED),
        ("walltime_reached", STATES.WALLTIME_REACHED),
        ("failed", None),
        ("cancelled", None),
    ],
)
def test_failures_are_told_in_galaxys_words(runner, job, state, runner_state):
    run = queued(runner, job())
    happen(runner, RunEvent(run.job_id, state, "The reason."))
    assert runner.work_queue == [(runner.fail_job, run)]
    assert (run.runner_state, run.fail_message, run.stop_job) == (runner_state, "The reason.", False)


def test_a_refusal_fails_the_job(runner, job):
    run = queued(runner, job())
    happen(runner, Refused(run.job_id, "submit", "limits.walltime: write a time"))
    assert runner.work_queue == [(runner.fail_job, run)]
    assert run.fail_message == "limits.walltime: write a time"


def test_a_database_that_is_away_loses_nothing(runner, job, monkeypatch):
    wrapper = job()
    run = queued(runner, wrapper)
    with monkeypatch.context() as away:
        away.setattr(wrapper, "get_state", lambda: 1 / 0)
        happen(runner, RunEvent(run.job_id, "ok", "", 0))
    assert runner.work_queue == []
    runner._next_limits = 0
    runner.check_watched_items()
    runner.check_watched_items()
    assert runner.work_queue == [(runner.finish_job, run)]


@pytest.mark.parametrize("way", ["finish_job", "fail_job"])
def test_a_job_that_cannot_be_finished_is_not_let_go(runner, job, history, galaxys, monkeypatch, way):
    def away(*_, **__):
        raise ConnectionError("the database is away")

    run = queued(runner, job())
    end_well(run)
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    monkeypatch.setattr(AsynchronousJobRunner, way, away)
    with pytest.raises(ConnectionError):
        getattr(runner, way)(run)
    assert "forget" not in [entry[0] for entry in history]
    assert runner._runs == {42: run}


# Stop and recover


def test_a_job_that_is_deleted_is_cancelled_and_then_dropped(runner, job, history):
    wrapper = job()
    run = queued(runner, wrapper)
    wrapper.job.state = Job.states.DELETED
    runner.stop_job(wrapper)
    runner.stop_job(wrapper)
    assert history[2:] == [("cancel", run.job_id)]
    happen(runner, RunEvent(run.job_id, "cancelled"))
    ((method, argument),) = runner.work_queue
    method(argument)
    assert history[3:] == [("cleanup",), ("forget", run.job_id)]
    assert runner._runs == {}


def test_a_job_that_is_deleted_while_it_is_prepared_is_never_submitted(runner, job, history, monkeypatch):
    wrapper = job()

    def prepare(*_, **__):
        wrapper.job.state = Job.states.DELETED
        runner.stop_job(wrapper)
        return True

    monkeypatch.setattr(runner, "prepare_job", prepare)
    runner.queue_job(wrapper)
    runner.check_watched_items()
    ((method, argument),) = runner.work_queue
    method(argument)
    assert [entry[0] for entry in history] == ["external id", "cleanup"]
    assert runner._runs == {}


def test_a_job_that_was_deleted_while_nobody_watched_is_cancelled(runner, job, history):
    wrapper = job()
    wrapper.job.state = Job.states.DELETED
    wrapper.job.job_runner_external_id = "42-00000000000000aa"
    runner.stop_job(wrapper)
    assert history == [("cancel", "42-00000000000000aa")]
    happen(runner, Refused("42-00000000000000aa", "cancel", "Job 42 has no run"))
    assert [method for method, _ in runner.work_queue] == [runner._drop]


def test_a_job_that_was_never_queued_needs_no_stopping(runner, job, history):
    runner.stop_job(job())
    assert (history, runner._runs) == ([], {})


def test_stopping_never_raises(runner, job, monkeypatch):
    wrapper = job()
    monkeypatch.setattr(wrapper, "get_job", lambda: 1 / 0)
    runner.stop_job(wrapper)


def test_a_deletion_that_was_missed_is_found(runner, job, history):
    run = queued(runner, job())
    runner.sa_session = SimpleNamespace(scalars=lambda _: [42])
    runner._next_deleted = 0
    runner.check_watched_items()
    assert history[-1] == ("cancel", run.job_id)


def test_a_limit_of_galaxys_own_fails_the_job_when_its_run_has_ended(runner, job, history, monkeypatch):
    run = queued(runner, job())
    happen(runner, RunEvent(run.job_id, "running"))

    def check_limits():
        run.runner_state, run.fail_message = STATES.GLOBAL_WALLTIME_REACHED, "Too long."
        return True

    monkeypatch.setattr(run, "check_limits", check_limits)
    runner._next_limits = 0
    runner.check_watched_items()
    assert history[-1] == ("cancel", run.job_id)
    assert runner.work_queue == []
    happen(runner, RunEvent(run.job_id, "cancelled", "The run was cancelled."))
    assert runner.work_queue == [(runner.fail_job, run)]
    assert (run.runner_state, run.fail_message) == (STATES.GLOBAL_WALLTIME_REACHED, "Too long.")


@pytest.mark.parametrize("told", [None, "staging", "queued", "collecting"])
def test_a_tool_that_does_not_run_reaches_no_limit(runner, job, history, monkeypatch, told):
    wrapper = job()
    wrapper.job.state = Job.states.RUNNING
    wrapper.job.job_runner_external_id = "42-00000000000000aa"
    queued(runner, wrapper)
    runner._runs.clear()
    # Galaxy was away for longer than the limit, and what the tool has made waits to be collected.
    runner.recover(wrapper.job, wrapper)
    run = runner._runs[42]
    assert run.running
    monkeypatch.setattr(run, "check_limits", lambda: True)
    if told:
        happen(runner, RunEvent(run.job_id, told))
    runner._next_limits = 0
    runner.check_watched_items()
    assert "cancel" not in {entry[0] for entry in history}
    happen(runner, RunEvent(run.job_id, "running"))
    runner._next_limits = 0
    runner.check_watched_items()
    assert ("cancel" in {entry[0] for entry in history}) == (told != "collecting")


def test_a_job_whose_history_cannot_be_read_is_taken_up(runner, job, history):
    class Away(SimpleNamespace):
        state_history = property(lambda _: 1 / 0)

    wrapper = job()
    queued(runner, wrapper)
    runner._runs.clear()
    away = Away(**{**vars(wrapper.job), "state": Job.states.RUNNING})
    runner.recover(away, wrapper)
    assert history[-1][0] == "submit"
    assert runner._runs[42].running


def test_a_limit_that_was_reached_before_galaxy_was_started_anew_is_told(runner, job, history, monkeypatch):
    wrapper = job()
    first = queued(runner, wrapper)
    happen(runner, RunEvent(first.job_id, "running"))

    def check_limits():
        first.runner_state, first.fail_message = STATES.TOOL_TIMELIMIT_REACHED, "Too long."
        return True

    monkeypatch.setattr(first, "check_limits", check_limits)
    runner._next_limits = 0
    runner.check_watched_items()
    # As Galaxy is after a start: the limit is known from the disk alone.
    runner._runs.clear()
    del history[:]
    runner.recover(wrapper.job, wrapper)
    assert [entry[0] for entry in history] == ["submit", "cancel"]
    happen(runner, RunEvent(first.job_id, "cancelled", "The run was cancelled."))
    ((method, run),) = runner.work_queue
    assert (method, run.runner_state, run.fail_message) == (
        runner.fail_job,
        STATES.TOOL_TIMELIMIT_REACHED,
        "Too long.",
    )


def test_a_limit_of_another_run_is_nobodys(runner, job, history):
    wrapper = job()
    first = queued(runner, wrapper)
    first.runner_state, first.fail_message = STATES.TOOL_TIMELIMIT_REACHED, "Too long."
    first.note_limit()
    second = queued(runner, wrapper)
    runner._runs.clear()
    runner.recover(wrapper.job, wrapper)
    assert "cancel" not in {entry[0] for entry in history}
    assert runner._runs[42].job_id == second.job_id
    assert runner._runs[42].runner_state is None


def test_a_limit_counts_from_when_the_job_began_to_run(runner, job):
    wrapper = job()
    queued(runner, wrapper)
    past = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(hours=3)
    wrapper.job.state_history = [
        SimpleNamespace(state=Job.states.RUNNING.value, create_time=past - timedelta(days=1)),
        SimpleNamespace(state=Job.states.QUEUED.value, create_time=past - timedelta(hours=1)),
        SimpleNamespace(state=Job.states.RUNNING.value, create_time=past),
    ]
    wrapper.job.state = Job.states.RUNNING
    runner.recover(wrapper.job, wrapper)
    hours = (datetime.now() - runner._runs[42].start_time) / timedelta(hours=1)
    assert round(hours) == 3


def test_a_job_that_waits_has_used_nothing_of_its_time(runner, job):
    wrapper = job()
    queued(runner, wrapper)
    runner.recover(wrapper.job, wrapper)
    assert runner._runs[42].start_time is None


def test_a_job_is_taken_up_by_its_name(runner, job, history):
    wrapper = job()
    wrapper.job.state = Job.states.RUNNING
    wrapper.job.job_runner_external_id = "42-00000000000000aa"
    path = f"{wrapper.working_directory}/galaxy_s3/job.json"
    description.write({}, path)
    runner.recover(wrapper.job, wrapper)
    assert history == [("submit", path, "42-00000000000000aa", {"name": "k8s", "params": OURS})]
    happen(runner, RunEvent("42-00000000000000aa", "running"))
    assert len(history) == 1
    happen(runner, RunEvent("42-00000000000000aa", "tool_failed", "", 3))
    assert [method for method, _ in runner.work_queue] == [runner.finish_job]


@pytest.mark.parametrize(
    "name", ["gxy-main-7xk2p", "4711", "43-00000000000000aa", "42-00000000000000AA", None]
)
def test_a_job_of_another_runner_is_not_waited_for(runner, job, history, name):
    wrapper = job()
    wrapper.job.state = Job.states.RUNNING
    wrapper.job.job_runner_external_id = name
    description.write({}, f"{wrapper.working_directory}/galaxy_s3/job.json")
    runner.recover(wrapper.job, wrapper)
    assert history == []
    ((method, run),) = runner.work_queue
    assert method == runner.fail_job
    assert "Another runner had begun this job" in run.fail_message


def test_a_job_that_was_being_begun_anew_is_not_waited_for(runner, job, history):
    wrapper = job()
    wrapper.job.job_runner_external_id = "42-00000000000000aa"
    os.makedirs(wrapper.working_directory, exist_ok=True)
    runner.recover(wrapper.job, wrapper)
    assert history == []
    assert "began this job anew" in runner.work_queue[0][1].fail_message


def test_a_job_directory_that_is_away_fails_no_job(runner, job, history, tmp_path):
    wrapper = job()
    wrapper.job.job_runner_external_id = "42-00000000000000aa"
    wrapper.working_directory = str(tmp_path / "not mounted")
    runner.recover(wrapper.job, wrapper)
    assert [entry[0] for entry in history] == ["submit"]


# Finish


@pytest.fixture
def galaxys(monkeypatch, history):
    """Galaxy's own part of finishing and failing a job."""
    base = AsynchronousJobRunner
    monkeypatch.setattr(base, "finish_job", lambda *_: history.append(("finish",)))
    monkeypatch.setattr(base, "_handle_metadata_externally", lambda *_, **__: history.append(("metadata",)))
    monkeypatch.setattr(
        base,
        "fail_job",
        lambda self, state, exception, message, full_status: history.append(("fail", full_status)),
    )
    monkeypatch.setattr(base, "_job_io_for_db", lambda self, stream: stream.read().decode())


@pytest.mark.parametrize(
    ("params", "strategy", "steps"),
    [
        ({}, None, ["metadata", "finish", "forget"]),
        ({"metadata": "internal"}, None, ["finish", "forget"]),
        ({"metadata": "internal"}, "extended", ["metadata", "finish", "forget"]),
    ],
)
def test_finishing_sets_metadata_as_it_was_chosen(runner, job, history, galaxys, params, strategy, steps):
    wrapper = job(**params)
    wrapper.metadata_strategy = strategy
    run = queued(runner, wrapper)
    del history[:]
    end_well(run)
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    runner.finish_job(run)
    assert [entry[0] for entry in history] == steps
    assert runner._runs == {}


def test_no_empty_file_in_galaxys_cache_is_taken_for_an_output(runner, job, history, galaxys, tmp_path):
    run = queued(runner, job(**IN_STORE))
    outputs = []
    for name, content in (("empty", ""), ("pulled", "x"), ("gone", None), ("elsewhere", "")):
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        outputs.append({"name": name, "path": str(path), "object": {"bucket": "b", "key": name}})
    del outputs[-1]["object"]
    description.write({"outputs": outputs}, run.description)
    end_well(run)
    runner.finish_job(run)
    left = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert left == {"pulled", "elsewhere"}
    # Metadata are set in Galaxy's own process, which pulls what it needs.
    assert [entry[0] for entry in history][-2:] == ["finish", "forget"]
    assert ("metadata",) not in history


def output(path, state="ok", purged=False):
    """An output as a job of Galaxy's has it."""
    states = SimpleNamespace(OK="ok")

    def get_file_name(sync_cache=True):
        assert not sync_cache, "a file is not to be brought here for this"
        return path

    dataset = SimpleNamespace(state=state, states=states, purged=purged, get_file_name=get_file_name)
    return SimpleNamespace(dataset=SimpleNamespace(dataset=dataset))


def test_the_head_node_is_told_where_the_outputs_are_before_it_forgets(runner, job, history, galaxys):
    wrapper = job()
    run = queued(runner, wrapper)
    del history[:]
    end_well(run)
    elements = [output("/objects/b.dat").dataset, output("/objects/a.dat").dataset]
    collection = SimpleNamespace(collection=SimpleNamespace(dataset_instances=elements))
    wrapper.job.output_datasets = [
        output("/objects/a.dat"),
        output("/objects/bad.dat", state="error"),
        output("/objects/gone.dat", purged=True),
        output(""),
        SimpleNamespace(dataset=None),
    ]
    wrapper.job.output_dataset_collection_instances = [
        SimpleNamespace(dataset_collection_instance=collection)
    ]
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    runner.finish_job(run)
    assert history == [
        ("metadata",),
        ("finish",),
        ("finished", run.job_id, ["/objects/a.dat", "/objects/b.dat"]),
        ("forget", run.job_id),
    ]


def test_outputs_that_cannot_be_found_cost_no_job(runner, job, history, galaxys):
    wrapper = job(metadata="internal")
    run = queued(runner, wrapper)
    del history[:]
    end_well(run)
    wrapper.job.output_datasets = None
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    runner.finish_job(run)
    assert [entry[0] for entry in history] == ["finish", "forget"]


@pytest.mark.parametrize("content", [None, "", "3\n", "x\n"])
def test_an_exit_code_that_is_not_the_tools_is_not_taken(runner, job, history, galaxys, content):
    run = queued(runner, job())
    del history[:]
    if content is not None:
        end_well(run, content.strip())
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    runner.work_queue.clear()
    runner.finish_job(run)
    assert runner.work_queue == [(runner.fail_job, run)]
    assert run.fail_message == "The job's exit code did not come back."
    assert history == [], "it is let go when it has failed"


def test_an_output_that_is_larger_than_galaxy_allows_fails_the_job(
    runner, job, history, galaxys, monkeypatch
):
    wrapper = job()
    run = queued(runner, wrapper)
    del history[:]
    end_well(run)
    asked = []

    def check_limits(runtime=None):
        asked.append(runtime)
        return STATES.OUTPUT_SIZE_LIMIT, "Job output file grew too large."

    monkeypatch.setattr(wrapper, "check_limits", check_limits)
    happen(runner, RunEvent(run.job_id, "ok", "", 0))
    runner.work_queue.clear()
    runner.finish_job(run)
    assert asked == [None], "the tool has ended, and no time counts any more"
    assert runner.work_queue == [(runner.fail_job, run)]
    assert (run.runner_state, run.fail_message) == (
        STATES.OUTPUT_SIZE_LIMIT,
        "Job output file grew too large.",
    )
    assert history == [], "it is let go when it has failed"


def test_who_has_split_a_job_is_told_of_the_part_that_failed(runner, job, history, galaxys):
    wrapper = job()
    wrapper.is_task = True
    runner.queue_job(wrapper)
    ((method, run),) = runner.work_queue
    method(run)
    assert [entry[0] for entry in history] == ["fail", "state"]
    assert history[1] == ("state", "error")


def test_a_failed_job_shows_what_its_tool_had_said(runner, job, history, galaxys):
    wrapper = job()
    run = queued(runner, wrapper)
    with open(os.path.join(wrapper.working_directory, "outputs", "tool_stdout"), "w") as file:
        file.write("so far")
    del history[:]
    runner.fail_job(run)
    assert history == [("fail", {"stdout": "so far"}), ("forget", run.job_id)]


def test_the_next_run_of_a_job_is_not_let_go_with_the_last(runner, job, history):
    wrapper = job()
    first = queued(runner, wrapper)
    second = queued(runner, wrapper)
    runner._let_go(first)
    assert runner._runs == {42: second}
    assert history[-1] == ("forget", first.job_id)


def test_what_a_finish_reads_stays_until_the_job_directory_goes(runner, job):
    """Galaxy removes these before it moves outputs; killed in between, it finishes the job once more."""
    run = queued(runner, job())
    end_well(run)
    run.cleanup()
    assert runner._has_exit_code(run)


def test_a_job_that_cannot_be_prepared_says_why(runner, job, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/jobs/42/galaxy_42.sh")

    monkeypatch.setattr(runner, "write_executable_script", full)
    run = queued(runner, job())
    assert "No space left on device" in run.fail_message
    assert run.has_ended
