"""What every election promises its masters and followers."""

from collections.abc import Callable, Iterator

import pytest

import libactor as la
from mesoslite.election import MemoryElection, MemoryMember, StandaloneMember
from mesoslite.model import InvalidRequest, Leader, MasterInfo

FIRST, SECOND = MasterInfo(id="first", hostname="one"), MasterInfo(id="second", hostname="two")
Member = MemoryMember | StandaloneMember
MAKERS: dict[str, Callable[[], Member]] = {"memory": lambda: MemoryElection().join(), "standalone": StandaloneMember}


@pytest.fixture(params=list(MAKERS))
def member(request: pytest.FixtureRequest) -> Iterator[Member]:
    with la.Runtime():
        yield MAKERS[request.param]()


def test_who_stands_alone_leads(member: Member):
    leadership = member.contend(FIRST).get(0)

    assert leadership.leader.info == FIRST
    assert leadership.epoch is None
    assert leadership.lost.is_pending()


def test_nobody_leads_before_somebody_stands(member: Member):
    assert member.detect(Leader(SECOND)).get(0) is None
    assert member.detect().is_pending()


def test_whoever_follows_hears_of_the_leader(member: Member):
    waiting = member.detect(None)
    assert waiting.is_pending()

    leadership = member.contend(FIRST).get(0)

    assert waiting.get(0) == leadership.leader
    assert member.detect(None).get(0) == leadership.leader
    assert member.detect(leadership.leader).is_pending()


def test_who_stands_already_may_not_stand_again(member: Member):
    member.contend(FIRST)

    with pytest.raises(InvalidRequest, match="second stands for leadership already; withdraw it first"):
        member.contend(SECOND)


def test_withdrawal_ends_a_leadership_once(member: Member):
    leadership = member.contend(FIRST).get(0)
    follower = member.detect(leadership.leader)

    assert member.withdraw()
    assert leadership.lost.get(0) is None
    assert follower.get(0) is None
    assert not member.withdraw()


def test_a_master_that_leads_again_is_another_leader(member: Member):
    before = member.contend(FIRST).get(0)
    member.withdraw()

    again = member.contend(FIRST).get(0)

    assert again.leader.info == before.leader.info
    assert again.leader.number > before.leader.number
    assert again.lost.is_pending()
    assert member.detect(before.leader).get(0) == again.leader


def test_who_waits_no_more_is_let_go(member: Member):
    waiting = member.detect(None)

    waiting.discard()

    assert waiting.is_discarded()
    member.contend(FIRST)


def test_a_leadership_goes_from_actor_to_actor(member: Member):
    class Master(la.Actor):
        def lead(self) -> object:
            return member.contend(FIRST)

    leadership = la.dispatch(la.spawn(Master()), Master.lead).get(60)
    assert leadership.leader.info == FIRST
    member.withdraw()
    assert leadership.lost.is_ready()


def test_a_callback_may_ask_the_election_again(member: Member):
    heard = []
    follower = member.detect(None)
    follower.on_ready(lambda leader: heard.append((leader.info.id, member.withdraw())))

    won = member.contend(FIRST)

    assert heard == [("first", True)]
    assert member.detect(Leader(FIRST, 99)).get(0) is None
    assert won.is_discarded() or won.get(0).lost.is_ready()
