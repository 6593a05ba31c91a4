"""Projections of v0: tasks, executors and agents as ``/state`` shows them."""

# Who calls: what serves ``/state`` and its parts from records.
# Source: Mesos src/common/http.cpp (model, json), src/master/readonly_handler.cpp.

from libactor.records.projection import (
    Choice,
    Const,
    Each,
    Field,
    Float,
    ForEach,
    Groups,
    IfDiffers,
    IfEquals,
    IfFilled,
    IfOnly,
    IfThere,
    IfTrue,
    Items,
    Key,
    Member,
    Named,
    Nest,
    Object,
    Pairs,
    Projection,
    Ranges,
    Scaled,
    Tally,
    Value,
)
from mesoslite.model import ReservationType
from mesoslite.model.record_types import AGENT, EXECUTOR, FRAMEWORK, OFFER, TASK

_THOUSANDTHS, _NANOSECONDS = 3, 9


def _resources(
    name: str, *, group: str | None = None, only: tuple[str, str] | None = None, but: tuple[str, str] | None = None
) -> Value:
    return Tally(
        name,
        name="name",
        scalar="scalar",
        power=_THOUSANDTHS,
        ranges="ranges",
        texts="items",
        first=("cpus", "gpus", "mem", "disk"),
        suffix=("revocable", "_revocable"),
        group=group,
        only=only,
        but=but,
    )


def _if_there(*names: str) -> tuple[Member, ...]:
    return tuple(IfThere(name, Key(name, Field(name))) for name in names)


LABELS = IfFilled("labels", Key("labels", Each("labels", Object(Key("key", Field("key")), *_if_there("value")))))
_NOT_RESERVED = ("role", "*")

_STATUS = Object(
    Key("state", Choice("state")),
    Key("timestamp", Float("timestamp")),
    LABELS,
    *_if_there("container_status", "healthy"),
)

TASK_V0 = Projection(
    TASK,
    Object(
        Key("id", Field("task_id")),
        Key("name", Field("name")),
        Key("framework_id", Field("framework_id")),
        Key("executor_id", Field("executor_id")),
        Key("slave_id", Field("agent_id")),
        Key("state", Choice("state")),
        Key("resources", _resources("resources")),
        IfFilled("limits", Key("limits", Pairs("limits", Float()))),
        Key("role", Field("role")),
        Key("statuses", Each("statuses", _STATUS)),
        *_if_there("user"),
        LABELS,
        *_if_there("discovery", "container", "health_check"),
    ),
)

_COMMAND = Object(
    *_if_there("shell", "value"),
    Key("argv", Each("arguments", Field())),
    *_if_there("environment"),
    Key(
        "uris",
        Each(
            "uris",
            Object(
                Key("value", Field("value")),
                IfThere(
                    "executable", Key("executable", Field("executable")), otherwise=(Key("executable", Const(False)),)
                ),
            ),
        ),
    ),
)

EXECUTOR_V0 = Projection(
    EXECUTOR,
    Object(
        Key("executor_id", Field("executor_id")),
        Key("name", Field("name")),
        Key("framework_id", Field("framework_id")),
        IfThere(
            "command",
            Key("command", Nest("command", _COMMAND)),
            otherwise=(Key("command", Const({"argv": [], "uris": []})),),
        ),
        Key("resources", _resources("resources")),
        *_if_there("role"),
        LABELS,
        IfThere("type", Key("type", Choice("type"))),
        Key("slave_id", Field("agent_id")),
    ),
)

_ATTRIBUTES = Object(
    ForEach(
        "attributes",
        IfThere("scalar", Named("name", Scaled("scalar", _THOUSANDTHS))),
        IfFilled("ranges", Named("name", Ranges("ranges"))),
        IfFilled("items", Named("name", Items("items"))),
        IfThere("text", Named("name", Field("text"))),
    )
)

DOMAIN = IfThere(
    "domain",
    Key(
        "domain",
        Nest(
            "domain",
            Object(
                Key(
                    "fault_domain",
                    Object(
                        Key("region", Object(Key("name", Field("region")))),
                        Key("zone", Object(Key("name", Field("zone")))),
                    ),
                )
            ),
        ),
    ),
)

DRAIN_INFO = IfThere(
    "drain",
    Key(
        "drain_info",
        Nest(
            "drain",
            Object(
                Key("state", Choice("state")),
                Key(
                    "config",
                    Object(
                        IfThere(
                            "max_grace_period",
                            Key("max_grace_period", Object(Key("nanoseconds", Field("max_grace_period")))),
                        ),
                        Key("mark_gone", Field("mark_gone")),
                    ),
                ),
            ),
        ),
    ),
)


def _if_seconds(name: str, shown: str) -> Member:
    return IfThere(name, Key(shown, Scaled(name, _NANOSECONDS)))


_AGENT: tuple[Member, ...] = (
    Key("id", Field("id")),
    Key("hostname", Field("hostname")),
    Key("port", Field("port")),
    Key("attributes", _ATTRIBUTES),
    DOMAIN,
    Key("pid", Field("pid")),
    Key("registered_time", Scaled("registered_time", _NANOSECONDS)),
    _if_seconds("reregistered_time", "reregistered_time"),
    Key("resources", _resources("resources")),
    Key("used_resources", _resources("used")),
    Key("offered_resources", _resources("offered")),
    Key("reserved_resources", _resources("resources", group="role", but=_NOT_RESERVED)),
    Key("unreserved_resources", _resources("resources", only=_NOT_RESERVED)),
    Key("active", Field("active")),
    Key("deactivated", Field("deactivated")),
    Key("version", Field("version")),
    Key("capabilities", Field("capabilities")),
    DRAIN_INFO,
    _if_seconds("estimated_drain_start_time", "estimated_drain_start_time_seconds"),
)
AGENT_V0 = Projection(AGENT, Object(*_AGENT))

# --- resources as messages: with what older clients read and what newer ones do ---

_RANGE = Object(Key("begin", Field("begin")), Key("end", Field("end")))
AMOUNT: tuple[Member, ...] = (
    Key("name", Field("name")),
    Key("type", Choice("type")),
    IfThere("scalar", Key("scalar", Object(Key("value", Scaled("scalar", _THOUSANDTHS))))),
    IfFilled("ranges", Key("ranges", Object(Key("range", Each("ranges", _RANGE))))),
    IfFilled("items", Key("set", Object(Key("item", Field("items"))))),
)
LABELS_MESSAGE = IfFilled(
    "labels",
    Key("labels", Object(Key("labels", Each("labels", Object(Key("key", Field("key")), *_if_there("value")))))),
)
_RESERVATION = Object(Key("type", Choice("type")), Key("role", Field("role")), *_if_there("principal"), LABELS_MESSAGE)
RESOURCE = Object(
    *AMOUNT,
    Key("role", Field("role")),
    IfThere("allocation_role", Key("allocation_info", Object(Key("role", Field("allocation_role"))))),
    IfOnly(
        "reservations",
        IfEquals("type", ReservationType.DYNAMIC, Key("reservation", Object(*_if_there("principal"), LABELS_MESSAGE))),
    ),
    IfFilled("reservations", Key("reservations", Each("reservations", _RESERVATION))),
    *_if_there("disk"),
    IfTrue("revocable", Key("revocable", Const({}))),
    IfTrue("shared", Key("shared", Const({}))),
    IfFilled("provider_id", Key("provider_id", Object(Key("value", Field("provider_id"))))),
)

AGENT_FULL_V0 = Projection(  # of ``/slaves``
    AGENT,
    Object(
        *_AGENT,
        Key("reserved_resources_full", Groups("resources", "role", RESOURCE, but="*")),
        Key("unreserved_resources_full", Each("resources", RESOURCE, only=_NOT_RESERVED)),
        Key("used_resources_full", Each("used", RESOURCE)),
        Key("offered_resources_full", Each("offered", RESOURCE)),
    ),
)

_FRAMEWORK_FIRST: tuple[Member, ...] = (
    Key("id", Field("id")),
    Key("name", Field("name")),
    *_if_there("pid"),
    Key("used_resources", _resources("used")),
    Key("offered_resources", _resources("offered")),
    Key("capabilities", Field("capabilities")),
    Key("hostname", Field("hostname")),
    Key("webui_url", Field("webui_url")),
    Key("active", Field("active")),
    Key("connected", Field("connected")),
    Key("recovered", Field("recovered")),
)

FRAMEWORK_SUMMARY_V0 = Projection(FRAMEWORK, Object(*_FRAMEWORK_FIRST))

# Without what is in records of its own (tasks, unreachable_tasks, completed_tasks, offers, executors) and stands
# between this and the next.
FRAMEWORK_V0 = Projection(
    FRAMEWORK,
    Object(
        *_FRAMEWORK_FIRST,
        Key("user", Field("user")),
        Key("failover_timeout", Field("failover_timeout")),
        Key("checkpoint", Field("checkpoint")),
        Key("registered_time", Scaled("registered_time", _NANOSECONDS)),
        IfThere(
            "unregistered_time",
            Key("unregistered_time", Scaled("unregistered_time", _NANOSECONDS)),
            otherwise=(Key("unregistered_time", Const(0.0)),),
        ),
        *_if_there("principal"),
        Key("resources", _resources("resources")),
        IfThere(
            "reregistered_time",
            IfDiffers(
                "reregistered_time",
                "registered_time",
                Key("reregistered_time", Scaled("reregistered_time", _NANOSECONDS)),
            ),
        ),
        IfThere("role", Key("role", Field("role")), otherwise=(Key("roles", Field("roles")),)),
    ),
)
FRAMEWORK_END_V0 = Projection(
    FRAMEWORK,
    Object(
        LABELS,
        IfThere(
            "offer_constraints",
            Key("offer_constraints", Field("offer_constraints")),
            otherwise=(Key("offer_constraints", Const({})),),
        ),
    ),
)

# An agent that the registry knows, and that has not come back.
RECOVERED_AGENT_V0 = Projection(
    AGENT,
    Object(
        Key("id", Field("id")),
        Key("hostname", Field("hostname")),
        Key("port", Field("port")),
        Key("attributes", _ATTRIBUTES),
        DOMAIN,
    ),
)

OFFER_V0 = Projection(
    OFFER,
    Object(
        Key("id", Field("id")),
        Key("framework_id", Field("framework_id")),
        Key("allocation_info", Object(Key("role", Field("role")))),
        Key("slave_id", Field("agent_id")),
        Key("resources", _resources("resources")),
    ),
)
