"""Resources: their text form, their arithmetic, and what they refuse."""

import math
from decimal import ROUND_HALF_UP, Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesoslite.model import NOTHING, InsufficientResources, InvalidResources, Resources

quantities = st.dictionaries(st.sampled_from(["cpus", "disk", "gpus", "mem"]), st.integers(0, 5_000), max_size=4)
resources = st.builds(Resources.from_milli, quantities)


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("cpus:2;mem:1024", {"cpus": 2_000, "mem": 1_024_000}),
        (" cpus : 0.5 ;\n mem:32 ; ", {"cpus": 500, "mem": 32_000}),
        ("cpus:1;mem:1;cpus:0.25", {"cpus": 1_250, "mem": 1_000}),
        ("cpus:1e1", {"cpus": 10_000}),
        ("cpus:.5;mem:7.", {"cpus": 500, "mem": 7_000}),
        ("cpus:0", {}),
        ("", {}),
    ],
)
def test_text_form_is_read_as_mesos_reads_it(text: str, milli: dict[str, int]) -> None:
    parsed = Resources.parse(text)

    assert dict(parsed.quantities) == milli


@pytest.mark.parametrize(
    ("text", "milli"),
    [("cpus:0.0004", 0), ("cpus:0.0005", 1), ("cpus:0.0015", 2), ("cpus:0.1234", 123), ("cpus:2.9996", 3_000)],
)
def test_quantities_round_to_the_nearest_thousandth_half_upwards(text: str, milli: int) -> None:
    assert Resources.parse(text).milli("cpus") == milli


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cpus:x", "no number"),
        ("cpus:", "no number"),
        ("cpus:nan", "no number"),
        ("cpus:inf", "no number"),
        ("cpus:1_000", "no number"),
        ("cpus:²", "no number"),
        ("cpus:-1", "zero or more"),
        ("cpus", "no colon"),
        (":2", "is empty"),
        ("a b:2", "plain word"),
        ("cpus:1e13", "too large"),
        ("cpus:1e999", "too large"),
        ("ports:[5-1]", "range 5-1.*the same or a larger one"),
        ("ports:[1-2", "without an end"),
        ("ports:[1]", "first-last"),
        ("ports:[-1-2]", "first-last"),
        ("ports:[1-2,]", "first-last"),
        ("ports:[0-18446744073709551616]", "range 0-18446744073709551616.*of 0 to 18446744073709551615"),
        ("zones:{a,,b}", "empty item"),
        ("zones:{a,a}", "'a' twice"),
        ("zones:{a", "without an end"),
        ("cpus(ads:2", "brackets"),
        ("cpus(ads)x:2", "brackets"),
        ("cpus():2", "is empty"),
        ("cpus(/ads):2", "slash"),
        ("cpus{REV}:2", "property"),
    ],
)
def test_text_that_is_no_resource_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(InvalidResources, match=problem):
        Resources.parse(text)


def test_an_exabyte_of_memory_is_the_most_that_is_read() -> None:
    largest = Resources.parse("mem:1099511627776")

    assert largest.get("mem") == 2.0**40
    with pytest.raises(InvalidResources, match="too large"):
        Resources.parse("mem:1099511627777")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ports:[31000-32000, 32005-32010]", "ports:[31000-32000, 32005-32010]"),
        (" ports : [ 5 - 9 , 1-4 ] ", "ports:[1-9]"),
        ("ports:[1-5];ports:[3-8]", "ports:[1-8]"),
        ("ports:[1-5,3-8,3-8]", "ports:[1-8]"),
        ("ports:[0-18446744073709551615]", "ports:[0-18446744073709551615]"),
        ("ports:[]", ""),
        ("zones:{b, a}", "zones:{a, b}"),
        ("zones:{a};zones:{a,b}", "zones:{a, b}"),
        ("zones:{}", ""),
        ("cpus(ads):2;cpus(ads):1;cpus:1", "cpus(ads):3; cpus:1"),
        ("cpus(*):2", "cpus:2"),
        ("ports(ads/web):[1-2];mem( ads ):64", "mem(ads):64; ports(ads/web):[1-2]"),
    ],
)
def test_ranges_sets_and_roles_are_read_and_shown_in_one_form(text: str, same: str) -> None:
    parsed = Resources.parse(text)

    assert str(parsed) == same
    assert Resources.parse(same) == parsed
    assert eval(repr(parsed), {"Resources": Resources}) == parsed


def test_two_hundred_thousand_ranges_in_any_order_are_read_in_one_pass() -> None:
    text = ",".join([f"{number}-{number}" for number in range(400_000, 0, -2)])

    parsed = Resources.parse(f"ports:[{text}]")

    assert len(parsed.others[0].ranges) == 200_000
    assert (parsed - parsed).is_empty


@pytest.mark.parametrize("units", [-0.1, math.nan, math.inf])
def test_mapping_refuses_what_is_no_quantity(units: float) -> None:
    with pytest.raises(InvalidResources, match="cpus"):
        Resources.from_mapping({"cpus": units})


def test_text_form_shows_only_the_decimals_it_needs() -> None:
    assert str(Resources.of(mem=32, cpus=0.5, gpus=1.125)) == "cpus:0.5; gpus:1.125; mem:32"


def test_json_form_has_a_float_for_each_name() -> None:
    assert repr(Resources.parse("cpus:2;mem:32").to_dict()) == "{'cpus': 2.0, 'mem': 32.0}"


def test_taking_away_too_much_says_what_is_lacking_and_how_much() -> None:
    with pytest.raises(InsufficientResources, match=r"cpus:0\.5; gpus:1 is lacking"):
        Resources.parse("cpus:1;mem:32") - Resources.parse("cpus:1.5;mem:32;gpus:1")


def test_ten_tenths_are_exactly_one() -> None:
    tenths = sum([Resources.of(cpus=0.1)] * 10, NOTHING)

    assert tenths == Resources.of(cpus=1)


def test_nothing_is_false_and_anything_is_true() -> None:
    assert (bool(NOTHING), NOTHING.is_empty) == (False, True)
    assert (bool(Resources.of(cpus=0.001)), Resources.of(cpus=0.001).is_empty) == (True, False)


@pytest.mark.parametrize(
    "encoded",
    [
        b'{"quantities":[["mem",1],["cpus",1]]}',
        b'{"quantities":[["cpus",1],["cpus",1]]}',
        b'{"quantities":[["cpus",0]]}',
        b'{"quantities":[["cpus",-1]]}',
        b'{"quantities":[["",1]]}',
    ],
)
def test_decoding_refuses_quantities_that_break_the_form(encoded: bytes) -> None:
    with pytest.raises(msgspec.ValidationError, match="build resources with"):
        msgspec.json.decode(encoded, type=Resources)


@given(resources)
def test_resources_come_back_from_both_codecs_and_from_text(some: Resources) -> None:
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(some), type=Resources)
    json = msgspec.json.decode(msgspec.json.encode(some), type=Resources)
    text = Resources.parse(str(some))

    assert packed == json == text == Resources.from_mapping(some.to_dict()) == some
    assert hash(packed) == hash(some)


@given(resources, resources)
def test_sum_holds_its_parts_and_gives_each_back_exactly(left: Resources, right: Resources) -> None:
    both = left + right

    assert both == right + left
    assert both.contains(left)
    assert both - left == right


@given(resources, resources)
@example(Resources.of(cpus=1), Resources.of(cpus=1.001))
def test_only_what_is_contained_can_be_taken_away(have: Resources, want: Resources) -> None:
    try:
        left = have - want
    except InsufficientResources:
        assert not have.contains(want)
    else:
        assert left + want == have


@given(resources, resources)
def test_shortfall_is_what_must_be_added_to_contain_the_other(have: Resources, want: Resources) -> None:
    lacking = have.shortfall(want)

    assert (have + lacking).contains(want)
    assert lacking.is_empty == have.contains(want)
    assert all(lacking.milli(name) == want.milli(name) - have.milli(name) for name in lacking.names)


@given(resources, resources)
def test_contains_compares_each_name(have: Resources, want: Resources) -> None:
    names = {*have.names, *want.names}

    assert have.contains(want) == all(have.milli(name) >= want.milli(name) for name in names)


@given(st.decimals(0, 1_000, places=3))
def test_three_decimals_are_kept_exactly(units: Decimal) -> None:
    parsed = Resources.parse(f"cpus:{units}")

    assert parsed.milli("cpus") == int((units * 1_000).to_integral_value(ROUND_HALF_UP))


@pytest.mark.parametrize(("name", "is_kept"), [("cpus", True), ("x" * 1_000_000, False)])
def test_the_kind_of_a_long_name_is_not_kept(name: str, is_kept: bool) -> None:
    first, second = [Resources.from_milli({name: 1}).portions for _ in range(2)]

    assert first == second
    assert (first[0].kind is second[0].kind) == is_kept
