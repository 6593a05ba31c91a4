"""breathe: long work on an event loop stops to let others be served."""

# Who calls: what looks at all actors or sends a file, between two parts of it.
# It is what asyncio.sleep(0) does. That one may sleep as well, on a clock that tests cannot move, so it is not used.

from __future__ import annotations

import types
from collections.abc import Generator


@types.coroutine
def breathe() -> Generator[None, None, None]:
    """Let the event loop go round once; a task that was cancelled ends here."""
    yield
