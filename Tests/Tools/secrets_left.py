# SPDX-License-Identifier: Apache-2.0
"""secrets_left.py watch DIR | search DIR PATH...: looks for secrets where none may be.

DIR/keys has one a line: the keys that Scripts/s3-server has given to the servers of this run, and the tokens
of Scripts/cluster. `watch` looks four times a second, until it is ended, at the command lines of our
programs, and at the environments of them and of all that they have started. `search` looks through the files
below each PATH that are younger than DIR/begun, then says what either has found, one a line, and fails if
there is anything. A secret is known as it is, in JSON, in a URL, in hexadecimal and in base64, whatever was
encoded with it; it is never printed. Tests/Tools/check-secrets-left plants some."""

import base64
import itertools
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
from typing import NamedTuple

# What servers, Galaxy and clients are given their keys by. Whoever adds a name here says to whom.
CREDENTIAL_FILES = {
    "s3.json": "SeaweedFS",
    "exports": "whoever calls Scripts/s3-server or Tests/Tools/cluster-lab",
    "s3-exports": "Scripts/galaxy",
    "seaweed.exports": "Scripts/test",
    "moto.exports": "Scripts/test",
    "cluster.exports": "Scripts/test",
    "executor.kubeconfig": "the head node, by Scripts/cluster",
    "objects.yml": "Galaxy, for the object store of its own",
    "keys": "this program",
}
# Kubernetes keeps its Secrets there.
CREDENTIAL_FOLDERS = {"etcd"}
OURS = {"galaxy-head-node", "galaxy-worker-exec", "bwrap"}
# The variables that may have a key or a token, and in whose environment; in that of "tool", which runs the
# tool where others fetch and push, never.
CREDENTIAL_VARIABLES = {b"AWS_SECRET_ACCESS_KEY", b"AWS_SESSION_TOKEN"}
CREDENTIAL_HOLDERS = {
    "galaxy-head-node": "its user says it so",
    "galaxy-worker-exec": "as from a Secret in a pod; the tool gets an environment of its own",
    "bwrap": "which starts the worker of a local pod",
    "strace": "by which the sweeps start both",
}
# Too short a key would be found everywhere. Of a long one its end is looked for: a token begins as others do.
SHORTEST, LONGEST = 16, 40
# What is encoded is often broken into lines, of 60 characters at least: of pieces this long, one is whole.
PIECE = 20
# How many files are looked through at once.
BATCH = 500


def forms(secret):
    """What tells that `secret` stands in a text, in whatever form."""
    yield secret
    yield secret.replace(b"/", b"\\/")
    quoted = urllib.parse.quote(secret, safe="").encode()
    yield quoted
    yield quoted.replace(b"%2F", b"%2f").replace(b"%2B", b"%2b").replace(b"%3D", b"%3d")
    encoded = [secret.hex().encode(), secret.hex().upper().encode()]
    for before in range(3):
        # Those characters that are made of the secret's bits alone, after so many bytes of something else.
        text = base64.b64encode(bytes(before) + secret)[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        encoded += [text, text.translate(bytes.maketrans(b"+/", b"-_"))]
    for text in encoded:
        for start in range(0, len(text) - PIECE + 1, PIECE):
            yield text[start : start + PIECE]


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

    def named(self):
        """With its name, which it lacks for a moment while it becomes another program."""
        words = self.words
        for _ in range(10):
            if words[0]:
                break
            time.sleep(0.01)
            try:
                words = (self.folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                break
        return self._replace(words=words)

    def environment(self):
        try:
            return (self.folder / "environ").read_bytes().split(b"\0")
        except OSError:
            # It has ended meanwhile.
            return [b""]


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

    def needles(self):
        secrets = (self.folder / "keys").read_bytes().split()
        return {form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret[-LONGEST:])}

    def findings(self):
        return self.found.read_text().splitlines() if self.found.exists() else []

    def note(self, text):
        if text not in self.findings():
            with self.found.open("a") as file:
                file.write(text + "\n")

    def watch(self):
        while True:
            needles = self.needles()
            processes = running()
            for process in processes.values():
                if process.name in OURS:
                    self.look_at_words(process, needles)
                if is_below_ours(process, processes):
                    self.look_at_environment(process, needles)
            time.sleep(0.25)

    def look_at_words(self, process, needles):
        # A shell with which a test looks for a secret has it in its arguments, and is none of ours.
        if any(needle in word for needle in needles for word in process.words):
            self.note(f"the command line of a {process.name}")

    def look_at_environment(self, process, needles):
        for entry in process.environment():
            variable, _, value = entry.partition(b"=")
            if not any(needle in value for needle in needles):
                continue
            process = process.named()
            if not process.name and not process.environment()[0]:
                # It has ended meanwhile.
                return
            if variable not in CREDENTIAL_VARIABLES or not process.may_hold_credentials:
                self.note(f"{variable.decode(errors='replace')}, in the environment of a {process.name}")

    def search(self, roots):
        needles = self.needles()
        if not needles:
            self.note("nothing that was looked at: no server has told its keys")
            return
        begun = (self.folder / "begun").stat().st_ctime_ns
        found = itertools.chain.from_iterable(map(files, roots))
        young = (path for path in found if changed(path) >= begun)
        while batch := list(itertools.islice(young, BATCH)):
            for name in holding(batch, needles):
                self.note(os.fsdecode(name).encode(errors="replace").decode())

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


def changed(path):
    """When a file was changed last; long ago, if it went away meanwhile."""
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0


def holding(paths, needles):
    """Those of the files that hold one of the needles, as bytes."""
    # grep hears of the needles from its input: arguments are for everybody to read. A line ends with a NUL,
    # so that files full of them, holes too, are no long lines.
    command = ["grep", "--files-with-matches", "--null", "--text", "--fixed-strings", "--null-data"]
    command += ["--no-messages", "--file=-", "--"]
    done = subprocess.run(
        command + [os.fsencode(path) for path in paths],
        input=b"\n".join(needles),
        stdout=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    return [name for name in done.stdout.split(b"\0") if name]


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
