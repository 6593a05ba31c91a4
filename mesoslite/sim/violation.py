"""Violation: an invariant that does not hold, with the witness that shows it."""

# Who calls: the checkers raise it; runs.py and the tape's shrinking take it as the failure of a run.


class Violation(AssertionError):
    """``invariant`` is its name, as in docs/simulator.md; ``witness`` says what was seen, and when."""

    def __init__(self, invariant: str, witness: str) -> None:
        super().__init__(f"{invariant}: {witness}")
        self.invariant = invariant
        self.witness = witness
