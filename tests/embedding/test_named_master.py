"""A master by the name of its host: looked up for each attempt, whatever it leads to by then."""

from collections.abc import Iterator
from typing import Any

import pytest

import libactor as la
from mesoslite.cluster import named_master
from mesoslite.cluster.named_master import NamedMaster, master_at
from mesoslite.model import InvalidRequest, Leader

NAME = "master.example:5055"


@pytest.fixture
def runtime() -> Iterator[la.Runtime]:
    with la.Runtime(remote=la.Remote("127.0.0.1:0")) as made:
        made.clock.pause()
        yield made


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each look-up comes to, the last one for good."""
    coming: list[Any] = []

    def look_up(address: str) -> Any:
        answer = coming.pop(0) if len(coming) > 1 else coming[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(named_master.la, "look_up", look_up)
    return coming


def asked(master: NamedMaster) -> str:
    leader = master.detect().get(timeout=60)
    assert isinstance(leader, Leader)
    return leader.info.pid


def test_each_attempt_looks_it_up_and_addresses_are_tried_in_turn(runtime: la.Runtime, answers: list[Any]) -> None:
    answers += [("[::1]:5055", "192.0.2.1:5055", "192.0.2.2:5055")] * 3 + [("192.0.2.7:5055",)]

    master = master_at(NAME, runtime)
    assert isinstance(master, NamedMaster)
    found = [asked(master) for _ in range(3)]

    assert found == ["master@192.0.2.1:5055", "master@192.0.2.2:5055", "master@192.0.2.7:5055"]


def test_nobody_else_comes_after_who_was_found(runtime: la.Runtime, answers: list[Any]) -> None:
    answers.append(("192.0.2.1:5055",))

    master = master_at(NAME, runtime)
    assert isinstance(master, NamedMaster)
    first = master.detect().get(timeout=60)
    later = master.detect(first)
    runtime.clock.advance(60)
    runtime.clock.settle()

    assert later.is_pending()


def test_a_name_that_is_lost_later_is_looked_up_again_and_that_is_said_once(
    runtime: la.Runtime, answers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    lost = OSError(-2, "Name or service not known")
    answers += [("192.0.2.1:5055",), lost, lost, ("192.0.2.3:5055",)]

    master = master_at(NAME, runtime)
    coming = master.detect()
    for _ in range(2):
        runtime.clock.settle()
        assert coming.is_pending()
        runtime.clock.advance(1)
    leader = coming.get(timeout=60)

    assert leader.info.pid == "master@192.0.2.3:5055"
    assert [record.getMessage() for record in caplog.records] == [
        f"master {NAME}: the name leads nowhere (Name or service not known); it is looked up again"
    ]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(OSError(-2, "Name or service not known"), "not known.*correct the name"), (("[::1]:5055",), "no IPv4 address")],
)
def test_a_name_that_leads_nowhere_is_refused_at_once(
    runtime: la.Runtime, answers: list[Any], answer: Any, problem: str
) -> None:
    answers.append(answer)

    with pytest.raises(InvalidRequest, match=problem):
        master_at(NAME, runtime)


def test_numbers_are_taken_as_they_are(runtime: la.Runtime) -> None:
    assert str(master_at("192.0.2.1:5055", runtime)) == "master@192.0.2.1:5055"
