"""Reports: what a stream tells its connection."""

# Who calls: stream.py and calls.py make them, in the thread; connection.py heeds them, inside the framework's actor.

import msgspec

from mesoslite.model import Event


class Heard(msgspec.Struct, frozen=True):
    """Events, in their order; an Error is the last that there will be."""

    events: tuple[Event, ...]


class Denied(msgspec.Struct, frozen=True):
    """The master has refused a call; the subscription stands."""

    reason: str


class Ended(msgspec.Struct, frozen=True):
    """The subscription is over, or did not come about; ``is_final``: another attempt would fare no better."""

    reason: str
    is_final: bool = False


Report = Heard | Denied | Ended
