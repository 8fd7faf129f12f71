# SPDX-License-Identifier: Apache-2.0
"""Where Galaxy's own object store keeps a dataset in S3, by what Galaxy's own objects say of it.

Such a store is a bucket behind a cache on this machine's disk; a key is what the path in the cache is
below the cache's directory. Nothing is pulled into the cache here, and nothing is guessed.
"""

import os
from dataclasses import dataclass, replace
from typing import Any, Optional

from galaxy.exceptions import ObjectNotFound
from galaxy.job_execution.compute_environment import dataset_path_to_extra_path

# By their names in Galaxy's configuration, where `s3` and `swift` are other words for the last two.
S3_STORES = ("boto3", "aws_s3", "generic_s3")


@dataclass(frozen=True)
class StoredObject:
    """One dataset as an object. Its path is its place in the cache, whether or not that has it now."""

    path: str
    bucket: str
    key: str
    # A URL; None for AWS's own.
    endpoint: Optional[str]
    # In bytes, as Galaxy's database says; None where it does not.
    size: Optional[int]


def stored_object(dataset: Any) -> Optional[StoredObject]:
    """The dataset of a DatasetInstance as an object; None if it is in no S3 store of Galaxy's.

    Raises ObjectNotFound for what Galaxy's database has and the store has not.
    """
    held = dataset.dataset
    if held is None or held.external_filename:
        return None
    store = concrete_store(held)
    if not is_s3(store):
        return None
    path = dataset.get_file_name(sync_cache=False)
    if not path:
        raise ObjectNotFound(f"The dataset {held.id} is not in Galaxy's object store: {store.bucket}")
    key = os.path.relpath(path, os.path.abspath(store.staging_path))
    if key.startswith("../"):
        return None
    # Galaxy takes 0 for a size that nobody has looked at, and it can stay so: a collection that was made of
    # a dataset before that was there has noted it.
    size = int(held.file_size) if held.file_size else None
    return StoredObject(path, store.bucket, key, endpoint_of(store), size)


def stored_extra_files(dataset: Any, stored: StoredObject) -> Optional[StoredObject]:
    """The directory of the dataset's extra files, if there is one: its key is what theirs begin with."""
    held = dataset.dataset
    name = held.extra_files_path_name
    path = os.path.join(os.path.dirname(stored.path), name or "")
    # Templates derive the directory from the dataset's path.
    if not name or path != dataset_path_to_extra_path(stored.path) or not held.extra_files_path_exists():
        return None
    key = os.path.join(os.path.dirname(stored.key), name) + "/"
    return replace(stored, path=path, key=key, size=None)


def concrete_store(held: Any) -> Any:
    """The store that has the bytes; of several, the one that Galaxy has noted for them."""
    whole = held.object_store
    chosen = None
    if held.object_store_id:
        chosen = whole.get_concrete_store_by_object_store_id(held.object_store_id)
    return whole if chosen is None else chosen


def is_s3(store: Any) -> bool:
    return getattr(store, "store_type", None) in S3_STORES


def has_s3(store: Any) -> bool:
    """Whether any of Galaxy's stores is in S3."""
    return is_s3(store) or any(has_s3(backend) for backend in getattr(store, "backends", {}).values())


def endpoint_of(store: Any) -> Optional[str]:
    if store.store_type == "boto3":
        return store.endpoint_url or None
    if store.store_type == "generic_s3":
        return f"{'https' if store.is_secure else 'http'}://{store.host}:{store.port}"
    return None
