"""Role fields: in which of its two fields a framework has said its roles, and whether that is the right one."""

# Who calls: decoding.py of this package reads the roles; api/ asks whether they were said rightly.
# Reading is apart from judging, because a SUBSCRIBE whose roles are in the wrong field is answered by an ERROR in its
#   stream, and only once all else of the request has been looked at.
# Source: Mesos src/master/validation.cpp (framework::internal::validateRoles).

from ..fields import Fields
from ..frameworks import MULTI_ROLE
from ..roles import DEFAULT_ROLE

_CALLS = ("subscribe", "update_framework")


def decode_framework_roles(fields: Fields, capabilities: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles in the field that goes with the capabilities of a FrameworkInfo."""
    if MULTI_ROLE in capabilities:
        return fields.texts("roles")
    return (fields.text("role", DEFAULT_ROLE),)


def decode_capabilities(fields: Fields) -> tuple[str, ...]:
    """Return the capabilities of a FrameworkInfo."""
    return tuple([entry.text("type", "UNKNOWN") for entry in fields.messages("capabilities")])


def role_problem(document: object) -> str | None:
    """What is wrong with the field that a call, which ``decode_call`` takes, names roles in; None, if nothing is."""
    fields = Fields(document)
    for name in _CALLS:
        if fields.has(name) and fields.text("type") == name.upper():
            return _problem(fields.message(name).message("framework_info"))
    return None


def _problem(info: Fields) -> str | None:
    if MULTI_ROLE in decode_capabilities(info):
        if info.has("role"):
            return f"{info.where('role')}: is set by a framework with the capability MULTI_ROLE; set roles instead"
    elif info.texts("roles"):
        return f"{info.where('roles')}: is set by a framework without the capability MULTI_ROLE; set role"
    return None
