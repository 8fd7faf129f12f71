# SPDX-License-Identifier: Apache-2.0
"""One large file, and many small ones, up and down."""

from clients import ALL, DOWN, DOWN_MANY, UP, UP_MANY, clients
from files import MIB, compare, gone_after, make_file, make_files, take_memory
from galaxy_job import GalaxyJob, Shape
from measuring import Broken, Cost, rounds, run
from servers import IN_MEMORY, keeping, near_free, seaweedfs

KIB = 1 << 10


def large(suite):
    """2 GiB where the store costs nothing, 1 GiB where it is one."""
    size = 256 * MIB if suite.quick else 2048 * MIB
    file = make_file(suite.memory / "large", size)
    with near_free(suite.memory / "near-free", {"up": file}) as (endpoint, log):
        Transfers(suite, "large", (UP, DOWN), endpoint, log).measure(file, "up", suite.seconds(0.6))
    with file.open("r+b") as whole:
        whole.truncate(size // 2)
    with seaweedfs(suite.memory / "seaweedfs", IN_MEMORY) as endpoint:
        Transfers(suite, "large", (UP, DOWN), endpoint).measure(file, "up", suite.seconds(0.4))
    file.unlink()


def small(suite):
    """Files of 16 KiB, one object each; and packed, as a job has them."""
    count = 200 if suite.quick else 2_000
    folder = make_files(suite.memory / "small", count, 16 * KIB)
    objects = {f"small/{path.name}": path for path in folder.iterdir()}
    with near_free(suite.memory / "near-free", objects) as (endpoint, log):
        started(suite, endpoint)
        Transfers(suite, "small", (UP_MANY, DOWN_MANY), endpoint, log).measure(
            folder, "small/", suite.seconds(0.4)
        )
    with seaweedfs(suite.memory / "seaweedfs", IN_MEMORY) as endpoint:
        Transfers(suite, "small", (UP_MANY, DOWN_MANY), endpoint).measure(
            folder, "small/", suite.seconds(0.4)
        )
        packed(suite, endpoint, count)
    with keeping(suite.memory / "keeping") as endpoint:
        packed(suite, endpoint, count)


def tls(suite):
    """Both over https, where the store costs nothing."""
    file = make_file(suite.memory / "large", 256 * MIB if suite.quick else 2048 * MIB)
    folder = make_files(suite.memory / "small", 200 if suite.quick else 2_000, 16 * KIB)
    objects = {f"small/{path.name}": path for path in folder.iterdir()} | {"up": file}
    with near_free(suite.memory / "near-free", objects, tls=True) as (endpoint, log):
        Transfers(suite, "large", (UP, DOWN), endpoint, log).measure(file, "up", suite.seconds(0.6))
        Transfers(suite, "small", (UP_MANY, DOWN_MANY), endpoint, log).measure(
            folder, "small/", suite.seconds(0.4)
        )
    file.unlink()


class Transfers:
    """The same files up and down by every client in turn."""

    def __init__(self, suite, row, operations, endpoint, log=None, label="", names=ALL):
        """`label` tells the figures of this size from those of another."""
        self.suite, self.row, self.operations = suite, row, operations
        self.endpoint, self.log, self.label, self.names = endpoint, log, label, names

    def measure(self, files, key, seconds):
        """Rounds of all clients; who fails is left out from then on, and named."""
        self.files, self.key = files, key
        self.bytes = sum(path.stat().st_size for path in files.iterdir()) if files.is_dir() else None
        self.bytes = self.bytes or files.stat().st_size
        take_memory(self.suite.memory, self.bytes)
        left = [one for one in clients(*self.names) if all(one.can(each) for each in self.operations)]
        for number in rounds(self.suite.rounds, seconds):
            self.suite.say(f"{self.row}, {self.endpoint.name}: round {number + 1} of {self.suite.rounds}")
            if not left:
                return
            first = number % len(left)
            for client in left[first:] + left[:first]:
                try:
                    self.both_ways(client)
                except Broken as problem:
                    self.suite.failed(f"{self.row}, {self.endpoint.name}: {client.name}: {problem}")
                    left.remove(client)

    def both_ways(self, client):
        up, down = self.operations
        self.one(client, up, self.files, self.check_upload)
        with gone_after(self.suite.memory / "back") as back:
            if self.files.is_dir():
                back.mkdir()
            self.one(client, down, back, lambda *_: compare(self.files, back, client.name))

    def one(self, client, operation, file, check):
        if self.log:
            self.log.since_last()
        command = client.command(operation, self.endpoint, file, self.key)
        cost, _ = run(command, client.environment(self.endpoint))
        counts, received = self.log.since_last() if self.log else (None, 0)
        check(client, received)
        more = {"requests": counts.total()} if counts else {}
        self.suite.samples.add(
            self.row,
            self.endpoint.name,
            operation + self.label,
            client.name,
            cost,
            bytes=self.bytes,
            **more,
        )

    def check_upload(self, client, received):
        """Where uploads vanish, as many bytes as there are must have come; elsewhere they are read back."""
        if self.log and received < self.bytes:
            raise Broken(f"{client.name} sent {received} bytes of {self.bytes}")


def started(suite, endpoint):
    """What it costs each client to do nothing."""
    commands = {client.name: client.command("nothing", endpoint, "", "") for client in clients(*ALL[2:])}
    commands |= {"ours": [clients("ours")[0].program, "--version"], "s5cmd": ["s5cmd", "version"]}
    for _ in range(suite.rounds):
        for name in ALL:
            cost, _ = run(commands[name], endpoint.environment)
            suite.samples.add("small", endpoint.name, "nothing", name, cost)


def packed(suite, endpoint, count):
    """The same number of small files as a job has them: in packs, verified, into a sandbox and back."""
    shape = Shape(small=count, small_bytes=16 * KIB, small_outputs=count)
    pack(suite, "small", endpoint, shape, suite.seconds(0.1))


def pack(suite, row, endpoint, shape, seconds, label=""):
    """Jobs of this shape, of whose phases each is beside what moves the files one by one."""
    job = GalaxyJob(suite.memory / "packed", shape)
    for _ in rounds(suite.rounds, seconds):
        job.renew()
        try:
            _, phases = job.run(endpoint)
        except Broken as problem:
            suite.failed(f"{row}, packed{label}: {problem}")
            return
        for phase, operation in (
            ("stage", UP_MANY),
            ("fetch", DOWN_MANY),
            ("push", UP_MANY),
            ("collect", DOWN_MANY),
        ):
            report = phases[phase]
            suite.samples.add(
                row,
                endpoint.name,
                operation + label,
                f"ours, packed ({phase})",
                Cost(report["seconds"], None, None, None),
                requests=report["requests"],
                bytes=report["bytes"],
            )
