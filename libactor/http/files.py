"""Files: a directory, or one file, whose content is handed out as it lies on disk."""

# Who calls: routes of actors, which return what `answer` says; `provide` does so without an actor.
# Invariants: 1. what is read lies inside the directory at the moment it is open: links that lead out of it are refused,
#   also where somebody changes them while we look, because the check is made on the open file, by the path the kernel
#   knows it by.    2. no file is in memory as a whole.
# Rejected: checking the path before opening it (it may change in between); listing directories (nobody asked for it).
# Source: libprocess process.hpp (provide), http.cpp (PATH responses); RFC 9110, 13 and 14.

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

from libactor.http.parts import FilePart, open_part
from libactor.http.response import Response
from libactor.http.site import SystemRoute

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.site import Principal

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_MEDIA = mimetypes.MimeTypes().types_map[True] | {  # not the machine's table: the same everywhere
    ".js": "text/javascript",  # what older versions of Python have otherwise or not at all
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_PACKED = {".gz": "application/gzip", ".bz2": "application/x-bzip2", ".xz": "application/x-xz"}


class Unsatisfiable(Exception):
    """The range that was asked for lies behind the end of a file of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Files:
    """What lies at ``path``: a file, or a directory with all below it.

    A route of an actor hands it out by ``return files.answer(request)``. ``types`` maps suffixes such as ``.js`` to
    media types, ahead of the usual ones. Raises: ValueError if there is nothing at ``path``.
    """

    def __init__(self, path: str | Path, types: Mapping[str, str] | None = None) -> None:
        self._root = os.path.realpath(path)
        self._types = dict(types or {})
        if not os.path.exists(self._root):
            raise ValueError(f"provide: there is nothing at {os.fspath(path)!r}, expected a file or a directory")

    def answer(self, request: Request) -> Response:
        """The file that ``request.rest`` names, whole or the range that is asked for; 304 if the client has it.

        Status 404 for what is no file or not inside, 403 for what this program may not read.
        """
        if request.method not in ("GET", "HEAD"):
            return Response(405, "These are files.", {"allow": "GET, HEAD"})
        try:
            part = self.open(request.rest)
        except PermissionError:
            return Response(403, "This file may not be read.")
        return Response(404, "There is no such file.") if part is None else self._answer(request, part)

    def open(self, rest: str) -> FilePart | None:
        """The file at ``rest``, which is a path below the directory with slashes, or empty; None if there is none.

        Raises: OSError for one that is there and cannot be opened.
        """
        names = [name for name in rest.split("/") if name]
        path = os.path.join(self._root, *names)
        if ".." in names or not self._leads_inside(path):  # a first look, so as not to open what lies elsewhere
            return None
        part = open_part(path)
        if part is not None and not self._is_inside(part.path()):
            part.close()
            return None
        return part

    def _answer(self, request: Request, part: FilePart) -> Response:
        status, given = part.status(), request.headers
        tag, modified = f'"{status.st_mtime_ns:x}-{status.st_size:x}"', formatdate(status.st_mtime, usegmt=True)
        headers = {"etag": tag, "last-modified": modified, "accept-ranges": "bytes"}
        known = given.get("if-none-match")
        if tag in _tags(known) if known is not None else given.get("if-modified-since") == modified:
            return Response(304, headers=headers)
        headers |= {"content-type": self._media(part.path()), "x-content-type-options": "nosniff"}
        wanted = given.get("range") if given.get("if-range", tag) in (tag, modified) else None
        try:
            found = parse_range(wanted, status.st_size)
        except Unsatisfiable:
            return Response(416, "The file ends before.", {"content-range": f"bytes */{status.st_size}"})
        if found is None:
            return Response(200, part, headers)
        part.narrow(*found)
        last = found[0] + found[1] - 1
        return Response(206, part, headers | {"content-range": f"bytes {found[0]}-{last}/{status.st_size}"})

    def _leads_inside(self, path: str) -> bool:
        try:
            return self._is_inside(os.path.realpath(path))
        except (OSError, ValueError):  # a zero byte in the path, or one that is too long
            return False

    def _is_inside(self, real: str) -> bool:
        return real == self._root or real.startswith(self._root.rstrip("/") + "/")

    def _media(self, path: str) -> str:
        suffix = os.path.splitext(path)[1]
        if suffix in self._types:
            return self._types[suffix]
        media = _PACKED.get(suffix.lower()) or _MEDIA.get(suffix.lower(), "application/octet-stream")
        return f"{media}; charset=utf-8" if media.startswith("text/") else media


def provide(path: str | Path, types: Mapping[str, str] | None = None) -> SystemRoute:
    """Files as an endpoint of a site, such as ``system={"/assets": provide("web/assets")}``: see ``Files``."""
    files = Files(path, types)

    def answer(site: object, request: Request, principal: Principal | None) -> Response:
        return files.answer(request)

    return SystemRoute(answer, help=f"Files below {Path(path).name}.")


def _tags(header: str) -> list[str]:
    """The entity tags that a client has."""
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that a Range of ``header`` asks for, of a file of ``size``; None for all of it:
    without the header, with one that is malformed, and with several ranges at once.

    Raises: Unsatisfiable for one that lies behind the end.
    """
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last bytes
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise Unsatisfiable(size)
    return start, end - start
