"""ContainerInput: ATTACH_CONTAINER_INPUT, a request whose body goes on as long as somebody writes to a container."""

# Who calls: agent_endpoint.py, for bodies that are streams of records.
# The body is read no faster than the container reads. When that reads no more, the rest waits for its end, which is the
#   answer's time too: what is written to nobody is no failure of the client's.
# Invariants: 1. one request at a time writes to a container.    2. what is kept of a body is at most a record of
#   CALL_BYTES_MAX before who sends it may write at all, of RECORD_BYTES_MAX then, and what its socket holds.
# Source: Mesos src/slave/http.cpp (attachContainerInput), .../io/switchboard.cpp (attachContainerInput, validate).

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from mesoslite.model import Conflict, InvalidRequest
from mesoslite.model.container_calls import AwaitEnd
from mesoslite.model.fields import Fields
from mesoslite.model.process_io import ProcessData, Stream, StreamAlive, WindowSize
from mesoslite.model.v1 import Records, decode_container_id, decode_process_io

from .common_calls import nothing
from .exchange import ClientGone, Refusal, Response
from .media_types import RECORDIO, takes_stream
from .operator_calls import LargeCall, OperatorCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from libactor.http.presence import Presence
    from mesoslite.model import Attachment, ContainerID

    from .container_line import ContainerLine
    from .exchange import Exchange

KIND = "ATTACH_CONTAINER_INPUT"
CALL_BYTES_MAX = 64 * 1024
RECORD_BYTES_MAX = 1024 * 1024
PIECE_BYTES = 64 * 1024
CLOSING = {"connection": "close"}  # the rest of the body is nobody's


class ContainerInput:
    """What is written to the containers of one agent, by bodies that are streams."""

    def __init__(self, line: ContainerLine) -> None:
        self._line = line
        self._written: set[Attachment] = set()  # containers that somebody writes to, whatever they were called

    def calls(self) -> OperatorCalls:
        """The call, for bodies that are none."""
        return {KIND: LargeCall(nothing, _refuse)}

    async def __call__(self, exchange: Exchange) -> Response:
        """Take a call and what follows it."""
        with exchange.presence() as presence:
            try:
                return await self._take(exchange, presence)
            except InvalidRequest as error:
                raise Refusal(400, str(error), CLOSING) from error
        raise ClientGone

    async def _take(self, exchange: Exchange, presence: Presence) -> Response:
        if takes_stream(exchange):
            raise Refusal(406, f"Streaming response is not supported for {KIND} call")
        exchange.encoding()
        records = Records(CALL_BYTES_MAX)
        calls = _calls(exchange, records)
        first = await anext(calls, None)
        if first is None:
            raise Refusal(400, "Received EOF while reading request body")
        container_id = _container(first)
        await self._line.permit(exchange, KIND, container_id)
        attachment = await self._line.attach(container_id)
        if attachment in self._written:
            raise Refusal(409, "Multiple input connections are not allowed", CLOSING)
        self._written.add(attachment)
        try:
            presence.be_patient()
            records.bytes_max = RECORD_BYTES_MAX
            await self._until_its_end(container_id, _write(attachment, calls))
        finally:
            self._written.discard(attachment)
        return Response(headers=CLOSING)

    async def _until_its_end(self, container_id: ContainerID, writing: Any) -> None:
        """Go on with ``writing`` as long as it takes, and as the container lives. Raises: what it raises."""
        writes = asyncio.ensure_future(writing)
        end = asyncio.ensure_future(self._line.ask(AwaitEnd(container_id)))
        try:
            done, _ = await asyncio.wait({writes, end}, return_when=asyncio.FIRST_COMPLETED)
            if writes in done and not await writes:
                await end
        finally:
            for each in (writes, end):
                each.cancel()
            await asyncio.gather(writes, end, return_exceptions=True)


async def _refuse(exchange: Exchange, asked: None) -> Response:
    raise Refusal(415, f"Expecting 'Content-Type' to be {RECORDIO} for {KIND} call")


async def _calls(exchange: Exchange, records: Records) -> AsyncIterator[Fields]:
    """The records of a body. Raises: InvalidRequest, also for one that breaks off; ClientGone."""
    while True:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        records.push(message.get("body", b""))
        while (record := records.take()) is not None:  # one at a time, for more may be allowed behind the first
            yield _fields(record)
        if not message.get("more_body", False):
            break
    if not records.is_between_records:
        raise InvalidRequest("The body ends within a record")


def _fields(record: bytes) -> Fields:
    try:
        return Fields(msgspec.json.decode(record))
    except (ValueError, RecursionError) as error:  # DecodeError and broken UTF-8 are ValueErrors
        raise InvalidRequest(f"Failed to parse body into JSON: {error}") from error


def _body(call: Fields, expected: str) -> Fields:
    kind = call.text("type")
    if kind != KIND:
        raise Refusal(415, f"Streaming 'Content-Type' is not supported for {kind[:80]} call", CLOSING)
    body = call.message(KIND.lower())
    found = body.text("type")
    if found != expected:
        raise body.invalid("type", f"got {found[:80]!r}, expected {expected}")
    return body


def _container(call: Fields) -> ContainerID:
    return decode_container_id(_body(call, "CONTAINER_ID").message("container_id"))


async def _write(attachment: Attachment, calls: AsyncIterator[Fields]) -> bool:
    """Do what ``calls`` ask; False, as soon as nobody reads what they write. Raises: InvalidRequest."""
    async for call in calls:
        body = _body(call, "PROCESS_IO").message("process_io")
        match decode_process_io(body):
            case WindowSize(rows, columns):
                try:
                    attachment.resize(rows, columns)
                except Conflict as error:
                    raise body.invalid("control.tty_info", f"Unable to set the window size: {error}") from error
            case ProcessData(stream, data):
                if stream is not Stream.STDIN:
                    raise body.invalid("data.type", f"got {stream.name}, expected STDIN")
                if not data and not attachment.has_tty:
                    attachment.end_input()
                for start in range(0, len(data), PIECE_BYTES):
                    if not await _taken(attachment, data[start : start + PIECE_BYTES]):
                        return False
            case StreamAlive():
                continue
    return True


async def _taken(attachment: Attachment, data: bytes) -> bool:
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[bool] = loop.create_future()

    def settle(is_taken: bool) -> None:
        if not outcome.done():
            outcome.set_result(is_taken)

    def tell(is_taken: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the server has closed, and nobody waits
            loop.call_soon_threadsafe(settle, is_taken)

    attachment.write(data, tell)
    return await outcome
