"""Help: what the actors of a runtime answer to, from the docstrings of their routes: the pages below /help."""

# Who calls: the application, on its event loop.
# The pages are made when somebody asks, from the actors that are alive then: with its actor its help goes too, and
#   nothing has to be registered. What costs is one look at each class, which its routes were read from already.
# Everything that came from a docstring or a path is escaped: it may hold anything.
# Source: libprocess help.hpp, process.cpp (/help), which answers 400 where nothing is known; that is 404 here.

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libactor.http.processes import SLICE, slices
from libactor.http.response import Response
from libactor.routes import routes_of

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.process import Process
    from libactor.routes import Route
    from libactor.runtime import Runtime

Endpoints = dict[str, str]  # path within the actor to help text

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>
{content}
</body></html>
"""


async def answer_help(runtime: Runtime, own: Endpoints, request: Request) -> Response:
    """The page below ``/help`` that ``request.rest`` names: all actors, one of them, or one of its routes.

    ``own``: the endpoints of the application itself. With ``?format=json`` it is JSON.
    """
    name, _, path = request.rest.strip("/").partition("/")
    chosen = await _describe_all(runtime, own) if not name else _describe(runtime, own, name)
    if path and chosen:
        known = chosen[name]
        chosen = {name: {f"/{path}": known[f"/{path}"]}} if f"/{path}" in known else {}
    if not chosen and name:
        return Response(404, f"No help available for '{request.rest}'")
    if len(chosen) > SLICE:  # long work, which must not hold up the event loop
        return await asyncio.to_thread(_render, request, name, chosen)
    return _render(request, name, chosen)


def _render(request: Request, name: str, chosen: dict[str, Endpoints]) -> Response:
    if request.query.get("format") == "json":
        return Response(200, _document(chosen))
    html = _usage(name, chosen[name]) if name else _index(f"{request.root_path}/help", chosen)
    return Response(200, html, {"content-type": "text/html; charset=utf-8"})


async def _describe_all(runtime: Runtime, own: Endpoints) -> dict[str, Endpoints]:
    """The endpoints of each actor that has any, and of the application by their first part; in order of these names."""
    found: dict[str, Endpoints] = {}
    for path in own:
        first = path[1:].partition("/")[0]
        found[first] = _own_below(own, first)
    async for entries in slices(runtime):
        found |= {name: endpoints for name, process in entries if (endpoints := _endpoints(process))}
    return {name: found[name] for name in sorted(found)}


def _describe(runtime: Runtime, own: Endpoints, name: str) -> dict[str, Endpoints]:
    """As _describe_all, for one name; empty if there is nothing of that name."""
    process = runtime._processes.get(name)
    endpoints = _endpoints(process) if process is not None else {}
    endpoints = endpoints or _own_below(own, name)
    return {name: endpoints} if endpoints else {}


def _endpoints(process: Process) -> Endpoints:
    """The routes of an actor; what several of one path say, by their methods, stands together."""
    found: Endpoints = {}
    for route in routes_of(process.kind).all():
        before, text = found.get(route.path), _text(route)
        found[route.path] = text if not before else f"{before}\n\n{text}"
    return found


def _text(route: Route) -> str:
    """What the docstring says, below the methods and the realm if there are any."""
    methods = [", ".join(sorted(route.methods))] if route.methods is not None else []
    realm = [f"realm {route.realm}"] if route.realm is not None else []
    return "\n".join(part for part in ("; ".join(methods + realm), route.help) if part)


def _own_below(own: Endpoints, name: str) -> Endpoints:
    return {path[len(name) + 1 :] or "/": text for path, text in own.items() if f"{path}/".startswith(f"/{name}/")}


def _document(chosen: dict[str, Endpoints]) -> dict[str, Any]:
    return {
        "processes": [
            {"id": name, "endpoints": [{"name": path, "text": text} for path, text in endpoints.items()]}
            for name, endpoints in chosen.items()
        ]
    }


def _index(base: str, chosen: dict[str, Endpoints]) -> str:
    return _page("Help", _list((f"{base}/{quote(name, safe='')}", f"/{name}") for name in chosen))


def _usage(name: str, endpoints: Endpoints) -> str:
    parts = [
        f"<h2>/{escape(name)}{escape(path if path != '/' else '')}</h2>\n<pre>{escape(text)}</pre>"
        for path, text in endpoints.items()
    ]
    return _page(f"Help for /{name}", "\n".join(parts))


def _list(links: Iterable[tuple[str, str]]) -> str:
    items = "\n".join(f'<li><a href="{escape(link)}">{escape(text)}</a></li>' for link, text in links)
    return f"<ul>\n{items}\n</ul>"


def _page(title: str, content: str) -> str:
    return _PAGE.format(title=escape(title), content=content)
