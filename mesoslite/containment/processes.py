"""The processes of a container, found in /proc: its first process, what that started, and their sessions."""

# Who calls: launcher.py, when it ends a container, and when a container's first process has ended.
# A family is closed under two relations: a child of a member belongs to it, and so does whoever shares a session with
#   a member. The first finds a child that made a session of its own, the second one whose parent has gone. What did
#   both leaves no trace here; only a cgroup can hold it.
# Invariant: no signal reaches a stranger. A process is named by its pid and its start time, and is signalled through a
#   pidfd that was opened before the start time was compared, so a pid that was given away meanwhile does not match.
# Source: Mesos stout os/killtree.hpp, which stops the processes first; here a group is signalled in one call, and
#   killing goes on until a look at /proc shows nothing new: what has been sent SIGKILL cannot fork any more.

import logging
import os
import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass

log = logging.getLogger("mesoslite")


@dataclass(frozen=True, slots=True)
class ProcessName:
    """One process, told from any later one of the same pid by ``start_ticks``, its start in ticks since boot."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What /proc/<pid>/stat says."""

    name: ProcessName
    parent: int
    session: int
    is_zombie: bool


def find_survivors(leaders: Collection[int]) -> set[int]:
    """Those of ``leaders`` whose sessions hold another process.

    Cost: one system call for each process of the machine, so it is cheap enough for every end of a container.
    """
    survived = set()
    for pid in _pids():
        try:
            session = os.getsid(pid)
        except ProcessLookupError:
            continue
        if session in leaders and pid != session:
            survived.add(session)
    return survived


def find_family(leader: int, known: Iterable[ProcessName] = ()) -> set[ProcessName]:
    """The living processes that descend from ``leader``, or from one of ``known`` that still lives; roots included.

    Cost: reads one file for each process of the machine.
    """
    table = {entry.name.pid: entry for entry in map(_read, _pids()) if entry is not None}
    children: dict[int, list[int]] = {}
    sessions: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
        sessions.setdefault(entry.session, []).append(pid)
    reached = {name.pid for name in known if name.pid in table and table[name.pid].name == name}
    if leader in table:
        reached.add(leader)
    waiting = list(reached)
    while waiting:
        pid = waiting.pop()
        fresh = {*children.get(pid, ()), *sessions[table[pid].session]} - reached
        reached |= fresh
        waiting += fresh
    assert os.getpid() not in reached, "a container is never of its agent's own session"
    return {table[pid].name for pid in reached if not table[pid].is_zombie}


def kill_family(leader: int, known: Iterable[ProcessName] = ()) -> None:
    """Kill the family of ``leader``, with whoever it starts meanwhile. ``leader`` must not have been reaped."""
    _kill_group(leader)
    killed: set[ProcessName] = set()
    while fresh := find_family(leader, {*known, *killed}) - killed:
        for name in fresh:
            send_signal(name, signal.SIGKILL)
        killed |= fresh


def send_signal(name: ProcessName, number: signal.Signals) -> None:
    """Signal exactly that process; nothing happens if it has ended."""
    try:
        pidfd = os.pidfd_open(name.pid)
    except ProcessLookupError:
        return
    try:
        entry = _read(name.pid)
        if entry is not None and entry.name == name:
            signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        log.warning("container: process %d may not be sent %s: %s", name.pid, number.name, error)
    finally:
        os.close(pidfd)


def _kill_group(leader: int) -> None:
    """Kill the process group that ``leader`` leads in one step, so that even one that forks on and on is caught."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        log.info("container: process group %d has gone, though its leader was not reaped here", leader)
    except PermissionError as error:
        log.warning("container: process group %d may not be killed: %s", leader, error)


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]


def _read(pid: int) -> _Entry | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4096)
    except (FileNotFoundError, ProcessLookupError):
        return None
    # After the name, which may hold anything in its brackets: state, parent, group, session, …, start (the 20th).
    fields = text[text.rindex(b")") + 2 :].split()
    return _Entry(
        name=ProcessName(pid, int(fields[19])),
        parent=int(fields[1]),
        session=int(fields[3]),
        is_zombie=fields[0] in (b"Z", b"X"),
    )
