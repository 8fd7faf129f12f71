# SPDX-License-Identifier: Apache-2.0
"""report.py RESULTS [--baseline FILE] [--docs FILE]: tables of what suite.py has measured.

Medians as Markdown on standard output; --docs puts the tables between the two marks of that file instead.
With --baseline, what got worse since is named, in red on a terminal, and the exit status is 1: ours in
relation to the best peer of the same run, which travels from machine to machine as seconds do not, by more
than both runs spread; and requests and round trips, which are counts.
"""

import argparse
import json
import pathlib
import re
import sys

from goals import goals
from measuring import grouped, median, spread

BEGIN, END = "<!-- movers: made by Benchmarks/movers/report.py -->", "<!-- movers: end -->"
# Ratios differ by that much even if nothing has changed.
LEAST_NOISE = 0.05


class Results:
    """One file of suite.py, by row, endpoint, operation and client."""

    def __init__(self, path):
        self.content = json.loads(path.read_text())
        self.groups = grouped(self.content["records"])

    def cells(self):
        """Row, endpoint and operation of every comparison, in the order of their first."""
        return list(dict.fromkeys(names[:3] for names in self.groups))

    def clients(self, cell):
        return {names[3]: records for names, records in self.groups.items() if names[:3] == cell}

    def ratio(self, cell, name):
        """Ours by the best peer's, and how much noise that has; nothing where there is no peer."""
        clients = self.clients(cell)
        ours = clients.get("ours", [])
        peers = [records for client, records in clients.items() if not client.startswith("ours")]
        values = [(median(records, name), spread(records, name)) for records in peers]
        values = [value for value in values if value[0]]
        if not values or not median(ours, name):
            return None
        best, noise = min(values)
        return median(ours, name) / best, max(LEAST_NOISE, spread(ours, name) + noise)

    def counts(self):
        """What has no noise: requests and round trips of ours."""
        for names, records in self.groups.items():
            if names[3].startswith("ours"):
                for name in ("requests", "trips"):
                    if (value := median(records, name)) is not None:
                        yield (*names, name), value


# Tables


def number(value, digits=2):
    return "" if value is None else f"{value:,.{digits}f}"


def transfers(results, cells):
    """The table of one row: every client's medians, ours in bold, by operation and endpoint."""
    yield "| | client | wall s | CPU s | peak MiB | requests | MiB/s |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for cell in cells:
        name = f"{cell[2]}, {cell[1]}"
        clients = results.clients(cell)
        for client, records in clients.items():
            wall, size = median(records, "wall"), median(records, "bytes")
            rate = size / (1 << 20) / wall if size and wall else None
            cost = [number(wall, 3 if wall and wall < 1 else 2)]
            cost += [number(median(records, "cpu")), number(median(records, "peak"), 0)]
            cost += [number(median(records, "requests"), 0), number(rate, 0)]
            shown = f"**{client}**" if client.startswith("ours") else client
            yield f"| {name} | {shown} | " + " | ".join(cost) + " |"
            name = ""
        ratios = [(what, results.ratio(cell, what)) for what in ("wall", "cpu", "peak")]
        if all(ratio for _, ratio in ratios):
            words = " | ".join(f"{ratio[0]:.2f}" for _, ratio in ratios)
            yield f"| | *ours / best peer* | {words} | | |"


def shares(results, cells):
    yield "| | client | wall s | MiB/s | connections | of what they could carry |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for cell in cells:
        name = cell[2]
        for client, records in results.clients(cell).items():
            wall = median(records, "wall")
            rate = median(records, "bytes") / (1 << 20) / wall
            shown = f"**{client}**" if client.startswith("ours") else client
            connections = number(median(records, "connections"), 0)
            share = f"{median(records, 'share'):.0%}"
            yield f"| {name} | {shown} | {number(wall)} | {number(rate, 0)} | {connections} | {share} |"
            name = ""


def trips(results):
    yield "| movement | least seconds, near | far | round trips in a row |"
    yield "| --- | --- | --- | --- |"
    for names, (record, *_) in results.groups.items():
        if names[1] == "round trips":
            seconds = f"{number(record['near'])} | {number(record['far'])}"
            yield f"| {names[2]} | {seconds} | {record['trips']} |"


def milliseconds(results):
    yield "| the worker alone | ms | least | most | CPU ms | peak MiB | requests |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for names, records in results.groups.items():
        if names[0] == "worker":
            walls = [record["wall"] * 1000 for record in records if "wall" in record]
            cost = [median(records, "wall") * 1000, min(walls), max(walls), median(records, "cpu") * 1000]
            shown = [number(value, 1) for value in (*cost, median(records, "peak"))]
            yield f"| {names[2]} | " + " | ".join([*shown, number(median(records, "requests"), 0)]) + " |"


def plans(results):
    yield "| | CPU ms a job | KiB a job in flight |"
    yield "| --- | --- | --- |"
    for names, records in results.groups.items():
        if names[0] == "head":
            cost = [number(median(records, name)) for name in ("cpu_ms_a_job", "kib_a_job")]
            yield f"| {names[2]} | " + " | ".join(cost) + " |"


def tables(results, has_pictures=False):
    """All tables, as Markdown; with the plots that plots.py makes above them."""

    def title(words, *measured, picture=None):
        yield f"\n### {words}\n"
        yield "; ".join(dict.fromkeys(said[row] for row in measured if row in said)) + ".\n"
        if has_pictures and picture:
            yield f"![{words}](figures/movers-{picture}.svg)\n"

    content = results.content
    said = {row: f"Measured {words}" for row, words in content["measured"].items()}
    if "tls" in said and {said.get("large"), said.get("small")} != {said["tls"]}:
        # Its tables stand among those of the others.
        said["tls"] = f"over https: m{said['tls'][1:]}"
    machine, versions = content["machine"], content["versions"]
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "ours")
    yield (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}. {known}. Medians."
    )
    if content["quick"]:
        yield "\n**Made with `--quick`, to try the scripts out: these are no figures.**"
    cells = results.cells()
    rows = {"large": "One large file", "small": "Many small files", "job": "A job's four movements"}
    rows["scale"] = "More of it"
    for row, words in rows.items():
        if chosen := [c for c in cells if c[0] == row]:
            secure = ["tls"] if row in ("large", "small") else []
            yield from title(words, row, *secure, picture=None if row == "scale" else row)
            yield from transfers(results, chosen)
    far = [c for c in cells if c[0] == "distance" and c[1].endswith("far")]
    if far:
        yield from title("A store that is far away", "distance", picture="distance")
        yield from shares(results, far)
        yield ""
        yield from trips(results)
        jobs = [c for c in cells if c[0] == "distance" and c[1] == "40 ms" and c[2].startswith("the job")]
        yield ""
        yield from transfers(results, jobs)
    if any(c[0] == "worker" for c in cells):
        yield from title("The worker", "worker")
        yield from milliseconds(results)
    if any(c[0] == "head" for c in cells):
        yield from title("The head", "head")
        yield from plans(results)
    for note in content["notes"]:
        yield f"\n{note[0].upper()}{note[1:]}."


# What got worse


def regressions(results, baseline):
    """One sentence for each figure of ours that is worse than its baseline by more than noise."""
    for cell in results.cells():
        for name in ("wall", "cpu", "peak"):
            now, before = results.ratio(cell, name), baseline.ratio(cell, name)
            if now and before and now[0] > before[0] * (1 + now[1] + before[1]):
                where = ", ".join(cell)
                yield f"{where}: {name} is {now[0]:.2f} of the best peer's, and was {before[0]:.2f}"
    known = dict(baseline.counts())
    for names, value in results.counts():
        before = known.get(names)
        # A round trip is measured, and to a fraction.
        slack = 1 if names[-1] == "trips" else before and before * 0.02
        if before is not None and value > before + slack:
            yield f"{', '.join(names[:-1])}: {value:g} {names[-1]}, and it was {before:g}"


def put_into(path, text):
    """Replaces what stands between the marks."""
    content = path.read_text()
    marked = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not marked.search(content):
        raise SystemExit(f"{path} does not have the marks {BEGIN} and {END}")
    path.write_text(marked.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", content))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--baseline", type=pathlib.Path)
    parser.add_argument("--docs", type=pathlib.Path)
    options = parser.parse_args()
    results = Results(options.results)
    text = "\n".join(tables(results, has_pictures=bool(options.docs)))
    if options.docs:
        put_into(options.docs, text)
    else:
        print(text, *map(str, goals(results)), sep="\n")
    for failure in results.content["failures"]:
        print(f"FAILED: {failure}", file=sys.stderr)
    if options.baseline and options.baseline.exists():
        baseline = Results(options.baseline)
        if results.content["quick"] or baseline.content["quick"]:
            return
        worse = list(regressions(results, baseline))
        red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
        for sentence in worse:
            print(f"{red}worse: {sentence}{plain}", file=sys.stderr)
        sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
