"""Lifetimes: what becomes of runtimes that are open when the program forks, or ends."""

# Who calls: a runtime enters itself here when it has come to be; the interpreter does the rest.

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

live: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _orphan_all() -> None:
    for runtime in list(live):
        runtime.orphan()


os.register_at_fork(after_in_child=_orphan_all)


def _close_all() -> None:
    for runtime in list(live):
        if runtime.queue.orphaned:
            continue
        try:
            runtime.close(timeout=1.0)
        except RuntimeError as error:
            log.warning("at exit: %s", error)


# Not atexit: that is too late, from Python 3.12 on no thread can be started any more, and a handler that waits on its
# way out may need one. This is what concurrent.futures uses; there is no public way. (In 3.12.0 and 3.12.1 this is too
# late as well: there, such a wait fails with a RuntimeError.)
threading._register_atexit(_close_all)  # type: ignore[attr-defined]
