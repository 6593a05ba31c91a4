"""What the core asks of the layers above it: they say so once, when they are imported."""

# Who calls: the modules of libactor name by configure() what is theirs; the core looks it up when it needs it.
# Twin: the policies of csrc/module.c, by the same names.

from __future__ import annotations

from typing import Any


class Policy:
    """One field for each name that configure() takes."""

    __slots__ = (
        "bound_of", "copier", "copy_value", "current_runtime", "defer_slowly", "discarded_error", "explain_escaped",
        "future_type", "get_slowly", "is_exclusive", "may_block", "method_name", "moved_error", "opened", "owned_type",
        "pass_answer", "process_type", "refuse_awaited", "refuse_id", "running_loop", "terminate_event",
    )  # fmt: skip

    # future_type: the class of the futures that the core makes, FutureCell or a subclass of it.
    # process_type: the class of the processes that spawn makes, a subclass of Mailbox.
    # opened: the context variable with the runtimes that are open here, a tuple, innermost last.
    # terminate_event: what ends an actor after all that waits.
    # copier: the ValueCopier that calls, messages and results go through.

    def __init__(self) -> None:
        self.future_type: Any = None
        self.process_type: Any = None
        self.opened: Any = None
        self.terminate_event: Any = None
        self.current_runtime: Any = None  # (operation) -> the runtime that is current, or NoRuntime
        self.refuse_id: Any = None  # (id) -> the error for an id that will not do
        self.bound_of: Any = None  # (Bounded, or None) -> (capacity, overflow), capacity 0 for None; or TypeError
        self.may_block: Any = None  # (process) -> whether the calling thread, in no handler, may wait for room there
        self.copier: Any = None
        self.method_name: Any = None  # (kind, method, operation) -> the name to call it by, or TypeError
        self.defer_slowly: Any = None  # as defer, for whatever may be deferred
        self.moved_error: Any = None  # the exception for the second call of what was deferred once
        self.discarded_error: Any = None  # what discards the answer of a coroutine that lets it escape
        self.is_exclusive: Any = None  # (class of actors, method's name or callable) -> whether it was marked so
        self.refuse_awaited: Any = None  # (process, what awaits, what is awaited) -> the error for what cannot be
        self.explain_escaped: Any = None  # (error that escapes a coroutine): notes on it what may help
        self.owned_type: Any = None  # libactor.Owned, which move() takes the object out of
        self.running_loop: Any = None  # () -> the event loop that runs in this thread, or None
        self.get_slowly: Any = None  # (future, timeout, what is left of it): wait until it is ready; else raise why not
        self.copy_value: Any = None  # (value) -> a copy for one more reader of a future
        self.pass_answer: Any = None  # (value) -> the value as it leaves an actor, and whether each reader gets a copy


policy = Policy()


def configure(**entries: Any) -> None:
    """Name what the core asks Python for. Raises: TypeError for a name that is no field of Policy."""
    for name, value in entries.items():
        if name not in Policy.__slots__:
            raise TypeError(f"configure() got the unknown name {name!r}")
        setattr(policy, name, value)
