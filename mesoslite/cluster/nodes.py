"""Nodes: a master, or an agent, as a program of its own, which others reach through libactor's transport."""

# Who calls: the command line (`mesoslite master`, `mesoslite agent`).
# A master is at the address of its runtime under the id `master`, an agent under `slave(1)`; the HTTP API of each has
#   a port of its own.

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.http import HttpServer, Listener
from mesoslite.agent import Agent, ExecutorOptions, GarbageOptions, RecoveryOptions
from mesoslite.agent.recovery import former_port
from mesoslite.allocator import PolicyFactory, PolicySource
from mesoslite.api import NOBODY, Authentication, agent_app, loopback_hosts
from mesoslite.containment import FetchingContainerizer, PosixContainerizer, SupervisedContainerizer
from mesoslite.master import AgentOptions, MasterOptions, checked_interval
from mesoslite.model import AllocationPolicy

from .claims import claimed, claimed_cache
from .containerizers import ContainmentOptions, make_containerizer, make_directory
from .flags import flags_of
from .masters import Masters
from .named_master import master_at
from .resources import completed_resources
from .system_metrics import tell_of_system
from .token_containerizer import TokenContainerizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import AgentID, Attribute, FaultDomain

log = logging.getLogger("mesoslite")


class MasterNode:
    """A master that agents of other programs join at ``remote``.

    ``flags`` are told by its HTTP API, which asks for ``authentication``, ``whitelist`` is a file with the hosts whose
    agents are offered, the rest is as of Cluster, MasterOptions and AgentOptions. Raises: InvalidRequest; from
    ``start``: OSError for a port or that file, InvalidRequest for that or an allocation policy that cannot be made,
    MasterEnded.
    """

    def __init__(
        self,
        remote: la.Remote,
        *,
        host: str,
        port: int,
        hostname: str,
        registry: str | Path | None,
        options: MasterOptions,
        agents: AgentOptions,
        allocator: str | PolicyFactory | AllocationPolicy,
        allocation_interval: float,
        flags: Mapping[str, object],
        authentication: Authentication = NOBODY,
        whitelist: str | Path | None = None,
    ) -> None:
        self.host = host
        self._remote = remote
        self._port, self._hostname = port, hostname
        self._whitelist = Path(whitelist).absolute() if whitelist is not None else None
        self._registry = Path(registry).absolute() if registry is not None else None
        self._options, self._agents = options, agents
        self._policies = PolicySource(allocator)
        self._interval = checked_interval(allocation_interval)
        self._flags = flags_of(flags)
        self._authentication = authentication
        self._parts = ExitStack()

    def start(self) -> None:
        """Stand, and wait until it leads."""
        with ExitStack() as parts:
            runtime = parts.enter_context(la.Runtime(remote=self._remote))
            tell_of_system(runtime.metrics)
            server = HttpServer()
            parts.callback(server.close)
            self.address = runtime.address
            self._masters = Masters(
                runtime,
                1,
                self._policies,
                self._interval,
                host=self.host,
                port=self._port,
                hostname=self._hostname,
                registry=self._registry,
                options=self._options,
                agents=self._agents,
                flags=self._flags,
                authentication=self._authentication,
                whitelist=self._whitelist,
            )
            parts.callback(self._masters.end)
            self._masters.start(parts, server)
            self._parts = parts.pop_all()

    def close(self) -> None:
        """End it; agents hear of it."""
        self._masters.close()
        self._parts.close()

    @property
    def url(self) -> str:
        """Where its HTTP API is."""
        return self._masters.urls[0]

    @property
    def stopped(self) -> la.Future[str]:
        """Why it has ended by itself, as text; empty by ``close``."""
        return self._masters.stopped


class AgentNode:
    """An agent that joins the master at the address ``master``, named or in numbers, and is found by it at ``remote``.

    ``flags`` are told by its HTTP API, which asks for ``authentication``, ``containment`` says how its containers are
    made, streams of what these print beat each ``heartbeat_seconds``; of ``resources`` what is left out is the
    machine's. The rest is as of Agent.
    Raises: InvalidRequest; from ``start``: OSError for a port, a control group, or a directory, which is also another
    agent's (BlockingIOError). What cannot be recovered ends it, and ``stopped`` says why; ``begun`` is
    ready as soon as all is.
    """

    def __init__(
        self,
        master: str,
        remote: la.Remote,
        *,
        resources: str,
        attributes: tuple[Attribute, ...],
        domain: FaultDomain | None = None,
        work_dir: str | Path,
        host: str,
        port: int,
        hostname: str,
        flags: Mapping[str, object],
        recovery: RecoveryOptions | None = None,
        garbage: GarbageOptions | None = None,
        executors: ExecutorOptions | None = None,
        authentication: Authentication = NOBODY,
        containment: ContainmentOptions | None = None,
        heartbeat_seconds: float = 30.0,
    ) -> None:
        self.master_address = master
        self._recovery, self._garbage, self._executors = recovery, garbage, executors or ExecutorOptions()
        self.work_dir = Path(work_dir).absolute()
        self.resources = completed_resources(resources, self.work_dir)
        self.host = host
        self._remote = remote
        self._containment = containment or ContainmentOptions()
        self._heartbeat_seconds = heartbeat_seconds
        told = {attribute.name for attribute in attributes}
        self._attributes = (*attributes, *[own for own in self._containment.attributes if own.name not in told])
        self._port, self._hostname = port, hostname
        self._domain = domain
        self._parts = ExitStack()
        self._flags = flags_of(flags)
        self._authentication = authentication
        self._stopped: la.Promise[str] = la.Promise()

    def start(self) -> None:
        """Begin to look for the master. What is refused before that leaves no work directory."""
        with ExitStack() as parts:
            claim = parts.enter_context(ExitStack())  # given up last, when nothing runs there any more
            runtime = parts.enter_context(la.Runtime(remote=self._remote))
            tell_of_system(runtime.metrics)
            parts.callback(self._stopped.set, "")
            server = HttpServer()
            parts.callback(server.close)
            listener = self._listen()
            parts.callback(listener.close)
            self.url, hostname = listener.url, self._hostname or listener.name
            master = master_at(self.master_address, runtime)
            containerizer = make_containerizer(self._containment, self.work_dir)
            fetching = FetchingContainerizer(containerizer, str(self.work_dir), self._containment.fetcher)
            _tell_of_containers(runtime, containerizer, fetching)
            tokens = self._authentication.executor_tokens
            agent = Agent(
                master,
                resources=self.resources,
                work_dir=self.work_dir,
                containerizer=TokenContainerizer(fetching, tokens) if tokens is not None else fetching,
                hostname=hostname,
                port=listener.port,
                attributes=self._attributes,
                domain=self._domain,
                recovery=self._recovery,
                garbage=self._garbage,
                executors=replace(self._executors, endpoint=self.url.removeprefix("http://")),
                container_ip=self._container_ip(runtime.address),
                id="slave(1)",
            )
            make_directory(self.work_dir, "--work-dir")
            claim.enter_context(claimed(self.work_dir))
            if (cache := self._containment.fetcher.cache_directory) is not None:
                claim.enter_context(claimed_cache(Path(cache)))
            pid = runtime.spawn(agent)
            runtime.spawn(_EndWatch(pid, self._stopped))
            hosts = loopback_hosts(self.host, hostname)
            app = agent_app(
                pid,
                self.work_dir,
                runtime=runtime,
                hosts=hosts,
                flags=self._flags,
                meter=containerizer,
                is_recovered=lambda: agent.is_recovered,
                authentication=self._authentication,
                heartbeat_seconds=self._heartbeat_seconds,
            )
            server.serve(app, listener)
            self.begun: la.Future[None] = la.dispatch(pid, Agent.ping)
            self.registered: la.Future[AgentID] = la.dispatch(pid, Agent.wait_registered)
            self._outlives = self._recovery is not None and not isinstance(containerizer, PosixContainerizer)
            self._pid = pid
            self._parts = parts.pop_all()

    def _container_ip(self, address: str) -> str:
        """Where tasks are reached by others: at the machine's ``address``, unless they have a network of their own."""
        return "" if "namespaces/net" in self._containment.names else address.rpartition(":")[0].strip("[]")

    def _listen(self) -> Listener:
        """The port of its HTTP API; where any will do, that of the agent that was here, which executors know."""
        recovers = self._port == 0 and self._recovery is not None
        former = former_port(str(self.work_dir)) if recovers else None
        if former is not None:
            with suppress(OSError):
                return Listener(self.host, former)
        return Listener(self.host, self._port)

    def close(self) -> None:
        """End it and its tasks; it takes leave of its master."""
        self._parts.close()

    def let_go(self) -> None:
        """End it, and leave tasks that can outlive it to whoever begins in its work directory; else as ``close``."""
        if self._outlives:
            la.dispatch(self._pid, Agent.let_go)
            la.wait(self._pid)
        self._parts.close()

    @property
    def stopped(self) -> la.Future[str]:
        """Why it has ended by itself, as text; empty by ``close``, or if its master told it to."""
        return self._stopped.future


def _tell_of_containers(
    runtime: la.Runtime,
    containerizer: PosixContainerizer | SupervisedContainerizer,
    fetching: FetchingContainerizer,
) -> None:
    """What goes wrong with containers of plain processes is only logged, as there is nothing to clean up."""
    figures = {f"fetcher/{name}": figure for name, figure in fetching.figures.items()}
    if isinstance(containerizer, SupervisedContainerizer):
        figures["mesos/container_destroy_errors"] = lambda: containerizer.destroy_errors
    for name, figure in figures.items():
        runtime.metrics.add(la.metrics.Gauge(f"containerizer/{name}", figure))


class _EndWatch(la.Actor):
    """Completes ``stopped`` with why an actor has ended."""

    def __init__(self, pid: la.PID[Any], stopped: la.Promise[str]) -> None:
        super().__init__("end-watch")
        self._watched = pid
        self._stopped = stopped

    def on_start(self) -> None:
        la.link(self._watched)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        if reason is not None and la.is_foreseen(reason):  # what was not, the runtime has logged
            log.error("%s has stopped: %s", pid, reason)
        self._stopped.set("" if reason is None else f"{type(reason).__name__}: {reason}")
