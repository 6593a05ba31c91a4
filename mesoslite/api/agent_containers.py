"""Agent containers: what runs on an agent, and what it uses: /containers, /monitor/statistics and GET_CONTAINERS."""

# Who calls: agent.py. A container is that of an executor, be it one shown for a command; tasks of groups alone have
#   containers of their own, below that of their executor, which is no process. Beside them are standalone ones, of no
#   framework. Below all of these are those that were launched by calls, whose ids begin with that of the outermost one.
# A look at what containers use takes a file of each process of the machine. PER_SECOND are taken, as in Mesos, and one
#   serves all who wait for it: Mesos has each wait for a look of its own.
# Limits are what the container was given, and enforced where an isolator does that; the posix ones do not.
# Source: Mesos src/slave/http.cpp (Http::containers, Http::statistics, Http::getContainers), slave.cpp.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

import libactor as la
from mesoslite.model import MILLI, NOTHING, AgentPort, ContainerUsage, FrozenDocument, refusal_of, total_usage
from mesoslite.model.v1 import encode_container_id

from .agent_executors import executor_user, shown_executors
from .exchange import Refusal, Response
from .operator_calls import OperatorCall, OperatorCalls
from .routes import methods
from .sight import sight_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mesoslite.model import (
        AgentSnapshot,
        ContainerID,
        ContainerMeter,
        ExecutorInfo,
        FrameworkID,
        FrameworkInfo,
        NestedContainer,
        Resources,
        StandaloneContainer,
    )
    from mesoslite.model.fields import Fields

    from .agent_executors import ShownExecutor
    from .documents import Document
    from .exchange import Exchange
    from .routes import Routes

PER_SECOND = 2.0
MEBIBYTE = 1 << 20


class _Shown(NamedTuple):
    """A container: that of an executor, one below, or a standalone one; ``path`` has its id last.

    ``pid`` is as of TaskRun. ``user`` is whom its executor runs as. A standalone one, and what is below it, is of no
    framework and no executor.
    """

    framework_id: FrameworkID | None
    user: str | None
    executor: ExecutorInfo | None
    path: tuple[str, ...]
    pid: int | None
    statistics: Document | None

    @property
    def is_nested(self) -> bool:
        """Whether it is in another one."""
        return len(self.path) > 1

    @property
    def is_standalone(self) -> bool:
        """Whether it is in no other one, and of no framework."""
        return self.executor is None and not self.is_nested


class _Kinds(NamedTuple):
    """Which containers are wanted beside those of executors; as in Mesos, nested ones also of standalone ones."""

    nested: bool
    standalone: bool

    def has(self, one: _Shown) -> bool:
        """Whether a container is wanted."""
        return (self.nested or not one.is_nested) and (self.standalone or not one.is_standalone)


class Containers:
    """What runs on the agent at that address; ``meter`` measures it, None: nobody does."""

    def __init__(self, agent: la.PID[AgentPort], meter: ContainerMeter | None, runtime: la.Runtime) -> None:
        self._agent = agent
        self._meter = meter
        self._clock = runtime.clock
        self._limiter = la.RateLimiter(PER_SECOND, runtime=runtime)
        self._look: asyncio.Task[list[_Shown]] | None = None  # the next one, for all who wait for it

    def routes(self) -> Routes:
        """The endpoints without a version."""
        return {
            "/containers": methods(GET=self._containers),
            "/monitor/statistics": methods(GET=self._statistics),
            "/containerizer/debug": methods(GET=self._debug),
        }

    def calls(self) -> OperatorCalls:
        """The call of the operator API."""
        return {"GET_CONTAINERS": OperatorCall(_wanted_kinds, self._get_containers)}

    async def _containers(self, exchange: Exchange) -> Response:
        wanted = _wanted(exchange)
        sees = _sees(exchange)
        shown = [one for one in await self._shown() if _is_executors(one) and sees(one)]
        return exchange.json([_container_v0(one) for one in shown if wanted.items() <= _ids(one).items()])

    async def _statistics(self, exchange: Exchange) -> Response:
        measured = [one for one in await self._shown() if _is_executors(one) and one.statistics is not None]
        return exchange.json(
            [{**dict(sorted(_executor_v0(one).items())), "statistics": one.statistics} for one in measured]
        )

    async def _debug(self, exchange: Exchange) -> Response:
        """What the containerizer is at: commands are started in one step, so nothing is ever pending."""
        return exchange.json({"pending": []})

    async def _get_containers(self, exchange: Exchange, wanted: _Kinds) -> Document:
        sees = _sees(exchange)
        shown = [_container_v1(one) for one in await self._shown() if wanted.has(one) and sees(one)]
        return {"containers": shown} if shown else {}

    async def _shown(self) -> list[_Shown]:
        look = self._look
        if look is None or look.done():
            self._look = look = asyncio.get_running_loop().create_task(self._take_look())
            look.add_done_callback(lambda look: look.cancelled() or look.exception())  # nobody may wait any more
        return await asyncio.shield(look)

    async def _take_look(self) -> list[_Shown]:
        await self._limiter.acquire()
        self._look = None  # who asks from now on may know of something newer
        snapshot = await la.dispatch(self._agent, AgentPort.state)
        return await asyncio.to_thread(_look_at, snapshot, self._meter, self._clock.now())


def _look_at(snapshot: AgentSnapshot, meter: ContainerMeter | None, now: float) -> list[_Shown]:
    """The containers that run, each with what it uses as far as that can be measured."""
    used: Mapping[ContainerID, ContainerUsage] = meter.measure() if meter is not None else {}
    inside: dict[str, list[NestedContainer]] = {}
    for nested in snapshot.nested:
        inside.setdefault(nested.container_id.partition(".")[0], []).append(nested)
    standalone = [
        each
        for one in snapshot.standalone
        for outer in [_standalone(one, used, now)]
        for each in (outer, *[_below(outer, inner, used, now) for inner in inside.get(one.container_id, ())])
    ]
    return standalone + [
        each
        for framework in snapshot.frameworks
        for executor in shown_executors(framework)
        if executor.pid is not None or executor.is_group
        for outer in _shown(framework.info, executor, used, now)
        for each in (outer, *[_below(outer, one, used, now) for one in inside.get(outer.path[-1], ())])
    ]


def _shown(
    framework: FrameworkInfo, executor: ShownExecutor, used: Mapping[ContainerID, ContainerUsage], now: float
) -> Iterator[_Shown]:
    """The container of an executor; of a group, which uses what its tasks do, also theirs."""
    info, container_id = executor.info, executor.container_id
    place = framework.id, executor_user(info, framework.user), info
    tasks = [run for run in executor.launched if run.pid is not None] if executor.is_group else []
    usage = used.get(container_id)
    if executor.is_group:
        usage = total_usage([used[run.container_id] for run in tasks if run.container_id in used])
    statistics = _statistics_document(usage, executor.held, now)
    yield _Shown(*place, (container_id,), executor.pid, statistics)
    for run in tasks:
        statistics = _statistics_document(used.get(run.container_id), run.task.info.resources, now)
        yield _Shown(*place, (container_id, run.container_id), run.pid, statistics)


def _standalone(one: StandaloneContainer, used: Mapping[ContainerID, ContainerUsage], now: float) -> _Shown:
    statistics = _statistics_document(used.get(one.container_id), one.resources, now)
    return _Shown(None, None, None, (one.name,), one.pid, statistics)


def _below(outer: _Shown, nested: NestedContainer, used: Mapping[ContainerID, ContainerUsage], now: float) -> _Shown:
    """A container that was launched by a call in ``outer``."""
    path = (*outer.path, *nested.container_id.split(".")[1:])
    statistics = _statistics_document(used.get(nested.container_id), NOTHING, now)
    return _Shown(outer.framework_id, outer.user, outer.executor, path, nested.pid, statistics)


def _statistics_document(used: ContainerUsage | None, held: Resources, now: float) -> Document | None:
    """A ResourceStatistics; where no limit is enforced, what a container holds is said to be its limit, as in Mesos."""
    if used is None:
        return None
    document: Document = {"timestamp": now}
    for name in ContainerUsage.__struct_fields__:
        value = getattr(used, name)
        if value is not None:
            document[name] = msgspec.Raw(value.text.encode()) if isinstance(value, FrozenDocument) else value
    scalars = held.scalars()
    if "cpus" in scalars:
        document.setdefault("cpus_limit", scalars["cpus"] / MILLI)
        document["cpus_soft_limit"] = scalars["cpus"] / MILLI
    if "mem" in scalars:
        document.setdefault("mem_limit_bytes", scalars["mem"] * MEBIBYTE // MILLI)
        document["mem_soft_limit_bytes"] = scalars["mem"] * MEBIBYTE // MILLI
    return document


def _sees(exchange: Exchange) -> Callable[[_Shown], bool]:
    """Tells whether who sends a request sees a container; what is in one as that."""
    seen = sight_of(exchange, "containers").containers
    alone = refusal_of([("view_standalone_containers", None)], exchange.acls, exchange.principal) is None
    return lambda one: seen.allow(one.user) if one.executor is not None else alone


def _wanted(exchange: Exchange) -> dict[str, str]:
    """The ids that a request asks for, by name. Raises: Refusal, for others than Mesos takes together."""
    given = {name: value for name, value in exchange.query.items() if name != "jsonp"}
    wanted = {name: value for name, value in given.items() if name in ("container_id", "framework_id", "executor_id")}
    are_others = len(given) > max(len(wanted), 1)
    if are_others or wanted.keys() not in ({"container_id"}, {"framework_id"}, {"framework_id", "executor_id"}, set()):
        raise Refusal(400, "Expecting container_id, or framework_id, or framework_id and executor_id, or none of them")
    return wanted


def _wanted_kinds(fields: Fields) -> _Kinds:
    body = fields.message_or_empty("get_containers")
    return _Kinds(body.boolean("show_nested", False), body.boolean("show_standalone", False))


def _is_executors(one: _Shown) -> bool:
    return one.executor is not None and not one.is_nested


def _ids(one: _Shown) -> dict[str, str]:
    return {**_executor(one), "container_id": one.path[-1]}


def _executor(one: _Shown) -> dict[str, str]:
    if one.framework_id is None or one.executor is None:
        return {}
    return {"framework_id": one.framework_id, "executor_id": one.executor.executor_id}


def _executor_v0(one: _Shown) -> Document:
    assert one.executor is not None
    return {**_executor(one), "executor_name": one.executor.name, "source": one.executor.source or ""}


def _container_v0(one: _Shown) -> Document:
    return {
        **_executor_v0(one),
        "container_id": one.path[-1],
        "status": _status(one),
        **({"statistics": one.statistics} if one.statistics is not None else {}),
    }


def _container_v1(one: _Shown) -> Document:
    return {
        **{name: {"value": value} for name, value in _executor(one).items()},
        **({"executor_name": one.executor.name} if one.executor is not None else {}),
        "container_id": encode_container_id(one.path),
        "container_status": _status(one),
        **({"resource_statistics": one.statistics} if one.statistics is not None else {}),
    }


def _status(one: _Shown) -> dict[str, Any]:
    pid = {"executor_pid": one.pid} if one.pid is not None else {}
    return {"container_id": encode_container_id(one.path), **pid}
