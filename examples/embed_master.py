"""A cluster inside a program: three agents, two frameworks of our own, real processes as tasks.

Run it:  python examples/embed_master.py [--work-dir DIR]

`Sprinter` runs many short shell commands, one of which fails on purpose; `Marathoner` runs a few long ones and kills
one that would never end. While they compete for the agents a table shows what the master knows; at the end there is a
summary, and the exit status is 0 only if every task ended as it should.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

import libactor as la
import mesoslite
from mesoslite import TaskState

FINISHED, FAILED, KILLED = TaskState.TASK_FINISHED, TaskState.TASK_FAILED, TaskState.TASK_KILLED
REFRESH_SECONDS = 0.2


class Workload(mesoslite.Framework):
    """Launches what is on its list as offers allow, and stops when every task has ended."""

    cpus, mem = 0.5, 64.0

    def __init__(self, commands: dict[str, tuple[str, TaskState]]) -> None:
        super().__init__()
        self.waiting = {task_id: command for task_id, (command, _) in commands.items()}
        self.expected = {task_id: state for task_id, (_, state) in commands.items()}
        self.ended: dict[str, mesoslite.TaskStatus] = {}

    def on_offers(self, offers: tuple[mesoslite.Offer, ...]) -> None:
        need = mesoslite.Resources.of(cpus=self.cpus, mem=self.mem)
        for offer in offers:
            left, tasks = offer.resources, []
            while self.waiting and left.contains(need):
                task_id, command = self.waiting.popitem()
                tasks.append(self.task(offer, command, cpus=self.cpus, mem=self.mem, task_id=task_id))
                left -= need
            self.launch(offer, tasks, refuse_seconds=0.5)
        if not self.waiting:
            self.suppress()

    def on_update(self, status: mesoslite.TaskStatus) -> None:
        if status.state.is_terminal:
            self.ended[status.task_id] = status
            if len(self.ended) == len(self.expected):
                self.stop(result=self.ended)


class Sprinter(Workload):
    """Many short commands; each writes its process id, and one fails on purpose."""

    cpus, mem = 0.25, 32.0

    def __init__(self, number: int = 100) -> None:
        commands = {f"sprint-{n}": (f"echo $$; sleep 0.{n % 5 + 1}", FINISHED) for n in range(number)}
        super().__init__(commands | {"stumble": ("echo $$; echo ouch >&2; exit 3", FAILED)})


class Marathoner(Workload):
    """A few long commands, and one without an end that loses its framework's patience."""

    cpus, mem = 1.0, 128.0

    def __init__(self, number: int = 9) -> None:
        commands = {f"marathon-{n}": ("echo $$; sleep 2", FINISHED) for n in range(number)}
        super().__init__(commands | {"endless": ("echo $$; exec sleep 3600", KILLED)})

    def on_update(self, status: mesoslite.TaskStatus) -> None:
        if status.task_id == "endless" and status.state is TaskState.TASK_RUNNING:
            la.delay(1.5, self.pid, Marathoner.lose_patience)
        super().on_update(status)

    def lose_patience(self) -> None:
        self.kill("endless")


def main(arguments: list[str] | None = None) -> int:
    """Run the two frameworks and report; 0 if every task ended as it should, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work-dir", type=Path, help="where to put the sandboxes (default: a new temporary folder)")
    work_dir = parser.parse_args(arguments).work_dir or Path(tempfile.mkdtemp(prefix="mesoslite-demo-"))
    console = Console()
    frameworks = [Sprinter(), Marathoner()]
    shares: dict[str, list[float]] = {framework.info.name: [] for framework in frameworks}
    with mesoslite.Cluster(agents=3, resources="cpus:2;mem:1024", work_dir=work_dir) as cluster:
        console.print(f"A master with 3 agents at {cluster.url}/state; sandboxes in {work_dir}", soft_wrap=True)
        done = la.collect([cluster.submit(framework) for framework in frameworks])
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while done.is_pending():
                state = cluster.state()
                live.update(Group(agent_table(state), framework_table(state)), refresh=True)
                for framework in frameworks:
                    shares[framework.info.name].append(share_of(framework, state))
                wait(done)
        done.get()
    return report(console, frameworks, shares, work_dir)


def wait(done: la.Future[list[object]]) -> None:
    """Let a moment pass, or less if the frameworks are done."""
    try:
        done.get(timeout=REFRESH_SECONDS)
    except TimeoutError:
        return


def share_of(framework: Workload, state: mesoslite.ClusterState) -> float:
    """The framework's dominant share now; 0 before it has subscribed and after it has ended."""
    return sum(entry.dominant_share for entry in state.frameworks if entry.info.name == framework.info.name)


def agent_table(state: mesoslite.ClusterState) -> Table:
    """What each agent has, and how much of it is used, offered and free."""
    table = Table("agent", "total", "used", "offered", "free", title="Agents", title_justify="left")
    for agent in state.agents:
        amounts = (agent.info.resources, agent.used, agent.offered, agent.free)
        table.add_row(agent.pid.partition("@")[0], *[str(amount) or "-" for amount in amounts])
    return table


def framework_table(state: mesoslite.ClusterState) -> Table:
    """What each framework holds, and its tasks by state."""
    table = Table("framework", "dominant share", "tasks", title="Frameworks", title_justify="left")
    for entry in (*state.frameworks, *state.completed_frameworks):
        states = Counter(task.state.name for task in (*entry.tasks, *entry.completed_tasks))
        counts = ", ".join(f"{number} {name.removeprefix('TASK_').lower()}" for name, number in sorted(states.items()))
        table.add_row(entry.info.name, f"{entry.dominant_share:.0%}", counts or "-")
    return table


def report(console: Console, frameworks: list[Workload], shares: dict[str, list[float]], work_dir: Path) -> int:
    """Print how every task ended, the shares over time and where the sandboxes are; the exit status."""
    states = Counter(status.state.name for framework in frameworks for status in framework.ended.values())
    console.print("Tasks: " + ", ".join(f"{number} {name}" for name, number in sorted(states.items())))
    for name, values in shares.items():
        console.print(f"\nDominant share of {name} over {len(values) * REFRESH_SECONDS:.0f} s")
        for line in plot(values):
            console.print(line, highlight=False)
    console.print(f"\nSandboxes, with stdout and stderr of each task: {work_dir}", soft_wrap=True)
    wrong = 0
    for framework in frameworks:
        for task_id, state in framework.expected.items():
            status = framework.ended.get(task_id)
            if status is None or status.state is not state:
                wrong += 1
                console.print(f"[red]{task_id}: expected {state.name}, got {status}")
    console.print("[red]Some tasks did not end as they should." if wrong else "[green]Every task ended as it should.")
    return 1 if wrong else 0


def plot(values: list[float], width: int = 60, height: int = 4) -> list[str]:
    """Lines of text that draw ``values``, each from 0 to 1, over time."""
    columns = [max(values[i * len(values) // width : (i + 1) * len(values) // width] or [0.0]) for i in range(width)]
    if len(values) < width:
        columns = values
    lines = []
    for row in reversed(range(height)):
        filled = [round(8 * min(max(value * height - row, 0.0), 1.0)) for value in columns]
        lines.append(f"{(row + 1) / height:5.0%} │" + "".join(" ▁▂▃▄▅▆▇█"[eighths] for eighths in filled))
    return lines


if __name__ == "__main__":
    sys.exit(main())
