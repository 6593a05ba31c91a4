"""Owned is handed over once, by whoever comes first."""

import pytest

import libactor as la

EMPTY = "handed over"


class Keeper(la.Actor):
    def __init__(self):
        super().__init__()
        self.kept = None

    def keep(self, value):
        self.kept = value

    def kept_is(self, value):
        return self.kept is value.value

    def give(self):
        return la.move(la.Owned(self.kept))


# LP OwnedTest.Release
def test_the_receiver_gets_the_very_object_and_the_holder_is_empty(runtime):
    pid, items = la.spawn(Keeper()), [1]
    owned = la.Owned(items)

    la.dispatch(pid, Keeper.keep, la.move(owned)).get(30)

    assert la.dispatch(pid, Keeper.kept_is, la.Shared(items)).get(30)
    with pytest.raises(la.MovedError, match=EMPTY):
        owned.value


def test_a_result_can_be_moved_out_of_an_owned(runtime):
    pid, items = la.spawn(Keeper()), [1]

    la.dispatch(pid, Keeper.keep, la.move(la.Owned(items))).get(30)

    assert la.dispatch(pid, Keeper.give).get(30) is items


def test_what_is_moved_already_is_moved_no_further(runtime):
    pid, items = la.spawn(Keeper()), [1]
    moved = la.move(la.Owned(items))

    for _ in range(100_000):  # each one inside the other would be too deep a stack when they go
        moved = la.move(moved)
    la.dispatch(pid, Keeper.keep, moved).get(30)

    assert la.dispatch(pid, Keeper.give).get(30) is items


USES = {
    "value": lambda owned: owned.value,
    "release": lambda owned: owned.release(),
    "share": lambda owned: owned.share(),
    "move": la.move,
}


# LP OwnedTest.Null
@pytest.mark.parametrize("take", ["release", "share", "move"])
@pytest.mark.parametrize("use", USES)
def test_every_use_of_an_empty_holder_is_an_error(take, use):
    owned = la.Owned([1])
    USES[take](owned)

    with pytest.raises(la.MovedError, match=EMPTY):
        USES[use](owned)


# LP OwnedTest.Access
def test_to_look_at_the_object_takes_nothing_away():
    items = [1]
    owned = la.Owned(items)

    assert owned.value is owned.value is items
    assert owned.release() is items


def test_an_owned_that_is_not_moved_does_not_cross(runtime):
    pid = la.spawn(Keeper())

    with pytest.raises(la.NotPassable, match=r"argument 1 of keep: libactor\.owned\.Owned .* move\(\)"):
        la.dispatch(pid, Keeper.keep, la.Owned([1]))


# LP OwnedTest.Share
def test_share_gives_the_object_up_to_all_and_leaves_the_owned_empty():
    items = [1]
    owned = la.Owned(items)

    shared = owned.share()

    assert shared.value is shared.share().value is items
    with pytest.raises(la.MovedError, match=EMPTY):
        owned.value


def test_the_text_of_a_holder_tells_whether_it_is_empty():
    owned = la.Owned([1])
    full = repr(owned)
    owned.release()

    assert (full, repr(owned)) == ("Owned([1])", "Owned(<moved>)")


@pytest.mark.real
def test_of_many_threads_that_move_one_gets_the_object(together):
    winners = []
    for number in range(200):
        owned = la.Owned(number)

        def take(owned=owned):
            try:
                winners.append(owned.release())
            except la.MovedError:
                return

        together(take, take, take)

    assert winners == list(range(200))
