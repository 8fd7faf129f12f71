# SPDX-License-Identifier: Apache-2.0
"""Jobs of a real Galaxy whose own data are in the bucket, with `output_mode: object_store`.

What passes the head node is read from its metrics; what Galaxy itself reads is in its log.
"""

import http.client
import os
import re
import socket
import zipfile
from random import Random

import pysam
import pytest

pytestmark = pytest.mark.object_store
LARGE = "".join(f"line {number} of a text that is no small one\n" for number in range(40_000))
# A job's own packs: scripts, streams, exit code, reports.
SMALL = 200_000


class Figures:
    """Bytes of objects that the head node has sent and received so far."""

    def __init__(self, lab):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(lab.directory / "metrics.sock"))
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
        self.sent, self.received = (
            int(float(re.search(rf"^galaxy_s3_executor_s3_{name}_bytes_total (\S+)$", page, re.M)[1]))
            for name in ("sent", "received")
        )


class Passed:
    """What has passed this machine since it was made."""

    def __init__(self, lab):
        self.lab = lab
        self.before, self.log = Figures(lab), len(lab.log())

    def by_head(self):
        now = Figures(self.lab)
        return now.sent - self.before.sent, now.received - self.before.received

    def by_galaxy(self):
        """The keys that Galaxy has pulled into its cache, and pushed from there."""
        said = self.lab.log()[self.log :]
        pulled = re.findall(r"Pulling key '([^']+)' into cache", said)
        pushed = re.findall(r"Pushing cache file '[^']+' of size [1-9]\d* bytes to '([^']+)'", said)
        return pulled, pushed


def place(lab, dataset):
    """A dataset's key, and its place in the cache."""
    uuid = lab.galaxy.datasets.show_dataset(dataset)["uuid"]
    key = f"{uuid[0]}/{uuid[1]}/{uuid[2]}/dataset_{uuid}.dat"
    return key, lab.directory / "cache" / key


def size(lab, dataset):
    return lab.galaxy.datasets.show_dataset(dataset)["file_size"]


@pytest.fixture(scope="module")
def large(lab):
    return lab.upload(LARGE)


def test_a_following_job_moves_no_byte_of_its_input_through_the_head(lab, large):
    key, cached = place(lab, large["id"])
    cached.unlink()
    passed = Passed(lab)
    job = lab.start("test_line", input=large, text="more")
    job.ended_ok()
    pulled, pushed = passed.by_galaxy()
    sent, received = passed.by_head()
    output, _ = place(lab, job.outputs["out"])
    assert sent < SMALL
    assert received < SMALL
    assert key not in pulled, "nor through Galaxy"
    assert not cached.exists()
    assert pushed == [], "the store itself has made the output"
    assert size(lab, job.outputs["out"]) == len(LARGE) + 5
    print(f"txt: head {sent} out {received} in, Galaxy pulled {pulled.count(output)} times")
    following = lab.start("test_line", input={"src": "hda", "id": job.outputs["out"]}, text="again")
    following.ended_ok()
    assert following.text() == LARGE + "more\nagain\n"
    assert job.text() == LARGE + "more\n"


def bam(path, reads=1):
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 1_000_000}]}
    random = Random(20261121)
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number in range(reads):
            read = pysam.AlignedSegment(file.header)
            sequence = "".join(random.choices("ACGT", k=100))
            read.query_name, read.query_sequence, read.cigarstring = f"r{number}", sequence, "100M"
            read.flag, read.reference_id, read.reference_start = 0, 0, 10 + number
            file.write(read)
    return path


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("random", Random(20261121).randbytes(1_000_000))
    return path


def text(path, line):
    path.write_text("".join(line.format(number=number) for number in range(30_000)))
    return path


@pytest.mark.parametrize(
    ("ext", "make", "is_read"),
    [
        ("txt", lambda path: text(path, "line {number} of a text that is no small one\n"), True),
        ("tabular", lambda path: text(path, "{number}\tone\tand\tanother\tand\tmore\n"), True),
        ("fastqsanger", lambda path: text(path, "@r{number}\nACGTACGTACGT\n+\nIIIIIIIIIIII\n"), True),
        ("bam", lambda path: bam(path, reads=20_000), True),
        ("zip", archive, False),
        ("binary", archive, False),
    ],
)
def test_what_passes_this_machine(lab, tmp_path, ext, make, is_read):
    """Of a job that copies a file: nothing through the head, and through Galaxy what it reads itself."""
    made = make(tmp_path / "made")
    total = made.stat().st_size
    assert total > 2 * SMALL
    dataset = lab.upload_file(made, f"made.{ext}", ext)
    source, cached = place(lab, dataset["id"])
    cached.unlink()
    passed = Passed(lab)
    job = lab.start("test_copy", input=dataset)
    job.ended_ok()
    key, _ = place(lab, job.outputs["out"])
    sent, received = passed.by_head()
    pulled, pushed = passed.by_galaxy()
    print(
        f"\n{ext}: {total} bytes; head: {sent} sent, {received} received; Galaxy: pulled {pulled.count(key)}x"
    )
    assert sent < SMALL
    assert received < SMALL
    assert source not in pulled
    assert key not in pushed
    assert pulled.count(key) == int(is_read)
    shown = lab.galaxy.datasets.show_dataset(job.outputs["out"])
    assert (shown["state"], shown["file_size"], shown["file_ext"]) == ("ok", total, ext)
    indices = ["bam_index"] if ext == "bam" else []
    assert [one["file_type"] for one in shown.get("meta_files", [])][:1] == indices
    content = lab.galaxy.datasets.download_dataset(job.outputs["out"])
    assert content == made.read_bytes()


def test_a_purged_input_fails_the_job_by_name(lab):
    doomed = lab.upload("soon gone\n")
    key, cached = place(lab, doomed["id"])
    # As if it were purged between Galaxy's last look and ours.
    cached.unlink()
    assert lab.call_head_node("s3", "rm", lab.url(key)).returncode == 0
    job = lab.start("test_line", input=doomed)
    assert job.end()["state"] == "error"
    shown = lab.galaxy.datasets.show_dataset(job.outputs["out"])
    assert "object store" in shown["misc_info"]


def test_a_head_node_that_is_killed_while_it_copies(lab, large):
    jobs = [lab.start("test_line", input=large, text=str(number)) for number in range(3)]
    lab.until(lambda: any(lab.galaxy.jobs.get_state(job.id) == "running" for job in jobs))
    os.kill(lab.head_node(), 9)
    for number, job in enumerate(jobs):
        job.ended_ok()
        assert job.text() == LARGE + f"{number}\n"
        assert size(lab, job.outputs["out"]) == len(LARGE) + 2


def test_a_galaxy_that_is_killed_knows_its_outputs(lab, large):
    jobs = [lab.start("test_line", input=large, text=str(number)) for number in range(2)]
    runs = [lab.until(lambda id=job.id: lab.job(id)["external_id"]) for job in jobs]
    lab.kill_galaxy()
    lab.start_galaxy()
    assert [job.ended_ok()["external_id"] for job in jobs] == runs
    for number, job in enumerate(jobs):
        assert job.text() == LARGE + f"{number}\n"
