"""Checks: the checks and health checks of the tasks that the agent runs, each asked anew when its interval is over."""

# Who calls: commands.py, as tasks begin to run and end; agent.py, when a timer fires, a port has answered, or the
#   container of a command has ended; all inside the agent actor.
# A watch is one check of one run. It waits for its time, asks, waits for the answer or the timeout, and so on; the
#   interval is counted from the answer. A command is asked in a container of its own, as the task's user, in its
#   sandbox, with its volumes; it counts as ended when all that it started has.
# Invariants: 1. a watch has one timer, or one question under way, with a timer if that may not take for ever.
#   2. what comes of an older step of a watch is recognised by its number, and ignored.    3. nothing is said of a task
#   that was asked to end, or has.
# Whether the agent has a master makes no difference: it is itself the executor, which in Mesos rests without its agent.
# Source: Mesos src/checks/checker_process.cpp, src/launcher/executor.cpp (taskCheckUpdated, taskHealthUpdated).

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import NOTHING, ContainerConfig, Reason, TaskState
from mesoslite.model.checks import CheckInfo, CheckType, HealthCheck

from ..container_ids import new_container_id
from ..statuses import Report
from .health import HealthJudge
from .results import Result, check_status, is_healthy, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la
    from mesoslite.model import CommandInfo, Container, ContainerID, Containerizer, Termination

    from ..notices import Notices
    from ..reports import Reports
    from ..runs import FrameworkEntry, Frameworks, Run
    from .prober import Prober

log = logging.getLogger("mesoslite")


@dataclass(slots=True, eq=False)
class _Watch:
    """One check of one run, or its health check, which has a ``judge``."""

    number: int
    run: Run
    check: CheckInfo | HealthCheck
    judge: HealthJudge | None = None
    step: int = 0
    timer: la.Timer | None = None
    question: la.Future[int] | la.Future[bool] | None = None
    container_id: ContainerID | None = None
    container: Container | None = None
    is_late: bool = False

    @property
    def is_asking(self) -> bool:
        return self.question is not None or self.container is not None

    def rest(self) -> None:
        """Wait for nothing any more."""
        self.step += 1
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Checks:
    """The checks of one agent.

    ``config(run)`` is what the container of a run is. ``later(seconds, number, step)`` has ``due`` called then, and
    ``answer(number, step, result)`` has ``answered``, from any thread. ``kill`` asks a task to end.
    """

    def __init__(
        self,
        frameworks: Frameworks,
        reports: Reports,
        *,
        containerizer: Containerizer,
        prober: Prober,
        config: Callable[[Run], ContainerConfig],
        notices: Callable[[ContainerID], Notices],
        now: Callable[[], float],
        later: Callable[[float, int, int], la.Timer],
        answer: Callable[[int, int, Result], None],
        kill: Callable[[Run, FrameworkEntry, float | None], None],
    ) -> None:
        self._frameworks = frameworks
        self._reports = reports
        self._containerizer = containerizer
        self._prober = prober
        self._config = config
        self._notices = notices
        self._now = now
        self._later = later
        self._answer = answer
        self._kill = kill
        self._numbers = itertools.count(1)
        self._watches: dict[int, _Watch] = {}
        self._by_run: dict[ContainerID, list[_Watch]] = {}
        self._by_container: dict[ContainerID, _Watch] = {}

    def begin(self, run: Run) -> None:
        """A task runs: ask when the delays of its checks are over."""
        task = run.task
        judge = None
        if task.health_check is not None:
            known = run.statuses[-1].healthy if run.statuses else None  # of an earlier life
            judge = HealthJudge(task.health_check, has_passed=known is not None)
        for check, judged_by in ((task.check, None), (task.health_check, judge)):
            if check is not None:
                watch = _Watch(next(self._numbers), run, check, judged_by)
                self._watches[watch.number] = watch
                self._by_run.setdefault(run.container_id, []).append(watch)
                self._wait(watch, check.delay_seconds)

    def end(self, run: Run) -> None:
        """A task has ended: nothing is asked any more."""
        for watch in self._by_run.pop(run.container_id, ()):
            watch.rest()
            del self._watches[watch.number]
            if watch.question is not None:
                watch.question.discard()
            if watch.container is not None:
                watch.container.kill()

    def due(self, number: int, step: int) -> None:
        """The time of a watch to ask has come, or the time for an answer is over."""
        watch = self._watches.get(number)
        if watch is None or watch.step != step:
            return
        watch.timer = None
        if watch.run.is_asked_to_end:
            watch.rest()
        elif not watch.is_asking:
            self._ask(watch)
        elif watch.question is not None:
            watch.question.discard()
            self._take(watch, Result(None, "no answer in time"))
        else:
            assert watch.container is not None
            watch.is_late = True
            watch.container.kill()

    def answered(self, number: int, step: int, result: Result) -> None:
        """A port has answered, or nothing ever will."""
        watch = self._watches.get(number)
        if watch is not None and watch.step == step:
            self._take(watch, result)

    def ended(self, container_id: ContainerID, termination: Termination) -> bool:
        """A container has ended; False, if it was none of a check."""
        watch = self._by_container.pop(container_id, None)
        if watch is None:
            return False
        watch.container = None
        if watch.number in self._watches:
            self._take(watch, _command_result(termination, watch.is_late))
        return True

    def _wait(self, watch: _Watch, seconds: float) -> None:
        watch.rest()
        watch.timer = self._later(seconds, watch.number, watch.step)

    def _ask(self, watch: _Watch) -> None:
        check = watch.check
        watch.rest()
        watch.is_late = False
        if check.timeout_seconds > 0:
            watch.timer = self._later(check.timeout_seconds, watch.number, watch.step)
        pid = watch.run.container.pid if watch.run.container is not None else None
        try:
            if check.type is CheckType.COMMAND:
                assert check.command is not None
                self._run(watch, check.command)
            elif check.type is CheckType.HTTP:
                assert check.http is not None
                self._expect(watch, self._prober.http(check.http, pid))
            else:
                assert check.tcp is not None
                self._expect(watch, self._prober.tcp(check.tcp, pid))
        except Exception as error:  # a machine without room for a process, say, fails this question and no more
            self._take(watch, Result(None, f"could not be asked: {error}"))

    def _expect(self, watch: _Watch, question: la.Future[int] | la.Future[bool]) -> None:
        watch.question = question
        number, step, answer = watch.number, watch.step, self._answer
        question.on_any(lambda done: answer(number, step, _port_result(done)))

    def _run(self, watch: _Watch, command: CommandInfo) -> None:
        of_task = self._config(watch.run)
        container_id = new_container_id()
        config = msgspec.structs.replace(
            of_task,
            container_id=container_id,
            user=command.user,
            command=command,
            environment=(),
            resources=NOTHING,
            limits=(),
            container=None,
            parent=of_task.container_id,
            is_debug=True,
            is_checkpointed=False,
        )
        self._by_container[container_id] = watch
        try:
            watch.container = self._containerizer.launch(config, self._notices(container_id))
        except BaseException:
            del self._by_container[container_id]
            raise

    def _take(self, watch: _Watch, result: Result) -> None:
        """Make of an answer what it means, and ask again when the interval is over."""
        watch.rest()
        watch.question = None
        container = watch.run.container
        if watch.run.is_asked_to_end or (container is not None and container.is_ending):
            return  # what ends fails its checks; its end is told of next
        if result.value is None:
            log.info("task %s: its check has failed: %s", watch.run.task.task_id, result.problem)
        self._wait(watch, watch.check.interval_seconds)
        if isinstance(watch.check, HealthCheck):
            self._tell_health(watch, is_healthy(watch.check, result))
        else:
            self._tell_status(watch, result)

    def _tell_status(self, watch: _Watch, result: Result) -> None:
        run = watch.run
        found = check_status(kind_of(watch.check), result.value)
        if not run.statuses or run.statuses[-1].check_status != found:
            reason = Reason.REASON_TASK_CHECK_STATUS_UPDATED
            report = Report(TaskState.TASK_RUNNING, reason=reason, check_status=found)
            self._reports.report(run.framework_id, run.task.task_id, report)

    def _tell_health(self, watch: _Watch, passed: bool) -> None:
        run, judge = watch.run, watch.judge
        assert judge is not None
        finding = judge.judge(passed, self._now() - run.begun)
        if finding is None:
            return
        reason = Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
        report = Report(TaskState.TASK_RUNNING, reason=reason, healthy=finding.healthy)
        self._reports.report(run.framework_id, run.task.task_id, report)
        if finding.ends:
            text = "task %s of framework %s has failed its health check %d times in a row, and is ended"
            log.warning(text, run.task.task_id, run.framework_id, judge.failures)
            self._kill(run, self._frameworks.active[run.framework_id], None)


def _port_result(done: la.Future[int] | la.Future[bool]) -> Result:
    if done.is_ready():
        return Result(int(done.get(0)))
    error = done.exception() if done.is_failed() else None
    return Result(None, f"{type(error).__name__}: {error}" if error is not None else "it was given up")


def _command_result(termination: Termination, is_late: bool) -> Result:
    status = termination.exit_status
    if is_late:
        return Result(None, "its command took too long")
    if status is None or status < 0:
        return Result(None, termination.message or f"its command was ended by signal {-(status or 0)}")
    return Result(status)
