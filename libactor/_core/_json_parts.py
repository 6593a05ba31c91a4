"""Where the members of a large JSON array or object are. Twin: csrc/json_parts.c, which says more."""

# Who calls: libactor/http/large_json.py.

from __future__ import annotations

import re

_SPACE = b" \n\r\t"
_MARKS = re.compile(rb'["\[\]{},:]')
_TEXT_END = re.compile(rb'(?:[^"\\]+|\\.)*+"', re.DOTALL)
_NO_SPACE = re.compile(rb"[^ \n\r\t]")


def json_parts(data: bytes, start: int, stop: int, size: int, /) -> list[tuple[int, int, int]]:
    """See libactor.http.json_parts."""
    if not isinstance(data, bytes):
        raise TypeError("json_parts() expects bytes, start, stop and size")
    if not 0 <= start <= stop <= len(data) or size < 1:
        raise ValueError("json_parts() expects a part of the bytes, and a size above zero")
    return _Split(data, start, stop, size).parts


class _Split:
    def __init__(self, data: bytes, start: int, stop: int, size: int) -> None:
        self._data = data
        self._stop = stop
        self._size = size
        self.parts: list[tuple[int, int, int]] = []
        self._member, self._colon = start, -1  # of the present one; -1: none yet
        at = self._skip_space(start)
        if data[at:stop][:1] not in (b"[", b"{"):
            raise _problem("expected an array or an object", at)
        self._is_object = data[at] == ord("{")
        self._begin_member(at + 1)
        self._scan(at + 1)

    def _scan(self, at: int) -> None:
        data, depth = self._data, 1
        while (found := _MARKS.search(data, at, self._stop)) is not None:
            mark, here = found[0], found.start()
            at = here + 1
            if mark == b'"':
                end = _TEXT_END.match(data, at, self._stop)
                if end is None:
                    raise _problem("a string does not end", here)
                at = end.end()
            elif mark in b"[{":
                depth += 1
            elif mark in b"]}":
                depth -= 1
                if depth == 0:
                    self._end(mark, here)
                    return
            elif depth == 1 and mark == b",":
                self._end_member(here)
                self._begin_member(at)
            elif depth == 1 and self._colon < 0:
                self._colon = here
        raise _problem("an array or an object does not end", self._stop)

    def _end(self, mark: bytes, here: int) -> None:
        """The outermost bracket is closed."""
        if mark != (b"}" if self._is_object else b"]"):
            raise _problem("the bracket closes nothing", here)
        if self.parts or here > self._member:
            self._end_member(here)
        at = self._skip_space(here + 1)
        if at < self._stop:
            raise _problem("expected the end", at)

    def _begin_member(self, at: int) -> None:
        self._member, self._colon = self._skip_space(at), -1

    def _end_member(self, here: int) -> None:
        start = self._member
        stop = start + len(self._data[start:here].rstrip(_SPACE))
        if stop <= start:
            raise _problem("expected a value", here)
        if stop - start > self._size:
            if self._is_object and self._colon < 0:
                raise _problem("expected a name, a colon and a value", here)
            self.parts.append((start, stop, self._colon + 1 if self._is_object else start))
        elif self.parts and self.parts[-1][2] < 0 and stop - self.parts[-1][0] <= self._size:
            self.parts[-1] = (self.parts[-1][0], stop, -1)
        else:
            self.parts.append((start, stop, -1))

    def _skip_space(self, at: int) -> int:
        found = _NO_SPACE.search(self._data, at, self._stop)
        return found.start() if found is not None else self._stop


def _problem(text: str, at: int) -> ValueError:
    return ValueError(f"{text} (byte {at})")
