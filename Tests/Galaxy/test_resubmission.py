# SPDX-License-Identifier: Apache-2.0
"""A job that reaches its walltime is begun once more elsewhere, and meets nothing of what it has left.

Each run of the tool adds its name to whatever it finds.
"""

import os
import re

import pytest
from conftest import asked, skip_without_mount

pytestmark = pytest.mark.modes

# By the environment whose time is too short: the one that comes next.
if os.environ.get("GALAXY_S3_TEST_STORE") == "object_store":
    STEPS = [pytest.param(("short", "long"), id="object_store")]
else:
    STEPS = [
        pytest.param(("short", "long"), marks=pytest.mark.anywhere, id="copy"),
        pytest.param(("link_short", "link_long"), id="link"),
    ]


@pytest.fixture(scope="module")
def all_limited(request, lab):
    return {step: lab.at(step[0]).start("test_limited", seconds=8) for step in asked(request, "limited")}


@pytest.fixture(scope="module", params=STEPS)
def limited(request, lab, all_limited):
    """A job whose first run takes too long, and the names of its two environments."""
    skip_without_mount(lab, request.param[0])
    return all_limited[request.param], *request.param


def test_the_second_run_meets_nothing_of_the_first(limited):
    job, short, long = limited
    shown = job.ended_ok()
    assert shown["tool_stdout"].splitlines()[-1] == "second 8"
    name = shown["tool_stdout"].splitlines()[0].removeprefix("begun as ")
    assert (job.text(), job.text("found")) == (f"{name}\n", f"{name}\n")
    (collection,) = job.collections.values()
    assert job.lab.elements(collection) == {name: f"{name}\n"}
    first = first_run(job, shown, short, long)
    assert first != shown["external_id"]


def test_nothing_of_the_first_run_is_linked(lab, limited):
    job, short, long = limited
    shown = job.ended_ok()
    (collection,) = job.collections.values()
    elements = lab.galaxy.histories.show_dataset_collection(job.lab.history, collection)["elements"]
    datasets = [*job.outputs.values(), *(element["object"]["id"] for element in elements)]
    if short.startswith("link"):
        lab.until(lambda: all(map(lab.is_link, datasets)))
        runs = {os.readlink(lab.path(dataset)).split("/data/test/")[1].split("/")[0] for dataset in datasets}
        assert runs == {shown["external_id"]}
    else:
        assert not any(map(lab.is_link, datasets))
    links = [path for path in (lab.directory / "data").rglob("dataset_*.dat") if path.is_symlink()]
    first = first_run(job, shown, short, long)
    assert not [path for path in links if first in os.readlink(path)]


def first_run(job, shown, short, long):
    """The run that Galaxy's log says was the first."""
    number = shown["external_id"].partition("-")[0]
    words = f"will be resubmitted to '{long}' because it reached the walltime at the '{short}' destination"
    (run,) = re.findall(rf"\({number}/({number}-[0-9a-f]+)\) Job {words}", job.lab.log())
    return run
