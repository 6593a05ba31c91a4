"""Framework records: frameworks as readers see them (records.Framework), made from what a master knows of each."""

# Who calls: the master. Its tasks, executors and offers are records of their own.
# Source: Mesos include/mesos/v1/master/master.proto (Response.GetFrameworks.Framework), src/master/http.cpp.

from collections.abc import Iterable

from .agent_records import nanoseconds
from .constraints import RoleConstraints
from .frameworks import MULTI_ROLE, FrameworkInfo
from .records import Framework
from .resource_records import packed_resources
from .resources import Resources
from .v1.constraints import encode_constraints
from .v1.encoding import encode_offer_filters


def packed_framework(
    info: FrameworkInfo,
    *,
    connected: bool,
    recovered: bool,
    registered_time: float,
    reregistered_time: float | None,
    unregistered_time: float | None,
    used: Resources,
    offered: Resources,
    constraints: Iterable[RoleConstraints],
) -> Framework:
    """Return a framework as it is kept; times in seconds since the epoch.

    ``role`` is set for one without the capability of several roles, whose list is left empty.
    """
    assert info.id is not None
    constraints = tuple(constraints)
    is_single = MULTI_ROLE not in info.capabilities and len(info.roles) == 1
    return Framework(
        id=info.id,
        name=info.name,
        user=info.user,
        registered_time=nanoseconds(registered_time),
        role=info.roles[0] if is_single else None,
        roles=() if is_single else info.roles,
        hostname=info.hostname,
        webui_url=info.webui_url,
        principal=info.principal or None,
        failover_timeout=info.failover_timeout,
        checkpoint=info.checkpoint,
        active=connected,
        connected=connected,
        recovered=recovered,
        reregistered_time=nanoseconds(reregistered_time) if reregistered_time is not None else None,
        unregistered_time=nanoseconds(unregistered_time) if unregistered_time is not None else None,
        capabilities=info.capabilities,
        labels=info.labels,
        resources=packed_resources(used + offered),
        used=packed_resources(used),
        offered=packed_resources(offered),
        offer_constraints=encode_constraints(constraints) if constraints else None,
        offer_filters=encode_offer_filters(info) if info.min_allocatable else None,
    )
