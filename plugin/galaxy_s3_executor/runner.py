# SPDX-License-Identifier: Apache-2.0
"""Galaxy's job runner: describes jobs, hands them to galaxy-head-node, and finishes what comes back.

A run is one submission of a job. Its name is drawn before anything else, is Galaxy's external id of the
job, and is written to the database before the run is submitted: so a crash at any moment leaves either
a job that Galaxy dispatches anew, of which nothing runs, or a run that is submitted once more, by name.
"""

import json
import os
import queue
import re
import secrets
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any, ClassVar, Optional

import yaml
from galaxy.exceptions import ConfigurationError, ObjectNotFound
from galaxy.jobs.runners import AsynchronousJobRunner, AsynchronousJobState, JobState
from galaxy.model import Job, Task
from galaxy.util import asbool
from galaxy.util.custom_logging import get_logger
from sqlalchemy import select

from . import description, metrics, stores
from .client import ENDED, HeadNode, Refused, RunEvent
from .description import CannotRun

log = get_logger(__name__)

__all__ = ("S3JobRunner",)

# In the order in which they can follow each other. A process that is started anew begins again at the first.
PROGRESS = ("staging", "queued", "running", "collecting")
FAILURES = {
    "memory_limit_reached": JobState.runner_states.MEMORY_LIMIT_REACHED,
    "walltime_reached": JobState.runner_states.WALLTIME_REACHED,
}
OUTPUT_MODES = ("copy", "link", "object_store")
# Seconds between two looks at limits that Galaxy itself sets, and at jobs that were deleted meanwhile.
LIMITS_PERIOD, DELETED_PERIOD = 1.0, 30.0
# The names of our runs: Galaxy's id of the job, and what was drawn.
RUN = re.compile(r"([0-9]+)-[0-9a-f]{16}")
# What the environment of a head node can say: its names of the parameters of Galaxy's Kubernetes runner.
VARIABLE = "GALAXY_S3_EXECUTOR_KUBERNETES_"
# Words for yes and no, of which a head node takes all that Galaxy does from its arguments alone; and no word
# at all, which in its environment would say nothing.
PLAIN = re.compile(r"\s*(true|yes|on|y|t|1|false|no|off|n|f|0)?\s*", re.IGNORECASE)
# Seconds that `check-config` gets, which asks nobody outside this machine; and its word for no.
CHECK_PATIENCE, CANNOT_BE_USED = 60, 78


class Run(AsynchronousJobState):
    """One submission of a job, as Galaxy's runners know it."""

    def __init__(self, job_wrapper, run: str):
        super().__init__(
            job_wrapper=job_wrapper,
            job_destination=job_wrapper.job_destination,
            files_dir=job_wrapper.working_directory,
            job_id=run,
        )
        self.description = description.path_of(description.normal(job_wrapper.working_directory))
        self.job = description.encode(self.description)
        # Older Galaxies leave these two to whoever sets them first.
        self.runner_state, self.stop_job = None, True
        self.progress = -1
        self.exit_code: Optional[int] = None
        self.is_submitted = False
        # The job is to end: its user has deleted it, or it has reached a limit of Galaxy's own.
        self.is_stopped = False
        self.has_ended = False

    def take_up(self, job: Job) -> None:
        """A job that runs already has been running since before this Galaxy was started, and its limits count
        from then."""
        if job.state == Job.states.RUNNING:
            self.running = True
            begun = [entry.create_time for entry in job.state_history if entry.state == Job.states.RUNNING]
            if begun:
                now = datetime.now(timezone.utc).replace(tzinfo=None)
                self.start_time = datetime.now() - max(now - max(begun), timedelta())

    def note_limit(self) -> None:
        """Writes down which limit of Galaxy's own it has reached, for a Galaxy that is started before it has
        ended: that one would see a run that was cancelled, and nobody who has asked for it."""
        noted = {"run": self.job_id, "runner_state": self.runner_state, "message": self.fail_message}
        description.write(noted, description.limit_of(self.description))

    def recall_limit(self) -> bool:
        """Whether it has reached such a limit, as was written down."""
        try:
            with open(description.limit_of(self.description), encoding="utf-8") as file:
                noted = json.load(file)
        except FileNotFoundError:
            return False
        if noted["run"] != self.job_id:
            return False
        self.runner_state, self.fail_message = noted["runner_state"], noted["message"]
        return True

    def cleanup(self) -> None:
        """Removes nothing: a Galaxy that is killed while it finishes the job needs these files once more.
        They go with the job directory."""

    @property
    def destination(self) -> dict[str, Any]:
        return {"name": str(self.job_destination.id), "params": dict(self.job_destination.params or {})}


class S3JobRunner(AsynchronousJobRunner):
    """Runs jobs through `galaxy-head-node serve`, one process of it for each of Galaxy's own."""

    runner_name = "S3JobRunner"
    start_methods: ClassVar[list[str]] = ["_start_head_node", *AsynchronousJobRunner.start_methods]
    # Events wait for no more than this; looking for them costs nothing.
    monitor_sleep_time = 0.2

    def __init__(self, app, nworkers, **kwargs):
        specs = {
            "head_node": {"map": str, "default": "galaxy-head-node"},
            "config": {"map": str, "default": app.config.config_file},
            "output_mode": {"map": str, "default": None},
            "metadata": {"map": str, "default": None},
        }
        # Names of Galaxy's Kubernetes runner are settings of the head node's, which judges them.
        names = [name for name in kwargs if name.startswith("k8s_")]
        specs.update({name: {} for name in names})
        # One without a value says nothing.
        self._settings = {name: text_of(kwargs[name]) for name in names if kwargs[name] is not None}
        super().__init__(app, nworkers, runner_param_specs=specs, **kwargs)
        self._refuse_configuration()
        self._check_configuration()
        metrics.register(app.job_metrics)
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._tables = description.DataTables(app)
        self._head = HeadNode(
            self._command(), app.config.server_name, self._events.put, environment=self._variables()
        )
        # By Galaxy's id of the job: what is not over yet. The lock holds for it and for what it holds.
        self._runs: dict[int, Run] = {}
        self._lock = threading.Lock()
        # Events that could not be taken in, most likely because the database was away for a moment.
        self._again: list[Any] = []
        self._next_limits = self._next_deleted = 0.0

    def _command(self, verb: str = "serve") -> list[str]:
        command = [self.runner_params["head_node"], verb]
        if self.runner_params["config"]:
            command += ["--config", os.path.abspath(self.runner_params["config"])]
        if self.runner_params["output_mode"]:
            command += ["--set", f"output_mode={self.runner_params['output_mode']}"]
        for name, text in self._settings.items():
            if is_for_all_to_see(text):
                command += ["--set", f"kubernetes.{name}={text}"]
        return command

    def _variables(self) -> dict[str, str]:
        """What the head node finds in its environment. Anybody on this machine can read its command line, and
        values may be nobody else's business: `k8s_extra_job_envs`."""
        return {
            VARIABLE + name.upper(): text
            for name, text in self._settings.items()
            if not is_for_all_to_see(text)
        }

    # What can be refused when Galaxy starts

    def _refuse_configuration(self) -> None:
        """Raises for whatever would fail every job. Destinations that rules make are looked at later."""
        check_output_mode(self._output_mode({}), f"The runner {self.runner_name}")
        check_metadata(self._metadata({}), f"The runner {self.runner_name}")
        job_config = self.app.job_config
        name = f"{type(self).__module__}:{type(self).__name__}"
        ours = sorted({plugin["id"] for plugin in job_config.runner_plugins if plugin["load"] == name})
        if len(ours) > 1:
            raise ConfigurationError(
                f"There are {len(ours)} runners of {name}: {', '.join(ours)}. One Galaxy process has one head"
                " node: keep one of them, and say what differs in its environments."
            )
        for destinations in job_config.destinations.values():
            for destination in destinations:
                if destination.runner in ours:
                    self._check_destination(destination)

    def _check_configuration(self) -> None:
        """Raises for what the head node would refuse for every job: it says so itself, all at once."""
        command = self._command("check-config")
        config = self.app.config
        # As Galaxy does: what stands in its own file wins over any other.
        is_inline = "job_config" in (getattr(config, "config_dict", None) or {})
        job_config = getattr(config, "config_file" if is_inline else "job_config_file", None)
        if job_config and os.path.isfile(job_config):
            command += ["--job-config", os.path.abspath(job_config)]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **self._variables()},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise ConfigurationError(
                f"There is no program {command[0]}: write where galaxy-head-node is, as `head_node` of this"
                " runner in the job configuration."
            ) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            # Jobs wait for a program that can be started.
            log.error("%s cannot check the configuration: %s", command[0], error)
            return
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode == CANNOT_BE_USED:
            raise ConfigurationError(f"The configuration of {self.runner_name} cannot be used:\n{said}")
        if done.returncode != 0:
            log.error("%s check-config ended with status %s: %s", command[0], done.returncode, said)
        elif said:
            log.warning("%s", said)

    def _check_destination(self, destination) -> None:
        params = destination.params or {}
        who = f"The environment {destination.id}"
        mode = self._output_mode(params)
        check_output_mode(mode, who)
        check_metadata(self._metadata(params), who)
        default = getattr(self.app.config, "outputs_to_working_directory", False)
        is_moved = asbool(params.get("outputs_to_working_directory", default))
        if mode == "copy" and not is_moved:
            raise ConfigurationError(
                f"{who} needs `outputs_to_working_directory: true`: results come back into the job's own"
                " directory, and nowhere else."
            )
        if mode != "copy" and is_moved:
            raise ConfigurationError(
                f"{who} needs `outputs_to_working_directory: false` for `output_mode: {mode}`: Galaxy would"
                " move the outputs out of the bucket."
            )
        if mode == "link" and not has_disk(getattr(self.app, "object_store", None)):
            raise ConfigurationError(
                f"{who} needs a disk object store for `output_mode: link`: links can be put nowhere else."
            )
        if mode == "object_store":
            self._check_object_store(params, who)

    def _check_object_store(self, params: dict[str, Any], who: str) -> None:
        if not stores.has_s3(self.app.object_store):
            raise ConfigurationError(
                f"{who} asks for `output_mode: object_store`, and Galaxy's own object store is not in S3"
                f" ({', '.join(stores.S3_STORES)})."
            )
        retries = params.get("retry_metadata_internally")
        if retries is None:
            retries = getattr(self.app.config, "retry_metadata_internally", True)
        if self._metadata(params) != "internal" or not asbool(retries):
            # A process of its own takes an output that is not in the cache for one that was purged.
            raise ConfigurationError(
                f"{who} needs `metadata: internal` and Galaxy's `metadata_strategy: directory` and"
                " `retry_metadata_internally: true` for `output_mode: object_store`."
            )

    def _output_mode(self, params: dict[str, Any]) -> str:
        """As the head node takes it from a destination's parameters, the runner's, and Galaxy's own file."""
        mode = params.get("output_mode") or self.runner_params["output_mode"]
        return str(mode or self._usual_output_mode or "copy")

    @cached_property
    def _usual_output_mode(self) -> Optional[str]:
        """As the head node has it from its environment, or from the file that it reads."""
        mode = os.environ.get("GALAXY_S3_EXECUTOR_OUTPUT_MODE")
        if mode:
            return mode
        # Galaxy itself keeps the section `galaxy` of its file, and nothing that stands beside it.
        content = read_yaml(self.runner_params["config"])
        block = content.get("s3_executor") if isinstance(content, dict) else None
        return block.get("output_mode") if isinstance(block, dict) else None

    def _metadata(self, params: dict[str, Any], strategy: Optional[str] = None) -> str:
        """Whether metadata are set in a process of its own."""
        strategy = strategy or params.get("metadata_strategy") or self.app.config.metadata_strategy
        if strategy != "directory":
            return "external"
        usual = "internal" if self._output_mode(params) == "object_store" else "external"
        return str(params.get("metadata") or self.runner_params["metadata"] or usual)

    def _start_head_node(self) -> None:
        self._head.start()

    # Queue

    def queue_job(self, job_wrapper) -> None:
        run = Run(job_wrapper, f"{job_wrapper.job_id}-{secrets.token_hex(8)}")
        with self._lock:
            self._runs[job_wrapper.job_id] = run
        try:
            if not self._prepare(run):
                self._let_go(run)
                return
        except (CannotRun, ConfigurationError, ObjectNotFound) as refusal:
            self._fail(run, str(refusal))
            return
        except Exception as error:
            log.exception("(%s/%s) Cannot prepare the job", job_wrapper.job_id, run.job_id)
            self._fail(run, f"The job could not be prepared: {error}. Galaxy's log has the details.")
            return
        job_wrapper.set_external_id(run.job_id)
        self._submit(run)

    def _prepare(self, run: Run) -> bool:
        """Writes everything that the job needs. False if there is nothing to run."""
        job_wrapper = run.job_wrapper
        self._check(job_wrapper)
        run.init_job_stream_files()
        recorded = description.RecordingEnvironment(
            job_wrapper.job_io, job_wrapper.get_job(), in_store=self._is_in_store(run)
        )
        job_wrapper.default_compute_environment = lambda job=None: recorded
        if not self.prepare_job(job_wrapper, modify_command_for_container=False):
            return False
        image = self._image(job_wrapper)
        script = self.get_job_file(
            job_wrapper,
            exit_code_path=run.exit_code_file,
            shell=job_wrapper.shell,
            galaxy_lib=None,
            galaxy_virtual_env=None,
        )
        self.write_executable_script(run.job_file, script, job_io=job_wrapper.job_io)
        description.write(
            description.describe(job_wrapper, run, recorded, self._tables, image), run.description
        )
        return True

    def _check(self, job_wrapper) -> None:
        tool = job_wrapper.tool
        if job_wrapper.is_task:
            raise CannotRun("Split jobs (use_tasked_jobs) cannot be run through S3.")
        if tool.tool_type == "interactive" or tool.produces_entry_points:
            raise CannotRun("Interactive tools cannot be run through S3: nobody could reach them there.")
        if (
            tool.requires_galaxy_python_environment
            and self.app.config.preserve_python_environment == "legacy_only"
        ):
            raise CannotRun(
                f"The tool {tool.id} needs Galaxy's own Python. An administrator can have such tools stay"
                " on Galaxy's machine: `tools: [{class: requires_galaxy, environment: local}]`."
            )
        if job_wrapper.remote_command_line:
            raise CannotRun("`tool_evaluation_strategy: remote` needs Galaxy's files where the tool runs.")
        self._check_destination(job_wrapper.job_destination)

    def _image(self, job_wrapper) -> Optional[str]:
        container = self._find_container(job_wrapper)
        if container is not None and container.container_type == "docker":
            return container.container_id
        if self._head.executor == "kubernetes":
            raise CannotRun(
                f"The tool {job_wrapper.tool.id} has no Docker container, which it needs on Kubernetes."
                " An administrator can name one: `docker_enabled: true`, `docker_default_container_id`."
            )
        return None

    def _submit(self, run: Run) -> None:
        with self._lock:
            if not run.is_stopped:
                run.is_submitted = True
                self._head.submit(run.job, run.job_id, run.destination)
                return
        # It was deleted while it was prepared: nobody else knows of it.
        self._events.put(RunEvent(run.job_id, "cancelled"))

    # Stop and recover

    def stop_job(self, job_wrapper) -> None:
        try:
            name = job_wrapper.get_job().job_runner_external_id
            with self._lock:
                run = self._runs.get(job_wrapper.job_id)
            if run is None and name:
                # It was deleted while nobody watched it.
                run = Run(job_wrapper, name)
                run.is_submitted = True
                with self._lock:
                    run = self._runs.setdefault(job_wrapper.job_id, run)
            if run is not None:
                self._stop(run)
        except Exception:
            log.exception("(%s) Cannot stop the job", job_wrapper.job_id)

    def _stop(self, run: Run) -> None:
        with self._lock:
            if run.is_stopped or run.has_ended:
                return
            run.is_stopped = True
            if run.is_submitted:
                self._head.cancel(run.job, run.job_id)

    def recover(self, job: Job, job_wrapper) -> None:
        run = Run(job_wrapper, job.job_runner_external_id)
        try:
            run.take_up(job)
        except Exception:
            log.exception("(%s/%s) Its limits count from now", job_wrapper.job_id, run.job_id)
        if trouble := self._why_lost(run):
            log.error("(%s/%s) %s", job_wrapper.job_id, run.job_id, trouble)
            self._fail(run, trouble)
            return
        with self._lock:
            self._runs[job_wrapper.job_id] = run
        self._submit(run)
        if job.state == Job.states.STOPPED or self._has_reached_limit(run):
            self._stop(run)

    @staticmethod
    def _why_lost(run: Run) -> Optional[str]:
        """Why nobody can take up the run of a job that Galaxy had begun; nothing if somebody can."""
        named = RUN.fullmatch(str(run.job_id))
        if named is None or named[1] != str(run.job_wrapper.job_id):
            return (
                f"Another runner had begun this job, as {run.job_id}, and this one cannot take it up."
                " Please run it again."
            )
        # Galaxy clears a job's directory, and makes it anew, before it begins the job once more.
        if os.path.isdir(run.job_wrapper.working_directory) and not os.path.exists(run.description):
            return "Galaxy was stopped while it began this job anew. Please run it again."
        return None

    @staticmethod
    def _has_reached_limit(run: Run) -> bool:
        try:
            return run.recall_limit()
        except Exception:
            log.exception("(%s/%s) Cannot tell what limit it had reached", run.job_wrapper.job_id, run.job_id)
            return False

    def shutdown(self) -> None:
        self._head.close(patience=10)
        super().shutdown()

    # Watch

    def check_watched_items(self) -> None:
        for event in self._news():
            run = self._find(event.run)
            if run is None:
                continue
            try:
                self._take(run, event)
            except Exception:
                log.exception("(%s/%s) Cannot take in %s yet", run.job_wrapper.job_id, run.job_id, event)
                self._again.append(event)
        now = time.monotonic()
        if now >= self._next_limits:
            self._next_limits = now + LIMITS_PERIOD
            while self._again:
                self._events.put(self._again.pop(0))
            self._look_at_limits()
        if now >= self._next_deleted:
            self._next_deleted = now + DELETED_PERIOD
            self._look_for_deleted()

    def _news(self) -> list[Any]:
        """The last that is known of each run: what lies before is history."""
        news: dict[str, Any] = {}
        try:
            while True:
                event = self._events.get_nowait()
                if not is_final(news.get(event.run)):
                    news[event.run] = event
        except queue.Empty:
            return list(news.values())

    def _find(self, name: str) -> Optional[Run]:
        job_id, _, _ = name.rpartition("-")
        with self._lock:
            run = self._runs.get(int(job_id)) if job_id.isdecimal() else None
        return run if run is not None and run.job_id == name and not run.has_ended else None

    def _take(self, run: Run, event) -> None:
        if isinstance(event, Refused):
            log.warning(
                "(%s/%s) %s was refused: %s", run.job_wrapper.job_id, run.job_id, event.method, event.message
            )
            event = RunEvent(event.run, "cancelled" if event.method == "cancel" else "failed", event.message)
        if event.state in ENDED:
            self._end(run, event)
            return
        progress = PROGRESS.index(event.state)
        if progress > run.progress:
            if progress >= PROGRESS.index("running") and not run.running:
                run.job_wrapper.change_state(Job.states.RUNNING)
                run.running = True
            run.progress = progress

    def _end(self, run: Run, event: RunEvent) -> None:
        is_over = run.job_wrapper.get_state() in Job.finished_states
        run.has_ended = True
        run.running = run.stop_job = False
        run.exit_code = event.exit_code
        if is_over:
            self.work_queue.put((self._drop, run))
        elif event.state in ("ok", "tool_failed"):
            self.mark_as_finished(run)
        elif run.runner_state is not None:
            # A limit of Galaxy's own, which has said so already.
            self._fail(run, run.fail_message)
        else:
            words = event.message or f"The job ended as {event.state.replace('_', ' ')}."
            self._fail(run, words, FAILURES.get(event.state))

    def _look_at_limits(self) -> None:
        """Only of tools that run, by the head node's own word: what waits to be collected has ended in time,
        however long Galaxy, or the bucket, was away."""
        now_running = PROGRESS.index("running")
        with self._lock:
            running = [
                run for run in self._runs.values() if run.progress == now_running and not run.is_stopped
            ]
        for run in running:
            if run.check_limits():
                try:
                    run.note_limit()
                except Exception:
                    log.exception("(%s/%s) Cannot note its limit", run.job_wrapper.job_id, run.job_id)
                # It fails when the run has ended: Galaxy may begin it anew at once, in the same directory.
                self._stop(run)

    def _look_for_deleted(self) -> None:
        """Galaxy stops a job before it says that it is deleted; what falls between the two is found here."""
        with self._lock:
            watched = {id: run for id, run in self._runs.items() if run.is_submitted and not run.is_stopped}
        if not watched:
            return
        gone = (Job.states.DELETED, Job.states.DELETING, Job.states.STOPPED)
        found = select(Job.id).where(Job.id.in_(watched), Job.state.in_(gone))
        for id in self.sa_session.scalars(found):
            self._stop(watched[id])

    # Finish

    # Whoever cannot be finished or failed, because the database is away for instance, is not let go: the next
    # Galaxy takes the run up, and its results are still there.

    def finish_job(self, job_state) -> None:
        if self._finish(job_state):
            self._let_go(job_state)

    def _finish(self, job_state) -> bool:
        """False if it is failed instead, which lets go of it."""
        if not self._has_exit_code(job_state):
            self._fail(job_state, "The job's exit code did not come back.")
            return False
        # Of Galaxy's own limits, the size of outputs is seen here first. Time is not looked at: the tool
        # has ended.
        limit = job_state.job_wrapper.check_limits()
        if limit is not None:
            runner_state, message = limit
            self._fail(job_state, message, runner_state)
            return False
        if self._is_in_store(job_state):
            description.forget_placeholders(job_state.description)
        description.give_purged_outputs_a_place(job_state.job_wrapper)
        if self._sets_metadata_externally(job_state.job_wrapper):
            self._handle_metadata_externally(job_state.job_wrapper, resolve_requirements=True)
        super().finish_job(job_state)
        if not self._is_in_store(job_state):
            self._tell_outputs(job_state)
        return True

    def _tell_outputs(self, run: Run) -> None:
        """Where the outputs are now, so that the next job need not stage them. That it is not known costs
        time, and no job."""
        try:
            outputs = description.final_outputs(run.job_wrapper.get_job())
            if outputs:
                self._head.finished(run.job, run.job_id, outputs)
        except Exception:
            log.exception("(%s/%s) Cannot tell where its outputs are", run.job_wrapper.job_id, run.job_id)

    @staticmethod
    def _has_exit_code(run: Run) -> bool:
        """Galaxy takes an exit code that is missing for 0."""
        try:
            with open(run.exit_code_file) as file:
                code = int(file.read())
        except (OSError, ValueError):
            return False
        return run.exit_code is None or run.exit_code == code

    def _sets_metadata_externally(self, job_wrapper) -> bool:
        params = job_wrapper.job_destination.params or {}
        return self._metadata(params, job_wrapper.metadata_strategy) == "external"

    def _is_in_store(self, run: Run) -> bool:
        return self._output_mode(run.job_destination.params or {}) == "object_store"

    def fail_job(self, job_state, exception=False, message="Job failed", full_status=None) -> None:
        streams = full_status or self._streams(job_state.job_wrapper)
        super().fail_job(job_state, exception=exception, message=message, full_status=streams)
        if job_state.job_wrapper.is_task:
            # Galaxy fails the whole job, and what has split it would wait for this part without end.
            job_state.job_wrapper.change_state(Task.states.ERROR)
        self._let_go(job_state)

    def _fail(self, run: Run, message: str, runner_state: Optional[str] = None) -> None:
        # There is nothing to stop, or not any more.
        run.has_ended, run.stop_job = True, False
        run.fail_message = message
        run.runner_state = runner_state or run.runner_state
        self.mark_as_failed(run)

    def _streams(self, job_wrapper) -> dict[str, str]:
        """What came back of a tool that did not come to its end."""
        streams = {}
        for name in ("stdout", "stderr"):
            try:
                path = os.path.join(job_wrapper.working_directory, "outputs", f"tool_{name}")
                with open(path, "rb") as stream:
                    streams[name] = self._job_io_for_db(stream)
            except Exception as error:
                log.debug("(%s) No %s: %s", job_wrapper.job_id, name, error)
        return streams

    def _drop(self, run: Run) -> None:
        """The job was deleted, or failed otherwise: what its run came to is of no interest."""
        try:
            cleanup, state = run.job_wrapper.cleanup_job, run.job_wrapper.get_state()
            if cleanup == "always" or (cleanup == "onsuccess" and state != Job.states.ERROR):
                run.job_wrapper.cleanup()
        finally:
            self._let_go(run)

    def _let_go(self, job_state) -> None:
        """The run is over for Galaxy. Another one of the same job may have begun already."""
        job_id = job_state.job_wrapper.job_id
        with self._lock:
            run = self._runs.get(job_id)
            if run is job_state or not isinstance(job_state, Run):
                self._runs.pop(job_id, None)
            else:
                run = job_state
        if run is not None and run.is_submitted:
            self._head.forget(run.job, run.job_id)


def is_final(event: Any) -> bool:
    return isinstance(event, Refused) or (event is not None and event.state in ENDED)


def is_for_all_to_see(text: str) -> bool:
    """Whether a value may stand on a command line, and has to."""
    return PLAIN.fullmatch(text) is not None


def text_of(value: Any) -> str:
    """As the head node takes a value. JSON is YAML too."""
    return value if isinstance(value, str) else json.dumps(value)


def read_yaml(path: Optional[str]) -> Any:
    """The content of the file; nothing where it cannot be read: the head node says why."""
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def has_disk(store) -> bool:
    """Whether a file of Galaxy's object store can be on this machine's disk."""
    backends = getattr(store, "backends", None)
    if backends:
        return any(has_disk(backend) for backend in backends.values())
    return getattr(store, "store_type", "disk") == "disk"


def check_output_mode(mode: str, who: str) -> None:
    if mode not in OUTPUT_MODES:
        raise ConfigurationError(
            f"{who} asks for `output_mode: {mode}`; there are {', '.join(OUTPUT_MODES)}."
        )


def check_metadata(how: str, who: str) -> None:
    if how not in ("external", "internal"):
        raise ConfigurationError(f"{who} asks for `metadata: {how}`; there are external and internal.")
