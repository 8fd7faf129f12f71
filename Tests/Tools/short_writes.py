# SPDX-License-Identifier: Apache-2.0
"""short_writes.py --of NAME [--of NAME] --count FILE PROGRAM...: runs a program whose writes come short.

Whenever a process whose program is called NAME writes more than one byte to a file or a socket, or more
than a page's worth to a pipe, the kernel is given half as many to write. It writes those, and says how
many: what full disks, limits and signals do now and then happens each time. Nothing is pretended, so a
program that takes the first answer for the whole loses bytes, and one that goes on loses none.

FILE gets a line for each program and kind: "galaxy-head-node file 123". It works by ptrace(2), on static
programs too, through all threads and children. The exit status is PROGRAM's.
"""

import argparse
import collections
import ctypes
import os
import pathlib
import platform
import signal
import sys

# The number of each call, which argument says where to, and which how many: write, pwrite64, sendto,
# sendfile, copy_file_range.
CALLS = {
    "x86_64": {1: (0, 2), 18: (0, 2), 44: (0, 2), 40: (0, 3), 326: (2, 4)},
    "aarch64": {64: (0, 2), 68: (0, 2), 206: (0, 2), 71: (0, 3), 285: (2, 4)},
}[platform.machine()]
# Where arguments are among the registers, and how many of those there are: user_regs_struct.
PLACES, REGISTERS = {
    "x86_64": ((14, 13, 12, 7, 9, 8), 27),
    "aarch64": ((0, 1, 2, 3, 4, 5), 34),
}[platform.machine()]
# Less comes whole out of every pipe.
PIPE_BUF = 4096

# sys/ptrace.h
TRACEME, CONT, SYSCALL, SETOPTIONS = 0, 7, 24, 0x4200
GETREGSET, SETREGSET, GET_SYSCALL_INFO = 0x4204, 0x4205, 0x420E
TRACESYSGOOD, EVENTS = 1, 0x1E
EVENT_EXEC = 4
ENTRY, EXIT = 1, 2
NT_PRSTATUS = 1
# linux/wait.h
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class CallInfo(ctypes.Structure):
    """struct ptrace_syscall_info, as far as it is looked at."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        # On entry the call's number and its arguments; on exit its result.
        ("values", ctypes.c_int64 * 8),
    ]


class Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def ptrace(request, tid, address=0, data=0):
    """Whether it was done; a thread that is being killed takes no requests."""
    return libc.ptrace(request, tid, address, data) >= 0


def registers(tid):
    values = (ctypes.c_uint64 * REGISTERS)()
    vector = Vector(ctypes.cast(values, ctypes.c_void_p), ctypes.sizeof(values))
    return values if ptrace(GETREGSET, tid, NT_PRSTATUS, ctypes.addressof(vector)) else None


def set_register(tid, place, value):
    values = registers(tid)
    if values is None:
        return
    values[place] = value
    vector = Vector(ctypes.cast(values, ctypes.c_void_p), ctypes.sizeof(values))
    ptrace(SETREGSET, tid, NT_PRSTATUS, ctypes.addressof(vector))


class Tracer:
    """Every thread of a program and of what it starts."""

    def __init__(self, names):
        self.names = set(names)
        # By thread: the name of a program of ours, or None.
        self.threads = {}
        # By thread: the write that it is in, as (register, bytes wanted, bytes allowed, kind).
        self.writes = {}
        self.counts = collections.Counter()

    def run(self, command):
        """Runs the command to its end, and gives its status."""
        first = os.fork()
        if first == 0:
            ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execvp(command[0], command)
        os.waitpid(first, WALL)
        ptrace(SETOPTIONS, first, 0, TRACESYSGOOD | EVENTS)
        self.threads[first] = None
        ptrace(CONT, first)
        while True:
            tid, status = os.waitpid(-1, WALL)
            if os.WIFSTOPPED(status):
                sent = self.stopped(tid, status >> 16, os.WSTOPSIG(status))
                ptrace(SYSCALL if self.threads.get(tid) else CONT, tid, 0, sent)
            elif tid == first:
                return os.waitstatus_to_exitcode(status)
            else:
                self.threads.pop(tid, None)

    def stopped(self, tid, event, number):
        """Looks at why a thread has stopped, and gives the signal that it is to get."""
        if tid not in self.threads:
            # A new one begins so.
            self.threads[tid] = self.program(tid)
            return 0 if number == signal.SIGSTOP else number
        if event:
            if event == EVENT_EXEC:
                self.threads[tid] = self.program(tid)
            return 0
        if number == signal.SIGTRAP | 0x80:
            self.call(tid)
            return 0
        return number

    def program(self, tid):
        try:
            name = os.path.basename(os.readlink(f"/proc/{tid}/exe"))
        except OSError:
            return None
        return name if name in self.names else None

    def call(self, tid):
        info = CallInfo()
        if not ptrace(GET_SYSCALL_INFO, tid, ctypes.sizeof(info), ctypes.addressof(info)):
            return
        if info.op == ENTRY:
            self.enter(tid, info.values[0], info.values[1:7])
        elif info.op == EXIT and tid in self.writes:
            place, wanted, allowed, kind = self.writes.pop(tid)
            # Compiled code relies on a kernel that leaves its arguments alone.
            set_register(tid, place, wanted)
            if info.values[0] == allowed:
                self.counts[self.threads[tid], kind] += 1

    def enter(self, tid, number, arguments):
        if number not in CALLS:
            return
        target, size = CALLS[number]
        wanted = arguments[size]
        kind = kind_of(tid, arguments[target])
        if kind is None or wanted < (PIPE_BUF * 2 if kind == "pipe" else 2):
            return
        set_register(tid, PLACES[size], wanted // 2)
        self.writes[tid] = (PLACES[size], wanted, wanted // 2, kind)


def kind_of(tid, descriptor):
    """What a thread writes to; None for what takes all or nothing."""
    try:
        place = os.readlink(f"/proc/{tid}/fd/{descriptor}")
    except OSError:
        return None
    if place.startswith("/"):
        return None if place.startswith("/dev/") else "file"
    kind = place.partition(":")[0]
    return kind if kind in ("socket", "pipe") else None


def main():
    parser = argparse.ArgumentParser(description="Runs a program whose writes come short.")
    parser.add_argument("--of", required=True, action="append", metavar="NAME")
    parser.add_argument("--count", required=True, type=pathlib.Path, metavar="FILE")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="PROGRAM")
    given = parser.parse_args()
    tracer = Tracer(given.of)
    status = tracer.run(given.command)
    lines = [f"{name} {kind} {count}\n" for (name, kind), count in sorted(tracer.counts.items())]
    given.count.write_text("".join(lines), encoding="utf-8")
    sys.exit(128 - status if status < 0 else status)


main()
