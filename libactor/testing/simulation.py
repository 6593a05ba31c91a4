"""Simulation: what runs the actors of a deterministic runtime, one event at a time, in an order that a seed decides."""

# Who calls: libactor/waiting.py, whenever somebody waits for a future in a deterministic runtime; the runtime itself
#   for run_until, settle, run_for and close.
# Invariants: 1. one thread runs at any moment: whoever has the baton. All others of the simulation, and whoever waits
#   outside, sleep at their gates.    2. what there is to do next is: an actor of the run queue, a handler whose wait is
#   over, a timer that is due. If there is more than one, the stream "schedule" chooses; 0 is the first in that order.
#   3. who waits outside goes on as soon as what it waits for has come, after the step that brought it.
#   4. no thread is left after stop().
# Handlers run in threads of the simulation and never on the stack of whoever waits outside: one that waits in there
#   would keep the program from going on although its own answer had come. A handler that waits keeps its thread, and
#   another thread takes the baton: to run other actors on top of it would stack them up, and deadlock (worker.py).
# The collector is off while the runtime is open and runs at fixed steps, because what it finds may abandon futures.
# Rejected: greenlets, which would save the switch of threads at each wait, for one more library compiled in C.

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from libactor._core._impl import FutureCell, RunQueue, exchange_sequences
from libactor._core.clock import NANOSECONDS, NEVER, _nanoseconds
from libactor._core.errors import ForkedRuntime, Stuck, TooManyBlockedHandlers
from libactor.context import serving
from libactor.testing.collector import COLLECT_STEPS, collect_at
from libactor.testing.virtual_clock import EPOCH_NS, VirtualClock
from libactor.testing.wait import Wait

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.testing.event_log import EventLog
    from libactor.testing.life import Life
    from libactor.testing.patience import Patience
    from libactor.testing.streams import Streams

STOP_S = 1.0  # how long stop() waits for a thread that may never end
BLOCKED_MAX = 256  # handlers that may wait at the same time; each holds a thread


class _Seat(threading.local):
    gate: threading.Lock | None = None


_seat = _Seat()  # .gate: of the calling thread, if it is one of a simulation


class Simulation:
    """The threads, the time and the choices of one deterministic runtime and its hosts."""

    def __init__(self, name: str, queue: RunQueue, streams: Streams, log: EventLog | None, patience: Patience) -> None:
        self.name = name
        self.queue = queue
        self.streams = streams
        self.log = log
        self.steps = 0  # that were made so far
        self.patience = patience
        self.clock = VirtualClock(self.settle, streams("timers").choose)
        self.sequences: dict[str, Any] = {}  # what generate_id counts in, inside
        self._ready: list[Wait] = []  # handlers that may go on
        self._blocked: dict[Wait, None] = {}  # handlers that wait, in order; and functions of pools
        self._outside: Wait | None = None  # the program, while it waits
        self._driving = threading.Lock()  # held while a thread outside waits
        self._spares: list[threading.Lock] = []  # gates of threads that stand by
        self._threads: list[threading.Thread] = []
        self._collect_at = self._look_at = COLLECT_STEPS
        self._stopping = self._breaking = False
        self._runs = False  # a thread of the simulation has the baton, or is about to take it

    # What others ask for.

    def wait_for(self, future: FutureCell, timeout: float | None) -> None:
        """Run until ``future`` is complete or abandoned, or ``timeout`` seconds of the clock are over."""
        span = None if timeout is None else _nanoseconds(max(timeout, 0.0), "get")
        if span == 0:
            return
        limit_ns = None if span is None else self.clock.now_ns() + span
        if serving.simulation is self:
            self._wait_inside(future, limit_ns)
        else:
            self._wait_outside(Wait(future, _closed_gate(), limit_ns))

    def settle(self) -> None:
        """Run until nothing is left to do now."""
        self.run_to(self.clock.now_ns())

    def run_to(self, limit_ns: int) -> None:
        """Run until it is ``limit_ns`` and nothing is left to do then."""
        if serving.simulation is self:
            raise RuntimeError("settle: called inside an actor of the same runtime, which would wait for its own end")
        self._wait_outside(Wait(None, _closed_gate(), limit_ns))

    def random_bytes(self, count: int, purpose: str) -> bytes:
        """See libactor/_core/randomness.py."""
        return self.streams.random_bytes(count, purpose)

    def freeze(self, life: Life, processes: Iterable[Any]) -> None:
        """Let no code of a host that is gone go on after a wait, whether that is over or not."""
        gone = {process.pid for process in processes}
        for wait in self._blocked:
            if wait.pid in gone or wait.life is life:
                wait.over = wait.frozen = True
        self._ready[:] = [wait for wait in self._ready if not wait.frozen]

    def break_waits(self) -> None:
        """At the end: every handler that still waits, or is about to, gets an error."""
        self._breaking = True
        while self._blocked:
            for wait in list(self._blocked):
                wait.error = Stuck(f"get: {self.name} is closed; what this handler waits for has not come")
                wait.over = wait.over and not wait.frozen
                wait.frozen = False
                wait.arrive()
            self.settle()

    def stop(self) -> list[str]:
        """End all threads; the names of those inside a handler that Ctrl-C, twice, has left running."""
        self._stopping = True
        parked = not self._runs and not self._blocked
        while self._spares:
            self._spares.pop().release()
        for thread in self._threads:
            thread.join(None if parked else STOP_S)
        return [thread.name for thread in self._threads if thread.is_alive()]

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do, now or later."""
        return not (len(self.queue) or self._ready or self.clock.pending)

    @property
    def blocked(self) -> int:
        """How many handlers wait."""
        return len(self._blocked)

    @property
    def threads(self) -> int:
        """How many threads it has."""
        return len(self._threads)

    def __contains__(self, thread: threading.Thread) -> bool:
        return thread in self._threads

    # Waiting.

    def _wait_inside(self, future: FutureCell, limit_ns: int | None) -> None:
        """In a handler, or in what a timer was set for: hand the baton on, and go on when it comes back."""
        assert _seat.gate is not None
        if self._breaking:
            raise Stuck(f"get: {self.name} is being closed; nothing is waited for any more")
        if len(self._blocked) >= BLOCKED_MAX:
            raise TooManyBlockedHandlers(
                f"{self.name}: {BLOCKED_MAX} handlers wait inside get() or wait() already; let handlers go on with "
                "then() and defer() instead of waiting"
            )
        wait = Wait(future, _seat.gate, limit_ns)
        wait.ready = self._ready
        timer: Timer | None = None
        if limit_ns is not None:
            timer = self.clock.timer((limit_ns - self.clock.now_ns()) / NANOSECONDS, wait.arrive)
        wait.subscribe()
        self._blocked[wait] = None
        try:
            self._hand_on()
            wait.gate.acquire()
        finally:
            del self._blocked[wait]
            wait.unsubscribe()
            if timer is not None:
                timer.cancel()
        if wait.error is not None:
            raise wait.error

    def _wait_outside(self, wait: Wait) -> None:
        """In the program: let the simulation run until ``wait`` is over."""
        if self.queue.orphaned:
            raise ForkedRuntime(
                f"{self.name} belongs to another process, of which this one is a fork without its threads; make a "
                "runtime of its own here"
            )
        if self._stopping:
            raise RuntimeError(f"{self.name} is closed; make a new one")
        if self._runs or self._driving.locked():
            raise RuntimeError(
                f"{self.name}: a thread waits here while another one runs the simulation; its order would be left to "
                "chance, so let one thread do all of it"
            )
        with self._driving:
            sequences = exchange_sequences(self.sequences)
            try:
                self._drive(wait)
            finally:
                exchange_sequences(sequences)
                wait.unsubscribe()
        if wait.error is not None:
            raise wait.error

    def _drive(self, wait: Wait) -> None:
        """Hand the baton to the simulation, and sleep until it comes back.

        Ctrl-C has the simulation stop after its present step first; a second one does not wait for that: then a handler
        goes on, and nobody can run the simulation any more. It may come after any call here, also after the baton has
        come back.
        """
        wait.subscribe()
        self.patience.begin(self.steps, self.clock.now_ns())
        self._outside = wait
        try:
            self._hand_on()
            wait.gate.acquire()
        except BaseException:
            wait.over = True
            if self._runs:
                wait.gate.acquire()
            raise

    def _hand_on(self) -> None:
        """Give the baton to a thread that stands by, or to a new one."""
        if not self._spares:
            self._hire()
        gate = self._spares[-1]
        del self._spares[-1]  # not pop(): after a call Ctrl-C may come, and the gate would be in nobody's hands
        self._runs = True
        gate.release()

    def _hire(self) -> None:
        """Have one more thread stand by. Raises: RuntimeError if the system has none left."""
        gate = _closed_gate()
        name = f"{self.name}-simulation-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, args=(gate,), name=name, daemon=True)
        try:
            thread.start()
        finally:
            if thread.ident is not None:
                self._threads.append(thread)
                self._spares.append(gate)

    # Running, by whoever has the baton.

    def _run(self, gate: threading.Lock) -> None:
        serving.simulation = self
        _seat.gate = gate
        while True:
            gate.acquire()
            if self._stopping:
                return
            try:
                following = self._go()
            except BaseException as error:  # of the simulation itself: the program is told
                following = self._tell_program(error)
            self._spares.append(gate)
            if following is self._outside:
                self._runs = False
            following.gate.release()

    def _tell_program(self, error: BaseException) -> Wait:
        program = self._outside
        assert program is not None
        program.error = error
        return program

    def _go(self) -> Wait:
        """Make steps until the baton is to be handed on; to whom."""
        queue, ready, clock, log = self.queue, self._ready, self.clock, self.log
        choose = self.streams("schedule").choose
        while True:
            program = self._outside  # another one, maybe, since a handler of this thread began to wait
            assert program is not None
            if program.over:
                return program
            actors = len(queue)
            others = actors + len(ready)
            count = others + clock.has_due()
            if count == 0:
                if not self._pass_time(program):
                    return program
                continue
            index = choose(count) if count > 1 else 0
            self.steps += 1
            if self.steps >= self._look_at:
                self._look(program, index)
            if index < actors:
                if log is not None:
                    process = queue.peek(index)
                    log.note_event(clock.now_ns(), process.pid, process.peek())
                queue.step(index)
            elif index < others:
                return self._resume(ready.pop(index - actors))
            else:
                if log is not None:
                    log.note(clock.now_ns(), "clock", "timer")
                clock.fire_next()

    def _resume(self, wait: Wait) -> Wait:
        if self.log is not None:
            self.log.note(self.clock.now_ns(), str(wait.pid or "clock"), "goes on")
        return wait

    def _pass_time(self, program: Wait) -> bool:
        """Nothing is left to do now: jump to the next timer. False if ``program`` waits no longer."""
        next_ns, limit_ns = self.clock.next_ns(), program.limit_ns
        if next_ns != NEVER and (limit_ns is None or next_ns <= limit_ns):
            self.clock.jump(next_ns)
            return True
        if limit_ns is not None:
            if not self.clock.paused:
                self.clock.jump(limit_ns)
            return False
        collect_at(0)  # what is garbage now may abandon what is waited for
        if len(self.queue) or self._ready or self.clock.has_due():
            return True
        if not program.over:
            program.error = Stuck(self._say_stuck(program))
        return False

    def _look(self, program: Wait, index: int) -> None:
        """At some steps: collect what is garbage, and see whether the run goes on for ever."""
        if self.steps >= self._collect_at:
            collect_at(self.steps)
            self._collect_at = self.steps + COLLECT_STEPS
        over = self.patience.is_over(self.steps, self.clock.now_ns())
        self._look_at = self.steps + 1 if over else self._collect_at
        if over and self.patience.count(self._name_step(index)):
            raise Stuck(
                f"{self._say_when()}: the program has waited for {program.describe()} "
                f"{self.patience.complain(self.steps)}"
            )

    def _name_step(self, index: int) -> str:
        """Who makes the step that was chosen."""
        actors = len(self.queue)
        if index < actors:
            return str(self.queue.peek(index).pid)
        return str(self._ready[index - actors].pid) if index - actors < len(self._ready) else "the clock"

    def _say_when(self) -> str:
        passed = (self.clock.now_ns() - EPOCH_NS) / NANOSECONDS
        return f"{self.name}, seed {self.streams.seed}, after {self.steps} steps and {passed:.9g} s"

    def _say_stuck(self, program: Wait) -> str:
        waits = [f"{wait.pid or 'a timer'} waits for {wait.describe()}" for wait in self._blocked]
        time = "the clock is paused" if self.clock.paused else "no timer is set"
        return (
            f"{self._say_when()}: nothing is left to do and {time}, but the program waits for {program.describe()}"
            f"{'; ' if waits else ''}{', '.join(waits)}"
        )


def _closed_gate() -> threading.Lock:
    gate = threading.Lock()
    gate.acquire()
    return gate
