"""An executor by the standard library alone: runs tasks by saying so, echoes messages, and ends when it is told to."""

# Run by agents, in processes of its own: see test_executors.py. A task whose data is "exit" ends it at once.

import base64
import http.client
import json
import os
import sys
import uuid

PATH = "/api/v1/executor"
IDS = {
    "framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]},
}


def post(document):
    connection = http.client.HTTPConnection(os.environ["MESOS_AGENT_ENDPOINT"])
    connection.request("POST", PATH, json.dumps({**IDS, **document}), {"Content-Type": "application/json"})
    return connection.getresponse()


def update(task_id, state):
    name = base64.b64encode(uuid.uuid4().bytes).decode()
    status = {"task_id": task_id, "state": state, "source": "SOURCE_EXECUTOR", "uuid": name}
    answer = post({"type": "UPDATE", "update": {"status": status}})
    assert answer.status == 202, (answer.status, answer.read())


def events(stream):
    while digits := stream.readline():
        yield json.loads(stream.read(int(digits)))


def launch(task):
    if base64.b64decode(task.get("data", "")) == b"exit":
        sys.exit(7)
    update(task["task_id"], "TASK_STARTING")
    update(task["task_id"], "TASK_RUNNING")


def main():
    stream = post({"type": "SUBSCRIBE", "subscribe": {}})
    assert stream.status == 200, stream.read()
    for event in events(stream):
        sys.stdout.write(f"{event['type']}\n")
        sys.stdout.flush()
        if event["type"] == "LAUNCH":
            launch(event["launch"]["task"])
        elif event["type"] == "LAUNCH_GROUP":
            for task in event["launch_group"]["task_group"]["tasks"]:
                launch(task)
        elif event["type"] == "KILL":
            update(event["kill"]["task_id"], "TASK_KILLED")
        elif event["type"] == "MESSAGE":
            post({"type": "MESSAGE", "message": {"data": event["message"]["data"]}})
        elif event["type"] == "SHUTDOWN":
            return


main()
