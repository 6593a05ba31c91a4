"""The pages /metrics/snapshot, as Mesos has it, and /metrics, for Prometheus."""

# Who calls: the application, on its event loop.
# Each has a limit of so many a second: a snapshot asks every gauge. Who comes too soon waits for its turn and is
#   answered then; who goes away gives its turn to the next one. WAITING_MAX may wait, more are told to come later:
#   who waited behind them would be answered when nobody listens any more.
# Monitoring is not to wait behind visitors: whoever asks for /metrics as it is has its turns apart from all others,
#   and one snapshot serves all who wait for it. With ?timeout= it is a snapshot like those of the other page.
# /metrics waits for gauges too, but always for a bounded time: one that hangs must not blind the monitoring.
# Source: libprocess metrics/metrics.cpp.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from libactor._core.errors import Abandoned
from libactor.combinators import undiscardable
from libactor.http.durations import parse_duration
from libactor.http.response import Refusal, Response
from libactor.sync import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from libactor.future import Future
    from libactor.http.request import Request
    from libactor.runtime import Runtime

SnapshotT = TypeVar("SnapshotT")

PER_SECOND = 2.0  # snapshots, unless told otherwise
WAITING_MAX = 20  # for their turn: 10 seconds' worth of them, unless told otherwise
SCRAPE_TIMEOUT_S = 5.0  # that Prometheus waits for gauges; it gives up after 10 itself, unless told otherwise


class MetricsPages:
    """The two pages for one ``runtime``. ``per_second``: how many snapshots may be taken; None: as many as asked."""

    def __init__(self, runtime: Runtime, per_second: float | None = PER_SECOND) -> None:
        self._runtime = runtime
        self._per_second = per_second
        self._limiter, self._scrapes = [
            None if per_second is None else RateLimiter(per_second, runtime=runtime) for _ in range(2)
        ]
        self._waiting = 0
        self._scrape: Future[dict[str, float]] | None = None  # for all who ask for /metrics, the last one of them

    async def snapshot(self, request: Request) -> Response:
        """All metrics as one JSON object in order of their names, and of gauges those that have answered within
        ``?timeout=``, such as 5secs; without it all are waited for. Status 400 for what is no duration.
        """
        timeout = _timeout(request, None)
        if isinstance(timeout, Response):
            return timeout
        text = await self._take(lambda: self._runtime.metrics.snapshot_json(timeout))
        return Response(200, text, {"content-type": "application/json"})

    async def prometheus(self, request: Request) -> Response:
        """All metrics in the text form of Prometheus; gauges have ``?timeout=`` to answer, left out: 5secs.

        Without tables: that is a series for each number of each thing, and there may be half a million.
        """
        from libactor.http.prometheus import render

        timeout = _timeout(request, None)
        if isinstance(timeout, Response):
            return timeout
        metrics = self._runtime.metrics
        snapshot = await (
            self._share() if timeout is None else self._take(lambda: metrics.snapshot(timeout, tables=False))
        )
        text, media = render(snapshot, metrics.all(), request.headers.get("accept", ""))
        return Response(200, text, {"content-type": media})

    async def _take(self, snapshot: Callable[[], Future[SnapshotT]]) -> SnapshotT:
        """A snapshot for one request, in its turn."""
        if self._limiter is not None and self._per_second is not None and self._waiting >= WAITING_MAX:
            seconds = math.ceil(WAITING_MAX / self._per_second)
            text = f"{WAITING_MAX} requests for metrics wait for their turn already; try again later."
            raise Refusal(Response(503, text, {"retry-after": str(seconds)}))
        self._waiting += 1
        try:
            if self._limiter is not None:
                await self._limiter.acquire()
            return await snapshot()
        except Abandoned:
            raise _closed() from None
        finally:
            self._waiting -= 1

    async def _share(self) -> dict[str, float]:
        """The snapshot that all who ask meanwhile are waiting for."""
        metrics, scrape = self._runtime.metrics, self._scrape
        try:
            if self._scrapes is None:
                return await metrics.snapshot(SCRAPE_TIMEOUT_S, tables=False)
            if scrape is None or not scrape.is_pending():
                scrape = self._scrapes.acquire().then(lambda _: metrics.snapshot(SCRAPE_TIMEOUT_S, tables=False))
                self._scrape = scrape
            return await undiscardable(scrape)
        except Abandoned:
            raise _closed() from None


def _closed() -> Refusal:
    return Refusal(Response(503, "The runtime was closed."))


def _timeout(request: Request, otherwise: float | None) -> float | Response | None:
    """The seconds that a request gives gauges to answer, or how it is refused."""
    text = request.query.get("timeout")
    if text is None:
        return otherwise
    try:
        return parse_duration(text)
    except ValueError as error:
        return Response(400, f"timeout: {error}")
