"""RunningSum: resources that many are added to and taken from, one after the other."""

# Who calls: framework_entry.py keeps what a framework uses so, which each of its agents and tasks changes; it is only
#   read when somebody looks.
# What comes again and again as one object, as what alike agents bring does, is only counted until then; so is that it
#   goes again before that, as what short tasks hold does.
# Rejected: Resources, which are made anew by each sum: five times as long.

from __future__ import annotations

from mesoslite.model import NOTHING, InsufficientResources, Resources


class RunningSum:
    """A sum that is changed in place."""

    __slots__ = ("_again", "_others", "_plain", "_times")

    def __init__(self) -> None:
        self._plain: dict[str, int] = {}  # thousandths by name
        self._others = NOTHING
        self._again = NOTHING
        self._times = 0  # that the scalars of ``_again`` are still to be counted

    def add(self, resources: Resources) -> None:
        """Count so much more."""
        if resources is not self._again:
            self._settle()
            self._again = resources
        self._times += 1
        if resources.others:
            self._others += Resources(others=resources.others)

    def take(self, resources: Resources) -> None:
        """Count so much less. Raises: InsufficientResources, if that is not there."""
        if resources is self._again and self._times and not resources.others:
            self._times -= 1
            return
        self._settle()
        plain = self._plain
        for name, milli in resources.quantities:
            rest = plain.get(name, 0) - milli
            if rest < 0:
                raise InsufficientResources(
                    f"books: cannot take {resources.brief} from {self.total.brief}; report this"
                )
            plain[name] = rest
        if resources.others:
            self._others -= Resources(others=resources.others)

    @property
    def total(self) -> Resources:
        """What it comes to."""
        self._settle()
        return Resources.from_milli(self._plain) + self._others

    def _settle(self) -> None:
        times, self._times = self._times, 0
        if times:
            plain = self._plain
            for name, milli in self._again.quantities:
                plain[name] = plain.get(name, 0) + milli * times
