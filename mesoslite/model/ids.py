"""Identifiers: typed text for what a cluster names, the rules for those that users give."""

# Who calls: the master makes framework, agent and offer ids; users give task and executor ids, which become
#   file names on agents, hence the rules of ``validate_id``.
# Invariants: ids are compared as text; two ids of one kind made by one master never repeat, for the master
#   counts up.
# Rejected: a class per id; NewType costs nothing at run time and still stops an agent id from passing for a
#   task id.
# Source: Mesos src/common/validation.cpp (validateID), src/master/master.cpp (newFrameworkId, newOfferId,
#   newSlaveId).

import re
import unicodedata
from collections.abc import Collection
from typing import NewType

from .errors import InvalidRequest

FrameworkID = NewType("FrameworkID", str)
AgentID = NewType("AgentID", str)
TaskID = NewType("TaskID", str)
OfferID = NewType("OfferID", str)
ContainerID = NewType("ContainerID", str)
ExecutorID = NewType("ExecutorID", str)
OperationID = NewType("OperationID", str)

NO_FRAMEWORK = FrameworkID("")  # whose an operation is that an operator has asked for

ID_BYTES_MAX = 255  # the longest file name that Linux file systems take (NAME_MAX)

_is_plain = re.compile(r"[0-9A-Za-z][-.:0-9A-Z_a-z]{0,254}").fullmatch  # which nearly all are; the rest takes longer


def validate_id(kind: str, text: str) -> None:
    """Refuse ``text`` unless it can be an id and a file name; ``kind`` ("task", ...) stands in the message.

    Raises: InvalidRequest, if the text is empty, longer than 255 bytes of UTF-8, ``.`` or ``..``, or holds a
    control character, a slash or a backslash.
    Cost: O(len(text)).
    """
    if _is_plain(text):
        return
    problem = _id_problem(text)
    if problem is not None:
        raise InvalidRequest(
            f"{kind} id {text[:80]!r} {problem}; give 1 to {ID_BYTES_MAX} bytes without slashes and control characters"
        )


def validate_ids(kind: str, texts: Collection[str]) -> None:
    """As ``validate_id``, of many."""
    if not all(map(_is_plain, texts)):
        for text in texts:
            validate_id(kind, text)


def _id_problem(text: str) -> str | None:
    if not text:
        return "is empty"
    if text in (".", ".."):
        return "names a directory"
    if not text.isascii() or not text.isprintable() or "/" in text or "\\" in text:  # as few are
        problem = _character_problem(text)
        if problem is not None:
            return problem
    size = len(text.encode())
    if size > ID_BYTES_MAX:
        return f"is {size} bytes long"
    return None


def _character_problem(text: str) -> str | None:
    for character in text:
        if character in "/\\":
            return f"holds {character!r}, which parts paths"
        category = unicodedata.category(character)
        if category in ("Cc", "Cs"):
            return f"holds the {'control character' if category == 'Cc' else 'lone surrogate'} {character!r}"
    return None


def format_framework_id(master_id: str, number: int) -> FrameworkID:
    """Return the id of the framework that is the ``number``-th (from 0) to register with this master."""
    return FrameworkID(f"{master_id}-{number:04d}")


def format_agent_id(master_id: str, number: int) -> AgentID:
    """Return the id of the agent that is the ``number``-th (from 0) to register with this master."""
    return AgentID(f"{master_id}-S{number}")


def format_offer_id(master_id: str, number: int) -> OfferID:
    """Return the id of the ``number``-th (from 0) offer that this master makes."""
    return OfferID(f"{master_id}-O{number}")
