"""What operators ask and are told, as v1 JSON: there and back."""

import json

import pytest

from mesoslite.model import AgentID, FrameworkID, InvalidRequest, Unavailability
from mesoslite.model.fields import Fields
from mesoslite.model.maintenance import DrainingMachine, InverseAnswer, MaintenanceStatus
from mesoslite.model.registry import MachineID, QuotaConfig, Schedule, Weight, Window
from mesoslite.model.v1 import (
    decode_protobuf_duration,
    decode_quota_configs,
    decode_schedule,
    decode_weights,
    encode_maintenance_status,
    encode_quota_status,
    encode_schedule,
    encode_weights,
)

MACHINE = MachineID("host", "192.0.2.1")


def over_json(document):
    return Fields(json.loads(json.dumps(document)))


def test_a_schedule_comes_back_as_it_was():
    windows = (
        Window((MACHINE, MachineID(ip="::1")), Unavailability(5, 7)),
        Window((MachineID("b"),), Unavailability(1)),
    )

    assert decode_schedule(over_json(encode_schedule(Schedule(windows)))) == Schedule(windows)


def test_what_frameworks_have_said_stands_beside_the_machine():
    answers = (
        InverseAnswer(FrameworkID("f"), AgentID("a"), True, 1.5),
        InverseAnswer(FrameworkID("g"), AgentID("a"), False, 2.0),
    )

    document = encode_maintenance_status(MaintenanceStatus((DrainingMachine(MACHINE, answers),)))

    [machine] = document["draining_machines"]
    assert (machine["id"], "down_machines" in document) == ({"hostname": "host", "ip": "192.0.2.1"}, False)
    assert machine["statuses"] == [
        {"status": "ACCEPT", "framework_id": {"value": "f"}, "timestamp": {"nanoseconds": 1_500_000_000}},
        {"status": "DECLINE", "framework_id": {"value": "g"}, "timestamp": {"nanoseconds": 2_000_000_000}},
    ]


def test_quotas_come_back_as_they_were_a_limit_of_nothing_too():
    quotas = (QuotaConfig("a", (("cpus", 1_500),), (("cpus", 2_000), ("mem", 0))), QuotaConfig("b", (), (("gpus", 0),)))

    assert decode_quota_configs(over_json(encode_quota_status(quotas)), "configs") == quotas


def test_weights_come_back_as_they_were():
    weights = (Weight("a", 2.0), Weight("b/c", 0.5))

    assert decode_weights(over_json({"weights": encode_weights(weights)}), "weights") == weights


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [({}, 0.0), ({"seconds": 2}, 2.0), ({"seconds": "2", "nanos": 500_000_000}, 2.5), ({"nanos": -1}, -1e-9)],
)
def test_a_duration_of_protobuf_is_in_two_parts(duration, seconds):
    assert decode_protobuf_duration(Fields({"grace": duration}), "grace") == seconds


def test_a_duration_in_words_is_none_of_protobuf():
    assert decode_protobuf_duration(Fields({}), "grace") is None
    with pytest.raises(InvalidRequest, match="grace: got '10mins', expected an object"):
        decode_protobuf_duration(Fields({"grace": "10mins"}), "grace")
