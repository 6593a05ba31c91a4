"""How much is tried: little each time, since the suite is run often, and more with THOROUGH=1, as in make check-all."""

import os
from typing import TypeVar

T = TypeVar("T")

IS_THOROUGH = bool(os.environ.get("THOROUGH"))


def usually(usual: T, thorough: T) -> T:
    """Either of two amounts: of seeds, steps or repetitions."""
    return thorough if IS_THOROUGH else usual
