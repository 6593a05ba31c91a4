"""Hops: from one future of a chain to the next, without a deep stack."""

# Who calls: all that makes one future complete, discard or abandon another from Python (libactor/combinators.py,
#   iteration.py), and a thread that is about to wait (libactor/waiting.py). The core has both: csrc/hops.c, _hops.py.

from libactor._core._impl import hop, hop_on

__all__ = ["hop", "hop_on"]
