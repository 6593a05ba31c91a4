"""Several masters: the lowest number leads, and a member that is cut off believes what it heard last."""

import random
import threading
import weakref

import pytest

import libactor as la
from mesoslite.election import MemoryElection
from mesoslite.model import MasterInfo

INFOS = [MasterInfo(id=name) for name in ("a", "b", "c")]


@pytest.fixture(autouse=True)
def runtime():
    with la.Runtime() as opened:
        yield opened


def test_who_stood_first_leads_and_the_next_follows_it():
    election = MemoryElection()
    first, second, third = (election.join() for _ in range(3))
    futures = [member.contend(info) for member, info in zip((first, second, third), INFOS, strict=True)]
    assert [future.is_ready() for future in futures] == [True, False, False]

    election.expire(first)

    assert futures[0].get(0).lost.is_ready()
    assert [future.is_ready() for future in futures] == [True, True, False]
    assert third.detect(futures[0].get(0).leader).get(0) == futures[1].get(0).leader


def test_one_who_waits_and_withdraws_changes_nothing_for_the_others():
    election = MemoryElection()
    first, second, third = (election.join() for _ in range(3))
    futures = [member.contend(info) for member, info in zip((first, second, third), INFOS, strict=True)]

    assert second.withdraw()

    assert futures[1].is_discarded()
    assert futures[0].get(0).lost.is_pending()
    first.withdraw()
    assert futures[2].get(0).leader.info == INFOS[2]


# Goal: starting members again and again leaves nothing behind. Method: what is freed once nobody holds it any more.
def test_a_member_that_has_left_is_forgotten_and_what_it_had_is_over():
    election = MemoryElection()
    first, second = election.join(), election.join()
    old, new = first.contend(INFOS[0]), second.contend(INFOS[1])
    waiting = first.detect(old.get(0).leader)
    election.cut_off(first)
    kept = weakref.ref(first)

    election.leave(first)
    election.leave(first)
    del first

    assert kept() is None
    assert old.get(0).lost.is_ready()
    assert waiting.is_pending()
    assert second.detect(None).get(0) == new.get(0).leader


def test_a_leader_that_is_cut_off_believes_that_it_leads_while_another_does():
    election = MemoryElection()
    first, second = election.join(), election.join()
    old, new = first.contend(INFOS[0]), second.contend(INFOS[1])

    election.cut_off(first)

    assert old.get(0).lost.is_pending()
    assert first.detect(None).get(0) == old.get(0).leader
    assert second.detect(None).get(0) == new.get(0).leader
    assert new.get(0).leader.number > old.get(0).leader.number


def test_a_leader_that_was_cut_off_hears_in_the_end_that_it_leads_no_more():
    election = MemoryElection()
    first, second = election.join(), election.join()
    old, new = first.contend(INFOS[0]), second.contend(INFOS[1])
    election.cut_off(first)

    election.mend(first)

    assert old.get(0).lost.is_ready()
    assert first.detect(old.get(0).leader).get(0) == new.get(0).leader
    assert first.contend(INFOS[0]).is_pending()


def test_a_session_that_ends_while_cut_off_follows_nobody_until_it_is_mended():
    election = MemoryElection()
    first, second = election.join(), election.join()
    old, new = first.contend(INFOS[0]).get(0), second.contend(INFOS[1])
    election.cut_off(first)

    election.expire(first)

    assert old.lost.is_ready()
    assert first.detect(old.leader).get(0) is None
    election.mend(first)
    assert first.detect(None).get(0) == new.get(0).leader


def test_a_follower_that_is_cut_off_changes_nothing_for_the_others():
    election = MemoryElection()
    leader, follower = election.join(), election.join()
    leadership = leader.contend(INFOS[0]).get(0)

    election.cut_off(follower)
    assert follower.detect(None).get(0) == leadership.leader
    election.mend(follower)

    assert leadership.lost.is_pending()
    assert follower.detect(leadership.leader).is_pending()


# Goal: whatever happens, those that hear agree on one leader, who has not lost. Method: random
#   faults, seeded; a few steps each.
@pytest.mark.parametrize("seed", range(20))
def test_those_who_hear_agree(seed: int):
    rng = random.Random(seed)
    election = MemoryElection()
    members = [election.join() for _ in range(4)]
    cut: set = set()
    won = {}
    for _ in range(40):
        member = rng.choice(members)
        step = rng.choice(("stand", "withdraw", "cut", "expire", "mend"))
        if step == "stand" and member.candidacy is None:
            won[member] = member.contend(rng.choice(INFOS))
        elif step == "withdraw":
            member.withdraw()
        elif step == "cut":
            election.cut_off(member)
            cut.add(member)
        elif step == "expire":
            election.expire(member)
        elif step == "mend":
            election.mend(member)
            cut.discard(member)
        hearing = [one for one in members if one not in cut]
        leading = [
            won[one].get(0).leader
            for one in hearing
            if one in won and won[one].is_ready() and won[one].get(0).lost.is_pending()
        ]
        seen = {one.followers.detect(None).get(0) if _leads(one) else None for one in hearing}
        assert len(leading) <= 1
        assert len(seen) <= 1
        assert not hearing or seen == set(leading or [None])


def _leads(member) -> bool:
    """Whether that member knows of a leader."""
    future = member.detect(None)
    is_known = future.is_ready()
    future.discard()
    return is_known


def test_threads_that_stand_and_withdraw_leave_one_leader():
    election = MemoryElection()
    members = [election.join() for _ in range(4)]

    def stand(number: int) -> None:
        for _ in range(50):
            members[number].contend(MasterInfo(id=str(number)))
            members[number].withdraw()
        members[number].contend(MasterInfo(id=str(number)))

    threads = [threading.Thread(target=stand, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    leaders = {member.detect(None).get(0) for member in members}
    assert len(leaders) == 1
    lowest = min(member.candidacy.leader.number for member in members)
    assert {leader.number for leader in leaders} == {lowest}


# Goal: a leader costs as much for each who follows it, however many they are, and who waits no more costs nothing.
def test_who_waits_no_more_is_forgotten():
    member = MemoryElection().join()
    waiting = [member.detect() for _ in range(3)]

    for future in waiting[1:]:
        future.discard()

    assert len(member.followers._waiting) == 1
    assert waiting[1].is_discarded()
