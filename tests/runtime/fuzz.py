"""Fuzzing by hand: what strangers may send to each of our parsers, and that each reads or refuses it.

pip install atheris
python tests/runtime/fuzz.py codec -max_total_time=600 [more options of libFuzzer]

What it finds goes to tests/runtime/corpus/<target>, which test_corpus.py reads as a test.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from libactor._core import _packed, _wire
from libactor._core._impl import check_packed, parse_frames
from libactor.codec import NotDecodable, Reader, Writer
from libactor.transport.handshake import Handshake, HandshakeRefused, Role

CORPUS = Path(__file__).with_name("corpus")
SECRET = b"0123456789abcdef"
FRAME_BYTES_MAX = 4_096


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


TARGETS: dict[str, Callable[[bytes], None]] = {
    "codec": read_value,
    "packed": look_at,
    "handshake": shake_hands,
    "frames": read_frames,
}


def main(name: str, *options: str) -> None:
    """Fuzz one target; each finding is a file."""
    import atheris

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
