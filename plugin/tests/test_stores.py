# SPDX-License-Identifier: Apache-2.0
"""Where Galaxy keeps a dataset in S3, by stand-ins for its stores. Tests/Galaxy asks a real one."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from galaxy.exceptions import ObjectNotFound
from galaxy_s3_executor import stores


def boto3(**more):
    fields = {"bucket": "data", "staging_path": "/cache", "endpoint_url": "https://s3.example.org"}
    return SimpleNamespace(store_type="boto3", **{**fields, **more})


class Distributed:
    store_type = "distributed"

    def __init__(self, **backends):
        self.backends = backends

    def get_concrete_store_by_object_store_id(self, store_id):
        return self.backends.get(store_id)


def dataset(store, path="/cache/0/1/2/dataset_x.dat", store_id=None, size=None, external=None):
    held = SimpleNamespace(
        id=7, object_store=store, object_store_id=store_id, file_size=size, external_filename=external
    )
    asked = []

    def get_file_name(sync_cache=True):
        asked.append(sync_cache)
        return path

    return SimpleNamespace(dataset=held, get_file_name=get_file_name, asked=asked)


def test_a_dataset_in_the_one_store():
    found = dataset(boto3(), size=Decimal(12))
    assert stores.stored_object(found) == stores.StoredObject(
        path="/cache/0/1/2/dataset_x.dat",
        bucket="data",
        key="0/1/2/dataset_x.dat",
        endpoint="https://s3.example.org",
        size=12,
    )
    assert found.asked == [False], "nothing is pulled into the cache"


@pytest.mark.parametrize("size", [None, Decimal(0)])
def test_a_size_that_galaxy_may_never_have_looked_at(size):
    assert stores.stored_object(dataset(boto3(), size=size)).size is None


@pytest.mark.parametrize(
    ("store", "endpoint"),
    [
        (boto3(endpoint_url=None), None),
        (SimpleNamespace(store_type="aws_s3", bucket="data", staging_path="/cache"), None),
        (
            SimpleNamespace(
                store_type="generic_s3",
                bucket="data",
                staging_path="/cache",
                host="s3.example.org",
                port=9000,
                is_secure=False,
            ),
            "http://s3.example.org:9000",
        ),
    ],
)
def test_endpoints_of_every_kind_of_store(store, endpoint):
    assert stores.stored_object(dataset(store)).endpoint == endpoint


def test_of_several_stores_the_one_that_galaxy_has_noted():
    whole = Distributed(a=boto3(bucket="one"), b=boto3(bucket="two"), c=SimpleNamespace(store_type="disk"))
    assert stores.stored_object(dataset(whole, store_id="b")).bucket == "two"
    assert stores.stored_object(dataset(whole, store_id="c")) is None
    # Nothing says which one: a user's own store, or one that is hierarchical.
    assert stores.stored_object(dataset(whole, store_id="user_objects://1")) is None
    assert stores.stored_object(dataset(whole)) is None
    assert stores.has_s3(whole)
    assert not stores.has_s3(Distributed(c=SimpleNamespace(store_type="disk")))


def test_extra_files_are_beside_the_dataset():
    found = dataset(boto3())
    found.dataset.extra_files_path_name = "dataset_x_files"
    found.dataset.extra_files_path_exists = lambda: True
    stored = stores.stored_object(found)
    extra = stores.stored_extra_files(found, stored)
    assert (extra.path, extra.key) == ("/cache/0/1/2/dataset_x_files", "0/1/2/dataset_x_files/")
    assert (extra.bucket, extra.size) == ("data", None)
    found.dataset.extra_files_path_name = "dataset_7_files"
    assert stores.stored_extra_files(found, stored) is None, "not where templates look for them"
    found.dataset.extra_files_path_name = "dataset_x_files"
    found.dataset.extra_files_path_exists = lambda: False
    assert stores.stored_extra_files(found, stored) is None


def test_what_is_not_in_the_store():
    assert stores.stored_object(dataset(boto3(), external="/library/file")) is None
    assert stores.stored_object(dataset(boto3(), path="/elsewhere/dataset_x.dat")) is None
    with pytest.raises(ObjectNotFound, match="The dataset 7 is not in Galaxy's object store: data"):
        stores.stored_object(dataset(boto3(), path=""))
