"""Descriptions: what agents say of frameworks as they come back, read and judged once for all that say the same."""

# Who calls: registration.py, inside the master actor, before anything of a return is believed.
# Rejected: structs in the message, which were made, looked at and compared five times for each of thousands of agents.
# Source: Mesos src/master/validation.cpp (master::message::reregisterSlave).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import InvalidRequest, validate_framework
from mesoslite.model.packed_frameworks import unpacked_framework

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mesoslite.model import FrameworkID, FrameworkInfo

IN_STEP = 64
KEPT_MAX, KEPT_BYTES_MAX = 4_096, 1_024  # of those that are remembered


class Descriptions:
    """What one master was told of frameworks."""

    def __init__(self) -> None:
        self._read: dict[bytes, FrameworkInfo] = {}

    def reading(self, packed: tuple[bytes, ...]) -> Generator[None, None, Mapping[FrameworkID, FrameworkInfo]]:
        """Read the frameworks that an agent names, some in a step; the last one returns them.

        Raises: InvalidRequest.
        """
        infos: dict[FrameworkID, FrameworkInfo] = {}
        for number, one in enumerate(packed, 1):
            if number % IN_STEP == 0:
                yield
            info = self._read.get(one) or self._judged(one)
            assert info.id is not None
            if info.id in infos:
                raise InvalidRequest(f"framework {info.id} is named twice")
            infos[info.id] = info
        return infos

    def _judged(self, packed: bytes) -> FrameworkInfo:
        info = unpacked_framework(packed)
        if not info.id:
            raise InvalidRequest("a framework has no id")
        validate_framework(info)
        if len(packed) <= KEPT_BYTES_MAX:
            if len(self._read) >= KEPT_MAX:
                self._read.clear()
            self._read[packed] = info
        return info
