"""Packed frameworks: what frameworks say of themselves as it is sent in great numbers."""

# Who calls: agents pack the frameworks of what they run when they register again; the master reads it. Thousands of
#   agents say the same, byte by byte, so that who has read it once need not read it again.

from collections.abc import Iterable

import msgspec

from .errors import InvalidRequest
from .frameworks import FrameworkInfo

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FrameworkInfo).decode


def pack_frameworks(infos: Iterable[FrameworkInfo]) -> tuple[bytes, ...]:
    """Return frameworks as they are sent."""
    return tuple(map(_encode, infos))


def unpacked_framework(packed: bytes) -> FrameworkInfo:
    """Return what was packed; nothing of it was looked at but its types. Raises: InvalidRequest."""
    try:
        return _decode(packed)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"a framework is malformed: {str(error)[:200]}") from error
