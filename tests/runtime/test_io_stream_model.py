"""A stream loses, repeats and reorders nothing, whatever is asked of it, in whatever order."""

# The model is one line of bytes. Writes are numbered bytes of some length; reads of some size, some of them discarded
#   while they wait. What the reads got, in the order they were asked for, is what was written.

import os
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import libactor as la
from libactor import io

pytestmark = pytest.mark.real

BOUND_SECONDS = 30  # a bound on failure: no test waits this long

steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from([0, 1, 7, 4096, 65_536, 200_000])),
        st.tuples(st.just("read"), st.sampled_from([1, 5, 4096, 65_536])),
        st.tuples(st.just("discard"), st.integers(0, 5)),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(steps, st.booleans())
def test_what_is_read_is_what_was_written(asked: list[tuple[str, int]], blocking: bool):
    numbers = count(1)
    written = b""
    reads: list[la.Future[bytes]] = []
    with la.Runtime():
        near, far = os.pipe()
        for end in (near, far):
            os.set_blocking(end, blocking)
        source, target = io.Stream(near), io.Stream(far)
        os.close(near)
        os.close(far)
        for what, number in asked:
            if what == "write":
                data = bytes([next(numbers) % 251]) * number
                written += data
                target.write(data)
            elif what == "read":
                reads.append(source.read(number))
            elif number < len(reads):
                reads[-1 - number].discard()
        target.write(b"", last=True)
        rest = source.read_all().get(BOUND_SECONDS)

    got = b"".join(future.get(0) for future in reads if not future.is_discarded())
    assert got + rest == written
    assert not any(future.is_pending() for future in reads)
