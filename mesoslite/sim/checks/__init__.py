"""The checkers, by what they are about; ALL has one class an invariant, in the order of docs/simulator.md."""

from ..checker import Checker
from .actors import NobodyBreaks
from .failovers import FrameworksHaveTheirTime
from .kinds import DisjointRanges, ReservationsAreKept
from .leaders import EpochsRise, SomebodyLeads
from .offers import EachOfferEndsOnce, FiltersAreHonoured, VoidOffersLaunchNothing
from .progress import NobodyStarves, NothingIsLeftUnused
from .quota import LimitsHold
from .readers import ReadersSeeTheBooks
from .registry import AgentsAreAccountedFor, NothingAcknowledgedIsLost
from .resources import BooksAreTrue, NothingIsHeldTwice
from .statuses import AcknowledgementsLast, StatusesAreInOrder
from .tasks import EverybodyAgrees, KillsAreDone, NoOrphans, NoSecondCopy, TerminalIsFinal

ALL: tuple[type[Checker], ...] = (
    BooksAreTrue,
    NothingIsHeldTwice,
    DisjointRanges,
    ReservationsAreKept,
    LimitsHold,
    EachOfferEndsOnce,
    VoidOffersLaunchNothing,
    FiltersAreHonoured,
    NobodyStarves,
    TerminalIsFinal,
    StatusesAreInOrder,
    NoOrphans,
    KillsAreDone,
    NoSecondCopy,
    EverybodyAgrees,
    AcknowledgementsLast,
    NothingIsLeftUnused,
    EpochsRise,
    NothingAcknowledgedIsLost,
    AgentsAreAccountedFor,
    SomebodyLeads,
    FrameworksHaveTheirTime,
    NobodyBreaks,
    ReadersSeeTheBooks,
)

__all__ = ["ALL"]
