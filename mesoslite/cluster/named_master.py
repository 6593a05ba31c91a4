"""NamedMaster: who leads is whoever is found under a host's name, which is looked up each time it is asked for."""

# Who calls: nodes.py makes one for an agent that is told a name; the agent asks it anew whenever it dials.
# A look-up blocks, so a thread of its own does it, which ends with the runtime. One that fails is repeated: the name
#   was good when the agent began.
# A name may have several addresses: each is tried in its turn, of the own family only, as the master has to answer.

from __future__ import annotations

import itertools
import logging
from typing import Any

import libactor as la
from mesoslite.model import InvalidRequest, Leader, MasterInfo, constants

log = logging.getLogger("mesoslite")


class NamedMaster:
    """A master at ``address``, a host's name and a port; implements Detector for an agent of ``runtime``."""

    def __init__(self, address: str, runtime: la.Runtime) -> None:
        self._address = address
        self._own_address = runtime.address
        self._turns = itertools.count()
        self._pool = la.Pool(1, name="look-up", runtime=runtime)
        self._problem: str | None = None  # of the last look-up

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector: the name is looked up, until it leads somewhere; nobody else comes after that."""
        promise: la.Promise[Leader | None] = la.Promise()
        self._waiting = promise  # so that it is not abandoned
        if previous is None:
            self._try(promise)
        return promise.future.on_discard(promise.discard)

    def _try(self, promise: la.Promise[Leader | None]) -> None:
        if not promise.future.is_pending():
            return

        def found(addresses: tuple[str, ...]) -> None:
            self._problem = None
            pid = f"master@{addresses[next(self._turns) % len(addresses)]}"
            promise.set(Leader(MasterInfo(id="", pid=pid)))

        def failed(error: BaseException) -> None:
            if str(error) != self._problem:
                log.warning("master %s: %s; it is looked up again", self._address, _why(error))
            self._problem = str(error)
            la.after(constants.REGISTRATION_RETRY_SECONDS).on_ready(lambda _: self._try(promise))

        looked_up: la.Future[Any] = self._pool.submit(_look_up, self._address, self._own_address)
        looked_up.on_ready(found).on_failed(failed)


def master_at(address: str, runtime: la.Runtime) -> la.PID[Any] | NamedMaster:
    """The master at ``address``, for an agent of ``runtime``; one by a name is looked up each time it is asked for.

    Raises: InvalidRequest, if it is no address, or a name that leads nowhere.
    """
    try:
        found = _look_up(address, runtime.address)
        pid = runtime.parse_pid(f"master@{found[0]}")
    except ValueError as error:
        raise InvalidRequest(f"agent: master {address!r}: {error}") from error
    except OSError as error:
        remedy = "correct the name, or give its address in numbers"
        raise InvalidRequest(f"agent: master {address!r}: {_why(error)}; {remedy}") from error
    if found == (address,):
        return pid
    return NamedMaster(address, runtime)


def _look_up(address: str, own: str) -> tuple[str, ...]:
    """The addresses to try from the ``own`` one. Raises: ValueError; OSError, if there are none."""
    found = la.look_up(address)
    if found == (address,):
        return found
    is_six = own.startswith("[")
    found = tuple([one for one in found if one.startswith("[") == is_six])
    if not found:
        raise OSError(f"it has no IPv{6 if is_six else 4} address, as this agent has")
    return found


def _why(error: BaseException) -> str:
    return f"the name leads nowhere ({getattr(error, 'strerror', None) or error})"
