"""Cursor: a document as bytes, a piece at a time, from the beginning or from where somebody has stopped."""

# Who calls: rendering.py, in the thread that renders, one call at a time.
# Invariant: where a piece ends is a Position, from which another cursor goes on with exactly the bytes that follow;
#   where pieces are cut may differ.
# Compressed pieces do not depend on one another: each is some deflate blocks without a reach back, so the stream can be
#   taken up behind any of them, if one knows its checksum up to there.
# Source: RFC 1951, RFC 1952.

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from .documents import Items, Part

PIECE_BYTES = 512 * 1024  # less costs more for each byte, more holds up those who ask for little
GZIP_BYTES_MIN = 1024  # what is smaller fits into one packet anyway
GZIP_LEVEL = 1  # a large state is asked for every few seconds; the higher levels take many times as long
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_RAW = -zlib.MAX_WBITS


class Position(NamedTuple):
    """A place in a document: a part, in it a chunk of a snapshot, and the checksum and length of what is before."""

    part: int = 0
    snapshot: int = 0
    chunk: int = 0
    has_items: bool = False  # of the array, before this place
    checksum: int = 0
    size: int = 0


START = Position()


class Piece(NamedTuple):
    """Some of the bytes, and where they end; ``is_gzip``: they are compressed."""

    body: bytes
    after: Position
    is_last: bool
    is_gzip: bool


class Cursor:
    """Goes over the parts that ``parts`` makes, from ``at`` on.

    ``keep``: what is rendered is kept for others; ``gzip``: the pieces are compressed, unless all is one small piece.
    """

    def __init__(self, parts: Callable[[], Iterator[Part]], *, keep: bool, gzip: bool, at: Position = START) -> None:
        self._rest = islice(parts(), at.part, None)
        self._part: Part | None = None
        self._at = at
        self._has_begun = False
        self._keep, self._gzip = keep, gzip

    def next(self) -> Piece:
        """Make the next piece; not after the last one."""
        if not self._has_begun:
            self._has_begun = True
            self._part = next(self._rest, None)
        begin, texts, size = self._at, [], 0
        while self._part is not None and size < PIECE_BYTES // 2:
            text = self._advance(self._part, PIECE_BYTES - size)
            texts.append(text)
            size += len(text)
        text = texts[0] if len(texts) == 1 else b"".join(texts)
        is_last = self._part is None
        if not self._gzip or (is_last and not begin.size and len(text) < GZIP_BYTES_MIN):
            return Piece(text, self._at, is_last, False)
        self._at = self._at._replace(checksum=zlib.crc32(text, begin.checksum), size=begin.size + len(text))
        return Piece(_compressed(text, begin, self._at, is_last), self._at, is_last, True)

    def _advance(self, part: Part, room: int) -> bytes:
        """The next bytes of a part: about ``room`` of them, or all that is left of it."""
        if isinstance(part, bytes):
            self._leave()
            return part
        text = b""
        if self._at.snapshot < len(part.snapshots):
            text = self._items(part, room)
        if self._at.snapshot == len(part.snapshots):
            self._leave()
        return text

    def _items(self, part: Items, room: int) -> bytes:
        snapshot, projection, at = part.snapshots[self._at.snapshot], part.projection, self._at
        count = projection.chunk_count(snapshot)
        text, chunk = projection.render_chunks(snapshot, at.chunk, count, room, at.has_items, self._keep)
        done = chunk == count
        self._at = at._replace(
            snapshot=at.snapshot + done, chunk=0 if done else chunk, has_items=at.has_items or len(text) > 0
        )
        return text

    def _leave(self) -> None:
        self._at = Position(self._at.part + 1, checksum=self._at.checksum, size=self._at.size)
        self._part = next(self._rest, None)


def _compressed(text: bytes, begin: Position, end: Position, is_last: bool) -> bytes:
    deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _RAW)
    head = b"" if begin.size else _GZIP_HEAD
    blocks = deflate.compress(text) + deflate.flush(zlib.Z_FINISH if is_last else zlib.Z_FULL_FLUSH)
    tail = struct.pack("<LL", end.checksum, end.size & 0xFFFFFFFF) if is_last else b""
    return head + blocks + tail
