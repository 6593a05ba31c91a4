"""Frameworks: what one says of itself when it subscribes, and the rules for that and for role names."""

# Who calls: frameworks build FrameworkInfo; the master calls ``validate_framework`` before it accepts a
#   subscription.
# Not checked on construction: a master must be able to decode a bad description in order to answer it.
# Source: Mesos include/mesos/v1/mesos.proto (FrameworkInfo), src/common/roles.cpp, src/master/validation.cpp.

import math
import re

import msgspec

from .errors import InvalidRequest
from .ids import FrameworkID, validate_id

DEFAULT_ROLE = "*"

# Capabilities that this code acts on; a framework may name others.
MULTI_ROLE = "MULTI_ROLE"  # its roles are a list, and its offers say their role
PARTITION_AWARE = "PARTITION_AWARE"  # it tells TASK_DROPPED, _UNKNOWN, _GONE and the like apart; else all are TASK_LOST
TASK_KILLING_STATE = "TASK_KILLING_STATE"  # it knows the state TASK_KILLING
GPU_RESOURCES = "GPU_RESOURCES"  # it is offered agents with gpus
REGION_AWARE = "REGION_AWARE"  # it is offered agents of other regions than the master's
RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT"  # it is offered what is reserved more than once
REVOCABLE_RESOURCES = "REVOCABLE_RESOURCES"  # it is offered what may be taken from it again
SHARED_RESOURCES = "SHARED_RESOURCES"  # it is offered volumes that others use at the same time

_ROLE_GAP = re.compile(r"[\s\x08\x7f]")


class FrameworkInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework's description of itself.

    Units: ``failover_timeout`` is the seconds its tasks outlive a lost connection; 0.0 ends them at once.
    ``id`` is None until the master has given one; ``user`` is the account its tasks run as, "" for the
    agent's own. An agent that does not run as root cannot switch: there all tasks run as the agent's user.
    """

    name: str
    user: str = ""
    roles: tuple[str, ...] = (DEFAULT_ROLE,)
    id: FrameworkID | None = None
    failover_timeout: float = 0.0
    checkpoint: bool = False
    hostname: str = ""
    webui_url: str = ""
    capabilities: tuple[str, ...] = ()


def validate_framework(info: FrameworkInfo) -> None:
    """Refuse a description that no master can accept.

    Raises: InvalidRequest, if the id or a role breaks its rules, roles are missing or repeated, or the
    failover timeout is negative or not finite.
    """
    if info.id is not None:
        validate_id("framework", info.id)
    if not info.roles:
        raise InvalidRequest(f"framework {info.name!r} subscribes to no role; name at least one, '*' is the default")
    for role in info.roles:
        validate_role(role)
    if len(set(info.roles)) < len(info.roles):
        raise InvalidRequest(f"framework {info.name!r} names a role twice in {list(info.roles)}; name each once")
    if not math.isfinite(info.failover_timeout) or info.failover_timeout < 0:
        raise InvalidRequest(
            f"framework {info.name!r} has a failover_timeout of {info.failover_timeout}; "
            f"give a finite number of seconds, zero or more"
        )


def validate_role(role: str) -> None:
    """Refuse ``role`` unless it is ``*`` or a path of words, such as ``ads/batch``.

    Raises: InvalidRequest, naming the rule that is broken.
    """
    if role == DEFAULT_ROLE:
        return
    problem = _role_problem(role)
    if problem is not None:
        raise InvalidRequest(f"role {role!r} {problem}; use '*' or words parted by single slashes, such as ads/batch")


def _role_problem(role: str) -> str | None:
    if not role:
        return "is empty"
    if role.startswith("/") or role.endswith("/"):
        return "starts or ends with a slash"
    if _ROLE_GAP.search(role):
        return "holds white space or a backspace"
    for word in role.split("/"):
        if not word:
            return "holds two slashes in a row"
        if word in (".", "..", "*"):
            return f"has the reserved word {word!r} in its path"
        if word.startswith("-"):
            return f"has the word {word!r}, which starts with a dash"
    return None
