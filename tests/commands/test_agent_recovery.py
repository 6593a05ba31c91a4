"""`mesoslite agent` is killed, or lets go, while tasks of all kinds run: the next one goes on with them."""

# Goal: nothing is lost, nothing is told as two things, and nothing is left. Method: a master, an agent with
#   supervisors, and a framework over HTTP, whose tasks run on, end, fail and are killed while there is no agent, and
#   whose executor finds the next one.

import os
import signal
import sys
from pathlib import Path

import pytest

import libactor as la
from mesoslite import Framework, TaskState
from mesoslite.containment.supervisors import PROGRAM
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection

from .ports import free_port
from .test_nodes import PATIENCE, address, finish, get, registered, start_agent, start_master

__all__ = ["address"]  # a fixture

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not PROGRAM.exists(), reason="the supervisor was not built, for lack of a compiler"),
]

# What a task does, by its kind; it waits in its sandbox for a file that tells it to go on.
WAIT = "while [ ! -e go ]; do sleep 0.05; done;"
COMMANDS = {
    "lives": "sleep 1000",
    "ends": f"{WAIT} exit 0",
    "fails": f"{WAIT} exit 7",
    "late": f"{WAIT} exit 3",
    "stubborn": "trap '' TERM; while true; do sleep 0.05; done",  # is killed before, and its grace ends meanwhile
}
ENDS = {"ends": "FINISHED", "fails": "FAILED", "late": "FAILED", "stubborn": "KILLED", "echo": "FINISHED"}
COPIES = 4
ECHO = """
import mesoslite


class Echo(mesoslite.Executor):
    def on_launch(self, task):
        self.update(task.task_id, mesoslite.TaskState.TASK_RUNNING)

    def on_message(self, data):
        self.update("echo", mesoslite.TaskState.TASK_FINISHED)


mesoslite.run_executor(Echo())
"""


class Many(Framework):
    """Launches all of them at once, and an executor with one; notes each status once, in order."""

    def __init__(self, program):
        super().__init__("many", failover_timeout=600, checkpoint=True)
        self.program, self.has_launched = program, False
        names = [f"{kind}-{number}" for kind in COMMANDS for number in range(COPIES)]
        self.heard = {name: [] for name in (*names, "echo")}
        self.running, self.asked, self.ended = la.Promise(), la.Promise(), la.Promise()

    def on_offers(self, offers):
        for offer in offers:
            tasks = []
            if not self.has_launched:
                tasks = [
                    self.task(offer, COMMANDS[name.split("-")[0]], cpus=0.1, task_id=name, kill_grace_seconds=1.0)
                    for name in self.heard
                    if name != "echo"
                ]
                executor = self.executor("echo", f"exec {sys.executable} {self.program}", cpus=0.1, mem=32)
                tasks.append(self.task(offer, executor=executor, cpus=0.1, task_id="echo"))
            self.has_launched = True
            self.launch(offer, tasks)

    def on_update(self, status):
        if status.uuid is None or status.uuid in [one.uuid for one in self.heard[status.task_id]]:
            return
        self.heard[status.task_id].append(status)
        last = {name: each[-1].state for name, each in self.heard.items() if each}
        if list(last.values()).count(TaskState.TASK_RUNNING) == len(self.heard):
            self.running.set(status.agent_id)
        if all(name in last and last[name].is_terminal for name in self.heard if not name.startswith("lives")):
            self.ended.set(None)

    def kill_stubborn(self):
        for name in self.heard:
            if name.startswith("stubborn"):
                self.kill(name)

    def end_echo(self, agent_id):
        self.tell_executor(agent_id, "echo", b"")

    def states(self):
        return {name: [one.state.name.removeprefix("TASK_") for one in each] for name, each in self.heard.items()}


def sandbox(work: Path, name: str) -> Path:
    return next(work.glob(f"slaves/*/frameworks/*/executors/{name}/runs/latest"))


def tell(work: Path, kind: str) -> None:
    for number in range(COPIES):
        (sandbox(work, f"{kind}-{number}") / "go").touch()


def expected(name: str) -> list[str]:
    kind = name.split("-")[0]
    before = ["RUNNING"] if kind == "echo" else ["STARTING", "RUNNING"]
    return before + ([ENDS[kind]] if kind in ENDS else [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_that_ran_is_gone_on_with(address, tmp_path, number):
    work, program = tmp_path / "work", tmp_path / "echo.py"
    program.write_text(ECHO)
    options = (
        "--port",
        str(free_port()),
        "--resources",
        "cpus:8;mem:1024",
        "--executor-reregistration-timeout",
        "15secs",
    )
    _, url = start_master(address, tmp_path / "registry.db")
    first = start_agent(address, work, *options)
    before = registered(first)
    with la.Runtime() as runtime:
        many = Many(program)
        result = submit(runtime, many, HttpConnection(url))
        many.running.future.get(timeout=PATIENCE)
        la.dispatch(many.pid, Many.kill_stubborn).get(timeout=PATIENCE)

        first.send_signal(number)
        finish(first)
        tell(work, "ends")
        tell(work, "fails")
        second = start_agent(address, work, *options)
        after = registered(second)
        tell(work, "late")
        la.dispatch(many.pid, Many.end_echo, after).get(timeout=PATIENCE)
        many.ended.future.get(timeout=PATIENCE)
        states = la.dispatch(many.pid, Many.states).get(timeout=PATIENCE)
        state = get(f"{url}/state")
        second.send_signal(signal.SIGINT)
        status, _, errors = finish(second)
        result.discard()

    assert after == before
    assert states == {name: expected(name) for name in states}
    running = [task["id"] for task in state["frameworks"][0]["tasks"] if task["state"] == "TASK_RUNNING"]
    assert sorted(running) == [f"lives-{number}" for number in range(COPIES)]
    assert (status, errors) == (0, "")
    assert os.listdir(work / "runtime/containers") == []
