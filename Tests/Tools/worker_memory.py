# SPDX-License-Identifier: Apache-2.0
"""worker_memory.py FOLDER MIB LARGEST HEAD WORKER: one job whose input of MIB mebibytes is its output.

The worker's peak is the kernel's own (VmHWM), read while it runs; the copy has to be the input.
"""

import filecmp
import json
import os
import subprocess
import sys
import time

folder, mebibytes, largest, head, worker = sys.argv[1:]
mebibytes, largest = int(mebibytes), int(largest)
job, data = f"{folder}/galaxy/jobs/1", f"{folder}/galaxy/data/input.dat"
output = f"{job}/outputs/output.dat"


def write(path, text=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_input():
    write(data)
    with open(data, "r+b") as file:
        file.truncate(mebibytes << 20)
        for index in range(0, mebibytes, 8):
            file.seek(index << 20)
            file.write(index.to_bytes(8, "big"))


def make_job():
    write(output)
    script = f"cp {data} {output}\n: > {job}/outputs/out\n: > {job}/outputs/err\n"
    write(f"{job}/galaxy_1.sh", f"{script}echo 0 > {job}/galaxy_1.ec\n")
    description = {
        "version": 1,
        "galaxy_id": "1",
        "tool_id": "copy",
        "job_directory": job,
        "working_directory": job,
        "command": ["/bin/sh", f"{job}/galaxy_1.sh"],
        "environment": {},
        "inputs": [{"path": data}],
        "tool_files": [],
        "reference_data": [],
        "outputs": [{"name": "copy", "path": output}],
        "exit_code_file": f"{job}/galaxy_1.ec",
        "stdout": f"{job}/outputs/out",
        "stderr": f"{job}/outputs/err",
        "job_stdout": f"{job}/galaxy_1.o",
        "job_stderr": f"{job}/galaxy_1.e",
    }
    write(f"{folder}/job.json", json.dumps(description))


def peak_of_worker():
    """Of every process that runs the worker's file, in KiB."""
    peak = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().split(b"\0")
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue
        # bubblewrap's own command line names the worker as well.
        if command[0].endswith(b"/galaxy-worker-exec") and b"run" in command[1:2]:
            peak = max(peak, int(status.get("VmHWM", "0").split()[0]))
    return peak


make_input()
make_job()
settings = {
    "instance": "memory",
    "s3.bucket": os.environ["GALAXY_S3_BUCKET"],
    "s3.endpoint": os.environ["AWS_ENDPOINT_URL_S3"],
    "local.worker": worker,
    "local.state_directory": f"{folder}/state",
}
command = [head, "run", "--job", f"{folder}/job.json"]
for key, value in settings.items():
    command += ["--set", f"{key}={value}"]
peak = 0
with subprocess.Popen(command) as process:
    while process.poll() is None:
        peak = max(peak, peak_of_worker())
        time.sleep(0.05)
if process.returncode != 0:
    sys.exit(f"the job ended with {process.returncode}")
if peak == 0:
    sys.exit("the worker was never seen")
if not filecmp.cmp(data, output, shallow=False):
    sys.exit("the output is not the input")
print(f"worker: {peak / 1024:.1f} MiB resident at most, for a file of {mebibytes} MiB")
if peak > largest << 10:
    sys.exit(f"that is more than {largest} MiB")
