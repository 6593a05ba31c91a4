"""PromiseCell: the delivering side of one future."""

# Who calls: users, through libactor.Promise.
# At its end it abandons its future, if it has not delivered.
# Twin: csrc/promise.c; both pass tests/runtime/test_promise.py.

from __future__ import annotations

from typing import Any

from libactor._core._future import DISCARDED, FAILED, PENDING, READY, FutureCell
from libactor._core._policy import policy


class PromiseCell:
    """The delivering side of one future. ``libactor.Promise`` derives from it."""

    __slots__ = ("_associated", "_future")

    # _associated: another future delivers, so that set, fail and discard are refused.

    def __init__(self) -> None:
        self._future: FutureCell = policy.future_type()
        self._associated = False

    @property
    def future(self) -> Any:
        """The reading side."""
        return self._future

    def set(self, value: Any, /) -> bool:
        """Deliver ``value``, or ``associate`` with it if it is a future.

        False if the future is complete, or was handed over by ``associate``.
        """
        if isinstance(value, FutureCell):
            return self.associate(value)
        return not self._associated and self._future._complete(READY, value)

    def fail(self, error: BaseException, /) -> bool:
        """Deliver a failure; False as ``set``. Raises TypeError if ``error`` is not an exception."""
        if not isinstance(error, BaseException):
            raise TypeError(f"fail: got {error!r}, expected an exception object")
        return not self._associated and self._future._complete(FAILED, error)

    def discard(self) -> bool:
        """Honour a discard; False as ``set``."""
        return not self._associated and self._future._complete(DISCARDED, None)

    def associate(self, source: Any, /) -> bool:
        """Let ``source`` deliver from now on; False if the future is complete or was handed over before."""
        if not isinstance(source, FutureCell):
            raise TypeError(f"associate: got {source!r}, expected a future")
        if self._associated or self._future._state != PENDING:
            return False
        self._associated = True
        return self._future._follow(source)

    def __del__(self) -> None:
        if not getattr(self, "_associated", True):  # after a constructor that raised there are no fields
            self._future._abandon()
