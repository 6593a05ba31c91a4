"""Backoff: how long to wait before something is tried again."""

# Who calls: agents that look for their master, connections of frameworks to theirs.
# Each wait is cut by up to half at random, since all of a cluster begin to wait when a master fails.
# Unlike in Mesos a wait is never near nothing: there each is anything between zero and its bound.

from collections.abc import Callable


class Backoff:
    """Waits in seconds, the first at most ``first``, each next one twice as long, up to ``most``.

    ``random`` draws from 0 to below 1.
    """

    def __init__(self, first: float, most: float, random: Callable[[], float]) -> None:
        self._first, self._most = first, most
        self._random = random
        self._wait = first

    def next(self) -> float:
        """The wait that comes now."""
        wait = self._wait * (1 - self._random() / 2)
        self._wait = min(2 * self._wait, self._most)
        return wait

    def reset(self) -> None:
        """It went well: the next wait is the first again."""
        self._wait = self._first
