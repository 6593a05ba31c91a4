"""Rendering: one document while it is made, piece after piece, for all who read it at about the same time."""

# Who calls: renderings.py makes one for equal requests, and a Reader of it for each of them.
# Invariants: 1. a piece is made when a reader wants it, or is about to: at most one beyond what the fastest has.
#   2. of what was made, the pieces since ``first`` are there, for those who are behind the fastest. Who is further
#   behind goes on alone, from the records, which the document holds: he never holds up others, nor costs more than a
#   piece.    3. pieces are made in a thread, one at a time for all renderings: Renderer.
# Everything but the making itself runs on the server's loop.
# Rejected: a thread for each client (they queue for the interpreter's lock, so that all others wait); all pieces ahead
#   (memory, and others wait); pieces made on the loop.

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from .cursor import START, Cursor, Piece, Position
from .documents import Part

T = TypeVar("T")


class Renderer:
    """Runs what renders in another thread, one at a time, in turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, function: Callable[[], T]) -> T:
        """What ``function`` returns. Who is cancelled has the turn until the thread is through."""
        async with self._turn:
            running = asyncio.get_running_loop().run_in_executor(None, function)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait([running])
                raise


class Rendering:
    """The pieces of one document of that version.

    ``made`` is called with each piece that is there. A piece that cannot be made fails all that want it.
    """

    def __init__(
        self,
        version: tuple[str, int],
        parts: Callable[[], Iterator[Part]],
        renderer: Renderer,
        made: Callable[[Rendering, Piece], None],
        *,
        keep: bool,
        gzip: bool,
    ) -> None:
        self.version = version
        self.readers = 0
        self.first = 0  # the number of the oldest piece that is there
        self.is_whole = False  # all pieces were made
        self._pieces: deque[Piece] = deque()
        self._parts, self._renderer, self._made = parts, renderer, made
        self._keep, self._gzip = keep, gzip
        self._cursor = Cursor(parts, keep=keep, gzip=gzip)
        self._making: asyncio.Task[None] | None = None

    @property
    def bytes_held(self) -> int:
        """The size of the pieces that are there."""
        return sum([len(piece.body) for piece in self._pieces])

    async def piece(self, number: int) -> Piece | None:
        """The piece of that number, at most one beyond what was asked for before; None if it is not there any more."""
        while number >= self.first:
            made = self.first + len(self._pieces)
            if number < made:
                if number == made - 1 and not self.is_whole:
                    self._make()
                return self._pieces[number - self.first]
            await asyncio.shield(self._make())
        return None

    def cursor_after(self, at: Position) -> Cursor:
        """A cursor that begins there, for one reader alone."""
        return Cursor(self._parts, keep=self._keep, gzip=self._gzip, at=at)

    async def piece_of(self, cursor: Cursor) -> Piece:
        """The next piece of a cursor, made for one reader alone."""
        return await self._renderer.run(cursor.next)

    def drop_oldest(self) -> int:
        """Let go of the oldest piece that is there; its size."""
        self.first += 1
        return len(self._pieces.popleft().body)

    def end(self) -> None:
        """Make nothing more: nobody reads."""
        if self._making is not None:
            self._making.cancel()

    def _make(self) -> asyncio.Task[None]:
        """The making of the next piece; one that has failed goes on failing."""
        if self._making is None:
            self._making = asyncio.ensure_future(self._make_next())
        return self._making

    async def _make_next(self) -> None:
        piece = await self._renderer.run(self._cursor.next)
        self._making = None
        self._pieces.append(piece)
        self.is_whole = piece.is_last
        self._made(self, piece)


class Reader:
    """One client's way through a rendering."""

    def __init__(self, rendering: Rendering) -> None:
        self.version = rendering.version
        self._rendering = rendering
        self._number = 0
        self._after = START
        self._own: Cursor | None = None  # once alone; kept, for what is before a place may have to be made again

    async def next(self) -> Piece:
        """The next piece; not after the last one."""
        piece = await self._rendering.piece(self._number) if self._own is None else None
        if piece is None:
            self._own = self._own or self._rendering.cursor_after(self._after)
            piece = await self._rendering.piece_of(self._own)
        self._number += 1
        self._after = piece.after
        return piece
