# SPDX-License-Identifier: Apache-2.0
"""plots.py RESULTS FOLDER: what suite.py has measured, as SVG that is readable on light and on dark pages."""

import argparse
import pathlib
from xml.sax.saxutils import escape

from galaxy_job import PHASES
from measuring import median
from report import Results

STYLE = """\
text { font: 12px -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.head { font-size: 12px; font-weight: 600; }
.quiet { fill: #59636e; }
.ours { font-weight: 600; }
.bar { fill: #9aa4af; } .bar.ours { fill: #0969da; }
.axis { stroke: #d1d9e0; }
.stage { fill: #0969da; } .fetch { fill: #54aeff; } .push { fill: #bc4c00; } .collect { fill: #fb8f44; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .axis { stroke: #3d444d; }
.bar { fill: #656c76; } .bar.ours { fill: #4493f8; }
.stage { fill: #1f6feb; } .fetch { fill: #79c0ff; } .push { fill: #bd561d; } .collect { fill: #f0883e; }
}"""
NAME_WIDTH, BAR_WIDTH, VALUE_WIDTH, LINE = 150, 170, 62, 21
PANEL_WIDTH = BAR_WIDTH + VALUE_WIDTH
COLUMNS = {"wall": "seconds", "cpu": "CPU seconds", "peak": "peak memory, MiB"}


class Picture:
    """An SVG that grows downwards."""

    def __init__(self, title, subtitle):
        self.parts, self.height, self.width = [], 28, 0
        self.text(0, 18, title, "title")
        self.text(0, 38, subtitle, "quiet")
        self.height = 54

    def text(self, x, y, words, style="", anchor="start"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'
        )
        length = len(words) * (8.2 if style == "title" else 6.6)
        self.width = max(self.width, x + (length if anchor == "start" else 0))

    def bar(self, x, y, length, style):
        self.parts.append(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(length, 1):.1f}" '
            f'height="{LINE - 7}" rx="2"/>'
        )

    def scaled_bar(self, x, y, value, longest, style):
        """A bar and its value; what is far beyond all others is broken off, or those would be dots."""
        length = min(value / longest, 1) * (BAR_WIDTH - 10)
        if value > longest:
            self.bar(x, y, length - 16, style)
            self.bar(x + length - 12, y, 12, style)
        else:
            self.bar(x, y, length, style)
        self.text(x + length + 5, y + 11, shown(value), style.removeprefix("bar "))

    def axis(self, x, top, bottom):
        self.parts.append(f'<path class="axis" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>')
        self.width = max(self.width, x)

    def write(self, path):
        width, height = self.width + 8, self.height + 8
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="-4 0 {width:.0f} {height:.0f}" role="img">\n<style>\n{STYLE}\n</style>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def shown(value):
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def style_of(client):
    return "ours" if client.startswith("ours") else ""


def reach(values):
    """The value at which a bar is full: the greatest, if it is not far beyond the next."""
    ranked = sorted(values, reverse=True)
    return min(ranked[0], 2 * ranked[1]) if len(ranked) > 1 else ranked[0]


def panels(picture, results, cells):
    """For each cell one line of panels: seconds, CPU seconds, memory; shorter is better."""
    for cell in cells:
        clients = results.clients(cell)
        picture.text(0, picture.height + 12, f"{cell[2]}, {cell[1]}", "head")
        columns = [name for name in COLUMNS if any(median(records, name) for records in clients.values())]
        top = picture.height + 38
        for line, client in enumerate(clients):
            picture.text(NAME_WIDTH - 8, top + line * LINE + 12, client, style_of(client), "end")
        for column, name in enumerate(columns):
            left = NAME_WIDTH + column * PANEL_WIDTH
            picture.text(left, picture.height + 30, COLUMNS[name], "quiet")
            values = [median(records, name) for records in clients.values()]
            longest = reach([value for value in values if value])
            for line, (client, value) in enumerate(zip(clients, values)):
                if value:
                    style = f"bar {style_of(client)}"
                    picture.scaled_bar(left, top + line * LINE + 1, value, longest, style)
            picture.axis(left - 0.5, top - 2, top + len(values) * LINE - 3)
        picture.width = max(picture.width, NAME_WIDTH + len(columns) * PANEL_WIDTH)
        picture.height = top + len(clients) * LINE + 16


def stacked(picture, results, row, endpoint, prefix=""):
    """One bar a client, made of the four movements; shorter is better."""
    walls = {}
    for names, records in results.groups.items():
        phase = names[2].removeprefix(prefix)
        if names[:3] == (row, endpoint, prefix + phase) and phase in PHASES:
            walls.setdefault(names[3], {})[phase] = median(records, "wall")
    longest = max((sum(found.values()) for found in walls.values()), default=1)
    width = 3 * PANEL_WIDTH - VALUE_WIDTH
    left = NAME_WIDTH
    for phase in PHASES:
        picture.bar(left, picture.height, 14, phase)
        picture.text(left + 19, picture.height + 11, phase, "quiet")
        left += 90
    picture.height += 26
    top = picture.height
    for client, found in walls.items():
        left = NAME_WIDTH
        picture.text(left - 8, picture.height + 12, client, style_of(client), "end")
        for phase in PHASES:
            length = found.get(phase, 0) / longest * width
            picture.bar(left, picture.height + 1, length, phase)
            left += length
        picture.text(left + 5, picture.height + 12, f"{shown(sum(found.values()))} s", style_of(client))
        picture.height += LINE
    picture.axis(NAME_WIDTH - 0.5, top - 2, picture.height - 3)
    picture.width = max(picture.width, NAME_WIDTH + width + VALUE_WIDTH)
    picture.height += 14


def share_panels(picture, results, cells):
    """How much of what its connections could carry each client used; longer is better."""
    for column, cell in enumerate(cells):
        left = NAME_WIDTH + column * (PANEL_WIDTH + 110)
        picture.text(left, picture.height + 12, cell[2], "head")
        top = picture.height + 20
        clients = results.clients(cell)
        for line, (client, records) in enumerate(clients.items()):
            share, wall = median(records, "share"), median(records, "wall")
            y = top + line * LINE
            if column == 0:
                picture.text(left - 8, y + 12, client, style_of(client), "end")
            length = share * (BAR_WIDTH - 10)
            picture.bar(left, y + 1, length, f"bar {style_of(client)}")
            words = f"{share:.0%} of {median(records, 'connections'):.0f} connections, {shown(wall)} s"
            picture.text(left + length + 5, y + 12, words, style_of(client))
        picture.axis(left - 0.5, top - 2, top + len(clients) * LINE - 3)
    picture.height += 20 + max((len(results.clients(cell)) for cell in cells), default=0) * LINE + 14


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results = Results(options.results)
    cells = results.cells()
    titles = {
        "large": "One large file",
        "small": "Many small files",
    }
    for row, title in titles.items():
        chosen = [cell for cell in cells if cell[0] == row and cell[2] != "nothing"]
        if chosen:
            picture = Picture(title, "Medians; shorter is better, and a broken bar is far longer.")
            panels(picture, results, chosen)
            picture.write(options.folder / f"movers-{row}.svg")
    if any(cell[0] == "job" for cell in cells):
        picture = Picture(
            "A job's files, four movements",
            "Median seconds; shorter is better. Ours verifies, records and sandboxes as well.",
        )
        for endpoint in dict.fromkeys(cell[1] for cell in cells if cell[0] == "job"):
            picture.text(0, picture.height + 12, endpoint, "head")
            picture.height += 24
            stacked(picture, results, "job", endpoint)
        picture.write(options.folder / "movers-job.svg")
    far = [cell for cell in cells if cell[0] == "distance" and cell[1].endswith("far")]
    if far:
        picture = Picture(
            "A large file from 40 ms away, 8 MiB/s a connection",
            "How much of what its connections could carry; longer is better.",
        )
        share_panels(picture, results, far)
        picture.text(0, picture.height + 12, "The job's four movements at that distance", "head")
        picture.height += 24
        stacked(picture, results, "distance", "40 ms", "the job: ")
        picture.write(options.folder / "movers-distance.svg")


if __name__ == "__main__":
    main()
