"""Typed messages: post finds the handler of exactly the message's class, near classes before far ones."""

import dataclasses
import logging
import typing

import pytest

import libactor as la

LIMIT = 30
T = typing.TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Ping:
    n: int = 0


@dataclasses.dataclass(frozen=True)
class Pong(Ping):
    pass


class Listener(la.Actor):
    def __init__(self, heard=None):
        super().__init__()
        self.heard = [] if heard is None else heard

    @la.handles(Ping)
    def ping(self, message, sender):
        self.heard.append((message.n, sender))

    def told(self):
        return tuple(self.heard)


def told(pid):
    return la.dispatch(pid, Listener.told).get(LIMIT)


# LP ProcessTest.Handlers
def test_a_posted_message_reaches_its_handler_without_a_sender(runtime):
    pid = la.spawn(Listener())

    la.post(pid, Ping(1))

    assert told(pid) == ((1, None),)


def test_the_sender_is_the_actor_that_posts_unless_another_is_named(runtime):
    class Caller(la.Actor):
        def call(self, target, sender):
            la.post(target, Ping(1))
            la.post(target, Ping(2), sender)

    pid, other, caller = la.spawn(Listener()), la.spawn(Listener()), la.spawn(Caller())
    la.dispatch(caller, Caller.call, pid, other).get(LIMIT)

    assert told(pid) == ((1, caller), (2, other))


def test_a_sender_that_is_no_address_is_refused(runtime):
    pid = la.spawn(Listener())

    with pytest.raises(TypeError, match=r"post: got the sender \[\], expected a PID"):
        la.post(pid, Ping(), sender=[])


def test_a_handler_may_leave_the_sender_out(runtime):
    class Plain(Listener):
        @la.handles(Pong)
        def pong(self, message):
            self.heard.append((message.n, "pong"))

    pid = la.spawn(Plain())
    la.post(pid, Pong(3))

    assert told(pid) == ((3, "pong"),)


def test_a_message_of_a_subclass_is_not_the_class_that_is_handled(runtime):
    pid = la.spawn(Listener())

    la.post(pid, Pong(1))

    assert told(pid) == ()
    assert runtime.dead_letters == 1


def test_one_method_may_handle_several_classes(runtime):
    class Both(Listener):
        @la.handles(str)
        @la.handles(int)
        def either(self, message):
            self.heard.append(message)

    pid = la.spawn(Both())
    la.post(pid, "a")
    la.post(pid, 1)

    assert told(pid) == ("a", 1)


def test_a_handler_is_inherited_and_an_override_needs_no_mark(runtime):
    class Quiet(Listener):
        def ping(self, message, sender):
            self.heard.append("overridden")

    pid = la.spawn(Quiet())
    la.post(pid, Ping())

    assert told(pid) == ("overridden",)


def test_an_override_may_drop_the_sender(runtime):
    class Quiet(Listener):
        def ping(self, message):
            self.heard.append("overridden")

    pid = la.spawn(Quiet())
    la.post(pid, Ping())

    assert told(pid) == ("overridden",)


def test_a_subclass_handler_of_the_class_replaces_that_of_the_base(runtime):
    class Other(Listener):
        @la.handles(Ping)
        def other(self, message):
            self.heard.append("other")

    base, derived = la.spawn(Listener()), la.spawn(Other())
    la.post(derived, Ping())
    la.post(base, Ping(7))

    assert told(derived) == ("other",)
    assert told(base) == ((7, None),)


# LP ProcessTest.Listener
def test_handlers_of_all_bases_are_found_those_of_a_plain_mixin_too(runtime):
    class Second(la.Actor):
        @la.handles(str)
        def text(self, message):
            self.heard.append(message)

    class Mixin:
        @la.handles(int)
        def number(self, message):
            self.heard.append(message)

    class All(Listener, Second, Mixin):
        pass

    pid = la.spawn(All())
    la.post(pid, "a")
    la.post(pid, 1)
    la.post(pid, Ping(2))

    assert told(pid) == ("a", 1, (2, None))


def test_the_nearer_of_two_bases_handles_the_message(runtime):
    class Far(la.Actor):
        @la.handles(Ping)
        def far(self, message):
            raise AssertionError

    class Near(Listener, Far):
        pass

    pid = la.spawn(Near())
    la.post(pid, Ping(1))

    assert told(pid) == ((1, None),)


def test_a_failing_handler_stops_the_actor(runtime, caplog):
    class Brittle(la.Actor):
        @la.handles(Ping)
        def ping(self, message):
            raise ValueError("no")

    pid = la.spawn(Brittle())
    la.post(pid, Ping())

    assert la.wait(pid, LIMIT)
    assert "ValueError: no" in caplog.text


def test_a_failing_tell_stops_the_actor(runtime, caplog):
    pid = la.spawn(Listener())

    la.tell(pid, Listener.told, "one argument too many")

    assert la.wait(pid, LIMIT)
    assert "TypeError" in caplog.text


def test_messages_and_tells_to_a_stopped_actor_are_counted(runtime):
    pid = la.spawn(Listener())
    la.terminate(pid)
    la.wait(pid, LIMIT)

    la.post(pid, Ping())
    la.tell(pid, Listener.told)

    assert runtime.dead_letters == 2


def test_the_log_says_why_something_was_not_served(runtime, caplog):
    pid = la.spawn(Listener())
    with caplog.at_level(logging.DEBUG, "libactor"):
        la.post(pid, "nobody handles text")
        la.terminate(pid, inject=False)
        la.wait(pid, LIMIT)
        la.tell(pid, Listener.told)

    assert "str was sent and not served: no method is marked to handle it" in caplog.text
    assert "told was sent and not served: the actor has stopped" in caplog.text


def test_dead_letters_of_many_threads_are_all_counted(runtime, count, together):
    pid = la.spawn(Listener())
    la.terminate(pid)
    la.wait(pid, LIMIT)
    each = count(20_000)

    together(*[lambda: [la.tell(pid, Listener.told) for _ in range(each)]] * 4)

    assert runtime.dead_letters == 4 * each


def test_tells_and_posts_of_one_sender_arrive_in_order(runtime, count):
    class Mixed(Listener):
        @la.handles(int)
        def number(self, message):
            self.heard.append(message)

    pid = la.spawn(Mixed())
    for n in range(0, count(10_000), 2):
        la.post(pid, n)
        la.tell(pid, Mixed.number, n + 1)

    assert told(pid) == tuple(range(count(10_000)))


def test_what_handles_marks_must_be_a_class():
    with pytest.raises(TypeError, match="expected a message class"):
        la.handles(Ping())


def test_a_handler_with_a_wrong_signature_is_named_when_its_class_is_made():
    with pytest.raises(TypeError, match=r"Wrong\.ping: a message handler takes"):

        class Wrong(la.Actor):
            @la.handles(Ping)
            def ping(self): ...


def test_a_message_that_cannot_cross_is_refused_at_the_sender(runtime):
    pid = la.spawn(Listener())

    with pytest.raises(la.NotPassable, match="message"):
        la.post(pid, object())


def test_two_handlers_of_one_message_in_a_class_are_refused():
    with pytest.raises(TypeError, match="first and second both handle"):

        class Torn(la.Actor):
            @la.handles(Ping)
            def first(self, message): ...

            @la.handles(Ping)
            def second(self, message): ...


def test_an_asynchronous_generator_as_a_message_handler_is_refused():
    with pytest.raises(TypeError, match="answer: is an asynchronous generator"):

        class Modern(la.Actor):
            @la.handles(Ping)
            async def answer(self, message):
                yield message


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (list[int], r"so @handles\(list\): an object does not know"),
        (int | str, "so mark the method once for each of them"),
        (typing.Union[Ping, int], "so mark the method once for each of them"),  # noqa: UP007
        (Ping(), r"as in @handles\(Reset\)"),
    ],
)
def test_what_is_no_class_is_refused_with_what_to_mark_instead(kind, remedy):
    with pytest.raises(TypeError, match=f"expected a message class, {remedy}"):
        la.handles(kind)


# Goal: messages need no class of one's own. Method: the class is looked up exactly, so True is no int.
def test_messages_of_built_in_types_are_found_by_their_very_class(runtime):
    class Plain(Listener):
        @la.handles(int)
        @la.handles(list)
        @la.handles(type(None))
        def any(self, message):
            self.heard.append(message)

    pid, numbers = la.spawn(Plain()), [1]
    for message in (1, numbers, None, True, 1.0):
        la.post(pid, message)
    numbers.append(2)

    assert told(pid) == (1, [1], None)
    assert runtime.dead_letters == 2


@dataclasses.dataclass(frozen=True)
class Boxed(typing.Generic[T]):
    value: T


def test_a_message_of_a_generic_class_is_one_of_the_class(runtime):
    class Unpacker(Listener):
        @la.handles(Boxed)
        def unpack(self, message):
            self.heard.append(message.value)

    pid = la.spawn(Unpacker())
    la.post(pid, Boxed[int](1))
    la.post(pid, Boxed("a"))

    assert told(pid) == (1, "a")


def test_a_message_with_a_cycle_and_a_receiver_that_is_none_are_refused_at_the_sender(runtime):
    cycle = []
    cycle.append(cycle)
    pid = la.spawn(Listener())

    with pytest.raises(la.NotPassable, match="message: a list contains itself"):
        la.post(pid, cycle)
    with pytest.raises(TypeError, match="post: got 'text', expected a PID"):
        la.post("text", Ping())
