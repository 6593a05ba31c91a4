"""Master application: the HTTP API of a master."""

# Who calls: composition roots, which give it to an HttpServer.

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import libactor as la
from libactor.http import Application
from mesoslite.model import MasterPort

from .authentication import NOBODY, Authentication, Realms
from .debugging import debugging_routes
from .documents import version_document
from .event_stream import EventStreams
from .exchange import Exchange, Response
from .explanations import ExplainEndpoint
from .file_judges import FileJudges
from .file_pages import file_calls, file_routes
from .files import Files
from .leading import Leading
from .log_files import log_files
from .logging_level import logging_routes
from .master_reads import read_routes
from .metrics import metrics_routes
from .operator_calls import NOT_SERVED, OperatorEndpoint
from .operator_changes import change_calls
from .operator_reads import read_calls
from .operator_v0 import operator_routes
from .routes import Endpoint, Routes, application, methods
from .scheduler import SchedulerEndpoint
from .serving import Serving
from .shown_calls import shown_calls
from .stories import WhyEndpoint
from .system_stats import system_routes
from .web_pages import web_routes

Ping: TypeAlias = Callable[[], la.Future[None]]

NO_FLAGS: Mapping[str, str] = MappingProxyType({})
SUBSCRIBER_BUFFER_BYTES_MAX = 32 * 1024 * 1024  # several times all offers of a large cluster


def master_app(
    master: la.PID[MasterPort],
    *,
    runtime: la.Runtime | None = None,
    hosts: Collection[str] | None = None,
    flags: Mapping[str, str] = NO_FLAGS,
    authentication: Authentication = NOBODY,
    subscriber_buffer_bytes: int = SUBSCRIBER_BUFFER_BYTES_MAX,
) -> Application:
    """Return the ASGI application of the master at that address.

    Endpoints: ``/health``, ``/version``, ``/flags``, ``/redirect``, ``/files``, and, while it leads, those of
    master_reads.py and operator_v0.py, ``/api/v1``, ``/api/v1/scheduler``, ``/mesoslite/allocator/explain`` and
    ``/mesoslite/why``; also below ``/master``. Else these lead to the master that does (307), or there is none (503).
    With a ``runtime``, its ``/metrics/snapshot``, ``/metrics``, ``/system/stats.json``, ``/logging/toggle``,
    ``/help`` and ``/__processes__``.
    ``hosts`` are the names it answers to (``loopback_hosts``), None for any; others get 403.
    ``flags`` are the options that its program was started with, by name; ``webui_dir`` has the files of a web page, for
    ``/``, ``/app`` and ``/assets``. ``authentication`` says who has to be known.
    ``subscriber_buffer_bytes`` bounds how far a framework, or an operator's program, may lag behind its events before
    it is disconnected.
    """
    scheduler, leading = SchedulerEndpoint(master, subscriber_buffer_bytes, runtime), Leading(master)
    files, judges = Files(log_files("master", flags)), FileJudges(None)
    serving = Serving()
    calls = {
        **read_calls(master, runtime, flags),
        **shown_calls(master, serving, flags),
        **EventStreams(master, serving, subscriber_buffer_bytes).calls,
        **file_calls(files, judges),
        **change_calls(master),
    }
    operator = OperatorEndpoint("master", calls, NOT_SERVED)
    shown = {**read_routes(master, serving, flags), **operator_routes(master)}
    routes: Routes = {
        "/health": methods(GET=health(partial(la.dispatch, master, MasterPort.ping))),
        "/version": methods(GET=version),
        "/flags": methods(GET=told_flags(flags)),
        "/redirect": methods(GET=leading.redirect),
        "/api/v1": leading.guard(methods(POST=operator)),
        "/api/v1/scheduler": leading.guard(methods(POST=scheduler)),
        "/mesoslite/allocator/explain": leading.guard(methods(GET=ExplainEndpoint(master))),
        "/mesoslite/why": leading.guard(methods(GET=WhyEndpoint(master))),
        **file_routes(files, judges),
        **{path: leading.guard(endpoint) for path, endpoint in shown.items()},
        **runtime_routes(runtime),
    }
    if runtime is not None:
        routes = {**routes, **debugging_routes(runtime, "master", routes), **web_routes(runtime, flags)}
    return application(routes, ("/master",), hosts, Realms("master", authentication))


def health(ping: Ping) -> Endpoint:
    """The endpoint that says by an empty body that an actor is alive; ``ping`` asks it. 503 if it has stopped."""

    async def answer(exchange: Exchange) -> Response:
        await ping()
        return Response()

    return answer


def runtime_routes(runtime: la.Runtime | None) -> Routes:
    """The endpoints that tell of a runtime and its machine."""
    if runtime is None:
        return {}
    return {**metrics_routes(runtime), **system_routes(runtime), **logging_routes(runtime)}


async def version(exchange: Exchange) -> Response:
    """Answer with the versions of the API and of the software."""
    return exchange.json(dict(sorted(version_document().items())))


def told_flags(flags: Mapping[str, str]) -> Endpoint:
    """The endpoint that tells the options that the program was started with."""

    async def answer(exchange: Exchange) -> Response:
        return exchange.json({"flags": dict(flags)})

    return answer
