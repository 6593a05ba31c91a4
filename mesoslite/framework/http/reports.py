"""Reports: what a stream tells its connection."""

# Who calls: stream.py and calls.py make them, in the thread; connection.py heeds them, inside the framework's actor.

import msgspec

from mesoslite.model import Event
from mesoslite.model.executor_events import ExecutorEvent


class Heard(msgspec.Struct, frozen=True):
    """Events of the dialect, in their order."""

    events: tuple[Event | ExecutorEvent, ...]


class Denied(msgspec.Struct, frozen=True):
    """A call was refused; the subscription stands."""

    reason: str


class Ended(msgspec.Struct, frozen=True):
    """The subscription is over, or did not come about; ``is_final``: another attempt would fare no better."""

    reason: str
    is_final: bool = False


Report = Heard | Denied | Ended
