"""Validation of quotas and weights: what a role may be guaranteed, limited to, and weigh."""

# Who calls: the master, before it stores what an operator asks for; the allocator, with each delta.
# Source: Mesos src/master/quota.cpp (validate), src/master/weights.cpp, src/master/weights_handler.cpp.

from .constants import WEIGHT_LEAST, WEIGHT_MOST
from .deltas import QuotaChanged
from .errors import InvalidRequest
from .registry import QuotaConfig
from .resource_text import MEGABYTES_MAX, MILLI, QUANTITY_MAX
from .roles import DEFAULT_ROLE, validate_role


def checked_quota(delta: QuotaChanged | QuotaConfig) -> tuple[dict[str, int], dict[str, int]]:
    """Return guarantees above zero and limits by name. Raises: InvalidRequest, for what no quota can be."""
    role: object = delta.role
    if not isinstance(role, str):
        raise InvalidRequest(f"quota: got {role!r} as role, expected a text, such as 'web'")
    if role and role != DEFAULT_ROLE:
        validate_role(role)
    if role == DEFAULT_ROLE or "/" in role or not role:
        raise InvalidRequest(
            f"quota: role {delta.role!r} cannot have one; only top-level roles other than {DEFAULT_ROLE!r} can"
        )
    guarantees, limits = _checked(delta.role, delta.guarantees), _checked(delta.role, delta.limits)
    for name, guarantee in guarantees.items():
        if guarantee > limits.get(name, guarantee):
            raise InvalidRequest(
                f"quota: role {delta.role!r} is guaranteed {guarantee} thousandths of {name} but limited to "
                f"{limits[name]}; raise the limit or lower the guarantee"
            )
    return {name: milli for name, milli in guarantees.items() if milli}, limits


def _checked(role: str, quantities: object) -> dict[str, int]:
    if not isinstance(quantities, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in quantities):
        raise InvalidRequest(
            f"quota: role {role!r} got {quantities!r}, expected pairs of a name and whole thousandths, as "
            f"(('cpus', 4_000), ('mem', 64_000)) for 4 cpus and 64 MiB; Resources.of(cpus=4, mem=64)"
            f".quantities is just that"
        )
    for name, milli in quantities:
        most = (MEGABYTES_MAX if name in ("mem", "disk") else QUANTITY_MAX) * MILLI
        is_whole = isinstance(milli, int) and not isinstance(milli, bool)
        if not isinstance(name, str) or not name or not is_whole or not 0 <= milli <= most:
            raise InvalidRequest(
                f"quota: role {role!r} cannot have {milli!r} thousandths of {name!r}; give a name and an amount from 0 "
                f"to {most}, a whole number; 4_000 is 4"
            )
    if len(dict(quantities)) < len(quantities):
        raise InvalidRequest(f"quota: role {role!r} names a resource twice; name each once")
    return dict(quantities)


def weight_problem(weight: object) -> str | None:
    """What was expected of a weight instead; None: it is right."""
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not WEIGHT_LEAST <= weight <= WEIGHT_MOST:
        return f"a weight, a number from {WEIGHT_LEAST:g} to {WEIGHT_MOST:g}"
    return None
