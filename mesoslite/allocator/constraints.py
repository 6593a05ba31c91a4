"""Offer constraints, compiled once per subscription: which agents a client wants to be offered."""

# Who calls: books.py compiles them when a framework subscribes; cycle.py asks for each agent.
# Patterns come from strangers, so they are matched by RE2, whose time is linear in the text whatever the pattern;
#   Python's own engine can take for ever. Patterns and texts are bounded all the same.
# An attribute that is there but not a text fits every predicate about texts: a constraint that cannot be judged must
#   not keep offers away (as in Mesos).
# Source: Mesos src/common/offer_constraints_filter.cpp.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import re2

from mesoslite.model import AttributeConstraint, InvalidRequest, Predicate, PseudoAttribute, RoleConstraints

if TYPE_CHECKING:
    from .agents import AgentBook

Test: TypeAlias = "Callable[[AgentBook], bool]"

PATTERN_BYTES_MAX = 4_096
PATTERN_MEMORY_MAX = 1 << 20  # bytes RE2 may spend on one compiled pattern


class CompiledConstraints:
    """The constraints of one role. Raises, on construction: InvalidRequest for what can never be judged."""

    __slots__ = ("_groups", "source")

    def __init__(self, constraints: RoleConstraints) -> None:
        if not constraints.groups or not all(constraints.groups):
            raise InvalidRequest(
                f"offer constraints of role {constraints.role!r} have no group, or one without constraints; leave the "
                f"role out to be offered every agent"
            )
        self.source = constraints
        self._groups = tuple([tuple([(one, _test(one)) for one in group]) for group in constraints.groups])

    def accept(self, agent: AgentBook) -> bool:
        """Return whether all constraints of at least one group hold."""
        return any(all(test(agent) for _, test in group) for group in self._groups)

    def violated(self, agent: AgentBook) -> tuple[AttributeConstraint, ...]:
        """Return the first constraint of each group that does not hold; for explanations."""
        return tuple([next(one for one, test in group if not test(agent)) for group in self._groups])


def _test(constraint: AttributeConstraint) -> Test:
    find = _selector(constraint.selector)
    predicate = constraint.predicate
    if predicate is Predicate.EXISTS:
        return lambda agent: find(agent) is not None
    if predicate is Predicate.NOT_EXISTS:
        return lambda agent: find(agent) is None
    negated = predicate in (Predicate.TEXT_NOT_EQUALS, Predicate.TEXT_NOT_MATCHES)
    is_plain = predicate in (Predicate.TEXT_EQUALS, Predicate.TEXT_NOT_EQUALS)
    matches = _text(constraint.value) if is_plain else _pattern(constraint.value)

    def test(agent: AgentBook) -> bool:
        found = find(agent)
        if found is None:
            return negated
        return not isinstance(found, str) or bool(matches(found)) != negated

    return test


def _selector(selector: str | PseudoAttribute) -> Callable[[AgentBook], object]:
    """How to find the value of the attribute; None if the agent has none."""
    if selector is PseudoAttribute.HOSTNAME:
        return lambda agent: agent.hostname
    if selector is PseudoAttribute.REGION:
        return lambda agent: agent.region
    if selector is PseudoAttribute.ZONE:
        return lambda agent: agent.zone
    return lambda agent: next((one.value for one in agent.attributes if one.name == selector), None)


def _text(wanted: str) -> Callable[[str], object]:
    return lambda found: found == wanted


def _pattern(text: str) -> Callable[[str], object]:
    problem = pattern_problem(text)
    if problem is not None:
        raise InvalidRequest(f"offer constraint: a pattern that {problem}")
    match: Callable[[str], object] = _compiled(text).fullmatch
    return match


def pattern_problem(text: str) -> str | None:
    """What is wrong with a pattern, to follow "a pattern that"; None if nothing is."""
    if len(text.encode()) > PATTERN_BYTES_MAX:
        return f"is longer than {PATTERN_BYTES_MAX} bytes; shorten it"
    try:
        _compiled(text)
    except re2.error as error:
        return f"RE2 does not take, {text[:80]!r} ({_reason(error)}); correct it"
    return None


def _compiled(text: str) -> Any:
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_MAX
    options.log_errors = False
    return re2.compile(text, options)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
