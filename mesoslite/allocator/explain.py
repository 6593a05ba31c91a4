"""Explain: why a framework got, or did not get, an offer of an agent; from the books and the last runs' grants."""

# Who calls: the actor in master/, when somebody asks. The hot path pays nothing for it: what stands in the way is found
#   out anew, by the same books and rules that the next run goes by; of past runs only the grants are kept (history.py).
# What the client would be granted is what a run would say (possible_offer); only the words for it are found here.
# So a finding is about now, but for GRANTED and SHARE, which are about a run that is named.
# Order: what stands in the way of everything comes first, and then nothing else is said: neither shares nor filters
#   matter to a role that is suppressed. Then what keeps the agent away, then what makes an offer less, then the past.

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, Explanation, Finding, OfferReason, Resources, dominant_share

from . import eligibility
from .entitlement import is_worth, possible_offer
from .passing import amounts_of

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID

    from .agents import AgentBook
    from .books import Books
    from .clients import ClientBook
    from .history import History
    from .roles import RoleBook
    from .sorter import Standing

NAMED_MAX = 3  # of those who hold something, in one text
_R = OfferReason
_NEEDS = (
    (eligibility.GPUS, _R.CAPABILITY, "the agent has gpus, and the framework lacks the capability GPU_RESOURCES"),
    (eligibility.REMOTE, _R.REGION, "the agent is in another region, and the framework lacks REGION_AWARE"),
    (eligibility.SINGLE_ROLE, _R.CAPABILITY, "the agent lacks MULTI_ROLE, and the framework has that capability"),
    (eligibility.FLAT_ROLE, _R.CAPABILITY, "the agent lacks HIERARCHICAL_ROLE, and the role is below another"),
)


def explain(
    books: Books, history: History, is_held_off: bool, framework_id: FrameworkID, agent_id: AgentID
) -> Explanation:
    """Return every reason that matters, role by role. Cost: O(roles + who is on the agent + grants kept of it)."""
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
    if not findings and agent is not None and framework is not None:
        for client in framework.clients.values():
            barred = list(_barred(agent, client, client.role.path in framework.suppressed))
            findings += barred or _Case(books, history, agent, client).findings()
    return Explanation(framework_id, agent_id, history.run, tuple(findings))


def _barred(agent: AgentBook, client: ClientBook, is_suppressed: bool) -> Iterator[Finding]:
    """Why nothing of the agent is for the client, whatever is free."""
    role = client.role.path
    if is_suppressed:
        yield Finding(role, _R.SUPPRESSED, f"the framework has suppressed role {role!r}")
    lacking = agent.needs & ~client.has
    for bit, reason, text in _NEEDS:
        if lacking & bit:
            yield Finding(role, reason, text)
    if client.constraints is not None and not client.constraints.accept(agent):
        violated = "; or ".join(
            [f"{one.selector_name} {one.predicate} {one.value}" for one in client.constraints.violated(agent)]
        )
        yield Finding(role, _R.CONSTRAINT, f"the agent does not fulfil: {violated}")


class _Case:
    """A client and an agent that nothing bars from each other."""

    def __init__(self, books: Books, history: History, agent: AgentBook, client: ClientBook) -> None:
        self.books, self.history, self.agent, self.client = books, history, agent, client
        self.role = client.role.path
        self.minimum = books.min_allocatable if client.minimum is None else client.minimum
        self.mine = eligibility.reserved_for(client, agent.available)
        self.may_have = possible_offer(books, agent, client)

    def finding(self, reason: OfferReason, text: str, other: FrameworkID | None = None) -> Finding:
        return Finding(self.role, reason, text, other)

    def findings(self) -> list[Finding]:
        """What is decisive first."""
        less = [*self.reserved(), *self.cut()]
        if self.may_have is not None:
            if filters := list(self.filters(self.may_have)):
                return [*filters, *less, *self.past(is_share_told=False)]
            text = f"nothing stands in the way of an offer of {self.may_have}"
            return [self.finding(_R.NEXT, text), *self.handed_back(self.may_have), *less, *self.past()]
        if not self.agent.available or not is_worth(self.agent, self.agent.available, self.minimum):
            return [*self.full(), *self.past()]
        return [*(less or self.too_small()), *self.past(is_share_told=False)]

    # ---- what is not there ----

    def full(self) -> Iterator[Finding]:
        """What is free of the agent is nothing, or too little for any offer to this client."""
        agent = self.agent
        if not agent.held:
            yield from self.too_small()
            return
        mine = {client: held for client, held in agent.held.items() if client.framework_id == self.client.framework_id}
        others = [(client, held) for client, held in agent.held.items() if client not in mine]
        words = [f"this framework holds {held} in role {client.role.path!r}" for client, held in mine.items()]
        other = others[0][0].framework_id if others else None
        words += [f"framework {other} holds {held} in role {client.role.path!r}" for client, held in others[:1]]
        if len(others) > 1:
            words.append(f"{len(others) - 1} more hold something")
        text = f"{agent.available or 'nothing'} is free of its {agent.total}: {', '.join(words)}"
        yield self.finding(_R.HELD, text, other)

    def too_small(self) -> Iterator[Finding]:
        """There is something, but not as much as makes an offer."""
        least = " or ".join(["; ".join([_amount(name, milli) for name, milli in one]) for one in self.minimum])
        free = self.mine or "nothing"
        yield self.finding(_R.TOO_SMALL, f"{free} is free for it, and an offer needs {least or 'something'}")

    # ---- what makes an offer less ----

    def reserved(self) -> Iterator[Finding]:
        """What is free, but not for this role, or of no kind that the framework knows."""
        free = self.agent.available
        theirs = {
            path: kept
            for path, kept in free.reserved_by_role().items()
            if not kept.allocatable_to(self.role).contains(kept)
        }
        if theirs:
            words = [f"{kept} for role {path!r}" for path, kept in sorted(theirs.items())[:NAMED_MAX]]
            if len(theirs) > NAMED_MAX:
                words.append(f"some for {len(theirs) - NAMED_MAX} more")
            yield self.finding(_R.RESERVED, f"reserved for others, of what is free: {', '.join(words)}")
        known = free.allocatable_to(self.role)
        if not self.mine.contains(known):
            unknown = known - self.mine
            yield self.finding(
                _R.CAPABILITY, f"{unknown} of what is free is of a kind that the framework does not know"
            )

    def cut(self) -> Iterator[Finding]:
        """What quota keeps of each resource."""
        quota, top = self.books.quota, self.client.role.top
        if not quota.roles:
            return
        counted, is_simple = self.mine.unreserved().not_revocable(), self.agent.is_simple
        left = quota.left(top, counted, True, is_simple) or quota.left(top, counted, False, is_simple) or NOTHING
        amounts = left.scalars()
        words: dict[OfferReason, list[str]] = {}
        for name, milli in counted.scalars().items():
            may = amounts.get(name, 0)
            if may < milli:
                room = top.quota.room(name) if top.quota is not None else None
                is_limited = room is not None and counted.shrunk({name: room}).scalars().get(name, 0) <= may
                why = self.limit(top, name) if is_limited else self.headroom(top, name)
                text = f"of the {_amount(name, milli)} free here it may have {_amount(name, may)}, as {why}"
                words.setdefault(_R.QUOTA_LIMIT if is_limited else _R.HEADROOM, []).append(text)
        for reason, texts in words.items():
            yield self.finding(reason, "; ".join(texts))

    @staticmethod
    def limit(top: RoleBook, name: str) -> str:
        assert top.quota is not None, "it is its limit that cuts"
        consumed, limit = top.quota.consumed.get(name, 0), top.quota.limits[name]
        return f"role {top.path!r} has {_amount(name, consumed)} and is limited to {_amount(name, limit)}"

    def headroom(self, top: RoleBook, name: str) -> str:
        quota = self.books.quota
        lacking = {
            role.path: role.quota.missing(name)
            for role in quota.roles.values()
            if role.quota is not None and role is not top and role.quota.missing(name)
        }
        words = [f"role {path!r} lacks {_amount(name, milli)}" for path, milli in sorted(lacking.items())[:NAMED_MAX]]
        if len(lacking) > NAMED_MAX:
            words.append(f"{len(lacking) - NAMED_MAX} more lack some")
        if not words and top.quota is not None:
            own = _amount(name, top.quota.missing(name))
            words.append(f"role {top.path!r} itself lacks {own}, and what comes only whole must not be larger")
        free = _amount(name, quota.headroom.get(name, 0))
        return f"of the {free} free in the cluster the rest is kept for guarantees: {', '.join(words)}"

    # ---- what the framework said ----

    def filters(self, offer: Resources) -> Iterator[Finding]:
        """Which of its filters keep that away."""
        if self.agent.filters is None:
            return
        for filter_id, refused in self.agent.filters.clients.get(self.client, {}).items():
            if refused.contains(offer):
                text = f"it refused {refused} here for a time, which contains the {offer} that it may have"
                yield Finding(self.role, _R.FILTER, text, filter_id=filter_id)
                return

    def handed_back(self, offer: Resources) -> Iterator[Finding]:
        """Whether others come first, since it hands as much back again and again."""
        refusals = self.client.refusals
        amounts = amounts_of(offer, self.agent.is_simple)
        if refusals is None or not refusals.cover(amounts):
            return
        times, turns = refusals.containing(amounts), self.books.shares.turns
        text = (
            f"it has handed back {times} offers or more that contained as much and used none since, so others come "
            f"first; if they take all, it is first for one in {turns} of these, on average"
        )
        yield self.finding(_R.HANDED_BACK, text)

    # ---- what has become of the agent ----

    def past(self, is_share_told: bool = True) -> Iterator[Finding]:
        """This client's last offer, or who has been served with the agent since."""
        for run, grant in self.history.of_agent(self.agent.agent_id):
            if (grant.framework_id, grant.role) == self.client.key:
                held = self.agent.held.get(self.client)
                rest = f"it holds {held} of the agent now" if held else "it holds nothing of the agent any more"
                yield self.finding(_R.GRANTED, f"run {run} offered it {grant.resources}; {rest}")
                return
            other = self.books.shares.clients.get((grant.framework_id, grant.role))
            if other is not None and is_share_told:
                text = f"run {run} offered {grant.resources} to {self.beside(other)}"
                yield self.finding(_R.SHARE, text, other.framework_id)
                is_share_told = False

    def beside(self, other: ClientBook) -> str:
        """Another client, with the shares that decide between the two."""
        who = f"framework {other.framework_id} in role {other.role.path!r}"
        if other.role is self.client.role:
            words = [f"it {self.share(other.standing)}", f"this framework {self.share(self.client.standing)}"]
        else:
            roles = _where_they_part(other.role, self.client.role)
            words = [f"role {role.path!r}{_weight(role)} {self.share(role.sum)}" for role in roles]
        return f"{who}; shares of the cluster now, each of the resource it has most of: {', '.join(words)}"

    def share(self, standing: Standing) -> str:
        return f"{100 * dominant_share(standing.held, self.books.shares.total.fair):.1f} %"


def _where_they_part(one: RoleBook, two: RoleBook) -> tuple[RoleBook, RoleBook]:
    """The topmost of each, from the root, that are not the same; the roles themselves if one is above the other."""
    for first, second in zip(_down_to(one), _down_to(two), strict=False):
        if first is not second:
            return first, second
    return one, two


def _down_to(role: RoleBook) -> list[RoleBook]:
    path = [role]
    while path[-1].parent is not None:
        path.append(path[-1].parent)
    return path[::-1]


def _weight(role: RoleBook) -> str:
    return "" if role.sum.weight == 1.0 else f" (weight {role.sum.weight:g})"


def _amount(name: str, milli: int) -> str:
    return str(Resources.from_milli({name: milli})) if milli else f"{name}:0"
