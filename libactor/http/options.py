"""Options: what an application is given, checked before anything is served."""

# Who calls: application.py, when a site is made, server.py, and connection.py for what nobody has given. What is wrong
#   would otherwise be told by the first request, to a client.
# A delegate that is no actor yet may become one, and a realm of a route that nobody serves is found when the route is.

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from libactor.http.site import SystemRoute

DESCRIPTORS_LEFT = 4096  # to the rest of a process that may have more than twice as many
CONNECTIONS_MAX = 16_384  # 10,000 streams of events and whoever asks beside; idle, 8 to 32 kB each


def check_names(given: Iterable[str], function: Callable[..., object]) -> None:
    """Raises: TypeError for an option that ``function`` does not have."""
    known = list(inspect.signature(function).parameters)[1:]
    for name in given:
        if name not in known:
            raise TypeError(f"application: got the option {name!r}, expected one of {', '.join(known)}")


def check_bytes(name: str, size: Any) -> int:
    """``size``, if it is a number of bytes."""
    if type(size) is not int or size < 0:
        raise ValueError(f"application: got {name}={size!r}, expected a number of bytes, 0 or more")
    return size


def check_realms(realms: Any) -> Mapping[str, Any] | None:
    """``realms``, if they are authenticators by name."""
    if realms is None:
        return None
    if not isinstance(realms, Mapping):
        raise TypeError(f"application: got realms={realms!r}, expected authenticators by name, such as {{'staff': …}}")
    for name, authenticator in realms.items():
        if not isinstance(name, str) or isinstance(authenticator, type) or not _has_authenticate(authenticator):
            raise TypeError(
                f"application: got the realm {name!r}: {authenticator!r}, expected a name and an object with "
                "authenticate(request), such as Basic('staff', users)"
            )
    return realms


def check_function(name: str, function: Any) -> Any:
    """``function``, if it can be called."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"application: got {name}={function!r}, expected a function")
    return function


def check_functions(name: str, functions: Any) -> tuple[Any, ...]:
    """``functions``, if they are several that can be called."""
    if not isinstance(functions, Sequence) or isinstance(functions, (str, bytes)):
        raise TypeError(f"application: got {name}={functions!r}, expected a list of functions")
    return tuple(check_function(f"a step of {name}", function) for function in functions)


def check_system(system: Any) -> dict[str, SystemRoute]:
    """``system``, if it is endpoints by their paths."""
    if not isinstance(system, Mapping):
        raise TypeError(f"application: got system={system!r}, expected routes by path, such as own_routes(runtime)")
    for path, route in system.items():
        if not isinstance(path, str) or not path.startswith("/") or not isinstance(route, SystemRoute):
            raise TypeError(
                f"application: got the system route {path!r}: {route!r}, expected a path such as '/assets' and a "
                "SystemRoute, such as provide(directory)"
            )
    return dict(system)


def check_seconds(name: str, seconds: Any) -> float:
    """``seconds``, if it is a time."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise ValueError(f"{name}: got {seconds!r}, expected a number of seconds above 0")
    return float(seconds)


def check_connections(number: Any) -> int | None:
    """``number``, if it is one of connections."""
    if number is not None and (type(number) is not int or number < 1):
        raise ValueError(f"connections_max: got {number!r}, expected a whole number above 0, or None")
    return number


def _has_authenticate(authenticator: Any) -> bool:
    return callable(getattr(authenticator, "authenticate", None))


def affordable_connections() -> int:
    """As many as leave the rest of the process half of its descriptors, or, of many, some thousand."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return CONNECTIONS_MAX
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(1, min(CONNECTIONS_MAX, max(descriptors // 2, descriptors - DESCRIPTORS_LEFT)))
