"""Actors start before anything else, stop once, and leave nothing behind: ids, lifecycle, inheritance."""

import functools
import threading
import weakref

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure: no test waits this long


class Diary(la.Actor):
    """Writes down what happens to it."""

    def __init__(self, lines, id=None):
        super().__init__(id)
        self.lines = lines

    def on_start(self):
        self.lines.append("start")

    def on_stop(self):
        self.lines.append("stop")

    def write(self, line):
        self.lines.append(line)


class Gate(la.Actor):
    """Holds the worker until the test lets it go, so that others stay unserved."""

    def __init__(self):
        super().__init__()
        self.entered, self.opened = threading.Event(), threading.Event()

    def hold(self):
        self.entered.set()
        assert self.opened.wait(LIMIT)


@pytest.fixture
def gate(runtime):
    actor = Gate()
    actor.held = la.dispatch(la.spawn(actor), Gate.hold)
    assert actor.entered.wait(LIMIT)
    yield actor
    actor.opened.set()


# LP ProcessTest.Spawn
def test_an_actor_starts_before_its_first_call_and_stops_after_its_last(runtime):
    lines = []
    pid = la.spawn(Diary(lines))

    la.tell(pid, Diary.write, "call")
    la.terminate(pid, inject=False)

    assert la.wait(pid, LIMIT)
    assert lines == ["start", "call", "stop"]


# LP ProcessTest.Spawn
def test_waiting_for_a_live_actor_without_time_says_no(runtime):
    pid = la.spawn(Diary([]))

    assert la.wait(pid, 0) is False


def test_the_end_of_an_actor_is_awaited_and_a_discard_does_not_hide_it(runtime):
    class Watching(la.Actor):
        async def watch(self, pid):
            await la.stopped(pid)
            return "over"

    pid = la.spawn(la.Actor())
    asked = la.dispatch(la.spawn(Watching()), Watching.watch, pid)
    given_up, kept = la.stopped(pid), la.stopped(pid)
    given_up.discard()
    assert kept.is_pending()

    la.terminate(pid)

    assert asked.get(LIMIT) == "over"
    assert kept.get(LIMIT) is None
    assert la.stopped(pid).get(LIMIT) is None


# Method: a callback of the end runs before anything comes after it, so what it sees is what whoever waits finds.
def test_nothing_of_the_calls_an_actor_leaves_unanswered_outlives_its_end(runtime, hold):
    pid = la.spawn(la.Actor())
    opened, _ = hold(pid)
    argument = la.Actor()
    left, found = weakref.ref(argument), []
    la.execute(pid, functools.partial(str, argument))
    del argument
    la.stopped(pid).on_any(lambda _: found.append(left()))

    la.terminate(pid)
    opened.set(None)

    assert la.wait(pid, LIMIT)
    assert found == [None]


def test_only_a_pid_has_an_end_to_await(runtime):
    with pytest.raises(TypeError, match="stopped: got 3, expected a PID, as spawn returns it"):
        la.stopped(3)


def test_waiting_for_a_stopped_actor_says_yes_at_once_and_again(runtime):
    pid = la.spawn(Diary([]))
    la.terminate(pid)

    assert la.wait(pid)
    assert la.wait(pid, 0)


def test_an_id_is_made_of_the_class_name_and_a_number():
    first, second = Gate(), Gate()

    name, number = first._libactor_id.rstrip(")").split("(")
    assert name == "gate"
    assert second._libactor_id == f"gate({int(number) + 1})"


def test_classes_of_one_name_share_their_numbers(runtime):
    first, second = (type("Namesake", (la.Actor,), {}) for _ in range(2))
    ids = [kind()._libactor_id for kind in (first, second, first)]

    number = int(ids[0].removeprefix("namesake(").rstrip(")"))
    assert ids == [f"namesake({number + step})" for step in range(3)]


def test_a_class_that_is_renamed_gives_ids_of_its_new_name():
    class Before(la.Actor):
        pass

    Before()
    Before.__name__ = "Afterwards"

    assert Before()._libactor_id.startswith("afterwards(")


def test_a_class_whose_name_has_a_lower_of_its_own_gives_ids_of_text():
    class Name(str):
        def lower(self):
            return 5

    class Named(la.Actor):
        pass

    Named.__name__ = Name("Shouting")

    assert Named()._libactor_id.startswith("shouting(")


# Goal: fields that a user is likely to have are the user's own. Method: those that would lead the core astray.
def test_an_actor_may_have_fields_named_as_what_the_runtime_keeps(runtime):
    class Order(la.Actor):
        def __init__(self):
            super().__init__("order")
            self._id, self._handlers = 7, {int: print}

        def on_start(self):
            self._process = "a program of the user's"

        @la.handles(int)
        def add(self, n):
            self._id += n

        def look(self):
            return self._id, str(self.pid)

    pid = la.spawn(Order())
    la.post(pid, 1)

    assert la.dispatch(pid, Order.look).get(LIMIT) == (8, f"order@{runtime.address}")


@pytest.mark.parametrize("id", ["", "a@b", "a/b"])
def test_an_id_that_an_address_could_not_hold_is_refused(id):
    with pytest.raises(la.SpawnError, match="will not do"):
        Diary([], id)


def test_an_id_is_taken_while_its_actor_lives_and_free_afterwards(runtime):
    pid = la.spawn(Diary([], "one"))
    with pytest.raises(la.SpawnError, match="taken"):
        la.spawn(Diary([], "one"))

    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert la.spawn(Diary([], "one")) == pid


def test_an_actor_that_found_its_id_taken_can_be_spawned_later(runtime):
    pid = la.spawn(Diary([], "one"))
    late = Diary([], "one")
    with pytest.raises(la.SpawnError):
        la.spawn(late)

    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert la.spawn(late).id == "one"


def test_an_actor_object_is_spawned_once(runtime):
    actor = Diary([])
    la.spawn(actor)

    with pytest.raises(la.SpawnError, match="spawned before"):
        la.spawn(actor)


def test_what_is_no_actor_is_not_spawned(runtime):
    with pytest.raises(la.SpawnError, match="expected an instance"):
        la.spawn(Diary)


def test_an_init_that_forgets_its_base_is_named(runtime):
    class Forgetful(la.Actor):
        def __init__(self):
            self.n = 0

    with pytest.raises(la.SpawnError, match=r"Forgetful\.__init__ did not call"):
        la.spawn(Forgetful())


def test_an_actor_has_no_pid_before_it_is_spawned_and_keeps_it_afterwards(runtime):
    actor = Diary([])
    with pytest.raises(la.SpawnError, match="before it is spawned"):
        actor.pid

    pid = la.spawn(actor)
    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert actor.pid == pid


def test_termination_skips_what_is_not_served_yet(runtime, gate):
    lines = []
    pid = la.spawn(Diary(lines))
    dropped = la.dispatch(pid, Diary.write, "call")

    la.terminate(pid)
    gate.opened.set()

    assert la.wait(pid, LIMIT)
    assert "call" not in lines
    assert dropped.is_abandoned()


def test_termination_without_inject_serves_what_came_before_and_drops_what_came_after(runtime, gate):
    lines = []
    pid = la.spawn(Diary(lines))
    before = la.dispatch(pid, Diary.write, "before")
    la.terminate(pid, inject=False)
    after = la.dispatch(pid, Diary.write, "after")

    gate.opened.set()

    assert la.wait(pid, LIMIT)
    assert lines == ["start", "before", "stop"]
    assert before.is_ready()
    assert after.is_abandoned()


# Goal: on_start and on_stop come in pairs. Method: the actor is terminated while the only worker is held.
def test_an_actor_terminated_before_it_came_to_start_still_starts(runtime, gate):
    lines = []
    pid = la.spawn(Diary(lines))

    la.terminate(pid)
    gate.opened.set()

    assert la.wait(pid, LIMIT)
    assert lines == ["start", "stop"]


# Goal: nothing is served before on_start. Method: another thread finds the actor the moment it is in the table.
@pytest.mark.skipif(la.CORE == "c", reason="nothing comes between the table and the run queue")
def test_a_call_that_comes_while_the_actor_is_being_spawned_waits_for_its_start(runtime):
    lines = []

    class Table(dict):
        def __setitem__(self, id, process):
            super().__setitem__(id, process)
            la.tell(process.pid, Diary.write, "call")

    runtime._processes = Table()
    pid = la.spawn(Diary(lines))
    la.terminate(pid, inject=False)

    assert la.wait(pid, LIMIT)
    assert lines == ["start", "call", "stop"]


def test_terminating_twice_stops_once(runtime, gate):
    lines = []
    pid = la.spawn(Diary(lines))

    la.terminate(pid)
    la.terminate(pid, inject=False)
    gate.opened.set()
    la.wait(pid, LIMIT)
    la.terminate(pid)

    assert lines == ["start", "stop"]


def test_an_actor_can_terminate_itself_and_finishes_its_handler(runtime):
    lines = []

    class Mayfly(Diary):
        def live(self):
            la.terminate(self.pid)
            self.write("last words")

    pid = la.spawn(Mayfly(lines))
    la.tell(pid, Mayfly.live)

    assert la.wait(pid, LIMIT)
    assert lines == ["start", "last words", "stop"]


def test_waiting_for_oneself_is_an_error(runtime):
    class Narcissus(la.Actor):
        def look(self):
            la.wait(self.pid)

    future = la.dispatch(la.spawn(Narcissus()), Narcissus.look)

    with pytest.raises(RuntimeError, match="would wait for itself"):
        future.get(LIMIT)


def test_a_failed_start_stops_the_actor_without_on_stop_and_frees_its_id(runtime, caplog):
    lines = []

    class Stillborn(Diary):
        def on_start(self):
            raise ValueError("no")

    pid = la.spawn(Stillborn(lines, "one"))
    dropped = la.dispatch(pid, Diary.write, "call")

    assert la.wait(pid, LIMIT)
    assert lines == []
    assert dropped.is_abandoned()
    assert la.spawn(Diary(lines, "one")).id == "one"
    assert "stopped by an error" in caplog.text


@la.foreseen
class DiskFull(Exception):
    """What a class of actors may end with, and everybody knows it."""


# Goal: who is to say why an actor has ended finds the reason, and nobody a traceback. Method: an error of a class that
#   is foreseen, and one object that is, end an actor that somebody is linked to, and one that nobody is.
@pytest.mark.parametrize("error", [DiskFull("no room"), la.foreseen(OSError("no room"))])
def test_an_end_that_was_foreseen_is_one_line_in_the_log(runtime, caplog, error):
    reasons = la.Promise()

    class Full(la.Actor):
        def fill(self):
            raise error

    class Watcher(la.Actor):
        def watch(self, pid):
            la.link(pid)

        def on_exited(self, pid, reason):
            reasons.set(reason)

    caplog.set_level("INFO", logger="libactor")
    watched, alone = la.spawn(Full()), la.spawn(Full())
    la.dispatch(la.spawn(Watcher()), Watcher.watch, watched).get(LIMIT)
    for pid in (watched, alone):
        la.tell(pid, Full.fill)
        assert la.wait(pid, LIMIT)

    assert reasons.future.get(LIMIT) is error
    assert (la.is_foreseen(error), la.is_foreseen(OSError())) == (True, False)
    told = [(line.levelname, line.getMessage(), line.exc_info) for line in caplog.records]
    assert told == [("INFO", f"{watched}: stopped: no room", None), ("ERROR", f"{alone}: stopped: no room", None)]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_on_stop_that_raises_does_not_keep_the_actor_from_stopping(runtime, caplog, error):
    class Sore(la.Actor):
        def on_stop(self):
            raise error

    pid = la.spawn(Sore())
    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert "on_stop failed" in caplog.text
    assert la.dispatch(la.spawn(Diary([])), Diary.write, "the worker lives").get(LIMIT) is None


# Goal: stop() goes through to its end. Method: the report of an abandoned call raises what ends a thread.
def test_a_callback_that_exits_does_not_keep_the_actor_from_stopping(runtime, gate, caplog):
    pid = la.spawn(Diary([]))

    def leave():
        raise SystemExit

    la.dispatch(pid, Diary.write, "call").on_abandoned(leave)
    last = la.dispatch(pid, Diary.write, "call")
    la.terminate(pid)
    gate.opened.set()

    assert la.wait(pid, LIMIT)
    assert last.is_abandoned()


def test_an_actor_can_spawn_and_ask_others_in_on_start(runtime):
    class Parent(la.Actor):
        def on_start(self):
            self.child = la.spawn(Diary([]))
            self.answer = la.dispatch(self.child, Diary.write, "hello").get(LIMIT)

        def family(self):
            return (self.child, self.answer)

    child, answer = la.dispatch(la.spawn(Parent()), Parent.family).get(LIMIT)

    assert answer is None
    assert child in runtime.pids()


def test_a_stopped_actor_object_is_let_go_of(runtime):
    actor = Diary([])
    seen = weakref.ref(actor)
    pid = la.spawn(actor)
    la.terminate(pid)
    la.wait(pid, LIMIT)

    actor._libactor_process = None  # what refers back to the runtime; the process itself must not hold the actor
    del actor

    assert seen() is None


def test_on_stop_can_tell_a_failure_from_a_termination():
    heard = []

    class Witness(la.Actor):
        def on_stop(self):
            heard.append(self._stop_reason())

        def fail(self):
            raise OSError("broken")

    with la.Runtime():
        failing, ending = la.spawn(Witness()), la.spawn(Witness())
        la.tell(failing, Witness.fail)
        la.wait(failing, 60)
        la.terminate(ending)
        la.wait(ending, 60)

    assert [str(reason) for reason in heard] == ["broken", "None"]


# ---- classes that cannot be meant so ----


@pytest.mark.parametrize("name", ["pid", "runtime", "stash", "timers", "unstash"])
@pytest.mark.parametrize(
    "what", [lambda self: None, property(lambda self: None), []], ids=["method", "property", "list"]
)
def test_a_class_that_hides_what_every_actor_has_is_refused(name, what):
    with pytest.raises(
        TypeError, match=f"Hiding.{name}: every actor has a {name} of libactor's; call this another name"
    ):
        type("Hiding", (la.Actor,), {name: what})


@pytest.mark.parametrize("on_exited", [lambda self, pid: None, lambda self: None, lambda self, p, r, more: None])
def test_an_on_exited_that_could_not_be_called_is_refused_with_its_class(on_exited):
    with pytest.raises(TypeError, match=r"Watching.on_exited: .*argument.*; expected \(self, pid, reason\)"):
        type("Watching", (la.Actor,), {"on_exited": on_exited})


@pytest.mark.parametrize("on_exited", [lambda self, *rest: None, lambda self, pid, reason, more=1: None])
def test_an_on_exited_that_takes_more_than_it_gets_is_none_the_worse(on_exited):
    type("Watching", (la.Actor,), {"on_exited": on_exited})


def test_a_class_keyword_that_nobody_knows_is_named(runtime):
    with pytest.raises(TypeError, match="Wrong: got the class keyword 'mailbx', expected mailbox or stash"):

        class Wrong(la.Actor, mailbx=1):
            pass
