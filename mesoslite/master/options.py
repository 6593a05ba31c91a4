"""Options of a master, and what holds where nobody says otherwise."""

# Who calls: composition roots make one; the collaborators of master.py read it.
# Source: Mesos src/master/flags.cpp.

from __future__ import annotations

import msgspec

from mesoslite.model import ALL_ALLOWED, DEFAULT_ROLE, Acls, FaultDomain, InvalidRequest, constants, validate_role


class MasterOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a master is to behave; names and defaults are those of Mesos's flags.

    ``roles`` are those that it serves beside ``*``, None for any. ``root_submissions``: tasks may run as root.
    ``authenticated_frameworks``: what a framework says as its ``principal`` was proved. ``acls`` say what that may do.
    ``offer_timeout`` is the seconds after which an offer that nobody answered is rescinded, None for never. The
    ``max_`` ones say how much is kept of what is over; 0 keeps nothing. ``publish_per_framework_metrics``: 60 of each.
    ``heartbeat_interval`` is the seconds between two HEARTBEATs on a stream of events, which Mesos has as a constant.
    ``domain`` is where it is, None if nobody says so; ``require_agent_domain`` keeps agents out that say nothing of it.
    Raises: InvalidRequest, on construction.
    """

    roles: frozenset[str] | None = None
    root_submissions: bool = True
    authenticated_frameworks: bool = False
    acls: Acls = ALL_ALLOWED
    offer_timeout: float | None = None
    max_completed_frameworks: int = constants.COMPLETED_FRAMEWORKS_MAX
    max_completed_tasks_per_framework: int = constants.COMPLETED_TASKS_MAX
    max_unreachable_tasks_per_framework: int = constants.UNREACHABLE_TASKS_MAX
    publish_per_framework_metrics: bool = True
    heartbeat_interval: float = constants.HEARTBEAT_INTERVAL_SECONDS
    domain: FaultDomain | None = None
    require_agent_domain: bool = False

    def __post_init__(self) -> None:
        wanted = f"seconds, more than 0 and {constants.SECONDS_MAX} at most"
        if self.offer_timeout is not None and not 0 < self.offer_timeout <= constants.SECONDS_MAX:
            raise InvalidRequest(f"offer_timeout: got {self.offer_timeout!r}, expected {wanted}, or none")
        if not 0 < self.heartbeat_interval <= constants.SECONDS_MAX:
            raise InvalidRequest(f"heartbeat_interval: got {self.heartbeat_interval!r}, expected {wanted}")
        if self.require_agent_domain and self.domain is None:
            raise InvalidRequest("require_agent_domain: no agent could join a master without a domain; give it one")
        for role in self.roles or ():
            validate_role(role)
        for name in ("completed_frameworks", "completed_tasks_per_framework", "unreachable_tasks_per_framework"):
            bound = getattr(self, f"max_{name}")
            if not isinstance(bound, int) or bound < 0:
                raise InvalidRequest(f"max_{name}: got {bound!r}, expected a whole number, zero or more")

    @property
    def served_roles(self) -> frozenset[str] | None:
        """The roles that are served, None for any."""
        return None if self.roles is None else self.roles | {DEFAULT_ROLE}


DEFAULTS = MasterOptions()


def no_pattern(pattern: str) -> str:
    """What is wrong with every pattern, where nothing can judge by any."""
    return "cannot be judged by this master, which has no engine for patterns"
