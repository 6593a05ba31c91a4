"""Validation of what an Accept asks for: its offers first, then each of its tasks, in Mesos's order."""

# Who calls: the master, for every Accept. Plain data in, plain data out; no actor, no clock.
# Invariants: 1. each task is judged against what the accepted tasks before it left, so the accepted ones fit
#   together.
#   2. the first broken rule is the one reported.
# Problems are returned, not raised: a bad task is an ordinary answer (TASK_ERROR) and does not hold up the
#   next one.
# Source: Mesos src/master/validation.cpp (offer::validate, task::validate).

from collections.abc import Container, Mapping, Sequence

import msgspec

from .errors import InvalidRequest, InvalidResources
from .ids import AgentID, FrameworkID, OfferID, TaskID, validate_id
from .kinds import Kind, ReservationType
from .offers import Offer
from .resource_text import MILLI, portion_text
from .resources import NOTHING, Resources
from .states import Reason
from .tasks import CommandInfo, TaskInfo


class TaskVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of one task: ``reason`` and ``message`` are None and "" if it is accepted."""

    task: TaskInfo
    reason: Reason | None = None
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the task may be launched."""
        return self.reason is None


def offers_problem(
    framework_id: FrameworkID,
    offer_ids: Sequence[OfferID],
    offers: Mapping[OfferID, Offer],
    agents: Container[AgentID],
) -> str | None:
    """Return what is wrong with the offers that a framework names, or None if they can be used together.

    Shapes: ``offers`` holds all outstanding offers, of any framework; ``agents`` the registered, connected
    agents.
    """
    if not offer_ids:
        return "accept: no offers are named; name at least one offer id"
    if len(set(offer_ids)) < len(offer_ids):
        return f"accept: an offer is named twice in {list(offer_ids)}; name each once"
    first = offers.get(offer_ids[0])
    for offer_id in offer_ids:
        offer = offers.get(offer_id)
        if offer is None or first is None:
            return f"accept: offer {offer_id} is no longer valid; wait for the next offers"
        if offer.framework_id != framework_id:
            return f"accept: offer {offer_id} is not held by framework {framework_id}; use its own offers"
        if offer.role != first.role:
            return f"accept: offers are for the roles {first.role!r} and {offer.role!r}; accept them one role at a time"
        if offer.agent_id != first.agent_id:
            return (
                f"accept: offers are of the agents {first.agent_id} and {offer.agent_id}; accept them one "
                f"agent at a time"
            )
        if offer.agent_id not in agents:
            return f"accept: agent {offer.agent_id} of offer {offer_id} is not connected; wait for the next offers"
    return None


def validate_tasks(
    tasks: Sequence[TaskInfo],
    *,
    offered: Resources,
    agent_id: AgentID,
    known: Container[TaskID],
) -> tuple[TaskVerdict, ...]:
    """Judge tasks in order against offers that hold ``offered`` on ``agent_id``.

    Shapes: ``known`` holds the ids of the framework's tasks, unreachable ones too. Result: one verdict a
    task, in order.
    """
    verdicts: list[TaskVerdict] = []
    left = offered
    seen: set[TaskID] = set()
    for task in tasks:
        problem = _identity_problem(task, agent_id, known, seen) or _demand_problem(task, left)
        seen.add(task.task_id)
        if problem is None:
            left -= task.resources
            verdicts.append(TaskVerdict(task=task))
        else:
            verdicts.append(TaskVerdict(task=task, reason=Reason.REASON_TASK_INVALID, message=problem))
    return tuple(verdicts)


def validate_agent_resources(resources: Resources) -> None:
    """Refuse what an agent cannot be configured with.

    Raises: InvalidResources, if there is nothing at all, or anything revocable, dynamically reserved, on a disk of its
    own or from a provider: such resources come about later, by calls and estimates, or are not known here.
    """
    if resources.is_empty:
        raise InvalidResources("agents without resources run nothing; give some, as in cpus:2;mem:1024")
    for portion in resources.others:
        kind = portion.kind
        problem = _kind_problem(kind)
        if kind.revocable:
            problem = "which is revocable; an agent starts with what it can keep"
        elif any(layer.type is not ReservationType.STATIC for layer in kind.reservations):
            problem = "which is reserved by a call; reserve it as cpus(role):2"
        if problem is not None:
            raise InvalidResources(f"an agent cannot be given {portion_text(portion)}, {problem}")


def unused(offered: Resources, verdicts: Sequence[TaskVerdict]) -> Resources:
    """Return what the accepted tasks leave of ``offered``."""
    return offered - sum([verdict.task.resources for verdict in verdicts if verdict.accepted], NOTHING)


def _identity_problem(
    task: TaskInfo, agent_id: AgentID, known: Container[TaskID], seen: Container[TaskID]
) -> str | None:
    try:
        validate_id("task", task.task_id)
    except InvalidRequest as error:
        return f"launch: {error}"
    if task.task_id in known or task.task_id in seen:
        return f"launch: task id {task.task_id} is already in use by this framework; give each task an id of its own"
    if task.agent_id != agent_id:
        return (
            f"launch: task {task.task_id} names agent {task.agent_id}, its offer is of agent {agent_id}; "
            f"name the agent of the offer"
        )
    return None


def _demand_problem(task: TaskInfo, left: Resources) -> str | None:
    grace = task.kill_grace_seconds
    if grace is not None and not grace >= 0:
        return f"launch: task {task.task_id} has a kill grace of {grace} s; give zero or more"
    if task.resources.is_empty:
        return f"launch: task {task.task_id} uses no resources; ask for some, such as cpus:0.1"
    problem = _resources_problem(task.resources) or _command_problem(task.command)
    if problem is not None:
        return f"launch: task {task.task_id} {problem}"
    if not left.contains(task.resources):
        return (
            f"launch: task {task.task_id} wants {task.resources.brief}, its offers still hold {left.brief}; "
            f"shrink the task or wait for a larger offer"
        )
    return None


def _resources_problem(resources: Resources) -> str | None:
    gpus = resources.milli("gpus")
    if gpus % MILLI:
        return f"wants {gpus / MILLI} gpus; ask for whole ones"
    for portion in resources.others:
        problem = _kind_problem(portion.kind)
        if problem is not None:
            return f"wants {portion_text(portion)}, {problem}"
    mixed = set(resources.revocable().names) & set(resources.not_revocable().names)
    if mixed:
        return f"wants {min(mixed)} that is revocable and {min(mixed)} that is not; ask for one or the other"
    return None


def _kind_problem(kind: Kind) -> str | None:
    """What nobody can be given yet, because no agent could keep it apart from the rest."""
    if kind.disk is not None:
        return "a disk or volume of its own, which no agent gives yet; ask for plain disk"
    if kind.provider_id is not None:
        return "which comes from a resource provider; no agent has any yet"
    return None


def _command_problem(command: CommandInfo) -> str | None:
    if not command.value:
        return f"has no {'command' if command.shell else 'program'}; set the value of its command"
    texts = [command.value, *command.arguments, *[text for pair in command.environment for text in pair]]
    if any("\0" in text for text in texts):
        return "has a zero byte in its command; no program can be given one"
    for name, _ in command.environment:
        if not name or "=" in name:
            return f"sets the environment variable {name!r}; a name is not empty and holds no equals sign"
    return None
