# SPDX-License-Identifier: Apache-2.0
"""A client of the Galaxy that Scripts/galaxy has brought up, and the line that Scripts/test counts."""

import copy
import json
import os
import re
import signal
import subprocess
import time
import warnings
from pathlib import Path

import pytest
import yaml
from bioblend.galaxy import GalaxyInstance

warnings.simplefilter("ignore")
# Seconds. The machine is small and shared; nothing here says how long anything takes.
PATIENCE = 300
LINES = 'one\ntwo words\nit\'s a "third"\n'
ENDED = ("ok", "error", "deleted", "paused")


def pytest_configure(config):
    config.addinivalue_line("markers", "object_store: needs a Galaxy whose own data are in the bucket")
    config.addinivalue_line("markers", "handlers: needs two processes that share the jobs")
    config.addinivalue_line("markers", "cluster: needs pods; the others need the executor `local`, but")
    config.addinivalue_line("markers", "anywhere: holds wherever jobs run")
    config.addinivalue_line("markers", "modes: holds wherever a Galaxy has its data")


def pytest_terminal_summary(terminalreporter):
    outcomes = terminalreporter.stats
    bad = len(outcomes.get("failed", [])) + len(outcomes.get("error", []))
    terminalreporter.write_line(f"{len(outcomes.get('passed', []))} passed, {bad} failed")


class Lab:
    """The Galaxy under test."""

    def __init__(self):
        self.directory = Path(os.environ["GALAXY_DIR"])
        self.galaxy = GalaxyInstance(os.environ["GALAXY_URL"], key=os.environ["GALAXY_KEY"])
        # On SQLite it answers 500 now and then: "database is locked".
        self.galaxy.max_get_attempts, self.galaxy.get_retry_delay = 5, 1
        self.history = self.new_history("tests")
        settings = yaml.safe_load((self.directory / "galaxy.yml").read_text())
        self.executor = settings["s3_executor"]["executor"]
        self.bucket = settings["s3_executor"]["s3"]["bucket"]
        self.endpoint = settings["s3_executor"]["s3"]["endpoint"]

    def new_history(self, name):
        return self.galaxy.histories.create_history(name)["id"]

    def at(self, environment):
        """The same Galaxy, with a history whose jobs go to this environment."""
        lab = copy.copy(self)
        lab.history = self.new_history(environment)
        return lab

    # Data

    def upload(self, content, name="lines", ext="txt", wait=True):
        made = self.galaxy.tools.paste_content(content, self.history, file_type=ext, file_name=name)
        return self.uploaded(made, wait)

    def upload_file(self, path, name, ext, wait=True):
        made = self.galaxy.tools.upload_file(str(path), self.history, file_type=ext, file_name=name)
        return self.uploaded(made, wait)

    def uploaded(self, made, wait):
        """The dataset; without `wait` Galaxy has jobs wait for it."""
        dataset = made["outputs"][0]["id"]
        if wait:
            state = self.until(lambda: self.state(dataset) in ("ok", "error") and self.state(dataset))
            assert state == "ok"
        return {"src": "hda", "id": dataset}

    def state(self, dataset):
        return self.galaxy.datasets.show_dataset(dataset)["state"]

    def text(self, dataset):
        return self.galaxy.datasets.download_dataset(dataset, require_ok_state=False).decode()

    def elements(self, collection):
        shown = self.galaxy.histories.show_dataset_collection(self.history, collection)
        return {one["element_identifier"]: self.text(one["object"]["id"]) for one in shown["elements"]}

    # Jobs

    def start(self, tool, **inputs):
        return Started(self, self.galaxy.tools.run_tool(self.history, tool, inputs))

    def job(self, job):
        return self.galaxy.jobs.show_job(job, full_details=True)

    def description(self, shown):
        """What the runner has told the head node of a job."""
        return json.loads((self.job_directory(shown["external_id"]) / "galaxy_s3/job.json").read_text())

    def job_directory(self, run):
        number = int(run.partition("-")[0])
        return self.directory / f"data/jobs_directory/{number // 1000:03}/{number}"

    def spec(self, shown):
        """What the head node has promised the worker of a job."""
        number = int(shown["external_id"].partition("-")[0])
        folder = self.directory / f"data/jobs_directory/{number // 1000:03}/{number}"
        return json.loads((folder / "galaxy_s3/spec.json").read_text())

    def path(self, dataset):
        """Where Galaxy has a dataset."""
        return Path(self.galaxy.datasets.show_dataset(dataset)["file_name"])

    def is_link(self, dataset):
        """Whether a dataset is a link into the mounted bucket."""
        path = self.path(dataset)
        return path.is_symlink() and Path(os.readlink(path)).is_relative_to(self.mount)

    @property
    def mount(self):
        return self.directory / "mount"

    def output_so_far(self, job, stream="stdout"):
        """What Galaxy shows of a job's output; the tool's own file is in the job directory."""
        query = {"stdout_position": 0, "stdout_length": 10000, "stderr_position": 0, "stderr_length": 10000}
        url = f"{self.galaxy.url}/jobs/{job}/console_output"
        answer = self.galaxy.make_get_request(url, params=query)
        # Galaxy 26.1 answers 500 before the job has an environment.
        return (answer.ok and answer.json().get(stream)) or ""

    # The bucket

    def call_head_node(self, *words):
        """What a verb of the head node's comes to, for an administrator of this Galaxy."""
        program = '. "$0/s3-exports" && exec "$0/galaxy-head-node" "$@" --config "$0/galaxy.yml"'
        command = ["bash", "-c", program, self.directory, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def url(self, key):
        return f"s3://{self.bucket}/{key}"

    @staticmethod
    def until(condition):
        """What the condition gives, once that is true."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.3)
        return found

    # Processes

    def process(self, name="process"):
        pid, _ = (self.directory / name).read_text().split()
        return int(pid)

    def head_node(self, name="process"):
        """The head node's process, a child of Galaxy's."""
        parent = self.process(name)
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                ppid = (entry / "stat").read_text().rpartition(") ")[2].split()[1]
            except OSError:
                continue
            if int(ppid) == parent and words[1:2] == [b"serve"]:
                return int(entry.name)
        return None

    def kill_galaxy(self, name="process"):
        pid = self.process(name)
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: not Path(f"/proc/{pid}").exists())

    def start_galaxy(self):
        command = [os.environ["GALAXY_S3_TEST_UP"], "up", str(self.directory)]
        if os.environ.get("GALAXY_S3_TEST_STORE") == "object_store":
            command[2:2] = ["--object-store"]
        for option, name in (("--head-node", "HEAD_NODE"), ("--worker", "WORKER")):
            command[2:2] = [option, os.environ[f"GALAXY_S3_TEST_{name}"]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def what_runs(self, run):
        """The processes of a run. Those of pods are processes of this machine too."""
        names = (run, f"{self.job_directory(run)}/")
        lines = {pid: command_line(pid) for pid in os.listdir("/proc") if pid.isdecimal()}
        return [pid for pid, line in lines.items() if any(name in line for name in names)]

    def log(self):
        return (self.directory / "galaxy.log").read_text(errors="replace")


def command_line(pid):
    try:
        return (Path("/proc") / pid / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def kubectl(*words, **options):
    """Speaks to the cluster as its administrator."""
    command = ["kubectl", "--namespace", os.environ["GALAXY_S3_CLUSTER_NAMESPACE"], *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def kubectl_json(*words):
    return json.loads(kubectl(*words, "--output", "json"))


class Started:
    """A job that a test has started."""

    def __init__(self, lab, made):
        self.lab = lab
        self.jobs = [job["id"] for job in made["jobs"]]
        self.id = self.jobs[0]
        self.outputs = {one["output_name"]: one["id"] for one in made["outputs"]}
        self.collections = {one.get("output_name"): one["id"] for one in made["output_collections"]}
        self.implicit = [one["id"] for one in made["implicit_collections"]]

    def show(self):
        return self.lab.job(self.id)

    def output(self, name="out"):
        """As an input of another job, which Galaxy has wait for it."""
        return {"src": "hda", "id": self.outputs[name]}

    def end(self):
        """The job, once it has ended."""
        self.lab.until(lambda: self.lab.galaxy.jobs.get_state(self.id) in ENDED)
        return self.show()

    def states(self):
        """The states of all jobs that were started at once, when the last of them has ended."""

        def ended(job):
            state = self.lab.galaxy.jobs.get_state(job)
            return state in ENDED and state

        # One after the other: asking for all of them again and again would keep Galaxy busy.
        return [self.lab.until(lambda job=job: ended(job)) for job in self.jobs]

    def ended_ok(self):
        job = self.end()
        assert job["state"] == "ok", self.story(job)
        return job

    def story(self, job):
        """What a person needs to know about a job that went wrong, the important first."""
        run = job["external_id"] or f"({self.id})"
        said = [line[:300] for line in self.lab.log().splitlines() if run in line]
        facts = {key: job.get(key) for key in ("state", "exit_code", "tool_stderr", "job_messages")}
        return "\n".join([f"{job['tool_id']} {run}: {facts}", *said[-15:]])

    def text(self, name="out"):
        return self.lab.text(self.outputs[name])


def begun(lab, started):
    """The name that the tool has drawn, as its live output shows it."""

    def name():
        found = re.search(r"begun as (\S+)", lab.output_so_far(started.id))
        return found and found.group(1)

    return lab.until(name)


def asked(request, fixture):
    """For what the tests that are to run ask this fixture."""
    specs = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    return dict.fromkeys(params[fixture] for params in specs if fixture in params)


def skip_without_mount(lab, environment):
    if environment.startswith("link") and not lab.mount.is_mount():
        pytest.skip("this machine cannot mount a bucket")


@pytest.fixture(scope="session")
def lab():
    return Lab()


@pytest.fixture(scope="session")
def lines(lab):
    return lab.upload(LINES)
