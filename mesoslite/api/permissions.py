"""Permissions: what a request demands by its path, or by the call in it, of who sends it; acls say what is allowed."""

# Who calls: routes.py for each path, operator_calls.py for each call, and whoever has the master do something.
# What shows frameworks, tasks, executors or roles demands nothing, and leaves out what somebody may not see (sight.py);
#   but for the registry, which is a whole.
# Invariant: a page that is named nowhere here demands `get_endpoints` of its path.
# Source: Mesos src/master/http.cpp, src/slave/http.cpp, src/common/http.hpp (AUTHORIZABLE_ENDPOINTS).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesoslite.model import MasterPort, demands_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import Demand


def _all_of(*actions: str) -> tuple[Demand, ...]:
    return tuple([(action, None) for action in actions])


LEAVES_OUT: tuple[Demand, ...] = ()  # what somebody may not see
JUDGED: tuple[Demand, ...] = ()  # by whose file it is (file_judges.py)
SEE_ALL = _all_of("view_frameworks", "view_tasks", "view_executors", "view_roles")
UNASKED = frozenset(
    {"/api/v1", "/api/v1/executor", "/api/v1/scheduler", "/health", "/redirect", "/version"}
)  # by the path: calls are asked about by what they are
PAGES: Mapping[str, tuple[Demand, ...]] = {
    "/containers": LEAVES_OUT,
    "/files/browse": JUDGED,
    "/files/download": JUDGED,
    "/files/read": JUDGED,
    "/flags": _all_of("view_flags"),
    "/frameworks": LEAVES_OUT,
    "/hierarchical-allocator(1)/offer_constraints_debug": LEAVES_OUT,
    "/maintenance/schedule": _all_of("get_maintenance_schedules"),
    "/maintenance/status": _all_of("get_maintenance_statuses"),
    "/mesoslite/allocator/explain": LEAVES_OUT,
    "/mesoslite/why": LEAVES_OUT,
    "/quota": LEAVES_OUT,
    "/registrar(1)/registry": (*SEE_ALL, *_all_of("get_quotas", "get_maintenance_schedules")),
    "/roles": LEAVES_OUT,
    "/slaves": LEAVES_OUT,
    "/state": LEAVES_OUT,
    "/state-summary": LEAVES_OUT,
    "/tasks": LEAVES_OUT,
    "/weights": LEAVES_OUT,
}
"""By path, what it demands to be read."""

CALLS: Mapping[str, tuple[Demand, ...]] = {
    "GET_AGENT": LEAVES_OUT,
    "GET_AGENTS": LEAVES_OUT,
    "GET_CONTAINERS": LEAVES_OUT,
    "GET_EXECUTORS": LEAVES_OUT,
    "GET_FLAGS": _all_of("view_flags"),
    "GET_FRAMEWORKS": LEAVES_OUT,
    "GET_MAINTENANCE_SCHEDULE": _all_of("get_maintenance_schedules"),
    "GET_MAINTENANCE_STATUS": _all_of("get_maintenance_statuses"),
    "GET_OPERATIONS": LEAVES_OUT,
    "GET_QUOTA": LEAVES_OUT,
    "GET_RESOURCE_PROVIDERS": _all_of("view_resource_providers"),
    "GET_ROLES": LEAVES_OUT,
    "GET_STATE": LEAVES_OUT,
    "GET_TASKS": LEAVES_OUT,
    "GET_WEIGHTS": LEAVES_OUT,
    "LIST_FILES": JUDGED,
    "MARK_RESOURCE_PROVIDER_GONE": _all_of("mark_resource_providers_gone"),
    "PRUNE_IMAGES": _all_of("prune_images"),
    "READ_FILE": JUDGED,
    "REMOVE_RESOURCE_PROVIDER_CONFIG": _all_of("modify_resource_provider_configs"),
    "SET_LOGGING_LEVEL": _all_of("set_log_level"),
    "SUBSCRIBE": LEAVES_OUT,
    "UPDATE_RESOURCE_PROVIDER_CONFIG": _all_of("modify_resource_provider_configs"),
}
"""By call of the operator API that asks, what it demands; those that change something are in CHANGES."""


EXECUTORS_CALLS = frozenset(
    {
        "ATTACH_CONTAINER_OUTPUT",
        "KILL_CONTAINER",
        "LAUNCH_CONTAINER",
        "LAUNCH_NESTED_CONTAINER_SESSION",
        "REMOVE_CONTAINER",
        "WAIT_CONTAINER",
    }
)
"""Calls by which executors act on what is in their containers, by the newer of their names."""

_LAUNCHES = {
    "LAUNCH_CONTAINER": "launch_nested_containers",
    "LAUNCH_NESTED_CONTAINER_SESSION": "launch_nested_container_sessions",
}
_BELOW = {
    "ATTACH_CONTAINER_INPUT": "attach_containers_input",
    "ATTACH_CONTAINER_OUTPUT": "attach_containers_output",
    "KILL_CONTAINER": "kill_nested_containers",
    "REMOVE_CONTAINER": "remove_nested_containers",
    "WAIT_CONTAINER": "wait_nested_containers",
}
_STANDALONE = {
    "KILL_CONTAINER": "kill_standalone_containers",
    "LAUNCH_CONTAINER": "launch_standalone_containers",
    "REMOVE_CONTAINER": "remove_standalone_containers",
    "WAIT_CONTAINER": "wait_standalone_containers",
}


def container_demands(kind: str, owner: str | None, user: str | None, *, is_standalone: bool) -> Sequence[Demand]:
    """What a call about a container demands, or about one in it, whose user is ``owner``.

    ``user`` is whom its command names. ``is_standalone``: it is about a standalone container, and about none in it.
    """
    if is_standalone and kind in _STANDALONE:
        return [(_STANDALONE[kind], user if kind == "LAUNCH_CONTAINER" else owner)]
    launch = _LAUNCHES.get(kind)
    if launch is None:
        return [(_BELOW[kind], owner)]
    return [(f"{launch}_as_user", user), (f"{launch}_under_parent_with_user", owner)]


def page_demands(path: str, method: str, query: Mapping[str, str]) -> Sequence[Demand]:
    """What a request for a page demands; what is changed by one is asked about by whoever does that."""
    if path == "/logging/toggle":
        return [("get_endpoints", path), *(_all_of("set_log_level") if "level" in query else ())]
    if path in UNASKED or method not in ("GET", "HEAD"):
        return ()
    return PAGES.get(path, (("get_endpoints", path),))


def call_demands(kind: str) -> Sequence[Demand]:
    """What a call of the operator API demands; of one that changes something, ``asking.act`` knows."""
    return CALLS.get(kind, ())


def _of_quotas(quotas: Sequence[Any], *rest: Any) -> Sequence[Demand]:
    return [("update_quotas", quota.role) for quota in quotas]


CHANGES: Mapping[Callable[..., Any], Callable[..., Sequence[Demand]]] = {
    MasterPort.apply_operation: lambda agent_id, operation, *rest: list(demands_of(operation)),
    MasterPort.deactivate_agent: lambda *arguments: _all_of("deactivate_agents"),
    MasterPort.drain_agent: lambda *arguments: _all_of("drain_agents"),
    MasterPort.mark_agent_gone: lambda *arguments: _all_of("mark_agents_gone"),
    MasterPort.reactivate_agent: lambda *arguments: _all_of("reactivate_agents"),
    MasterPort.remove_quota: lambda role: [("update_quotas", role)],
    MasterPort.set_quota: lambda quota, *rest: [("update_quotas", quota.role)],
    MasterPort.start_maintenance: lambda *arguments: _all_of("start_maintenances"),
    MasterPort.stop_maintenance: lambda *arguments: _all_of("stop_maintenances"),
    MasterPort.update_quota: _of_quotas,
    MasterPort.update_schedule: lambda *arguments: _all_of("update_maintenance_schedules"),
    MasterPort.update_weights: lambda weights: [("update_weights", weight.role) for weight in weights],
}
"""By method of the master, what it demands of who has it called with such arguments."""
