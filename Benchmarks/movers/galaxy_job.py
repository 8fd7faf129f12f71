# SPDX-License-Identifier: Apache-2.0
"""A job in Galaxy's shape whose tool only copies, taken through everything by `galaxy-head-node run`."""

import dataclasses
import json
import os
import shutil
import time

from files import MIB, compare, make_file, make_files
from measuring import Broken, Cost, run
from servers import BUCKET

PHASES = ("stage", "fetch", "push", "collect")
SCRIPT = """\
set -e
cd {job}/working
{tool}
: > {job}/outputs/tool_stdout
: > {job}/outputs/tool_stderr
echo 0 > {job}/galaxy_{id}.ec
"""


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a job is made of: how many files, and of what size."""

    small: int
    small_bytes: int
    inputs: int = 0
    input_bytes: int = 0
    indices: int = 0
    index_bytes: int = 0
    outputs: int = 0
    output_bytes: int = 0
    # Of the small files, how many the tool makes again.
    small_outputs: int = 0

    @property
    def staged_bytes(self):
        large = self.inputs * self.input_bytes + self.indices * self.index_bytes
        return self.small * self.small_bytes + large

    @property
    def pushed_bytes(self):
        return self.outputs * self.output_bytes + self.small_outputs * self.small_bytes


class GalaxyJob:
    """The datasets, the indices and the job directory, made anew for every run."""

    def __init__(self, folder, shape):
        self.folder, self.shape = folder, shape
        self.number = 0
        self.galaxy = folder / "galaxy"
        self.inputs = [
            make_file(self.galaxy / f"objects/dataset_{number}.dat", shape.input_bytes)
            for number in range(shape.inputs)
        ]
        self.indices = [
            make_file(self.galaxy / f"indices/reference/reference.{number}.idx", shape.index_bytes)
            for number in range(shape.indices)
        ]

    @property
    def directory(self):
        return self.galaxy / f"jobs/{self.number}"

    @property
    def outputs(self):
        return [
            self.directory / f"outputs/dataset_{1000 + number}.dat" for number in range(self.shape.outputs)
        ]

    def renew(self):
        """The next job of the same shape, with everything to be staged as for the first time."""
        shutil.rmtree(self.galaxy / "jobs", ignore_errors=True)
        self.number += 1
        job = self.directory
        for name in ("working", "outputs", "configs"):
            (job / name).mkdir(parents=True)
        make_files(job / "configs/many", self.shape.small, self.shape.small_bytes)
        for path in (*self.outputs, job / f"galaxy_{self.number}.o", job / f"galaxy_{self.number}.e"):
            path.touch()
        script = SCRIPT.format(job=job, id=self.number, tool=self.tool())
        (job / f"galaxy_{self.number}.sh").write_text(script)
        (self.folder / "job.json").write_text(json.dumps(self.description()))
        for path in (*self.inputs, *self.indices):
            os.utime(path)
        if self.inputs or self.indices:
            # What has just been written is staged, but not recorded, and no Galaxy is that quick.
            time.sleep(2.2)

    def tool(self):
        """Each output is the beginning of an input, each small one a copy."""
        size = self.shape.output_bytes
        lines = [
            f"head -c {size} {self.inputs[number % len(self.inputs)]} > {output}"
            for number, output in enumerate(self.outputs)
        ]
        many = self.directory / "configs/many"
        if self.shape.small_outputs == self.shape.small:
            lines += [f"cp -R {many} many"]
        elif self.shape.small_outputs:
            lines += ["mkdir many", f"for n in $(ls {many} | head -n {self.shape.small_outputs}); do"]
            lines += [f'    set -- "$@" {many}/$n', "done", 'cp "$@" many']
        return "\n".join(lines) or "true"

    def description(self):
        job = str(self.directory)
        index = str(self.galaxy / "indices/reference/reference")
        return {
            "version": 1,
            "galaxy_id": str(self.number),
            "tool_id": "copy",
            "job_directory": job,
            "working_directory": job,
            "command": ["/bin/sh", f"{job}/galaxy_{self.number}.sh"],
            "environment": {},
            "inputs": [{"path": str(path)} for path in self.inputs],
            "tool_files": [],
            "reference_data": [{"path": index}] if self.indices else [],
            "outputs": [{"name": path.name, "path": str(path)} for path in self.outputs],
            "exit_code_file": f"{job}/galaxy_{self.number}.ec",
            "stdout": f"{job}/outputs/tool_stdout",
            "stderr": f"{job}/outputs/tool_stderr",
            "job_stdout": f"{job}/galaxy_{self.number}.o",
            "job_stderr": f"{job}/galaxy_{self.number}.e",
        }

    def command(self, endpoint, *settings):
        settings = (
            "instance=bench",
            "executor=local",
            f"s3.bucket={BUCKET}",
            f"s3.endpoint={endpoint.url}",
            f"local.worker={os.environ['GALAXY_S3_BENCH_WORKER']}",
            f"local.state_directory={self.folder}/state",
            *settings,
        )
        program = [
            os.environ["GALAXY_S3_BENCH_HEAD_NODE"],
            "run",
            "--json",
            "--job",
            self.folder / "job.json",
        ]
        return program + [f"--set={setting}" for setting in settings]

    def run(self, endpoint):
        """One run, its results compared: its cost without the tool, and a report of each phase."""
        cost, output = run(self.command(endpoint), endpoint.environment)
        phases, ending = {}, {}
        for line in output.splitlines():
            event = json.loads(line)
            if event["event"] == "phase_ended":
                phases[event["report"]["name"]] = event["report"]
            if event["event"] == "ended":
                ending = event["ending"]
                phases |= {phase["name"]: phase for phase in ending["phases"]}
        missing = [name for name in PHASES if name not in phases]
        if missing:
            raise Broken(f"the run says nothing of {', '.join(missing)}")
        self.compare()
        wall = cost.wall - phases["tool"]["seconds"]
        return Cost(wall, cost.cpu - ending["cpu_seconds"], cost.peak, cost.begin), phases

    def compare(self):
        """Whether everything that the tool has made is there, as it has to be."""
        for number, output in enumerate(self.outputs):
            with self.inputs[number % len(self.inputs)].open("rb") as file:
                expected = file.read(self.shape.output_bytes)
            if output.read_bytes() != expected:
                raise Broken(f"{output} is not what the tool wrote")
        many = self.directory / "configs/many"
        for path in sorted(many.iterdir())[: self.shape.small_outputs]:
            compare(path, self.directory / "working/many" / path.name, "the run")

    def make_results(self, folder):
        """What the tool would make, for those that run none."""
        for number in range(self.shape.outputs):
            with self.inputs[number % len(self.inputs)].open("rb") as file:
                data = file.read(self.shape.output_bytes)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"dataset_{1000 + number}.dat").write_bytes(data)
        many = sorted((self.directory / "configs/many").iterdir())[: self.shape.small_outputs]
        for path in many:
            (folder / "many").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / "many" / path.name)
        return folder


def typical(quick):
    """60 small files, three inputs of 50 MiB, an index of six files of 100 MiB; four outputs of 25 MiB."""
    scale = 10 if quick else 1
    return Shape(
        small=60,
        small_bytes=8 << 10,
        inputs=3,
        input_bytes=50 * MIB // scale,
        indices=6,
        index_bytes=100 * MIB // scale,
        outputs=4,
        output_bytes=25 * MIB // scale,
        small_outputs=20,
    )
