"""Stories over HTTP: why a task waits, how it goes, or how it ended, in words."""

# Who calls: master.py, which serves it as /mesoslite/why; the command `mesoslite why` reads it. Mesos has nothing of
#   the kind, hence a path of our own.
# A task that is not known may be one that its framework has not launched yet: then the answer is what the framework has
#   done with offers; why it got none, the allocator explains (explanations.py).

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import MasterPort, Source, TaskID, TaskState, TaskStatus, happenings
from mesoslite.model.stories import FrameworkStanding

from .exchange import Exchange, Refusal, Response
from .seen import unseen_ids, unseen_tasks
from .sight import sight_of

if TYPE_CHECKING:
    from mesoslite.model import FrameworkInfo
    from mesoslite.model.happenings import AnyHappening
    from mesoslite.model.stories import FrameworkStory, PlannedService, TaskStory

    from .documents import Document
    from .sight import Sight

PARAMETERS = {"task", "framework", "jsonp"}
NAMED_MAX = 5  # frameworks in the text of a refusal
STORIES_MAX = 10  # of tasks of one name
NANOSECONDS = 1_000_000_000
REFUSED_MAX = 10  # tasks in an answer about a framework

SPEAKERS = {
    Source.SOURCE_MASTER: "the master",
    Source.SOURCE_AGENT: "its agent",
    Source.SOURCE_EXECUTOR: "its executor",
}
STANDS = {
    TaskState.TASK_STAGING: "it was launched, and its agent has not told anything of it yet",
    TaskState.TASK_STARTING: "it starts",
    TaskState.TASK_RUNNING: "it runs",
    TaskState.TASK_KILLING: "it is being killed",
    TaskState.TASK_UNREACHABLE: "its agent cannot be reached; if that comes back, so may the task",
}
AT_WORK = {TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_KILLING}
UNCLAIMED = (
    "; only agents have told this master of its framework, whose scheduler has not subscribed yet: it waits for that "
    "without end, until an operator tears the framework down"
)


class WhyEndpoint:
    """Answers ``?task=``, an id, or a name if no task has that id.

    ``&framework=`` is for what several may use: an id, its last part, or a name.
    """

    def __init__(self, master: la.PID[MasterPort]) -> None:
        self._master = master

    async def __call__(self, exchange: Exchange) -> Response:
        """Answer; 400 for what is missing or means several, 404 for what nobody knows."""
        task_id, framework = _asked(exchange)
        sight = sight_of(exchange, "frameworks", "tasks")
        unseen = await self._unseen(sight)
        stories = await self._stories(TaskID(task_id), framework, sight, unseen)
        document: Document = {"task": task_id}
        if not stories:
            named = await la.dispatch(self._master, MasterPort.tasks_named, task_id, framework)
            named = [each for each in named if not unseen & {each, (each[0], None)}]
            document["named"] = len(named)
            for whose, named_id in named[:STORIES_MAX]:
                stories += await self._stories(named_id, whose, sight, unseen)
        document["stories"] = [_story_document(story) for story in stories]
        if not stories:
            document["framework"] = await self._framework(task_id, framework, sight)
        return exchange.json(document)

    async def _unseen(self, sight: Sight) -> frozenset[tuple[str, str | None]]:
        """The frameworks (with None) and the tasks of others, by their framework's id and their own, out of sight."""
        if sight.is_whole:
            return frozenset()
        view = await la.dispatch(self._master, MasterPort.view)
        return await asyncio.to_thread(
            lambda: unseen_tasks(view, sight) | {(framework_id, None) for framework_id in unseen_ids(view, sight)}
        )

    async def _stories(
        self, task_id: TaskID, framework: str, sight: Sight, unseen: frozenset[tuple[str, str | None]]
    ) -> tuple[TaskStory, ...]:
        found = await la.dispatch(self._master, MasterPort.task_stories, task_id, framework)
        seen = [story for story in found if sight.frameworks.allow(story.framework.user)]
        known = [story for story in seen if (story.framework.id, story.task_id) not in unseen]
        return tuple([story for story in known if all(map(sight.tasks.allow, _users(story)))])

    async def _framework(self, task_id: str, text: str, sight: Sight) -> Document:
        """What the framework has done with offers, if seen; if none is named, that which bears the name of the task."""
        found = await la.dispatch(self._master, MasterPort.find_frameworks, text or task_id)
        ids = [info.id for info in found if info.id is not None and sight.frameworks.allow(info.user)]
        if not text and not ids:
            problem = f"no task {task_id[:200]!r} is known, nor one of that name, nor a framework"
            raise Refusal(404, f"why: {problem}; name the framework that is to launch it to hear more")
        text = text or task_id
        if len(ids) > 1:
            named = ", ".join(ids[:NAMED_MAX]) + (", ..." if len(ids) > NAMED_MAX else "")
            raise Refusal(400, f"why: {text[:200]!r} is {len(ids)} frameworks: {named}; name one of them by its id")
        story = await la.dispatch(self._master, MasterPort.framework_story, ids[0]) if ids else None
        if story is None:
            raise Refusal(
                404,
                f"why: no task {task_id[:200]!r} is known, and no framework {text[:200]!r} is in the cluster; "
                "/state lists those there are",
            )
        return _framework_document(story)


def _asked(exchange: Exchange) -> tuple[str, str]:
    """The task and, "" for any, the framework in question."""
    unknown = sorted(exchange.query.keys() - PARAMETERS)
    if unknown:
        raise Refusal(400, f"why: unknown parameter {unknown[0][:80]!r}; expected task, and framework or none")
    if exchange.repeated:
        raise Refusal(400, f"why: {exchange.repeated[0][:80]!r} is given twice; name one, and ask again about others")
    task_id = exchange.query.get("task", "")
    if not task_id:
        raise Refusal(400, "why: no task is named; give ?task= with the id of one")
    framework = exchange.query.get("framework")
    if framework == "":
        raise Refusal(400, "why: the framework is empty; give an id or a name, or leave it out to ask about any")
    return task_id, framework or ""


def _users(story: TaskStory) -> list[str]:
    """Whom a task was launched to run as, if that is remembered: stories are longer than a View has the tasks."""
    launches = [each.task for each in story.happenings if isinstance(each, happenings.TaskLaunched)]
    return [task.user or story.framework.user for task in launches]


# ---- documents ----


def _head(info: FrameworkInfo, standing: FrameworkStanding) -> Document:
    return {"id": info.id, "name": info.name, "roles": list(info.roles), "standing": standing.value}


def _story_document(story: TaskStory) -> Document:
    entries = [_entry(status.timestamp, "TaskUpdated", _said(status)) for status in story.earlier]
    entries += [_entry(each.time, type(each).__name__, told(each)) for each in story.happenings]
    return {
        "task": story.task_id,
        "framework": _head(story.framework, story.standing),
        "state": story.state.name if story.state is not None else None,
        "agent": story.agent_id,
        "answer": _answer(story),
        "service": _service(story.service) if story.service is not None else None,
        "happenings": entries,
        "forgotten": story.forgotten,
    }


def _entry(time: float, kind: str, text: str) -> Document:
    return {"time": time, "kind": kind, "text": text}


def _framework_document(story: FrameworkStory) -> Document:
    return {
        **_head(story.framework, story.standing),
        "tasks": story.tasks,
        "offers": story.offers,
        "suppressed": list(story.suppressed),
        "declined": story.declined,
        "declined_time": story.declined_time,
        "refuse_seconds": story.refuse_seconds,
        "refused": [
            {"task": each.task_id, "time": each.time, "text": told(each)} for each in story.refused[-REFUSED_MAX:]
        ],
    }


# ---- words ----


def _answer(story: TaskStory) -> str:
    """Why, in one sentence."""
    if story.state is None:
        refusals = [each for each in story.happenings if isinstance(each, happenings.TaskRefused)]
        return f"it was never launched: {told(refusals[-1])}"
    stands = STANDS.get(story.state)
    if stands is not None:
        where = f" on agent {story.agent_id}" if story.agent_id is not None and story.state in AT_WORK else ""
        return stands + where + (UNCLAIMED if story.standing is FrameworkStanding.RECOVERED else "")
    statuses = [*story.earlier, *[each.status for each in story.happenings if isinstance(each, happenings.TaskUpdated)]]
    last = [status for status in statuses if status.state is story.state]
    return f"it has ended: {_said(last[-1])}" if last else f"it has ended in {story.state.name}"


def _service(service: PlannedService) -> Document:
    """What is planned for the agent of a task, and in words what its framework says to that."""
    answer, when = service.answer, service.unavailability
    if answer is not None:
        text = f"its framework has {'agreed' if answer.accepted else 'declined'} to leave it"
    else:
        how = "asked to leave it, and has not answered" if service.is_asked else "not asked to leave it yet"
        text = f"its framework was {how}"
    return {
        "agent": service.agent_id,
        "start": when.start / NANOSECONDS,
        "duration": when.duration / NANOSECONDS if when.duration is not None else None,
        "accepted": answer.accepted if answer is not None else None,
        "text": text,
    }


def told(happening: AnyHappening) -> str:
    """What happened, in words."""
    match happening:
        case happenings.TaskLaunched(task=task):
            where = f"launched on agent {task.agent_id} with {task.resources.brief}"
            return f"{where}, in role {happening.role!r}, of offer {happening.offer_id}"
        case happenings.TaskRefused():
            reason = f" ({happening.reason.name})" if happening.reason is not None else ""
            return f"refused by the master: {happening.state.name}{reason}: {happening.message}"
        case happenings.TaskUpdated():
            further = "" if happening.new is happening.status.state else f"; by then it was {happening.new.name}"
            return _said(happening.status) + further
        case happenings.TaskKillAsked():
            return "its framework asked to kill it"
        case happenings.TaskRemoved(lost_sight=lost_sight):
            return "it is out of sight; its agent may bring it back" if lost_sight else "nothing more is to come of it"
        case happenings.AgentDisconnected() | happenings.AgentUnreachable():
            what = "was disconnected" if isinstance(happening, happenings.AgentDisconnected) else "was given up"
            return f"its agent {happening.agent_id} {what}: {happening.why}"
        case happenings.AgentReturned():
            return f"its agent {happening.agent_id} was back"
        case _:
            return type(happening).__name__


def _said(status: TaskStatus) -> str:
    """A status in words: state, who says so, and why."""
    parts = [f"{status.state.name}, says {SPEAKERS[status.source]}"]
    if status.reason is not None:
        parts.append(status.reason.name)
    if status.message:
        parts.append(status.message)
    if status.exit_status is not None and str(status.exit_status) not in status.message:
        code = status.exit_status
        parts.append(f"exit status {code}" if code >= 0 else f"ended by signal {-code}")
    return ": ".join(parts)
