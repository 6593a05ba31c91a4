"""Crashes of simulated hosts at every moment of an actor's life, and what still runs of it afterwards."""

import pytest

import libactor as la
from libactor.testing import Conditions, DeterministicRuntime

CALM = Conditions(delay=(0.001, 0.001), notice=(5.0, 5.0))
MOMENTS = ("start", "serve", "exclusive", "stop", "get", "stop and get", "future")
said = []  # in order, by whatever code runs


class Patient(la.Actor):
    """Waits a hundred seconds at one moment of its life, and says where it is."""

    def __init__(self, moment, witness):
        super().__init__("patient")
        self.moment = moment
        self.witness = witness

    @la.remote
    def say(self, what):
        said.append(what)
        la.tell(self.witness, Witness.hear, what)

    @la.remote
    async def rest(self):
        try:
            await la.sleep(100)
        finally:
            self.say("on the way out")
        self.say("awake")

    def on_start(self):
        self.say("starts")
        return self.rest() if self.moment == "start" else None

    @la.remote
    async def serve(self):
        await self.rest()

    @la.remote
    @la.exclusive
    async def serve_alone(self):
        await self.rest()

    @la.remote
    def block(self):
        try:
            la.after(100).get()
        finally:
            self.say("on the way out")
        self.say("awake")

    def on_stop(self):
        self.say("stops")
        if self.moment == "stop and get":
            self.block()
        waits = {"stop": self.rest, "future": lambda: la.after(100)}
        return waits[self.moment]() if self.moment in waits else None


class Witness(la.Actor):
    def __init__(self):
        super().__init__("witness")
        self.heard = []

    @la.remote
    def hear(self, what):
        self.heard.append(what)

    @la.remote
    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append(type(reason).__name__)

    @la.remote
    def told(self):
        return tuple(self.heard)


METHODS = {"serve": Patient.serve, "exclusive": Patient.serve_alone, "get": Patient.block}


@pytest.mark.parametrize("moment", MOMENTS)
def test_of_an_actor_that_waits_on_a_host_that_crashes_nobody_hears_again(moment, caplog):
    said.clear()
    with DeterministicRuntime(1) as rt:
        rt.network.conditions = CALM
        witness = rt.host("b").spawn(Witness())
        patient = rt.host("a").spawn(Patient(moment, witness))
        la.dispatch(witness, Witness.watch, patient).get()
        asked = la.dispatch(patient, METHODS[moment]) if moment in METHODS else None
        if moment in ("stop", "stop and get", "future"):
            la.terminate(patient)
        rt.run_for(1)
        before = la.dispatch(witness, Witness.told).get()

        rt.network.crash("a")
        rt.network.start("a")
        rt.run_for(1000)
        gone = la.wait(patient, 0), rt.host("a").pids(), asked is None or asked.is_abandoned()
        after = la.dispatch(witness, Witness.told).get()
        errors = caplog.text  # at the end of all, handlers that still wait are broken off

    assert gone == (True, (), moment != "get")  # the answer of a handler that never goes on: neither comes nor does not
    assert after == (*before, "Disconnected")
    assert before[0] == "starts"
    assert "awake" not in said
    assert errors == ""


def test_an_actor_that_has_not_started_when_its_host_crashes_never_does():
    said.clear()
    with DeterministicRuntime(1) as rt:
        witness = rt.host("b").spawn(Witness())
        patient = rt.host("a").spawn(Patient("none", witness))
        rt.network.crash("a")
        rt.run_for(10)

        assert (said, la.wait(patient, 0)) == ([], True)


class Busy(la.Actor, mailbox=la.Bounded(1, overflow="fail-sender")):
    def __init__(self):
        super().__init__("busy")

    @la.remote
    async def work(self, seconds: float) -> float:
        await la.sleep(seconds)
        return seconds

    @la.remote
    @la.exclusive
    async def hold(self, seconds: float) -> None:
        await la.sleep(seconds)


class Boss(la.Actor):
    def __init__(self, busy):
        super().__init__("boss")
        self.busy = busy

    @la.remote
    async def collect(self, *seconds: float) -> tuple[object, ...]:
        answers = []
        for future in [la.dispatch(self.busy, Busy.work, span) for span in seconds]:
            try:
                answers.append(await future)
            except la.MailboxFull as error:
                answers.append(type(error).__name__)
        return tuple(answers)

    @la.remote
    def hold(self):
        la.tell(self.busy, Busy.hold, 10.0)


def test_handlers_that_await_answers_of_another_host_go_on():
    with DeterministicRuntime(1) as rt:
        boss = rt.host("a").spawn(Boss(rt.host("b").spawn(Busy())))

        assert la.dispatch(boss, Boss.collect, 2.0).get() == (2.0,)


def test_a_call_that_a_full_mailbox_on_another_host_refuses_fails():
    with DeterministicRuntime(1) as rt:
        rt.network.conditions = CALM
        boss = rt.host("a").spawn(Boss(rt.host("b").spawn(Busy())))
        la.dispatch(boss, Boss.hold).get()
        rt.run_for(1)

        answers = la.dispatch(boss, Boss.collect, 1.0, 2.0).get()

        assert answers == (1.0, "MailboxFull")


def test_a_handler_that_waits_on_a_host_that_lives_is_not_frozen_by_the_crash_of_another():
    with DeterministicRuntime(1) as rt:
        witness = rt.host("b").spawn(Witness())
        patient = rt.host("c").spawn(Patient("get", witness))
        rt.host("a").spawn(Patient("none", witness))
        asked = la.dispatch(patient, Patient.block)
        rt.run_for(1)
        rt.network.crash("a")

        assert asked.get(200) is None


def test_the_pools_of_a_host_end_with_it():
    with DeterministicRuntime(1) as rt:
        pool = la.Pool(1, runtime=rt.host("a"))
        begun, waits = pool.submit(lambda: la.after(5).get()), pool.submit(lambda: 6)
        rt.run_for(1)

        rt.network.crash("a")
        rt.run_for(10)
        rt.network.start("a")

        assert (begun.is_pending(), waits.is_abandoned(), rt.host("a").pools) == (True, True, ())
        with pytest.raises(RuntimeError, match="is closed"):
            pool.submit(lambda: 7)


class Keeper(la.Actor):
    """Writes down what it is told, and that it was broken off."""

    def __init__(self, disk):
        super().__init__()
        self.disk = disk

    @la.remote
    async def keep(self):
        try:
            await la.sleep(100)
        finally:
            self.disk.append("log", b"broken off")
            self.disk.sync("log")
            self.disk.sync(".")


def test_what_breaks_off_in_a_crash_writes_nothing_any_more():
    with DeterministicRuntime(1) as rt:
        disk = rt.host("a").disk
        la.dispatch(rt.host("a").spawn(Keeper(disk)), Keeper.keep)
        rt.run_for(1)

        rt.network.crash("a")

        assert (disk.list(), disk.down) == ((), False)


class Fragile(la.Actor):
    def __init__(self):
        super().__init__()
        said.append("made")

    @la.remote
    def fail(self):
        raise ValueError("as asked")

    def on_stop(self):
        said.append("stopped")


# Goal: neither the crash nor a restart that was due brings a child back. Method: crash while the supervisor backs off.
def test_a_supervisor_of_a_host_that_crashes_restarts_nobody():
    said.clear()
    child = la.Child(Fragile, id="child", backoff=la.Backoff(5.0, 10.0))
    with DeterministicRuntime(1) as rt:
        host = rt.host("a")
        supervisor = host.spawn(la.Supervisor([child], id="web"))
        la.dispatch(supervisor, la.Supervisor.started).get()
        la.tell(host.pids()[-1], Fragile.fail)
        rt.run_for(1)

        rt.network.crash("a")
        rt.network.start("a")
        rt.run_for(100)

        assert (said, host.pids()) == (["made", "stopped"], ())


def test_a_supervisor_is_made_anew_after_each_crash():
    with DeterministicRuntime(1) as rt:
        for _ in range(3):
            supervisor = rt.host("a").spawn(la.Supervisor([la.Child(Fragile, id="child")], id="web"))
            la.dispatch(supervisor, la.Supervisor.started).get()
            rt.network.crash("a")
            rt.network.start("a")

        assert rt.host("a").pids() == ()


@pytest.mark.parametrize("seed", range(10))
def test_hosts_that_crash_again_and_again_leave_nothing_behind(seed):
    with DeterministicRuntime(seed) as rt:
        rt.network.conditions = Conditions(loss=0.1, duplicate=0.1, reset=0.1, straggle=0.5)
        faults, names = rt.streams("faults"), ["a", "b", "c"]
        for name in names:
            rt.host(name)
        for _ in range(30):
            crashed = faults.pick(names)
            rt.network.crash(crashed)
            rt.network.start(crashed)
            witnesses = [rt.host(name).find("witness") or rt.host(name).spawn(Witness()) for name in names]
            for name in names:
                moment = faults.pick(MOMENTS)
                patient = rt.host(name).find("patient")
                if patient is None:
                    patient = rt.host(name).spawn(Patient(moment, faults.pick(witnesses)))
                la.tell(faults.pick(witnesses), Witness.watch, patient)
            rt.run_for(faults.between(0, 3))
        rt.network.heal()
        rt.run_for(1000)

        waiting = [end.outgoing for end in ends(rt) if end.outgoing]
        for name in names:
            rt.network.crash(name)  # or their on_stop would keep the end waiting

        assert waiting == []


def ends(rt):
    return [end for connection in rt.network._connections.values() for end in connection.ends()]


@pytest.mark.parametrize("waits_in", ["handler", "timer"])
def test_code_whose_wait_is_over_does_not_go_on_after_the_crash_of_its_host(waits_in):
    class Writer(la.Actor):
        @la.remote
        def write(self):
            answer.future.get()
            host.disk.write("late", b"")

    with DeterministicRuntime(1) as rt:
        host, answer = rt.host("a"), la.Promise()
        with host:
            writer = Writer()
            pid = la.spawn(writer)
        if waits_in == "handler":
            la.tell(pid, Writer.write)
        else:
            host.clock.timer(0, writer.write)
        rt.settle()
        answer.set(None)

        rt.network.crash(host)
        rt.network.start(host)
        rt.settle()

        assert not host.disk.exists("late")
