"""The registry as a JSON document: all that outlives a master, in the form of Mesos's registry."""

# Who calls: api/, for /registrar(1)/registry. It is only shown: what is stored has a form of its own (registry/).
# Source: Mesos src/master/registry.proto (Registry).

from __future__ import annotations

from typing import TYPE_CHECKING

from .agents import encode_agent
from .machines import encode_machine, encode_schedule
from .parts import Document, encode_duration, encode_unavailability, wrap_id
from .quotas import encode_quota_status, encode_weights

if TYPE_CHECKING:
    from ..masters import MasterInfo
    from ..registry import DrainInfo, GoneAgent, Machine, RegistryAgent, RegistryState, UnreachableAgent


def encode_registry(state: RegistryState) -> Document:
    """Return a Registry; what is empty is left out."""
    schedule = encode_schedule(state.schedule)
    document: Document = {
        "master": {"info": _encode_master(state.master)} if state.master is not None else None,
        "slaves": _in_list("slaves", [_encode_agent(agent) for agent in state.agents]),
        "machines": _in_list("machines", [{"info": _encode_machine(machine)} for machine in state.machines]),
        "schedules": [schedule] if schedule else None,
        "weights": [{"info": weight} for weight in encode_weights(state.weights)],
        "unreachable": _in_list("slaves", [_encode_lost(agent) for agent in state.unreachable]),
        "gone": _in_list("slaves", [_encode_lost(agent) for agent in state.gone]),
        "minimum_capabilities": [{"capability": name} for name in state.minimum_capabilities],
        "quota_configs": encode_quota_status(state.quotas).get("configs"),
    }
    return {name: value for name, value in document.items() if value}


def _in_list(name: str, entries: list[Document]) -> Document | None:
    return {name: entries} if entries else None


def _encode_master(info: MasterInfo) -> Document:
    return {
        "id": info.id,
        "port": info.port,
        "pid": info.pid,
        "hostname": info.hostname,
        "version": info.version,
        "capabilities": [{"type": name} for name in info.capabilities],
    }


def _encode_agent(agent: RegistryAgent) -> Document:
    return {"info": encode_agent(agent.info), **_encode_withdrawal(agent.drain, agent.deactivated)}


def _encode_lost(agent: UnreachableAgent | GoneAgent) -> Document:
    document = {"id": wrap_id(agent.id), "timestamp": {"nanoseconds": agent.since_ns}}
    drain, deactivated = getattr(agent, "drain", None), getattr(agent, "deactivated", False)
    return {**document, **_encode_withdrawal(drain, deactivated)}


def _encode_withdrawal(drain: DrainInfo | None, deactivated: bool) -> Document:
    """Whether an agent is not to be offered, and why."""
    document: Document = {}
    if drain is not None:
        config: Document = {"mark_gone": drain.mark_gone}
        if drain.max_grace_seconds is not None:
            config = {"max_grace_period": encode_duration(drain.max_grace_seconds), **config}
        document["drain_info"] = {"state": drain.state.name, "config": config}
    if deactivated:
        document["deactivated"] = True
    return document


def _encode_machine(machine: Machine) -> Document:
    return {
        "id": encode_machine(machine.id),
        "mode": machine.mode.name,
        "unavailability": encode_unavailability(machine.unavailability),
    }
