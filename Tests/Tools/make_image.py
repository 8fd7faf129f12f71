# SPDX-License-Identifier: Apache-2.0
"""Packs a folder as a one-layer OCI image archive, without a container engine; prints NAME@DIGEST.

The archive's bytes depend on the folder's names, contents and modes alone: every owner is root and
every time is 1 January 1970. A NAME below localhost/ keeps a runtime that lacks the image from asking
any other machine for it.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
import tempfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MEDIA = "application/vnd.oci.image."


class Archive:
    """An OCI image layout in a tar file: blobs are added, then finish() writes the rest."""

    def __init__(self, file):
        self.tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)
        self.known = set()

    def add(self, name, size, file):
        entry = tarfile.TarInfo(name)
        entry.size = size
        entry.mode = 0o644
        self.tar.addfile(entry, file)

    def blob(self, kind, file):
        """Adds the file as a blob and returns its descriptor."""
        digest = digest_of(file)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if digest not in self.known:
            self.add(f"blobs/sha256/{digest}", size, file)
            self.known.add(digest)
        return {"mediaType": MEDIA + kind, "digest": f"sha256:{digest}", "size": size}

    def document(self, kind, value):
        return self.blob(kind, io.BytesIO(text(value)))

    def finish(self, manifest):
        for name, value in (
            ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
            ("index.json", {"schemaVersion": 2, "manifests": [manifest]}),
        ):
            self.add(name, len(text(value)), io.BytesIO(text(value)))
        self.tar.close()


def text(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(file):
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def anonymous(entry):
    """The tar entry with nothing that differs between two machines or two days."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def write_layer(root, file):
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(root):
            folders.sort()
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in sorted(files + links):
                add_to_layer(tar, root, os.path.join(folder, name))
            for name in folders:
                if name not in links:
                    add_to_layer(tar, root, os.path.join(folder, name))


def add_to_layer(tar, root, path):
    tar.add(path, os.path.relpath(path, root), recursive=False, filter=anonymous)


def compressed(layer):
    """The layer by gzip, which is told neither a time nor a name."""
    file = tempfile.TemporaryFile()
    layer.seek(0)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as stream:
        shutil.copyfileobj(layer, stream)
    return file


def make(options):
    layer = tempfile.TemporaryFile()
    write_layer(options.root, layer)
    diff_id = digest_of(layer)
    settings = {
        "Env": options.env or ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Labels": dict(label.split("=", 1) for label in options.label),
    }
    if options.entrypoint:
        settings["Entrypoint"] = [options.entrypoint]
    if options.user:
        settings["User"] = options.user
    platform_ = {"architecture": ARCHITECTURES[platform.machine()], "os": "linux"}
    with open(options.output, "wb") as output:
        archive = Archive(output)
        if options.compress:
            layers = [archive.blob("layer.v1.tar+gzip", compressed(layer))]
        else:
            layers = [archive.blob("layer.v1.tar", layer)]
        config = {
            **platform_,
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        }
        manifest = archive.document(
            "manifest.v1+json",
            {
                "schemaVersion": 2,
                "mediaType": MEDIA + "manifest.v1+json",
                "config": archive.document("config.v1+json", config),
                "layers": layers,
                "annotations": settings["Labels"],
            },
        )
        manifest["platform"] = platform_
        manifest["annotations"] = {
            "io.containerd.image.name": options.name,
            "org.opencontainers.image.ref.name": options.name.rpartition(":")[2],
        }
        archive.finish(manifest)
    return f"{options.name.rpartition(':')[0]}@{manifest['digest']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", required=True, help="NAME:TAG")
    parser.add_argument("--root", required=True, help="the folder that becomes /")
    parser.add_argument("--output", required=True, help="the archive")
    parser.add_argument("--entrypoint")
    parser.add_argument("--user")
    parser.add_argument("--env", action="append", default=[], help="NAME=VALUE, in place of PATH")
    parser.add_argument("--label", action="append", default=[], help="NAME=VALUE")
    parser.add_argument("--compress", action="store_true")
    print(make(parser.parse_args()))


main()
