"""History: what is remembered of each task, to say why it waits or how it ended."""

# Who calls: master.py, which is asked; it hears all by itself from the chronicle.
# What the books have is not kept again: statuses that an agent brought along are read from there.
# Invariants: 1. of a task at most HAPPENINGS_MAX are kept: how it began, and the newest; that is far more than a life
#   has, except where somebody repeats himself. A run of equal states counts once.    2. tasks that are over are
#   remembered as long as the books do: per framework as many as completed and unreachable ones together, the newest;
#   and as many removed frameworks.    3. of tasks that were not launched the newest REFUSALS_MAX of a framework.
# Rejected: what happens to an agent as an entry of each of its tasks; a lost machine would cost as much as its tasks
#   are many. It is kept once, and put in when somebody asks.

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mesoslite.model import TaskState, happenings
from mesoslite.model.happenings import TaskUpdated
from mesoslite.model.stories import FrameworkStanding, FrameworkStory, PlannedService, TaskStory

if TYPE_CHECKING:
    from collections.abc import Set

    from mesoslite.model import AgentID, FrameworkID, FrameworkInfo, TaskID
    from mesoslite.model.happenings import AnyHappening

    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .options import MasterOptions
    from .tasks import TaskEntry

HAPPENINGS_MAX = 30  # a task
REFUSALS_MAX = 100  # a framework
AGENT_HAPPENINGS_MAX = 8  # an agent

AgentHappening: TypeAlias = "happenings.AgentDisconnected | happenings.AgentReturned | happenings.AgentUnreachable"


class _Story:
    """What is kept of one task, from its second happening on."""

    __slots__ = ("forgotten", "happenings")

    def __init__(self, first: AnyHappening, second: AnyHappening) -> None:
        self.happenings: list[AnyHappening] = [first, second]
        self.forgotten = 0

    def add(self, happening: AnyHappening) -> None:
        told = self.happenings
        if _repeats(happening, told[-1]):
            told[-1] = happening
            return
        told.append(happening)
        if len(told) > HAPPENINGS_MAX:
            del told[1]
            self.forgotten += 1


@dataclass(slots=True)
class _Framework:
    """What is kept of one framework."""

    info: FrameworkInfo
    suppressed: set[str]
    stories: dict[TaskID, AnyHappening | _Story] = field(default_factory=dict)  # one happening is its own story
    over: OrderedDict[TaskID, None] = field(default_factory=OrderedDict)  # of the tasks that are over, oldest first
    refused: deque[happenings.TaskRefused] = field(default_factory=lambda: deque(maxlen=REFUSALS_MAX))
    declined: int = 0
    declined_time: float | None = None
    refuse_seconds: float = 0.0


class History:
    """What is remembered of tasks, beside the books of one master."""

    def __init__(self, ledger: Ledger, options: MasterOptions, master_id: str) -> None:
        self._ledger = ledger
        self._master_id = master_id
        self._over_max = options.max_completed_tasks_per_framework + options.max_unreachable_tasks_per_framework
        self._removed_max = options.max_completed_frameworks
        self._frameworks: dict[FrameworkID, _Framework] = {}
        self._removed: dict[FrameworkID, None] = {}  # oldest first
        self._agents: dict[AgentID, list[AgentHappening]] = {}  # of those that were ever lost
        listen = ledger.chronicle.listen
        listen(self._added, [happenings.FrameworkAdded])
        listen(self._updated, [happenings.FrameworkUpdated])
        listen(self._suppressed, [happenings.FrameworkSuppressed])
        listen(self._revived, [happenings.FrameworkRevived])
        listen(self._framework_removed, [happenings.FrameworkRemoved])
        listen(self._declined, [happenings.OffersDeclined])
        listen(self._launched, [happenings.TaskLaunched])
        listen(self._refused, [happenings.TaskRefused])
        listen(self._told, [happenings.TaskUpdated, happenings.TaskKillAsked])
        listen(self._task_removed, [happenings.TaskRemoved])
        listen(self._agent_lost, [happenings.AgentDisconnected, happenings.AgentUnreachable])
        listen(self._agent_returned, [happenings.AgentReturned])
        listen(self._agent_removed, [happenings.AgentRemoved, happenings.AgentGone])
        listen(self._agents_forgotten, [happenings.AgentsForgotten])

    # ---- who asks ----

    def suppressed(self, framework_id: FrameworkID) -> Set[str]:
        """The roles that a framework wants no offers for; none, for an unknown one."""
        kept = self._frameworks.get(framework_id)
        return kept.suppressed if kept is not None else frozenset()

    def stories(self, task_id: TaskID, framework_text: str) -> tuple[TaskStory, ...]:
        """What is remembered of tasks with that id, of the frameworks that the text may mean; "": of any."""
        told = [self._tell(framework_id, task_id) for framework_id in self._meant(framework_text)]
        return tuple([story for story in told if story is not None])

    def entries(self, framework_text: str) -> list[FrameworkEntry]:
        """The books on the frameworks that the text may mean, also on those that were removed; "": on any."""
        books = {framework.id: framework for framework in self._ledger.completed} | self._ledger.frameworks
        return [books[framework_id] for framework_id in self._meant(framework_text) if framework_id in books]

    def framework(self, framework_id: FrameworkID) -> FrameworkStory | None:
        """What a framework has done with offers; None for an unknown one."""
        kept, entry = self._frameworks.get(framework_id), self._ledger.frameworks.get(framework_id)
        if kept is None:
            return None
        return FrameworkStory(
            framework=kept.info,
            standing=_standing(entry),
            tasks=sum(not task.state.is_terminal for task in entry.tasks.values()) if entry is not None else 0,
            offers=len(entry.offers) if entry is not None else 0,
            suppressed=tuple(sorted(kept.suppressed)),
            declined=kept.declined,
            declined_time=kept.declined_time,
            refuse_seconds=kept.refuse_seconds,
            refused=tuple(kept.refused),
        )

    def _meant(self, text: str) -> list[FrameworkID]:
        if not text:
            return list(self._frameworks)
        for framework_id in self._frameworks:
            if framework_id in (text, f"{self._master_id}-{text}"):
                return [framework_id]
        return [framework_id for framework_id, kept in self._frameworks.items() if kept.info.name == text]

    def _tell(self, framework_id: FrameworkID, task_id: TaskID) -> TaskStory | None:
        kept, entry = self._frameworks[framework_id], self._ledger.frameworks.get(framework_id)
        story, task = kept.stories.get(task_id), _listed(entry, task_id)
        refused: list[AnyHappening] = [each for each in kept.refused if each.task_id == task_id]
        if story is None and task is None and not refused:
            return None
        told = _all(story)
        known = [each.status for each in told if isinstance(each, happenings.TaskUpdated)]
        is_whole = bool(told) and isinstance(told[0], happenings.TaskLaunched)
        statuses = task.statuses if task is not None and not is_whole else ()
        return TaskStory(
            framework=kept.info,
            standing=_standing(entry),
            task_id=task_id,
            state=task.state if task is not None else _state(told),
            earlier=tuple([status for status in statuses if status not in known]),
            happenings=tuple(sorted([*refused, *told, *self._of_agent(told, task)], key=lambda each: each.time)),
            forgotten=story.forgotten if isinstance(story, _Story) else 0,
            service=self._service(framework_id, task),
            agent_id=task.agent_id if task is not None else None,
        )

    def _service(self, framework_id: FrameworkID, task: TaskEntry | None) -> PlannedService | None:
        """What is planned for the agent of a task that is on it."""
        agent = self._ledger.agents.get(task.agent_id) if task is not None and not task.state.is_terminal else None
        if agent is None or agent.unavailability is None:
            return None
        answer = agent.answers.get(framework_id)
        return PlannedService(agent.id, agent.unavailability, framework_id in agent.inverse_offers, answer)

    def _of_agent(self, told: list[AnyHappening], task: TaskEntry | None) -> list[AnyHappening]:
        """What happened to the agent of a task while it was there."""
        first, last = (told[0], told[-1]) if told else (None, None)
        if isinstance(first, happenings.TaskLaunched):
            agent_id, since = first.task.agent_id, first.time
        elif task is not None:
            agent_id, since = task.agent_id, 0.0
        else:
            return []
        is_over = isinstance(last, happenings.TaskRemoved) and not last.lost_sight
        until = last.time if is_over and last is not None else float("inf")
        return [each for each in self._agents.get(agent_id, ()) if since <= each.time <= until]

    # ---- what is heard ----

    def _added(self, heard: happenings.FrameworkAdded) -> None:
        self._frameworks[heard.framework_id] = _Framework(heard.info, set(heard.suppressed_roles))

    def _updated(self, heard: happenings.FrameworkUpdated) -> None:
        kept = self._frameworks[heard.framework_id]
        kept.info, kept.suppressed = heard.info, set(heard.suppressed_roles)

    def _suppressed(self, heard: happenings.FrameworkSuppressed) -> None:
        kept = self._frameworks[heard.framework_id]
        kept.suppressed.update(heard.roles or kept.info.roles)

    def _revived(self, heard: happenings.FrameworkRevived) -> None:
        kept = self._frameworks[heard.framework_id]
        kept.suppressed.difference_update(heard.roles or kept.info.roles)

    def _framework_removed(self, heard: happenings.FrameworkRemoved) -> None:
        self._removed[heard.framework_id] = None
        while len(self._removed) > self._removed_max:
            oldest = next(iter(self._removed))
            del self._removed[oldest], self._frameworks[oldest]

    def _declined(self, heard: happenings.OffersDeclined) -> None:
        kept = self._frameworks[heard.framework_id]
        kept.declined += len(heard.offers)
        kept.declined_time, kept.refuse_seconds = heard.time, heard.refuse_seconds

    def _launched(self, heard: happenings.TaskLaunched) -> None:
        kept, task_id = self._frameworks[heard.framework_id], heard.task.task_id
        kept.stories[task_id] = heard
        if kept.over:
            kept.over.pop(task_id, None)

    def _refused(self, heard: happenings.TaskRefused) -> None:
        kept = self._frameworks.get(heard.framework_id)
        if kept is not None:  # and it was not removed amid its call, and is forgotten
            kept.refused.append(heard)

    def _told(self, heard: happenings.TaskUpdated | happenings.TaskKillAsked) -> None:
        kept, task_id = self._frameworks[heard.framework_id], heard.task_id
        if task_id in kept.over:
            del kept.over[task_id]
        self._add(kept, task_id, heard)

    def _task_removed(self, heard: happenings.TaskRemoved) -> None:
        kept, task_id = self._frameworks[heard.framework_id], heard.task_id
        if task_id not in kept.stories:
            return
        self._add(kept, task_id, heard)
        over = kept.over
        if task_id in over:
            over.move_to_end(task_id)
        else:
            over[task_id] = None
        while len(over) > self._over_max:
            del kept.stories[over.popitem(last=False)[0]]

    def _add(self, kept: _Framework, task_id: TaskID, heard: AnyHappening) -> None:
        story = kept.stories.get(task_id)
        if isinstance(story, _Story):
            story.add(heard)
        elif story is None or _repeats(heard, story):
            kept.stories[task_id] = heard
        else:
            kept.stories[task_id] = _Story(story, heard)

    def _agent_lost(self, heard: happenings.AgentDisconnected | happenings.AgentUnreachable) -> None:
        kept = self._agents.setdefault(heard.agent_id, [])
        kept.append(heard)
        del kept[:-AGENT_HAPPENINGS_MAX]

    def _agent_returned(self, heard: happenings.AgentReturned) -> None:
        kept = self._agents.get(heard.agent_id)
        if kept is not None:
            kept.append(heard)
            del kept[:-AGENT_HAPPENINGS_MAX]

    def _agent_removed(self, heard: happenings.AgentRemoved | happenings.AgentGone) -> None:
        self._agents.pop(heard.agent_id, None)

    def _agents_forgotten(self, heard: happenings.AgentsForgotten) -> None:
        for agent_id in heard.unreachable:
            self._agents.pop(agent_id, None)


def _all(story: AnyHappening | _Story | None) -> list[AnyHappening]:
    if isinstance(story, _Story):
        return list(story.happenings)
    return [] if story is None else [story]


def _repeats(heard: AnyHappening, last: AnyHappening) -> bool:
    """Whether a status says what the one before it has said."""
    if type(heard) is not TaskUpdated or heard.old is not heard.new or type(last) is not TaskUpdated:
        return False
    return heard.new is last.new and heard.status.state is last.status.state


def _state(told: list[AnyHappening]) -> TaskState | None:
    """The state that a task was in last, by what was told of it."""
    for each in reversed(told):
        if isinstance(each, happenings.TaskUpdated):
            return each.new
    return TaskState.TASK_STAGING if told else None


def _standing(entry: FrameworkEntry | None) -> FrameworkStanding:
    if entry is None:
        return FrameworkStanding.REMOVED
    if entry.recovered:
        return FrameworkStanding.RECOVERED
    return FrameworkStanding.CONNECTED if entry.connected else FrameworkStanding.DISCONNECTED


def _listed(entry: FrameworkEntry | None, task_id: TaskID) -> TaskEntry | None:
    """The task in the books, also in their history."""
    if entry is None:
        return None
    if task_id in entry.tasks or task_id in entry.unreachable:
        return entry.tasks.get(task_id) or entry.unreachable[task_id]
    return entry.completed.newest(task_id)
