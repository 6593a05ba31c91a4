"""Waiting for one another: queues, locks, gates and turns, whose waits are futures."""

# Who calls: users, from threads, actors and asyncio at once; all names are exported by libactor too.
# What they share is in waiters.py: one lock for their short sections, and how one who waits leaves.
# They cross from actor to actor by reference, each class by register_immutable: they are made to be shared. Inside one
#   process only, as debug mode says.
# Source: libprocess mutex.hpp, rwlock.hpp, queue.hpp, latch.hpp, count_down_latch.hpp, sequence.hpp, limiter.hpp,
#   state_machine.hpp. It has no semaphore.

from libactor.sync.count_down_latch import CountDownLatch
from libactor.sync.latch import Latch
from libactor.sync.mutex import Mutex
from libactor.sync.queue import Queue
from libactor.sync.rate_limiter import RateLimiter
from libactor.sync.read_write_lock import ReadWriteLock
from libactor.sync.semaphore import Semaphore
from libactor.sync.sequence import Sequence
from libactor.sync.state_machine import StateMachine

__all__ = [
    "CountDownLatch",
    "Latch",
    "Mutex",
    "Queue",
    "RateLimiter",
    "ReadWriteLock",
    "Semaphore",
    "Sequence",
    "StateMachine",
]
