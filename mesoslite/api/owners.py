"""Owners: whose what happens is, so that each who follows it is told what is in his sight."""

# Who calls: event_fan.py, while somebody follows who may not see all.
# A happening names a framework or a task by its id alone, so their users are remembered: of each framework, and of the
#   tasks that have one of their own, until they are over.
# Who has no known user is seen by who may see any.
# Source: Mesos src/master/master.cpp (Master::Subscribers::Subscriber::send).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import FrameworkID, TaskID, happenings

from .columns import columns

if TYPE_CHECKING:
    from mesoslite.model.view import FrameworkView, View

    from .sight import Sight


class Owners:
    """Those of what is there in ``view``, and of what comes after it. Cost: O(tasks)."""

    def __init__(self, view: View) -> None:
        self._frameworks = {FrameworkID(each.framework.id): each.framework.user for each in view.frameworks}
        self._tasks = {FrameworkID(each.framework.id): _own_users(each) for each in view.frameworks}

    def learn(self, happening: happenings.Happening) -> None:
        """Remember whose it is, before anybody is told."""
        match happening:
            case happenings.TaskLaunched():
                self._set(happening.framework_id, happening.task.task_id, happening.task.user)
            case happenings.TaskReturned():
                self._set(happening.framework_id, happening.task.task_id, happening.user)
            case happenings.FrameworkAdded() | happenings.FrameworkUpdated():
                self._frameworks[happening.framework_id] = happening.info.user
            case _:
                pass

    def forget(self, happening: happenings.Happening) -> None:
        """Let go of what is over, once all are told; of a task that is out of reach more may come."""
        match happening:
            case happenings.TaskRemoved(lost_sight=False):
                self._set(happening.framework_id, happening.task_id, None)
            case happenings.FrameworkRemoved():
                self._frameworks.pop(happening.framework_id, None)
                self._tasks.pop(happening.framework_id, None)
            case _:
                pass

    def sees(self, sight: Sight, happening: happenings.Happening) -> bool:
        """Whether it is in ``sight``: what happens to a framework or a task, or anything else."""
        match happening:
            case happenings.TaskLaunched() | happenings.TaskReturned():
                return self._sees_task(sight, happening.framework_id, happening.task.task_id)
            case happenings.TaskUpdated():
                return self._sees_task(sight, happening.framework_id, happening.task_id)
            case happenings.FrameworkAdded() | happenings.FrameworkUpdated() | happenings.FrameworkRemoved():
                return sight.frameworks.allow(self._frameworks.get(happening.framework_id))
            case _:
                return True

    def _sees_task(self, sight: Sight, framework_id: FrameworkID, task_id: TaskID) -> bool:
        user = self._frameworks.get(framework_id)
        own = self._tasks.get(framework_id, {}).get(task_id, user)
        return sight.frameworks.allow(user) and sight.tasks.allow(own)

    def _set(self, framework_id: FrameworkID, task_id: TaskID, user: str | None) -> None:
        if user is not None:
            self._tasks.setdefault(framework_id, {})[task_id] = user
        else:
            self._tasks.get(framework_id, {}).pop(task_id, None)


def _own_users(view: FrameworkView) -> dict[TaskID, str]:
    return {
        task_id: user
        for snapshot in (view.tasks, view.unreachable_tasks)
        for ids, users in columns(snapshot, "task_id", "user")
        if any(users)
        for task_id, user in zip(ids, users, strict=True)
        if user is not None
    }
