"""The checkers, by what they are about; ALL has one class an invariant, in the order of docs/simulator.md."""

from ..checker import Checker
from .resources import BooksAreTrue, NothingIsHeldTwice
from .tasks import EverybodyAgrees, TerminalIsFinal

ALL: tuple[type[Checker], ...] = (BooksAreTrue, NothingIsHeldTwice, TerminalIsFinal, EverybodyAgrees)

__all__ = ["ALL"]
