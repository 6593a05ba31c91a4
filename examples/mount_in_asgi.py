"""Actors inside a web application of your own: /actors/... is theirs, all else is yours.

Run it:  python examples/mount_in_asgi.py                     it asks itself, and says what was answered
         cd examples && uvicorn mount_in_asgi:app              served by a server of your choice
             curl localhost:8000/      curl localhost:8000/actors/greeter/hello/you

`app` is plain ASGI; in Starlette or FastAPI it is `app.mount("/actors", application(runtime))`.
"""

from __future__ import annotations

import asyncio

import httpx2

import libactor as la
from libactor import http
from libactor.http import Message, Receive, Request, Scope, Send


class Greeter(la.Actor):
    """Greets, and knows how often."""

    greeted = 0

    @la.route("/hello")
    async def hello(self, request: Request) -> str:
        """A greeting for the name behind /hello/."""
        self.greeted += 1
        return f"Hello {request.rest.strip('/') or 'world'}, you are number {self.greeted} at {request.root_path}."


class App:
    """The application around: it opens the runtime when its server starts, and closes it at the end."""

    actors: http.Site | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or live as long as the server."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif self.actors is not None and scope["path"].startswith("/actors/"):
            await self.actors({**scope, "root_path": scope.get("root_path", "") + "/actors"}, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This page is mine."})

    async def live(self, receive: Receive, send: Send) -> None:
        """The runtime is there from the start of the server to its end."""
        await receive()
        async with la.Runtime() as runtime:
            runtime.spawn(Greeter("greeter"))
            self.actors = http.application(runtime)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


app = App()


async def main() -> None:
    """Ask the application, as a server would."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    living = asyncio.create_task(app({"type": "lifespan"}, told.get, said.put))
    told.put_nowait({"type": "lifespan.startup"})
    await said.get()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://mine") as client:
        for path in ("/", "/actors/greeter/hello", "/actors/greeter/hello/you"):
            print(path, "->", (await client.get(path)).text)
    told.put_nowait({"type": "lifespan.shutdown"})
    await living


if __name__ == "__main__":
    asyncio.run(main())
