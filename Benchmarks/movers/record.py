# SPDX-License-Identifier: Apache-2.0
"""record.py RESULTS BASELINE: makes what suite.py has measured the baseline, of the rows that it measured.

Rows that were not measured keep their records; `measured` says of each row when and from which commit its
figures are. Machine and versions are those of the last run.
"""

import argparse
import json
import pathlib

# As the documentation has them.
ORDER = ("large", "small", "job", "tls", "distance", "worker", "head", "scale")


def merged(results, baseline):
    """The baseline with the rows of `results` in place of its own."""
    kept = [one for one in baseline.get("records", []) if of(one) not in results["rows"]]
    # A note names the row that it is about.
    notes = [
        note for note in baseline.get("notes", []) if not any(f"`{row}`" in note for row in results["rows"])
    ]
    return results | {
        "rows": [row for row in ORDER if row in results["rows"] + baseline.get("rows", [])],
        "records": sorted(results["records"] + kept, key=lambda one: ORDER.index(of(one))),
        "notes": results["notes"] + notes,
        "measured": baseline.get("measured", {}) | results["measured"],
    }


def of(record):
    """The row of suite.py that a record belongs to: those over https are of one row."""
    return "tls" if record["endpoint"].endswith("https") else record["row"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("baseline", type=pathlib.Path)
    options = parser.parse_args()
    results = json.loads(options.results.read_text())
    before = json.loads(options.baseline.read_text()) if options.baseline.exists() else {}
    options.baseline.write_text(json.dumps(merged(results, before), indent=1) + "\n")


if __name__ == "__main__":
    main()
