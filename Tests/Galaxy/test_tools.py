# SPDX-License-Identifier: Apache-2.0
"""What tools do to a Galaxy, with real programs where it takes any."""

import os
import re
import signal
import time

RUN = re.compile(r"\d+-[0-9a-f]{16}")


def figures(shown):
    """What Galaxy's job metrics say of a run."""
    metrics = [metric for metric in shown["job_metrics"] if metric["plugin"] == "s3_executor"]
    return {metric["name"]: float(metric["raw_value"]) for metric in metrics}


def test_an_index_that_two_tools_use_is_staged_once(lab):
    genome = (lab.directory / "indices/genome.fa").read_text().split("\n", 1)[1].replace("\n", "")
    starts = (100, 500, 5000)
    reads = [f"@r{at}\n{genome[at : at + 80]}\n+\n{'I' * 80}\n" for at in starts]
    data = lab.upload("".join(reads), name="reads", ext="fastqsanger")
    files = list((lab.directory / "indices").glob("genome.*.bt2"))
    # Another version than any test before has had, and old enough to be known by its time.
    for file in files:
        os.utime(file)
    time.sleep(3)
    aligned = lab.start("test_align", reads=data, index="genome")
    first = figures(aligned.ended_ok())
    index = sum(file.stat().st_size for file in files)
    assert first["stage_bytes"] > index
    shown = lab.galaxy.datasets.show_dataset(aligned.outputs["out"])
    # Galaxy has read the results to say so, and has made the index that the next tool asks for.
    assert (shown["state"], shown["metadata_sort_order"]) == ("ok", "coordinate")
    counted = lab.start("test_inspect", reads={"src": "hda", "id": shown["id"]}, index="genome")
    second = figures(counted.ended_ok())
    assert counted.text() == "2\ngenome\n"
    assert second["stage_bytes"] < first["stage_bytes"] / 10
    # The tool had it all the same.
    assert second["fetch_bytes"] > index


def test_an_input_that_is_purged_while_its_job_waits(lab):
    input = lab.upload("to be purged\n")
    (lab.directory / "galaxy-head-node").rename(lab.directory / "away")
    os.kill(lab.head_node(), signal.SIGKILL)
    job = lab.start("test_line", input=input)
    lab.until(lambda: job.show()["external_id"])
    lab.galaxy.histories.delete_dataset(lab.history, input["id"], purge=True)
    path = lab.description(job.show())["inputs"][0]["path"]
    lab.until(lambda: not os.path.exists(path))
    (lab.directory / "away").rename(lab.directory / "galaxy-head-node")
    assert job.end()["state"] == "error"
    words = lab.galaxy.datasets.show_dataset(job.outputs["out"])["misc_info"]
    assert os.path.basename(path) in words, words


def test_uploads_stay_with_galaxy(lab):
    dataset = lab.upload("x\n")
    job = lab.job(lab.galaxy.datasets.show_dataset(dataset["id"])["creating_job"])
    assert not RUN.fullmatch(job["external_id"] or "")
