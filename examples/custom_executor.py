"""An executor of one's own: one program that runs many small tasks, where each command would be a process.

Run it:  python examples/custom_executor.py

`Factors` is the executor: agents start this very file with `--execute`. It splits a number, the task's data, into its
prime factors, and sends them along with the status that ends the task. `Factory` is the framework that launches it.
"""

from __future__ import annotations

import shlex
import sys

import libactor as la
import mesoslite
from mesoslite import TaskState

NUMBERS = (12, 97, 1_001, 65_536, 999_983)
STEPS = 10_000  # between two looks at what else there is to do


class Factors(mesoslite.Executor):
    """Runs its tasks side by side, in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: set[str] = set()

    async def on_launch(self, task: mesoslite.TaskInfo) -> None:
        self.update(task.task_id, TaskState.TASK_RUNNING)
        number, factor, factors = int(task.data or b"1"), 2, list[int]()
        for step in range(number):
            if step % STEPS == 0:
                await la.sleep(0)  # so that kills, and other tasks, come in between
            if task.task_id in self.killed or number == 1:
                break
            if number % factor:
                factor += 1
            else:
                number //= factor
                factors.append(factor)
        if task.task_id not in self.killed:
            self.update(task.task_id, TaskState.TASK_FINISHED, data=str(factors).encode())

    def on_kill(self, task_id: str, grace_seconds: float | None) -> None:
        self.killed.add(task_id)
        self.update(task_id, TaskState.TASK_KILLED)


class Factory(mesoslite.Framework):
    """Has numbers split; its result is their factors, by number."""

    def __init__(self, numbers: tuple[int, ...] = NUMBERS) -> None:
        super().__init__()
        self.waiting, self.numbers = list(numbers), numbers
        self.found: dict[int, str] = {}

    def on_offers(self, offers: tuple[mesoslite.Offer, ...]) -> None:
        offer, *others = offers
        self.decline(*others)
        command = f"exec {shlex.quote(sys.executable)} {shlex.quote(__file__)} --execute"
        executor = self.executor("factors", command, cpus=0.1, mem=32)
        numbers, self.waiting = [str(number) for number in self.waiting], []
        self.launch(
            offer,
            [
                self.task(offer, executor=executor, data=number.encode(), cpus=0.1, mem=32, task_id=number)
                for number in numbers
            ],
        )

    def on_update(self, status: mesoslite.TaskStatus) -> None:
        if status.state.is_terminal:
            text = (status.data or b"").decode() if status.state is TaskState.TASK_FINISHED else status.message
            self.found[int(status.task_id)] = text
            if len(self.found) == len(self.numbers):
                self.stop(self.found)


def main() -> None:
    if "--execute" in sys.argv:
        mesoslite.run_executor(Factors())
        return
    with mesoslite.Cluster(agents=1) as cluster:
        for number, factors in sorted(cluster.run(Factory(), timeout=60).items()):
            sys.stdout.write(f"{number}: {factors}\n")


if __name__ == "__main__":
    main()
