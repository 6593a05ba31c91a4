"""Posting: what the master sends to agents and frameworks, none of whom ends it by how much that is."""

# Who calls: agent_entry.py, framework_entry.py, and who refuses a framework.
# A message has what several have said in it (what many agents have, a framework and its task), so it may be more than
#   a connection takes (`frame_bytes_max`), though each part of it came over one. It is as lost on the way then.

from __future__ import annotations

import logging
from typing import Any

import libactor as la

log = logging.getLogger("mesoslite.master")


def post(pid: la.PID[Any], message: object, to: str) -> bool:
    """Post ``message``, and return whether it is on its way; ``to`` is who that is."""
    try:
        la.post(pid, message)
    except la.NotPassable as error:
        log.error("%s for %s is lost: %.500s", type(message).__name__, to, error)
        return False
    return True
