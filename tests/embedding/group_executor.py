"""An executor as Mesos's default one: it runs each task of a group as a container in its own, by the agent's API.

It knows nothing of mesoslite: it speaks HTTP with what Python has.
"""

# Who calls: an agent starts it for test_nested_executor.py.

import base64
import http.client
import json
import os
import threading
import uuid

ENDPOINT = os.environ["MESOS_AGENT_ENDPOINT"]
SELF = {
    "framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]},
}


def post(path, document):
    """Send a call; the status, and what is answered."""
    connection = http.client.HTTPConnection(ENDPOINT)
    connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
    return connection.getresponse()


def nested(kind, container_id, **fields):
    answer = post("/api/v1", {"type": kind, kind.lower(): {"container_id": container_id, **fields}})
    body = answer.read()
    assert answer.status in (200, 404), (kind, answer.status, body)
    return json.loads(body) if answer.status == 200 and body else {}


def records(stream):
    """The events of a stream that is RecordIO."""
    while line := stream.readline():
        yield json.loads(stream.read(int(line)))


class Group:
    """The tasks, each with its container; when all have ended, and that is known, the program may end."""

    def __init__(self, container_id):
        self.container_id = container_id
        self.containers, self.killed, self.lock = {}, set(), threading.Lock()
        self.told = {}  # uuids that are not acknowledged

    def update(self, task_id, state, **fields):
        number = uuid.uuid4().bytes
        status = {"task_id": {"value": task_id}, "state": state, "source": "SOURCE_EXECUTOR", **fields}
        status["uuid"] = base64.b64encode(number).decode()
        status["container_status"] = {"container_id": self.containers[task_id]}
        self.told[status["uuid"]] = state
        assert post("/api/v1/executor", {**SELF, "type": "UPDATE", "update": {"status": status}}).status == 202

    def launch(self, tasks):
        for task in tasks:
            task_id = task["task_id"]["value"]
            self.containers[task_id] = {"value": f"c-{uuid.uuid4()}", "parent": self.container_id}
            nested("LAUNCH_NESTED_CONTAINER", self.containers[task_id], command=task["command"])
            self.update(task_id, "TASK_RUNNING")
        for task_id in list(self.containers):
            threading.Thread(target=self.wait, args=(task_id,)).start()

    def wait(self, task_id):
        ended = nested("WAIT_NESTED_CONTAINER", self.containers[task_id])["wait_nested_container"]
        status = ended["exit_status"]
        state = "TASK_FINISHED" if status == 0 else "TASK_KILLED" if task_id in self.killed else "TASK_FAILED"
        if status != 0:
            for other in set(self.containers) - {task_id}:
                self.kill(other)
        self.update(task_id, state, message=f"status {status}")
        nested("REMOVE_NESTED_CONTAINER", self.containers[task_id]) if state == "TASK_KILLED" else None

    def kill(self, task_id):
        with self.lock:
            is_first = task_id not in self.killed
            self.killed.add(task_id)
        if is_first:
            nested("KILL_NESTED_CONTAINER", self.containers[task_id], signal=15)

    def acknowledged(self, number):
        del self.told[number]
        return bool(self.containers) and not self.told and threading.active_count() == 1


def main():
    stream = post("/api/v1/executor", {**SELF, "type": "SUBSCRIBE", "subscribe": {}})
    assert stream.status == 200
    events = records(stream)
    group = Group(next(events)["subscribed"]["container_id"])
    for event in events:
        if event["type"] == "LAUNCH_GROUP":
            group.launch(event["launch_group"]["task_group"]["tasks"])
        elif event["type"] == "KILL":
            group.kill(event["kill"]["task_id"]["value"])
        elif event["type"] == "ACKNOWLEDGED" and group.acknowledged(event["acknowledged"]["uuid"]):
            return


if __name__ == "__main__":
    main()
