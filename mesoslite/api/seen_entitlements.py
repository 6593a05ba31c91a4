"""Seen entitlements: the quotas and weights of roles that are in the sight of who asks."""

# Who calls: operator_reads.py and operator_v0.py.
# Source: Mesos src/master/quota_handler.cpp (_status), src/master/weights_handler.cpp (_filterWeights).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import MasterPort

from .asking import ask
from .sight import sight_of

if TYPE_CHECKING:
    import libactor as la
    from mesoslite.model.registry import QuotaConfig, Weight

    from .exchange import Exchange


async def ask_quotas(master: la.PID[MasterPort], exchange: Exchange) -> list[QuotaConfig]:
    """The quotas that who sends the request may get."""
    seen = sight_of(exchange, "quotas").quotas
    return [each for each in await ask(master, MasterPort.quotas) if seen.allow(each.role)]


async def ask_weights(master: la.PID[MasterPort], exchange: Exchange) -> list[Weight]:
    """The weights of roles that who sends the request sees."""
    seen = sight_of(exchange, "roles").roles
    return [each for each in await ask(master, MasterPort.weights) if seen.allow(each.role)]
