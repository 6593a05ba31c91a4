"""Programs run by actors: some side by side, one in a pipeline, and one that a supervisor keeps running.

Run it:  python examples/run_programs.py   The exit status is 0 only if everything went as it should.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import libactor as la

PIPE = la.subprocess.PIPE
SECONDS = 30  # what a program may take


class Runner(la.Actor):
    """Runs command lines for others; it serves the next one while it waits for the last."""

    async def run(self, command: str, seconds: float) -> str:
        """What ``command`` put out; it is killed if that takes longer than ``seconds``."""
        child = la.subprocess.start(command, stdout=PIPE, end_group=True)
        assert child.stdout is not None
        timer = la.delay(seconds, self.pid, Runner.kill, child)
        output = await child.stdout.read_all(limit=1_000_000)
        timer.cancel()
        return f"{output.decode().strip() or 'nothing'}, status {await child.status}"

    def kill(self, child: la.subprocess.Child) -> None:
        """Time is up: end the program and what it has started."""
        child.signal_group(9)


def sort(words: list[str]) -> la.Future[bytes]:
    """The words in order, by a program that reads them from one pipe and writes them to another."""
    child = la.subprocess.start(["sort"], stdin=PIPE, stdout=PIPE, environment={"LC_ALL": "C"})
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("".join(f"{word}\n" for word in words).encode(), last=True)
    return child.stdout.read_all()


def supervised(log: Path) -> int:
    """How often a program runs that fails twice, and that a supervisor starts anew each time."""
    script = f"echo run; test $(wc -l < {log}) -eq 3"
    worker = la.Child(
        lambda: la.subprocess.Program(script, stdout=la.subprocess.Append(log)), "worker", restart="transient"
    )
    log.touch()
    with la.io.Watcher() as watcher:
        watcher.add(log)
        supervisor = la.spawn(la.Supervisor([worker]))
        while log.read_text() != "run\n" * 3:
            watcher.events().get().get(SECONDS)
        la.terminate(supervisor)
    return len(log.read_text().splitlines())


def main() -> int:
    """Run all of it and say what came of it."""
    logging.getLogger("libactor").setLevel(logging.CRITICAL)  # that a program has failed is no news here
    with la.Runtime(), tempfile.TemporaryDirectory() as folder:
        runner = la.spawn(Runner())
        commands = {"echo hello": 30.0, "echo oops; exit 3": 30.0, "sleep 1000": 0.2}
        answers = la.collect([la.dispatch(runner, Runner.run, *command) for command in commands.items()])
        words = sort(["pear", "apple", "plum"]).get(SECONDS).decode().split()
        runs = supervised(Path(folder, "log"))
        results = answers.get(SECONDS)
    for command, result in zip(commands, results, strict=True):
        print(f"{command}: {result}")
    print(f"sorted: {' '.join(words)}")
    print(f"supervised: {runs} runs")
    return 0 if results == ["hello, status 0", "oops, status 3", "nothing, status -9"] and runs == 3 else 1


if __name__ == "__main__":
    sys.exit(main())
