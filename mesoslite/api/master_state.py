"""Master state: a ClusterState as the document of ``/state``."""

# Who calls: master.py, outside of actors and of the server's loop, because a large cluster takes long to write.
# Source: Mesos src/master/readonly_handler.cpp.

from collections.abc import Mapping

from mesoslite.model import MASTER_CAPABILITIES, AgentState, ClusterState, FrameworkState, Offer
from mesoslite.model.v1 import encode_labels, encode_roles
from mesoslite.model.version import API_VERSION

from .documents import (
    Document,
    address,
    attributes_document,
    reserved_document,
    resources_document,
    task_document,
    version_document,
)


def state_document(state: ClusterState, flags: Mapping[str, str]) -> Document:
    """Return all of the cluster, and the options that the master's program was started with."""
    pid = address(state.pid, state.hostname, state.port)
    return {
        **version_document(),
        "start_time": state.start_time,
        "elected_time": state.start_time,
        "id": state.master_id,
        "pid": pid,
        "hostname": state.hostname,
        "capabilities": list(MASTER_CAPABILITIES),
        "activated_slaves": sum([agent.active for agent in state.agents]),
        "deactivated_slaves": sum([not agent.active for agent in state.agents]),
        "unreachable_slaves": 0,
        "leader": pid,
        "leader_info": {"id": state.master_id, "pid": pid, "port": state.port, "hostname": state.hostname},
        "flags": dict(flags),
        "slaves": [_agent_document(agent) for agent in state.agents],
        "recovered_slaves": [],
        "frameworks": [_framework_document(framework) for framework in state.frameworks],
        "completed_frameworks": [_framework_document(framework) for framework in state.completed_frameworks],
        "orphan_tasks": [],
        "unregistered_frameworks": [],
    }


def _agent_document(agent: AgentState) -> Document:
    info = agent.info
    return {
        "id": info.id,
        "hostname": info.hostname,
        "port": info.port,
        "attributes": attributes_document(info),
        "pid": address(agent.pid, info.hostname, info.port),
        "registered_time": agent.registered_time,
        "resources": resources_document(info.resources),
        "used_resources": resources_document(agent.used),
        "offered_resources": resources_document(agent.offered),
        "reserved_resources": reserved_document(info.resources),
        "unreserved_resources": resources_document(info.resources.unreserved()),
        "active": agent.active,
        "deactivated": agent.deactivated,
        "version": API_VERSION,
        "capabilities": [],
    }


def _framework_document(framework: FrameworkState) -> Document:
    info = framework.info
    document: Document = {
        "id": info.id,
        "name": info.name,
        "used_resources": resources_document(framework.used),
        "offered_resources": resources_document(framework.offered),
        "resources": resources_document(framework.used + framework.offered),
        "capabilities": list(info.capabilities),
        "hostname": info.hostname,
        "webui_url": info.webui_url,
        "active": framework.active,
        "connected": framework.connected,
        "recovered": framework.recovered,
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "registered_time": framework.registered_time,
        "unregistered_time": 0.0,
        **encode_roles(info),
        "tasks": [task_document(task, info) for task in framework.tasks],
        "unreachable_tasks": [],
        "completed_tasks": [task_document(task, info) for task in framework.completed_tasks],
        "offers": [_offer_document(offer) for offer in framework.offers],
        "executors": [],
        "offer_constraints": {},
    }
    if info.principal:
        document["principal"] = info.principal
    if info.labels:
        document["labels"] = encode_labels(info.labels)["labels"]
    if framework.reregistered_time is not None:
        document["reregistered_time"] = framework.reregistered_time
    return document


def _offer_document(offer: Offer) -> Document:
    return {
        "id": offer.id,
        "framework_id": offer.framework_id,
        "allocation_info": {"role": offer.role},
        "slave_id": offer.agent_id,
        "resources": resources_document(offer.resources),
    }
