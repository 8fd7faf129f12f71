# SPDX-License-Identifier: Apache-2.0
"""example.py: a small analysis in the Galaxy that the environment names, and what it cost.

Reads are aligned to a genome that Galaxy has an index of, and those in a region are counted.
"""

import os
import sys
import time
import warnings
from pathlib import Path

from bioblend.galaxy import GalaxyInstance

warnings.simplefilter("ignore")
PATIENCE = 600

galaxy = GalaxyInstance(os.environ["GALAXY_URL"], key=os.environ["GALAXY_KEY"])
# On SQLite it answers 500 now and then: "database is locked".
galaxy.max_get_attempts, galaxy.get_retry_delay = 5, 1
history = galaxy.histories.create_history("An example")["id"]


def wait(made):
    """The first output, when its job has ended well."""
    output = made["outputs"][0]["id"]
    end = time.monotonic() + PATIENCE
    while (shown := galaxy.datasets.show_dataset(output))["state"] != "ok":
        if shown["state"] == "error" or time.monotonic() > end:
            sys.exit(f"{shown['name']}: {shown['state']}. {shown['misc_info']}")
        time.sleep(0.5)
    return {"src": "hda", "id": output}


def run(tool, **inputs):
    made = galaxy.tools.run_tool(history, tool, inputs)
    output = wait(made)
    job = galaxy.jobs.show_job(made["jobs"][0]["id"], full_details=True)
    print(f"\n{tool}: {job['state']}, run {job['external_id']}")
    for metric in job["job_metrics"]:
        if metric["plugin"] == "s3_executor":
            print(f"    {metric['title']:28} {metric['value']}")
    return output


fasta = (Path(os.environ["GALAXY_DIR"]) / "indices/genome.fa").read_text()
genome = fasta.partition("\n")[2].strip()
starts = range(0, len(genome) - 100, 50)
reads = "".join(f"@r{at}\n{genome[at : at + 100]}\n+\n{'I' * 100}\n" for at in starts)
uploaded = wait(galaxy.tools.paste_content(reads, history, file_type="fastqsanger", file_name="reads"))
print(f"{len(starts)} reads are uploaded")
aligned = run("test_align", reads=uploaded, index="genome")
counted = run("test_inspect", reads=aligned, index="genome")
count = galaxy.datasets.download_dataset(counted["id"]).decode().splitlines()[0]
print(f"\n{count} reads are in the first thousand bases")
