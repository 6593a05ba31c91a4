"""The plan of a supervisor: what is stopped and started, in which order, whatever happens meanwhile."""

# The last test plays random schedules against a world that knows nothing of rounds: it only holds the plan to what a
# supervisor promises. The others say the same of the cases one would think of.

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.supervision import plan as plan_module
from libactor.supervision.plan import Phase, Plan, Step
from libactor.supervision.restarts import STRATEGIES, reach

pytestmark = pytest.mark.coreless


def start(name):
    return Step("start", name)


def stop(name):
    return Step("stop", name)


@pytest.fixture
def make():
    """A plan with children that are all up, and how many rounds there were."""

    def make_plan(strategy, names="abc", restart="permanent"):
        plan = Plan(strategy)
        for name in names:
            plan.add(name, restart)
        steps = plan.start(names)
        while steps:
            steps = plan.up(steps[0].id)
        return plan

    return make_plan


def wait_number(steps):
    [number] = [step.number for step in steps if step.what == "wait"]
    return number


def test_children_are_started_in_order_each_once_the_one_before_is_up():
    plan = Plan("one_for_one")
    for name in "abc":
        plan.add(name, "permanent")

    assert plan.start("cba") == [start("a")]
    assert plan.up("a") == [start("b")]
    assert plan.up("b") == [start("c")]
    assert plan.up("c") == []


def test_one_for_one_starts_the_one_again(make):
    plan = make("one_for_one")

    assert plan.failed("b", 0) == [start("b")]
    assert plan.up("b") == []


def test_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(make):
    plan = make("one_for_all")

    assert plan.failed("b", 0) == [stop("c")]
    assert plan.gone("c") == [stop("a")]
    assert plan.gone("a") == [start("a")]
    assert plan.up("a") == [start("b")]
    assert plan.up("b") == [start("c")]
    assert plan.up("c") == []


def test_rest_for_one_stops_those_after_it_in_reverse(make):
    plan = make("rest_for_one", "abcd")

    assert plan.failed("b", 0) == [stop("d")]
    assert plan.gone("d") == [stop("c")]
    assert plan.gone("c") == [start("b")]
    assert plan.up("b") == [start("c")]
    assert plan.up("c") == [start("d")]


def test_the_delay_of_a_failure_goes_on_while_others_are_stopped(make):
    plan = make("rest_for_one", "ab")

    steps = plan.failed("a", 2.5)

    assert [step[:2] for step in steps] == [("wait", ""), ("stop", "b")]
    assert steps[0].seconds == 2.5
    assert plan.due(wait_number(steps)) == []
    assert plan.gone("b") == [start("a")]


def test_a_wait_that_another_failure_has_replaced_starts_nothing(make):
    plan = make("one_for_all", "ab")
    first = plan.failed("b", 1.0)
    plan.gone("a")
    plan.due(wait_number(first))

    second = plan.failed("a", 4.0)  # which could not be started

    assert plan.due(wait_number(first)) == []
    assert plan.due(wait_number(second)) == [start("a")]


def test_children_fail_one_by_one_without_waiting_for_each_other(make):
    plan = make("one_for_one")

    assert [step.what for step in plan.failed("a", 5.0)] == ["wait"]
    assert plan.failed("b", 0) == [start("b")]
    assert plan.failed("c", 0) == [start("c")]


def test_a_failure_during_the_first_start_holds_up_those_that_come_after_it():
    plan = Plan("one_for_one")
    for name in "ab":
        plan.add(name, "permanent")
    plan.start("ab")

    steps = plan.failed("a", 1.0)

    assert [step.what for step in steps] == ["wait"]
    assert plan.due(wait_number(steps)) == [start("a")]
    assert plan.up("a") == [start("b")]


def test_one_that_fails_while_it_is_to_be_stopped_is_just_gone(make):
    plan = make("one_for_all")
    plan.failed("c", 0)

    assert plan.is_expected_to_end("a")  # although b is asked first
    assert plan.gone("a") == []
    assert plan.gone("b") == [start("a")]


def test_a_failure_in_the_middle_of_a_restart_takes_over_what_is_being_stopped(make):
    plan = make("rest_for_one")
    assert plan.failed("b", 0) == [stop("c")]

    assert plan.failed("a", 0) == []

    assert plan.is_expected_to_end("c")
    assert plan.gone("c") == [start("a")]
    assert plan.up("a") == [start("b")]


def test_a_temporary_child_of_a_group_is_stopped_and_does_not_come_again():
    plan = Plan("one_for_all")
    plan.add("a", "permanent")
    plan.add("t", "temporary")
    plan.start("at")
    plan.up("a")
    plan.up("t")

    assert plan.failed("a", 0) == [stop("t")]
    assert plan.gone("t") == [start("a")]
    assert plan.up("a") == []
    assert not plan.is_wanted("t")


def test_a_child_that_was_stopped_stays_down_when_others_fail(make):
    plan = make("one_for_all", "ab")
    plan.stop("b")
    plan.gone("b")

    assert plan.failed("a", 0) == [start("a")]
    assert plan.up("a") == []
    assert plan.phase("b") is Phase.DOWN


def test_stopping_one_that_starts_holds_up_the_next_until_it_is_down():
    plan = Plan("one_for_one")
    for name in "ab":
        plan.add(name, "permanent")
    plan.start("ab")

    assert plan.stop("a") == [stop("a")]
    assert plan.up("a") == []
    assert plan.gone("a") == [start("b")]


def test_stopping_one_that_waits_ends_its_wait(make):
    plan = make("one_for_one")
    steps = plan.failed("a", 5.0)

    assert plan.stop("a") == []
    assert plan.due(wait_number(steps)) == []
    assert not plan.is_wanted("a")


def test_a_restart_on_request_stops_and_starts_that_child_only(make):
    plan = make("one_for_all")

    assert plan.again("b") == [stop("b")]
    assert plan.gone("b") == [start("b")]
    assert plan.up("b") == []


def test_a_restart_on_request_ends_a_wait(make):
    plan = make("one_for_one")
    plan.failed("a", 5.0)

    assert plan.again("a") == [start("a")]


def test_a_restart_of_one_that_is_being_stopped_starts_it_once_it_is_down(make):
    plan = make("one_for_one")
    plan.stop("a")

    assert plan.again("a") == []
    assert plan.gone("a") == [start("a")]


def test_a_failure_while_a_group_is_first_started_starts_each_of_it_once():
    plan = Plan("one_for_all")
    for name in "abc":
        plan.add(name, "permanent")
    plan.start("abc")
    plan.up("a")

    assert plan.failed("a", 0) == [stop("b")]
    assert plan.gone("b") == [start("a")]
    assert plan.up("a") == [start("b")]
    assert plan.up("b") == [start("c")]
    assert plan.up("c") == []


def test_one_that_ends_before_it_is_asked_to_stop_is_not_asked(make):
    plan = make("one_for_all", "abcd")

    assert plan.failed("a", 0) == [stop("d")]
    assert plan.gone("c") == []
    assert plan.gone("d") == [stop("b")]
    assert plan.gone("b") == [start("a")]


def test_one_that_is_to_stay_down_after_a_restart_of_others_stays_down_after_the_next_failure(make):
    plan = make("rest_for_one", "abcd")
    plan.failed("b", 0)
    plan.stop("c")  # which was to be stopped, and started again

    assert plan.failed("a", 0) == []  # "d" is on its way down
    assert plan.gone("d") == [stop("c")]
    assert plan.gone("c") == [start("a")]
    assert [plan.up(name) for name in "abd"] == [[start("b")], [start("d")], []]


# Goal: a group of thousands is restarted in a time that grows as it does. Method: count how often members are compared.
def test_a_group_is_restarted_without_a_look_at_all_for_each(make, monkeypatch):
    names = [str(number) for number in range(200)]
    plan = make("one_for_all", names)
    looks = []
    place = plan_module._place
    monkeypatch.setattr(plan_module, "_place", lambda member: looks.append(member) or place(member))

    steps = plan.failed("100", 0)
    while steps:
        [step] = steps
        steps = plan.gone(step.id) if step.what == "stop" else plan.up(step.id)

    assert all(plan.phase(name) is Phase.UP for name in names)
    assert len(looks) <= 3 * len(names)


class World:
    """Children as they really are, and a supervisor that does each step at once, or later, as the schedule says."""

    def __init__(self, strategy, kinds):
        self.plan, self.strategy = Plan(strategy), strategy
        self.names = [f"c{number}" for number in range(len(kinds))]
        self.kinds = dict(zip(self.names, kinds, strict=True))
        self.alive = set()
        self.starting, self.stopping = set(), set()
        self.waits = set()
        self.wanted = set(self.names)
        for name in self.names:
            self.plan.add(name, self.kinds[name])
        self.obey(self.plan.start(self.names))

    def obey(self, steps):
        for step in steps:
            if step.what == "start":
                assert step.id not in self.alive | self.starting, "started although it is up"
                assert step.id in self.wanted, "started although nobody wants it"
                self.starting.add(step.id)
            elif step.what == "stop":
                assert step.id in self.alive | self.starting, "stopped although it is down"
                assert step.id not in self.stopping, "stopped twice"
                self.stopping.add(step.id)
            else:
                self.waits.add(step.number)

    def drop(self, name):
        for group in (self.alive, self.starting, self.stopping):
            group.discard(name)

    def rise(self, name):
        if name in self.starting:
            self.starting.discard(name)
            self.alive.add(name)
            self.obey(self.plan.up(name))

    def end(self, name, delay):
        if name not in self.alive | self.starting:
            return
        expected = self.plan.is_expected_to_end(name)
        assert expected or name not in self.stopping, "asked to stop, and not expected to"
        self.drop(name)
        if expected:
            self.forget_temporary(name)
            self.obey(self.plan.gone(name))
        elif self.kinds[name] == "temporary":
            self.wanted.discard(name)
            self.obey(self.plan.given_up(name))
        else:
            for other in reach(self.strategy, self.names, name):
                is_up = other in self.alive | self.starting and not self.plan.is_expected_to_end(other)
                if self.kinds[other] == "temporary" and is_up:  # one that is being restarted on request will be
                    self.wanted.discard(other)
            self.obey(self.plan.failed(name, delay))

    def forget_temporary(self, name):
        if not self.plan.is_wanted(name):
            self.wanted.discard(name)

    def stop(self, name):
        self.wanted.discard(name)
        self.obey(self.plan.stop(name))

    def again(self, name):
        self.wanted.add(name)
        self.obey(self.plan.again(name))

    def finish(self):
        """Let everything come to its end that was begun: nothing fails any more."""
        for _ in range(1000):
            if self.stopping:
                self.end(min(self.stopping), 0)
            elif self.starting:
                self.rise(min(self.starting))
            elif self.waits:
                self.obey(self.plan.due(self.waits.pop()))
            else:
                return
        raise AssertionError("it goes on for ever")


EVENTS = st.tuples(
    st.sampled_from(["rise", "end", "end later", "due", "stop", "again"]), st.integers(0, 5), st.integers(0, 3)
)


# Goal: whatever happens, in whatever order, those are up in the end that are wanted, and no others.
@given(
    st.sampled_from(STRATEGIES),
    st.lists(st.sampled_from(["permanent", "temporary"]), min_size=1, max_size=6),
    st.lists(EVENTS, max_size=40),
)
def test_in_the_end_those_children_are_up_that_are_wanted(strategy, kinds, events):
    world = World(strategy, kinds)

    for what, number, choice in events:
        name = world.names[number % len(world.names)]
        if what == "due":
            if world.waits:
                chosen = sorted(world.waits)[choice % len(world.waits)]
                world.waits.discard(chosen)
                world.obey(world.plan.due(chosen))
        elif what.startswith("end"):
            world.end(name, 1.0 if what == "end later" else 0.0)
        else:
            getattr(world, what)(name)
    world.finish()

    assert not world.plan._rounds
    assert world.alive == world.wanted
    assert all(world.plan.is_wanted(name) == (name in world.wanted) for name in world.names)
    assert all((world.plan.phase(name) is Phase.UP) == (name in world.alive) for name in world.names)
