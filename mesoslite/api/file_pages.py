"""The pages and calls that read files: /files/*, LIST_FILES and READ_FILE, of a master or an agent."""

# Who calls: master.py and agent.py have the routes, operator_reads.py and agent_operator.py the calls.
# Files are read in a thread, never on the server's loop: a disk can be slow.
# READ_FILE carries bytes as base64, so it is the way to follow a file that is not text; /files/read is not.
# Source: Mesos src/files/files.cpp.

from __future__ import annotations

import asyncio
import base64
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .exchange import Exchange, Refusal, Response
from .file_judges import FileJudges, Judge
from .files import Files, readable_text
from .operator_calls import OperatorCall, OperatorCalls
from .routes import Routes, methods

if TYPE_CHECKING:
    from mesoslite.model.fields import Fields

    from .documents import Document


_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")  # in the header that names a file


class _Wanted(NamedTuple):
    """A part of a file; ``length`` is -1 for as much as there is."""

    path: str
    offset: int
    length: int


def file_routes(files: Files, judges: FileJudges) -> Routes:
    """The pages."""

    async def browse(exchange: Exchange) -> Response:
        path = _path(exchange)
        judge = await judges.judge(exchange, path)
        return exchange.json(await asyncio.to_thread(files.browse, path, judge))

    async def read(exchange: Exchange) -> Response:
        path, offset, length = _path(exchange), _bound(exchange, "offset"), _bound(exchange, "length")
        judge = await judges.judge(exchange, path)
        page = await asyncio.to_thread(files.read, path, offset, length, judge)
        start = page.size if offset == -1 else min(offset, page.size)
        return exchange.json({"offset": start, "data": readable_text(page.data)})

    async def download(exchange: Exchange) -> Response | None:
        path = _path(exchange)
        await _download(exchange, files, path, await judges.judge(exchange, path))
        return None

    async def debug(exchange: Exchange) -> Response:
        return exchange.json(dict(files.attached))

    return {
        "/files/browse": methods(GET=browse),
        "/files/read": methods(GET=read),
        "/files/download": methods(GET=download),
        "/files/debug": methods(GET=debug),
    }


def file_calls(files: Files, judges: FileJudges) -> OperatorCalls:
    """The calls of the operator API."""

    async def list_files(exchange: Exchange, path: str) -> Document:
        judge = await judges.judge(exchange, path)
        infos = await asyncio.to_thread(files.file_infos, path, judge)
        return {"file_infos": infos} if infos else {}

    async def read_file(exchange: Exchange, wanted: _Wanted) -> Document:
        judge = await judges.judge(exchange, wanted.path)
        page = await asyncio.to_thread(files.read, *wanted, judge)
        return {"size": page.size, "data": base64.b64encode(page.data).decode()}

    return {
        "LIST_FILES": OperatorCall(lambda fields: fields.message("list_files").text("path"), list_files),
        "READ_FILE": OperatorCall(_wanted, read_file),
    }


def _wanted(fields: Fields) -> _Wanted:
    body = fields.message("read_file")
    wanted = _Wanted(body.text("path"), body.whole("offset"), body.whole("length", -1))
    if wanted.offset < 0 or wanted.length < -1:
        problem = f"got {wanted.offset} and a length of {wanted.length}, expected bytes from the start"
        raise body.invalid("offset", problem)
    return wanted


async def _download(exchange: Exchange, files: Files, path: str, judge: Judge) -> None:
    """Send a file as it is, up to the size that it has now."""
    file = await asyncio.to_thread(files.open, path, judge)
    with file:
        left = files.size(file, path)
        name = _UNQUOTABLE.sub("_", Path(path).name)
        headers = {
            "content-type": mimetypes.guess_type(path)[0] or "application/octet-stream",
            "content-disposition": f'attachment; filename="{name}"',
            "content-length": str(left),
        }
        await exchange.start(200, headers)
        while left:
            piece = await asyncio.to_thread(file.read, min(left, 1 << 18))
            if not piece:
                raise ConnectionAbortedError(f"{path} has become shorter while it was sent")
            left -= len(piece)
            await exchange.send(piece)
        await exchange.send(b"", more=False)


def _path(exchange: Exchange) -> str:
    path = exchange.query.get("path", "")
    if not path:
        raise Refusal(400, "Expecting 'path=value' in query")
    return path


def _bound(exchange: Exchange, name: str) -> int:
    """Offset or length; -1 if it is left out."""
    text = exchange.query.get(name, "-1")
    digits = text.removeprefix("-")
    value = int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -2
    if value < -1:
        raise Refusal(400, f"{name}: got {text[:80]!r}, expected a number of bytes, or -1")
    return value
