"""libactor: actors and futures in the tradition of libprocess.

import libactor as la

class Counter(la.Actor):
    def __init__(self): super().__init__("counter"); self.n = 0
    def add(self, k: int) -> int: self.n += k; return self.n

with la.Runtime():
    pid = la.spawn(Counter())
    print(la.dispatch(pid, Counter.add, 2).get(timeout=1))
"""

# No __getattr__ here: the interpreter remembers where it found `la.tell` only in a module that has none. With one, each
# use of a name is a search, as long as half of what the core does for a message. What takes long to import is put off
# inside a package of its own instead: testing.

from libactor import aio, io, metrics, placeholders, subprocess, testing
from libactor._core._impl import CORE, generate_id
from libactor._core.clock import Clock, Timer
from libactor._core.errors import (
    Abandoned,
    Discarded,
    Disconnected,
    ForkedRuntime,
    InvalidTransition,
    LibactorError,
    MailboxFull,
    MovedError,
    NoRuntime,
    NotPassable,
    PoolFull,
    RestartsExhausted,
    SpawnError,
    StashFull,
    TooManyBlockedHandlers,
)
from libactor._core.randomness import random_stream, random_uuid, random_uuid_bytes
from libactor._core.values import register_immutable
from libactor.actor import Actor, control, handles, remote
from libactor.alarm import after
from libactor.bounds import Bounded
from libactor.combinators import await_all, collect, select, undiscardable
from libactor.coroutines import exclusive, is_exclusive, sleep
from libactor.deferred import Deferred, defer
from libactor.foresight import foreseen, is_foreseen
from libactor.future import Future, Promise, failed, ready
from libactor.iteration import Break, Continue, loop
from libactor.messages import (
    delay,
    delegate,
    dispatch,
    execute,
    link,
    parse_pid,
    post,
    spawn,
    stopped,
    tell,
    terminate,
    wait,
)
from libactor.owned import Owned, Shared, move
from libactor.pid import PID
from libactor.pool import Pool
from libactor.routes import route
from libactor.runtime import Runtime
from libactor.statistics import Statistics, TimeSeries
from libactor.supervision.child import Backoff, Child, ChildState
from libactor.supervision.supervisor import Supervisor
from libactor.sync import (
    CountDownLatch,
    Latch,
    Mutex,
    Queue,
    RateLimiter,
    ReadWriteLock,
    Semaphore,
    Sequence,
    StateMachine,
)
from libactor.thunk import run
from libactor.transport.configuration import Remote
from libactor.transport.lookup import look_up
from libactor.transport.tls import Tls

__all__ = [
    "CORE",
    "PID",
    "Abandoned",
    "Actor",
    "Bounded",
    "Backoff",
    "Break",
    "Child",
    "ChildState",
    "Clock",
    "Continue",
    "CountDownLatch",
    "Deferred",
    "Discarded",
    "Disconnected",
    "ForkedRuntime",
    "Future",
    "InvalidTransition",
    "Latch",
    "LibactorError",
    "MailboxFull",
    "MovedError",
    "Mutex",
    "NoRuntime",
    "NotPassable",
    "Owned",
    "Pool",
    "PoolFull",
    "Promise",
    "Queue",
    "RateLimiter",
    "ReadWriteLock",
    "Remote",
    "RestartsExhausted",
    "Runtime",
    "Semaphore",
    "Sequence",
    "Shared",
    "SpawnError",
    "StateMachine",
    "StashFull",
    "Statistics",
    "TimeSeries",
    "Supervisor",
    "Timer",
    "Tls",
    "TooManyBlockedHandlers",
    "after",
    "aio",
    "await_all",
    "collect",
    "control",
    "defer",
    "delay",
    "delegate",
    "dispatch",
    "exclusive",
    "execute",
    "failed",
    "foreseen",
    "generate_id",
    "handles",
    "io",
    "is_exclusive",
    "is_foreseen",
    "link",
    "look_up",
    "loop",
    "metrics",
    "move",
    "parse_pid",
    "placeholders",
    "post",
    "random_stream",
    "random_uuid",
    "random_uuid_bytes",
    "ready",
    "register_immutable",
    "remote",
    "route",
    "run",
    "select",
    "sleep",
    "spawn",
    "stopped",
    "subprocess",
    "tell",
    "terminate",
    "testing",
    "undiscardable",
    "wait",
]


def __dir__() -> list[str]:
    return __all__
