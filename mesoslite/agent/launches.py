"""Launches: which of its master's launches an agent has taken, so that one that comes twice is launched once."""

# Who calls: agent.py, inside the agent actor.
# A task's id may be used again once the task is over, so it does not tell a launch from its repetition: the number does
#   that its master gave it.
# Invariant: of one epoch, a number is taken once. The newest REMEMBERED_MAX are remembered one by one, in whatever
#   order they come; all that are lower than these count as taken.
# Source: none; in Mesos a message that comes twice is launched twice, and none does.

from __future__ import annotations

import heapq

REMEMBERED_MAX = 1_024


class Launches:
    """The launches that were taken of the present master."""

    def __init__(self) -> None:
        self._epoch = 0
        self._floor = 0  # up to here all are taken
        self._numbers: set[int] = set()
        self._lowest: list[int] = []  # the same numbers, a heap

    def take(self, epoch: int, number: int) -> bool:
        """Whether that launch was not taken before, which it is from now on; 0: its master does not number them."""
        if number == 0:
            return True
        if epoch != self._epoch:  # another master, which numbers its own
            self._epoch, self._floor, self._numbers, self._lowest = epoch, 0, set(), []
        if number <= self._floor or number in self._numbers:
            return False
        self._numbers.add(number)
        heapq.heappush(self._lowest, number)
        if len(self._numbers) > REMEMBERED_MAX:
            self._floor = heapq.heappop(self._lowest)
            self._numbers.remove(self._floor)
        return True
