"""Offer constraints of a SUBSCRIBE as v1 JSON documents, written and read."""

# Who calls: decoding.py and encoding.py of this package.
# A predicate is the one field of an object, whose own fields differ: patterns are a ``regex``, texts a ``value``.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto (AttributeConstraint, OfferConstraints).

from collections.abc import Iterable

from ..constraints import AttributeConstraint, Predicate, PseudoAttribute, RoleConstraints
from ..fields import Fields
from .parts import Document

_VALUES = {
    Predicate.TEXT_EQUALS: "value",
    Predicate.TEXT_NOT_EQUALS: "value",
    Predicate.TEXT_MATCHES: "regex",
    Predicate.TEXT_NOT_MATCHES: "regex",
}


def encode_constraints(constraints: Iterable[RoleConstraints]) -> Document:
    """Return OfferConstraints."""
    roles = {}
    for each in constraints:
        groups = [{"attribute_constraints": [_encode(constraint) for constraint in group]} for group in each.groups]
        roles[each.role] = {"groups": groups}
    return {"role_constraints": roles}


def decode_constraints(subscribe: Fields) -> tuple[RoleConstraints, ...]:
    """Return the offer constraints of a Subscribe, none if they are unset. Raises: InvalidRequest."""
    roles = subscribe.message_or_empty("offer_constraints").message_or_empty("role_constraints")
    constraints = []
    for role in roles.names():
        groups = [group.messages("attribute_constraints") for group in roles.message(role).messages("groups")]
        constraints.append(RoleConstraints(role, tuple([tuple([_decode(each) for each in group]) for group in groups])))
    return tuple(constraints)


def _encode(constraint: AttributeConstraint) -> Document:
    field = _VALUES.get(constraint.predicate)
    selector: Document = {"attribute_name": constraint.selector}
    if isinstance(constraint.selector, PseudoAttribute):
        selector = {"pseudoattribute_type": constraint.selector.name}
    return {
        "selector": selector,
        "predicate": {constraint.predicate.lower(): {field: constraint.value} if field is not None else {}},
    }


def _decode(fields: Fields) -> AttributeConstraint:
    selector, predicate = fields.message("selector"), fields.message("predicate")
    name: str | PseudoAttribute
    if selector.has("pseudoattribute_type"):
        name = selector.enum("pseudoattribute_type", PseudoAttribute)
    else:
        name = selector.text("attribute_name")
    known = [kind for kind in Predicate if predicate.has(kind.lower())]
    if len(known) != 1:
        raise fields.invalid("predicate", f"names {len(known)} predicates that are known here, expected one")
    body = predicate.message(known[0].lower())
    return AttributeConstraint(name, known[0], body.text(_VALUES[known[0]]) if known[0] in _VALUES else "")
