"""Entitlements: what operators say that roles are guaranteed, limited to, and weigh."""

# Who calls: operator.py for operators, recovery.py with what the registry knows, inside the master actor.
# Invariants: 1. what the allocator would refuse is refused here, before it is stored: a master that finds it in the
#   registry could not begin.    2. the allocator hears of it once it is durable, and before offers are rescinded for
#   it, so that they are not made again to whom they were taken from.
# Offers are rescinded in pieces of OFFERS_IN_STEP, other messages in between: for a larger guarantee those of agents in
#   their order, until as much is free and as many agents as the role has frameworks; for a lower limit those of the
#   role, framework by framework, until what it consumes and is offered fits; for a weight of a role that has frameworks
#   all. What is offered later is offered by the new rules.
# Source: Mesos src/master/quota_handler.cpp, src/master/weights_handler.cpp.

from __future__ import annotations

import logging
from collections import Counter, deque
from itertools import islice
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MILLI, Conflict, InvalidRequest, checked_quota, happenings, validate_role, weight_problem
from mesoslite.model.registry import QuotaConfig, UpdateQuota, UpdateWeights, Weight

from .consumption import charged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mesoslite.model import FrameworkID, Offer
    from mesoslite.model.registry import RegistryOperation

    from .accounts import Accounts
    from .durability import Durability
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offering import Offering

log = logging.getLogger("mesoslite.master")

OFFERS_IN_STEP = 200


class Entitlements:
    """Quotas and weights, over the books of one master that serves ``served_roles``, None for any.

    ``later()`` has ``go_on`` called behind what waits for the master.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        durability: Durability,
        served_roles: frozenset[str] | None,
        later: Callable[[], object],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._offering = offering
        self._durability = durability
        self._served_roles = served_roles
        self._later = later
        self.quotas: dict[str, QuotaConfig] = {}  # by role, as the registry has them
        self.weights: dict[str, Weight] = {}
        self._storing: deque[list[QuotaConfig]] = deque()  # updates of them, in the order in which they are answered
        self._rescinding: deque[Iterator[Offer | None]] = deque()

    def begin(self, quotas: Iterable[QuotaConfig], weights: Iterable[Weight]) -> None:
        """Begin with what the registry knows."""
        self.quotas = {quota.role: quota for quota in quotas}
        self.weights = {weight.role: weight for weight in weights}
        self._accounts.change_weights(self.weights.values())
        self._accounts.change_quotas(self.quotas.values())

    # ---- quotas ----

    def update_quotas(self, configs: tuple[QuotaConfig, ...], force: bool) -> la.Future[None]:
        """Give roles their quotas, all or none; ready once that is durable.

        Raises: InvalidRequest, for what no quota can be, and, unless forced, for a limit below what its role consumes,
        and for more guarantees than there is to have.
        """
        checked = [self._checked(config) for config in _all_of(configs, QuotaConfig, "quota")]
        if not force:
            self._check_consumption(checked)
            self._check_capacity(checked, InvalidRequest)
        return self._give(checked)

    def set_quota(self, config: QuotaConfig, force: bool) -> la.Future[None]:
        """As ``update_quotas``, for a role that has no quota, whatever it consumes, as in Mesos.

        Raises: InvalidRequest, if it has one; Conflict, unless forced, for more guarantees than there is to have.
        """
        [checked] = _all_of((config,), QuotaConfig, "quota")
        if _is_quota(self._asked().get(checked.role, QuotaConfig(checked.role))):
            raise InvalidRequest(
                f"quota: role {str(checked.role)[:80]!r} has one already; remove it first, or update it"
            )
        given = [self._checked(checked)]
        if not force:
            self._check_capacity(given, Conflict)
        return self._give(given)

    def remove_quota(self, role: str) -> la.Future[None]:
        """Take a role its quota; ready once that is durable. Raises: InvalidRequest, if it has none."""
        if not _is_quota(self._asked().get(role, QuotaConfig(role))):
            raise InvalidRequest(f"remove quota: role {str(role)[:80]!r} has none; look its name up")
        return self.update_quotas((QuotaConfig(role),), True)

    def _give(self, checked: list[QuotaConfig]) -> la.Future[None]:
        self._storing.append(checked)
        return self._apply(UpdateQuota(tuple(checked)), self._updated, self._withdrawn)

    def _checked(self, config: QuotaConfig) -> QuotaConfig:
        """The same, without guarantees of nothing. Raises: InvalidRequest, if it cannot be."""
        guarantees, limits = checked_quota(config)
        self._check_served(config.role, "quota")
        return QuotaConfig(config.role, tuple(guarantees.items()), tuple(limits.items()))

    def _check_consumption(self, configs: Iterable[QuotaConfig]) -> None:
        """Refuse to limit a role to less than it consumes; what it is only offered can be rescinded."""
        for config in configs:
            for name, milli in config.limits:
                consumed = self._ledger.consumption.consumed(config.role, name)
                if consumed > milli:
                    raise InvalidRequest(
                        f"quota: role {config.role[:80]!r} consumes {consumed / MILLI:g} {name[:80]} already, "
                        f"reservations included, more than the limit of {milli / MILLI:g}; raise that, free "
                        f"resources, or force it"
                    )

    def _check_capacity(self, configs: Iterable[QuotaConfig], refusal: type[InvalidRequest | Conflict]) -> None:
        """Refuse to guarantee more in all than all registered agents have, connected or not."""
        wanted: Counter[str] = Counter()
        for config in (self._asked() | {config.role: config for config in configs}).values():
            wanted.update(dict(config.guarantees))
        capacity = self._ledger.total_tally.firm
        for name, milli in wanted.items():
            if milli > capacity[name]:
                raise refusal(
                    f"quota: {milli / MILLI:g} {name[:80]} would be guaranteed in all, but the cluster has "
                    f"{capacity[name] / MILLI:g}; guarantee less, add agents, or force it"
                )

    def _updated(self) -> None:
        configs = self._storing.popleft()
        before = {config.role: self.quotas.get(config.role, QuotaConfig(config.role)) for config in configs}
        for config in configs:
            self.quotas.pop(config.role, None)
            if _is_quota(config):
                self.quotas[config.role] = config
        self._accounts.change_quotas(configs)
        self._ledger.chronicle.tell(happenings.QuotaUpdated, tuple(configs))
        for config in configs:
            log.info("the quota of %s is %s, at most %s", config.role, config.guarantees, config.limits)
            old_guarantees, old_limits = dict(before[config.role].guarantees), dict(before[config.role].limits)
            if any(milli < old_limits.get(name, milli + 1) for name, milli in config.limits):
                self._rescind(self._beyond_limit(config))
            if any(milli > old_guarantees.get(name, 0) for name, milli in config.guarantees):
                self._rescind(self._for_guarantee(config))

    def _withdrawn(self) -> None:
        self._storing.popleft()

    def _asked(self) -> dict[str, QuotaConfig]:
        """What quotas will be once all is stored: of several updates of a role the last one counts."""
        return self.quotas | {config.role: config for configs in self._storing for config in configs}

    # ---- weights ----

    def update_weights(self, weights: tuple[Weight, ...]) -> la.Future[None]:
        """Give roles their weights; ready once that is durable. Raises: InvalidRequest, for what cannot be."""
        for weight in _all_of(weights, Weight, "weights"):
            role, problem = weight.role, weight_problem(weight.weight)
            if not isinstance(role, str) or problem is not None:
                wanted = f"expected {problem or 'a text as role'}"
                raise InvalidRequest(f"weights: got {weight.weight!r:.80} for role {role!r:.80}, {wanted}")
            validate_role(role)
            self._check_served(weight.role, "weights")
        if len({weight.role for weight in weights}) < len(weights):
            raise InvalidRequest("weights: a role is named twice; name each once")
        return self._apply(UpdateWeights(weights), lambda: self._weighed(weights), lambda: None)

    def _weighed(self, weights: tuple[Weight, ...]) -> None:
        self.weights.update({weight.role: weight for weight in weights})
        self._accounts.change_weights(weights)
        self._ledger.chronicle.tell(happenings.WeightsUpdated, weights)
        if any(self._in_role(weight.role) for weight in weights):
            self._rescind(self._all_offers())

    # ---- offers that stand against it ----

    def go_on(self) -> None:
        """Rescind some of the offers that are to be rescinded."""
        count = 0
        for offer in islice(self._rescinding[0], OFFERS_IN_STEP):
            count += 1
            if offer is not None:
                self._offering.rescind(offer)
        if count < OFFERS_IN_STEP:
            self._rescinding.popleft()
        if self._rescinding:
            self._later()

    def _rescind(self, offers: Iterator[Offer | None]) -> None:
        self._rescinding.append(offers)
        if len(self._rescinding) == 1:
            self._later()

    def _all_offers(self) -> Iterator[Offer | None]:
        """The offers that stand now; None for each that does not any more when its turn comes."""
        standing = self._ledger.offers
        for offer_id in list(standing):
            yield standing.get(offer_id)

    def _beyond_limit(self, config: QuotaConfig) -> Iterator[Offer | None]:
        """Offers to a role and to those below it, framework by framework, until the rest is within its limits.

        What is offered by now counts, until its turn comes: a new offer is by the new limits.
        """
        by_framework: dict[FrameworkID, list[Offer]] = {}
        offered: Counter[str] = Counter()
        for offer in self._all_offers():
            yield None
            if offer is not None and (offer.role == config.role or offer.role.startswith(f"{config.role}/")):
                by_framework.setdefault(offer.framework_id, []).append(offer)
                offered.update(charged(offer.resources))
        for offers in by_framework.values():
            consumed = self._ledger.consumption.consumed
            if all(consumed(config.role, name) + offered[name] <= milli for name, milli in config.limits):
                return
            for offer in offers:
                offered.subtract(charged(offer.resources))
                yield self._ledger.offers.get(offer.id)

    def _for_guarantee(self, config: QuotaConfig) -> Iterator[Offer | None]:
        """Offers, agent by agent, until what they hold covers a guarantee, and each framework has an agent."""
        freed: Counter[str] = Counter()
        agents, frameworks = 0, len(self._in_role(config.role))
        for agent_id in list(self._ledger.agents):
            if agents >= frameworks and all(freed[name] >= milli for name, milli in config.guarantees):
                return
            agent = self._ledger.agents.get(agent_id)
            if agent is None or not (agent.connected and agent.active and agent.offers):
                yield None
                continue
            agents += 1
            for offer in list(agent.offers.values()):
                freed.update(offer.resources.scalars())
                yield self._ledger.offers.get(offer.id)

    def _in_role(self, role: str) -> list[FrameworkEntry]:
        """The frameworks that are subscribed to a role."""
        return [framework for framework in self._ledger.frameworks.values() if role in framework.info.roles]

    # ---- what they have in common ----

    def _check_served(self, role: str, what: str) -> None:
        if self._served_roles is not None and role not in self._served_roles:
            raise InvalidRequest(f"{what}: role {role[:80]!r} is not served by this master; add it to its roles")

    def _apply(
        self, operation: RegistryOperation, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> la.Future[None]:
        promise = la.Promise[None]()

        def durable() -> None:
            then()
            promise.set(None)

        def refused(error: Exception) -> None:
            otherwise()
            promise.fail(error)

        self._durability.apply(operation, durable, refused)
        return promise.future


def _all_of(given: object, kind: type, what: str) -> Any:
    """``given``, if it is a tuple of that; raises InvalidRequest."""
    if not isinstance(given, tuple) or not all(isinstance(one, kind) for one in given):
        raise InvalidRequest(f"{what}: got {given!r:.200}, expected a tuple of {kind.__name__}")
    return given


def _is_quota(config: QuotaConfig) -> bool:
    """Whether it says anything; else it is there to take a role its quota."""
    return bool(config.guarantees or config.limits)
