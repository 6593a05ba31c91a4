"""ProcessIO as v1 JSON documents, written and read."""

# Who calls: api/ and cli/.
# Source: Mesos include/mesos/v1/agent/agent.proto (ProcessIO, Call.AttachContainerInput),
#   src/slave/containerizer/mesos/io/switchboard.cpp (validate).

import base64
from typing import assert_never

from ..fields import Fields
from ..process_io import ProcessData, ProcessIO, Stream, StreamAlive, WindowSize
from .parts import Document, decode_duration, encode_duration

WINDOW_MAX = 65_535  # rows, and columns; what a terminal can be told


def encode_process_io(message: ProcessIO) -> Document:
    """Return a ProcessIO."""
    match message:
        case ProcessData(stream, data):
            return {"type": "DATA", "data": {"type": stream.name, "data": base64.b64encode(data).decode()}}
        case WindowSize():
            return {"type": "CONTROL", "control": {"type": "TTY_INFO", "tty_info": encode_tty(message)}}
        case StreamAlive(seconds):
            heartbeat = {"interval": encode_duration(seconds)}
            return {"type": "CONTROL", "control": {"type": "HEARTBEAT", "heartbeat": heartbeat}}
        case _:
            assert_never(message)


def decode_process_io(fields: Fields) -> ProcessIO:
    """Return what a ProcessIO is. Raises: InvalidRequest."""
    kind = fields.text("type")
    if kind == "DATA":
        body = fields.message("data")
        return ProcessData(body.enum("type", Stream), body.data("data"))
    if kind != "CONTROL":
        raise fields.invalid("type", f"got {kind[:80]!r}, expected DATA or CONTROL")
    control = fields.message("control")
    kind = control.text("type")
    if kind == "TTY_INFO":
        return decode_tty(control.message("tty_info"))
    if kind != "HEARTBEAT":
        raise control.invalid("type", f"got {kind[:80]!r}, expected TTY_INFO or HEARTBEAT")
    return StreamAlive(decode_duration(control.message("heartbeat"), "interval") or 0.0)


def encode_tty(size: WindowSize) -> Document:
    """Return a TTYInfo."""
    return {"window_size": {"rows": size.rows, "columns": size.columns}}


def decode_tty(fields: Fields) -> WindowSize:
    """Return the size in a TTYInfo. Raises: InvalidRequest, also if it says none."""
    window = fields.message("window_size")
    size = WindowSize(window.whole("rows"), window.whole("columns"))
    for name, number in (("rows", size.rows), ("columns", size.columns)):
        if not 0 <= number <= WINDOW_MAX:
            raise window.invalid(name, f"got {number}, expected 0 to {WINDOW_MAX}")
    return size
