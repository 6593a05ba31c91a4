"""route: the mark that makes a method of an actor answer HTTP requests, and how a path finds its method."""

# Who calls: users mark methods; libactor/actor.py has each class checked when it is made; libactor/http looks paths up,
#   on the event loop: the routes of a class never change, so the actor need not be asked.
# Invariant: what a lookup costs is bounded by the deepest route of the class, however many slashes a client sends.
# Lookup, as in libprocess: a trailing slash does not count, and the longest route that is a prefix of the path, by
#   whole segments, wins: /a/b/c, then /a/b, then /a, then /. Methods do not: a longer route that refuses a POST hides
#   a shorter one.
# Source: libprocess process.hpp (route), process.cpp (consume of HttpEvent).

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

MethodT = TypeVar("MethodT", bound=Callable[..., Any])
T = TypeVar("T")

_NAMES = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")  # what a method of HTTP may be made of


@dataclass(frozen=True, slots=True)
class Route:
    """One marked method: ``path`` within its actor, what it answers to, and how it is called."""

    path: str
    name: str  # of the method, which is looked up on the actor when the call is served
    function: Callable[..., Any]
    methods: frozenset[str] | None  # None: all of them
    realm: str | None
    stream: bool
    takes_principal: bool
    help: str  # the docstring

    def answers(self, method: str) -> bool:
        """Whether requests with ``method`` are for this route."""
        return self.methods is None or method in self.methods


def route(
    path: str, *, methods: Iterable[str] | None = None, realm: str | None = None, stream: bool = False
) -> Callable[[MethodT], MethodT]:
    """Mark a method as the answer to HTTP requests for ``/<actor id><path>`` and all below it.

    The method takes ``(self, request)`` or ``(self, request, principal)`` and returns a Response, or what stands for
    one: text, bytes, anything that has a form in JSON, None for 204, a Pipe's reader, a future of these; it may be
    ``async def``. Its docstring is the help text. ``methods``: such as ``["GET", "POST"]``, left out: all; HEAD comes
    with GET, and others are answered 405. ``realm``: who may call is asked of the authenticator of that name.
    ``stream``: the method is called before the body has come; ``request.body`` is then a Reader.

    Raises: TypeError or ValueError for what cannot be a route.
    """
    _check_path(path)
    if realm is not None and not isinstance(realm, str):
        raise TypeError(f"route: got the realm {realm!r}, expected its name, or None")
    names = None if methods is None else _check_methods(methods)

    def mark(method: MethodT) -> MethodT:
        given: object = method
        if not callable(given) or not hasattr(given, "__dict__"):
            raise TypeError(f"route: got {method!r}, expected a method, as in @route({path!r}) above its def")
        method.__dict__.setdefault("_routes", []).append((path, names, realm, bool(stream)))
        return method

    return mark


def _check_path(path: object) -> None:
    if not isinstance(path, str):
        raise TypeError(f"route: got the path {path!r}, expected text, such as '/value'")
    ends_well = path == "/" or not path.endswith("/")
    if not path.startswith("/") or not ends_well or "//" in path or "/.." in path or "?" in path:
        raise ValueError(
            f"route: the path {path!r} will not do; expected one that begins with '/' and does not end with it, "
            "without '//', '/..' and '?', such as '/value'; '/' stands for the actor itself"
        )


def _check_methods(methods: Iterable[str]) -> frozenset[str]:
    names: list[Any] = [methods] if isinstance(methods, str) else list(methods)
    for name in names:
        if not isinstance(name, str) or not name or not _NAMES.issuperset(name):
            raise ValueError(f"route: {name!r} is no method of HTTP; expected names such as 'GET', in capitals")
    if not names:
        raise ValueError("route: got no methods, expected at least one, or None for all")
    return frozenset(names) | ({"HEAD"} if "GET" in names else frozenset())


def longest_prefix(table: Mapping[str, T], path: str, depth: int) -> T | None:
    """What ``table`` has for ``path``, or for as many of its first segments as it knows; ``depth`` of its paths."""
    found = table.get(path)
    if found is not None:
        return found
    segments = path.split("/", depth + 1)[: depth + 1]
    while len(segments) > 1:
        found = table.get("/".join(segments))
        if found is not None:
            return found
        segments.pop()
    return table.get("/")


def depth_of(paths: Iterable[str]) -> int:
    """How many segments the deepest of ``paths`` has."""
    return max((path.count("/") for path in paths), default=0)


class Routes:
    """The routes of one class of actors."""

    def __init__(self, cls: type) -> None:
        self._by_path: dict[str, tuple[Route, ...]] = {}
        for base in reversed(cls.__mro__):
            self._add(cls, base)
        self._depth = depth_of(self._by_path)

    def find(self, path: str) -> tuple[Route, ...]:
        """The routes, one for each set of methods, at the longest prefix of ``path``; none: empty."""
        return longest_prefix(self._by_path, path, self._depth) or ()

    def all(self) -> list[Route]:
        """All of them, by path."""
        return [route for path in sorted(self._by_path) for route in self._by_path[path]]

    def _add(self, cls: type, base: type) -> None:
        """Add what ``base`` marks; a nearer class takes a path from its bases, for the methods it answers."""
        own: dict[str, list[Route]] = {}
        for name, function in vars(base).items():
            for path, methods, realm, stream in getattr(function, "__dict__", {}).get("_routes", ()):
                made = _make(cls, name, path, methods, realm, stream)
                for other in own.setdefault(path, []):
                    if _overlap(made, other):
                        raise TypeError(
                            f"{cls.__qualname__}: {other.name} and {name} both answer {path}; give each its methods"
                        )
                own[path].append(made)
        for path, routes in own.items():
            kept = [old for old in self._by_path.get(path, ()) if not any(_overlap(old, new) for new in routes)]
            self._by_path[path] = (*kept, *routes)


def _make(cls: type, name: str, path: str, methods: frozenset[str] | None, realm: str | None, stream: bool) -> Route:
    function = getattr(cls, name)  # of a subclass, if it overrides the marked one
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{cls.__qualname__}.{name}: is an asynchronous generator, which nobody would run; return the reader of a "
            "Pipe and write to it"
        )
    positional = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) not in (2, 3):
        raise TypeError(f"{cls.__qualname__}.{name}: a route takes (self, request) or (self, request, principal)")
    text = inspect.cleandoc(function.__doc__ or "")
    return Route(path, name, function, methods, realm, stream, len(positional) == 3, text)


def _overlap(one: Route, other: Route) -> bool:
    return one.methods is None or other.methods is None or bool((one.methods & other.methods) - {"HEAD"})


def routes_of(cls: type) -> Routes:
    """The routes of the actor class ``cls``, its bases' included; as long as it adds none, its base's own object."""
    table: Routes | None = vars(cls).get("_libactor_routes")
    if table is None:
        base: Routes | None = getattr(cls, "_libactor_routes", None)
        table = Routes(cls) if base is None or _adds(cls, base) else base
        cls._libactor_routes = table  # type: ignore[attr-defined]
    return table


def _adds(cls: type, base: Routes) -> bool:
    """Whether ``cls`` marks a method, overrides one that is marked, or has more bases than one."""
    routed = {route.name for route in base.all()}
    own = vars(cls)
    return len(cls.__bases__) > 1 or not routed.isdisjoint(own) or any(hasattr(f, "_routes") for f in own.values())
