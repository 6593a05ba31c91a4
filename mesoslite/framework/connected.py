"""What a connection tells its framework about the master: that there is one to subscribe with, and that it is lost."""

# Who calls: the connections post these to the framework's actor, in turn: Connected first.
# Source: Mesos include/mesos/v1/scheduler.hpp (the callbacks connected and disconnected).

import msgspec


class Connected(msgspec.Struct, frozen=True, gc=False):
    """There is a master: subscribe with it."""


class Disconnected(msgspec.Struct, frozen=True, gc=False):
    """The master is lost; Connected follows once there is one again."""
