"""Marked methods go by the control lane: ahead of what waits, in their own order, and past a full mailbox."""

import pytest

import libactor as la

LIMIT = 60  # seconds; a bound on failure


class Halt:
    """A message, which test_control registers as immutable."""


la.register_immutable(Halt)


class Recorder(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, what):
        self.seen.append(what)

    @la.control
    def urge(self, what):
        self.seen.append(("urgent", what))
        return what

    @la.control
    @la.handles(Halt)
    def halt(self, message):
        self.seen.append("halt")

    @la.handles(str)
    @la.control
    def hurry(self, message, sender):
        self.seen.append(message)

    @la.handles(int)
    def number(self, message):
        self.seen.append(message)

    @la.control
    @staticmethod
    def beside():
        return "beside"


class Overriding(Recorder):
    def urge(self, what):
        self.seen.append(("overridden", what))

    def halt(self, message):
        self.seen.append("overridden")


class Marking(Recorder):
    @la.control
    def note(self, what):
        self.seen.append(("urgent", what))


def served(pid):
    recorder = pid._process.actor
    la.terminate(pid, inject=False)
    assert la.wait(pid, LIMIT)
    return recorder.seen


@pytest.mark.parametrize(
    ("send", "expected"),
    [
        (lambda pid: la.tell(pid, Recorder.urge, 1), ("urgent", 1)),
        (lambda pid: la.dispatch(pid, Recorder.urge, 1), ("urgent", 1)),
        (lambda pid: la.defer(pid, Recorder.urge)(1), ("urgent", 1)),
        (lambda pid: la.delay(0, pid, Recorder.urge, 1), ("urgent", 1)),
        (lambda pid: la.post(pid, Halt()), "halt"),
        (lambda pid: la.post(pid, la.move(Halt())), "halt"),
        (lambda pid: la.post(pid, "hurry"), "hurry"),
    ],
    ids=["tell", "dispatch", "defer", "delay", "post", "post moved", "the marks the other way round"],
)
def test_a_marked_method_goes_ahead_however_it_is_called(paused, hold, send, expected):
    pid = la.spawn(Recorder())
    opened, _ = hold(pid)
    la.tell(pid, Recorder.note, "ordinary")
    la.post(pid, 3)

    send(pid)
    paused.clock.advance(0)
    opened.set(None)

    assert served(pid) == [expected, "ordinary", 3]


def test_marked_methods_keep_their_order_and_the_others_theirs(paused, hold):
    pid = la.spawn(Recorder())
    opened, _ = hold(pid)

    for n in range(3):
        la.tell(pid, Recorder.note, n)
        la.tell(pid, Recorder.urge, n)
    opened.set(None)

    assert served(pid) == [("urgent", 0), ("urgent", 1), ("urgent", 2), 0, 1, 2]


@pytest.mark.parametrize("overflow", ["drop-new", "drop-old", "fail-sender", "block"])
def test_a_full_mailbox_neither_refuses_nor_counts_them(paused, hold, overflow):
    pid = la.spawn(Recorder(), mailbox=la.Bounded(1, overflow))
    opened, _ = hold(pid)
    la.tell(pid, Recorder.urge, 0)
    la.tell(pid, Recorder.note, "ordinary")

    answers = [la.dispatch(pid, Recorder.urge, n) for n in (1, 2)]
    opened.set(None)

    assert la.collect(answers).get(LIMIT) == [1, 2]
    assert paused.overflows == 0
    assert served(pid) == [("urgent", 0), ("urgent", 1), ("urgent", 2), "ordinary"]


def test_a_subclass_that_overrides_a_marked_method_need_not_mark_it(paused, hold):
    pid = la.spawn(Overriding())
    opened, _ = hold(pid)
    la.tell(pid, Recorder.note, "ordinary")

    la.tell(pid, Recorder.urge, 1)
    la.post(pid, Halt())
    opened.set(None)

    assert served(pid) == [("overridden", 1), "overridden", "ordinary"]


def test_the_class_of_the_receiver_decides(paused, hold):
    for actor, expected in ((Recorder(), ["first", "second"]), (Marking(), [("urgent", "second"), "first"])):
        pid = la.spawn(actor)
        opened, _ = hold(pid)
        la.execute(pid, lambda actor=actor: actor.seen.append("first"))

        la.tell(pid, Recorder.note, "second")
        opened.set(None)

        assert served(pid) == expected


def test_a_held_actor_serves_them(paused):
    pid = la.spawn(Recorder())
    la.execute(pid, lambda: pid._process.hold(True)).get(LIMIT)
    waits = la.dispatch(pid, Recorder.note, "ordinary")

    assert la.dispatch(pid, Recorder.urge, 1).get(LIMIT) == 1
    assert waits.is_pending()
    la.terminate(pid)


@pytest.mark.parametrize(("inject", "seen"), [(True, []), (False, [("urgent", 1)])])
def test_a_termination_goes_ahead_of_the_lane_or_after_it(paused, hold, inject, seen):
    recorder = Recorder()
    pid = la.spawn(recorder)
    opened, _ = hold(pid)
    la.tell(pid, Recorder.urge, 1)

    la.terminate(pid, inject)
    opened.set(None)

    assert la.wait(pid, LIMIT)
    assert recorder.seen == seen
    assert paused.dead_letters == (1 if inject else 0)


def test_a_static_method_can_be_marked(runtime):
    assert la.dispatch(la.spawn(Recorder()), Recorder.beside).get(LIMIT) == "beside"


def test_a_class_without_marks_has_nothing_beside_its_mailbox(runtime):
    assert la.Actor._libactor_control == frozenset()
    assert Recorder._libactor_control == {"urge", "halt", "hurry", "beside", Halt, str}
    assert type("Plain", (la.Actor,), {})._libactor_control == frozenset()


@pytest.mark.parametrize("method", [3, None, "urge", int.__add__])
def test_only_a_method_can_be_marked(method):
    with pytest.raises(TypeError, match=r"^control: got .*, expected a method"):
        la.control(method)
