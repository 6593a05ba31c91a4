"""TaskGroup: tasks that start and end together under one executor."""

# Who calls: LaunchGroup has one; validation_groups.py judges it as a whole.
# Source: Mesos include/mesos/v1/mesos.proto (TaskGroupInfo).

import msgspec

from .tasks import TaskInfo


class TaskGroup(msgspec.Struct, frozen=True, gc=False):
    """Tasks of which all are launched, or none."""

    tasks: tuple[TaskInfo, ...]
