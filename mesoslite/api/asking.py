"""Asking: what operators ask of the master, and which statuses its refusals are."""

# Who calls: operator_calls.py and its tables, and the unversioned endpoints for the same.
# Source: Mesos src/master/http.cpp, quota_handler.cpp, weights_handler.cpp.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import libactor as la
from mesoslite.model import Conflict, InTransition, InvalidRequest, MasterPort, NotFound, RegistryRefused

from .exchange import Refusal

T = TypeVar("T")


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
