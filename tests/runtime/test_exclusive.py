"""While an `exclusive` handler waits, its actor serves nothing but its resumption, control and an end that presses."""

import pytest

import libactor as la
from libactor._core._impl import prepare

LIMIT = 30  # seconds; a bound on failure


class Account(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    @la.exclusive
    async def alone(self, future):
        self.seen.append("alone")
        self.seen.append(await future)
        return "done"

    @la.exclusive
    async def twice(self, first, second):
        await first
        await second

    async def shared(self, future):
        self.seen.append(await future)

    def note(self, what):
        self.seen.append(what)
        return what

    @la.exclusive
    async def ask_itself(self):
        return await la.dispatch(self.pid, Account.note, "own")

    @la.exclusive
    async def ask_itself_and_go_on(self):
        try:
            await la.dispatch(self.pid, Account.note, "own")
        except RuntimeError:
            return await la.sleep(1)

    async def ask_back(self, pid):
        return await la.dispatch(pid, Account.note, "back")


@pytest.fixture
def account(paused):
    actor = Account()
    return actor, la.spawn(actor)


def settled(runtime):
    assert runtime.clock.settle(LIMIT)


def settled_others(pid):
    """Come back once the actor has served what it was sent."""
    la.dispatch(pid, Account.note, "settled").get(LIMIT)


def test_nothing_is_served_while_it_waits(paused, account):
    actor, pid = account
    promise = la.Promise()
    answer = la.dispatch(pid, Account.alone, promise.future)
    noted = la.dispatch(pid, Account.note, "other")
    settled(paused)
    before = list(actor.seen)

    promise.set("value")

    assert (answer.get(LIMIT), noted.get(LIMIT)) == ("done", "other")
    assert (before, actor.seen) == (["alone"], ["alone", "value", "other"])


def test_other_coroutines_of_the_actor_stay_suspended_meanwhile(paused, account):
    actor, pid = account
    one, other = la.Promise(), la.Promise()
    la.tell(pid, Account.shared, one.future)
    la.tell(pid, Account.alone, other.future)
    settled(paused)

    one.set("shared")
    settled(paused)
    before = list(actor.seen)
    other.set("exclusive")
    settled(paused)

    assert (before, actor.seen) == (["alone"], ["alone", "exclusive", "shared"])


def test_what_waits_is_served_only_after_its_last_await(paused, account):
    actor, pid = account
    la.tell(pid, Account.twice, la.sleep(1), la.sleep(2))
    la.tell(pid, Account.note, "after")
    settled(paused)
    seen = []
    for _ in range(2):
        paused.clock.advance(1)
        settled(paused)
        seen.append(list(actor.seen))

    assert seen == [[], ["after"]]


def test_the_control_lane_is_served_meanwhile(paused, account):
    actor, pid = account
    la.tell(pid, Account.alone, la.sleep(1))
    settled(paused)

    pid._process.deliver_urgent(prepare("tell", pid, Account.note, "control"))
    settled(paused)

    assert actor.seen == ["alone", "control"]
    paused.clock.advance(1)


@pytest.mark.parametrize("inject", [True, False])
def test_only_a_termination_that_presses_ends_it(paused, account, inject):
    _, pid = account
    answer = la.dispatch(pid, Account.alone, la.sleep(1))
    settled(paused)

    la.terminate(pid, inject)
    settled(paused)
    gone = pid._process.stopped.is_ready()
    paused.clock.advance(1)
    settled(paused)

    assert gone is inject
    assert pid._process.stopped.is_ready()
    assert answer.is_abandoned() is inject


def test_to_await_the_own_actor_is_an_error_with_the_remedy(paused, account):
    _, pid = account

    with pytest.raises(RuntimeError, match=r"would wait for an answer of its own actor.*call the method itself"):
        la.dispatch(pid, Account.ask_itself).get(LIMIT)
    assert la.dispatch(pid, Account.note, "alive").get(LIMIT) == "alive"


# Goal: the error also names what leads back only in the end. Method: an exclusive handler that begins to wait once the
#   other actor's coroutine waits for a call that stands in the mailbox behind it.
def test_a_chain_that_leads_back_to_the_own_actor_is_seen(paused, account, hold):
    _, pid = account
    other = la.spawn(Account())
    back = la.Promise()

    async def wait():
        return await back.future

    opened, _ = hold(pid)
    answer = la.execute(pid, la.exclusive(wait))
    back.set(la.dispatch(other, Account.ask_back, pid).then(lambda value: value))
    settled_others(other)
    opened.set(None)

    with pytest.raises(RuntimeError, match="would wait for an answer of its own actor"):
        answer.get(LIMIT)
    assert back.future.get(LIMIT) == "back"


def test_it_may_go_on_after_that_error(paused, account):
    _, pid = account
    answer = la.dispatch(pid, Account.ask_itself_and_go_on)
    settled(paused)
    paused.clock.advance(1)

    assert answer.get(LIMIT) is None


def test_the_mark_holds_for_messages_and_callables_and_a_subclass_may_take_it_off(paused):
    class Loose(Account):
        async def alone(self, future):
            await future

        @la.exclusive
        async def shared(self, future):
            await future

    pid = la.spawn(Loose())
    la.tell(pid, Loose.alone, la.sleep(5))
    loose = la.dispatch(pid, Loose.note, 1)
    settled(paused)
    free = loose.is_ready()
    la.tell(pid, Account.shared, la.sleep(5))
    held = la.dispatch(pid, Loose.note, 1)
    settled(paused)

    assert free
    assert held.is_pending()
    paused.clock.advance(5)


@pytest.mark.parametrize("how", ["plain", "generator", "object"])
def test_what_is_no_coroutine_function_cannot_be_marked(how):
    async def stream():
        yield 1

    with pytest.raises(TypeError, match=r"exclusive: .* is no `async def` function"):
        la.exclusive({"plain": lambda self: 1, "generator": stream, "object": 3}[how])


def test_who_was_marked_can_be_asked_of_functions_and_methods():
    assert la.is_exclusive(Account.alone)
    assert la.is_exclusive(Account().alone)
    assert not la.is_exclusive(Account.shared)
    assert not la.is_exclusive("alone")
