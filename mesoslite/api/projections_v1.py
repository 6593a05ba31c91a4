"""Projections of v1: tasks, executors, agents, frameworks and operations, as GET_STATE and the like show them."""

# Who calls: v1/state.py, and what makes events of the operator API.
# As Mesos makes JSON of its messages: what is unset or empty is left out, but for fields with a default of their own.
# Source: Mesos include/mesos/v1/mesos.proto, include/mesos/v1/master/master.proto.

from libactor.records.projection import (
    Base64,
    Choice,
    Const,
    Each,
    Field,
    Float,
    IfFilled,
    IfThere,
    Key,
    Member,
    Nest,
    Object,
    Pairs,
    Projection,
    Value,
)
from mesoslite.model.record_types import AGENT, EXECUTOR, FRAMEWORK, OFFER, OPERATION, TASK

from .projections_v0 import AMOUNT, DOMAIN, DRAIN_INFO, LABELS_MESSAGE, RESOURCE


def _id(name: str) -> Member:
    return Key(name, Object(Key("value", Field(name))))


def _if_id(name: str) -> Member:
    return IfFilled(name, _id(name))


def _if_there_id(name: str) -> Member:
    return IfThere(name, _id(name))


def _if_there(*names: str) -> tuple[Member, ...]:
    return tuple(IfThere(name, Key(name, Field(name))) for name in names)


def _time(name: str) -> Member:
    return Key(name, Object(Key("nanoseconds", Field(name))))


def _if_time(name: str) -> Member:
    return IfThere(name, _time(name))


def _if_choice(name: str) -> Member:
    return IfThere(name, Key(name, Choice(name)))


def _if_bytes(name: str) -> Member:
    return IfThere(name, Key(name, Base64(name)))


def _if_resources(name: str, shown: str) -> Member:
    return IfFilled(name, Key(shown, Each(name, RESOURCE)))


STATUS = Object(
    _id("task_id"),
    Key("state", Choice("state")),
    *_if_there("message"),
    _if_choice("source"),
    _if_choice("reason"),
    _if_bytes("data"),
    _if_id("agent_id"),
    _if_id("executor_id"),
    Key("timestamp", Float("timestamp")),
    _if_bytes("uuid"),
    *_if_there("healthy", "check_status"),
    LABELS_MESSAGE,
    *_if_there("container_status"),
    _if_time("unreachable_time"),
    *_if_there("limitation"),
)

TASK_V1 = Projection(
    TASK,
    Object(
        Key("name", Field("name")),
        _id("task_id"),
        _id("framework_id"),
        _if_id("executor_id"),
        _id("agent_id"),
        Key("state", Choice("state")),
        _if_resources("resources", "resources"),
        IfFilled("statuses", Key("statuses", Each("statuses", STATUS))),
        _if_choice("status_update_state"),
        _if_bytes("status_update_uuid"),
        LABELS_MESSAGE,
        *_if_there("discovery", "container", "health_check", "kill_policy", "user"),
        IfFilled("limits", Key("limits", Pairs("limits", Object(Key("value", Float()))))),
    ),
)

_URI = Object(
    Key("value", Field("value")),
    *_if_there("executable"),
    Key("extract", Field("extract")),
    *_if_there("cache", "output_file"),
)
_COMMAND: Value = Object(
    *_if_there("value"),
    IfThere("shell", Key("shell", Field("shell")), otherwise=(Key("shell", Const(True)),)),
    IfFilled("arguments", Key("arguments", Field("arguments"))),
    *_if_there("user"),
    IfFilled("uris", Key("uris", Each("uris", _URI))),
    *_if_there("environment"),
)

EXECUTOR_V1 = Projection(
    EXECUTOR,
    Object(
        Key(
            "executor_info",
            Object(
                _if_choice("type"),
                _id("executor_id"),
                _id("framework_id"),
                IfThere("command", Key("command", Nest("command", _COMMAND))),
                *_if_there("container"),
                _if_resources("resources", "resources"),
                IfFilled("name", Key("name", Field("name"))),
                *_if_there("source"),
                _if_bytes("data"),
                *_if_there("discovery"),
                _if_time("shutdown_grace_period"),
                LABELS_MESSAGE,
            ),
        ),
        _id("agent_id"),
    ),
)

ATTRIBUTE = Object(*AMOUNT, IfThere("text", Key("text", Object(Key("value", Field("text"))))))

_TYPES = IfFilled("capabilities", Key("capabilities", Each("capabilities", Object(Key("type", Field())))))

# An agent that the registry knows and that has not come back is shown as this alone.
_AGENT_INFO = Object(
    Key("hostname", Field("hostname")),
    Key("port", Field("port")),
    _if_resources("resources", "resources"),
    IfFilled("attributes", Key("attributes", Each("attributes", ATTRIBUTE))),
    _id("id"),
    DOMAIN,
)

RECOVERED_AGENT_V1 = Projection(AGENT, _AGENT_INFO)

AGENT_V1 = Projection(
    AGENT,
    Object(
        Key("agent_info", _AGENT_INFO),
        Key("active", Field("active")),
        Key("deactivated", Field("deactivated")),
        Key("version", Field("version")),
        Key("pid", Field("pid")),
        _time("registered_time"),
        _if_time("reregistered_time"),
        _if_resources("resources", "total_resources"),
        _if_resources("used", "allocated_resources"),
        _if_resources("offered", "offered_resources"),
        _TYPES,
        DRAIN_INFO,
        _if_time("estimated_drain_start_time"),
    ),
)

_FRAMEWORK_INFO = Object(
    Key("user", Field("user")),
    Key("name", Field("name")),
    _id("id"),
    Key("failover_timeout", Field("failover_timeout")),
    Key("checkpoint", Field("checkpoint")),
    *_if_there("role"),
    IfFilled("roles", Key("roles", Field("roles"))),
    IfFilled("hostname", Key("hostname", Field("hostname"))),
    *_if_there("principal"),
    IfFilled("webui_url", Key("webui_url", Field("webui_url"))),
    _TYPES,
    LABELS_MESSAGE,
    *_if_there("offer_filters"),
)

FRAMEWORK_INFO_V1 = Projection(FRAMEWORK, _FRAMEWORK_INFO)

# Without what is in records of its own and stands between this and the next: offers.
FRAMEWORK_V1 = Projection(
    FRAMEWORK,
    Object(
        Key("framework_info", _FRAMEWORK_INFO),
        Key("active", Field("active")),
        Key("connected", Field("connected")),
        Key("recovered", Field("recovered")),
        _time("registered_time"),
        _if_time("reregistered_time"),
        _if_time("unregistered_time"),
    ),
)
FRAMEWORK_END_V1 = Projection(
    FRAMEWORK,
    Object(
        _if_resources("used", "allocated_resources"),
        _if_resources("offered", "offered_resources"),
        *_if_there("offer_constraints"),
    ),
)

OFFER_V1 = Projection(
    OFFER,
    Object(
        _id("id"),
        _id("framework_id"),
        _id("agent_id"),
        Key("hostname", Field("hostname")),
        *_if_there("url"),
        DOMAIN,
        _if_resources("resources", "resources"),
        IfFilled("attributes", Key("attributes", Each("attributes", ATTRIBUTE))),
        IfFilled("executor_ids", Key("executor_ids", Each("executor_ids", Object(Key("value", Field()))))),
        *_if_there("unavailability"),
        Key("allocation_info", Object(Key("role", Field("role")))),
    ),
)

# What its agent has said of it is in the newest status alone, which its framework acknowledges.
OPERATION_V1 = Projection(
    OPERATION,
    Object(
        _if_there_id("framework_id"),
        _id("agent_id"),
        Key("info", Field("info")),
        Key("latest_status", Field("latest_status")),
        IfFilled("statuses", Key("statuses", Each("statuses", Field()))),
        Key("uuid", Object(Key("value", Field("uuid")))),
    ),
)
