"""serve: the actors of a runtime at a port of their own."""

# Who calls: users who have no web server of their own; who has one mounts `application` there.
# The server's thread is not the runtime's: parsing and slow clients hold up no actor.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libactor.http.application import Site, application
from libactor.http.server import CLOSE_TIMEOUT_S, PATIENCE_S, HttpServer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.runtime import Runtime


class Server:
    """Serves the actors of a runtime, until ``close`` or the end of ``with``; ``url`` is where."""

    def __init__(self, site: Site, host: str, port: int, patience_s: float, connections_max: int | None) -> None:
        self.site = site
        self._server = HttpServer(patience_s=patience_s, connections_max=connections_max)
        try:
            self.url = self._server.listen(site, host, port)
        except BaseException:
            self._server.close()
            raise

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop listening and end every response; ``timeout`` in seconds for slow readers. Again: nothing."""
        self._server.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Server {self.url}>"


def serve(
    runtime: Runtime,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    patience_s: float = PATIENCE_S,
    connections_max: int | None = None,
    **options: Any,
) -> Server:
    """Serve the actors of ``runtime`` at ``host``:``port`` (0: any free port), from a thread of its own.

    ``patience_s`` and ``connections_max`` are those of HttpServer, ``options`` those of ``application``. Close it
    before the runtime: what is asked afterwards is answered 503.
    Raises: OSError naming host and port if they cannot be listened on.
    """
    return Server(application(runtime, **options), host, port, patience_s, connections_max)
