"""Conditions: how well a simulated connection works, and what that means for one frame."""

# Who calls: tests set them (network.py); a connection asks for the fate of each frame, drawn from the stream of its
#   direction.
# Invariant: a frame takes the same number of draws whatever comes of them, so that a fault taken off a tape does not
#   turn into another one for the frames behind it. What only copies need is drawn from a stream of their own.

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast

from libactor._core.clock import NANOSECONDS

if TYPE_CHECKING:
    from libactor.testing.streams import Stream

Span = tuple[float, float]  # seconds, from the tame one

SECONDS_MAX = 1e6  # in a span: a choice has to tell its nanoseconds apart


@dataclass(frozen=True, slots=True)
class Conditions:
    """What happens to what is sent from one host to another; probabilities, and spans of seconds to draw from.

    ``delay``: on its way, without changing the order of a connection; with the probability ``tail`` that is
    ``tail_delay``.    ``loss``: it does not arrive.    ``duplicate``: it arrives twice.
    ``reset``: the connection breaks in its place.    ``straggle``: of what is under way in a connection that breaks,
    that it arrives all the same: later, and perhaps behind what a new connection brings.
    ``notice``: until a host notices that the other has gone silent.
    """

    delay: Span = (0.0005, 0.002)
    tail: float = 0.0
    tail_delay: Span = (0.01, 0.5)
    loss: float = 0.0
    duplicate: float = 0.0
    reset: float = 0.0
    straggle: float = 0.0
    notice: Span = (5.0, 15.0)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            check = _is_span if field.name in ("delay", "tail_delay", "notice") else _is_probability
            if not check(value):
                wanted = "a probability, 0 to 1" if check is _is_probability else "two times in order, in seconds"
                raise ValueError(f"Conditions: got {field.name}={value!r}, expected {wanted}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one frame."""

    delay_ns: int
    lost: bool
    resets: bool
    doubled: bool


def draw_fate(conditions: Conditions, stream: Stream) -> Fate:
    """What becomes of the next frame of the direction that ``stream`` belongs to."""
    lost = stream.chance(conditions.loss)
    resets = stream.chance(conditions.reset)
    doubled = stream.chance(conditions.duplicate)
    late = stream.chance(conditions.tail)
    return Fate(draw_span(conditions.tail_delay if late else conditions.delay, stream), lost, resets, doubled)


def draw_span(span: Span, stream: Stream) -> int:
    """Nanoseconds; the shorter, the tamer."""
    return stream.between(round(span[0] * NANOSECONDS), round(span[1] * NANOSECONDS))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_probability(value: object) -> bool:
    return _is_number(value) and 0.0 <= cast(float, value) <= 1.0


def _is_span(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 2 or not all(map(_is_number, value)):
        return False
    return bool(0.0 <= value[0] <= value[1] <= SECONDS_MAX)
