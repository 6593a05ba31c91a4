"""Agent containers: what runs on an agent, and what it uses: /containers, /monitor/statistics and GET_CONTAINERS."""

# Who calls: agent.py. A container is that of an executor, be it one shown for a command; tasks have none of their own.
# A look at what containers use takes a file of each process of the machine. PER_SECOND are taken, as in Mesos, and one
#   serves all who wait for it: Mesos has each wait for a look of its own.
# Limits are what the container was given, and enforced where an isolator does that; the posix ones do not.
# Source: Mesos src/slave/http.cpp (Http::containers, Http::statistics, Http::getContainers), slave.cpp.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import libactor as la
from mesoslite.model import MILLI, AgentPort, ContainerUsage, FrozenDocument

from .agent_executors import shown_executors
from .common_calls import nothing
from .exchange import Refusal, Response
from .operator_calls import OperatorCall, OperatorCalls
from .routes import methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import AgentSnapshot, ContainerID, ContainerMeter, FrameworkID, Resources

    from .agent_executors import ShownExecutor
    from .documents import Document
    from .exchange import Exchange
    from .routes import Routes

PER_SECOND = 2.0
MEBIBYTE = 1 << 20


class _Shown(NamedTuple):
    framework_id: FrameworkID
    executor: ShownExecutor
    statistics: Document | None


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
        return {"GET_CONTAINERS": OperatorCall(nothing, self._get_containers)}

    async def _containers(self, exchange: Exchange) -> Response:
        wanted = _wanted(exchange)
        return exchange.json([_container_v0(one) for one in await self._shown() if wanted.items() <= _ids(one).items()])

    async def _statistics(self, exchange: Exchange) -> Response:
        measured = [one for one in await self._shown() if one.statistics is not None]
        return exchange.json(
            [{**dict(sorted(_executor_v0(one).items())), "statistics": one.statistics} for one in measured]
        )

    async def _debug(self, exchange: Exchange) -> Response:
        """What the containerizer is at: commands are started in one step, so nothing is ever pending."""
        return exchange.json({"pending": []})

    async def _get_containers(self, exchange: Exchange, asked: None) -> Document:
        shown = [_container_v1(one) for one in await self._shown()]
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
    running = [
        (framework.info.id, executor)
        for framework in snapshot.frameworks
        for executor in shown_executors(framework)
        if executor.pid is not None
    ]
    return [
        _Shown(framework_id, executor, _statistics_document(used.get(executor.container_id), executor.held, now))
        for framework_id, executor in running
        if framework_id is not None
    ]


def _statistics_document(used: ContainerUsage | None, held: Resources, now: float) -> Document | None:
    """A ResourceStatistics; where no limit is enforced, what a container holds is said to be its limit, as in Mesos."""
    if used is None:
        return None
    document: Document = {"timestamp": now}
    for name in ContainerUsage.__struct_fields__:
        value = getattr(used, name)
        if value is not None:
            document[name] = value.value if isinstance(value, FrozenDocument) else value
    scalars = held.scalars()
    if "cpus" in scalars:
        document.setdefault("cpus_limit", scalars["cpus"] / MILLI)
        document["cpus_soft_limit"] = scalars["cpus"] / MILLI
    if "mem" in scalars:
        document.setdefault("mem_limit_bytes", scalars["mem"] * MEBIBYTE // MILLI)
        document["mem_soft_limit_bytes"] = scalars["mem"] * MEBIBYTE // MILLI
    return document


def _wanted(exchange: Exchange) -> dict[str, str]:
    """The ids that a request asks for, by name. Raises: Refusal, for others than Mesos takes together."""
    given = {name: value for name, value in exchange.query.items() if name != "jsonp"}
    wanted = {name: value for name, value in given.items() if name in ("container_id", "framework_id", "executor_id")}
    are_others = len(given) > max(len(wanted), 1)
    if are_others or wanted.keys() not in ({"container_id"}, {"framework_id"}, {"framework_id", "executor_id"}, set()):
        raise Refusal(400, "Expecting container_id, or framework_id, or framework_id and executor_id, or none of them")
    return wanted


def _ids(one: _Shown) -> dict[str, str]:
    return {
        "container_id": one.executor.container_id,
        "framework_id": one.framework_id,
        "executor_id": one.executor.info.executor_id,
    }


def _executor_v0(one: _Shown) -> Document:
    info = one.executor.info
    return {
        "framework_id": one.framework_id,
        "executor_id": info.executor_id,
        "executor_name": info.name,
        "source": info.source or "",
    }


def _container_v0(one: _Shown) -> Document:
    return {
        **_executor_v0(one),
        "container_id": one.executor.container_id,
        "status": _status(one),
        **({"statistics": one.statistics} if one.statistics is not None else {}),
    }


def _container_v1(one: _Shown) -> Document:
    info = one.executor.info
    return {
        "framework_id": {"value": one.framework_id},
        "executor_id": {"value": info.executor_id},
        "executor_name": info.name,
        "container_id": {"value": one.executor.container_id},
        "container_status": _status(one),
        **({"resource_statistics": one.statistics} if one.statistics is not None else {}),
    }


def _status(one: _Shown) -> dict[str, Any]:
    return {"container_id": {"value": one.executor.container_id}, "executor_pid": one.executor.pid}
