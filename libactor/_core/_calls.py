"""How a call or message gets into an actor's mailbox: dispatch, tell, execute, post."""

# Who calls: users, by the names and types that libactor/messages.py gives them. What is passed is taken by value at the
#   call: whatever the caller does to its objects afterwards, the actor does not see it.
# Methods are named by the function of the class and looked up by name on the actor when it comes to serve the call, so
#   a subclass's method is called.
# Twin: csrc/calls.c. Source: libprocess dispatch.hpp.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libactor._core._events import Call, Event, Message, Tell
from libactor._core._mailbox import Mailbox, running
from libactor._core._pid import PID, receiver
from libactor._core._policy import policy


def dispatch(pid: Any, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call ``method`` of the actor at ``pid`` and return the future of its result.

    ``method`` is the function of the class (``Counter.add``), not bound to an object. Arguments and result are passed
    by value; wrap one in ``move`` to hand it over. The method's exception fails the future and the actor lives on; if
    the actor stops before it comes to the call the future is abandoned.

    Raises: TypeError for what is not a PID, or not a method of the actor's class; NotPassable for an argument.
    """
    mailbox = receiver(pid, "dispatch")
    name = policy.method_name(mailbox.kind, method, "dispatch")
    arguments, keywords = _pass(args, kwargs, name)
    return _ask(mailbox, "dispatch", name, arguments, keywords)


def tell(pid: Any, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """As dispatch without a future: nobody waits, so an exception of the method stops the actor."""
    mailbox = receiver(pid, "tell")
    mailbox._send(_tell(mailbox, method, "tell", args, kwargs), True)


def prepare(operation: str, pid: Any, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Event:
    """The event of a tell, to be delivered later; ``operation`` names who asks in an error."""
    return _tell(receiver(pid, operation), method, operation, args, kwargs)


def execute(pid: Any, function: Callable[[], Any], /) -> Any:
    """Run a callable inside the actor at ``pid``, as if it were a handler; the future of its result."""
    if not callable(function):
        raise TypeError(f"execute: got {function!r}, expected a callable without arguments")
    return _ask(receiver(pid, "execute"), "execute", function, (), {})


def post(pid: Any, message: object, /, sender: Any = None) -> None:
    """Send a typed message to the ``@handles`` method for its class.

    ``sender`` is what the handler sees; left out, it is the actor that posts, or None outside of actors. A message
    nobody handles is counted in the runtime's dead letters.
    Raises: NotPassable if it cannot cross; TypeError for what is not a PID.
    """
    mailbox = receiver(pid, "post")
    process = running()
    if sender is not None and not isinstance(sender, PID):
        raise TypeError(f"post: got the sender {sender!r}, expected a PID, or None")
    if sender is None and process is not None:
        sender = process.pid
    mailbox._send(Message("message", policy.copier.by_value(message, "message"), sender), True)


def _tell(mailbox: Mailbox, method: Any, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Event:
    name = policy.method_name(mailbox.kind, method, operation)
    return Tell("tell", name, None, *_pass(args, kwargs, name))


def _pass(args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not kwargs:
        return policy.copier.all_by_value(args, name), kwargs
    passed = policy.copier.all_by_value((*args, *kwargs.values()), name, tuple(kwargs))
    return passed[: len(args)], dict(zip(kwargs, passed[len(args) :], strict=True))


def _ask(
    mailbox: Mailbox,
    kind: str,
    what: Any,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    patient: bool = True,
) -> Any:
    future = policy.future_type()
    future._target = mailbox
    mailbox._send(Call(kind, what, future, arguments, keywords), patient)
    return future
