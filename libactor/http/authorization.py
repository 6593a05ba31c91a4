"""ByEndpoint: what each endpoint asks before it lets somebody in, as a table."""

# Who calls: the application asks it about each request, in order of arrival at each actor.
# Source: libprocess process.hpp (AuthorizationCallbacks), whose keys are paths too.

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.response import Response
    from libactor.http.site import Principal, Soon

Question: TypeAlias = "Callable[[Request, Principal | None], Soon[bool | Response]]"


class ByEndpoint:
    """Asks the function at the request's endpoint, such as ``/counter/value``, whether it may go on; one without a
    function may.

    A function gets the request and the principal, None outside of realms, and says True or False, which is status 403,
    or answers itself; a future or a coroutine of these will do. Raises: TypeError for anything else.
    """

    def __init__(self, questions: Mapping[str, Question]) -> None:
        given: Any = questions
        if not isinstance(given, Mapping):
            raise TypeError(f"ByEndpoint: got {questions!r}, expected functions by endpoint")
        for endpoint, question in given.items():
            if not isinstance(endpoint, str) or not endpoint.startswith("/") or not _takes_two(question):
                raise TypeError(
                    f"ByEndpoint: got {endpoint!r}: {question!r}, expected an endpoint such as '/counter/value' and a "
                    "function of request and principal"
                )
        self._questions = dict(questions)

    def __call__(self, endpoint: str, request: Request, principal: Principal | None) -> Soon[bool | Response]:
        question = self._questions.get(endpoint)
        return True if question is None else question(request, principal)


def _takes_two(question: object) -> bool:
    """Whether it can be called with a request and a principal, as far as can be told."""
    if not callable(question):
        return False
    try:
        inspect.signature(question).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # of a function in C: it does not tell
        return True
    return True
