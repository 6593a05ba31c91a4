"""The one door to randomness: everything random in libactor and mesoslite comes from here."""

# Who calls: whoever needs an id that nobody else has, or a stream of choices. One door, so that a deterministic
#   runtime can later put a seeded source behind it.

from __future__ import annotations

import os
import random
import uuid


def random_uuid() -> uuid.UUID:
    """A fresh random UUID (version 4, RFC 9562)."""
    return uuid.UUID(bytes=os.urandom(16), version=4)


def random_stream() -> random.Random:
    """A generator of its own, seeded by the operating system."""
    return random.Random(os.urandom(16))
