"""Patience: how long a server is waited for, also one that sends a byte now and then."""

# Who calls: web.py, in the main thread of a program that does nothing beside.
# The time-out of a socket begins anew with each byte. Here a window of time is looked at as a whole; it passes only
#   while the server is waited for, not while what came is written.
# An alarm, rather than a look at the clock after each read: lines of headers, and sizes of chunks, are read until they
#   end, and one that never does must end as well.
# Source: libcurl, CURLOPT_LOW_SPEED_LIMIT and CURLOPT_LOW_SPEED_TIME, by which Mesos stops a stalled fetch.

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTES_PER_SECOND_MIN = 1.0


class Patience:
    """What is ``waited`` for ends with TimeoutError after ``seconds`` in which fewer bytes came than a second each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left = seconds
        self._count = 0

    @contextmanager
    def waited(self) -> Iterator[None]:
        """Meanwhile it is the server's turn. Raises: TimeoutError."""
        before = signal.signal(signal.SIGALRM, lambda number, frame: self._look())
        signal.setitimer(signal.ITIMER_REAL, self._left, self._seconds)
        try:
            yield
        finally:
            self._left = signal.setitimer(signal.ITIMER_REAL, 0)[0] or self._seconds
            signal.signal(signal.SIGALRM, before)

    def renew(self) -> None:
        """Another server is waited for, from now on."""
        self._count = 0
        signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)

    def came(self, count: int) -> None:
        """The server has sent so many bytes of the file."""
        self._count += count

    def _look(self) -> None:
        count, self._count = self._count, 0
        if count < self._seconds * BYTES_PER_SECOND_MIN:
            raise TimeoutError


class PatientReader:
    """Reads ``response`` as it comes, and so that ``patience`` knows."""

    def __init__(self, response: BinaryIO, patience: Patience) -> None:
        self._response = response
        self._patience = patience

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end. Raises: TimeoutError."""
        with self._patience.waited():
            chunk: bytes = self._response.read1(size)  # type: ignore[attr-defined]
        self._patience.came(len(chunk))
        return chunk
