# SPDX-License-Identifier: Apache-2.0
"""A node that runs the containers of pods on this machine, each in namespaces of its own (bubblewrap).

A container sees this machine's programs whatever its image is, and of the pod's volume what its manifest
mounts. One without a command is the worker's own. Keys for the bucket are given to those that are
told their pod's uid, as the worker's are.
"""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import signal

ENTRY = "/galaxy-worker-exec"
PATH = "/usr/local/bin:/usr/bin:/bin"
# What of this machine's / there is besides /usr.
SYSTEM = ("bin", "sbin", "lib", "lib64")
# A pod has so many seconds to end by itself; the manifest's would be the tests' own time.
GRACE = 2
LONGEST_LINE = 1 << 20


class Node:
    """Where volumes are, and what runs now."""

    def __init__(self, folder, worker):
        self.folder = pathlib.Path(folder)
        self.worker = worker
        self.running = {}

    async def run(self, pod, container, log):
        """Runs one container to its end, writes what it says to `log`, and gives its exit code."""
        uid = pod["metadata"]["uid"]
        process = await asyncio.create_subprocess_exec(
            *self.sandbox(pod, container),
            env=environment(pod, container),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
        )
        self.running.setdefault(uid, set()).add(process)
        async for line in process.stdout:
            log.write(line.decode(errors="replace").rstrip("\n"))
        code = await process.wait()
        self.running[uid].discard(process)
        return code if code >= 0 else 128 - code

    def sandbox(self, pod, container):
        volume = self.folder / pod["metadata"]["uid"]
        user = pod["spec"].get("securityContext", {})
        words = ["bwrap", "--unshare-all", "--unshare-user", "--share-net", "--die-with-parent"]
        words += ["--new-session", "--as-pid-1", "--proc", "/proc", "--dev", "/dev"]
        words += ["--uid", str(user.get("runAsUser", 0)), "--gid", str(user.get("runAsGroup", 0))]
        words += ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
        for name in SYSTEM:
            place = pathlib.Path("/", name)
            if place.is_symlink():
                words += ["--symlink", os.readlink(place), str(place)]
            elif place.exists():
                words += ["--ro-bind", str(place), str(place)]
        for mount in container.get("volumeMounts", []):
            source = volume / mount.get("subPath", "")
            source.mkdir(parents=True, exist_ok=True)
            words += ["--ro-bind" if mount.get("readOnly") else "--bind", str(source), mount["mountPath"]]
        command = [*container.get("command", []), *container.get("args", [])]
        if "command" not in container:
            words += ["--ro-bind", str(self.worker), ENTRY]
            command.insert(0, ENTRY)
        return [*words, "--", *(expanded(word, pod) for word in command)]

    async def end(self, pod):
        """Ends what runs of a pod: as it is told to stop, and killed if it does not."""
        uid = pod["metadata"]["uid"]
        left = list(self.running.get(uid, ()))
        for process in left:
            # bubblewrap itself passes nothing on.
            for child in children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGTERM)
        if left:
            await asyncio.wait([asyncio.ensure_future(one.wait()) for one in left], timeout=GRACE)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        for process in left:
            await process.wait()
        self.running.pop(uid, None)

    def remove(self, pod):
        """Removes the volume of a pod that has ended, as a kubelet does."""
        shutil.rmtree(self.folder / pod["metadata"]["uid"], ignore_errors=True)


def children(pid):
    with contextlib.suppress(OSError):
        words = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(word) for word in words]
    return []


def environment(pod, container):
    found = {"PATH": PATH, "HOME": "/"}
    for variable in container.get("env", []):
        if "valueFrom" in variable:
            found[variable["name"]] = pod["metadata"]["uid"]
        else:
            found[variable["name"]] = expanded(variable.get("value", ""), pod)
    if "POD_UID" in found:
        found |= {name: text for name, text in os.environ.items() if name.startswith("AWS_")}
    return found


def expanded(text, pod):
    """As a kubelet does it: $$ is a dollar, and $(POD_UID) the pod's uid."""
    uid = pod["metadata"]["uid"]
    return re.sub(r"\$\$|\$\(POD_UID\)", lambda found: "$" if found[0] == "$$" else uid, text)
