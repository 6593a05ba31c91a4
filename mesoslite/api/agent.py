"""Agent application: the HTTP API of an agent."""

# Who calls: composition roots, which give it to an HttpServer.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import libactor as la
from libactor.http import Application
from mesoslite.model import AgentPort, ContainerMeter

from .absent_calls import absent_calls
from .agent_containers import Containers
from .agent_endpoint import AgentEndpoint
from .agent_operator import NOT_SERVED, agent_calls
from .agent_state import state_document
from .authentication import NOBODY, Authentication, Realms
from .container_input import ContainerInput
from .container_line import ContainerLine
from .container_streams import ContainerStreams
from .debugging import debugging_routes
from .exchange import Exchange, Response
from .executor import ExecutorEndpoint
from .file_judges import FileJudges
from .file_pages import file_routes
from .files import Files
from .log_files import log_files
from .master import NO_FLAGS, health, runtime_routes, told_flags, version
from .nested_calls import NestedCalls
from .operator_calls import OperatorEndpoint
from .routes import Routes, application, methods
from .sandboxes import Sandboxes
from .sight import sight_of

HEARTBEAT_SECONDS = 30.0  # between two of a stream of a container, as in Mesos (--http_heartbeat_interval)


def agent_app(
    agent: la.PID[AgentPort],
    work_dir: Path,
    *,
    runtime: la.Runtime | None = None,
    hosts: Collection[str] | None = None,
    flags: Mapping[str, str] = NO_FLAGS,
    authentication: Authentication = NOBODY,
    meter: ContainerMeter | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    is_recovered: Callable[[], bool] = lambda: True,
) -> Application:
    """Return the ASGI application of the agent at that address, whose sandboxes lie below ``work_dir``.

    Endpoints: ``/health``, ``/version``, ``/flags``, ``/state``, ``/files/browse``, ``/files/read``,
    ``/files/download``, ``/files/debug``, ``/api/v1`` and ``/api/v1/executor``, also below ``/slave(1)`` and below the
    agent's own id.
    With a ``runtime`` also ``/help``, ``/__processes__``, ``/containers``, ``/monitor/statistics`` and
    ``/containerizer/debug``; ``meter`` says what containers use, without it these do not. ``runtime``, ``hosts``,
    ``flags`` and ``authentication`` as of ``master_app``. Streams of containers beat each ``heartbeat_seconds``.
    Until ``is_recovered``, which is asked from any thread, executors hear that the agent is not ready (503).
    """
    files = Files(log_files("slave", flags), Sandboxes(work_dir))
    ping = partial(la.dispatch, agent, AgentPort.ping)

    async def state(exchange: Exchange) -> Response:
        sight = sight_of(exchange, "frameworks", "tasks", "executors", "roles", "flags")
        snapshot = await la.dispatch(agent, AgentPort.state)
        return await asyncio.to_thread(lambda: exchange.json(state_document(snapshot, sight, flags)))

    containers = Containers(agent, meter, runtime) if runtime is not None else None
    line = ContainerLine(agent)
    container_input = ContainerInput(line)
    calls = {
        **agent_calls(agent, files, runtime, flags),
        **absent_calls(),
        **(containers.calls() if containers is not None else {}),
        **container_input.calls(),
        **NestedCalls(line).calls(),
        **ContainerStreams(line, heartbeat_seconds).calls(),
    }
    routes: Routes = {
        "/health": methods(GET=health(ping)),
        "/version": methods(GET=version),
        "/flags": methods(GET=told_flags(flags)),
        "/state": methods(GET=state),
        **file_routes(files, FileJudges(agent)),
        "/api/v1/executor": methods(POST=ExecutorEndpoint(agent, is_recovered)),
        "/api/v1": methods(POST=AgentEndpoint(OperatorEndpoint("agent", calls, NOT_SERVED), container_input)),
        **(containers.routes() if containers is not None else {}),
        **runtime_routes(runtime),
    }
    if runtime is not None:
        routes = {**routes, **debugging_routes(runtime, agent.id, routes)}
    return application(routes, (f"/{agent.id}", "/slave(1)"), hosts, Realms("agent", authentication))
