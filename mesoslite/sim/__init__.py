"""The simulator: production master, allocator, agents and schedulers on virtual time, with faults drawn from a seed."""

from .checker import Checker
from .checks import ALL
from .many import run_many
from .reports import report
from .runs import Outcome, run, shrink_failure
from .violation import Violation

__all__ = ["ALL", "Checker", "Outcome", "Violation", "report", "run", "run_many", "shrink_failure"]
