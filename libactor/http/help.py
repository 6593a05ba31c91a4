"""Help: what the actors of a runtime answer to, from the docstrings of their routes: the pages below /help."""

# Who calls: the application, on its event loop.
# The pages are made when somebody asks, from the actors that are alive then: with its actor its help goes too, and
#   nothing has to be registered. What costs is one look at each class, which its routes were read from already.
# Everything that came from a docstring or a path is escaped: it may hold anything.
# Source: libprocess help.hpp, process.cpp (/help), which answers 400 where nothing is known; that is 404 here.

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libactor.http.response import Response
from libactor.routes import routes_of

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.runtime import Runtime

Endpoints = dict[str, str]  # path within the actor to help text

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>
{content}
</body></html>
"""


def answer_help(runtime: Runtime, own: Endpoints, request: Request) -> Response:
    """The page below ``/help`` that ``request.rest`` names: all actors, one of them, or one of its routes.

    ``own``: the endpoints of the application itself. With ``?format=json`` it is JSON.
    """
    known = describe_endpoints(runtime, own)
    name, _, path = request.rest.strip("/").partition("/")
    if name and name not in known:
        return Response(404, f"No help available for '/{name}'")
    chosen = known if not name else {name: known[name]}
    if path:
        if f"/{path}" not in chosen[name]:
            return Response(404, f"No help available for '/{name}/{path}'")
        chosen = {name: {f"/{path}": chosen[name][f"/{path}"]}}
    if request.query.get("format") == "json":
        return Response(200, _document(chosen))
    base = f"{request.root_path}/help"
    html = _index(base, chosen) if not name else _usage(name, chosen[name])
    return Response(200, html, {"content-type": "text/html; charset=utf-8"})


def describe_endpoints(runtime: Runtime, own: Endpoints) -> dict[str, Endpoints]:
    """The endpoints of each actor that has any, in order of ids, and those of the application, by their first part."""
    found: dict[str, Endpoints] = {}
    for path, text in own.items():
        first, _, rest = path[1:].partition("/")
        found.setdefault(first, {})[f"/{rest}"] = text
    processes = list(runtime._processes.items())  # made in one step
    for name, process in processes:
        routes = routes_of(process.kind).all()
        if routes:
            found[name] = {route.path: route.help for route in routes}
    return dict(sorted(found.items()))


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
