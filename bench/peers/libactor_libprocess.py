"""libprocess's own benchmarks, written for libactor with libprocess's parameters."""

# Source: Mesos 1.12, 3rdparty/libprocess/src/tests/benchmarks.cpp, what each test does; docs/benchmarks.md says where
#   ours has to differ. Totals that only lengthen a run are smaller here: the figures are rates.

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any

import msgspec

import libactor as la
from bench.benchmarks import expect
from bench.peers.libactor_actors import stop_all

CLIENTS = 8  # also the pairs of ThroughputPerformance, which upstream are as many as the workers, by default 8
OPEN_REQUESTS, BODY = 250, b"111"  # of ClientServer
OPEN_PINGS = 1_000  # of ThroughputPerformance
PAYLOAD_INTS = 10_240  # of DispatchDefer: 40 KB
CHILDREN_MOST = 4  # of a message of ProtobufInstallHandler


class Ping(msgspec.Struct, frozen=True):
    """A question."""

    body: bytes


class Pong(msgspec.Struct, frozen=True):
    """Its answer."""

    body: bytes


class Tree(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The message of ProtobufInstallHandler: two numbers, and up to four of its kind."""

    payload: tuple[int, ...]
    submessages: tuple[Tree, ...] = ()


class Packed(msgspec.Struct, frozen=True):
    """A Tree as bytes."""

    data: bytes


class Client(la.Actor):
    """Keeps a number of pings open until all are answered."""

    def __init__(self, server: la.PID[Any], linked: bool) -> None:
        super().__init__()
        self.server = server
        self.linked = linked
        self.requests = self.sent = self.answered = 0
        self.ping = Ping(BODY)
        self.done: la.Promise[int] = la.Promise()

    def run(self, requests: int, open_most: int) -> la.Future[int]:
        """Send the first; the future of how many were answered in the end."""
        if self.linked:
            la.link(self.server)
        self.requests = requests
        self.sent = min(requests, open_most)
        for _ in range(self.sent):
            la.post(self.server, self.ping)
        return self.done.future

    @la.handles(Pong)
    def pong(self, message: Pong, sender: la.PID[Any] | None) -> None:
        """Send the next, if there is one."""
        self.answered += 1
        if self.sent < self.requests:
            self.sent += 1
            la.post(self.server, self.ping)
        elif self.answered == self.requests:
            self.done.set(self.answered)


class Destination(la.Actor):
    """Answers every ping."""

    @la.handles(Ping)
    def ping(self, message: Ping, sender: la.PID[Any]) -> None:
        """Send it back."""
        la.post(sender, Pong(message.body))


class Server(la.Actor):
    """Answers every ping, and is linked to whoever asked."""

    def __init__(self) -> None:
        super().__init__()
        self.linked: set[la.PID[Any]] = set()

    @la.handles(Ping)
    def ping(self, message: Ping, sender: la.PID[Any]) -> None:
        """Send it back."""
        if sender not in self.linked:
            la.link(sender)
            self.linked.add(sender)
        la.post(sender, Pong(message.body))


class Deferring(la.Actor):
    """Calls itself, and hands its payload to what is to run after that."""

    def __init__(self, count: int, moving: bool) -> None:
        super().__init__()
        self.count = count
        self.moving = moving
        self.handled = 0
        self.size = 0
        self.done: la.Promise[None] = la.Promise()

    def handle(self, payload: Any, answered: None = None) -> None:
        """One round."""
        self.handled += 1
        if self.handled == self.count:
            self.size = len(payload)
            self.done.set(None)
            return
        bound = la.move(payload) if self.moving else payload
        la.dispatch(self.pid, Deferring.answer).then(la.defer(self.pid, Deferring.handle, bound, once=True))

    def answer(self) -> None:
        """Answer nothing."""


class Handler(la.Actor):
    """Counts messages."""

    def __init__(self) -> None:
        super().__init__()
        self.handled = 0
        self.decoder = msgspec.msgpack.Decoder(Tree)

    @la.handles(Tree)
    def tree(self, message: Tree, sender: la.PID[Any] | None) -> None:
        """One that came as it is."""
        self.handled += len(message.payload)

    @la.handles(Packed)
    def packed(self, message: Packed, sender: la.PID[Any] | None) -> None:
        """One that came as bytes."""
        self.handled += len(self.decoder.decode(message.data).payload)

    def count(self) -> int:
        """Answer how many numbers stood at the top of them."""
        return self.handled


class Linker(la.Actor):
    """Is linked to another one from its start on."""

    def __init__(self, to: la.PID[Any]) -> None:
        super().__init__()
        self.to = to

    def on_start(self) -> None:
        """Link."""
        la.link(self.to)


class Ephemeral(la.Actor):
    """Stops when it is asked to."""

    def end(self) -> None:
        """Stop itself."""
        la.terminate(self.pid)


class LibprocessBenchmarks:
    """Named as the tests of libprocess, without their prefix."""

    def client_server(self, count: int) -> float:
        """ClientServer: all clients ask one server; it links to them, and they to it."""
        with la.Runtime():
            server = la.spawn(Server())
            return _ping_pong(count, [la.spawn(Client(server, linked=True)) for _ in range(CLIENTS)], OPEN_REQUESTS)

    def throughput(self, count: int) -> float:
        """ThroughputPerformance: pairs of a client and what it asks."""
        with la.Runtime():
            clients = [la.spawn(Client(la.spawn(Destination()), linked=False)) for _ in range(CLIENTS)]
            return _ping_pong(count, clients, OPEN_PINGS)

    def dispatch_defer_moved(self, count: int) -> float:
        """DispatchDefer, Movable."""
        return _defer(count, bytearray(4 * PAYLOAD_INTS), moving=True)

    def dispatch_defer_copied(self, count: int) -> float:
        """DispatchDefer, Copyable; a bytearray is copied as a vector of ints is."""
        return _defer(count, bytearray(4 * PAYLOAD_INTS), moving=False)

    def dispatch_defer_list(self, count: int) -> float:
        """DispatchDefer, Copyable; with a list of ints."""
        return _defer(count, [42] * PAYLOAD_INTS, moving=False)

    def install_handler(self, count: int, submessages: int) -> float:
        """ProtobufInstallHandler with the message itself, as it is sent between actors of one process."""
        return _post(count, make_tree(submessages))

    def install_handler_decode(self, count: int, submessages: int) -> float:
        """ProtobufInstallHandler with what libprocess has to do: read the message from bytes."""
        return _post(count, Packed(msgspec.msgpack.encode(make_tree(submessages))))

    def links(self, count: int, pairs: int) -> float:
        """LargeNumberOfLinks: spawned, asked to stop themselves, and waited for, while others are linked."""
        with la.Runtime() as runtime:
            linkees = [la.spawn(la.Actor()) for _ in range(pairs)]
            linkers = [la.spawn(Linker(pid)) for pid in linkees]
            start = perf_counter()
            pids = [la.spawn(Ephemeral()) for _ in range(count)]
            for pid in pids:
                la.tell(pid, Ephemeral.end)
            stopped = sum([la.wait(pid) for pid in pids])
            seconds = perf_counter() - start
            expect((stopped, len(runtime.pids())), (count, 2 * pairs), "actors that stopped, and that are left")
            stop_all([*linkers, *linkees])
        return seconds


def make_tree(submessages: int) -> Tree:
    """Return a tree of so many messages below the first one, filled level by level."""
    children: list[list[int]] = [[] for _ in range(submessages + 1)]
    parents = deque([0])
    for number in range(1, submessages + 1):
        if len(children[parents[0]]) == CHILDREN_MOST:
            parents.popleft()
        children[parents[0]].append(number)
        parents.append(number)
    trees: dict[int, Tree] = {}
    for number in range(submessages, -1, -1):
        trees[number] = Tree((1, 1), tuple([trees.pop(child) for child in children[number]]))
    return trees[0]


def _ping_pong(count: int, clients: list[la.PID[Client]], open_most: int) -> float:
    share, rest = divmod(count, len(clients))
    start = perf_counter()
    runs = [la.dispatch(pid, Client.run, share + (i < rest), open_most) for i, pid in enumerate(clients)]
    answered = la.collect(runs).get()
    seconds = perf_counter() - start
    expect(sum(answered), count, "answers")
    return seconds


def _defer(count: int, payload: list[int] | bytearray, moving: bool) -> float:
    actor = Deferring(count, moving)
    with la.Runtime():
        pid = la.spawn(actor)
        start = perf_counter()
        la.dispatch(pid, Deferring.handle, payload)
        actor.done.future.get()
        seconds = perf_counter() - start
    expect((actor.handled, actor.size), (count, len(payload)), "rounds, and the size of the last payload")
    return seconds


def _post(count: int, message: Tree | Packed) -> float:
    with la.Runtime():
        pid = la.spawn(Handler())
        start = perf_counter()
        for _ in range(count):
            la.post(pid, message)
        handled = la.dispatch(pid, Handler.count).get()
        seconds = perf_counter() - start
    expect(handled, 2 * count, "numbers in the messages")
    return seconds
