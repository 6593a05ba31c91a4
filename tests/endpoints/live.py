"""A real master with its registry and allocator on a paused clock, and an agent that only registers and remembers."""

import json
from typing import Any

import libactor as la
from mesoslite.allocator import HierarchicalAllocator, pattern_problem
from mesoslite.api import master_app
from mesoslite.master import Allocator, Master, MasterOptions
from mesoslite.model import (
    AgentInfo,
    AgentRegistered,
    ApplyOperation,
    Drain,
    FrameworkInfo,
    RegisterAgent,
    Resources,
    Subscribe,
)
from mesoslite.model.events import Offers, Subscribed
from mesoslite.model.messages import Ping
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

from .fakes import BOUND, request

DEFAULTS = MasterOptions()


class Guest(la.Actor):
    """An agent, or a framework: says its first word and keeps what it hears."""

    def __init__(self, master, word):
        super().__init__(la.generate_id("guest"))
        self.master, self.word = master, word
        self.heard: list[Any] = []

    def on_start(self):
        la.post(self.master, self.word)

    @la.handles(AgentRegistered)
    @la.handles(ApplyOperation)
    @la.handles(Drain)
    @la.handles(Ping)
    @la.handles(Subscribed)
    @la.handles(Offers)
    def hear(self, message):
        self.heard.append(message)

    def all_heard(self):
        return list(self.heard)


class Live:
    """The master of one test, asked over HTTP; every method settles before it returns."""

    def __init__(self, runtime, options=DEFAULTS):
        self.runtime = runtime
        runtime.clock.pause()
        self.registry = MemoryRegistry()
        allocator = runtime.spawn(Allocator(HierarchicalAllocator()))
        registrar = runtime.spawn(Registrar(MemoryStorage(self.registry)))
        self.master = runtime.spawn(
            Master(allocator, registrar, port=5050, options=options, pattern_problem=pattern_problem)
        )
        self.app = master_app(self.master, runtime=runtime)
        self.settle()

    def settle(self):
        self.runtime.clock.settle()

    def guest(self, word):
        """Somebody who says that, and what it is answered first."""
        pid = self.runtime.spawn(Guest(self.master, word))
        self.settle()
        return pid, self.heard(pid)[0]

    def agent(self, resources="cpus:4;mem:1024", hostname="host"):
        """An agent and its id."""
        info = AgentInfo(hostname=hostname, port=5051, resources=Resources.parse(resources))
        pid, answer = self.guest(RegisterAgent(info))
        return pid, answer.agent_id

    def framework(self, **details):
        """A framework and its id."""
        pid, answer = self.guest(Subscribe(FrameworkInfo(name="f", **details)))
        return pid, answer.framework_id

    def heard(self, pid):
        return la.dispatch(pid, Guest.all_heard).get(timeout=BOUND)

    def ask(self, method, path, body=b"", query="", **headers):
        """The answer to a request."""
        answer = request(self.app, method, path, body, query, **headers)
        self.settle()
        return answer

    def call(self, kind, path="/api/v1", **message):
        """The answer to a call of the operator API: its status, and what is in it, or else its text."""
        document = {"type": kind, **({kind.lower(): message} if message else {})}
        answer = self.ask("POST", path, json.dumps(document).encode(), content_type="application/json")
        if answer.status == 200 and answer.body:
            response = json.loads(answer.body)
            assert (response["type"], len(response)) == (kind, 2)
            return 200, response[kind.lower()]
        return answer.status, answer.body.decode()
