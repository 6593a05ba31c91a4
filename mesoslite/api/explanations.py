"""Explanations over HTTP: why a framework got, or did not get, offers of one agent, or of all of them."""

# Who calls: master.py, which serves it as /mesoslite/allocator/explain; the command `mesoslite allocator explain` reads
#   it. Mesos has nothing of the kind, hence a path of our own.
# Whose words tell of other roles, those are general for who may not see all of them: the reason is what matters.
# About all agents there is one line for each reason, with how many agents it is about and one of them for an example:
#   of fifty thousand agents nobody reads every one. They are asked about in portions, so that the allocator does its
#   other work between two of them.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import libactor as la
from mesoslite.model import ADVICE, AgentInfo, Explanation, Finding, FrameworkInfo, MasterPort, NotFound, OfferReason

from .exchange import Exchange, Refusal, Response
from .sight import sight_of

if TYPE_CHECKING:
    from .documents import Document
    from .sight import Sight

T = TypeVar("T")

CLIENTS_AT_ONCE = 100  # agents times the framework's roles: some 4 ms of the allocator's time
PAST = (OfferReason.GRANTED, OfferReason.SHARE)  # of runs that are over, told last
NAMED_MAX = 5  # ids in the text of a refusal
PARAMETERS = {"framework", "agent", "jsonp"}
GENERAL = {  # of reasons whose text says what other roles have
    OfferReason.HEADROOM: "some of what is free is kept for guarantees of other roles",
    OfferReason.HELD: "too little of the agent is free, as others hold or are offered the rest",
    OfferReason.OFFERED_TO_OTHER: "another framework has not answered an offer of it",
    OfferReason.RESERVED: "some of what is free is reserved for other roles",
    OfferReason.SHARE: "another framework was served with it",
}


@dataclass
class Counted:
    """A reason, as it is said about the first of the agents it is about."""

    finding: Finding
    example: AgentInfo
    agents: int = 0


class ExplainEndpoint:
    """Answers ``?framework=`` and, to ask about one agent only, ``&agent=``; each an id, its last part, or a name."""

    def __init__(self, master: la.PID[MasterPort]) -> None:
        self._master = master

    async def __call__(self, exchange: Exchange) -> Response:
        """Answer; 400 for what is missing, unknown or means several, 404 for who is not there or cannot say."""
        framework_text, agent_text = _asked(exchange)
        seen = sight_of(exchange, "frameworks", "roles", "quotas")
        found = await self._find(framework_text, seen)
        framework = _the_one("framework", framework_text, [(str(info.id), info) for info in found])
        agents = await la.dispatch(self._master, MasterPort.find_agents, agent_text)
        try:
            if not agent_text:
                return exchange.json(await self._summary(framework, agents, seen))
            agent = _the_one("agent", agent_text, [(str(info.id), info) for info in agents])
            (explanation,) = await self._explain(framework, [agent])
        except NotFound as error:
            raise Refusal(404, str(error)) from error
        return exchange.json(
            {
                "framework": _framework_document(framework),
                "agent": {"id": agent.id, "hostname": agent.hostname},
                "run": explanation.run,
                "findings": [await self._finding_document(finding, seen) for finding in explanation.findings],
            }
        )

    async def _find(self, text: str, seen: Sight) -> list[FrameworkInfo]:
        """The frameworks that a text may mean, of those that are seen."""
        found = await la.dispatch(self._master, MasterPort.find_frameworks, text)
        return [info for info in found if seen.frameworks.allow(info.user)]

    async def _explain(self, framework: FrameworkInfo, agents: list[AgentInfo]) -> tuple[Explanation, ...]:
        agent_ids = tuple([agent.id for agent in agents if agent.id is not None])
        assert framework.id is not None, "the master has given it one"
        explanations: tuple[Explanation, ...] = await la.dispatch(
            self._master, MasterPort.explain, framework.id, agent_ids
        )
        return explanations

    async def _summary(self, framework: FrameworkInfo, agents: tuple[AgentInfo, ...], seen: Sight) -> Document:
        """How many agents each reason is about, the most frequent first within a role, the past last; and an agent."""
        counted: dict[tuple[str, str], Counted] = {}
        run = 0
        at_once = max(1, CLIENTS_AT_ONCE // max(1, len(framework.roles)))
        for begin in range(0, len(agents), at_once):
            portion = list(agents[begin : begin + at_once])
            for agent, explanation in zip(portion, await self._explain(framework, portion), strict=True):
                run = explanation.run
                for finding in {(each.role, each.reason): each for each in reversed(explanation.findings)}.values():
                    counted.setdefault((finding.role, finding.reason), Counted(finding, agent)).agents += 1
        entries = [
            {
                **await self._finding_document(each.finding, seen),
                "agents": each.agents,
                "example": {"id": each.example.id, "hostname": each.example.hostname},
            }
            for each in counted.values()
        ]
        return {
            "framework": _framework_document(framework),
            "run": run,
            "agents": len(agents),
            "summary": sorted(entries, key=lambda entry: (entry["role"], entry["reason"] in PAST, -entry["agents"])),
        }

    async def _finding_document(self, finding: Finding, seen: Sight) -> Document:
        """With the name of another framework it speaks of, if that is still there and seen, in place of its id."""
        text, other = _text(finding, seen), finding.other
        document: Document = {"role": finding.role, "reason": finding.reason.value}
        if other is not None:
            found = await self._find(other, seen)
            if not found and not seen.frameworks.is_all:
                text = text.replace(f"framework {other}", "another framework")
            for info in found:
                document["other"] = {"id": other, "name": info.name}
                text = text.replace(f"framework {other}", f"framework {info.name!r} ({other.rpartition('-')[2]})")
        return {**document, "text": text, "advice": ADVICE[finding.reason]}


def _asked(exchange: Exchange) -> tuple[str, str]:
    """The framework and, "" for all, the agent in question."""
    unknown = sorted(exchange.query.keys() - PARAMETERS)
    if unknown:
        raise Refusal(400, f"explain: unknown parameter {unknown[0][:80]!r}; expected framework, and agent or none")
    repeated = exchange.repeated
    if repeated:
        raise Refusal(
            400, f"explain: {repeated[0][:80]!r} is given twice; name one, and ask about others by themselves"
        )
    framework = exchange.query.get("framework", "")
    if not framework:
        raise Refusal(400, "explain: no framework is named; give ?framework= with an id or a name")
    agent = exchange.query.get("agent")
    if agent == "":
        raise Refusal(400, "explain: the agent is empty; give an id or a host, or leave it out to ask about all")
    return framework, agent or ""


def _the_one(what: str, text: str, found: list[tuple[str, T]]) -> T:
    if not found:
        raise Refusal(404, f"explain: no {what} {text[:200]!r} is in the cluster; /state lists those there are")
    if len(found) > 1:
        ids = ", ".join([each for each, _ in found[:NAMED_MAX]]) + (", ..." if len(found) > NAMED_MAX else "")
        raise Refusal(400, f"explain: {text[:200]!r} is {len(found)} {what}s: {ids}; name one of them by its id")
    return found[0][1]


def _text(finding: Finding, seen: Sight) -> str:
    """What it says, as far as that may be told of other roles."""
    is_seen = seen.roles.is_all and (finding.reason is not OfferReason.HEADROOM or seen.quotas.is_all)
    return finding.text if is_seen else GENERAL.get(finding.reason, finding.text)


def _framework_document(info: FrameworkInfo) -> Document:
    return {"id": info.id, "name": info.name, "roles": list(info.roles)}
