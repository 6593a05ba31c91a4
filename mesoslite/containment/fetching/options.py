"""FetcherOptions: where fetched files are kept, how many of them, and how long a server may be silent."""

import os
from dataclasses import dataclass

CACHE_BYTES = 2 << 30
STALL_SECONDS = 60.0
FETCHERS_MAX = max(8, 2 * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class FetcherOptions:
    """As Mesos's flags ``--fetcher_*`` and ``--frameworks_home``; no ``frameworks_home`` is "".

    ``cache_directory`` is one agent's alone; None is `fetch` in its work directory. ``fetchers_max`` run at once.
    """

    cache_directory: str | None = None
    cache_bytes: int = CACHE_BYTES
    stall_seconds: float = STALL_SECONDS
    frameworks_home: str = ""
    fetchers_max: int = FETCHERS_MAX
