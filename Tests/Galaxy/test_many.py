# SPDX-License-Identifier: Apache-2.0
"""Many jobs and many files at once, wherever they go."""

import os

import pytest
from conftest import LINES, skip_without_mount

pytestmark = pytest.mark.modes

# By environment, how many jobs are to be started at once beside the twenty of the pairs, and how many files
# one job makes: Galaxy itself pushes each of them into its object store.
if os.environ.get("GALAXY_S3_TEST_STORE") == "object_store":
    PLACES = [pytest.param(("s3", 20, 500), id="object_store")]
else:
    PLACES = [
        pytest.param(("s3", 100, 2000), id="copy"),
        pytest.param(("link_internal", 20, 2000), id="link"),
    ]
SIDES = ("forward", "reverse")


@pytest.fixture(scope="module")
def pairs(lab):
    """A collection of twenty pairs."""
    sides = [{"name": side, **lab.upload(f"{side}\n", name=side, wait=False)} for side in SIDES]
    found = [
        {
            "name": f"sample {number} of 'twenty'",
            "src": "new_collection",
            "collection_type": "paired",
            "element_identifiers": sides,
        }
        for number in range(20)
    ]
    collection = {"collection_type": "list:paired", "name": "pairs", "element_identifiers": found}
    made = lab.galaxy.histories.create_dataset_collection(lab.history, collection)
    return {"src": "hdca", "id": made["id"], "map_over_type": "paired"}


class Many:
    def __init__(self, lab, environment, lines, count, pairs, files):
        self.lab = lab.at(environment)
        self.file_count = files
        self.is_linked = environment.startswith("link")
        self.pairs = self.lab.start("test_pair", pair={"batch": True, "values": [pairs]})
        self.lines = self.lab.start("test_line", input={"batch": True, "values": [lines] * count})

    def are_in_place(self, datasets):
        """Whether they are where this environment's outputs belong. Discovered files become links later."""
        if self.is_linked:
            return self.lab.until(lambda: all(map(self.lab.is_link, datasets)))
        return not any(map(self.lab.is_link, datasets))


@pytest.fixture(scope="module", params=PLACES)
def many(request, lab, lines, pairs):
    environment, count, files = request.param
    skip_without_mount(lab, environment)
    return Many(lab, environment, lines, count, pairs, files)


def test_a_collection_of_pairs_is_mapped(many):
    assert many.pairs.states() == ["ok"] * 20
    expected = {f"sample {number} of 'twenty'": "forward\treverse\n" for number in range(20)}
    assert many.lab.elements(many.pairs.implicit[0]) == expected


def test_many_jobs_at_once(many):
    count = len(many.lines.jobs)
    assert many.lines.states() == ["ok"] * count
    shown = [many.lab.job(job) for job in many.lines.jobs]
    assert len({one["external_id"] for one in shown}) == count
    outputs = [one["outputs"]["out"]["id"] for one in shown]
    assert {many.lab.text(output) for output in outputs} == {LINES + "more\n"}
    assert many.are_in_place(outputs)


def test_many_files_are_discovered(many):
    count = many.file_count
    job = many.lab.start("test_many", count=count)
    job.ended_ok()
    assert job.text("number") == f"{count}\n"
    (collection,) = job.collections.values()
    shown = many.lab.galaxy.histories.show_dataset_collection(many.lab.history, collection)
    found = {element["element_identifier"]: element["object"]["id"] for element in shown["elements"]}
    assert sorted(found, key=int) == [str(number) for number in range(1, count + 1)]
    looked_at = [str(number) for number in (1, count // 2, count)]
    assert [many.lab.text(found[number]) for number in looked_at] == [f"part {at}\n" for at in looked_at]
    assert many.are_in_place([found[number] for number in looked_at])
