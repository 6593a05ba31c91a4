"""Rows: arrays of structs that hold nothing but texts, as the core writes them at a go."""

# Who calls: program.py, with the block of each item.
# Such are labels: an object of the same constants and texts each time. The block stays what it is, and is run for each
#   item that is no row after all; so a row is a shortcut, and nothing depends on it.
# Invariant: a row writes what its block would, if each of the struct's fields is a text. See csrc/transcode_rows.c.

from __future__ import annotations

from libactor._core._projection import DO_PART, DO_RAW, DO_RAW_VALUE, DO_UNLESS_THERE

FIELDS_MAX = 8  # texts of a row


def constants_of(code: list[int], pool: bytearray, fields: int) -> list[bytes] | None:
    """The constants before, between and behind the fields that a block writes, all in order; None: it is no row.

    Fields that are left out if they are not there count, since those of a row are.
    """
    constants: list[bytes] = []
    at = 1
    while at < len(code) - 3:
        if code[at] == DO_UNLESS_THERE:
            at += 3
        elif code[at] == DO_RAW_VALUE and code[at + 3] == len(constants):
            constants.append(_constant(code, at, pool))
            at += 4
        else:
            return None
    is_whole = code[0] == DO_PART and at == len(code) - 3 and code[at] == DO_RAW
    if not is_whole or len(constants) != fields or not 1 <= fields <= FIELDS_MAX:
        return None
    constants = [b'"' + constant + b'"' for constant in constants]
    return [b"," + constants[0][1:], *constants[1:], b'"' + _constant(code, at, pool)]


def _constant(code: list[int], at: int, pool: bytearray) -> bytes:
    return bytes(pool[code[at + 1] : code[at + 1] + code[at + 2]])
