"""The control lane, holding, and what ends with an actor: what few actors have beside their mailbox."""

import gc
import weakref

import pytest

import libactor as la
from libactor._core._impl import prepare


class Recorder(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, what):
        self.seen.append(what)

    def hold(self, held):
        self._libactor_process.hold(held)

    def look(self):
        return list(self.seen)

    def keep(self, part):
        self._libactor_process.belong(part.value)

    def on_stop(self):
        self.seen.append("on_stop")


class Part:
    def __init__(self, ended, error=None, more=None):
        self.ended = ended
        self.error = error
        self.more = more

    def end(self, process):
        self.ended.append(self)
        if self.more is not None:
            process.belong(self.more)
        if self.error is not None:
            raise self.error


def urgently(pid, what):
    pid._process.deliver_urgent(prepare("tell", pid, Recorder.note, what))


def test_the_control_lane_goes_ahead_in_its_own_order(paused, hold):
    pid = la.spawn(Recorder())
    opened, _ = hold(pid)
    la.tell(pid, Recorder.note, "ordinary")
    urgently(pid, "first")
    urgently(pid, "second")

    opened.set(None)

    assert la.dispatch(pid, Recorder.look).get(60) == ["first", "second", "ordinary"]


def test_a_held_actor_serves_only_the_control_lane_until_it_is_let_go(paused):
    recorder = Recorder()
    pid = la.spawn(recorder)
    la.tell(pid, Recorder.hold, True)
    la.tell(pid, Recorder.note, "waits")
    urgently(pid, "control")
    paused.clock.settle(60)
    before = list(recorder.seen)

    pid._process.deliver_urgent(prepare("tell", pid, Recorder.hold, False))
    paused.clock.settle(60)

    assert (before, recorder.seen) == (["control"], ["control", "waits"])


@pytest.mark.parametrize("inject", [True, False])
def test_a_termination_passes_a_held_actor_only_ahead_of_what_waits(paused, inject):
    pid = la.spawn(Recorder())
    la.tell(pid, Recorder.hold, True)
    paused.clock.settle(60)

    la.terminate(pid, inject)
    paused.clock.settle(60)
    gone = pid._process.stopped.is_ready()
    pid._process.deliver_urgent(prepare("tell", pid, Recorder.hold, False))

    assert gone is inject
    assert la.wait(pid, 60)


def test_what_waits_in_the_control_lane_at_the_end_is_a_dead_letter(paused, hold):
    pid = la.spawn(Recorder())
    opened, _ = hold(pid)
    urgently(pid, "too late")
    la.terminate(pid)

    opened.set(None)
    la.wait(pid, 60)
    urgently(pid, "after")

    assert paused.dead_letters == 2


def test_what_belongs_to_an_actor_ends_before_on_stop_the_last_first(runtime):
    ended = []
    recorder = Recorder()
    recorder.seen = ended
    pid = la.spawn(recorder)
    one, two = Part(ended), Part(ended)
    for part in (one, two):
        la.dispatch(pid, Recorder.keep, la.Shared(part)).get(60)

    la.terminate(pid)
    la.wait(pid, 60)

    assert ended == [two, one, "on_stop"]


def test_a_part_that_fails_or_adds_another_keeps_no_part_from_its_end(runtime, caplog):
    ended = []
    pid = la.spawn(Recorder())
    late = Part(ended)
    parts = [Part(ended), Part(ended, ValueError("boom")), Part(ended, more=late)]
    for part in parts:
        la.dispatch(pid, Recorder.keep, la.Shared(part)).get(60)

    la.terminate(pid)
    la.wait(pid, 60)

    assert ended == [parts[2], late, parts[1], parts[0]]
    assert "what belongs to it failed" in caplog.text


def test_a_bare_mailbox_takes_and_closes_the_control_lane_first(core):
    mailbox = core.Mailbox()
    mailbox.put("ordinary")
    mailbox.deliver_urgent("urgent")

    first, length, rest = mailbox.take(), len(mailbox), mailbox.close()

    assert (first, length, rest) == ("urgent", 1, ["ordinary"])


def test_a_put_to_a_held_mailbox_wakes_nobody(core):
    mailbox = core.Mailbox()
    mailbox.hold(True)

    held = mailbox.put(1)
    mailbox.hold(False)

    assert (held, mailbox.put(2)) == (core.QUEUED, core.WAKE)


def test_the_collector_finds_cycles_through_the_control_lane_and_the_parts(core):
    class Node:
        pass

    mailbox = core.Mailbox()
    node = Node()
    node.mailbox = mailbox
    mailbox.deliver_urgent(node)
    mailbox.belong(node)
    gone = weakref.ref(node)
    del node, mailbox

    gc.collect()

    assert gone() is None
