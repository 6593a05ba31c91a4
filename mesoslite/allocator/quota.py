"""Quota: what top-level roles are guaranteed and limited to, and how much of the cluster must be held back for it."""

# Who calls: books.py, with every change of what is held, reserved or there; cycle.py asks how much may be offered.
# Invariants, while any role has a quota: 1. ``consumed`` of such a role is what is reserved to it and below, held or
#   not, plus what it holds that is neither reserved nor revocable.
#   2. ``headroom`` is what is free on all agents and neither reserved nor revocable; ``required`` the sum of what the
#   roles lack up to their guarantees. So an offer beyond a guarantee may take what headroom exceeds required by.
#   3. ``due`` of a quota: something lacks up to the guarantees. ``full``: what is left under the limits is worth no
#   offer, unless resources that quota does not count make it one.
# While no role has a quota nothing is kept, and nothing costs anything.
# All of it is kept as things happen. Mesos sums it up in every run, over all roles; with 3,000 that is seconds.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (rolesConsumedQuota, requiredHeadroom, availableHeadroom).

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesoslite.model import DEFAULT_ROLE, MILLI, InvalidRequest, Quantities, QuotaChanged
from mesoslite.model.resource_text import MEGABYTES_MAX, QUANTITY_MAX

if TYPE_CHECKING:
    from .roles import RoleBook
    from .sorter import Pairs


class Quota:
    """The quota of one role; amounts are thousandths by name."""

    __slots__ = ("consumed", "due", "full", "guarantees", "limits")

    def __init__(self, guarantees: dict[str, int], limits: dict[str, int], consumed: dict[str, int]) -> None:
        self.guarantees = guarantees
        self.limits = limits
        self.consumed = consumed
        self.due = False
        self.full = False

    def missing(self, name: str) -> int:
        """Return how much lacks up to the guarantee."""
        return max(0, self.guarantees.get(name, 0) - self.consumed.get(name, 0))

    def room(self, name: str) -> int | None:
        """Return how much is left under the limit; None: there is none."""
        limit = self.limits.get(name)
        return None if limit is None else max(0, limit - self.consumed.get(name, 0))


class QuotaBooks:
    """All quotas."""

    def __init__(self, min_allocatable: Sequence[Quantities]) -> None:
        self._worth = [dict(least) for least in min_allocatable]
        self.roles: dict[str, RoleBook] = {}  # that have a quota
        self.headroom: dict[str, int] = {}
        self.required: dict[str, int] = {}
        self.grew = False  # more may be offered since it was last set to False
        self.full_roles = 0
        self.due_roles = 0

    def set(self, role: RoleBook, quota: Quota | None) -> None:
        """Give a role another quota, or none; ``consumed`` of it must be right."""
        if role.quota is not None:
            self._require(role.quota, -1)
            self._mark(role.quota, False, False)
            del self.roles[role.path]
        role.quota = quota
        if quota is not None:
            self.roles[role.path] = role
            self._require(quota, 1)
            self.judge(role)
        self.grew = True

    def count_free(self, free: Pairs, sign: int) -> None:
        """Count resources as free to be offered, or as that no longer."""
        headroom = self.headroom
        for name, milli in free:
            headroom[name] = headroom.get(name, 0) + sign * milli
        if sign > 0:
            self.grew = True

    def consume(self, role: RoleBook, quantities: Pairs, sign: int) -> bool:
        """Count resources as consumed by a role, or no longer; whether it is due or full is another now."""
        quota = role.quota
        if quota is None:
            return False
        consumed, guarantees = quota.consumed, quota.guarantees
        for name, milli in quantities:
            before = consumed.get(name, 0)
            consumed[name] = after = before + sign * milli
            guarantee = guarantees.get(name, 0)
            if guarantee:
                self.required[name] += max(0, guarantee - after) - max(0, guarantee - before)
        if sign < 0:
            self.grew = True
        return self.judge(role)

    def judge(self, role: RoleBook) -> bool:
        """Find out whether a role is due, and whether it is full; return whether either is new."""
        quota = role.quota
        if quota is None:
            return False
        consumed = quota.consumed
        due = False
        for name, guarantee in quota.guarantees.items():
            if consumed.get(name, 0) < guarantee:
                due = True
                break
        full = bool(quota.limits) and not role.own_minimums and not self._may_be_worth(quota)
        if due == quota.due and full == quota.full:
            return False
        self._mark(quota, due, full)
        return True

    def surplus(self, name: str) -> int:
        """Return how much of a resource may be offered beyond guarantees."""
        return max(0, self.headroom.get(name, 0) - self.required.get(name, 0))

    @property
    def has_surplus(self) -> bool:
        """Whether what may be offered beyond guarantees can be worth an offer."""
        if not self.required or not self._worth:
            return True
        return any(all(self.surplus(name) >= milli for name, milli in worth.items()) for worth in self._worth)

    def cut(self, role: RoleBook, free: Pairs, guaranteed: bool) -> dict[str, int] | None:
        """Return what of ``free`` a client of a top-level role may be offered, if that is less; else None.

        If it is to be ``guaranteed``, an answer without anything means that nothing there is lacking to the role.
        """
        quota = role.quota
        limits: dict[str, int] = {}
        progress = is_cut = False
        for name, milli in free:
            missing = 0
            if guaranteed and quota is not None:
                missing = min(milli, quota.missing(name))
                progress = progress or missing > 0
            may = milli
            if self.required.get(name):
                may = min(may, missing + self.surplus(name))
            if quota is not None:
                room = quota.room(name)
                if room is not None:
                    may = min(may, room)
            limits[name] = may
            is_cut = is_cut or may < milli
        if guaranteed and not progress:
            return {}
        return limits if is_cut else None

    def _require(self, quota: Quota, sign: int) -> None:
        for name in quota.guarantees:
            left = self.required.get(name, 0) + sign * quota.missing(name)
            self.required[name] = left

    def _mark(self, quota: Quota, due: bool, full: bool) -> None:
        self.due_roles += due - quota.due
        self.full_roles += full - quota.full
        quota.due, quota.full = due, full

    def _may_be_worth(self, quota: Quota) -> bool:
        if not self._worth:
            return True
        for worth in self._worth:
            for name, milli in worth.items():
                room = quota.room(name)
                if room is not None and room < milli:
                    break
            else:
                return True
        return False


def checked_quota(delta: QuotaChanged) -> tuple[dict[str, int], dict[str, int]]:
    """Return guarantees above zero and limits by name. Raises: InvalidRequest, for what no quota can be."""
    if delta.role == DEFAULT_ROLE or "/" in delta.role or not delta.role:
        raise InvalidRequest(
            f"quota: role {delta.role!r} cannot have one; only top-level roles other than {DEFAULT_ROLE!r} can"
        )
    guarantees, limits = _checked(delta.role, delta.guarantees), _checked(delta.role, delta.limits)
    for name, guarantee in guarantees.items():
        if guarantee > limits.get(name, guarantee):
            raise InvalidRequest(
                f"quota: role {delta.role!r} is guaranteed {guarantee} thousandths of {name} but limited to "
                f"{limits[name]}; raise the limit or lower the guarantee"
            )
    return {name: milli for name, milli in guarantees.items() if milli}, limits


def _checked(role: str, quantities: Quantities) -> dict[str, int]:
    for name, milli in quantities:
        most = (MEGABYTES_MAX if name in ("mem", "disk") else QUANTITY_MAX) * MILLI
        if not name or not 0 <= milli <= most:
            raise InvalidRequest(
                f"quota: role {role!r} cannot have {milli} thousandths of {name!r}; give a name and an amount from 0 "
                f"to {most}"
            )
    if len(dict(quantities)) < len(quantities):
        raise InvalidRequest(f"quota: role {role!r} names a resource twice; name each once")
    return dict(quantities)
