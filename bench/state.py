"""State: how long a client waits for all of a large cluster: at first, when some has changed, when nothing has."""

# Who calls: MasterWork (bench/master.py). Agents come with five frameworks' tasks, ten labels and two statuses each,
#   as in a failover (bench/failover.py); a change is a status of one in a hundred of them, at random. In Mesos's
#   benchmark, whose figures stand in bench/state_figures.py, half of as many tasks are completed.
# The client is another process (bench/state_client.py): the time is from its request to the last byte.
# The process is set up as `mesoslite master` sets itself up.

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import process_time, sleep
from typing import NamedTuple

import libactor as la
from bench.benchmarks import expect
from bench.failover import FRAMEWORKS, Load, Returning, Tally, Wire
from bench.stand_ins import PATIENCE_SECONDS
from libactor.http import HttpServer
from libactor.records import fragments_bound
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.api import master_app
from mesoslite.cli.prompt import prompt
from mesoslite.cli.state_cache import set_state_cache
from mesoslite.master import Allocator, Master
from mesoslite.master.viewing import IDLE_SECONDS
from mesoslite.model import AgentID, FrameworkID, Source, TaskID, TaskState, TaskStatus
from mesoslite.model.messages import StatusUpdate
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

CLIENT = Path(__file__).with_name("state_client.py")
CHANGED = 100  # one in so many tasks
REST_SECONDS = 4 * IDLE_SECONDS  # in which the master takes over for readers what has changed
STATE, CALL = "/state", "GET_STATE"


class Site(NamedTuple):
    """A master and its agents, so many tasks on each, and where it serves."""

    master: la.PID[Master]
    agents: list[la.PID[Teller]]
    tasks: int
    address: str


class Teller(Returning):
    """An agent that tells of its tasks."""

    def tell(self, master: la.PID[Master], update: StatusUpdate) -> None:
        """Say that to the master."""
        la.post(master, update)


class StateWork:
    """Each method asks for a cluster of so many agents (``count``) with so many tasks each (``extent``)."""

    def state_returned(self, count: int, extent: int) -> float:
        """/state of a master that was never asked, as soon as the last agent is back."""
        with _site(count, extent) as site:
            return _ask(site, STATE)[0]

    def state_cold(self, count: int, extent: int) -> float:
        """The same, once the master has had nothing to do for some seconds."""
        with _site(count, extent) as site:
            sleep(REST_SECONDS)
            return _ask(site, STATE)[0]

    def call_cold(self, count: int, extent: int) -> float:
        """GET_STATE, likewise."""
        with _site(count, extent) as site:
            sleep(REST_SECONDS)
            return _ask(site, CALL)[0]

    def state_changed(self, count: int, extent: int) -> float:
        """/state for who asks time and again, when one task in a hundred has changed its state."""
        with _site(count, extent) as site:
            for number in range(2):
                _ask(site, STATE)
                _change(site, number)
            return _ask(site, STATE)[0]

    def state_known(self, count: int, extent: int) -> float:
        """/state for who has it."""
        with _site(count, extent) as site:
            *_, tag = _ask(site, STATE)
            return _ask(site, STATE, tag)[0]


@contextmanager
def _site(agents: int, tasks: int) -> Iterator[Site]:
    load, kept = Load(agents, tasks, 0), fragments_bound(0)
    with prompt(), la.Runtime() as runtime, HttpServer() as server:
        set_state_cache(None)
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        master = runtime.spawn(Master(runtime.spawn(Allocator(HierarchicalAllocator())), registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        back = la.Promise[None]()
        tally = Tally(agents, back)
        tellers = [runtime.spawn(Teller(number, tally)) for number in range(agents)]
        la.tell(runtime.spawn(Wire(master, tellers, list(load.messages()))), Wire.deliver)
        back.future.get(PATIENCE_SECONDS)
        running = la.dispatch(master, Master.count, "tasks_running").get(PATIENCE_SECONDS)
        expect(running, load.active, "tasks that run")
        gc.collect()
        address = server.listen(master_app(master, runtime=runtime)).partition("//")[2]
        yield Site(master, tellers, tasks, address)
        la.terminate(master)  # before its agents: else it would lose all their tasks, one by one
        la.wait(master, PATIENCE_SECONDS)
    fragments_bound(kept)


def _ask(site: Site, path: str, tag: str = "") -> tuple[float, str]:
    """The seconds of an answer, and its tag."""
    command = [sys.executable, "-S", str(CLIENT), site.address, path, tag]
    before = process_time()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=PATIENCE_SECONDS)
    busy = process_time() - before
    seconds, status, size, given = done.stdout.split()
    expect(status, "304" if tag else "200", "status of the answer")
    expect(tag or int(size) > len(site.agents) * site.tasks * 500, tag or True, "an answer with all tasks")
    print(
        f"{path}{' with its tag' * bool(tag)}: {int(size) / 1e6:,.1f} MB, {float(seconds):.4f} s, of our processor "
        f"{busy:.3f} s",
        file=sys.stderr,
    )
    return float(seconds), given


def _change(site: Site, number: int) -> None:
    """Have some tasks change their state, and wait until the master knows."""
    count = len(site.agents) * site.tasks
    chosen = Random(number).sample(range(count), max(count // CHANGED, 1))
    before = _killing(site)
    told = []
    for one in chosen:
        agent, task = divmod(one, site.tasks)
        told.append(la.dispatch(site.agents[agent], Teller.tell, site.master, _update(agent, task)))
    la.collect(told).get(PATIENCE_SECONDS)
    expect(0 < _killing(site) - before <= len(chosen), True, "tasks that have changed")


def _killing(site: Site) -> float:
    return la.dispatch(site.master, Master.count, "tasks_killing").get(PATIENCE_SECONDS)


def _update(agent: int, task: int) -> StatusUpdate:
    """That a task is being killed."""
    status = TaskStatus(
        task_id=TaskID(f"task-{agent:05}-{task:03}"),
        state=TaskState.TASK_KILLING,
        source=Source.SOURCE_EXECUTOR,
        timestamp=1_500_000_001.0,
        agent_id=AgentID(f"agent-{agent:05}"),
        uuid=bytes(range(16)),
    )
    framework_id = FrameworkID(f"framework-{task % FRAMEWORKS}")
    return StatusUpdate(framework_id=framework_id, status=status, latest_state=TaskState.TASK_KILLING)
