"""How the v1 JSON form tells the end of an executor."""

import pytest
from msgspec.structs import replace

from mesoslite.model import AgentID, ExecutorID, Failure
from mesoslite.model.v1 import decode_event, encode_event


# Goal: who ports a scheduler takes the status of an executor apart by WEXITSTATUS and WTERMSIG. Source: the comment on
# Failure.status in Mesos's v1/scheduler/scheduler.proto (what waitpid tells). Method: as written, and with a core dump.
@pytest.mark.parametrize(("exit_status", "waited"), [(0, 0), (9, 9 << 8), (-9, 9)])
def test_the_end_of_an_executor_is_told_in_the_form_of_wait(exit_status, waited):
    event = Failure(AgentID("a"), ExecutorID("e"), exit_status)

    document = encode_event(event)

    assert document["failure"]["status"] == waited
    assert decode_event(document) == event
    document["failure"]["status"] = 11 | 0x80
    assert decode_event(document) == replace(event, exit_status=-11)
