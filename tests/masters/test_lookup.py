"""Whom people mean: an id counts before its last part, and that before a name."""

from types import SimpleNamespace

import pytest

from mesoslite.master.lookup import agents_called, frameworks_called
from mesoslite.model import AgentID, AgentInfo, FrameworkID, FrameworkInfo, Resources

MASTER = "m"
FRAMEWORKS = {
    FrameworkID(text): SimpleNamespace(info=FrameworkInfo(name=name, id=FrameworkID(text)))
    for text, name in [("m-0000", "web"), ("m-0001", "0000"), ("m-0002", "web"), ("mine", "m-0001")]
}
AGENTS = {
    AgentID(text): SimpleNamespace(
        info=AgentInfo(id=AgentID(text), hostname=host, port=1, resources=Resources.of(cpus=1))
    )
    for text, host in [("m-S0", "a"), ("m-S1", "a"), ("m-S2", "S0")]
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("m-0000", ["m-0000"]),
        ("0000", ["m-0000"]),
        ("m-0001", ["m-0001"]),
        ("mine", ["mine"]),
        ("web", ["m-0000", "m-0002"]),
        ("we", []),
        ("", []),
    ],
)
def test_framework_is_found_by_id_then_by_the_end_of_it_then_by_name(text, found):
    assert [info.id for info in frameworks_called(text, MASTER, FRAMEWORKS)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("m-S1", ["m-S1"]), ("S0", ["m-S0"]), ("a", ["m-S0", "m-S1"]), ("b", []), ("", ["m-S0", "m-S1", "m-S2"])],
)
def test_agent_is_found_by_id_then_by_the_end_of_it_then_by_host(text, found):
    assert [info.id for info in agents_called(text, MASTER, AGENTS)] == found
