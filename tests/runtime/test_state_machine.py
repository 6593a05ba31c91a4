"""StateMachine: one state of several, left only from where it is expected to be, and waited for."""

import enum
import gc
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


class State(enum.Enum):
    NEW = 1
    RUNNING = 2
    DONE = 3


@pytest.fixture
def machine():
    return la.StateMachine(State.NEW)


# LP StateMachineTest.Transition
def test_a_transition_leads_from_the_expected_state_and_its_function_gives_the_result(machine):
    assert machine.transition(State.NEW, State.RUNNING) is None
    assert machine.transition(State.RUNNING, State.DONE, lambda: "done") == "done"

    assert machine.state is State.DONE


def test_a_transition_from_another_state_is_refused_and_nothing_happens(machine):
    called = []

    with pytest.raises(
        la.InvalidTransition, match=r"the state is <State.NEW: 1>, expected <State.RUNNING: 2>, to go on"
    ):
        machine.transition(State.RUNNING, State.DONE, lambda: called.append(1))

    assert machine.is_in(State.NEW)
    assert called == []


# LP StateMachineTest.Is
def test_it_is_in_one_state(machine):
    assert [state for state in State if machine.is_in(state)] == [State.NEW]

    machine.transition(State.NEW, State.DONE)

    assert [state for state in State if machine.is_in(state)] == [State.DONE]


# LP StateMachineTest.When
def test_those_who_wait_for_a_state_are_told_when_it_is_entered(machine):
    assert machine.when(State.NEW).is_ready()
    running, done = machine.when(State.RUNNING), machine.when(State.DONE)

    machine.transition(State.NEW, State.RUNNING)
    assert running.is_ready()
    assert done.is_pending()
    machine.transition(State.RUNNING, State.DONE)

    assert done.is_ready()
    assert machine.when(State.RUNNING).is_pending()


def test_those_who_wait_are_told_before_the_function_is_called(machine):
    running, log = machine.when(State.RUNNING), []
    running.on_ready(lambda _: log.append("told"))

    machine.transition(State.NEW, State.RUNNING, lambda: log.append("called"))

    assert log == ["told", "called"]


def test_what_the_function_raises_comes_out_and_the_state_has_changed(machine):
    with pytest.raises(IndexError):
        machine.transition(State.NEW, State.DONE, [].pop)

    assert machine.is_in(State.DONE)


def test_a_transition_to_the_same_state_tells_nobody_new(machine):
    ready = machine.when(State.NEW)

    machine.transition(State.NEW, State.NEW)

    assert ready.is_ready()
    assert machine.is_in(State.NEW)


def test_a_callback_may_go_on_to_the_next_state(machine):
    machine.when(State.RUNNING).on_ready(lambda _: machine.transition(State.RUNNING, State.DONE))

    machine.transition(State.NEW, State.RUNNING)

    assert machine.is_in(State.DONE)


def test_one_who_gives_up_takes_nobody_along(machine):
    given_up, other = machine.when(State.DONE), machine.when(State.DONE)

    given_up.discard()
    machine.transition(State.NEW, State.DONE)

    assert given_up.is_discarded()
    assert other.is_ready()


# Goal: of all who wait exactly those are told whose state was entered since. Method: a dict of lists is the model.
@given(
    st.lists(st.tuples(st.sampled_from(["when", "go", "discard"]), st.integers(0, 2), st.integers(0, 2)), max_size=40)
)
def test_it_behaves_as_the_model_does(history):
    machine, now, waiting, futures = la.StateMachine(0), 0, {0: [], 1: [], 2: []}, []
    for action, first, second in history:
        if action == "when":
            futures.append(machine.when(first))
            if first != now:
                waiting[first].append(futures[-1])
        elif action == "discard" and first < len(futures):
            futures[first].discard()
            waiting = {state: [f for f in line if f is not futures[first]] for state, line in waiting.items()}
        elif action == "go" and first == now:
            machine.transition(first, second)
            now, waiting[second] = second, []
        elif action == "go":
            with pytest.raises(la.InvalidTransition):
                machine.transition(first, second)

        assert machine.state == now
        assert sum(map(len, waiting.values())) == sum(future.is_pending() for future in futures)
        assert all(future.is_pending() for line in waiting.values() for future in line)


def test_of_several_threads_one_makes_the_transition(count, together):
    barrier = threading.Barrier(3)

    def go(machines):
        barrier.wait(LIMIT)
        won = 0
        for machine in machines:
            try:
                machine.transition("new", "taken")
                won += 1
            except la.InvalidTransition:
                continue
        return won

    machines = [la.StateMachine("new") for _ in range(count(1_000))]

    assert sum(together(*[lambda: go(machines)] * 3)) == len(machines)


def test_threads_go_round_and_all_who_wait_are_told(count, together):
    rounds, machine = count(500), la.StateMachine(0)

    def turn(mine):
        for _ in range(rounds):
            machine.when(mine).get(LIMIT)
            machine.transition(mine, (mine + 1) % 3)

    together(*[lambda mine=mine: turn(mine) for mine in range(3)])

    assert machine.state == 0


def test_those_who_wait_are_abandoned_with_it():
    machine = la.StateMachine(State.NEW)
    waiting = machine.when(State.DONE)

    gc.disable()
    try:
        del machine
        assert waiting.is_abandoned()
    finally:
        gc.enable()


def test_those_who_gave_up_leave_no_memory(machine, traced_memory):
    def give_up(times):
        for _ in range(times):
            machine.when(State.DONE).discard()
        gc.collect()
        return traced_memory()

    before = give_up(100)

    assert give_up(2_000) - before < 50_000


def test_a_state_that_cannot_be_looked_up_is_refused_and_nothing_has_changed():
    with pytest.raises(TypeError, match="unhashable"):
        la.StateMachine([])
    machine = la.StateMachine("new")
    with pytest.raises(TypeError, match="unhashable"):
        machine.transition("new", [])
    with pytest.raises(TypeError, match="unhashable"):
        machine.when([])

    assert machine.state == "new"


def test_it_says_how_it_is(machine):
    waiting = machine.when(State.DONE)

    assert repr(machine) == "<StateMachine in <State.NEW: 1>, 1 waiting>"
    waiting.discard()
    assert repr(machine) == "<StateMachine in <State.NEW: 1>, 0 waiting>"
