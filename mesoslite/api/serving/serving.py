"""Serving: a document as the answer to a request: conditional, compressed, as a script, streamed."""

# Who calls: the endpoints; one Serving for each application, on the server's loop.
# The document is the answer's, whatever its length: what is short goes out whole, with its length, all else in pieces,
#   at the client's pace. Who has gone is noticed behind each piece.
# Clients must ask again each time (no-cache), with the tag of what they have: an answer never predates a change that
#   was acknowledged before it was asked for.

from __future__ import annotations

import asyncio

from libactor.http.breathing import breathe

from ..exchange import Exchange, Response
from .cursor import Piece
from .documents import Document
from .entity_tags import has_tag
from .rendering import Reader
from .renderings import Renderings


class Serving:
    """Answers requests with documents; equal ones share what is rendered."""

    def __init__(self) -> None:
        self.renderings = Renderings()

    async def answer(self, exchange: Exchange, document: Document) -> Response | None:
        """Answer with the document, or that it has not changed; None once that was streamed.

        Raises: Refusal with status 400 for a callback that is none.
        """
        callback, content_type = exchange.script()
        is_named = exchange.method != "POST"  # what a body asks for has no name of its own
        headers = {"cache-control": "no-cache", "vary": "Accept-Encoding"}
        tag = document.tag(document.version)
        if is_named and has_tag(exchange.headers.get("if-none-match", ""), tag):
            return Response(304, headers={**headers, "etag": f'"{tag}"'})
        headers["content-type"] = content_type
        if exchange.method == "HEAD":
            await exchange.start(200, {**headers, "etag": f'"{tag}"'})
            await exchange.send(b"", more=False)
            return None
        with self.renderings.reader(document, callback, exchange.accepts_gzip) as reader:
            piece = await reader.next()
            if piece.is_gzip:
                headers["content-encoding"] = "gzip"
            if is_named:
                headers["etag"] = f'{"W/" * piece.is_gzip}"{document.tag(reader.version)}"'
            if piece.is_last:
                headers["content-length"] = str(len(piece.body))
            await exchange.start(200, headers)
            if piece.is_last:
                await exchange.send(piece.body, more=False)
            else:
                await _send_pieces(exchange, reader, piece)
        return None


async def _send_pieces(exchange: Exchange, reader: Reader, piece: Piece) -> None:
    """Send the piece, and all that follow, until the client has gone."""
    gone = asyncio.ensure_future(exchange.gone())
    try:
        while not gone.done():
            await (
                breathe()
            )  # so that the next one is made meanwhile; and neither to have a piece nor to send it need wait
            await exchange.send(piece.body, more=not piece.is_last)
            if piece.is_last:
                return
            piece = await reader.next()
    finally:
        gone.cancel()
