"""RecordIO: how a stream of bytes is parted into records, whatever pieces it arrives in."""

# Form: the length of the record in decimal, a newline, then exactly that many bytes; nothing in between.
# Invariant: what is kept between two pieces is at most one unfinished record, bounded by the limit given.
# Source: Mesos 3rdparty/stout/include/stout/recordio.hpp.

from ..errors import InvalidRequest

RECORD_BYTES_MAX = 64 * 1024 * 1024  # more than any event of a cluster that one master can hold
_DIGITS_MAX = 20  # of a length; what 64 bits can count


def frame(record: bytes) -> bytes:
    """Return ``record`` as it stands in a stream."""
    return b"%d\n%s" % (len(record), record)


class Records:
    """Takes a stream in pieces and gives the records that are whole, each of ``bytes_max`` at most."""

    def __init__(self, bytes_max: int = RECORD_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        self._buffer = bytearray()
        self._wanted: int | None = None  # length of the record that is arriving; None while its length does

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the records that are complete with ``piece``, in order.

        Raises: InvalidRequest, if the stream is no RecordIO or a record is larger than the limit; then it is of no
        further use.
        """
        self.push(piece)
        records = []
        while (record := self.take()) is not None:
            records.append(record)
        return records

    def push(self, piece: bytes) -> None:
        """Take a piece, of which records are to be taken one at a time."""
        self._buffer += piece

    @property
    def is_between_records(self) -> bool:
        """Whether the stream may end here: nothing has begun that is not complete."""
        return self._wanted is None and not self._buffer

    def take(self) -> bytes | None:
        """The next record; None, if it is not complete. Raises: as ``feed``."""
        if self._wanted is None:
            self._wanted = self._take_length()
        if self._wanted is None or len(self._buffer) < self._wanted:
            return None
        record = bytes(self._buffer[: self._wanted])
        del self._buffer[: self._wanted]
        self._wanted = None
        return record

    def _take_length(self) -> int | None:
        end = self._buffer.find(b"\n", 0, _DIGITS_MAX + 1)
        if end < 0 and len(self._buffer) <= _DIGITS_MAX:
            digits = bytes(self._buffer)
            if not digits or digits.isdigit():
                return None
        digits = bytes(self._buffer[: max(end, 0)])
        if not digits.isdigit():
            raise InvalidRequest(
                f"stream: got {bytes(self._buffer[: _DIGITS_MAX + 1])!r} where the length of a record should be; "
                f"expected digits and a newline"
            )
        length = int(digits)
        if length > self.bytes_max:
            raise InvalidRequest(
                f"stream: a record of {length} bytes is announced, at most {self.bytes_max} are taken; ask for less "
                f"or raise the limit"
            )
        del self._buffer[: end + 1]
        return length
