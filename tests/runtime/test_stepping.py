"""Stepping: a run queue without workers serves what its owner asks for; a network is offered what crosses."""

import pytest


class Event:
    """An event that says in a list that it was served."""

    def __init__(self, served: list[str], name: str) -> None:
        self.served, self.name = served, name

    def serve(self, process: object) -> None:
        self.served.append(self.name)


@pytest.fixture
def filled(core):
    """A queue on which three mailboxes stand, a, b and c, with two events each; and what was served."""
    queue, served, mailboxes = core.RunQueue(), [], []
    for name in "abc":
        mailbox = core.Mailbox()
        mailbox.queue = queue
        for number in (1, 2):
            mailbox.deliver(Event(served, f"{name}{number}"))
        mailboxes.append(mailbox)
    return queue, served, mailboxes


def test_a_step_serves_one_event_of_the_actor_at_that_place(filled):
    queue, served, _ = filled

    for place in (1, 0, 0, 1, 1, 0):
        queue.step(place)

    assert served == ["b1", "a1", "c1", "a2", "c2", "b2"]
    assert len(queue) == 0


def test_who_has_more_to_do_goes_to_the_end(filled):
    queue, _, (one, two, three) = filled

    queue.step(1)

    assert [queue.peek(place) for place in range(3)] == [one, three, two]


def test_a_look_shows_what_is_served_next_and_changes_nothing(filled):
    queue, served, (one, _, _) = filled

    seen = [queue.peek(0).peek().name for _ in range(2)]

    assert (seen, served, len(one)) == (["a1", "a1"], [], 2)


def test_an_idle_mailbox_has_nothing_to_show(core):
    assert core.Mailbox().peek() is None


@pytest.mark.parametrize("place", [3, -1, 1 << 40])
def test_a_place_that_is_not_there_is_refused(filled, place):
    queue, _, _ = filled

    for look in (queue.step, queue.peek):
        with pytest.raises(IndexError, match=f"got the place {place}, expected 0 to less than 3"):
            look(place)

    assert len(queue) == 3


@pytest.mark.parametrize("place", ["0", None, 0.5])
def test_what_is_no_place_is_refused(filled, place):
    with pytest.raises(TypeError):
        filled[0].step(place)


# Goal: every order can be had, and nobody is lost. Method: a long run by places that depend on the step.
def test_a_large_queue_keeps_order_through_steps_at_any_place(core):
    queue, served, model = core.RunQueue(), [], []
    for number in range(100):
        mailbox = core.Mailbox()
        mailbox.queue = queue
        for _ in range(5):
            mailbox.deliver(Event(served, str(number)))
        model.append([str(number)] * 5)

    expected = []
    for step in range(500):
        place = step * 7919 % len(model)
        queue.step(place)
        events = model.pop(place)
        expected.append(events.pop())
        if events:
            model.append(events)

    assert served == expected


def test_a_network_may_take_over_what_comes_from_outside_and_let_it_arrive(filled):
    queue, served, (one, _, _) = filled
    offered = []
    queue.network = lambda *crossing: offered.append(crossing) or True
    event = Event(served, "a3")

    one.deliver(event)
    taken = len(one)
    one.arrive(event)

    assert offered == [(None, one, event)]
    assert (taken, len(one)) == (2, 3)
    queue.network = None
    assert queue.network is None


def test_an_error_of_the_network_is_told_to_the_sender(filled):
    queue, served, (one, _, _) = filled

    def break_down(*crossing: object) -> bool:
        raise ZeroDivisionError

    queue.network = break_down

    with pytest.raises(ZeroDivisionError):
        one.deliver(Event(served, "lost"))

    assert len(one) == 2


def test_made_ids_count_in_the_sequences_that_are_put_in_place(core):
    core.generate_id("x")
    own = {}

    before = core.exchange_sequences(own)
    inside = [core.generate_id("x"), core.generate_id("x")]
    after = core.exchange_sequences(before)

    assert inside == ["x(1)", "x(2)"]
    assert after is own
    assert core.generate_id("x") == "x(2)"


def test_sequences_that_are_no_dict_are_refused(core):
    with pytest.raises(TypeError, match="expected a dict"):
        core.exchange_sequences([])
