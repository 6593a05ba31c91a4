"""PID: the address of one actor, as light as a string and as safe to share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from libactor._core._impl import configure
from libactor._core.values import register_immutable

if TYPE_CHECKING:
    from libactor.process import Process

A_co = TypeVar("A_co", covariant=True)


class PID(Generic[A_co]):
    """``id@address`` of an actor of class ``A_co``; stays valid, and equal, after the actor has stopped.

    A PID of a subclass serves wherever one of its base is expected. Source: libprocess pid.hpp.
    """

    __slots__ = ("__weakref__", "_process", "address", "id")

    id: str
    address: str

    def __init__(self, id: str, address: str, process: Process) -> None:
        self.id = id
        self.address = address
        self._process = process  # the direct way to the mailbox; a stopped process is only its closed mailbox

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PID) and self.id == other.id and self.address == other.address

    def __hash__(self) -> int:
        return hash((self.id, self.address))

    def __str__(self) -> str:
        return f"{self.id}@{self.address}"

    def __repr__(self) -> str:
        return f"<PID {self}>"


register_immutable(PID)
configure(pid_type=PID)
