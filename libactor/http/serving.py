"""serve: the actors of a runtime at a port of their own."""

# Who calls: users who have no web server of their own; who has one mounts `application` there.
# The worker of the runtime reads what is simple itself (front.py); all else, slow clients above all, is the server's
#   thread's, so that it holds up no actor.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libactor.http.application import Site, application
from libactor.http.server import CLOSE_TIMEOUT_S, PATIENCE_S, HttpServer, Listener

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.http.front import Front
    from libactor.runtime import Runtime


class Server:
    """Serves the actors of a runtime, until ``close`` or the end of ``with``; ``url`` is where."""

    def __init__(self, site: Site, host: str, port: int, patience_s: float, connections_max: int | None) -> None:
        self.site = site
        from libactor.http.front import front_of  # which takes the server libraries

        self._server = HttpServer(patience_s=patience_s, connections_max=connections_max)
        self._front: Front | None = None
        try:
            listener = Listener(host, port)
            self.url = listener.url
            try:
                self._front = front_of(site, self._server, listener)
                if self._front is None:
                    self._server.serve(site, listener)
            except BaseException:
                listener.close()
                raise
        except BaseException:
            self._server.close()
            raise

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop listening and end every response; ``timeout`` in seconds for slow readers. Again: nothing."""
        if self._front is not None:
            self._front.close(timeout)
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
    """Serve the actors of ``runtime`` at ``host``:``port`` (0: any free port).

    Short requests are read and answered by the runtime's worker, all others from a thread of the server's own.

    ``patience_s`` and ``connections_max`` are those of HttpServer, ``options`` those of ``application``. Close it
    before the runtime: what is asked afterwards is answered 503.
    Raises: OSError naming host and port if they cannot be listened on.
    """
    return Server(application(runtime, **options), host, port, patience_s, connections_max)
