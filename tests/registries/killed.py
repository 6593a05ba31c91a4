"""A program whose children keep a registry until they are killed, and say what was acknowledged."""

# Who calls: test_killed.py, as a program of its own: `killed.py <folder> <children>`. For each child it is sent a line.
# Children are forked off a process that has imported all it needs and has no threads, so each costs some milliseconds.
# Lines are written at once, so that none is torn when a child is killed: pid, recovered, ask <n>, ack <n>, and, of the
#   program itself, dead <exit code>.

import os
import signal
import sys
from pathlib import Path

import libactor as la
from mesoslite.model import AgentID, AgentInfo, MasterInfo, Resources
from mesoslite.model.registry import AdmitAgent
from mesoslite.registry import Registrar, SqliteStorage

ASKED_MAX = 400
RESOURCES = Resources.of(cpus=1)


def say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def keep(path: Path) -> None:
    """Admit agents, some at a time, as fast as they are acknowledged."""
    say("pid", os.getpid())
    with la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(SqliteStorage(path)))
        la.dispatch(registrar, Registrar.recover, MasterInfo(id="killed")).get()
        say("recovered")
        number = 0
        while number < ASKED_MAX:
            futures = []
            for _ in range(1 + number % 5):
                say("ask", number)
                info = AgentInfo(hostname="host", port=5051, resources=RESOURCES, id=AgentID(str(number)))
                future = la.dispatch(registrar, Registrar.apply, AdmitAgent(info))
                future.on_ready(lambda _, number=number: say("ack", number))
                futures.append(future)
                number += 1
            la.collect(futures).get()
        signal.pause()


def main() -> None:
    folder, children = Path(sys.argv[1]), int(sys.argv[2])
    for child in range(children):
        sys.stdin.readline()
        pid = os.fork()
        if pid == 0:
            keep(folder / f"{child}.db")
        say("dead", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
