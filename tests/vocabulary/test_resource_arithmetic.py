"""Resources of every kind: their arithmetic against a multiset of units, and its laws."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import NOTHING, InsufficientResources, Portion, Resources, ValueType
from mesoslite.model.resource_text import has_text

from .naive_resources import SHARED_VOLUME, dynamic, resources, units


@given(resources, resources)
def test_sum_has_the_units_of_both_and_gives_each_back_exactly(left: Resources, right: Resources) -> None:
    both = left + right

    assert units(both) == units(left) + units(right)
    assert both == right + left
    assert hash(both) == hash(right + left)
    assert both - right == left
    assert both - both == NOTHING


@given(resources, resources, resources)
def test_sums_do_not_depend_on_their_order(one: Resources, two: Resources, three: Resources) -> None:
    assert (one + two) + three == one + (two + three) == sum([three, two, one], NOTHING)


@given(resources, resources)
def test_only_what_is_contained_can_be_taken_away(have: Resources, want: Resources) -> None:
    fits = units(want) <= units(have)

    assert have.contains(want) == fits
    if fits:
        assert units(have - want) == units(have) - units(want)
    else:
        with pytest.raises(InsufficientResources, match="is lacking"):
            have - want


@given(resources, resources)
def test_shortfall_is_exactly_what_is_lacking(have: Resources, want: Resources) -> None:
    assert units(have.shortfall(want)) == units(want) - units(have)


@given(resources, st.lists(st.integers(0, 100)))
def test_parts_taken_and_put_back_in_any_order_leave_what_was(some: Resources, choices: list[int]) -> None:
    left, taken = some, []
    for choice in choices:
        if left:
            portion = left.portions[choice % len(left.portions)]
            part = Resources.from_portions([msgspec.structs.replace(portion, copies=1)])
            left -= part
            taken.append(part)

    assert left + sum(reversed(taken), NOTHING) == some


@given(resources, st.sampled_from(["*", "a", "a/b", "a/b/c", "b", "ab"]))
def test_what_a_role_may_use_is_the_unreserved_and_its_and_its_ancestors_reservations(
    some: Resources, role: str
) -> None:
    mine = some.allocatable_to(role)
    ancestors = {role[:index] for index in range(len(role) + 1) if role[index : index + 1] in ("/", "")}

    assert units(mine) == {unit: n for unit, n in units(some).items() if unit[0].role in ancestors | {"*"}}
    assert some.contains(mine)


@given(resources)
def test_each_question_parts_the_resources_in_two(some: Resources) -> None:
    pairs = [
        (some.reserved(), some.unreserved()),
        (some.revocable(), some.not_revocable()),
        (some.shared(), some.not_shared()),
        (some.refined(), some.not_refined()),
        (some.only_scalars(), some.without_scalars()),
        (sum(some.reserved_by_role().values(), NOTHING), some.unreserved()),
    ]

    assert all(yes + no == some for yes, no in pairs)
    assert all(some.reserved_to(role) == mine for role, mine in some.reserved_by_role().items())


@given(resources, st.dictionaries(st.sampled_from(["cpus", "mem", "disk"]), st.integers(-2, 25)))
def test_shrunk_is_the_part_within_the_limits_and_only_the_limited_is_cut(
    some: Resources, limits: dict[str, int]
) -> None:
    shrunk = some.shrunk(limits)

    assert some.contains(shrunk)
    assert all(shrunk.scalars().get(name, 0) <= max(0, limit) for name, limit in limits.items())
    for portion in (some - shrunk).portions:
        limit = max(0, limits[portion.kind.name])
        room = limit - shrunk.scalars().get(portion.kind.name, 0)
        assert room < portion.scalar if portion.is_whole else room == 0


@given(resources)
def test_scalars_are_the_sum_of_all_scalar_units_with_shared_ones_once(some: Resources) -> None:
    sums: dict[str, int] = {}
    for portion in some.portions:
        if portion.kind.type is ValueType.SCALAR:
            times = 1 if portion.kind.shared else portion.copies
            sums[portion.kind.name] = sums.get(portion.kind.name, 0) + portion.scalar * times

    assert some.scalars() == sums
    assert all(some.milli(name) == milli for name, milli in sums.items())


@given(resources)
def test_resources_come_back_from_both_codecs_equal_and_with_equal_hashes(some: Resources) -> None:
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(some), type=Resources)
    json = msgspec.json.decode(msgspec.json.encode(some), type=Resources)

    assert packed == json == some
    assert hash(packed) == hash(some)


@given(resources)
def test_what_text_can_say_comes_back_from_it(some: Resources) -> None:
    sayable = Resources.from_portions([portion for portion in some.portions if has_text(portion)])

    assert Resources.parse(str(sayable)) == sayable
    assert repr(sayable) == f"Resources.parse({str(sayable)!r})"


@given(resources)
def test_portions_make_the_resources_again_in_any_order(some: Resources) -> None:
    assert Resources.from_portions(reversed(some.portions)) == some


def test_a_reservation_is_pushed_on_all_and_popped_again() -> None:
    some = Resources.parse("cpus:2;ports:[1-5];mem:64")

    reserved = some.pushed(dynamic("ads", "me"))

    assert not reserved.unreserved()
    assert reserved.reserved_to("ads") == reserved
    assert reserved.pushed(dynamic("ads/web")).popped() == reserved
    assert reserved.popped() == some


def test_the_same_ports_of_two_agents_are_there_twice() -> None:
    ports = Resources.parse("ports:[1-5]")

    both = ports + Resources.parse("ports:[4-8]")

    assert str(both) == "ports:[1-3, 6-8]; ports:[4-5] x 2"
    assert both - ports == Resources.parse("ports:[4-8]")


def test_a_shared_volume_counts_once_however_often_it_is_held() -> None:
    volume = Resources.from_portions([Portion(SHARED_VOLUME, 5_000)])

    assert (volume + volume).milli("disk") == 5_000
    assert (volume + volume) - volume == volume
    assert not volume.contains(volume + volume)


@given(resources, st.dictionaries(st.sampled_from(["cpus", "mem"]), st.integers(0, 30)))
def test_what_is_picked_is_as_much_as_wanted_and_of_what_is_there(some: Resources, milli: dict[str, int]) -> None:
    wanted = Resources.from_milli(milli)
    usable = some.not_revocable().scalars()

    try:
        picked = some.picked(wanted)
    except InsufficientResources:
        assert any(usable.get(name, 0) < amount for name, amount in milli.items())
    else:
        assert some.contains(picked)
        assert picked.scalars() == wanted.scalars()
        left = (some - picked).reserved().not_revocable().scalars()
        assert all(not left.get(name) for name, _ in picked.quantities)


def test_ports_are_picked_as_they_are_named() -> None:
    some = Resources.parse("cpus:1;cpus(ads):1;ports:[1-5]")

    assert str(some.picked(Resources.parse("cpus:1.5;ports:[2-3]"))) == "cpus(ads):1; cpus:0.5; ports:[2-3]"
    with pytest.raises(InsufficientResources, match=r"ports:\[6-6\] is lacking"):
        some.picked(Resources.parse("ports:[5-6]"))


CPUS, PORTS, SET = '["cpus",0,[[1,"a"]]]', '["ports",1]', '["zones",2]'


@pytest.mark.parametrize(
    "others",
    [
        '[["cpus"],1]',  # a plain scalar, which belongs to the quantities
        f"[{CPUS},0]",
        f"[{CPUS},-1]",
        f"[{CPUS},1,[[1,2]]]",
        f"[{CPUS},1,[],[],2]",  # two copies of what adds up
        f"[{CPUS},1],[{CPUS},1]",
        f"[{PORTS},0,[[1,2]]],[{CPUS},1]",  # out of order
        f"[{PORTS},0,[]]",
        f"[{PORTS},5]",
        f"[{PORTS},0,[[2,1]]]",
        f"[{PORTS},0,[[1,2],[3,4]]]",  # not merged
        f"[{PORTS},0,[[3,4],[1,1]]]",
        f"[{PORTS},0,[[-1,4]]]",
        f"[{PORTS},0,[[1,18446744073709551616]]]",
        f"[{PORTS},0,[[1,2]],[],0]",
        f"[{PORTS},0,[[1,2]]],[{PORTS},0,[[5,6]]]",
        f"[{PORTS},0,[[1,2]]],[{PORTS},0,[[2,6]],[],2]",  # a number in two portions
        f"[{SET},0,[],[]]",
        f'[{SET},0,[],["b","a"]]',
        f'[{SET},0,[],["a","a"]]',
        f'[{SET},0,[],[""]]',
        '[["text",3],1]',
        '[["cpus",0,[[1,"*"]]],1]',
        '[["cpus",0,[[0,"a"]]],1]',
        '[["cpus",0,[[1,"a"],[2,"b"]]],1]',
        '[["cpus",0,[],[null,["v"]]],1]',
        '[["cpus",7],1]',
        '["cpus",1]',
        "7",
    ],
)
def test_decoding_refuses_portions_that_break_the_form(others: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"others":[{others}]}}', type=Resources)


def test_errors_cut_what_is_long() -> None:
    many = Resources.parse(f"ports:[{','.join([f'{number}-{number}' for number in range(0, 100_000, 2)])}]")

    with pytest.raises(InsufficientResources) as error:
        NOTHING - many

    assert len(str(error.value)) < 1_000
    assert "from nothing" in str(error.value)
