"""Web pages: the files of a web page, such as Mesos's, as a master hands them out that was told where they are."""

# Who calls: master.py. Also of a master that does not lead: what the page then asks for leads to the one that does.
# Mesos's page is index.html with what is in app and assets; what it shows it asks masters and agents for, by scripts.
# Source: Mesos src/master/master.cpp (webui_dir), libprocess process.hpp (provide).

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from libactor.http import application, provide

from .routes import ROOT, methods

if TYPE_CHECKING:
    import libactor as la

    from .exchange import Exchange
    from .routes import Endpoint, Routes

INDEX = "index.html"
_PLACES = {ROOT: INDEX, "/app": "app", "/assets": "assets"}


def web_routes(runtime: la.Runtime | None, flags: Mapping[str, str]) -> Routes:
    """The pages of a program that was started with these ``flags``: none without ``webui_dir``, or a runtime."""
    directory = flags.get("webui_dir")
    if runtime is None or not directory:
        return {}
    places = {path: os.path.join(directory, name) for path, name in _PLACES.items()}
    return {path: methods(GET=_files(runtime, path, place)) for path, place in places.items() if os.path.exists(place)}


def _files(runtime: la.Runtime, path: str, place: str) -> Endpoint:
    at = f"/{os.path.basename(place)}"
    site = application(runtime, system={at: provide(place)})

    async def answer(exchange: Exchange) -> None:
        rest = exchange.path.partition(path)[2] if path != ROOT else ""
        await exchange.hand_over(site, at + rest)

    return answer
