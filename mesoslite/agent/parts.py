"""Parts: what an agent is made of, put together: its books, its streams of statuses, and what acts on both."""

# Who calls: agent.py makes them, and hands each message to the part that is concerned.
# Invariant: parts know one another as far as they were given one another here, and the actor by what it lends them.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import AgentSnapshot
from mesoslite.model.container_ids import nested_directory

from .checkpoints import Checkpoints
from .executors import ExecutorLine, ExecutorOptions
from .garbage import Garbage, disk_use
from .kills import Kills
from .metrics import AgentMetrics, figures_of
from .nested import Nested
from .notices import Notices
from .operations import Operations
from .recovery import Recovery
from .reports import Reports
from .running import Running, Timing
from .runs import Frameworks
from .standalone import Standalone
from .status_updates import StatusUpdateManager
from .statuses import make_status
from .volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import (
        AgentInfo,
        ContainerID,
        Containerizer,
        Resources,
        TaskID,
        TaskStatus,
        Termination,
    )

    from .checks import Prober
    from .garbage import GarbageOptions
    from .recovery import RecoveryOptions
    from .statuses import Report


@dataclass(frozen=True, slots=True)
class Calls:
    """Methods of the actor: what timers call, and what a containerizer has called of a container."""

    repeat_updates: Callable[[Any], None]
    retry_operation: Callable[[Any, bytes], None]
    end_container: Callable[[Any, ContainerID], None]
    container_started: Callable[[Any, ContainerID], None]
    container_ended: Callable[..., None]
    look_for_garbage: Callable[[Any], None]
    check_due: Callable[[Any, int, int], None]
    check_answered: Callable[..., None]
    overrun: Callable[[Any, ContainerID], None]


class Parts:
    """The parts of one agent.

    ``info`` is what it says of itself, with its id; ``send`` tells its master, if it has one. The rest is as of Agent.
    """

    def __init__(
        self,
        actor: la.Actor,
        calls: Calls,
        *,
        resources: Resources,
        work_directory: str,
        containerizer: Containerizer,
        recovery: RecoveryOptions | None,
        garbage: GarbageOptions | None,
        executor_options: ExecutorOptions | None,
        info: Callable[[], AgentInfo],
        send: Callable[[Any], None],
        prober: Prober,
        container_ip: str,
    ) -> None:
        self._actor = actor
        self._pool: la.Pool | None = None
        self._calls = calls
        self._info = info
        self.checkpoints = Checkpoints(work_directory if recovery is not None else None)
        self.garbage = self._make_garbage(garbage, work_directory)
        self.volumes = Volumes(work_directory, do=self._do, new_name=lambda: la.random_uuid_bytes().hex())
        self.frameworks = Frameworks(self.checkpoints, self.garbage.schedule)
        self.updates = StatusUpdateManager(
            send,
            now_ns=self._now_ns,
            ring_later=lambda seconds: la.delay(seconds, actor.pid, calls.repeat_updates),
        )
        self.metrics = AgentMetrics()
        self.reports = self._make_reports(send, container_ip)
        self.operations = self._make_operations(resources, send)
        self.running = Running(
            actor,
            self.frameworks,
            self.reports,
            containerizer=containerizer,
            work_directory=work_directory,
            info=info,
            executor_options=executor_options or ExecutorOptions(),
            recovery_seconds=recovery.executor_recovery_seconds if recovery is not None else None,
            total=lambda: self.operations.total,
            volumes=self.volumes.of,
            notices=self._notices,
            metrics=self.metrics,
            send=send,
            kill=lambda run, entry, grace: self.kills.kill(run, entry, grace_seconds=grace),
            prober=prober,
            timing=self._timing(),
        )
        executors = self.running.executors
        self.executor_line = ExecutorLine(
            actor, self.frameworks, executors, self.reports, info=info, metrics=self.metrics, send=send
        )
        self.standalone = Standalone(
            self.checkpoints,
            self.garbage,
            containerizer=containerizer,
            work_directory=work_directory,
            notices=self._notices,
        )
        self.nested = self._make_nested(containerizer)
        self.kills = self._make_kills()
        self.recovery = self._make_recovery(recovery, work_directory, containerizer)

    def _make_reports(self, send: Callable[[Any], None], container_ip: str) -> Reports:
        return Reports(
            self._actor,
            self.frameworks,
            self.updates,
            make=self._status,
            new_uuid=self._status_uuid,
            metrics=self.metrics,
            send=send,
            container_ip=container_ip,
        )

    def _make_nested(self, containerizer: Containerizer) -> Nested:
        return Nested(
            self.frameworks,
            self.running.commands,
            self.running.executors,
            self.standalone,
            containerizer=containerizer,
            notices=self._notices,
            over=self.garbage.schedule,
        )

    def _make_garbage(self, options: GarbageOptions | None, work_directory: str) -> Garbage:
        return Garbage(
            options,
            work_directory,
            now=self._now,
            look_later=lambda seconds: la.delay(seconds, self._actor.pid, self._calls.look_for_garbage),
            do=self._do,
            use=disk_use,
        )

    def _make_operations(self, resources: Resources, send: Callable[[Any], None]) -> Operations:
        return Operations(
            resources,
            forward=send,
            retry_later=lambda seconds, uuid: la.delay(seconds, self._actor.pid, self._calls.retry_operation, uuid),
            new_uuid=la.random_uuid_bytes,
            used=self.frameworks.used,
            keep=self.checkpoints.resources,
            convert_volumes=self.volumes.convert,
        )

    def _make_kills(self) -> Kills:
        return Kills(
            self.frameworks,
            self.updates,
            report=self.reports.report,
            later=self._end_later,
            now=self._now,
            tell_executor=self.running.executors.kill,
        )

    def _make_recovery(
        self, options: RecoveryOptions | None, work_directory: str, containerizer: Containerizer
    ) -> Recovery:
        return Recovery(
            options,
            self.checkpoints,
            work_directory=work_directory,
            containerizer=containerizer,
            frameworks=self.frameworks,
            updates=self.updates,
            operations=self.operations,
            reports=self.reports,
            running=self.running,
            kills=self.kills,
            nested=self.nested,
            standalone=self.standalone,
            notices=self._notices,
        )

    def _timing(self) -> Timing:
        actor, calls = self._actor, self._calls
        return Timing(
            now=self._now,
            check_later=lambda seconds, number, step: la.delay(seconds, actor.pid, calls.check_due, number, step),
            answer=lambda number, step, result: la.tell(actor.pid, calls.check_answered, number, step, result),
            overrun_later=lambda seconds, container_id: la.delay(seconds, actor.pid, calls.overrun, container_id),
            end_later=self._end_later,
        )

    def begin(self) -> None:
        """The actor has started."""
        self._clock = self._actor.runtime.clock
        self._random = la.random_stream()  # of the uuids of statuses; the system takes ten times as long for each
        self._began = self._now()
        self.pause()

    def begin_metrics(self, is_registered: Callable[[], bool]) -> None:
        """The agent has recovered, and tells from now on of what it has."""
        took = self._now() - self._began
        own: dict[str, Callable[[], float]] = {
            "slave/uptime_secs": lambda: self._now() - self._began,
            "slave/registered": lambda: float(is_registered()),
            "slave/recovery_errors": lambda: self.recovery.errors,
            "slave/recovery_time_secs": lambda: took,
            "slave/executor_directory_max_allowed_age_secs": lambda: self.garbage.age_max_seconds,
            "gc/path_removals_pending": lambda: self.garbage.waiting,
            "gc/path_removals_succeeded": lambda: self.garbage.removed,
            "gc/path_removals_failed": lambda: self.garbage.failed,
        }
        figures = figures_of(self.frameworks, lambda: self.operations.total, own)
        asked = {name: la.defer(figure) for name, figure in figures.items()}
        self.metrics.begin(self._actor.runtime.metrics, asked)

    def end(self) -> None:
        """The actor stops."""
        self.nested.close()
        self.pause()
        self.metrics.end(self._actor.runtime.metrics)

    def started(self, container_id: ContainerID) -> None:
        """The command of a container runs."""
        if not self.nested.started(container_id):
            self.running.started(container_id)

    def ended(self, container_id: ContainerID, termination: Termination) -> None:
        """A container has ended."""
        if not self.nested.ended(container_id, termination):
            self.running.ended(container_id, termination)

    def pause(self) -> None:
        """There is no master to tell anything: keep what there is to say."""
        self.updates.pause()
        self.operations.pause()

    def resume(self) -> None:
        """There is a master again: tell it what it has not acknowledged."""
        self.updates.resume()
        self.operations.resume()

    def snapshot(self, master: la.PID[Any] | None, start_time: float) -> AgentSnapshot:
        """What the agent knows, which obeys ``master`` and began at ``start_time``."""
        return AgentSnapshot(
            info=msgspec.structs.replace(self._info(), resources=self.operations.total),
            pid=str(self._actor.pid),
            master=str(master) if master is not None else None,
            start_time=start_time,
            frameworks=tuple([entry.snapshot() for entry in self.frameworks.active.values()]),
            completed_frameworks=tuple([entry.snapshot() for entry in self.frameworks.completed.values()]),
            nested=self.nested.snapshot(),
            standalone=self.standalone.snapshot(),
            operations=self.operations.snapshot(),
        )

    def begin_disk(self) -> None:
        """Have volumes there, and look for what earlier lives have left, once it is known what is in use."""
        if not self.recovery.is_cleanup:  # else it does not know what the agent had
            self.volumes.recover(self.operations.total, clears=self.recovery.is_wanted)
        entries = list(self.frameworks.active.values())
        runs = [run.sandbox for entry in entries for run in entry.runs.values()]
        executors = [one.sandbox for entry in entries for one in entry.executors.values()]
        used = [*runs, *executors, *self.standalone.sandboxes()]
        self.garbage.begin([*used, *map(nested_directory, used)])

    def _do(self, function: Callable[[], object], then: Callable[[object], None]) -> None:
        if self._pool is None:
            self._pool = la.Pool(1, name="garbage")
        self._pool.submit(function).on_ready(la.defer(then))

    def _now(self) -> float:
        return self._clock.now()

    def _now_ns(self) -> int:
        return self._clock.now_ns()

    def _notices(self, container_id: ContainerID) -> Notices:
        return Notices(self._actor.pid, container_id, self._calls.container_started, self._calls.container_ended)

    def _end_later(self, seconds: float, container_id: ContainerID) -> la.Timer:
        return la.delay(seconds, self._actor.pid, self._calls.end_container, container_id)

    def _status_uuid(self) -> bytes:
        return self._random.getrandbits(128).to_bytes(16, "little")  # as randbytes(16), with a call less

    def _status(self, report: Report, task_id: TaskID, uuid: bytes | None) -> TaskStatus:
        agent_id = self._info().id
        assert agent_id is not None, "no task comes here before the agent has its id"
        return make_status(report, task_id, agent_id, self._clock.now(), uuid)
