"""Renderings: what is being rendered, and what was just now, so that equal requests share it."""

# Who calls: serving.py, on the server's loop.
# Invariants: 1. a request gets a rendering of its version or a newer one, from its first piece on.
#   2. all pieces that are there have HELD_BYTES_MAX together, and one piece: the oldest go first, of the rendering that
#   was asked for the longest time ago.    3. a rendering that nobody reads is dropped, unless it is short and whole:
#   that is given to those who ask until the version changes. IDLE_MAX of these are kept: clients choose the queries.
# What is rendered is kept (libactor.records: fragments) of the forms that are asked for again: to keep it costs as much
#   again as to make it.

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from .cursor import Cursor, Piece
from .documents import Document, Part
from .rendering import Reader, Renderer, Rendering

HELD_BYTES_MAX = 32 * 1024 * 1024
WHOLE_BYTES_MAX = 4 * 1024 * 1024  # of a document that is held when nobody reads it
IDLE_MAX = 64  # renderings that nobody reads
FORMS_MAX = 64  # of which it is known whether they are asked for again

Key: TypeAlias = tuple[str, Hashable, bytes, bool]  # form, query, callback, whether it is compressed


class Renderings:
    """Of one application."""

    def __init__(self, held_bytes_max: int = HELD_BYTES_MAX) -> None:
        self.begun = 0  # how many there ever were
        self.bytes_held = 0
        self._held_bytes_max = held_bytes_max
        self._renderer = Renderer()
        self._open: dict[Key, Rendering] = {}  # that others may join
        self._held: dict[Rendering, None] = {}  # that have pieces; who was asked for last is last
        self._idle: dict[Rendering, Key] = {}  # that nobody reads; who was left first is first
        self._forms: dict[str, int] = {}  # the number of the version that was rendered last

    @contextmanager
    def reader(self, document: Document, callback: bytes, gzip: bool) -> Iterator[Reader]:
        """A reader of the document, as the argument of ``callback`` unless that is empty."""
        key = (document.form, document.query, callback, gzip)
        rendering = self._find(key, document.version)
        if rendering is None:
            rendering = self._begin(key, document)
        self._idle.pop(rendering, None)
        rendering.readers += 1
        try:
            yield Reader(rendering)
        finally:
            rendering.readers -= 1
            if not rendering.readers:
                self._left(key, rendering)

    async def alone(self, parts: Callable[[], Iterator[Part]]) -> AsyncIterator[bytes]:
        """The pieces of what nobody else is to have; nothing of it stays."""
        cursor = Cursor(parts, keep=False, gzip=False)
        is_last = False
        while not is_last:
            piece = await self._renderer.run(cursor.next)
            is_last = piece.is_last
            yield piece.body

    def _find(self, key: Key, version: tuple[str, int]) -> Rendering | None:
        """One of that version or a newer one that still has its first piece."""
        found = self._open.get(key)
        if found is None or found.first or found.version[0] != version[0] or found.version[1] < version[1]:
            return None
        if found in self._held:
            del self._held[found]
            self._held[found] = None
        return found

    def _begin(self, key: Key, document: Document) -> Rendering:
        older = self._open.pop(key, None)
        if older is not None and not older.readers:
            self._drop(older)
        self._drop_outdated(document.version)
        callback = key[2]
        parts = document.wrapped(callback + b"(", b");") if callback else document.parts
        keep = self._is_repeated(document)
        rendering = Rendering(document.version, parts, self._renderer, self._made, keep=keep, gzip=key[3])
        self._open[key] = rendering
        self.begun += 1
        return rendering

    def _drop_outdated(self, version: tuple[str, int]) -> None:
        """Let go of what nobody reads, nor will: each holds the records of its version."""
        for idle in [each for each in self._idle if each.version < version or each.version[0] != version[0]]:
            self._close_idle(idle)
            self._drop(idle)

    def _is_repeated(self, document: Document) -> bool:
        """Whether another version of this form was asked for before."""
        before = self._forms.pop(document.form, None)
        self._forms[document.form] = document.version[1]
        if len(self._forms) > FORMS_MAX:
            del self._forms[next(iter(self._forms))]
        return before is not None

    def _made(self, rendering: Rendering, piece: Piece) -> None:
        self.bytes_held += len(piece.body)
        self._held[rendering] = None
        while self.bytes_held > self._held_bytes_max + len(piece.body):
            self._make_room()

    def _make_room(self) -> None:
        oldest = next(iter(self._held))
        self.bytes_held -= oldest.drop_oldest()
        if not oldest.bytes_held:
            del self._held[oldest]
            self._close_idle(oldest)

    def _left(self, key: Key, rendering: Rendering) -> None:
        """Nobody reads it now."""
        is_open = self._open.get(key) is rendering
        if is_open and rendering.is_whole and not rendering.first and rendering.bytes_held <= WHOLE_BYTES_MAX:
            self._idle[rendering] = key
            if len(self._idle) > IDLE_MAX:
                oldest = next(iter(self._idle))
                self._close_idle(oldest)
                self._drop(oldest)
            return
        if is_open:
            del self._open[key]
        self._drop(rendering)

    def _close_idle(self, rendering: Rendering) -> None:
        """Let nobody join it, if nobody reads it."""
        key = self._idle.pop(rendering, None)
        if key is not None:
            del self._open[key]

    def _drop(self, rendering: Rendering) -> None:
        rendering.end()
        self._idle.pop(rendering, None)
        self._held.pop(rendering, None)
        while rendering.bytes_held:
            self.bytes_held -= rendering.drop_oldest()
