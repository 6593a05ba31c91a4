"""The simulated network: what crosses, in which order, and what hosts learn when it fails."""

import dataclasses
import gc
import re

import pytest

import libactor as la
from libactor.testing import Conditions, DeterministicRuntime
from libactor.testing.collector import held

CALM = Conditions(delay=(0.001, 0.001), notice=(5.0, 5.0))
LIMIT = 100


@dataclasses.dataclass(frozen=True)
class Ping:
    n: int = 0


class Local:
    def __reduce__(self):
        raise TypeError("it stays where it is")


class Server(la.Actor):
    def __init__(self, id="server"):
        super().__init__(id)
        self.heard = []

    @la.handles(Ping)
    def ping(self, message, sender):
        self.heard.append((message.n, sender))

    @la.remote
    def add(self, n):
        self.heard.append(n)
        return len(self.heard)

    @la.remote
    def divide(self, n):
        return 1 / n

    @la.remote
    def never(self):
        self.promise = la.Promise()
        return self.promise.future

    @la.remote
    def lose(self):
        return la.Promise().future

    @la.remote
    def discarded(self):
        return self.promise.future.has_discard()

    @la.remote
    def local(self):
        return la.Shared(Local())

    @la.remote
    def told(self):
        return tuple(self.heard)

    def on_stop(self):
        self.heard.append("stop")


class Client(la.Actor):
    def __init__(self, server, id="client"):
        super().__init__(id)
        self.server = server
        self.heard = []

    @la.remote
    def ask(self, method, *args):
        return la.dispatch(self.server, getattr(Server, method), *args)

    @la.remote
    def tell(self, *numbers):
        for n in numbers:
            la.tell(self.server, Server.add, n)

    @la.remote
    def post(self, n):
        la.post(self.server, Ping(n))

    @la.remote
    def later(self, seconds, n):
        la.delay(seconds, self.server, Server.add, n)

    @la.remote
    def bad(self, what):
        try:
            if what == "function":
                la.execute(self.server, lambda: None)
            elif what == "future":
                la.dispatch(self.server, Server.add, la.Promise().future)
            elif what == "shared":
                la.post(self.server, la.Shared(Local()))
            else:
                la.tell(self.server, Server.add, n=Ping(la.Promise()))
        except la.NotPassable as error:
            return str(error)

    @la.remote
    def watch(self):
        la.link(self.server)

    @la.remote
    def stop(self, inject):
        la.terminate(self.server, inject)

    @la.remote
    def wait(self):
        self.heard.append("waits")
        try:
            self.heard.append(la.dispatch(self.server, Server.never).get())
        finally:
            self.heard.append("went on")

    @la.remote
    def then(self):
        la.after(1).then(lambda _: la.tell(self.server, Server.add, "then"))

    def on_exited(self, pid, reason):
        self.heard.append((str(pid), repr(reason)))

    @la.remote
    def told(self):
        return tuple(self.heard)


BROKEN = "Disconnected('the connection from a to b broke')"


@pytest.fixture
def sim():
    with DeterministicRuntime(1) as rt:
        rt.network.conditions = CALM
        yield rt


@pytest.fixture
def server(sim):
    return sim.host("b").spawn(Server())


@pytest.fixture
def client(sim, server):
    return sim.host("a").spawn(Client(server))


@pytest.fixture
def many_runs():
    """The collector goes through what was there before once, and not for each run."""
    with held():
        yield


def told(pid):
    return la.dispatch(pid, Client.told if pid.id == "client" else Server.told).get()


# What crosses.


def test_a_call_and_its_answer_take_their_time(sim, client, server):
    begun = sim.clock.now_ns()

    assert la.dispatch(client, Client.ask, "add", 1).get() == 1

    assert sim.clock.now_ns() - begun == 2_000_000


def test_a_failure_crosses_with_its_text(client):
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        la.dispatch(client, Client.ask, "divide", 0).get()


def test_an_answer_that_will_never_come_is_known_on_the_other_host(sim, client):
    future = la.dispatch(client, Client.ask, "lose")

    with pytest.raises(la.Abandoned):
        future.get(LIMIT)


def test_a_discard_crosses(sim, client, server):
    future = la.dispatch(client, Client.ask, "never")
    sim.run_for(1)

    future.discard()
    sim.run_for(1)

    assert la.dispatch(server, Server.discarded).get()


def test_a_message_arrives_with_its_sender(sim, client, server):
    la.dispatch(client, Client.post, 7).get()
    sim.run_for(1)

    assert told(server) == ((7, client),)


def test_an_actor_is_terminated_from_another_host(sim, client, server):
    for inject in (True, False):
        la.dispatch(client, Client.stop, inject).get()

    assert la.wait(server, 1)


def test_a_call_of_an_actor_that_has_stopped_is_abandoned(sim, client, server):
    la.terminate(server)
    sim.settle()

    with pytest.raises(la.Abandoned) as caught:
        la.dispatch(client, Client.ask, "add", 1).get(LIMIT)

    assert caught.value.pid == server


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("function", "execute: a function runs on one host only"),
        ("future", "argument 1 of add: a Future works inside one host only"),
        ("shared", "message Shared: a Shared works inside one host only"),
        ("keyword", r"argument n of add: a \w+ works inside one host only"),
    ],
)
def test_what_works_in_one_process_only_does_not_cross(client, what, text):
    assert re.match(text, la.dispatch(client, Client.bad, what).get())


def test_a_result_that_cannot_cross_fails_the_call(client):
    with pytest.raises(la.NotPassable, match=r"result of server\.local"):
        la.dispatch(client, Client.ask, "local").get(LIMIT)


def test_a_delayed_call_goes_through_the_network_when_its_time_has_come(sim, client, server):
    la.dispatch(client, Client.later, 1, "late").get()
    sim.network.clog(["a"], ["b"])
    sim.run_for(2)
    assert told(server) == ()

    sim.network.unclog()
    sim.run_for(1)

    assert told(server) == ("late",)


def test_code_of_a_test_is_on_no_host_and_goes_past_the_network(sim, client, server):
    sim.network.partition(["a"], ["b"])
    begun = sim.clock.now_ns()

    assert la.dispatch(server, Server.add, 1).get() == 1
    assert la.dispatch(sim.spawn(Client(server, "outside")), Client.ask, "add", 2).get() == 2

    assert sim.clock.now_ns() == begun


# Order and faults.


@pytest.mark.parametrize("seed", range(20))
def test_what_one_actor_sends_to_another_arrives_in_order(seed):
    with DeterministicRuntime(seed) as rt:
        rt.network.conditions = Conditions(tail=0.3)
        server = rt.host("b").spawn(Server())
        client = rt.host("a").spawn(Client(server))

        la.dispatch(client, Client.tell, *range(50)).get()
        rt.run_for(10)

        assert told(server) == tuple(range(50))


def straggle(seed):
    with DeterministicRuntime(seed) as rt:
        rt.network.conditions = Conditions(straggle=0.5, tail_delay=(1.0, 2.0))
        server = rt.host("b").spawn(Server())
        client = rt.host("a").spawn(Client(server))
        la.dispatch(client, Client.tell, 1, 2).get()
        rt.network.reset("a", "b")
        rt.run_for(0.1)
        la.dispatch(client, Client.tell, 3).get()
        rt.run_for(10)
        return told(server)


def test_out_of_a_broken_connection_something_may_come_behind_what_a_new_one_brings(many_runs):
    found = {straggle(seed) for seed in range(20)}

    assert found == {(3,), (3, 1), (3, 2), (3, 1, 2), (3, 2, 1)}


def test_a_call_that_was_lost_waits_until_the_connection_breaks(sim, client, server):
    sim.network.conditions = dataclasses.replace(CALM, loss=1.0)
    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(100)
    assert (future.is_pending(), future.is_abandoned()) == (True, False)

    sim.network.reset("a", "b")

    with pytest.raises(la.Abandoned) as caught:
        future.get(LIMIT)
    assert (caught.value.pid, repr(caught.value.reason)) == (server, BROKEN)
    assert told(server) == ()


def test_an_answer_that_was_lost_leaves_the_caller_alike_and_the_call_made(sim, client, server):
    sim.network.clog(["b"], ["a"], both_ways=False)
    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(1)
    assert (told(server), future.is_abandoned()) == ((1,), False)

    sim.network.reset("a", "b")
    sim.run_for(1)

    assert future.is_abandoned()


def test_what_is_sent_twice_is_served_twice_and_answered_once(sim, client, server, caplog):
    sim.network.conditions = dataclasses.replace(CALM, duplicate=1.0)

    answer = la.dispatch(client, Client.ask, "add", "call").get()
    la.dispatch(client, Client.tell, "tell").get()
    la.dispatch(client, Client.post, "post").get()
    with pytest.raises(ZeroDivisionError):
        la.dispatch(client, Client.ask, "divide", 0).get()
    sim.run_for(1)
    gc.collect()

    assert answer == 1
    assert told(server) == ("call", "call", "tell", "tell", ("post", client), ("post", client))
    assert caplog.text == ""


def test_a_fault_on_one_way_does_not_shift_the_choices_of_another():
    def choices(loss):
        with DeterministicRuntime(3) as rt:
            servers = [rt.host(name).spawn(Server()) for name in ("b", "c")]
            clients = [rt.host("a").spawn(Client(server, f"client {server.address}")) for server in servers]
            rt.network.between("a", "c", Conditions(loss=loss))
            for _ in range(10):
                for client in clients:
                    la.dispatch(client, Client.tell, 1).get()
                rt.run_for(1)
            return [rt.tape.streams.get(f"network a->{name}") for name in ("b", "c")]

    calm, faulty = choices(0.0), choices(0.5)

    assert calm[0] == faulty[0]
    assert calm[1] != faulty[1]


def test_one_seed_one_run_and_its_tape_again():
    def run(seed, tape=None):
        with DeterministicRuntime(seed, tape, log=True) as rt:
            rt.network.conditions = Conditions(loss=0.1, duplicate=0.1, tail=0.1, reset=0.05, straggle=0.5)
            server = rt.host("b").spawn(Server())
            clients = [rt.host(name).spawn(Client(server, f"client {name}")) for name in ("a", "c")]
            futures = [la.dispatch(client, Client.ask, "add", n) for n in range(20) for client in clients]
            rt.network.partition(["a"], ["b"])
            rt.run_for(1)
            rt.network.heal()
            rt.network.crash("c")
            rt.run_for(30)
            return [future.is_ready() for future in futures], rt.log.digest(), rt.tape

    answers, digest, tape = run(5)

    assert run(5)[:2] == (answers, digest)
    assert run(None, tape)[:2] == (answers, digest)
    assert run(6)[1] != digest
    assert len(set(answers)) == 2


def test_without_choices_the_run_is_calm():
    with DeterministicRuntime(None, la.testing.Tape(1)) as rt:
        rt.network.conditions = Conditions(loss=0.9, duplicate=0.9, reset=0.9, tail=0.9)
        server = rt.host("b").spawn(Server())
        client = rt.host("a").spawn(Client(server))
        begun = rt.clock.now_ns()

        values = [la.dispatch(client, Client.ask, "add", n).get() for n in range(3)]

        assert (values, rt.clock.now_ns() - begun) == ([1, 2, 3], 3_000_000)
        assert len(rt.tape) == 0


# Goal: nobody gets a call twice or waits for ever. Method: all faults but repetition and stragglers, many seeds.
@pytest.mark.parametrize("seed", range(30))
def test_calls_are_made_at_most_once_in_order_and_nobody_waits_for_ever(seed, many_runs):
    with DeterministicRuntime(seed) as rt:
        rt.network.conditions = Conditions(loss=0.1, reset=0.05, tail=0.2, notice=(0.1, 1.0))
        server, faults = rt.host("b").spawn(Server()), rt.streams("faults")
        client = rt.host("a").spawn(Client(server))
        futures = []
        for n in range(100):
            futures.append(la.dispatch(client, Client.ask, "add", n))
            fault = faults.choose(20)
            if fault == 1:
                rt.network.partition(["a"], ["b"], both_ways=faults.chance(0.5))
            elif fault == 2:
                rt.network.clog(["b"], ["a"], both_ways=False)
            elif fault > 12:
                rt.network.heal()
                rt.network.unclog()
            rt.run_for(0.05 * faults.choose(5))
        rt.network.heal()
        rt.network.unclog()
        rt.run_for(5)
        rt.network.reset("a", "b")
        rt.run_for(5)
        heard = told(server)
        answered = [n for n, future in enumerate(futures) if future.is_ready()]

    assert list(heard) == sorted(set(heard))
    assert set(answered) <= set(heard)
    assert 10 < len(answered) < 100
    assert all(future.is_ready() or future.is_abandoned() for future in futures)


# Links.


def test_a_link_hears_of_an_end_on_another_host_once(sim, client, server):
    for _ in range(2):
        la.dispatch(client, Client.watch).get()
    sim.run_for(1)

    la.terminate(server)
    sim.run_for(1)

    assert told(client) == (("server@b", "None"),)


def test_a_link_to_an_actor_that_has_stopped_hears_so(sim, client, server):
    la.terminate(server)
    sim.settle()

    la.dispatch(client, Client.watch).get()
    sim.run_for(1)

    assert told(client) == (("server@b", "None"),)


def test_the_reason_of_an_end_crosses(sim, client, server, caplog):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)

    la.tell(server, Server.divide, 0)
    sim.run_for(1)

    assert told(client) == (("server@b", "ZeroDivisionError('division by zero')"),)


def test_a_link_is_told_of_a_broken_connection_and_not_of_the_end_that_comes_later(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)

    sim.network.reset("a", "b")
    sim.run_for(1)
    la.terminate(server)
    sim.run_for(1)

    assert told(client) == (("server@b", BROKEN),)


def test_a_new_link_after_a_broken_one_works(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    sim.network.reset("a", "b")
    sim.run_for(1)

    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    la.terminate(server)
    sim.run_for(1)

    assert told(client) == (("server@b", BROKEN), ("server@b", "None"))


def test_a_watcher_that_has_stopped_is_told_nothing(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    la.terminate(client)
    sim.settle()

    la.terminate(server)
    sim.network.reset("a", "b")
    sim.run_for(1)

    assert sim.host("a").dead_letters == 0


# Partitions.


def test_what_waits_for_a_partition_that_is_healed_in_time_arrives_in_order(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.network.partition(["a"], ["b"])
    la.dispatch(client, Client.tell, 1, 2).get()
    sim.run_for(4.9)
    assert told(server) == ()

    sim.network.heal()
    sim.run_for(10)

    assert (told(server), told(client)) == ((1, 2), ())


def test_a_partition_breaks_the_connection_once_it_is_noticed(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    sim.network.partition(["a"], ["b"])
    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(4.9)
    assert (told(client), future.is_abandoned()) == ((), False)

    sim.run_for(0.2)

    assert (told(client), future.is_abandoned()) == ((("server@b", BROKEN),), True)
    sim.network.heal()
    sim.run_for(10)
    assert told(server) == ()
    assert la.dispatch(client, Client.ask, "add", 2).get() == 1


def test_a_connection_that_is_made_into_a_partition_breaks_as_well(sim, client):
    sim.network.partition(["a"], ["b"])

    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(6)

    assert future.is_abandoned()


def test_a_one_way_partition_lets_the_other_way_through(sim, client, server):
    sim.network.partition(["b"], ["a"], both_ways=False)

    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(1)
    assert (told(server), future.is_pending()) == ((1,), True)
    sim.run_for(5)

    assert future.is_abandoned()


def test_a_partition_is_between_those_hosts_only(sim, server):
    clients = [sim.host(name).spawn(Client(server, name)) for name in ("a", "c")]
    sim.network.partition(["a"], ["b", "c"])

    futures = [la.dispatch(client, Client.ask, "add", 1) for client in clients]
    sim.run_for(1)

    assert [future.is_ready() for future in futures] == [False, True]


def test_what_is_clogged_waits_and_nobody_notices(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    sim.network.clog(["a"], ["b"])
    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(1000)
    assert (told(client), future.is_pending()) == ((), True)

    sim.network.unclog()

    assert future.get(1) == 1


# Crashes.


def test_a_crash_ends_the_actors_of_a_host_without_on_stop(sim, client, server):
    actor = server._process.actor

    sim.network.crash("b")

    assert la.wait(server, 0)
    assert (actor.heard, sim.host("b").pids()) == ([], ())
    with pytest.raises(la.Abandoned) as caught:
        la.dispatch(server, Server.add, 1).get()
    assert repr(caught.value.reason) == "Disconnected('host b has crashed')"


def test_links_and_callers_elsewhere_hear_of_a_crash_when_their_host_notices(sim, client, server):
    la.dispatch(client, Client.watch).get()
    future = la.dispatch(client, Client.ask, "never")
    sim.run_for(1)

    sim.network.crash("b")
    sim.run_for(4.9)
    assert (told(client), future.is_abandoned()) == ((), False)
    sim.run_for(0.2)

    assert (told(client), future.is_abandoned()) == ((("server@b", BROKEN),), True)


def test_what_is_sent_to_a_host_that_is_down_is_lost(sim, client, server):
    sim.network.crash("b")
    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(3)
    sim.network.start("b")
    new = sim.host("b").spawn(Server())
    sim.run_for(10)

    assert (future.is_abandoned(), told(new)) == (True, ())


def test_a_host_that_is_up_again_is_empty_and_its_actors_go_by_their_old_names(sim, client, server):
    sim.network.crash("b")
    sim.network.start("b")
    with pytest.raises(la.Abandoned):
        la.dispatch(client, Client.ask, "add", 1).get(LIMIT)

    sim.host("b").spawn(Server())

    assert la.dispatch(client, Client.ask, "add", 2).get(LIMIT) == 1


def test_who_sends_on_the_old_connection_to_a_host_that_is_up_again_learns_of_it_at_once(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    sim.network.crash("b")
    sim.network.start("b")

    future = la.dispatch(client, Client.ask, "add", 1)
    sim.run_for(0.1)

    assert (told(client), future.is_abandoned()) == ((("server@b", BROKEN),), True)


def test_who_hears_from_a_host_that_is_up_again_learns_that_its_links_broke(sim, client, server):
    la.dispatch(client, Client.watch).get()
    sim.run_for(1)
    sim.network.crash("b")
    sim.network.start("b")
    target = sim.host("a").spawn(Server("target"))

    la.dispatch(sim.host("b").spawn(Client(target, "new")), Client.tell, 1).get()
    sim.run_for(0.1)

    assert told(client) == (("server@b", BROKEN),)
    assert told(target) == (1,)


def test_a_handler_that_waits_on_a_host_that_crashes_never_goes_on(sim):
    server = sim.host("b").spawn(Server())
    client = sim.host("b").spawn(Client(server))
    actor = client._process.actor
    la.dispatch(client, Client.wait)
    sim.run_for(1)

    sim.network.crash("b")
    sim.run_for(100)

    assert actor.heard == ["waits"]


def test_no_timer_of_a_host_fires_after_its_crash(sim, client, server):
    la.dispatch(client, Client.later, 1, "late").get()
    la.dispatch(client, Client.then).get()

    sim.network.crash("a")
    sim.network.start("a")
    sim.run_for(10)

    assert told(server) == ()


def test_what_was_under_way_from_a_host_that_crashes_arrives(sim, client, server):
    la.dispatch(client, Client.tell, 1).get()

    sim.network.crash("a")
    sim.run_for(1)

    assert told(server) == (1,)


def test_nothing_can_be_spawned_on_a_host_that_is_down(sim, server):
    sim.network.crash("b")

    with pytest.raises(la.SpawnError, match="host b has crashed; start it again"):
        sim.host("b").spawn(Server())
    sim.network.start("b")

    assert sim.host("b").spawn(Server()).id == "server"


def test_the_disk_of_a_host_crashes_with_it_and_is_there_afterwards(sim):
    disk = sim.host("a").disk
    disk.write("kept", b"1")
    disk.sync("kept")
    disk.sync(".")

    sim.network.crash("a")
    sim.network.start("a")

    assert (sim.host("a").disk.read("kept"), disk.crashes) == (b"1", 1)


def test_an_actor_may_crash_a_host_its_own_one_too(sim, client, server):
    outside = sim.spawn(Client(server, "outside"))
    la.execute(outside, lambda: sim.network.crash("b")).get()
    la.execute(client, lambda: sim.network.crash("a"))

    sim.run_for(10)

    assert (sim.host("a").pids(), sim.host("b").pids(), la.wait(client, 0)) == ((), (), True)


def test_a_simulation_ends_with_hosts_that_are_down_cut_off_and_full_of_frames(caplog):
    with DeterministicRuntime(1) as rt:
        server = rt.host("b").spawn(Server())
        client = rt.host("a").spawn(Client(server))
        la.dispatch(client, Client.watch).get()
        futures = [la.dispatch(client, Client.ask, "never") for _ in range(10)]
        rt.run_for(0.001)
        rt.network.partition(["a"], ["b"])
        rt.network.crash("b")

    assert all(future.is_pending() for future in futures)
    assert "Error" not in caplog.text


def test_filters_see_what_a_host_is_about_to_serve(sim, client, server):
    with la.testing.filter_events(sim) as events:
        met = events.delay_dispatch(Server.add, 3, to=server)
        future = la.dispatch(client, Client.ask, "add", 1)
        sim.run_for(1)
        assert (met.get().to, future.is_pending()) == (server, True)

        assert future.get(3) == 1


# Mistakes.


@pytest.mark.parametrize(
    "fields",
    [
        {"loss": 1.5}, {"loss": -0.1}, {"loss": float("nan")}, {"reset": True}, {"duplicate": "0.1"}, {"tail": None},
        {"delay": 0.1}, {"delay": (0.2, 0.1)}, {"notice": (-1, 1)}, {"tail_delay": (0, float("inf"))},
        {"delay": [0.1, 0.2]}, {"delay": (0.1, 0.2, 0.3)}, {"notice": (float("nan"), 1)}, {"delay": (0, 1e7)},
    ],
)  # fmt: skip
def test_conditions_that_cannot_be_are_refused(fields):
    with pytest.raises(ValueError, match=f"got {next(iter(fields))}="):
        Conditions(**fields)


def test_hosts_that_are_not_there_are_refused(sim, client):
    network = sim.network
    for use in (network.crash, network.start, lambda name: network.partition([name], ["a"])):
        for name in ("x", sim, None, 1):
            with pytest.raises(ValueError, match=r"expected a host that rt\.host has made"):
                use(name)
    with pytest.raises(ValueError, match=r"expected a host that rt\.host has made"):
        network.between("a", "x", CALM)
    with pytest.raises(TypeError, match="expected Conditions"):
        network.between("a", "b", 0.5)
    with pytest.raises(TypeError, match="expected Conditions"):
        network.conditions = None
    with pytest.raises(TypeError, match="expected two lists"):
        network.partition("a", "b")
    with pytest.raises(ValueError, match="without a host in common"):
        network.clog(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="is up; crash it first"):
        network.start("a")
    network.crash(sim.host("a"))
    with pytest.raises(ValueError, match="is down already"):
        network.crash("a")
