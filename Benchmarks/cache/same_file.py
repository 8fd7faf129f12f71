# SPDX-License-Identifier: Apache-2.0
"""same_file.py [--workers N] [--size MIB] [--rounds N] FOLDER HEAD-NODE-OPTION...: what it costs when
many workers of one machine want the same file at once.

One job is staged by `galaxy-head-node run` (HEAD_NODE), which makes its pod; its `fetch` is then run so
many times at once, each with a volume of its own: without a cache, with an empty one, and with one that
has the file. What each did is read from its own report. Every file that arrived is compared.
"""

import argparse
import filecmp
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import time

PATIENCE = 300


def description(folder, genome):
    """A job whose tool does nothing for as long as it is let."""
    job = folder / "jobs" / "1"
    (job / "working").mkdir(parents=True)
    (job / "outputs").mkdir()
    (job / "script.sh").write_text("sleep 3600\n")
    return {
        "version": 1,
        "galaxy_id": "1",
        "tool_id": "bench",
        "job_directory": f"{job}",
        "working_directory": f"{job}",
        "command": ["/bin/sh", f"{job}/script.sh"],
        "environment": {},
        "inputs": [],
        "tool_files": [],
        "reference_data": [{"path": f"{genome}"}],
        "outputs": [],
        "exit_code_file": f"{job}/ec",
        "stdout": f"{job}/outputs/tool_stdout",
        "stderr": f"{job}/outputs/tool_stderr",
        "job_stdout": f"{job}/job_stdout",
        "job_stderr": f"{job}/job_stderr",
    }


def pod(folder, head):
    """The pod that the head has made for the job, as its supervisor was told of it."""
    for _ in range(PATIENCE * 10):
        for path in folder.glob("state/tries/*/pod.json"):
            if (path.parent / "volume/state/fetched.json").exists():
                return path.parent, json.loads(path.read_text())
        if head.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the head node made no pod: {head.communicate()[1]}")


class Fetch:
    """The job's `fetch`, with volumes of its own."""

    def __init__(self, folder, place, made, genome):
        self.folder = folder
        self.place = f"{place}"
        self.genome = genome
        self.volume = place / "volume"
        self.command = made["initContainers"][0]["command"]
        # The head of root's starts workers as somebody else.
        owner = self.volume.stat()
        self.owner = f"{owner.st_uid}:{owner.st_gid}"
        who = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        self.identity = who if os.geteuid() == 0 else {}

    def words(self, own, has_cache):
        words = [word.replace(self.place, f"{own}") for word in self.command]
        if not has_cache:
            at = words.index("--cache")
            del words[at : at + 4]
        return words

    def at_once(self, count, has_cache):
        """So many at once: seconds until the last is done, and their reports."""
        volumes = []
        for number in range(count):
            own = self.folder / f"own-{number}"
            for part in self.volume.iterdir():
                (own / "volume" / part.name).mkdir(parents=True)
            subprocess.run(["chown", "-R", self.owner, own], check=True)
            volumes.append(own)
        begin = time.monotonic()
        running = [
            subprocess.Popen(self.words(own, has_cache), stdout=subprocess.DEVNULL, **self.identity)
            for own in volumes
        ]
        failed = [process.args for process in running if process.wait() != 0]
        seconds = time.monotonic() - begin
        if failed:
            raise SystemExit(f"{len(failed)} of {count} workers failed")
        reports = [self.report(own) for own in volumes]
        for own in volumes:
            shutil.rmtree(own)
        return seconds, reports

    def report(self, own):
        found = list(own.glob(f"volume/r*/{self.genome.name}"))
        if len(found) != 1 or not filecmp.cmp(found[0], self.genome, shallow=False):
            raise SystemExit(f"{own} has another file than the head")
        return json.loads((own / "volume/state/fetched.json").read_text())["phase"]


def row(name, rounds):
    seconds = statistics.median(seconds for seconds, _ in rounds)
    reports = rounds[-1][1]

    def total(field):
        return sum(report.get(field) or 0 for report in reports)

    mebibytes = total("bytes") / 2**20
    cached = total("cachedBytes") / 2**20
    return f"| {name} | {seconds:.1f} | {total('requests')} | {mebibytes:.0f} | {cached:.0f} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("folder", type=pathlib.Path)
    known, options = parser.parse_known_args()
    folder = known.folder
    genome = folder / "genomes" / "genome.fa"
    genome.parent.mkdir(parents=True)
    with genome.open("wb") as file:
        for _ in range(known.size):
            file.write(os.urandom(1 << 20))
    job = folder / "job.json"
    job.write_text(json.dumps(description(folder, genome)))
    cache = folder / "cache"
    ours = ["local.shape=split", f"cache.path={cache}", f"local.state_directory={folder}/state"]
    command = [os.environ["HEAD_NODE"], "run", "--job", job, *options, *(f"--set={one}" for one in ours)]
    head = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    kinds = {"without a cache": [], "with an empty cache": [], "with a cache that has it": []}
    try:
        fetch = Fetch(folder, *pod(folder, head), genome)
        for _ in range(known.rounds):
            kinds["without a cache"].append(fetch.at_once(known.workers, False))
            for kept in cache.glob("galaxy-s3-*/*"):
                kept.unlink()
            kinds["with an empty cache"].append(fetch.at_once(known.workers, True))
            kinds["with a cache that has it"].append(fetch.at_once(known.workers, True))
    finally:
        head.send_signal(signal.SIGINT)
        head.wait()
        cancel = [*command[:1], "cancel", *command[2:]]
        subprocess.run(cancel, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    print(f"{known.workers} workers, one file of {known.size} MiB; medians of {known.rounds} rounds")
    print("| | seconds | requests | MiB from the bucket | MiB from the cache |")
    print("| --- | --- | --- | --- | --- |")
    for name, rounds in kinds.items():
        print(row(name, rounds))


main()
