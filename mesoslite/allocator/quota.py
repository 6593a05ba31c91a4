"""Quota: what top-level roles are guaranteed and limited to, and how much of the cluster must be held back for it."""

# Who calls: books.py, with every change of what is held, reserved or there; cycle.py asks how much may be offered.
# Invariants, while any role has a quota: 1. ``consumed`` of such a role is what is reserved to it and below, held or
#   not, plus what it holds that is not reserved; what is revocable never counts.
#   2. ``headroom`` is what is free on all agents and neither reserved nor revocable; ``required`` the sum of what the
#   roles lack up to their guarantees. So an offer beyond a guarantee may take what headroom exceeds required by.
#   3. ``due`` of a quota: something lacks up to the guarantees. ``full``: what is left under the limits is worth no
#   offer, unless resources that quota does not count make it one.
# While no role has a quota nothing is kept, and nothing costs anything.
# All of it is kept as things happen. Mesos sums it up in every run, over all roles; with 3,000 that is seconds.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (rolesConsumedQuota, requiredHeadroom, availableHeadroom).

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mesoslite.model import (
    NOTHING,
    Quantities,
    Resources,
)

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
        self.is_new = False  # a quota was set since the last run
        self._floor: dict[str, int] = {}  # the least that could be offered beyond guarantees since the last run began
        self._grown: dict[RoleBook, None] = {}  # an ordered set: roles that may have more since then
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
        self.is_new = True

    def count_free(self, free: Pairs, sign: int) -> None:
        """Count resources as free to be offered, or as that no longer."""
        headroom, required = self.headroom, self.required
        for name, milli in free:
            if sign > 0 and name in required:
                self._note_floor(name)
            headroom[name] = headroom.get(name, 0) + sign * milli

    def consume(self, role: RoleBook, quantities: Pairs, sign: int) -> bool:
        """Count resources as consumed by a role, or no longer; whether it is due or full, or what it lacks, is new."""
        quota = role.quota
        if quota is None:
            return False
        consumed, guarantees = quota.consumed, quota.guarantees
        is_other = False
        for name, milli in quantities:
            before = consumed.get(name, 0)
            consumed[name] = after = before + sign * milli
            guarantee = guarantees.get(name, 0)
            if guarantee:
                if sign > 0:
                    self._note_floor(name)
                self.required[name] += max(0, guarantee - after) - max(0, guarantee - before)
                is_other = is_other or (before < guarantee) != (after < guarantee)
        if sign < 0:
            self._grown[role] = None
        return self.judge(role) or is_other

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
        if due > quota.due or full < quota.full:
            self._grown[role] = None
        self._mark(quota, due, full)
        return True

    def surplus(self, name: str) -> int:
        """Return how much of a resource may be offered beyond guarantees."""
        return max(0, self.headroom.get(name, 0) - self.required.get(name, 0))

    def take_growth(self) -> Growth:
        """Return what may be offered now and could not when this was last asked; call it as a run begins."""
        surplus = {name: self.surplus(name) for name in self.required}
        growth = Growth(self, self._grown, [name for name in surplus if surplus[name] > self._floor.get(name, 0)])
        self._floor, self._grown, self.is_new = surplus, {}, False
        return growth

    def put_back(self, growth: Growth) -> None:
        """Take note that a run has ended before it came to everything that has grown."""
        self.is_new = self.is_new or growth.is_any

    def _note_floor(self, name: str) -> None:
        surplus = self.surplus(name)
        if surplus < self._floor.get(name, 0):
            self._floor[name] = surplus

    def keeps_some(self, free: Pairs) -> bool:
        """Return whether guarantees keep any of ``free`` from those who are not guaranteed it."""
        required = self.required
        return any(bool(required.get(name)) and self.surplus(name) < milli for name, milli in free)

    @property
    def has_surplus(self) -> bool:
        """Whether what may be offered beyond guarantees can be worth an offer."""
        if not self.required or not self._worth:
            return True
        return any(all(self.surplus(name) >= milli for name, milli in worth.items()) for worth in self._worth)

    def lacking(self, free: Pairs) -> tuple[frozenset[str], bool]:
        """Return what of ``free`` may be guaranteed to somebody, by name, and whether nothing else is lacking.

        Nothing, if nobody lacks any of it.
        """
        required = self.required
        names = frozenset([name for name, _ in free if name in required])
        if not any(required[name] for name in names):
            return frozenset(), False
        return names, all(name in names or not milli for name, milli in required.items())

    def left(self, role: RoleBook, free: Resources, guaranteed: bool, is_simple: bool) -> Resources | None:
        """Return what of ``free`` a client of a top-level role may be offered, ``free`` itself if that is all.

        None: it is to be ``guaranteed``, and nothing there is lacking to the role.
        """
        if not is_simple and any(portion.is_whole for portion in free.others):
            return self._fitting(role, free, guaranteed)
        limits = self._cut(role, free.scalars().items(), guaranteed)
        if limits is None:
            return free
        return free.shrunk(limits) if limits or not guaranteed else None

    def _cut(self, role: RoleBook, free: Pairs, guaranteed: bool) -> dict[str, int] | None:
        """To how much amounts are cut; None if not at all; empty, if they are guaranteed and nothing there lacks."""
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

    def _fitting(self, role: RoleBook, free: Resources, guaranteed: bool) -> Resources | None:
        """What is left where disks come only whole, as ``left`` says.

        A disk that is larger than what lacks is none of that, as in Mesos: it is had beyond the guarantee, or not.
        """
        quota, given = role.quota, NOTHING
        names = free.scalars()
        if guaranteed and quota is not None:
            given = free.shrunk({name: quota.missing(name) for name in names})
        amounts = given.scalars()
        if guaranteed and not amounts:
            return None
        limits: dict[str, int] = {}
        for name in names:
            room = quota.room(name) if quota is not None else None
            if room is not None:
                limits[name] = room - amounts.get(name, 0)
            if self.required.get(name):
                limits[name] = min(limits.get(name, names[name]), self.surplus(name))
        fitting = given + (free - given).shrunk(limits)
        return free if fitting == free else fitting

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


class Growth:
    """Why a run has to come back to agents that were held back: what has grown, as long as there is something of it."""

    def __init__(self, quota: QuotaBooks, roles: Iterable[RoleBook] = (), names: Iterable[str] = ()) -> None:
        self._quota = quota
        self._of_stage = (list(roles), list(roles))  # those that may have more; the last stage's, the first stage's
        self._names = list(names)  # of which there is more beyond the guarantees

    @property
    def is_any(self) -> bool:
        """Whether anything may be left to do."""
        return bool(self._of_stage[False] or self._of_stage[True] or self._names)

    def of_roles(self, guaranteed: bool, is_mixed: bool) -> bool:
        """Whether a role that has grown may still be given something; each is asked about until it may not."""
        roles = self._of_stage[guaranteed]
        while roles and not self._may_have(roles[-1], guaranteed, is_mixed):
            roles.pop()
        return bool(roles)

    def of_surplus(self) -> bool:
        """Whether there is still something beyond the guarantees of what there was more of."""
        names = self._names
        while names and not self._quota.surplus(names[-1]):
            names.pop()
        return bool(names)

    def _may_have(self, role: RoleBook, guaranteed: bool, is_mixed: bool) -> bool:
        quota = role.quota
        if quota is None or self._quota.roles.get(role.path) is not role or not role.wanting:
            return False
        if guaranteed:
            return quota.due
        return (not quota.full or is_mixed) and any(quota.room(name) for name in quota.limits)


def free_of(resources: Resources, is_simple: bool) -> Pairs:
    """Return what counts as headroom, or against limits: scalars that are neither reserved nor revocable."""
    if is_simple or not resources.others:
        return resources.quantities
    return resources.unreserved().not_revocable().scalars().items()
