"""A master and an agent at ports of their own, for clients that others have written."""

from urllib.parse import urlsplit

import pytest

import libactor as la
from libactor.http import HttpServer, Listener
from mesoslite.agent import Agent
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.api import agent_app, master_app
from mesoslite.containment import PosixContainerizer
from mesoslite.master import Allocator, Master, MasterOptions
from mesoslite.model import Leader, MasterInfo, MasterStanding, Resources
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

BOUND = 60.0  # seconds after which a test has failed; never waited for when all is well
# mesoshttp sees an event when the next one comes.
HEARTBEATS = MasterOptions(heartbeat_interval=0.02)


class Standby(la.Actor):
    """A master that does not lead."""

    def __init__(self, url):
        super().__init__("standby")
        leads = urlsplit(url)
        self._leader = Leader(MasterInfo(id="m", hostname=leads.hostname, port=leads.port))

    def standing(self):
        return MasterStanding(leader=self._leader)


class Site:
    """A master and an agent, with ``containerizer``; ``url`` is the master's."""

    def __init__(self, runtime, server, work_dir, containerizer):
        self.runtime = runtime
        self.server = server
        allocator = runtime.spawn(Allocator(HierarchicalAllocator(), 0.02))
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        self.master = runtime.spawn(Master(allocator, registrar, options=HEARTBEATS))
        la.dispatch(self.master, Master.wait_leading).get(timeout=BOUND)
        resources = Resources.parse("cpus:2;mem:256;ports:[31000-31009]")
        listener = Listener()
        self.agent = runtime.spawn(
            Agent(
                self.master,
                hostname="127.0.0.1",
                port=listener.port,
                resources=resources,
                work_dir=work_dir,
                containerizer=containerizer,
            )
        )
        server.serve(agent_app(self.agent, work_dir, runtime=runtime), listener)
        la.dispatch(self.agent, Agent.wait_registered).get(timeout=BOUND)
        self.url = server.listen(master_app(self.master, runtime=runtime))

    def state(self):
        """What the master knows."""
        return la.dispatch(self.master, Master.state).get(timeout=BOUND)

    def standby(self):
        """Where a master is that does not lead, and says that this one does."""
        return self.server.listen(master_app(self.runtime.spawn(Standby(self.url))))

    def end_streams(self):
        """End what frameworks are told, in order, as a master does that is stopped."""
        for pid in self.runtime.pids():
            if pid.id.startswith("subscription"):
                la.terminate(pid)


@pytest.fixture
def site(tmp_path):
    with la.Runtime() as runtime, HttpServer() as server:
        yield Site(runtime, server, tmp_path, PosixContainerizer())
