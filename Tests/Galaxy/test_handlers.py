# SPDX-License-Identifier: Apache-2.0
"""A Galaxy whose jobs two processes share, each with a head node of its own."""

import re

import pytest
from conftest import LINES, begun

pytestmark = pytest.mark.handlers
HANDLERS = ("handler_1", "handler_2")


@pytest.fixture(scope="module", autouse=True)
def heads(lab):
    for name in HANDLERS:
        lab.until(lambda name=name: lab.head_node(f"{name}-process"))


def handlers(lab, jobs):
    """The processes that have taken these jobs."""
    query = {"view": "admin_job_list", "limit": 100}
    found = lab.galaxy.make_get_request(f"{lab.galaxy.url}/jobs", params=query).json()
    return {one["handler"] for one in found if one["id"] in jobs}


def test_what_is_wrong_in_their_xml_is_said_with_its_line(lab, tmp_path):
    content = (lab.directory / "job_conf.xml").read_text()
    changed = content.replace(">10m<", ">soon<", 1)
    (wrong,) = [number for number, line in enumerate(changed.splitlines(), 1) if ">soon<" in line]
    (tmp_path / "job_conf.xml").write_text(changed)
    done = lab.call_head_node("check-config", "--job-config", tmp_path / "job_conf.xml")
    assert done.returncode == 78
    (said,) = re.findall(r"job_conf\.xml:(\d+): (\S+):", done.stderr)
    assert said == (str(wrong), "limits.walltime")


def test_jobs_are_shared_and_run_once(lab, lines):
    job = lab.start("test_line", input={"batch": True, "values": [lines] * 30})
    assert job.states() == ["ok"] * 30
    shown = [lab.job(id) for id in job.jobs]
    assert handlers(lab, job.jobs) == set(HANDLERS)
    assert len({one["external_id"] for one in shown}) == 30
    assert {lab.text(one["outputs"]["out"]["id"]) for one in shown} == {LINES + "more\n"}


def test_a_handler_that_is_killed_takes_its_own_jobs_up_again(lab):
    jobs = [lab.start("test_patient", seconds=45) for _ in range(6)]
    names = [begun(lab, job) for job in jobs]
    before = [job.show() for job in jobs]
    assert handlers(lab, [job.id for job in jobs]) == set(HANDLERS)
    lab.kill_galaxy("handler_1-process")
    lab.start_galaxy()
    after = [job.ended_ok() for job in jobs]
    # One run of each, from its beginning to its end, and no other.
    assert [one["external_id"] for one in after] == [one["external_id"] for one in before]
    assert [job.text() for job in jobs] == [f"{name}\n" for name in names]
