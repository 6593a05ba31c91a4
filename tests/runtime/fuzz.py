"""Fuzzing by hand: what strangers may send to each of our parsers, and that each reads or refuses it.

pip install atheris
python tests/runtime/fuzz.py codec -max_total_time=600 [more options of libFuzzer]

What it finds goes to tests/runtime/corpus/<target>, which test_corpus.py reads as a test.
"""

import enum
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from libactor._core import _impl, _packed, _record, _wire
from libactor._core._impl import check_packed, parse_frames
from libactor.codec import NotDecodable, Reader, Writer
from libactor.records.shapes import table_of
from libactor.transport.handshake import Handshake, HandshakeRefused, Role

CORPUS = Path(__file__).with_name("corpus")
SECRET = b"0123456789abcdef"
FRAME_BYTES_MAX = 4_096
RECORD_BYTES_MAX = 1_024


class State(enum.Enum):
    """As below."""

    OLD = -200
    NEW = 5


class Status(msgspec.Struct, array_like=True, frozen=True):
    """As below."""

    state: State
    timestamp: float
    labels: tuple[str | None, ...] = ()


class Message(msgspec.Struct, array_like=True, frozen=True):
    """With a field of each form that records know."""

    name: str
    number: int
    statuses: tuple[Status, ...] = ()
    resources: dict[str, float] = {}  # msgspec makes a new one for each
    data: bytes | None = None
    healthy: bool = False
    anything: Any = None


def kind_on(core: Any) -> Any:
    """Messages as records of this core, whose errors are fault, offset and path."""
    fields = msgspec.structs.fields(Message)
    return core.RecordKind(
        "Message",
        Message.__struct_fields__,
        *table_of(Message).pack(),
        (1, 5),
        tuple(msgspec.msgpack.Decoder(field.type).decode for field in fields),
        tuple(functools.partial(getattr, Message("", 0), field.name) for field in fields),
        msgspec.msgpack.Decoder(Message).decode,
        msgspec.msgpack.encode,
        lambda *fault: ValueError(fault),
        RECORD_BYTES_MAX,
    )


RECORDS = (kind_on(_impl), kind_on(_record))


def read_value(data: bytes) -> None:
    """As the codec reads an argument; what comes of it can be written again, and read again."""
    try:
        value = Reader({}, []).decode(data)
    except NotDecodable:
        return
    Reader({}, []).decode(Writer().encode(value))


def look_at(data: bytes) -> None:
    """As bytes are looked at before they are decoded, by both cores."""
    outcomes = []
    for check in (check_packed, _packed.check_packed):
        try:
            outcomes.append(check(data, 32))
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1], outcomes


def shake_hands(data: bytes) -> None:
    """As both ends of a new connection read; the first byte says where to cut."""
    for role in Role:
        for secret in (None, SECRET):
            machine = Handshake(role, "10.0.0.5:5050", b"i" * 16, secret, "10.0.0.6:5050")
            place = data[0] if data else 0
            for part in (data[1 : place + 1], data[place + 1 :]):
                if machine.done or _is_refused(machine, part):
                    break
            assert not (machine.done and secret), "nobody has the secret"


def _is_refused(machine: Handshake, data: bytes) -> bool:
    try:
        machine.receive(data)
    except HandshakeRefused as error:
        refused = error
    else:
        return False
    assert str(refused).isprintable(), ascii(refused)
    assert len(refused.farewell) <= 1004, len(refused.farewell)
    return True


def read_frames(data: bytes) -> None:
    """As frames are read once both sides know each other, by both cores."""
    native, twin = (parse(data, 0, len(data), FRAME_BYTES_MAX) for parse in (parse_frames, _wire.parse_frames))
    assert repr(native) == repr(twin), (native, twin)


def read_record(data: bytes) -> None:
    """As messages are kept as records, by both cores; what is accepted is read without an error."""
    outcomes = []
    for kind in RECORDS:
        try:
            record = kind.read(data)
        except ValueError as error:
            outcomes.append(repr(error))
            continue
        message = record.decode()
        assert repr([getattr(record, name) for name in kind.names]) == repr(list(msgspec.structs.astuple(message)))
        outcomes.append(repr((bytes(record), message)))
    assert outcomes[0] == outcomes[1], outcomes


TARGETS: dict[str, Callable[[bytes], None]] = {
    "codec": read_value,
    "packed": look_at,
    "handshake": shake_hands,
    "frames": read_frames,
    "records": read_record,
}


def main(name: str, *options: str) -> None:
    """Fuzz one target; each finding is a file."""
    import atheris

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
