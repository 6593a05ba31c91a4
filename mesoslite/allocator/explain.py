"""Explain: why a framework got, or did not get, an offer of an agent; from the books and the last runs' grants."""

# Who calls: the actor in master/, when somebody asks. The hot path pays nothing for it: what stands in the way is found
#   out anew, by the same books and rules that the next run goes by; of past runs only the grants are kept, a bounded
#   number (History).
# So a finding is about now, but for GRANTED and SHARE, which are about a run that is named.

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mesoslite.model import Explanation, Finding, Grant, OfferReason, Resources, dominant_share

from . import eligibility
from .clients import Serving
from .cycle import is_worth

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID

    from .agents import AgentBook
    from .books import Books
    from .clients import ClientBook

GRANTS_KEPT = 10_000  # at least the last run's, whatever their number
_R = OfferReason
_NEEDS = (
    (eligibility.GPUS, _R.CAPABILITY, "the agent has gpus, and the framework lacks the capability GPU_RESOURCES"),
    (eligibility.REMOTE, _R.REGION, "the agent is in another region, and the framework lacks REGION_AWARE"),
    (eligibility.SINGLE_ROLE, _R.CAPABILITY, "the agent lacks MULTI_ROLE, and the framework has that capability"),
    (eligibility.FLAT_ROLE, _R.CAPABILITY, "the agent lacks HIERARCHICAL_ROLE, and the role is below another"),
)


class History:
    """The grants of the last runs that made any."""

    def __init__(self) -> None:
        self.run = 0  # the number of the last one
        self._runs: deque[tuple[int, tuple[Grant, ...]]] = deque()
        self._kept = 0
        self._index: dict[AgentID, list[tuple[int, Grant]]] | None = None  # by agent, the latest first; made on demand

    def add(self, grants: tuple[Grant, ...]) -> None:
        """Note a run."""
        if not grants:
            return
        self.run += 1
        self._index = None
        self._runs.append((self.run, grants))
        self._kept += len(grants)
        while self._kept > GRANTS_KEPT and len(self._runs) > 1:
            self._kept -= len(self._runs.popleft()[1])

    def of_agent(self, agent_id: AgentID) -> Sequence[tuple[int, Grant]]:
        """Return run and grant, the latest first. Cost: the first time after a run O(all that is kept)."""
        if self._index is None:
            self._index = {}
            for run, grants in reversed(self._runs):
                for grant in reversed(grants):
                    self._index.setdefault(grant.agent_id, []).append((run, grant))
        return self._index.get(agent_id, ())


def explain(
    books: Books, history: History, is_held_off: bool, framework_id: FrameworkID, agent_id: AgentID
) -> Explanation:
    """Return every reason that is found, role by role, the past first. Cost: O(roles + grants kept of the agent)."""
    agent, framework = books.agents.get(agent_id), books.frameworks.get(framework_id)
    findings: list[Finding] = []
    if framework is None:
        findings.append(Finding("", _R.UNKNOWN_FRAMEWORK, f"framework {framework_id} is not subscribed"))
    elif not framework.active:
        findings.append(Finding("", _R.FRAMEWORK_INACTIVE, f"framework {framework_id} is not connected"))
    if is_held_off:
        findings.append(Finding("", _R.HELD_OFF, "offers are paused, or agents are waited for after a failover"))
    if agent is None:
        findings.append(Finding("", _R.UNKNOWN_AGENT, f"agent {agent_id} is not registered"))
    else:
        if not agent.active:
            findings.append(Finding("", _R.AGENT_INACTIVE, f"agent {agent_id} is deactivated or disconnected"))
        if not agent.is_listed:
            findings.append(Finding("", _R.NOT_WHITELISTED, f"host {agent.hostname} is not on the whitelist"))
        for client in framework.clients.values() if framework is not None else ():
            findings += _of_client(books, history, agent, client, is_open=not findings)
    return Explanation(framework_id, agent_id, history.run, tuple(findings))


def _of_client(
    books: Books, history: History, agent: AgentBook, client: ClientBook, is_open: bool
) -> Iterator[Finding]:
    role = client.role.path
    yield from _past(books, history, agent, client)
    framework = books.frameworks[client.framework_id]
    problems = [Finding(role, reason, text) for reason, text in _problems(books, agent, client)]
    if role in framework.suppressed:
        problems.insert(0, Finding(role, _R.SUPPRESSED, f"the framework has suppressed role {role!r}"))
    yield from problems
    if client.is_idle:
        text = "it handed back the last offer that it answered, so it is served after those that use theirs"
        yield Finding(role, _R.IDLE, text)
    if is_open and not problems and client.serving is not Serving.NOT:
        yield Finding(role, _R.NEXT, f"nothing stands in the way of an offer of {agent.available}")


def _past(books: Books, history: History, agent: AgentBook, client: ClientBook) -> Iterator[Finding]:
    """What became of the agent lately: this client's last offer, or who has been served with it since."""
    for run, grant in history.of_agent(agent.agent_id):
        if (grant.framework_id, grant.role) == client.key:
            yield Finding(client.role.path, _R.GRANTED, f"run {run} offered it {grant.resources}")
            return
        other = books.shares.clients.get((grant.framework_id, grant.role))
        if other is not None:
            yield Finding(
                client.role.path,
                _R.SHARE,
                f"run {run} offered {grant.resources} to {grant.framework_id} in role {grant.role!r}; weighted shares "
                f"now: {_share(books, other)} there, {_share(books, client)} here",
            )
            return


def _share(books: Books, client: ClientBook) -> str:
    total, role = books.shares.total.fair, client.role.sum
    of_role = dominant_share(role.held, total) / role.weight
    return f"role {of_role:.3f}, framework {dominant_share(client.standing.held, total):.3f}"


def _problems(books: Books, agent: AgentBook, client: ClientBook) -> Iterator[tuple[OfferReason, str]]:
    lacking = agent.needs & ~client.has
    for bit, reason, text in _NEEDS:
        if lacking & bit:
            yield reason, text
    if client.constraints is not None and not client.constraints.accept(agent):
        violated = "; or ".join(
            [f"{one.selector} {one.predicate} {one.value}" for one in client.constraints.violated(agent)]
        )
        yield _R.CONSTRAINT, f"the agent does not fulfil: {violated}"
    minimum = books.min_allocatable if client.minimum is None else client.minimum
    offer = agent.available if agent.is_simple else eligibility.reserved_for(client, agent.available)
    if not offer or not is_worth(agent, offer, minimum):
        yield _R.TOO_SMALL, f"free for it is {offer or 'nothing'}, which is worth no offer"
        return
    for reason, text, rest in _quota_problems(books, agent, client, offer):
        offer = rest
        if not offer or not is_worth(agent, offer, minimum):
            yield reason, text
            return
    yield from _filter_problems(agent, client, offer)


def _quota_problems(
    books: Books, agent: AgentBook, client: ClientBook, offer: Resources
) -> Iterator[tuple[OfferReason, str, Resources]]:
    """What limits, and then guarantees of others, leave of an offer."""
    top = client.role.top
    free = offer if agent.is_simple else offer.unreserved().not_revocable()
    rest = offer - free
    if top.quota is not None:
        rooms = {name: room for name in top.quota.limits if (room := top.quota.room(name)) is not None}
        free = free.shrunk(rooms)
        yield _R.QUOTA_LIMIT, f"the limits of role {top.path!r} leave it {free or 'nothing'}", rest + free
    if books.quota.roles:
        quota = books.quota
        caps = {
            name: quota.surplus(name) + (top.quota.missing(name) if top.quota is not None else 0)
            for name, required in quota.required.items()
            if required
        }
        free = free.shrunk(caps)
        yield _R.HEADROOM, f"guarantees of other roles leave it {free or 'nothing'}", rest + free


def _filter_problems(agent: AgentBook, client: ClientBook, offer: Resources) -> Iterator[tuple[OfferReason, str]]:
    if agent.filters is None or not agent.filters.block(client, offer):
        return
    for filter_id, refused in agent.filters.clients[client].items():
        if refused.contains(offer):
            yield _R.FILTER, f"filter {filter_id}: it refused {refused} here, which contains the {offer} that is free"
