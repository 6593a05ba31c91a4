"""Offer constraints: which agents a framework wants to be offered at all, by their attributes."""

# Who calls: frameworks send them when they subscribe; the allocator asks before each offer (allocator/constraints.py).
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto (AttributeConstraint, OfferConstraints).

from enum import Enum, StrEnum

import msgspec


class PseudoAttribute(Enum):
    """A property that every agent has beside its attributes, and that a constraint may ask for; Mesos's numbers.

    Numbers, so that what is decoded can be told from the name of an attribute.
    """

    HOSTNAME = 1
    REGION = 2
    ZONE = 3


class Predicate(StrEnum):
    """What is asked of an attribute; patterns are RE2's and must match the whole text."""

    EXISTS = "EXISTS"
    NOT_EXISTS = "NOT_EXISTS"
    TEXT_EQUALS = "TEXT_EQUALS"
    TEXT_NOT_EQUALS = "TEXT_NOT_EQUALS"
    TEXT_MATCHES = "TEXT_MATCHES"
    TEXT_NOT_MATCHES = "TEXT_NOT_MATCHES"


class AttributeConstraint(msgspec.Struct, frozen=True, gc=False):
    """One condition; ``selector`` is the name of an attribute, of which the first with that name counts.

    ``value`` is the text or the pattern that the predicate compares with; "" where it takes none.
    """

    selector: str | PseudoAttribute
    predicate: Predicate
    value: str = ""

    @property
    def selector_name(self) -> str:
        """What is compared, by its name."""
        return self.selector.name if isinstance(self.selector, PseudoAttribute) else self.selector


class RoleConstraints(msgspec.Struct, frozen=True, gc=False):
    """For one role: an agent fits if all constraints of at least one group hold."""

    role: str
    groups: tuple[tuple[AttributeConstraint, ...], ...]
