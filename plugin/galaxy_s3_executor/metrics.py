# SPDX-License-Identifier: Apache-2.0
"""What a run has cost, among the job metrics that Galaxy collects and shows.

The head node writes the figures beside its notes in the job directory, where no tool can write them.
Which there are, and what they mean, docs/galaxy.md says.
"""

import json
import os
from typing import Any

from galaxy.job_metrics.formatting import FormattedMetric, JobMetricFormatter, seconds_to_str
from galaxy.job_metrics.instrumenters import InstrumentPlugin
from galaxy.job_metrics.safety import Safety
from galaxy.util import nice_size

from .description import FOLDER

TITLES = {
    "tries": "Tries",
    "tool_seconds": "Tool Runtime (Wall Clock)",
    "cpu_seconds": "CPU Time",
    "peak_memory_bytes": "Max Memory of One Process",
    "stage_seconds": "Time to Stage Inputs",
    "stage_bytes": "Inputs Staged",
    "fetch_seconds": "Time to Fetch Inputs",
    "fetch_bytes": "Inputs Fetched",
    "fetch_cached_bytes": "Inputs from the Node's Cache",
    "push_seconds": "Time to Store Results",
    "push_bytes": "Results Stored",
    "collect_seconds": "Time to Collect Results",
}


class FiguresFormatter(JobMetricFormatter):
    """Each figure is named with its unit."""

    def format(self, key: str, value: Any) -> FormattedMetric:
        title = TITLES.get(key, key)
        if key.endswith("_bytes"):
            return FormattedMetric(title, nice_size(float(value)))
        if key.endswith("_seconds"):
            seconds = float(value)
            # Galaxy's own words leave out what is below a second.
            text = f"{seconds:.2f} seconds" if seconds < 60 else seconds_to_str(int(seconds))
            return FormattedMetric(title, text)
        return FormattedMetric(title, f"{int(float(value))}" if key in TITLES else str(value))


class FiguresPlugin(InstrumentPlugin):
    """Reads what the head node has measured; adds nothing to job scripts."""

    plugin_type = "s3_executor"
    formatter = FiguresFormatter()
    # Times and sizes, like those that Galaxy's own plugin `core` shows to a job's user.
    default_safety = Safety.SAFE

    def job_properties(self, job_id, job_directory: str) -> dict[str, Any]:
        try:
            with open(os.path.join(job_directory, FOLDER, "figures.json"), encoding="utf-8") as file:
                figures = json.load(file)
        except FileNotFoundError:
            # A job of another runner, or one that was never begun.
            return {}
        return {name: value for name, value in figures.items() if isinstance(value, (int, float))}


def register(job_metrics) -> None:
    """Has Galaxy collect and show the figures, wherever metrics are collected at all.

    Galaxy's configuration can name only plugins that Galaxy brings along.
    """
    job_metrics.plugin_classes[FiguresPlugin.plugin_type] = FiguresPlugin
    for instrumenter in [job_metrics.default_job_instrumenter, *job_metrics.job_instrumenters.values()]:
        if instrumenter.get_configured_plugin(FiguresPlugin.plugin_type) is None:
            plugins = getattr(instrumenter, "plugins", None)
            if plugins is not None:
                plugins.append(FiguresPlugin())
