"""DeterministicRuntime: the same actors, unchanged, on virtual time, in an order that a seed decides."""

# Who calls: tests and simulators, in the place of Runtime. What runs the actors: simulation.py; what is chosen:
#   streams.py; the time: virtual_clock.py.
# Invariant: one seed, or one tape, one run, byte for byte, as long as the actors and the program ask for time,
#   randomness and ids by the doors of libactor, and no other thread sends (docs/testing.md, hazards).
# Hosts: runtimes of addresses of their own on one simulation. What goes from one to another passes `network` of the run
#   queue first, if there is one.

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from libactor._core._impl import DEBUG_VALUES, RunQueue, exchange_sequences
from libactor._core.clock import _nanoseconds
from libactor._core.errors import ForkedRuntime, SpawnError
from libactor.context import opened
from libactor.lifetimes import live
from libactor.methods import Unknown
from libactor.runtime import CLOSE_TIMEOUT_S, Runtime
from libactor.testing import collector
from libactor.testing.disk import FakeDisk
from libactor.testing.event_log import EventLog
from libactor.testing.life import HostClock, Life
from libactor.testing.names import Names
from libactor.testing.network import Network
from libactor.testing.patience import Patience
from libactor.testing.simulation import Simulation
from libactor.testing.streams import Streams
from libactor.testing.tape import Tape
from libactor.testing.virtual_clock import VirtualClock
from libactor.transport.address import split_pid

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.future import Future
    from libactor.pid import PID

STEPS_MAX = 100_000_000  # in one wait of the program, unless told otherwise
INSTANT_STEPS_MAX = 1_000_000  # of these, while time stands still


class _Simulated(Runtime):
    """What a deterministic runtime and its hosts share."""

    clock: VirtualClock
    simulation: Simulation
    network: Network

    def _join(self, address: str, simulation: Simulation, debug: bool) -> None:
        self.simulation = simulation
        self._set_up(address, simulation.queue, simulation.clock, simulation, debug)

    def parse_pid(self, text: str, kind: type[Any] = Unknown) -> PID[Any]:
        """The PID of an actor of this simulation that is written ``text``: see libactor.parse_pid."""
        self.check_here()
        name, address = split_pid(text, kind)
        home: _Simulated | None = self if address == self.address else self.network.home(address)
        if home is None:
            raise ValueError(
                f"parse_pid: got {text[:200]!r}, and no host of this simulation has the address {address[:200]!r}; "
                "make it first, by rt.host"
            )
        return home.find(name) or home.names.pid(name, kind)

    @cached_property
    def names(self) -> Names:
        """PIDs of this address that lead to nobody yet."""
        return Names(self, self.address)


class Host(_Simulated):
    """A runtime with an address of its own within a simulation: made by ``DeterministicRuntime.host``.

    ``with host:`` makes it current and does not close it; it is closed with the simulation, or by ``close``.
    """

    life: Life

    def __init__(self, address: str, simulation: Simulation, network: Network) -> None:
        self._join(address, simulation, False)
        self.network = network
        self.life = Life(self)
        self.clock = HostClock(simulation.clock, self)
        self._disk: FakeDisk | None = None

    @property
    def disk(self) -> FakeDisk:
        """The disk of this host, which outlives its crashes; its faults are those of the stream ``disk <address>``."""
        if self._disk is None:
            self._disk = FakeDisk(self.simulation.streams(f"disk {self.address}"))
        return self._disk

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack = opened.get()
        last = max(index for index, runtime in enumerate(stack) if runtime is self)
        opened.set(stack[:last] + stack[last + 1 :])

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop every actor of this host; see Runtime.close."""
        if self._is_inside():
            raise RuntimeError("close: called inside an actor of the same simulation, which it would wait for")
        stuck = self._stop_actors(self._shut(), timeout)
        stuck += [name for pool in self.pools for name in pool.end(timeout)]
        if stuck:
            raise RuntimeError(f"close: still in a handler: {', '.join(stuck)}")

    def _refuse(self, actor: object) -> SpawnError | ForkedRuntime:
        if self.life.dead:
            return SpawnError(f"spawn: host {self.address} has crashed; start it again by network.start")
        return super()._refuse(actor)


class DeterministicRuntime(_Simulated):
    """Runs actors one event at a time, on virtual time, each choice taken by ``seed`` or by a tape.

    It runs while the program waits: in ``get``, ``wait``, ``run_until``, ``run_for`` and ``settle``. When nobody has
    anything left to do, time jumps to the next timer; a wait that nothing can end raises Stuck.

    ``tape``: the choices of an earlier run (``rt.tape``), to be made again. ``log``: keep a log of the steps in
    ``rt.log``: True, or an EventLog. ``steps_max``: after so many steps in one wait that wait raises Stuck;
    ``instant_steps_max``: so does it after so many while time stands still.
    """

    def __init__(
        self,
        seed: int | None = None,
        tape: Tape | None = None,
        *,
        address: str = "sim",
        log: bool | EventLog = False,
        steps_max: int = STEPS_MAX,
        instant_steps_max: int = INSTANT_STEPS_MAX,
        debug: bool = DEBUG_VALUES,
    ) -> None:
        queue = RunQueue()
        queue.helping = False
        self.log = log if isinstance(log, EventLog) else EventLog() if log else None
        self.seed = _agree(seed, tape)
        self.streams = Streams(self.seed, tape)
        self._hosts: dict[str, Host] = {}
        self._outer: list[Any] = []  # what generate_id counted in before each `with`
        self._ended = False
        patience = Patience(steps_max, instant_steps_max)
        self._join(address, Simulation(address, queue, self.streams, self.log, patience), debug)
        self.network = Network(self.simulation, self._hosts)
        collector.hold()
        live.add(self)

    @property
    def tape(self) -> Tape:
        """The choices that were made so far."""
        return self.streams.record()

    def host(self, name: str) -> Host:
        """The host of that name, a runtime with this address; it is made when it is first asked for."""
        host = self._hosts.get(name)
        if host is None:
            if (
                not isinstance(cast(object, name), str)
                or not name
                or "@" in name
                or "/" in name
                or name == self.address
            ):
                raise ValueError(f"host: got {name!r}, expected text without '@' and '/', other than {self.address!r}")
            host = self._hosts[name] = Host(name, self.simulation, self.network)
            host.crashes = self.crashes
            self.queue.network = self.network
        return host

    def run_until(self, future: Future[Any], timeout: float | None = None) -> Any:
        """As ``future.get``, also for one that no actor here is to answer."""
        self.simulation.wait_for(future, timeout)
        return future.get(0)

    def run_for(self, seconds: float) -> None:
        """Run for ``seconds`` of the clock, each timer at its time, and until nothing is left to do then.

        Raises: RuntimeError while the clock is paused.
        """
        if self.clock.paused:
            raise RuntimeError("run_for: the clock is paused; call clock.resume(), or clock.advance() and settle()")
        self.simulation.run_to(self.clock.now_ns() + _nanoseconds(seconds, "run_for"))

    def settle(self) -> None:
        """Run until nothing is left to do now; time stands still."""
        self.simulation.settle()

    @property
    def ended(self) -> bool:
        """Whether close() was called."""
        return self._ended

    @property
    def homes(self) -> tuple[Runtime, ...]:
        """All that its actors live in: the hosts, and itself."""
        return (*self._hosts.values(), self)

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop every actor, those of the hosts first; ``timeout`` in seconds of the clock, see Runtime.close.

        Raises: RuntimeError naming the actors whose handlers still waited; their waits were ended by Stuck.
        """
        self.check_here()
        if self._is_inside():
            raise RuntimeError("close: called inside an actor of the same simulation, which it would wait for")
        if self._ended:
            return
        self._ended = True
        stuck: list[str] = []
        try:
            stuck = [pid for host in reversed(self._hosts.values()) for pid in host._stop_actors(host._shut(), timeout)]
            stuck += self._stop_actors(self._shut(), timeout)
            stuck += [name for home in self.homes for pool in home.pools for name in pool.end(timeout)]
        finally:
            try:
                self.simulation.break_waits()
            finally:
                stuck += self._end()
        if stuck:
            raise RuntimeError(f"close: still in a handler after {timeout} s: {', '.join(stuck)}; its waits were ended")

    def _end(self) -> list[str]:
        """The last steps of close; the names of threads that will not end."""
        names = self.simulation.stop()
        self.clock.close()
        self.queue.close()
        if self._watch is not None:
            self._watch.switch_off()
        collector.release()
        return names

    def __enter__(self) -> Self:
        super().__enter__()
        self._outer.append(exchange_sequences(self.simulation.sequences))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened.set(tuple(runtime for runtime in opened.get() if runtime is not self))
        try:
            if self.queue.orphaned:
                collector.release()  # the rest is the parent's to close
            else:
                self.close()
        except RuntimeError as failure:
            if error is None:
                raise
            error.add_note(str(failure))  # what went wrong first is what matters
        finally:
            if self._outer:
                exchange_sequences(self._outer.pop())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def _agree(seed: int | None, tape: Tape | None) -> int:
    """The seed of the run."""
    if tape is None:
        seed = 0 if seed is None else seed
        if type(cast(object, seed)) is not int:
            raise TypeError(f"DeterministicRuntime: got the seed {seed!r}, expected an integer")
        return seed
    if not isinstance(tape, Tape):
        raise TypeError(f"DeterministicRuntime: got {tape!r}, expected a Tape; Tape.load reads one from a file")
    if seed is not None and seed != tape.seed:
        raise ValueError(
            f"DeterministicRuntime: got the seed {seed} and a tape of seed {tape.seed}; leave the seed out"
        )
    return tape.seed
