# SPDX-License-Identifier: Apache-2.0
"""secrets_left.py watch DIR | search DIR PATH...: looks for secrets where none may be.

DIR/keys has one a line: the keys that Scripts/s3-server has given to the servers of this run. `watch`
looks four times a second, until it is ended, at the command lines of our programs, and at the environments
of them and of all that they have started. `search` looks through the files below each PATH that are younger
than DIR/begun, then says what either has found, one a line, and fails if there is anything. A secret itself
is never printed."""

import os
import pathlib
import sys
import time
from typing import NamedTuple

# What servers, Galaxy and clients are given their keys by. Whoever adds a name here says to whom.
CREDENTIAL_FILES = {
    "s3.json": "SeaweedFS",
    "exports": "whoever calls Scripts/s3-server or Tests/Tools/cluster-lab",
    "s3-exports": "Scripts/galaxy",
    "seaweed.exports": "Scripts/test",
    "moto.exports": "Scripts/test",
    "cluster.exports": "Scripts/test",
    "objects.yml": "Galaxy, for the object store of its own",
    "keys": "this program",
}
# Kubernetes keeps its Secrets there.
CREDENTIAL_FOLDERS = {"etcd"}
OURS = {"galaxy-head-node", "galaxy-worker-exec", "bwrap"}
# The one variable that may have a key, and in whose environment; in that of "tool", which runs the tool where
# others fetch and push, never.
CREDENTIAL_VARIABLE = b"AWS_SECRET_ACCESS_KEY"
CREDENTIAL_HOLDERS = {
    "galaxy-head-node": "its user says it so",
    "galaxy-worker-exec": "as from a Secret in a pod; the tool gets an environment of its own",
    "bwrap": "which starts the worker of a local pod",
    "strace": "by which the sweeps start both",
}
PIECE = 1 << 20


class Process(NamedTuple):
    parent: int
    folder: pathlib.Path
    words: list

    @property
    def name(self):
        return os.path.basename(self.words[0].decode(errors="replace"))

    @property
    def may_hold_credentials(self):
        return self.name in CREDENTIAL_HOLDERS and b"tool" not in self.words

    def environment(self):
        try:
            return (self.folder / "environ").read_bytes().split(b"\0")
        except OSError:
            # It has ended meanwhile.
            return []


def running():
    """All processes by number; those that end meanwhile are left out."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                after_name = (folder / "stat").read_bytes().rpartition(b")")[2]
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found[int(folder.name)] = Process(int(after_name.split()[1]), folder, words)
    return found


class Watched:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.found = self.folder / "found"

    def keys(self):
        """Too short a key would be found everywhere."""
        return {word for word in (self.folder / "keys").read_bytes().split() if len(word) >= 16}

    def findings(self):
        return self.found.read_text().splitlines() if self.found.exists() else []

    def note(self, text):
        if text not in self.findings():
            with self.found.open("a") as file:
                file.write(text + "\n")

    def watch(self):
        while True:
            keys = self.keys()
            processes = running()
            for process in processes.values():
                if process.name in OURS:
                    self.look_at_words(process, keys)
                if is_below_ours(process, processes):
                    self.look_at_environment(process, keys)
            time.sleep(0.25)

    def look_at_words(self, process, keys):
        # A shell with which a test looks for a secret has it in its arguments, and is none of ours.
        if any(key in word for key in keys for word in process.words):
            self.note(f"the command line of a {process.name}")

    def look_at_environment(self, process, keys):
        for entry in process.environment():
            variable, _, value = entry.partition(b"=")
            if not any(key in value for key in keys):
                continue
            if variable != CREDENTIAL_VARIABLE or not process.may_hold_credentials:
                self.note(f"{variable.decode(errors='replace')}, in the environment of a {process.name}")

    def search(self, roots):
        keys = self.keys()
        if not keys:
            self.note("nothing that was looked at: no server has told its keys")
            return
        begun = (self.folder / "begun").stat().st_ctime_ns
        for root in roots:
            for path in files(root):
                try:
                    if path.stat().st_ctime_ns >= begun and holds(path, keys):
                        self.note(str(path))
                except OSError:
                    # It went away meanwhile, or is somebody else's.
                    continue

    def tell(self):
        findings = self.findings()
        for finding in findings:
            print(f"a secret stands in {finding}")
        return bool(findings)


def is_below_ours(process, processes):
    """Whether it is one of ours, or was started by one, at whatever distance."""
    seen = set()
    while process is not None and process.parent not in seen:
        if process.name in OURS:
            return True
        seen.add(process.parent)
        process = processes.get(process.parent)
    return False


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if is_searched(folder, name)]
        for name in names:
            path = pathlib.Path(folder, name)
            if name not in CREDENTIAL_FILES and path.is_file() and not path.is_symlink():
                yield path


def is_searched(folder, name):
    """A mount has its files elsewhere."""
    return name not in CREDENTIAL_FOLDERS and not os.path.ismount(os.path.join(folder, name))


def holds(path, keys):
    """Whether a file holds a key, also across two pieces."""
    longest = max(map(len, keys))
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if any(key in rest + piece for key in keys):
                return True
            rest = piece[-longest:]
    return False


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("watch", "search"):
        sys.exit(__doc__)
    watched = Watched(sys.argv[2])
    if sys.argv[1] == "watch":
        watched.watch()
    watched.search(sys.argv[3:])
    return watched.tell()


if __name__ == "__main__":
    sys.exit(main())
