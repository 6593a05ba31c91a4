"""PID: the address of one actor; the type is the core's (libactor/_core/_pid.py, csrc/pid.c)."""

from __future__ import annotations

from libactor._core._impl import PID
from libactor._core.values import register_immutable

__all__ = ["PID"]

register_immutable(PID)
