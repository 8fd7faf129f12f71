# SPDX-License-Identifier: Apache-2.0
"""The head node's figures among Galaxy's job metrics."""

import json

import pytest
from galaxy.job_metrics import JobMetrics, RawMetric
from galaxy.job_metrics.safety import Safety
from galaxy_s3_executor import metrics

TYPE = "s3_executor"
FIGURES = {
    "tries": 2,
    "tool_seconds": 75.5,
    "cpu_seconds": 3.25,
    "peak_memory_bytes": 3_000_000,
    "stage_bytes": 0,
}


@pytest.fixture
def galaxy():
    made = JobMetrics(conf_dict=[{"type": "core"}])
    made.set_destination_conf_dicts("own", [{"type": "hostname"}])
    made.set_destination_instrumenter("none", None)
    metrics.register(made)
    return made


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "galaxy_s3").mkdir()
    (tmp_path / "galaxy_s3" / "figures.json").write_text(json.dumps({**FIGURES, "other": "text"}))
    return str(tmp_path)


@pytest.mark.parametrize("destination", ["any", "own"])
def test_figures_are_collected(galaxy, directory, destination):
    assert galaxy.collect_properties(destination, 1, directory)[TYPE] == FIGURES


def test_an_environment_without_metrics_stays_without(galaxy, directory):
    assert galaxy.collect_properties("none", 1, directory) == {}


def test_jobs_of_other_runners_have_none(galaxy, tmp_path):
    assert TYPE not in galaxy.collect_properties("any", 1, str(tmp_path))


def test_registering_again_changes_nothing(galaxy):
    metrics.register(galaxy)
    types = [plugin.plugin_type for plugin in galaxy.default_job_instrumenter.plugins]
    assert types == ["core", TYPE]


def test_they_are_shown_with_their_units(galaxy):
    raw = [RawMetric(name, value, TYPE) for name, value in FIGURES.items()]
    shown = galaxy.dictifiable_metrics(raw, Safety.SAFE)
    assert [(one.title, one.value) for one in shown] == [
        ("Tries", "2"),
        ("Tool Runtime (Wall Clock)", "1 minute"),
        ("CPU Time", "3.25 seconds"),
        ("Max Memory of One Process", "3.0 MB"),
        ("Inputs Staged", "0 bytes"),
    ]


def test_what_a_newer_head_node_adds_is_shown_too(galaxy):
    assert tuple(galaxy.format(TYPE, "other", "x")) == ("other", "x")
