"""Alone: followers hear of the address they are given."""

import libactor as la
from mesoslite.election import StandaloneMember
from mesoslite.model import Leader, MasterInfo

THERE = Leader(MasterInfo(id="there", pid="master@10.0.0.1:5050"))
ELSEWHERE = Leader(MasterInfo(id="there", pid="master@10.0.0.2:5050"))


def test_a_fixed_address_is_followed_at_once():
    with la.Runtime():
        assert StandaloneMember(THERE).detect().get(0) == THERE


def test_another_appointment_is_heard_by_those_who_follow():
    with la.Runtime():
        member = StandaloneMember(THERE)
        waiting = member.detect(THERE)

        member.appoint(ELSEWHERE)
        assert waiting.get(0) == ELSEWHERE
        member.appoint(None)
        assert member.detect(ELSEWHERE).get(0) is None
