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

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLATFORM = {
    "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
    "os": "linux",
}
MEDIA = "application/vnd.oci.image."


class Archive:
    """An OCI image layout in a tar file."""

    def __init__(self, file):
        self.tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, file):
        entry = tarfile.TarInfo(name)
        entry.size = file.seek(0, os.SEEK_END)
        entry.mode = 0o644
        file.seek(0)
        self.tar.addfile(entry, file)
        return entry.size

    def add_document(self, name, value):
        self.add(name, io.BytesIO(encoded(value)))

    def add_blob(self, kind, file):
        """Adds the file as a blob and returns its descriptor."""
        digest = digest_of(file)
        size = self.add(place_of(digest), file)
        return {"mediaType": MEDIA + kind, "digest": digest, "size": size}


def place_of(digest):
    return "blobs/" + digest.replace(":", "/")


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(file):
    file.seek(0)
    return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def anonymous(entry):
    """The tar entry with nothing that differs between two machines or two days."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def write_layer(root, file):
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(root)):
            tar.add(os.path.join(root, name), name, filter=anonymous)


def write_compressed(layer, file):
    """gzip, told neither a time nor a name."""
    layer.seek(0)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as stream:
        shutil.copyfileobj(layer, stream)


def write_archive(options, layer, diff_id, output):
    labels = dict(label.split("=", 1) for label in options.label)
    settings = {"Env": [PATH], "Labels": labels}
    if options.entrypoint:
        settings["Entrypoint"] = [options.entrypoint]
    if options.user:
        settings["User"] = options.user
    document = {
        **PLATFORM,
        "created": "1970-01-01T00:00:00Z",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    archive = Archive(output)
    kind = "layer.v1.tar+gzip" if options.compress else "layer.v1.tar"
    layer = archive.add_blob(kind, layer)
    config = archive.add_blob("config.v1+json", io.BytesIO(encoded(document)))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MEDIA + "manifest.v1+json",
        "config": config,
        "layers": [layer],
        "annotations": labels,
    }
    manifest = archive.add_blob("manifest.v1+json", io.BytesIO(encoded(manifest)))
    name = {
        "io.containerd.image.name": options.name,
        "org.opencontainers.image.ref.name": options.name.rpartition(":")[2],
    }
    entry = {**manifest, "platform": PLATFORM, "annotations": name}
    archive.add_document("index.json", {"schemaVersion": 2, "manifests": [entry]})
    archive.add_document("oci-layout", {"imageLayoutVersion": "1.0.0"})
    # For the `docker load` of old, which knows no OCI.
    legacy = {
        "Config": place_of(config["digest"]),
        "Layers": [place_of(layer["digest"])],
        "RepoTags": [options.name],
    }
    archive.add_document("manifest.json", [legacy])
    archive.tar.close()
    return manifest["digest"]


def main(options):
    layer = tempfile.TemporaryFile()
    write_layer(options.root, layer)
    diff_id = digest_of(layer)
    if options.compress:
        plain, layer = layer, tempfile.TemporaryFile()
        write_compressed(plain, layer)
    with open(options.output, "wb") as output:
        digest = write_archive(options, layer, diff_id, output)
    print(f"{options.name.rpartition(':')[0]}@{digest}")


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--name", required=True, help="NAME:TAG")
parser.add_argument("--root", required=True, help="the folder that becomes /")
parser.add_argument("--output", required=True, help="the archive")
parser.add_argument("--entrypoint", help="the one program that the image runs")
parser.add_argument("--user", help="who runs it")
parser.add_argument("--label", action="append", default=[], help="NAME=VALUE")
parser.add_argument("--compress", action="store_true", help="the layer by gzip")
main(parser.parse_args())
