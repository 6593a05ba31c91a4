"""Events: what happens in a master as events of the operator API."""

# Who calls: event_fan.py, with each happening once, in order.
# TASK_UPDATED is told of a status in another state than the one before it, and of each check and health check, as in
#   Mesos; also where only the newest state that the agent knows has changed, for who puts events together to a state.
# AGENT_REMOVED is told of an agent that has left, not of one that is unreachable or gone, as in Mesos.
# Source: Mesos include/mesos/v1/master/master.proto (Event), src/master/master.cpp (updateTask, subscribers.send),
#   src/common/protobuf_utils.cpp (master::event::create...).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mesoslite.model import NOTHING, FrameworkID, Reason, TaskRecord, TaskState, happenings
from mesoslite.model.agent_records import packed_agent
from mesoslite.model.framework_records import packed_framework
from mesoslite.model.record_types import AGENT, FRAMEWORK, TASK
from mesoslite.model.task_records import packed_task
from mesoslite.model.v1 import encode_status
from mesoslite.model.version import API_VERSION

from ..projections_v1 import AGENT_V1, FRAMEWORK_INFO_V1, FRAMEWORK_V1, TASK_V1

if TYPE_CHECKING:
    from collections.abc import Callable

    from libactor.records import Record
    from mesoslite.model import FrameworkInfo, TaskID
    from mesoslite.model import records as kinds
    from mesoslite.model.view import View

_CHECKS = (Reason.REASON_TASK_CHECK_STATUS_UPDATED, Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)
_NANOSECONDS = 1_000_000_000


class Events:
    """Makes events, and remembers of what was told what decides of what is told next."""

    def __init__(self) -> None:
        self._registered: dict[FrameworkID, float] = {}  # when frameworks have come
        self._behind: dict[tuple[FrameworkID, TaskID], TaskState] = {}  # the last status, where its agent knows more
        self._make: dict[type[happenings.Happening], Callable[[Any], bytes | None]] = {
            happenings.TaskLaunched: self._task_launched,
            happenings.TaskReturned: self._task_returned,
            happenings.TaskUpdated: self._task_updated,
            happenings.TaskRemoved: self._task_removed,
            happenings.AgentAdded: self._agent_added,
            happenings.AgentReturned: self._agent_returned,
            happenings.AgentRemoved: self._agent_removed,
            happenings.FrameworkAdded: self._framework_added,
            happenings.FrameworkUpdated: self._framework_updated,
            happenings.FrameworkRemoved: self._framework_removed,
        }

    @property
    def kinds(self) -> frozenset[type[happenings.Happening]]:
        """What events are made of."""
        return frozenset(self._make)

    def begin(self, view: View) -> None:
        """Go on from what readers see there."""
        records = [each.framework for each in view.frameworks]
        self._registered = {FrameworkID(each.id): each.registered_time / _NANOSECONDS for each in records}
        self._behind.clear()

    def event(self, happening: happenings.Happening) -> bytes | None:
        """The event as JSON; None if operators are not told."""
        return self._make[type(happening)](happening)

    # ---- tasks ----

    def _task_launched(self, heard: happenings.TaskLaunched) -> bytes:
        state = TaskState.TASK_STAGING
        task = TaskRecord(info=heard.task, framework_id=heard.framework_id, state=state, role=heard.role)
        return _task_added(packed_task(task))

    def _task_returned(self, heard: happenings.TaskReturned) -> bytes:
        task = TaskRecord(
            info=heard.task,
            framework_id=heard.framework_id,
            state=heard.state,
            statuses=heard.statuses,
            role=heard.role,
        )
        return _task_added(replace(packed_task(task), user=heard.user))

    def _task_updated(self, heard: happenings.TaskUpdated) -> bytes | None:
        key, status = (heard.framework_id, heard.task_id), heard.status
        before = self._behind.pop(key, heard.old)
        if status.state is not heard.new:
            self._behind[key] = status.state
        if status.state is before and heard.new is heard.old and status.reason not in _CHECKS:
            return None
        document = {
            "framework_id": {"value": heard.framework_id},
            "status": encode_status(status),
            "state": heard.new.name,
        }
        return _event("TASK_UPDATED", msgspec.json.encode(document))

    def _task_removed(self, heard: happenings.TaskRemoved) -> None:
        self._behind.pop((heard.framework_id, heard.task_id), None)

    # ---- agents ----

    def _agent_added(self, heard: happenings.AgentAdded) -> bytes:
        return _agent_added(heard, None)

    def _agent_returned(self, heard: happenings.AgentReturned) -> bytes | None:
        return _agent_added(heard, heard.time) if heard.entered else None

    def _agent_removed(self, heard: happenings.AgentRemoved) -> bytes:
        return _event("AGENT_REMOVED", msgspec.json.encode({"agent_id": {"value": heard.agent_id}}))

    # ---- frameworks ----

    def _framework_added(self, heard: happenings.FrameworkAdded) -> bytes:
        self._registered[heard.framework_id] = heard.time
        return _framework("FRAMEWORK_ADDED", _record(heard.info, heard.time, recovered=heard.recovered))

    def _framework_updated(self, heard: happenings.FrameworkUpdated) -> bytes:
        registered = self._registered.get(heard.framework_id, heard.time)
        return _framework("FRAMEWORK_UPDATED", _record(heard.info, registered, recovered=False))

    def _framework_removed(self, heard: happenings.FrameworkRemoved) -> bytes:
        registered = self._registered.pop(heard.framework_id, heard.time)
        info = FRAMEWORK_INFO_V1.render(_record(heard.info, registered, recovered=False))
        return _event("FRAMEWORK_REMOVED", b'{"framework_info":%s}' % info)


def _event(kind: str, text: bytes) -> bytes:
    return b'{"type":"%s","%s":%s}' % (kind.encode(), kind.lower().encode(), text)


def _task_added(task: kinds.Task) -> bytes:
    return _event("TASK_ADDED", b'{"task":%s}' % TASK_V1.render(TASK.pack(task)))


def _agent_added(heard: happenings.AgentAdded | happenings.AgentReturned, reregistered: float | None) -> bytes:
    agent = packed_agent(
        heard.info,
        heard.agent_id,
        process=heard.pid.partition("@")[0],
        version=API_VERSION,
        registered_time=heard.time,
        reregistered_time=reregistered,
        total=heard.info.resources,
        active=True,
        deactivated=False,
        drain=None,
    )
    return _event("AGENT_ADDED", b'{"agent":%s}' % AGENT_V1.render(AGENT.pack(agent)))


def _record(info: FrameworkInfo, registered: float, *, recovered: bool) -> Record[kinds.Framework]:
    return FRAMEWORK.pack(
        packed_framework(
            info,
            connected=not recovered,
            recovered=recovered,
            registered_time=registered,
            reregistered_time=None,
            unregistered_time=None,
            used=NOTHING,
            offered=NOTHING,
            constraints=(),
        )
    )


def _framework(kind: str, record: Record[kinds.Framework]) -> bytes:
    return _event(kind, b'{"framework":%s}' % FRAMEWORK_V1.render(record))
