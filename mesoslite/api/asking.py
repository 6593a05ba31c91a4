"""Asking: what operators ask of the master, and which statuses its refusals are."""

# Who calls: operator_calls.py and its tables, and the unversioned endpoints for the same.
# Source: Mesos src/master/http.cpp, quota_handler.cpp, weights_handler.cpp.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import libactor as la
from mesoslite.model import (
    ALL_ALLOWED,
    Conflict,
    Demand,
    InTransition,
    InvalidRequest,
    MasterPort,
    NotFound,
    RegistryRefused,
)

from .exchange import Exchange, Refusal
from .permissions import CHANGES

T = TypeVar("T")


async def act(
    exchange: Exchange, master: la.PID[MasterPort], method: Callable[..., Any], *arguments: Any, unknown: int = 400
) -> None:
    """Have the master do something, if who sends the request may. Raises: as ``ask``; Refusal with 403, who may not."""
    if exchange.acls is not ALL_ALLOWED:
        exchange.demand(await _demands(master, method, arguments))
    await ask(master, method, *arguments, unknown=unknown)


async def _demands(
    master: la.PID[MasterPort], method: Callable[..., Any], arguments: Sequence[Any]
) -> Sequence[Demand]:
    if method is MasterPort.teardown_framework:
        owner = await la.dispatch(master, MasterPort.framework_principal, *arguments)
        return [("teardown_frameworks", owner or None)]
    return CHANGES[method](*arguments)


async def ask(
    master: la.PID[MasterPort], method: Callable[..., la.Future[T] | T], *arguments: Any, unknown: int = 400
) -> T:
    """What the master answers to one of its methods; ``unknown`` is the status for what it does not know.

    Raises: Refusal: 400 for what can never be, 409 for what does not go with what there is now, 503 for what is to be
    asked again.
    """
    asked: la.Future[Any] = la.dispatch(master, method, *arguments)
    try:
        answer: T = await asked
    except InvalidRequest as error:
        raise Refusal(400, str(error)) from error
    except NotFound as error:
        raise Refusal(unknown, str(error)) from error
    except InTransition as error:
        raise Refusal(503, str(error)) from error
    except (Conflict, RegistryRefused) as error:
        raise Refusal(409, str(error)) from error
    return answer
