"""HttpConnection: a framework and its master over the v1 scheduler API, ours or that of Mesos."""

# Who calls: the Framework actor opens it, sends calls and closes it, and all of it runs inside that actor; what comes
#   from the thread that reads is brought there.
# Invariants: 1. one subscription at a time; what one that was given up still tells is passed over.    2. calls go to
#   the master that has answered last, or to nobody.    3. once the master, or a defect, has ended it for good, nobody
#   is asked any more, and an Error has said why.    4. after close() the thread is gone.
# A master counts as lost when its stream ends or is silent, or a call is not answered. All of this time is the
#   runtime's; only how long a connection may take to be made, and what close() waits, is that of the thread's loop.
# A framework that comes back asks for the states of all of its tasks, unless it has done so in its on_resubscribed:
#   what was called last, and told last, may be lost.
# Source: Mesos src/scheduler/scheduler.cpp (MesosProcess); docs/scheduler-http-api.md (Disconnections).

from __future__ import annotations

import logging
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.context import current_runtime
from mesoslite.model import MULTI_ROLE, Error, InvalidRequest, Reconcile, Subscribe, Subscribed, Teardown, constants
from mesoslite.model.roles import DEFAULT_ROLE
from mesoslite.model.v1 import decode_event, encode_call

from ..reconnection import Reconnection
from .addresses import Candidates, split_credential
from .calls import authorization
from .dialect import Dialect
from .loop_thread import LoopThread
from .reports import Denied, Ended, Heard
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mesoslite.model import Call

    from .reports import Report

log = logging.getLogger("mesoslite.framework")

# What a master says, by 400 or 403, to the call of a framework that is not subscribed with it any more.
NOT_SUBSCRIBED = ("Framework cannot be found", "Framework is not subscribed", "The stream ID ")

ANSWER_SECONDS = 30.0  # for a Subscribe, after which another attempt is made
CALL_SECONDS = 10.0  # for any other call, after which the master counts as lost
HEARTBEATS_MISSED_MAX = 5
LOOK_SECONDS = 2.5  # how often it is looked whether the master is silent
FLUSH_SECONDS = 2.0  # what close() gives the calls that are still to be sent


class HttpConnection(Reconnection):
    """Implements model.SchedulerConnection for the masters at ``masters``, such as ``http://127.0.0.1:5050``.

    One of them is enough, if it lives when it is asked: it names the leader. ``silence_seconds`` without an event or a
    heartbeat mean that the master is lost; left out, five of the intervals that it has announced. Without
    ``reconnect`` a master that is lost, or not there, is an Error. ``credential`` is a name and its password, which
    each master is told, and whom one names as the leader; they may stand in a URL instead, ``http://name:password@host``.
    Proxies from the environment are not used.
    Raises: InvalidRequest, if a URL is none.
    """

    def __init__(
        self,
        *masters: str | Iterable[str],
        credential: tuple[str, str] | None = None,
        silence_seconds: float | None = None,
        reconnect: bool = True,
    ) -> None:
        super().__init__()
        given = [url for each in masters for url in ((each,) if isinstance(each, str) else tuple(each))]
        parted = [split_credential(url) for url in given]
        self._candidates = Candidates([url for url, _ in parted])
        said = credential or next((said for _, said in parted if said is not None), None)
        self._authorization = authorization(*said) if said is not None else ""
        if silence_seconds is not None and not silence_seconds > 0:
            raise InvalidRequest(f"HttpConnection: silence_seconds is {silence_seconds}, expected more than zero")
        self._silence_seconds = silence_seconds
        self._reconnect = reconnect
        self._thread: LoopThread | None = None
        self._stream: Stream | None = None  # that is subscribed, or subscribes
        self._abandon: Callable[[], None]  # the stream; in the thread
        self._heartbeat_seconds = 0.0  # of the stream, as announced; 0: not yet
        self._watching: la.Future[Any] | None = None
        self._has_reconciled = False  # since it was subscribed
        self._is_leaving = False  # a Teardown is on its way, so the end of the stream is no news

    def open(self, framework: la.PID[Any]) -> None:
        """Have the framework subscribe with the first of the masters."""
        self._begin(framework)
        self._clock = current_runtime("open").clock
        self._thread = LoopThread()
        self._try_again()

    def send(self, call: Call) -> bool:
        """Send a call, a Subscribe to whoever is to be asked now."""
        if self._thread is None or not self._is_connected:
            return False
        if isinstance(call, Subscribe):
            self._subscribe(self._thread, call)
            return True
        if self._stream is None:
            return False
        self._has_reconciled |= isinstance(call, Reconcile)
        self._is_leaving |= isinstance(call, Teardown)
        self._thread.call(self._stream.put, call)
        return True

    def heeds(self, sender: la.PID[Any]) -> bool:
        """No actor is the master: its events are posted by the framework's own."""
        return False

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> bool:
        """No actor is the master."""
        return False

    def close(self) -> None:
        """Send what is left, for at most two seconds, then end the stream; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._rest()
        self._stop_watching()
        if self._stream is not None:
            thread.call(self._stream.put, None)
        thread.close(FLUSH_SECONDS)

    # ---- the stream ----

    def _try_again(self) -> None:
        if self._thread is not None and not self._is_connected:
            self._tell_connected(self._candidates.next())

    def _subscribe(self, thread: LoopThread, call: Subscribe) -> None:
        framework = self._framework

        def report(stream: Stream, report: Report) -> None:
            la.execute(framework, partial(self._heed, stream, report))

        self._drop()
        self._subscription = call
        self._heartbeat_seconds = 0.0
        self._stream = Stream(
            str(self._target), scheduler_dialect(call), call, self._clock.now, report, self._authorization
        )
        self._abandon = thread.run(self._stream.run())
        self._watch(self._stream)

    def _drop(self) -> None:
        """Give the stream up."""
        self._stop_watching()
        if self._stream is not None and self._thread is not None:
            self._thread.call(self._abandon)
        self._stream = None

    def _heed(self, stream: Stream, report: Report) -> None:
        if stream is not self._stream or self._thread is None:
            return
        if isinstance(report, Heard):
            for event in report.events:
                self._hear(event)
        elif isinstance(report, Denied):
            self._tell_error(report.reason)
        else:
            self._end(report)

    def _hear(self, event: Any) -> None:
        la.post(self._framework, event)
        if isinstance(event, Error):
            self._drop()
        elif isinstance(event, Subscribed):
            said = event.heartbeat_interval_seconds
            self._heartbeat_seconds = said if 0 < said < math.inf else constants.HEARTBEAT_INTERVAL_SECONDS
            self._has_reconciled = False
            if self._subscription is not None and self._subscription.framework.id is not None:
                la.execute(self._framework, partial(self._reconcile, event))  # once the framework has heard of it
            self.answered()

    def _reconcile(self, event: Subscribed) -> None:
        if not self._has_reconciled:
            self.send(Reconcile(event.framework_id))

    # ---- its end ----

    def _end(self, end: Ended) -> None:
        """The subscription is over: who led is asked again after a wait; if nobody did, the next candidate at once."""
        assert self._stream is not None
        leader = self._stream.url if self._heartbeat_seconds else None
        self._drop()
        if end.is_final or not self._reconnect or self._is_leaving:
            self._tell_error(end.reason)
            return
        self._note_problem(end.reason)
        self._tell_disconnected()
        if leader is None and self._candidates.are_left:
            self._try_again()
        else:
            self._candidates.begin(leader)
            self._try_later()

    def _tell_error(self, problem: str) -> None:
        if self._is_leaving:
            log.debug("%s", problem)
        else:
            la.post(self._framework, Error(problem))

    # ---- time ----

    def _watch(self, stream: Stream) -> None:
        """Look after a while whether the master of ``stream`` is silent."""
        self._watching = la.after(min(LOOK_SECONDS, self._silence_most))
        self._watching.on_ready(la.defer(lambda _: self._look(stream)))

    def _look(self, stream: Stream) -> None:
        if stream is not self._stream or self._thread is None:
            return
        now, asked_at, silence = self._clock.now(), stream.asked_at, self._silence_most
        if now - stream.heard_at >= silence:
            self._end(Ended(f"subscription: nothing from {stream.url} for {silence:g} s; the master is lost"))
        elif asked_at is not None and now - asked_at >= CALL_SECONDS:
            self._end(Ended(f"call: no answer from {stream.url} for {CALL_SECONDS:g} s; the master is lost"))
        else:
            self._watch(stream)

    @property
    def _silence_most(self) -> float:
        """How many seconds without a word mean that the master is lost."""
        if self._silence_seconds is not None:
            return self._silence_seconds
        return HEARTBEATS_MISSED_MAX * self._heartbeat_seconds if self._heartbeat_seconds else ANSWER_SECONDS

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.discard()
            self._watching = None


def scheduler_dialect(subscribe: Subscribe) -> Dialect:
    """The scheduler API, for a framework that subscribes so: offers to one of a single role do not say it."""
    framework = subscribe.framework
    role = DEFAULT_ROLE if MULTI_ROLE in framework.capabilities else framework.roles[0]
    return Dialect(
        path="/api/v1/scheduler",
        server="master",
        encode=encode_call,
        decode=lambda document: decode_event(document, role),
        is_last=lambda event: isinstance(event, Error),
        strangers=NOT_SUBSCRIBED,
    )
