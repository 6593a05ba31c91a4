"""Debug mode: what would not work elsewhere is an error or a warning, with its place and what to do."""

import dataclasses
import functools
import gc
import logging
import os
import subprocess
import sys

import msgspec
import pytest

import libactor as la


class Point(msgspec.Struct, frozen=True):
    x: int
    more: tuple[int, ...] = ()


@dataclasses.dataclass
class Account:
    names: list[str]


class Doubling(msgspec.Struct):
    x: int

    def __post_init__(self):
        self.x *= 2


class Picky(msgspec.Struct):
    x: int

    def __post_init__(self):
        if self.x < 0:
            raise ValueError("negative")


class Keeper(la.Actor):
    def __init__(self):
        super().__init__()
        self.kept = None

    def keep(self, value=None, *more, named=None):
        self.kept = value
        return value

    @la.handles(Account)
    def on_account(self, message):
        self.kept = message

    def give(self):
        return la.move(self.kept)

    def give_away(self):
        kept, self.kept = self.kept, None
        return la.move(kept)

    def send_and_keep(self, other):
        self.kept = [1]
        la.tell(other, Keeper.keep, la.move(self.kept))

    def send_and_forget(self, other):
        items = [1]
        la.tell(other, Keeper.keep, la.move(items))

    def post_and_keep(self, other):
        self.kept = Account(["a"])
        la.post(other, la.move(self.kept))

    def send_named_and_keep(self, other):
        self.kept = [1]
        la.tell(other, Keeper.keep, 1, named=la.move(self.kept))


@pytest.fixture
def debug():
    with la.Runtime(debug=True) as runtime:
        yield runtime


@pytest.fixture
def told(caplog):
    """The warnings so far."""
    caplog.set_level(logging.WARNING, "libactor.values")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "libactor.values"]


def ask(pid, method, *args, **kwargs):
    return la.dispatch(pid, method, *args, **kwargs).get(30)


def settled(runtime):
    runtime.clock.pause()
    assert runtime.clock.settle(30)
    runtime.clock.resume()


def test_plain_data_crosses_without_a_word(debug, told):
    pid = la.spawn(Keeper())
    value = {"a": [1, (2, {3}), Point(1)], "b": Account(["x"]), "pid": pid}

    assert ask(pid, Keeper.keep, value, 1, named=Point(2)) == value
    assert told() == []


LIES = {
    "a field": (Point([1]), "Point goes by reference.*holds a list"),
    "a tuple in a field": (Point(1, (1, [2])), "Point goes by reference.*holds a list"),
    "a struct in a list": ([Point(1), Point(bytearray())], "Point goes by reference.*holds a bytearray"),
    "a struct in a field": (Point(1, (Account([]),)), "Point goes by reference.*holds a Account"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_declared_immutable_object_that_holds_a_mutable_one_is_an_error(debug, name):
    pid = la.spawn(Keeper())
    value, text = LIES[name]

    with pytest.raises(la.NotPassable, match=f"^argument 1 of keep: a {text}.*declare"):
        la.dispatch(pid, Keeper.keep, value)


def test_without_debug_mode_nothing_is_looked_at(runtime, told):
    pid = la.spawn(Keeper())

    la.dispatch(pid, Keeper.keep, Point([1])).get(30)
    ask(pid, Keeper.keep, Doubling(1), la.move([1]), la.Shared(1))

    assert told() == []


def local_class():
    @dataclasses.dataclass
    class Local:
        x: int = 0

    return Local()


def negative():
    picky = Picky(1)
    picky.x = -1
    return picky


BROKEN = {
    "a class without a name": (
        local_class,
        "local_class.<locals>.Local is not found by its name; define it at the top",
    ),
    "half a character": (lambda: ["\ud800"], "half a surrogate pair"),
    "a post_init that changes": (lambda: Doubling(1), "comes back from the wire as something else"),
    "a post_init that refuses": (negative, r"cannot be made .*ValueError: negative"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_wire_does_not_bring_back_is_an_error_that_names_place_and_remedy(debug, name):
    pid = la.spawn(Keeper())
    make, text = BROKEN[name]

    with pytest.raises(la.NotPassable, match=f"^argument named of keep: .*{text}.*move"):
        la.dispatch(pid, Keeper.keep, 1, named=make())


def test_a_result_that_the_wire_does_not_bring_back_fails_its_future(debug):
    class Giver(la.Actor):
        def give(self):
            return local_class()

    with pytest.raises(la.NotPassable, match=r"^result of giver.*\.give: "):
        ask(la.spawn(Giver()), Giver.give)


@pytest.mark.parametrize("value", [la.ready(1), la.Shared([1])], ids=lambda value: type(value).__name__)
def test_what_works_here_only_is_told_once_for_each_place(debug, told, value):
    pid = la.spawn(Keeper())

    for _ in range(3):
        la.dispatch(pid, Keeper.keep, 1, named=[value]).get(30)

    assert len(told()) == 1
    assert told()[0].startswith(f"argument named of keep: a {type(value).__name__}; ")
    assert "this process" in told()[0] or "one process" in told()[0]


def warned(told):
    return [text for text in told() if "still referred to" in text]


@pytest.mark.parametrize("way", [Keeper.send_and_keep, Keeper.post_and_keep, Keeper.send_named_and_keep])
def test_a_moved_object_that_its_sender_keeps_is_told_at_delivery(debug, told, way):
    sender, receiver = la.spawn(Keeper()), la.spawn(Keeper())

    ask(sender, way, receiver)
    settled(debug)

    [text] = warned(told)
    place = {"post_and_keep": "message"}.get(way.__name__, "argument")
    assert text.startswith(place)
    assert "still referred to, 1 times" in text


def test_a_moved_object_that_its_sender_lets_go_is_fine(debug, told):
    sender, receiver = la.spawn(Keeper()), la.spawn(Keeper())

    ask(sender, Keeper.send_and_forget, receiver)
    settled(debug)

    assert warned(told) == []


def test_a_result_that_is_moved_and_kept_is_told(debug, told):
    pid = la.spawn(Keeper())
    ask(pid, Keeper.keep, [1])

    assert ask(pid, Keeper.give) == [1]

    [text] = warned(told)
    assert text.startswith("result of ")
    assert "still referred to, 1 times" in text


def test_a_result_that_is_moved_and_given_away_is_fine(debug, told):
    pid = la.spawn(Keeper())
    ask(pid, Keeper.keep, [1])
    told_before = len(warned(told))

    ask(pid, Keeper.give_away)

    assert warned(told)[told_before:] == []


def test_an_object_that_was_moved_is_forgotten_once_it_was_delivered(debug):
    class Thing:
        alive = 0

        def __init__(self):
            Thing.alive += 1

        def __del__(self):
            Thing.alive -= 1

    pid = la.spawn(Keeper())
    la.tell(pid, Keeper.keep, la.move([Thing()]))
    ask(pid, Keeper.keep, 1)
    settled(debug)
    gc.collect()

    assert Thing.alive == 0


def test_moved_values_that_cannot_change_are_not_told(debug, told):
    pid = la.spawn(Keeper())

    ask(pid, Keeper.keep, la.move("text"))

    assert told() == []


def test_the_end_of_the_last_runtime_in_debug_mode_ends_it(runtime, told):
    one, two = la.Runtime(debug=True), la.Runtime(debug=True)
    pid = runtime.spawn(Keeper())

    one.close()
    with pytest.raises(la.NotPassable):
        la.dispatch(pid, Keeper.keep, Point([1]))
    two.close()
    one.close()

    assert la.dispatch(pid, Keeper.keep, Point([1])).get(30).x == [1]


PROGRAM = """
import libactor as la, libactor.runtime, sys
class A(la.Actor):
    def add(self, x): pass
with la.Runtime():
    try:
        la.dispatch(la.spawn(A()), A.add, [lambda: 1])
    except la.NotPassable:
        pass
    print("libactor.debugging" in sys.modules)
"""


@pytest.mark.real
@pytest.mark.parametrize("value", ["0", "1"])
def test_the_environment_switches_it_on(value):
    environment = {**os.environ, "LIBACTOR_DEBUG_VALUES": value}

    out = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)

    assert out.stdout.split() == [str(value == "1")]


# Goal: what is bound for one call is moved twice, into the callable and into the call; only the receiver has it then.
# Method: an actor sends to itself, so that nothing is served before its turn is over.
@pytest.mark.parametrize("keeps", [True, False])
def test_an_object_that_was_bound_for_one_call_is_told_if_its_sender_keeps_it(debug, told, keeps):
    class Sender(Keeper):
        def send(self):
            items = [1]
            self.items = items if keeps else None
            la.defer(self.pid, Keeper.keep, la.move(items), once=True)()
            la.defer(self.pid, Keeper.keep, [1], once=True)()
            la.run(len, la.move([1]))

    debug.clock.pause()
    la.tell(debug.spawn(Sender()), Sender.send)
    debug.clock.settle()

    kept = [text for text in told() if "still referred to" in text]
    assert [text.split(";")[0] for text in kept] == (
        ["argument 1 of defer(keep): the list that was moved is still referred to, 1 times"] if keeps else []
    )


def test_none_and_other_plain_values_are_no_moved_objects(debug, told):
    pid = la.spawn(Keeper())

    for value in (None, True, 0, "", ()):
        assert ask(pid, Keeper.keep, value) == value

    assert not told()


def test_a_class_that_was_registered_is_not_looked_into(caplog):
    with la.Runtime(debug=True):
        supervisor = la.spawn(la.Supervisor())

        pid = la.dispatch(supervisor, la.Supervisor.start_child, la.Child(functools.partial(la.Actor), "late")).get(60)
        la.dispatch(supervisor, la.Supervisor.started).get(60)

    assert pid.id == "late"
    assert "result of" not in caplog.text  # the future that a handler returns is no result, what it comes to is
