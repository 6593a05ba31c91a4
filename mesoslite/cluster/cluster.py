"""Cluster: masters, agents and their HTTP API inside the calling program."""

# Who calls: users who embed a cluster; the command line (`mesoslite dev`); tests.
# In this package, and only here, the parts that may not import each other meet: the allocation policy is handed to the
#   master's allocator, the containerizer to the agents, their addresses to the HTTP API.
# Order of the start: ports are taken first, because agents tell the master theirs; then actors are spawned; then the
#   ports are served. What fails on the way takes down what was started before, in reverse order, as close() does.

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.http import HttpServer, Listener
from mesoslite.agent import Agent, ExecutorOptions
from mesoslite.allocator import DEFAULT_POLICY, PolicyFactory, PolicySource
from mesoslite.api import agent_app, loopback_hosts
from mesoslite.containment import FetchingContainerizer, PosixContainerizer
from mesoslite.framework import Executor, Framework, LocalConnection, attend
from mesoslite.master import Allocator, Master, checked_interval
from mesoslite.model import (
    AllocationPolicy,
    ClusterState,
    InvalidRequest,
    MesosliteError,
    RegistryRefused,
    Resources,
)
from mesoslite.model.registry import RemoveAgent
from mesoslite.registry import Registrar

from .embedded_executors import EmbeddedContainerizer
from .flags import flags_of
from .masters import Masters, checked_count
from .resources import checked_resources
from .system_metrics import tell_of_system

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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

    ``masters`` stand in an election, and one of them leads; when it ends, by ``fail_over`` or because it failed,
    another one does. They share the registry, and listen at ``port`` and those after it.

    ``executors`` are those that live in this program, each under the command that would start it elsewhere: a subclass
    of Executor, or what else makes one.

    Use it by ``with`` or ``async with``, or call ``start`` and ``close``. At the end every task is killed and no
    process, thread or port is left. Raises, from ``start``: OSError for a port or directory that cannot be used;
    InvalidResources; InvalidRequest for a number of agents or masters below 1, an interval that is none, or an
    allocator that is not there or cannot be made; MasterEnded if it fails as it begins.
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
        masters: int = 1,
        executors: Mapping[str, Callable[[], Executor]] | None = None,
    ) -> None:
        self._master_count = checked_count(masters)
        self._agent_count = _checked_count(agents)
        self._resources = checked_resources("cluster", resources)
        self._work_dir = Path(work_dir).absolute() if work_dir is not None else None
        self._host = host
        self._port = port
        self._hostname = hostname
        self._allocation_interval = checked_interval(allocation_interval)
        self._policies = PolicySource(allocator)
        self._registry = Path(registry).absolute() if registry is not None else None
        self._executors = _checked_executors(executors)
        self._flags = flags_of(
            {
                "agents": agents,
                "resources": self._resources,
                "work_dir": self._work_dir,
                "host": host,
                "port": port,
                "hostname": hostname,
                "allocation_interval": self._allocation_interval,
                "allocator": allocator if isinstance(allocator, str) else None,
                "registry": self._registry,
                "masters": masters,
                "executors": ",".join(self._executors) or None,
            }
        )
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
            tell_of_system(self.runtime.metrics)
            server = HttpServer()
            parts.callback(server.close)
            self._masters = Masters(
                self.runtime,
                self._master_count,
                self._policies,
                self._allocation_interval,
                host=self._host,
                port=self._port,
                hostname=self._hostname,
                registry=self._registry,
                flags=self._flags,
            )
            parts.callback(self._masters.end)
            self._masters.start(parts, server)
            numbers = range(1, self._agent_count + 1)
            self.agents = tuple([self._start_agent(parts, server, number) for number in numbers])
            begun = [la.dispatch(agent, Agent.wait_registered) for agent in self.agents]
            self._agent_ids = [self._masters.wait_for("start", one) for one in begun]
            self._attendants: set[la.PID[Any]] = set()  # of the frameworks that run
            self._parts = parts.pop_all()
        return self

    def close(self) -> None:
        """Stop everything; a second call does nothing."""
        parts, self._parts = self._parts, None
        if parts is not None:
            self._masters.close()
            self._end(tuple(self._attendants))
            self._end(self.agents)
            self._clear_registry()
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
        masters = self._running("submit")
        attendant, result = attend(self.runtime, framework, LocalConnection(masters.following))
        self._attendants.add(attendant)
        return result.on_any(lambda _: self._attendants.discard(attendant))

    def state(self) -> ClusterState:
        """What the master that leads knows of agents, frameworks and tasks at this moment.

        Raises: MasterEnded, which says why, if all masters have ended by themselves.
        """
        while True:
            master = self._masters.present("state").master
            try:
                la.dispatch(master, Master.wait_leading).get(timeout=START_TIMEOUT_SECONDS)
                return la.dispatch(master, Master.state).get(timeout=START_TIMEOUT_SECONDS)
            except la.Abandoned as error:  # it has ended meanwhile; there may be another one
                if not self.stopped.is_pending():
                    raise self._masters.ended("state") from error

    def fail_over(self) -> None:
        """End the master that leads, as a crash would, and wait until another one serves: to see what that does to you.

        Tasks run on; agents and frameworks find the new one by themselves, within a second or two. In the place of the
        old one another one stands. Raises: MasterEnded, if there is nobody left to lead.
        """
        self._running("fail_over").fail_over()

    @property
    def master(self) -> la.PID[Master]:
        """The master that leads; while there is none, waits for one."""
        return self._masters.present("master").master

    @property
    def allocator(self) -> la.PID[Allocator]:
        """The allocator of that master."""
        return self._masters.present("allocator").allocator

    @property
    def registrar(self) -> la.PID[Registrar]:
        """The registrar of that master."""
        return self._masters.present("registrar").registrar

    @property
    def url(self) -> str:
        """Where the HTTP API of that master is; the others lead there."""
        return self._masters.leading("url").url

    @property
    def urls(self) -> tuple[str, ...]:
        """Where those of all masters are."""
        return self._masters.urls

    @property
    def stopped(self) -> la.Future[str]:
        """Why the last master has failed, as text: ready once none is left; empty by ``close``."""
        return self._masters.stopped

    # ---- parts ----

    def _running(self, operation: str) -> Masters:
        if self._parts is None:
            raise RuntimeError(f"{operation}: the cluster is not running; start it, or use it in a with statement")
        return self._masters

    def _end(self, pids: Sequence[la.PID[Any]]) -> None:
        """End these before the master: that they leave is then the last that it hears of them."""
        for pid in pids:
            la.terminate(pid)
        for pid in pids:
            la.wait(pid, timeout=START_TIMEOUT_SECONDS)

    def _clear_registry(self) -> None:
        """Forget agents in a registry that stays: they will not come back, and the next master must not wait.

        A master that has just taken over does not know them yet, and does not heed that they leave.
        """
        if self._registry is None or not self.stopped.is_pending():
            return
        try:  # what the master has asked of the registrar until then is stored before this is answered
            staff = self._masters.present("close")
            la.dispatch(staff.master, Master.wait_leading).get(timeout=START_TIMEOUT_SECONDS)
            la.dispatch(staff.master, Master.ping).get(timeout=START_TIMEOUT_SECONDS)  # it asks a step later
            for asked in [la.dispatch(staff.registrar, Registrar.apply, RemoveAgent(one)) for one in self._agent_ids]:
                with suppress(RegistryRefused):  # it is out already
                    asked.get(timeout=START_TIMEOUT_SECONDS)
        except (la.Abandoned, TimeoutError, MesosliteError) as error:
            log.warning("the agents may still be in the registry %s: %s", self._registry, error)

    def _make_work_dir(self, parts: ExitStack) -> Path:
        if self._work_dir is None:
            made = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="mesoslite-")))
            if os.geteuid() == 0:
                made.chmod(0o711)  # tasks of other users pass through it to their sandboxes; none can list it
            return made
        self._work_dir.mkdir(parents=True, exist_ok=True)
        return self._work_dir

    def _start_agent(self, parts: ExitStack, server: HttpServer, number: int) -> la.PID[Agent]:
        listener = Listener(self._host)
        parts.callback(listener.close)
        hostname = self._hostname or listener.name
        work_dir = self.work_dir / f"agent-{number}"
        meter = PosixContainerizer()
        containerizer = FetchingContainerizer(meter, str(work_dir))
        pid = self.runtime.spawn(
            Agent(
                self._masters.following,
                resources=self._resources,
                work_dir=work_dir,
                containerizer=EmbeddedContainerizer(containerizer, self._executors)
                if self._executors
                else containerizer,
                hostname=hostname,
                port=listener.port,
                executors=ExecutorOptions(endpoint=listener.url.removeprefix("http://")),
                id=f"slave({number})",
            )
        )
        hosts = loopback_hosts(self._host, hostname)
        app = agent_app(pid, work_dir, runtime=self.runtime, hosts=hosts, flags=self._flags, meter=meter)
        server.serve(app, listener)
        return pid


def _checked_count(agents: object) -> int:
    if not isinstance(agents, int) or agents < 1:
        raise InvalidRequest(f"cluster: got {agents!r} agents, expected a number of at least 1")
    return agents


def _checked_executors(executors: Mapping[Any, Any] | None) -> dict[str, Callable[[], Executor]]:
    checked = dict(executors or {})
    for command, make in checked.items():
        if not isinstance(command, str) or not callable(make):
            raise InvalidRequest(
                f"cluster: got the executor {command!r}: {make!r}, expected a command and a subclass of Executor"
            )
    return checked
