"""RunSession: the main thread's side of `mesoslite run`: waits for notes, copies output, decides the exit status."""

# Who calls: run.py, which imports this only to run something.
# The scheduler is an actor (run_framework.py) and tells by notes; signals become notes as well, so everything that
#   happens is dealt with here, one after the other. While the task runs its output is copied between notes.
# However it ends, the framework is torn down, which kills the task if it still runs.

from __future__ import annotations

import pwd
import signal
from os import getuid
from queue import Empty, Queue
from typing import Any

import httpx2 as httpx
import msgspec

import libactor as la
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection, split_credential
from mesoslite.model import (
    AgentID,
    CommandInfo,
    InvalidRequest,
    Resources,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
)

from .dev import MASTER_DEFAULT
from .failure import first_line, warn
from .run_framework import Ended, Lost, Note, Placed, RunFramework, Stopped, TimedOut, Unfit
from .sandbox_output import SandboxOutput
from .signals import stop_signals

MASTER_LOST, NEVER_ENOUGH, TASK_LOST, OUTPUT_LOST, TIMED_OUT = 120, 121, 122, 123, 124
OUTPUT_INTERVAL_SECONDS = 0.1
REQUEST_TIMEOUT_SECONDS = 10.0
TITLE_CHARACTERS = 60


class RunSession:
    """One execution of a command, as a framework that is called by ``name``, or by the command itself.

    Raises: InvalidRequest, for a master or resources that can never work.
    """

    def __init__(
        self, master: str, name: str | None, needed: Resources, command: CommandInfo, *, verbose: bool = False
    ) -> None:
        if not needed:
            raise InvalidRequest("--cpus and --mem are both zero; give the command something to run with")
        self._master = master
        self._verbose = verbose
        self._connection = HttpConnection(master, reconnect=False)
        self._name = name or _title(command.value)
        name = name or "run"
        self._task = TaskInfo(
            task_id=TaskID(f"{name}-{la.random_uuid().hex[:12]}".replace("/", "-").replace("\\", "-")),
            name=name,
            agent_id=AgentID(""),  # known once there is an offer
            resources=needed,
            command=command,
        )
        self._notes: Queue[Note] = Queue()  # a SimpleQueue may outsleep a timeout as short as ours
        self._decided: int | None = None  # our exit status, if it does not depend on how the task ends
        self._output: SandboxOutput | None = None  # once the task is on an agent

    def execute(self, timeout_seconds: float | None) -> int:
        """Run the command to its end and return the exit status."""
        framework = RunFramework(self._name, _user(), self._task, self._notes.put, timeout_seconds)
        _, credential = split_credential(self._master)
        client = httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False, auth=credential)
        with stop_signals(lambda number: self._notes.put(Stopped(128 + number))), client, la.Runtime() as runtime:
            future = submit(runtime, framework, self._connection)
            while (status := self._heed(self._next_note(), framework.pid, client)) is None:
                pass
            future.discard()  # its result, if it ever gave one, is in the notes
            return status

    def _next_note(self) -> Note:
        """The next thing that happens; meanwhile output is copied."""
        while True:
            more = self._copy_output()
            try:
                return self._notes.get(timeout=self._pause(more))
            except Empty:
                continue

    def _pause(self, more: bool) -> float | None:
        if self._output is None:
            return None
        return 0.0 if more else OUTPUT_INTERVAL_SECONDS

    def _heed(self, note: Note, pid: la.PID[RunFramework], client: httpx.Client) -> int | None:
        """Deal with a note; the exit status if that is the end."""
        if isinstance(note, Unfit):
            return self._look_for_agents(client, note.framework_id)
        if isinstance(note, Placed):
            if self._verbose:
                warn(f"task {self._task.task_id} goes to agent {note.offer.agent_id} on {note.offer.hostname}")
            self._output = SandboxOutput(client, note.offer, self._task.task_id)
            return None
        if isinstance(note, Ended):
            self._copy_rest()
            return self._decided if self._decided is not None else self._exit_status(note.status)
        if isinstance(note, TimedOut):
            warn(f"the time is over; {'the task is killed' if note.launched else 'the task was never started'}")
            return self._stop(TIMED_OUT, pid)
        if isinstance(note, Stopped):
            return self._stop(note.exit_status, pid)
        assert isinstance(note, Lost)
        warn(note.message if self._output is None else f"{note.message}; {self._task.task_id} may run on")
        return self._decided if self._decided is not None else MASTER_LOST

    def _stop(self, status: int, pid: la.PID[RunFramework]) -> int | None:
        """End with ``status`` once the task is killed; at once if it does not run, or on a second request."""
        if self._output is None or self._decided is not None:
            return status
        self._decided = status
        la.tell(pid, RunFramework.kill_task)
        return None

    def _copy_output(self) -> bool:
        """Copy what is there; whether there is more."""
        if self._output is None:
            return False
        try:
            return self._output.copy()
        except BrokenPipeError:  # our reader has gone, as in `mesoslite run yes | head`
            self._output.close()
            self._notes.put(Stopped(128 + signal.SIGPIPE))
            return False
        except OSError as error:
            self._output.close()
            warn(f"cannot write the output: {error.strerror}")
            self._notes.put(Stopped(OUTPUT_LOST))
            return False

    def _copy_rest(self) -> None:
        """Copy all of what the ended task has written, unless told to stop, which then decides."""
        more = True
        while more:
            more = self._copy_output()
            while not self._notes.empty():
                note = self._notes.get()
                if isinstance(note, Stopped):
                    self._decided = note.exit_status if self._decided is None else self._decided
                    return

    def _exit_status(self, status: TaskStatus) -> int:
        """How the task ended, as a shell would put it."""
        exit_status = status.exit_status
        has_failed_by_itself = (
            status.state is TaskState.TASK_FAILED and exit_status is not None and status.reason is None
        )
        if status.state is not TaskState.TASK_FINISHED and not has_failed_by_itself:
            said = first_line(status.message) or "no reason was given"
            warn(f"{status.state.name}: {said}; {self._why()} says how it went")
        if exit_status is not None:
            return exit_status if exit_status >= 0 else 128 - exit_status
        return 0 if status.state is TaskState.TASK_FINISHED else TASK_LOST

    def _why(self, framework_id: str = "") -> str:
        """What tells of the task, without the password; one that is not launched is known by its framework alone."""
        master = "" if self._master == MASTER_DEFAULT else f" --master {split_credential(self._master)[0]}"
        framework = f" --framework {framework_id}" if framework_id else ""
        return f"mesoslite why{master} {self._task.task_id}{framework}"

    def _look_for_agents(self, client: httpx.Client, framework_id: str) -> int | None:
        """Nothing fits: will it ever? Says so, and gives the exit status if it will not."""
        if not framework_id:
            warn(f"the master at {split_credential(self._master)[0]} has not answered yet; waiting")
            return None
        needed = self._task.resources
        agents = agent_resources(client, self._master)
        if agents is None:
            return None
        if not agents:
            warn("no agent has registered with the master yet; waiting for one")
            return None
        if any(total.contains(needed) for total in agents):
            warn(f"no agent offers {needed} now, though some have it; waiting; {self._why(framework_id)} says more")
            return None
        largest = max(agents, key=lambda total: (total.get("cpus"), total.get("mem")))
        warn(f"no agent has {needed}, the largest of {len(agents)} has {largest}; ask for less by --cpus and --mem")
        return NEVER_ENOUGH


def _title(command: str) -> str:
    """What a framework is called that runs a command: all may read that, so arguments and variables are left out."""
    words = [word for word in command.split() if "=" not in word]
    return " ".join(["mesoslite", "run", *[word.rpartition("/")[2].rstrip(";&|") for word in words[:1]]])[
        :TITLE_CHARACTERS
    ]


def _user() -> str:
    """Who we are: a name; without one, as in many containers, the number."""
    try:
        return pwd.getpwuid(getuid()).pw_name
    except KeyError:
        return str(getuid())


def agent_resources(client: httpx.Client, master: str) -> list[Resources] | None:
    """What each agent has in total; None if the master does not say.

    ``/state`` has it too, but with all tasks, and their limits may be infinite, for which JSON has no word.
    """
    url = split_credential(master)[0]
    try:
        response = client.get(f"{url}/slaves", follow_redirects=True)
        response.raise_for_status()
        agents: list[Any] = msgspec.json.decode(response.content)["slaves"]
        return [_plain_resources(agent["resources"]) for agent in agents]
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, KeyError, TypeError, InvalidRequest) as error:
        warn(f"no offer fits, and {url}/slaves does not say why: {str(error) or type(error).__name__}; waiting")
        return None


def _plain_resources(document: dict[str, Any]) -> Resources:
    return Resources.from_mapping({name: units for name, units in document.items() if isinstance(units, float | int)})
