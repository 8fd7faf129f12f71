# SPDX-License-Identifier: Apache-2.0
"""Files to move, and whether what came is what went."""

import contextlib
import os
import pathlib
import shutil
import subprocess

from measuring import Broken

MIB = 1 << 20


def make_file(path, size):
    """A file of random bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - start)))
    return path


def take_memory(folder, size):
    """Takes memory and gives it back.

    What a virtual machine has not used for a while it has to ask its host for, and whoever comes first
    would pay for all who come after.
    """
    with gone_after(folder / "taken") as path, path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(bytes(MIB))


def make_files(folder, count, size):
    """Many files of random bytes in one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"f{number:05d}").write_bytes(os.urandom(size))
    return folder


def files_of(folder):
    """The files below a folder, relative to it."""
    folder = pathlib.Path(folder)
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def compare(expected, found, who):
    """Two files, or two folders with all their files, byte by byte."""
    if pathlib.Path(expected).is_file():
        result = subprocess.run(["cmp", expected, found], check=False, capture_output=True, text=True)
        if result.returncode:
            raise Broken(f"{who} brought other bytes: {(result.stdout + result.stderr).strip()}")
        return
    names = files_of(expected)
    if names != files_of(found):
        raise Broken(f"{who} brought {len(files_of(found))} files and not those {len(names)}")
    for name in names:
        if (expected / name).read_bytes() != (found / name).read_bytes():
            raise Broken(f"{who} brought other bytes in {name}")


@contextlib.contextmanager
def gone_after(path):
    """A place for what a command brings, empty before and after."""
    remove(path)
    try:
        yield path
    finally:
        remove(path)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
