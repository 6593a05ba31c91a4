"""The example of an executor: a program of its own, started by an agent, runs the tasks of its framework."""

from pathlib import Path

import pytest

import mesoslite
from mesoslite.examples import custom_executor

pytestmark = pytest.mark.real


def test_an_executor_of_a_framework_runs_its_tasks_in_one_process(tmp_path: Path) -> None:
    with mesoslite.Cluster(agents=1, work_dir=tmp_path) as cluster:
        found = cluster.run(custom_executor.Factory((12, 97, 1)), timeout=60)

    assert found == {12: "[2, 2, 3]", 97: "[97]", 1: "[]"}
    assert len(list(tmp_path.glob("agent-1/slaves/*/frameworks/*/executors/factors/runs/*-*"))) == 1
