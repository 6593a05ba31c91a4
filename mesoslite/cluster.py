"""Cluster: a master, its agents and their HTTP API inside the calling program. The composition root."""

# Who calls: users who embed a cluster; the command line (`mesoslite dev`); tests.
# Here, and only here, the parts that may not import each other meet: the allocation policy is handed to the master's
#   allocator, the launcher to the agents, their addresses to the HTTP API.
# Order of the start: ports are taken first, because agents tell the master theirs; then actors are spawned; then the
#   ports are served. What fails on the way takes down what was started before, in reverse order, as close() does.

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.http import HttpServer, Listener
from mesoslite.agent import Agent
from mesoslite.allocator import DEFAULT_POLICY, PolicyFactory, PolicySource, pattern_problem
from mesoslite.api import agent_app, loopback_hosts, master_app
from mesoslite.containment import PosixLauncher
from mesoslite.framework import Framework, LocalConnection, submit
from mesoslite.master import Allocator, Master, checked_interval
from mesoslite.model import (
    AllocationPolicy,
    ClusterState,
    InvalidRequest,
    InvalidResources,
    MasterEnded,
    MesosliteError,
    RegistryStorage,
    Resources,
    validate_agent_resources,
)
from mesoslite.model.registry import Prune
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar, SqliteStorage

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

log = logging.getLogger("mesoslite")

START_TIMEOUT_SECONDS = 10.0  # for the agents to register; they do at once unless the machine is overwhelmed
ALLOCATION_INTERVAL_SECONDS = 0.1  # nobody else shares this master, so offers may follow one another quickly
RESOURCES_DEFAULT = "cpus:2;mem:1024"


class Cluster:
    """A whole cluster in this program, with real processes as tasks.

        with Cluster(agents=3) as cluster:
            cluster.run(MyFramework())

    ``resources`` is what each agent offers, as text or Resources. ``work_dir`` takes the sandboxes, one folder an
    agent; left out, a temporary one is made and removed at the end. ``host`` and ``port`` are where the master's
    HTTP API listens (port 0: any free one); each agent listens on a free port of its own. ``hostname`` is the name or
    address of this machine to tell others; left out, it is ``host``, or this machine's name if that is a wildcard
    such as 0.0.0.0. On loopback, requests for any other host than these and localhost are refused.

    ``allocator`` is the policy that decides who is offered what: by name ("hierarchical" is ours, others come with
    packages that offer them as entry points of the group ``mesoslite.allocators``), as what makes one for each start,
    such as its class, or as an object, for one start. ``allocation_interval`` is the seconds between two of its runs
    for what was given back meanwhile.

    ``registry`` is the file in which the master keeps what outlives it, made if it is not there; left out, it is kept
    in memory.

    ``stopped`` is the future of the master's end, by ``close`` or because it failed: of the error as text, empty if
    there was none.

    Use it by ``with`` or ``async with``, or call ``start`` and ``close``. At the end every task is killed and no
    process, thread or port is left. Raises, from ``start``: OSError for a port or directory that cannot be used;
    InvalidResources; InvalidRequest for a number of agents below 1, an interval that is none, or an allocator that is
    not there or cannot be made; MasterEnded if it fails as it begins.
    """

    def __init__(
        self,
        agents: int = 1,
        resources: str | Resources = RESOURCES_DEFAULT,
        *,
        work_dir: str | Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        hostname: str = "",
        allocation_interval: float = ALLOCATION_INTERVAL_SECONDS,
        allocator: str | PolicyFactory | AllocationPolicy = DEFAULT_POLICY,
        registry: str | Path | None = None,
    ) -> None:
        self._agent_count = _checked_count(agents)
        self._resources = _checked_resources(resources)
        self._work_dir = Path(work_dir).absolute() if work_dir is not None else None
        self._host = host
        self._port = port
        self._hostname = hostname
        self._allocation_interval = checked_interval(allocation_interval)
        self._policies = PolicySource(allocator)
        self._registry = Path(registry).absolute() if registry is not None else None
        self._parts: ExitStack | None = None  # what close() takes down, while the cluster runs

    # ---- life ----

    def start(self) -> Self:
        """Start everything and wait until every agent has registered."""
        if self._parts is not None:
            raise RuntimeError("start: the cluster runs already; close it first")
        with ExitStack() as parts:
            self.work_dir = self._make_work_dir(parts)
            self.runtime = la.Runtime()
            parts.callback(self.runtime.close)
            server = HttpServer()
            parts.callback(server.close)
            self._start_master(parts, server)
            numbers = range(1, self._agent_count + 1)
            self.agents = tuple([self._start_agent(parts, server, number) for number in numbers])
            for agent in self.agents:
                self._wait_for(la.dispatch(agent, Agent.wait_registered))
            self._parts = parts.pop_all()
        return self

    def close(self) -> None:
        """Stop everything; a second call does nothing."""
        parts, self._parts = self._parts, None
        if parts is not None:
            self._take_leave()
            parts.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    # ---- use ----

    def run(self, framework: Framework, timeout: float | None = None) -> Any:
        """Run ``framework`` until it calls ``stop``, and return what it gave; ``timeout`` in seconds.

        Raises: what ended the framework if it was an error; TimeoutError, and then the framework is ended.
        """
        future = self.submit(framework)
        try:
            return future.get(timeout)
        finally:
            future.discard()

    def submit(self, framework: Framework) -> la.Future[Any]:
        """Start ``framework`` and return the future of its result; ``await`` it, or ``get`` it in another thread.

        A discard ends the framework. The future fails with FrameworkEnded if the cluster is closed before.
        """
        if self._parts is None:
            raise RuntimeError("submit: the cluster is not running; start it, or use it in a with statement")
        return submit(self.runtime, framework, LocalConnection(self.master))

    def state(self) -> ClusterState:
        """What the master knows of agents, frameworks and tasks at this moment.

        Raises: MasterEnded, which says why, if it has ended by itself.
        """
        try:
            return la.dispatch(self.master, Master.state).get(timeout=START_TIMEOUT_SECONDS)
        except la.Abandoned as error:
            raise self._ended("state") from error

    # ---- parts ----

    def _wait_for(self, begun: la.Future[Any]) -> None:
        """Wait until a part has begun, or the master has ended."""
        decided: la.Promise[None] = la.Promise()
        for future in (begun, self.stopped):
            future.on_any(lambda _: decided.set(None))
            future.on_abandoned(lambda: decided.set(None))
        decided.future.get(timeout=START_TIMEOUT_SECONDS)
        if not self.stopped.is_pending():
            raise self._ended("start")
        begun.get()

    def _take_leave(self) -> None:
        """Let the agents leave a registry that stays: they will not come back, and the next master must not wait."""
        if self._registry is None or not self.stopped.is_pending():
            return
        for agent in self.agents:
            la.terminate(agent)
        for agent in self.agents:
            la.wait(agent, timeout=START_TIMEOUT_SECONDS)
        try:  # what the master has asked of the registrar until then is stored before this is answered
            la.dispatch(self.master, Master.ping).get(timeout=START_TIMEOUT_SECONDS)
            la.dispatch(self.registrar, Registrar.apply, Prune()).get(timeout=START_TIMEOUT_SECONDS)
        except (la.Abandoned, TimeoutError, MesosliteError) as error:
            log.warning("the agents may still be in the registry %s: %s", self._registry, error)

    def _ended(self, operation: str) -> MasterEnded:
        why = self.stopped.get(timeout=START_TIMEOUT_SECONDS)  # who watches the master hears of it as soon as we do
        return MasterEnded(f"{operation}: the master has stopped: {why or 'it was ended'}; start another cluster")

    def _make_work_dir(self, parts: ExitStack) -> Path:
        if self._work_dir is None:
            made = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="mesoslite-")))
            if os.geteuid() == 0:
                made.chmod(0o711)  # tasks of other users pass through it to their sandboxes; none can list it
            return made
        self._work_dir.mkdir(parents=True, exist_ok=True)
        return self._work_dir

    def _start_master(self, parts: ExitStack, server: HttpServer) -> None:
        listener = Listener(self._host, self._port)
        parts.callback(listener.close)
        hostname = self._hostname or listener.name
        self.url = listener.url
        self.allocator = self.runtime.spawn(Allocator(self._policies.take(), self._allocation_interval))
        storage: RegistryStorage = MemoryStorage(MemoryRegistry())
        if self._registry is not None:
            storage = SqliteStorage(self._registry)
        self.registrar = self.runtime.spawn(Registrar(storage))
        self.master = self.runtime.spawn(
            Master(
                self.allocator,
                self.registrar,
                hostname=hostname,
                port=listener.port,
                pattern_problem=pattern_problem,
            )
        )
        stopped: la.Promise[str] = la.Promise()
        self.stopped = stopped.future
        self.runtime.spawn(_MasterWatch(self.master, stopped))
        self._wait_for(la.dispatch(self.master, Master.wait_leading))
        server.serve(master_app(self.master, hosts=loopback_hosts(self._host, hostname)), listener)

    def _start_agent(self, parts: ExitStack, server: HttpServer, number: int) -> la.PID[Agent]:
        listener = Listener(self._host)
        parts.callback(listener.close)
        hostname = self._hostname or listener.name
        work_dir = self.work_dir / f"agent-{number}"
        pid = self.runtime.spawn(
            Agent(
                self.master,
                resources=self._resources,
                work_dir=work_dir,
                launcher=PosixLauncher(),
                hostname=hostname,
                port=listener.port,
                id=f"slave({number})",
            )
        )
        server.serve(agent_app(pid, work_dir, hosts=loopback_hosts(self._host, hostname)), listener)
        return pid


class _MasterWatch(la.Actor):
    """Completes ``stopped`` with why the master has stopped."""

    def __init__(self, master: la.PID[Master], stopped: la.Promise[str]) -> None:
        super().__init__("master-watch")
        self._master = master
        self._stopped = stopped

    def on_start(self) -> None:
        la.link(self._master)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        self._stopped.set("" if reason is None else f"{type(reason).__name__}: {reason}")
        la.terminate(self.pid)

    def on_stop(self) -> None:
        self._stopped.set("")  # the runtime is closed, and the master with it


def _checked_count(agents: object) -> int:
    if not isinstance(agents, int) or agents < 1:
        raise InvalidRequest(f"cluster: got {agents!r} agents, expected a number of at least 1")
    return agents


def _checked_resources(resources: object) -> Resources:
    if not isinstance(resources, (str, Resources)):
        raise InvalidResources(f"cluster: got {resources!r} as resources, expected text such as cpus:2;mem:1024")
    parsed = resources if isinstance(resources, Resources) else Resources.parse(resources)
    try:
        validate_agent_resources(parsed)
    except InvalidResources as error:
        raise InvalidResources(f"cluster: {error}") from error
    return parsed
