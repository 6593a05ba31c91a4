"""An agent with an executor that lives, and its HTTP API: containers without processes, which the test ends."""

# Who calls: the tests of nested containers in this folder.

import json

from mesoslite.api import agent_app
from mesoslite.model import CommandInfo
from tests.agents.executors import Program, launch, make_executor, task_of
from tests.agents.house import House

from .fakes import request

RECORDIO = {"content_type": "application/recordio", "message_content_type": "application/json"}


def record(document):
    """A document as it stands in a stream."""
    text = json.dumps(document)
    return f"{len(text)}\n{text}".encode()


class Contained:
    """``box`` is the container of the executor, ``root`` its id."""

    def __init__(self, runtime, work_directory, **options):
        self.house = House(runtime, work_directory)
        self.house.open()
        executor = make_executor()
        command = CommandInfo(value="run", user="ann")
        self.box = launch(self.house, task_of(type(executor)(**{**_fields(executor), "command": command})))
        Program(self.house).subscribe()
        self.root = self.box.config.container_id
        self.app = agent_app(self.house.agent, work_directory, runtime=runtime, **options)

    def id(self, *names):
        """The id of a container, or of one in it, as JSON."""
        document = {"value": self.root}
        for name in names:
            document = {"value": name, "parent": document}
        return document

    def call(self, kind, *names, stays=True, headers=None, **fields):
        """Send a call about a container; its Answer."""
        body = {"type": kind, kind.lower(): {"container_id": self.id(*names), **fields}}
        sent = {"content_type": "application/json", **(headers or {})}
        return request(self.app, "POST", "/api/v1", json.dumps(body).encode(), stays=stays, **sent)

    def launch(self, *names, kind="LAUNCH_NESTED_CONTAINER", **fields):
        """Have a container launched; the status, and its box."""
        command = fields.pop("command", {"value": "true"})
        return self.call(kind, *names, command=command, **fields).status, self.house.boxes.made[-1]

    def stream(self, *documents, end=b"", headers=None):
        """Send a body that is a stream; its Answer."""
        pieces = [*map(record, documents), end]
        return request(self.app, "POST", "/api/v1", pieces=pieces, stays=True, **(headers or RECORDIO))


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
