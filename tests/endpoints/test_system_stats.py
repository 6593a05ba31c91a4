"""What masters and agents say of their machine."""

import json
import os

import pytest

from mesoslite.api import agent_app, master_app
from mesoslite.cluster.system_metrics import tell_of_system

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request


@pytest.mark.parametrize("program", ["master", "agent"])
def test_the_statistics_of_the_machine_have_mesoss_keys(runtime, tmp_path, program):
    tell_of_system(runtime.metrics)
    if program == "master":
        app = master_app(runtime.spawn(FakeMaster()), runtime=runtime)
    else:
        app = agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime)

    answer = request(app, "GET", "/system/stats.json", query="jsonp=f")
    stats = json.loads(answer.body.removeprefix(b"f(").removesuffix(b");"))

    assert stats.keys() == {
        "avg_load_1min", "avg_load_5min", "avg_load_15min", "cpus_total", "mem_total_bytes", "mem_free_bytes",
    }  # fmt: skip
    assert stats["cpus_total"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert 0 < stats["mem_free_bytes"] <= stats["mem_total_bytes"]
