"""Large JSON: an array or an object in parts, for who must not stop everything else while it reads a document."""

# Who calls: users, and mesoslite for bodies of requests.
# A parser holds the GIL from the first byte of a text to the last, for ten million bytes up to a second. What is found
#   here are places alone, and the GIL is free meanwhile; the parts then go to a parser one after the other.
# Rejected: a parser of our own (another one to keep right); parts of the parser that we have (msgspec.Raw), which holds
#   the GIL as well, 4 ns a byte where there are many small values.

from __future__ import annotations

from libactor._core._impl import json_parts as _json_parts


def json_parts(data: bytes, start: int, stop: int, size: int) -> list[tuple[int, int, int]]:
    """Return where the members of the JSON array or object ``data[start:stop]`` are, as (start, stop, value).

    Members that follow one another and take ``size`` bytes at most, with the commas between them, are one part, whose
    ``value`` is -1: in the brackets of the whole it is a document of its own. One that is larger is a part by itself,
    and ``value`` is where its value begins, behind its name if it has one.
    Raises: ValueError, if texts or brackets do not end, or there is nothing between commas. What else is wrong is found
    by who parses the parts.
    Cost: O(size of the whole), about a nanosecond a byte, without the GIL.
    """
    return _json_parts(data, start, stop, size)
