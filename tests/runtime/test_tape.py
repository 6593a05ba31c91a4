"""Tape and streams: what is recorded, what a file says, and what is wrong with a file that will not do."""

import json

import pytest

from libactor.testing import Streams, Tape

pytestmark = pytest.mark.coreless

TAPE = Tape(7, {"schedule": {0: 2, 5: 1}, "network": {3: 1}})


def test_a_tape_comes_back_from_its_file(tmp_path):
    path = tmp_path / "made on the way" / "tape.json"

    TAPE.save(path)

    assert Tape.load(path) == TAPE


def test_equal_tapes_have_equal_texts():
    other = Tape(7, {"network": {3: 1}, "schedule": {5: 1, 0: 2}})

    assert other.to_json() == TAPE.to_json()
    assert json.loads(TAPE.to_json())["streams"] == {"network": [[3, 1]], "schedule": [[0, 2], [5, 1]]}


def test_deviations_make_the_tape_again():
    assert Tape.of(7, TAPE.deviations()) == TAPE
    assert len(TAPE) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no JSON"),
        ("[]", "version"),
        ('{"version": 2, "seed": 1, "streams": {}}', "version 2, expected 1"),
        ('{"version": 1, "seed": "1", "streams": {}}', "integer `seed`"),
        ('{"version": 1, "seed": 1}', "object `streams`"),
        ('{"version": 1, "seed": 1, "streams": {"a": 5}}', "list of pairs"),
        ('{"version": 1, "seed": 1, "streams": {"a": [[1]]}}', "number of the draw"),
        ('{"version": 1, "seed": 1, "streams": {"a": [[1, -2]]}}', "number of the draw"),
        ('{"version": 1, "seed": 1, "streams": {"a": [[1, true]]}}', "number of the draw"),
    ],
)
def test_a_text_that_will_not_do_says_why(tmp_path, text, complaint):
    path = tmp_path / "tape.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=complaint) as caught:
        Tape.load(path)

    assert str(path) in str(caught.value)


def test_a_draw_in_one_stream_does_not_shift_another():
    alone, beside = Streams(3, None), Streams(3, None)
    first = [alone("schedule").choose(100) for _ in range(20)]

    second = [(beside("network").choose(9), beside("schedule").choose(100))[1] for _ in range(20)]

    assert first == second


def test_what_was_drawn_is_recorded_and_drawn_again():
    seeded = Streams(5, None)
    drawn = [seeded("a").choose(10) for _ in range(50)] + [seeded("a").chance(0.5) for _ in range(50)]

    played = Streams(5, seeded.record())

    assert [played("a").choose(10) for _ in range(50)] + [played("a").chance(0.5) for _ in range(50)] == drawn
    assert played.record() == seeded.record()


def test_a_tape_that_runs_out_or_does_not_fit_goes_on_with_0():
    stream = Streams(1, Tape(1, {"a": {0: 1, 1: 9}}))("a")

    assert [stream.choose(3) for _ in range(4)] == [1, 0, 0, 0]
    assert stream.chance(0.99) is False


def test_a_single_choice_is_no_draw():
    stream = Streams(1, None)("a")

    assert (stream.choose(1), stream.chance(0.0), stream.between(4, 4), stream.pick(["x"])) == (0, False, 4, "x")
    assert len(stream.taken) == 0


def test_choices_are_spread_evenly():
    stream = Streams(1, None)("a")

    drawn = [stream.between(10, 13) for _ in range(4000)]

    assert {number: 900 < drawn.count(number) < 1100 for number in range(10, 14)} == dict.fromkeys(range(10, 14), True)


@pytest.mark.parametrize(
    "ask",
    [
        lambda stream: stream.chance(1.5),
        lambda stream: stream.chance(float("nan")),
        lambda stream: stream.between(2, 1),
        lambda stream: stream.between(0, 1 << 60),
        lambda stream: stream.pick([]),
    ],
)
def test_what_cannot_be_drawn_is_refused(ask):
    stream = Streams(1, None)("a")

    with pytest.raises(ValueError, match=r"chance|between|pick"):
        ask(stream)


def test_bytes_for_one_purpose_do_not_shift_those_for_another():
    alone, beside = Streams(2, None), Streams(2, None)
    first = [alone.random_bytes(16, "uuid") for _ in range(3)]

    second = [(beside.random_bytes(16, "stream"), beside.random_bytes(16, "uuid"))[1] for _ in range(3)]

    assert first == second
    assert len(set(first)) == 3
