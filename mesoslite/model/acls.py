"""Acls: who may do what to which, as lists of rules by action, in the form of Mesos's --acls."""

# Who calls: composition roots read them; master/ asks them about frameworks, api/ about whoever sends requests.
# The rules of an action are asked in order, and the first that matches decides: both who, and what it is about. If none
#   does, `permissive` decides.
# Who asks is None if nobody has said; what it is about is None where that is all there is of it: both match rules of
#   ANY and NONE alone.
# Source: Mesos include/mesos/authorizer/acls.proto, src/authorizer/local/authorizer.cpp (matches, allows).

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .errors import InvalidRequest
from .fields import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY, NONE, SOME = "ANY", "NONE", "SOME"
OBJECTS: Mapping[str, str] = {
    "access_mesos_logs": "logs",
    "access_sandboxes": "users",
    "attach_containers_input": "users",
    "attach_containers_output": "users",
    "create_volumes": "roles",
    "deactivate_agents": "agents",
    "destroy_volumes": "creator_principals",
    "drain_agents": "agents",
    "get_endpoints": "paths",
    "get_maintenance_schedules": "machines",
    "get_maintenance_statuses": "machines",
    "get_quotas": "roles",
    "kill_nested_containers": "users",
    "kill_standalone_containers": "users",
    "launch_nested_container_sessions_as_user": "users",
    "launch_nested_container_sessions_under_parent_with_user": "users",
    "launch_nested_containers_as_user": "users",
    "launch_nested_containers_under_parent_with_user": "users",
    "launch_standalone_containers": "users",
    "mark_agents_gone": "agents",
    "mark_resource_providers_gone": "resource_providers",
    "modify_resource_provider_configs": "resource_providers",
    "prune_images": "images",
    "reactivate_agents": "agents",
    "register_agents": "agents",
    "register_frameworks": "roles",
    "remove_nested_containers": "users",
    "remove_standalone_containers": "users",
    "reserve_resources": "roles",
    "resize_volumes": "roles",
    "run_tasks": "users",
    "set_log_level": "level",
    "start_maintenances": "machines",
    "stop_maintenances": "machines",
    "teardown_frameworks": "framework_principals",
    "unreserve_resources": "reserver_principals",
    "update_maintenance_schedules": "machines",
    "update_quotas": "roles",
    "update_weights": "roles",
    "view_containers": "users",
    "view_executors": "users",
    "view_flags": "flags",
    "view_frameworks": "users",
    "view_resource_providers": "resource_providers",
    "view_roles": "roles",
    "view_standalone_containers": "users",
    "view_tasks": "users",
    "wait_nested_containers": "users",
    "wait_standalone_containers": "users",
}
"""By action, what its rules call what it is about."""


class Entity(msgspec.Struct, frozen=True, gc=False):
    """Who, or what: some by name, any, or none. A role that ends in ``/%`` stands for those below it."""

    kind: str = SOME
    values: frozenset[str] = frozenset()

    def matches(self, one: str | None) -> bool:
        """Whether a rule of it is about ``one``."""
        return self.kind != SOME or (one is not None and self._has(one))

    def allows(self, one: str | None) -> bool:
        """Whether a rule of it, which is about ``one``, lets that pass."""
        return self.kind == ANY or (self.kind == SOME and one is not None and self._has(one))

    def _has(self, one: str) -> bool:
        if one in self.values:
            return True
        parts = one.split("/")
        return any(f"{'/'.join(parts[:end])}/%" in self.values for end in range(1, len(parts)))


class Acl(msgspec.Struct, frozen=True, gc=False):
    """A rule: these principals may do it to these."""

    principals: Entity
    objects: Entity


class Rights(msgspec.Struct, frozen=True, gc=False):
    """What somebody may do something to: the first of ``named`` that has it decides, of all others ``others``.

    Those that allow the same by the same rules are equal.
    """

    named: tuple[tuple[Entity, bool], ...] = ()
    others: bool = True

    @property
    def is_all(self) -> bool:
        """Whether that is everything."""
        return self.others and not self.named

    def allow(self, what: str | None) -> bool:
        """Whether ``what`` is among it."""
        return next((verdict for entity, verdict in self.named if entity.matches(what)), self.others)


class Acls(msgspec.Struct, frozen=True, gc=False):
    """The rules by action, each in its order."""

    rules: tuple[tuple[str, tuple[Acl, ...]], ...] = ()
    permissive: bool = True

    def allow(self, action: str, principal: str | None, what: str | None = None) -> bool:
        """Whether ``principal`` may do that to ``what``."""
        return self.rights(action, principal).allow(what)

    def rights(self, action: str, principal: str | None) -> Rights:
        """What ``principal`` may do that to."""
        assert action in OBJECTS
        named: list[tuple[Entity, bool]] = []
        others = self.permissive
        for acl in next((acls for name, acls in self.rules if name == action), ()):
            if not acl.principals.matches(principal):
                continue
            if acl.objects.kind != SOME:  # which is about all that comes here
                others = acl.principals.allows(principal) and acl.objects.kind == ANY
                break
            named.append((acl.objects, acl.principals.allows(principal)))
        while named and named[-1][1] is others:
            named.pop()
        return Rights(tuple(named), others)


ALL_ALLOWED = Acls()


def parse_acls(text: str) -> Acls:
    """Read rules as Mesos has them: ``{"permissive": false, "run_tasks": [{"principals": {"values": ["ann"]}, "users":
    {"type": "ANY"}}]}``. Raises: InvalidRequest, for what is none, and for actions that nobody would ask about.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"acls: are no JSON: {error}") from error
    fields = Fields(document)
    if not isinstance(document, dict):
        raise InvalidRequest("acls: expected an object with lists of rules by action")
    unknown = sorted(document.keys() - OBJECTS.keys() - {"permissive"})
    if unknown:
        raise InvalidRequest(f"acls: {unknown[0][:80]!r} is no action here; leave it out, or use {', '.join(OBJECTS)}")
    rules = [(name, tuple([_acl(each, OBJECTS[name]) for each in fields.messages(name)])) for name in OBJECTS]
    return Acls(tuple([(name, acls) for name, acls in rules if acls]), fields.boolean("permissive", True))


def _acl(fields: Fields, objects: str) -> Acl:
    return Acl(_entity(fields.message("principals")), _entity(fields.message(objects)))


def _entity(fields: Fields) -> Entity:
    kind = fields.text("type", SOME)
    if kind not in (ANY, NONE, SOME):
        raise fields.invalid("type", f"got {kind[:80]!r}, expected ANY, NONE or SOME")
    return Entity(kind, frozenset(fields.texts("values")))
