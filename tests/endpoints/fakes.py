"""A master and an agent that only remember and answer, and a client for ASGI applications without sockets."""

import asyncio
import queue
from dataclasses import dataclass, field
from types import MappingProxyType

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    AgentInfo,
    AgentSnapshot,
    Decline,
    FrameworkID,
    InvalidRequest,
    Kill,
    MasterStanding,
    NotAuthorized,
    Reconcile,
    RequestResources,
    Resources,
    Revive,
    Subscribe,
    Subscribed,
    Suppress,
    Teardown,
)
from mesoslite.model.registry import QuotaConfig, Weight

from .views import view as made_view

FRAMEWORK = FrameworkID("m-0000")
SERVES = MasterStanding(leads=True, serves=True)
BOUND = 60.0  # seconds after which a test has failed; never waited for when all is well


class FakeMaster(la.Actor):
    """Admits every framework and puts what it is told into ``heard``, each with its sender."""

    def __init__(self, view=None, standing=SERVES):
        super().__init__("master")
        self._standing = standing
        self.heard = queue.SimpleQueue()
        self.served = None  # what a framework waits for before it is answered again
        self.waits = queue.SimpleQueue()  # who does
        self.views_asked = 0
        self._view = view or made_view()

    def ping(self):
        pass

    def standing(self):
        return self._standing

    def framework_principal(self, framework_id):
        known = (each.framework for each in self._view.frameworks)
        return next((each.principal or "" for each in known if each.id == framework_id), None)

    def view(self, known_number=None):
        self.views_asked += 1
        return self._view

    def weights(self):
        return (Weight("web", 2.5),)

    def quotas(self):
        return (QuotaConfig("web", (("cpus", 1000),), (("cpus", 4000), ("mem", 0))),)

    @la.handles(Subscribe)
    def subscribe(self, call, sender):
        la.link(sender)
        self.heard.put((call, sender))
        framework_id = call.framework.id or FRAMEWORK
        event = Subscribed(framework_id=framework_id, master_id="m", heartbeat_interval_seconds=15.0)
        la.post(sender, event)

    @la.handles(Accept)
    @la.handles(Decline)
    @la.handles(Kill)
    @la.handles(Acknowledge)
    @la.handles(Reconcile)
    @la.handles(Suppress)
    @la.handles(Revive)
    @la.handles(RequestResources)
    @la.handles(Teardown)
    def call(self, call, sender):
        self.heard.put((call, sender))

    def update_framework(self, call, scheduler):
        if call.framework.user == "nobody":
            raise InvalidRequest("nobody cannot be changed")
        if call.framework.user == "nobody's":
            raise NotAuthorized("nobody may")
        self.heard.put((call, scheduler))

    def wait_served(self, sender):
        self.waits.put(sender)
        return self.served and self.served.future

    def on_exited(self, pid, reason):
        self.heard.put(("exited", pid))

    def fail(self):
        raise OSError("no leadership any more")


class FakeAgent(la.Actor):
    """Answers with the snapshot it was given."""

    def __init__(self, snapshot):
        super().__init__("slave(7)")
        self._snapshot = snapshot

    def ping(self):
        pass

    def state(self):
        return self._snapshot


def agent_snapshot(*frameworks):
    info = AgentInfo(id=AgentID("m-S0"), hostname="localhost", port=5051, resources=Resources.of(cpus=2, mem=512))
    return AgentSnapshot(
        info=info, pid="slave(7)@local-1", master="master@local-1", start_time=2.0, frameworks=frameworks
    )


NO_HEADERS = MappingProxyType({})


@dataclass
class Answer:
    """What an application has sent."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""


def request(app, method, path, body=b"", query="", pieces=None, stays=False, **headers):
    """Send one request to an ASGI application and return its Answer; ``pieces`` is the body in several parts.

    A client that ``stays`` waits for the end of the answer.
    """
    return asyncio.run(ask(app, method, path, pieces or [body], query, stays, headers))


async def ask(app, method, path, pieces=(b"",), query="", stays=False, headers=NO_HEADERS):
    """As ``request``, on the loop that runs."""
    answer = Answer()
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
        for index, piece in enumerate(pieces)
    ]
    incoming += [] if stays else [{"type": "http.disconnect"}]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 5050),
    }

    async def receive():
        return incoming.pop(0) if incoming else await asyncio.Event().wait()

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message["body"]

    await asyncio.wait_for(app(scope, receive, send), BOUND)
    return answer
