"""Pipes: what is written is read, in order, by the pace of the slower end; and either end may go."""

import asyncio
import gc
import threading

import pytest

import libactor as la
from libactor.http import Pipe


# LP HTTPTest.PipeEOF
def test_what_was_written_is_read_write_by_write_and_then_the_end():
    pipe = Pipe()
    pipe.writer.write(b"hello")
    pipe.writer.write("wörld")

    first = pipe.reader.read()
    second = pipe.reader.read()
    third = pipe.reader.read()
    closed = pipe.writer.close()

    assert [future.get(0) for future in (first, second, third)] == [b"hello", "wörld".encode(), b""]
    assert closed
    assert pipe.reader.read().get(0) == b""


def test_a_read_that_waits_gets_the_next_write():
    pipe = Pipe()
    reads = [pipe.reader.read(), pipe.reader.read()]

    written = [pipe.writer.write(data) for data in (b"1", b"2")]

    assert [read.get(0) for read in reads] == [b"1", b"2"]
    assert [write.get(0) for write in written] == [True, True]


def test_a_write_is_over_when_its_bytes_were_taken_and_not_before():
    pipe = Pipe()
    written = pipe.writer.write(b"slowly")

    assert written.is_pending()
    pipe.reader.read()
    assert written.get(0) is True


def test_an_empty_write_is_nothing():
    pipe = Pipe()
    read = pipe.reader.read()

    assert pipe.writer.write(b"").get(0) is True
    assert read.is_pending()


def test_after_close_nothing_is_written_and_what_was_may_still_be_read():
    pipe = Pipe()
    before = pipe.writer.write(b"last")
    pipe.writer.close()

    assert pipe.writer.write(b"late").get(0) is False
    assert not pipe.writer.close()
    assert not pipe.writer.fail("too late")
    assert pipe.reader.read().get(0) == b"last"
    assert before.get(0) is True


# LP HTTPTest.PipeFailure
def test_a_failure_reaches_the_reader_instead_of_what_it_has_not_read():
    pipe = Pipe()
    written = pipe.writer.write(b"lost")

    assert pipe.writer.fail("disk failed")

    assert written.get(0) is False
    with pytest.raises(RuntimeError, match="disk failed"):
        pipe.reader.read().get(0)


def test_a_failure_keeps_its_exception():
    pipe = Pipe()
    read = pipe.reader.read()

    pipe.writer.fail(OSError(5, "no"))

    assert isinstance(read.exception(), OSError)


# LP HTTPTest.PipeReaderCloses
def test_a_reader_that_closes_is_heard_of_by_the_writer():
    pipe = Pipe()
    waiting, gone = pipe.writer.write(b"unread"), pipe.writer.reader_closed
    assert gone.is_pending()

    assert pipe.reader.close()

    assert gone.get(0) is None
    assert waiting.get(0) is False
    assert pipe.writer.write(b"more").get(0) is False
    assert not pipe.writer.close()
    assert not pipe.reader.close()
    assert isinstance(pipe.reader.read().exception(), ValueError)


def test_a_read_that_waits_is_discarded_when_the_reader_closes():
    pipe = Pipe()
    read = pipe.reader.read()

    pipe.reader.close()

    assert read.is_discarded()


def test_a_discarded_read_leaves_the_next_write_to_the_next_read():
    pipe = Pipe()
    first, second = pipe.reader.read(), pipe.reader.read()

    first.discard()
    pipe.writer.write(b"kept")

    assert first.is_discarded()
    assert second.get(0) == b"kept"


# LP HTTPTest.PipeReadAll
def test_read_all_collects_until_the_end():
    pipe = Pipe()
    everything = pipe.reader.read_all()

    for data in (b"one ", b"two ", b"three"):
        pipe.writer.write(data)
    assert everything.is_pending()
    pipe.writer.close()

    assert everything.get(0) == b"one two three"


def test_read_all_fails_as_the_writer_does():
    pipe = Pipe()
    everything = pipe.reader.read_all()
    pipe.writer.write(b"half")

    pipe.writer.fail("cut")

    with pytest.raises(RuntimeError, match="cut"):
        everything.get(0)


def test_read_all_takes_no_more_than_it_is_allowed():
    pipe = Pipe()
    everything = pipe.reader.read_all(5)

    written = [pipe.writer.write(data) for data in (b"123", b"456", b"789")]

    with pytest.raises(BufferError, match="more than 5 bytes"):
        everything.get(0)
    assert [write.get(0) for write in written] == [True, True, False]


# Goal: who does not wait cannot fill the memory. Method: one write more than the pipe holds.
def test_a_writer_that_does_not_wait_breaks_the_pipe_at_its_bound():
    pipe = Pipe(bytes_max=1000)
    first = pipe.writer.write(b"x" * 400)
    assert first.is_pending()

    second = pipe.writer.write(b"y" * 400)

    assert (first.get(0), second.get(0)) == (False, False)
    with pytest.raises(BufferError, match="wait for the future of each write"):
        pipe.reader.read().get(0)


def test_many_short_writes_count_for_what_they_cost():
    pipe = Pipe(bytes_max=10_000)

    written = [pipe.writer.write(b"x") for _ in range(100)]

    assert written[-1].get(0) is False


def test_one_write_may_be_larger_than_the_bound():
    pipe = Pipe(bytes_max=10)
    pipe.writer.write(b"x" * 1000)

    assert len(pipe.reader.read().get(0)) == 1000


def test_a_writer_that_is_let_go_of_without_close_fails_the_reader():
    pipe = Pipe()
    reader = pipe.reader
    read = reader.read()

    del pipe
    gc.collect()

    with pytest.raises(RuntimeError, match=r"has gone.* without close\(\)"):
        read.get(0)


def test_a_reader_that_is_let_go_of_is_closed():
    pipe = Pipe()
    writer = pipe.writer

    del pipe
    gc.collect()

    assert writer.reader_closed.get(0) is None


@pytest.mark.parametrize("wrong", [None, 7, [b"x"], {"a": 1}])
def test_only_bytes_and_text_are_written(wrong):
    with pytest.raises(TypeError, match="expected bytes or text"):
        Pipe().writer.write(wrong)


def test_only_an_exception_or_a_text_is_a_failure():
    with pytest.raises(TypeError, match="expected an exception object or a text"):
        Pipe().writer.fail(7)


def test_what_the_writer_changes_afterwards_is_not_read():
    pipe, data = Pipe(), bytearray(b"before")

    pipe.writer.write(data)
    data[:] = b"after!"

    assert pipe.reader.read().get(0) == b"before"


def test_ends_go_to_other_actors_as_they_are():
    pipe = Pipe()

    class Source(la.Actor):
        async def fill(self, writer):
            for number in range(3):
                await writer.write(str(number))
            writer.close()

    class Sink(la.Actor):
        async def drain(self, reader):
            return [chunk async for chunk in reader]

    with la.Runtime():
        source, sink = la.spawn(Source()), la.spawn(Sink())
        la.tell(source, Source.fill, pipe.writer)
        read = la.dispatch(sink, Sink.drain, pipe.reader)

        assert read.get(10) == [b"0", b"1", b"2"]


def test_a_reader_is_iterated_over_in_asyncio():
    async def go():
        pipe = Pipe()
        pipe.writer.write(b"a")
        pipe.writer.write(b"b")
        pipe.writer.close()
        return [chunk async for chunk in pipe.reader]

    assert asyncio.run(go()) == [b"a", b"b"]


def test_writers_in_many_threads_lose_nothing():
    pipe = Pipe()
    everything = pipe.reader.read_all()

    threads = [
        threading.Thread(target=lambda: [pipe.writer.write(b"x" * size) for size in range(1, 200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.writer.close()

    assert len(everything.get(10)) == 4 * sum(range(1, 200))
