"""Patience: how many steps a run may take while the program waits, and which actors took them, if it was too many."""

# Who calls: the simulation, every COLLECT_STEPS steps, and after each one once there were too many.
# A run that goes on for ever is one of two: time stands still while actors keep one another busy, or timers follow upon
#   timers. The first is hardly ever meant, so it is given up much sooner.
# Whom to blame is only asked at the end, by counting SAMPLE more steps: to count them all would slow down every run.

from __future__ import annotations

from collections import Counter

SAMPLE = 1_000
NAMED = 3


class Patience:
    """What is left of it: ``steps_max`` in one wait of the program, ``instant_max`` of them while time stands still."""

    def __init__(self, steps_max: int, instant_max: int) -> None:
        self.steps_max = steps_max
        self.instant_max = instant_max
        self._begun = 0  # the step at which the wait has begun
        self._instant_begun = 0  # and the present instant
        self._instant_ns = 0
        self._counted: Counter[str] = Counter()  # steps of those who make them, once there were too many

    def begin(self, steps: int, now_ns: int) -> None:
        """The program begins to wait."""
        self._begun = self._instant_begun = steps
        self._instant_ns = now_ns
        self._counted.clear()

    def is_over(self, steps: int, now_ns: int) -> bool:
        """Whether there were too many steps: those that follow are to be counted."""
        if now_ns != self._instant_ns:
            self._instant_ns, self._instant_begun = now_ns, steps
            self._counted.clear()
        return steps - self._begun > self.steps_max or steps - self._instant_begun > self.instant_max

    def count(self, who: str) -> bool:
        """Count a step; True: that is enough."""
        self._counted[who] += 1
        return self._counted.total() >= SAMPLE

    def complain(self, steps: int) -> str:
        """What to say about it."""
        busiest = ", ".join(f"{who} ({count})" for who, count in self._counted.most_common(NAMED))
        if steps - self._begun > self.steps_max:
            what = f"through {self.steps_max} steps; something goes on for ever, or needs a larger steps_max"
        else:
            what = (
                f"through {self.instant_max} steps at one instant of the clock; actors keep one another busy for "
                "ever, or the runtime needs a larger instant_steps_max"
            )
        return f"{what}; of the last {self._counted.total()} steps most were those of {busiest}"
