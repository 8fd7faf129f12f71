# SPDX-License-Identifier: Apache-2.0
"""watched_tree.py TREE: makes TREE a copy of this repository whose Swift imports WatchedLocks in place of
Synchronization. A file that is right already keeps its time, so that only what has changed is built again."""

import pathlib
import shutil
import subprocess
import sys

OURS, WATCHED = b"\nimport Synchronization\n", b"\nimport WatchedLocks\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    repository = pathlib.Path(__file__).resolve().parents[2]
    tree = pathlib.Path(sys.argv[1])
    names = subprocess.check_output(
        ["git", "-C", repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], text=True
    )
    wanted = {tree / name for name in names.split("\0") if name and (repository / name).is_file()}
    for path in wanted:
        source = repository / path.relative_to(tree)
        content = source.read_bytes()
        if path.suffix == ".swift":
            content = content.replace(OURS, WATCHED)
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            shutil.copymode(source, path)
    for path in tree.rglob("*"):
        if path.is_file() and path not in wanted and path.name != "Package.resolved":
            path.unlink()


if __name__ == "__main__":
    main()
