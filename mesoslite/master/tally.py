"""Tally: how much there is of each scalar, what may be taken back apart from the rest, as a running total."""

# Who calls: the ledger, with every change of what agents have and of what is used on them, and consumption.py, which
#   keeps one of each role; census.py reads it.
# Thousandths are whole, so a total that has grown and fallen a million times is exact. Shared volumes count once on
#   each agent, however many use them; the ledger says when the first one does, and when the last one does not any more.
# What comes again and again as one object, as what alike agents have does, is only counted until somebody reads; so is
#   that it goes again before that, as what short tasks hold does.
# Rejected: to add up all agents when somebody looks, as Mesos does: 50,000 of them are 50 ms of the master's time.
# Source: Mesos src/master/master.cpp (_resources_total, _resources_used, _resources_revocable_total and _used).

from __future__ import annotations

from collections import Counter

from mesoslite.model import NOTHING, Resources


class Tally:
    """Thousandths by name: ``firm`` is what is not ``revocable``, reserved or not."""

    __slots__ = ("_again", "_firm", "_times", "revocable")

    def __init__(self) -> None:
        self._firm: Counter[str] = Counter()
        self.revocable: Counter[str] = Counter()
        self._again = NOTHING
        self._times = 0  # that ``_again`` is still to be counted

    def __bool__(self) -> bool:
        return bool(self._times and self._again.quantities) or bool(self.firm or self.revocable)

    @property
    def firm(self) -> Counter[str]:
        """What is not to be taken back."""
        self._settle()
        return self._firm

    def add(self, resources: Resources) -> None:
        """Count so much more."""
        if resources is not self._again:
            self._settle()
            self._again = resources
        self._times += 1
        if resources.others:
            self._add_others(resources, 1)

    def take(self, resources: Resources) -> None:
        """Count so much less."""
        if resources is self._again and self._times and not resources.others:
            self._times -= 1
            return
        firm = self.firm
        for name, milli in resources.quantities:
            firm[name] -= milli
            if not firm[name]:
                del firm[name]  # agents call what they have as they like
        if resources.others:
            self._add_others(resources, -1)

    def _settle(self) -> None:
        """Count what was put off."""
        times, self._times = self._times, 0
        if times:
            firm = self._firm
            for name, milli in self._again.quantities:
                firm[name] += milli * times
                if not firm[name]:
                    del firm[name]

    def _add_others(self, resources: Resources, sign: int) -> None:
        for portion in resources.others:
            kind = portion.kind
            copies = 1 if kind.shared else portion.copies
            counts = self.revocable if kind.revocable else self._firm
            counts[kind.name] += sign * portion.scalar * copies
            if not counts[kind.name]:
                del counts[kind.name]
