"""Launches: which of its master's launches an agent has taken, or will not take any more."""

# Who calls: running.py, inside the agent actor.
# One that comes twice is launched once; one that comes after its agent was asked about it, and has said that it is not
#   there, is not launched any more: it was under way on a connection that broke.
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
        self._follow(epoch)
        if number <= self._floor or number in self._numbers:
            return False
        self._numbers.add(number)
        heapq.heappush(self._lowest, number)
        if len(self._numbers) > REMEMBERED_MAX:
            self._floor = heapq.heappop(self._lowest)
            self._numbers.remove(self._floor)
        return True

    def pass_over(self, epoch: int, number: int) -> None:
        """None up to that number is to be taken from now on."""
        self._follow(epoch)
        self._floor = max(self._floor, number)
        while self._lowest and self._lowest[0] <= self._floor:
            self._numbers.remove(heapq.heappop(self._lowest))

    def _follow(self, epoch: int) -> None:
        if epoch != self._epoch:  # another master, which numbers its own
            self._epoch, self._floor, self._numbers, self._lowest = epoch, 0, set(), []
