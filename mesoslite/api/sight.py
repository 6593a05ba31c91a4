"""Sight: what of a cluster somebody is shown, by ACLs: frameworks, tasks and executors by user, resources by role."""

# Who calls: endpoints make the Sight of who asks; seen.py, seen_agents.py and the documents leave out all others.
# Whatever tells of a task or an executor asks about its own user, else about its framework's; and about that as well.
# Equal ones share what is rendered, so how many ask does not matter, but how many different rules they have.
# Rejected: to compare what is seen in the end, which takes a look at all there is for each who asks.
# Source: Mesos src/authorizer/local/authorizer.cpp (getObjectApprover), src/common/authorization.hpp (ObjectApprovers).

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import ALL_ALLOWED, Rights

from .serving import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from mesoslite.model.view import View

    from .exchange import Exchange
    from .serving import Part

EVERYTHING = Rights()
_ACTIONS = {
    "frameworks": "view_frameworks",
    "tasks": "view_tasks",
    "executors": "view_executors",
    "roles": "view_roles",
    "quotas": "get_quotas",
    "flags": "view_flags",
    "containers": "view_containers",
}


class Sight(msgspec.Struct, frozen=True, kw_only=True, gc=False, cache_hash=True):
    """What is seen of each; what a document does not tell of is all seen, so that more of them are equal."""

    frameworks: Rights = EVERYTHING
    tasks: Rights = EVERYTHING
    executors: Rights = EVERYTHING
    roles: Rights = EVERYTHING
    quotas: Rights = EVERYTHING
    flags: Rights = EVERYTHING
    containers: Rights = EVERYTHING

    @property
    def is_whole(self) -> bool:
        """Whether all is seen."""
        return self == WHOLE

    def only(self, *names: str) -> Sight:
        """As far as it is of these."""
        return Sight(**{name: getattr(self, name) for name in names})

    @property
    def variant(self) -> str:
        """A name for entity tags, which others that see something else do not have; empty of who sees all."""
        if self.is_whole:
            return ""
        told = [
            (name, rights.others, [(sorted(each.values), verdict) for each, verdict in rights.named])
            for name, rights in ((name, getattr(self, name)) for name in _ACTIONS)
        ]
        return f"-{blake2b(repr(told).encode(), digest_size=8).hexdigest()}"


WHOLE = Sight()


def sight_of(exchange: Exchange, *names: str) -> Sight:
    """What who sends that request sees, of what a document of these tells.

    Raises: Refusal with status 403 for executors.
    """
    exchange.refuse_executors()
    if exchange.acls is ALL_ALLOWED:
        return WHOLE
    return Sight(**{name: exchange.acls.rights(_ACTIONS[name], exchange.principal) for name in names})


def seen_document(
    form: str, view: View, sight: Sight, parts: Callable[[], Iterator[Part]], *query: Hashable
) -> Document:
    """The document of what is seen of ``view``, which ``parts`` makes; ``query`` is what else was asked for."""
    version = view.master.info.id, view.number
    return Document(form, version, parts, (*query, sight), sight.variant)
