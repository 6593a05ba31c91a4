"""The processes of a container, found in /proc: its first process, what that started, and their sessions."""

# Who calls: posix.py, in its own thread, when it ends a container, and when a container's first process has ended;
#   usage.py, in the thread of whoever asks.
# A family is closed under three relations: a child of a member belongs to it, so does whoever shares a session with a
#   member, and so does whoever bears its mark, a variable of the environment that the first process was started with
#   and that is inherited. The first finds a child that made a session of its own, the second one whose parent has
#   gone, the third one that did both. What did both and was also started with an environment of its own leaves no
#   trace here, and neither does one whose environment the agent may not read; only a cgroup can hold these.
# Invariant: no signal reaches a stranger. A process is named by its pid and its start time, and is signalled through a
#   pidfd that was opened before the start time was compared, so a pid that was given away meanwhile does not match.
# Source: Mesos stout os/killtree.hpp, which stops the processes first; here a group is signalled in one call, and
#   killing goes on until a look at /proc shows nothing new: what has been sent SIGKILL cannot fork any more.

import logging
import os
import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mesoslite.model import ContainerID

log = logging.getLogger("mesoslite")

MARK_VARIABLE = "MESOS_CONTAINER_ID"
_MARK_START = f"{MARK_VARIABLE}=".encode()
_FLAGS, _EXITING = 6, 4  # of Entry.fields, and PF_EXITING of include/linux/sched.h


@dataclass(frozen=True, slots=True)
class ProcessName:
    """One process, told from any later one of the same pid by ``start_ticks``, its start in ticks since boot."""

    pid: int
    start_ticks: int


@dataclass(slots=True)
class Family:
    """What leads to the processes of one container: its first process, until that is reaped, and its mark.

    ``leader`` is -1 if it was reaped. ``known`` is what was found so far, though its parents may have gone since.
    ``has_ended``: the first process has, and its pid may soon be another's.
    """

    leader: int
    container_id: ContainerID
    known: set[ProcessName] = field(default_factory=set)
    has_ended: bool = False

    @property
    def mark(self) -> bytes:
        """The entry of the environment that its processes bear."""
        return _MARK_START + os.fsencode(self.container_id)

    def by_seniority(self) -> list[ProcessName]:
        """What is known, its first process first, then the oldest."""
        # start times are in ticks of 10 ms, and pids begin anew: neither alone says who came first
        return sorted(self.known, key=lambda name: (name.pid != self.leader, name.start_ticks, name.pid))


@dataclass(frozen=True, slots=True)
class Entry:
    """What /proc/<pid>/stat says; ``fields`` is all that follows the name there, so proc(5)'s nth is the (n - 3)th."""

    name: ProcessName
    parent: int
    session: int
    is_zombie: bool
    fields: list[bytes]


class ProcessTable:
    """All processes of the machine at one moment. Cost: reads one file for each, when it is made."""

    def __init__(self) -> None:
        self._entries = {entry.name.pid: entry for entry in map(_read, _pids()) if entry is not None}
        self._marks: dict[int, bytes | None] = {}  # by pid, as far as they have been asked for
        self._children: dict[int, list[int]] = {}
        self._sessions: dict[int, list[int]] = {}
        for pid, entry in self._entries.items():
            self._children.setdefault(entry.parent, []).append(pid)
            self._sessions.setdefault(entry.session, []).append(pid)

    def find_family(self, family: Family) -> set[ProcessName]:
        """The living processes of ``family``, descendants of what is known of it included.

        Cost: reads the environment of whatever started after its first process, once for all families.
        """
        table = self._entries
        reached = {name.pid for name in family.known if name.pid in table and table[name.pid].name == name}
        if family.leader in table:
            reached.add(family.leader)
        self._close(reached)
        leader = table.get(family.leader)
        since = leader.name.start_ticks if leader is not None else 0
        mark = family.mark
        for pid, entry in table.items():
            if entry.name.start_ticks >= since and pid not in reached and self._mark(pid) == mark:
                reached.add(pid)
        self._close(reached)
        assert os.getpid() not in reached, "a container is never of its agent's own session"
        return {table[pid].name for pid in reached if not table[pid].is_zombie}

    def find_members(self, leader: int) -> list[Entry]:
        """``leader`` and who descends from it, zombies too, with all in their sessions; marks are not looked at."""
        reached = {leader} & self._entries.keys()
        self._close(reached)
        return [self._entries[pid] for pid in reached]

    def _close(self, reached: set[int]) -> None:
        """Add what follows from ``reached`` by parents and sessions."""
        waiting = list(reached)
        while waiting:
            pid = waiting.pop()
            fresh = {*self._children.get(pid, ()), *self._sessions[self._entries[pid].session]} - reached
            reached |= fresh
            waiting += fresh

    def _mark(self, pid: int) -> bytes | None:
        if pid not in self._marks:
            self._marks[pid] = _find_mark(_read_environment(pid))
        return self._marks[pid]


class Lookout:
    """Sees what ended containers have left, often, and so without reading of every process each time.

    A mark is inherited, or given at the start of a program, and never comes to a process that has an environment
    without one: so that is read once. The inode of /proc/<pid> tells a process from a later one of the same pid.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, bytes | None]] = {}  # by pid: the inode, and the mark

    def find_survivors(self, ended: Iterable[Family], living: Collection[int]) -> set[int]:
        """The leaders among ``ended`` of which any other process is left; ``living`` are the leaders of the rest.

        Cost: a look at one directory, and a few system calls for each process that was not there the last time.
        """
        leaders, by_mark, survived = set(), {}, set()
        for family in ended:
            leaders.add(family.leader)
            by_mark[family.mark] = family.leader
        before, self._seen = self._seen, {}
        with os.scandir("/proc") as entries:
            present = [(int(entry.name), entry.inode()) for entry in entries if entry.name.isdecimal()]
        for pid, inode in present:
            seen = before.get(pid)
            if seen is None or seen[0] != inode:
                session = _session(pid)
                if session in leaders and session != pid:
                    survived.add(session)
                if session is None or session in leaders or session in living:
                    continue  # nothing new is to be learned of it, and its session may be all that it keeps
                environment = _read_environment(pid) if session else b""  # only the kernel's own are in session 0
                if session and not environment:
                    continue  # a zombie, one that is just starting a program, or not ours to read
                seen = (inode, _find_mark(environment))
            self._seen[pid] = seen
            if seen[1] is not None and seen[1] in by_mark:
                survived.add(by_mark[seen[1]])
        return survived


def terminate_families(families: Collection[Family]) -> None:
    """Send SIGTERM to every process of ``families``, once each, and let stopped ones go on so that they can act.

    The first process of a family comes first: a shell would end well if what it waits for ended before it.
    """
    if not families:
        return
    table = ProcessTable()
    for family in families:
        family.known |= table.find_family(family)
        for number in (signal.SIGTERM, signal.SIGCONT):
            for name in family.by_seniority():
                send_signal(name, number)


def kill_families(families: Collection[Family]) -> None:
    """Kill ``families``, with whoever they start meanwhile. No leader of theirs must have been reaped."""
    for family in families:
        _kill_group(family.leader)
    kill_rest(families)


def kill_rest(families: Collection[Family]) -> None:
    """Kill what can be found of ``families``, until a look shows nothing new; a leader may have been reaped."""
    killed: set[ProcessName] = set()
    growing = list(families)
    while growing:
        table, looked_at, growing = ProcessTable(), growing, []
        for family in looked_at:
            fresh = table.find_family(family) - killed
            for name in fresh:
                send_signal(name, signal.SIGKILL)
            family.known |= fresh
            killed |= fresh
            if fresh:
                growing.append(family)


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


def _session(pid: int) -> int | None:
    """The session of a process; None if it has gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def is_ending(pid: int) -> bool:
    """Whether a process is about to end, or has. That may take long, and what it takes along be gone before."""
    entry = _read(pid)
    return entry is None or entry.is_zombie or bool(int(entry.fields[_FLAGS]) & _EXITING)


def _read(pid: int) -> Entry | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4096)
    except (FileNotFoundError, ProcessLookupError):
        return None
    # After the name, which may hold anything in its brackets: state, parent, group, session, …, start (the 20th).
    fields = text[text.rindex(b")") + 2 :].split()
    return Entry(
        name=ProcessName(pid, int(fields[19])),
        parent=int(fields[1]),
        session=int(fields[3]),
        is_zombie=fields[0] in (b"Z", b"X"),
        fields=fields,
    )


def _read_environment(pid: int) -> bytes:
    """The environment that a process was started with; empty if it has ended, or may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            return file.readall()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def _find_mark(environment: bytes) -> bytes | None:
    start = (b"\0" + environment).find(b"\0" + _MARK_START)
    return environment[start:].partition(b"\0")[0] if start >= 0 else None
