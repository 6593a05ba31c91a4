"""Greetings: what an agent says to a master that it comes to: that it is new, or all that a known one has."""

# Who calls: agent.py makes them; registration.py sends one after the other until one is answered.
# Source: Mesos src/slave/slave.cpp (doReliableRegistration).

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import RegisterAgent

if TYPE_CHECKING:
    from mesoslite.model import AgentInfo, ReregisterAgent

    from .operations import Operations
    from .runs import Frameworks


class Greetings:
    """Those of one life of an agent, which ``incarnation`` tells from others; each has a number of its own."""

    def __init__(self, frameworks: Frameworks, operations: Operations, incarnation: bytes) -> None:
        self._frameworks = frameworks
        self._operations = operations
        self._incarnation = incarnation
        self._numbers = itertools.count(1)

    def greeting(self, info: AgentInfo) -> RegisterAgent | ReregisterAgent:
        """The next one, of the agent that ``info`` describes, which has an id if it is known."""
        if info.id is None:
            return RegisterAgent(info, incarnation=self._incarnation, total=self._operations.total)
        return msgspec.structs.replace(
            self._frameworks.reregistration(info, self._operations.total),
            incarnation=self._incarnation,
            number=next(self._numbers),
        )
