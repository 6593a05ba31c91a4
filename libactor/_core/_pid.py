"""PID: the address of one actor, as light as a string and as safe to share."""

# Who calls: spawn makes one (_runtime.py); everything that sends takes one. Nothing can be assigned. The one exception
#   is the runtime's: when a supervisor starts an actor anew, its PID leads to that one from then on (_spawn_as): who
#   holds it reaches the newest incarnation, at no cost, and each old one knows it: there is no chain of them.
# Rejected: a successor in each mailbox, and PIDs that follow it. Chains to shorten, and a look at each call.
# Twin: csrc/pid.c; both pass tests/runtime/test_pid.py. Source: libprocess pid.hpp.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from libactor._core._mailbox import Mailbox

A_co = TypeVar("A_co", covariant=True)


class PID(Generic[A_co]):
    """``id@address`` of an actor of class ``A_co``; stays valid, and equal, after the actor has stopped.

    A PID of a subclass serves wherever one of its base is expected.
    """

    __slots__ = ("__weakref__", "_process", "address", "id")

    id: str
    address: str
    _process: Any  # the direct way to the mailbox, the newest if there are several; a stopped one is closed

    def __init__(self, id: str, address: str, process: Mailbox) -> None:
        if getattr(process, "runtime", None) is None:
            raise TypeError(f"PID: got {process!r}, expected the process of an actor")
        for name, value in (("id", id), ("address", address), ("_process", process)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self}: a PID cannot be changed; {name!r} was to be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self}: a PID cannot be changed; {name!r} was to be deleted")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PID) and self.id == other.id and self.address == other.address

    def __hash__(self) -> int:
        return hash((self.id, self.address))

    def __copy__(self) -> PID[A_co]:
        """Itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: Any, /) -> PID[A_co]:
        """Itself: it cannot change."""
        return self

    def __str__(self) -> str:
        return f"{self.id}@{self.address}"

    def __repr__(self) -> str:
        return f"<PID {self}>"


def receiver(pid: object, operation: str) -> Mailbox:
    """The mailbox that ``pid`` leads to; raises TypeError naming ``operation``."""
    if not isinstance(pid, PID):
        raise TypeError(f"{operation}: got {pid!r}, expected a PID, as spawn returns it")
    return cast("Mailbox", pid._process)


def hand_on(mailbox: Mailbox, event: Any, send: Callable[[Mailbox, Any], None]) -> None:
    """Deal with an event that has come for an actor that has stopped: a call or message goes on, by ``send``, to the
    newest incarnation, where its PID leads. What is of the actor's own life is for no other, and dropped."""
    was_sent = hasattr(event, "refuse") and event.kind != "served"
    newest: Mailbox = mailbox.pid._process if was_sent and hasattr(mailbox, "pid") else mailbox
    if newest is mailbox:
        event.drop(mailbox)
        return
    if event.kind in ("dispatch", "execute"):
        event.future._target = newest
    send(newest, event)
