"""Projections of v1: tasks, executors and agents as GET_STATE and its parts show them."""

# Who calls: what serves GET_STATE, GET_TASKS, GET_EXECUTORS and GET_AGENTS from records.
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
    IfTrue,
    Key,
    Member,
    Nest,
    Object,
    Pairs,
    Projection,
    Scaled,
    Value,
)

from .projections_v0 import AGENT, DOMAIN, DRAIN_INFO, EXECUTOR, TASK

_THOUSANDTHS = 3


def _id(name: str) -> Member:
    return Key(name, Object(Key("value", Field(name))))


def _if_id(name: str) -> Member:
    return IfFilled(name, _id(name))


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


LABELS = IfFilled(
    "labels",
    Key("labels", Object(Key("labels", Each("labels", Object(Key("key", Field("key")), *_if_there("value")))))),
)
_RANGE = Object(Key("begin", Field("begin")), Key("end", Field("end")))
_AMOUNT: tuple[Member, ...] = (
    Key("name", Field("name")),
    Key("type", Choice("type")),
    IfThere("scalar", Key("scalar", Object(Key("value", Scaled("scalar", _THOUSANDTHS))))),
    IfFilled("ranges", Key("ranges", Object(Key("range", Each("ranges", _RANGE))))),
    IfFilled("items", Key("set", Object(Key("item", Field("items"))))),
)

_RESERVATION = Object(Key("type", Choice("type")), Key("role", Field("role")), *_if_there("principal"), LABELS)
RESOURCE = Object(
    *_AMOUNT,
    Key("role", Field("role")),
    IfThere("allocation_role", Key("allocation_info", Object(Key("role", Field("allocation_role"))))),
    IfFilled("reservations", Key("reservations", Each("reservations", _RESERVATION))),
    *_if_there("disk"),
    IfTrue("revocable", Key("revocable", Const({}))),
    IfTrue("shared", Key("shared", Const({}))),
    _if_id("provider_id"),
)


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
    LABELS,
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
        LABELS,
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
    Key("shell", Field("shell")),
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
                LABELS,
            ),
        ),
        _id("agent_id"),
    ),
)

_ATTRIBUTE = Object(*_AMOUNT, IfThere("text", Key("text", Object(Key("value", Field("text"))))))

AGENT_V1 = Projection(
    AGENT,
    Object(
        Key(
            "agent_info",
            Object(
                Key("hostname", Field("hostname")),
                Key("port", Field("port")),
                _if_resources("resources", "resources"),
                IfFilled("attributes", Key("attributes", Each("attributes", _ATTRIBUTE))),
                _id("id"),
                DOMAIN,
            ),
        ),
        Key("active", Field("active")),
        Key("deactivated", Field("deactivated")),
        Key("version", Field("version")),
        Key("pid", Field("pid")),
        _time("registered_time"),
        _if_time("reregistered_time"),
        _if_resources("resources", "total_resources"),
        _if_resources("used", "allocated_resources"),
        _if_resources("offered", "offered_resources"),
        IfFilled("capabilities", Key("capabilities", Each("capabilities", Object(Key("type", Field()))))),
        DRAIN_INFO,
        _if_time("estimated_drain_start_time"),
    ),
)
