"""Figures: numbers about the books, under the names that Mesos's metrics have."""

# Who calls: the actor in master/, when somebody looks; nothing is kept for them.
# Source: Mesos src/master/allocator/mesos/metrics.cpp.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import MILLI, NotFound, dominant_share

if TYPE_CHECKING:
    from .books import Books
    from .roles import RoleBook


def figure(books: Books, name: str) -> float:
    """Return one figure, in units. Raises: NotFound, for a name that is none, or a role that is not known.

    Names: ``resources/<resource>/total`` and ``.../offered_or_allocated``, ``roles/<role>/shares/dominant``,
    ``offer_filters/roles/<role>/active``, and ``quota/roles/<role>/resources/<resource>/`` with ``guarantee``,
    ``limit`` or ``offered_or_allocated``. Cost: O(top-level roles), or O(filters of the role's frameworks).
    """
    group, _, rest = name.partition("/")
    if group == "resources":
        resource, _, what = rest.partition("/")
        if what == "total":
            return books.shares.total.milli.get(resource, 0) / MILLI
        if what == "offered_or_allocated":
            tops = [role for role in books.shares.roles.books.values() if role.parent is None]
            return sum([role.sum.held.get(resource, 0) for role in tops]) / MILLI
    if group == "roles" and rest.endswith("/shares/dominant"):
        role = _role(books, rest.removesuffix("/shares/dominant"))
        return dominant_share(role.sum.held, books.shares.total.fair)
    if group == "offer_filters" and rest.startswith("roles/") and rest.endswith("/active"):
        role = _role(books, rest.removeprefix("roles/").removesuffix("/active"))
        return float(sum([len(client.filters) for client in role.clients.values()]))
    if group == "quota" and rest.startswith("roles/"):
        path, _, what = rest.removeprefix("roles/").partition("/resources/")
        return _quota_figure(_role(books, path), *what.rpartition("/")[::2])
    raise _unknown(name)


def _quota_figure(role: RoleBook, resource: str, what: str) -> float:
    quota = role.quota
    if quota is not None and what == "guarantee":
        return quota.guarantees.get(resource, 0) / MILLI
    if quota is not None and what == "limit" and resource in quota.limits:
        return quota.limits[resource] / MILLI
    if what == "offered_or_allocated":
        return (role.sum.held.get(resource, 0) - role.outside.get(resource, 0)) / MILLI
    raise _unknown(f"quota/roles/{role.path}/resources/{resource}/{what}")


def _role(books: Books, path: str) -> RoleBook:
    role = books.shares.roles.books.get(path)
    if role is None:
        raise NotFound(f"allocator: role {path!r} is not known or nobody is in it any more; list the roles anew")
    return role


def _unknown(name: str) -> NotFound:
    return NotFound(f"allocator: there is no figure {name!r}; docs/allocator.md lists them")
