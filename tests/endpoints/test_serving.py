"""Serving: documents of records, made once for all who ask, at the pace of each."""

import asyncio
import gzip
import json
import threading

import msgspec
import pytest

from libactor._core._impl import fragments_counts
from libactor.http.breathing import breathe
from libactor.records import Collection, RecordType
from libactor.records.projection import Field, Key, Object, Projection
from mesoslite.api.routes import application, methods
from mesoslite.api.serving import Document, Items, Serving, cursor, renderings
from mesoslite.api.serving.cursor import START, Cursor
from mesoslite.api.serving.entity_tags import has_tag
from mesoslite.api.serving.rendering import Renderer

from .fakes import BOUND, request
from .readers import Reader


class Word(msgspec.Struct, array_like=True, frozen=True):
    id: str
    text: str


WORD = RecordType(Word, hot=("id",))
WORDS = Projection(WORD, Object(Key("id", Field("id")), Key("text", Field("text"))))


def snapshot(count, first=0):
    words = Collection(WORD, key="id")
    for number in range(first, first + count):
        words.put(WORD.pack(Word(str(number), "x" * 100)))
    return words.snapshot()


class Shown:
    """An application that shows so many words at ``/words``, and how often it has made its parts."""

    def __init__(self, count=1000, number=1):
        self.snapshots = (snapshot(count), snapshot(0), snapshot(3, count))
        self.number, self.made = number, 0
        self.serving = Serving()
        self.app = application({"/words": methods(GET=self.answer, POST=self.answer)}, (), None)

    def parts(self):
        self.made += 1
        yield b'{"words":['
        yield Items(WORDS, *self.snapshots)
        yield b'],"none":['
        yield Items(WORDS, snapshot(0))
        yield b"]}"

    async def answer(self, exchange):
        return await self.serving.answer(exchange, Document("words", ("m", self.number), self.parts))

    async def settle(self):
        """Wait until all that is being made is there."""
        await self.serving.renderings._renderer.run(int)

    @property
    def held(self):
        return self.serving.renderings.bytes_held

    @property
    def begun(self):
        return self.serving.renderings.begun


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(cursor, "PIECE_BYTES", 8 * 1024)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, BOUND))


def pieces_from(shown, gzipped, at=START):
    rest = Cursor(shown.parts, keep=False, gzip=gzipped, at=at)
    pieces = [rest.next()]
    while not pieces[-1].is_last:
        pieces.append(rest.next())
    return pieces


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_document_can_be_taken_up_behind_each_piece(small_pieces, gzipped):
    shown = Shown()
    pieces = pieces_from(shown, gzipped)
    whole = b"".join([piece.body for piece in pieces])

    for number, piece in enumerate(pieces[:-1], 1):
        rest = pieces_from(shown, gzipped, piece.after)
        assert b"".join([part.body for part in [*pieces[:number], *rest]]) == whole

    text = gzip.decompress(whole) if gzipped else whole
    assert len(pieces) > 10
    assert [word["id"] for word in json.loads(text)["words"]] == list(map(str, range(1003)))


def test_equal_requests_at_once_share_one_rendering(small_pieces):
    async def scenario():
        shown = Shown()
        readers = [Reader(shown.app, "/words") for _ in range(5)]
        await asyncio.gather(*[reader.task for reader in readers])

        assert (shown.begun, shown.made) == (1, 1)
        assert {reader.body for reader in readers} == {readers[0].body}
        assert len(readers[0].document["words"]) == 1003

    run(scenario())


def test_what_differs_in_form_is_rendered_apart(small_pieces):
    async def scenario():
        shown = Shown()
        readers = [
            Reader(shown.app, "/words"),
            Reader(shown.app, "/words", accept_encoding="gzip"),
            Reader(shown.app, "/words", query="jsonp=show"),
        ]
        await asyncio.gather(*[reader.task for reader in readers])

        plain, compressed, script = readers
        assert shown.begun == 3
        assert compressed.headers["content-encoding"] == "gzip"
        assert script.headers["content-type"] == "text/javascript"
        assert plain.body == compressed.body
        assert script.body == b"show(" + plain.body + b");"

    run(scenario())


def test_a_later_version_is_rendered_anew_and_an_earlier_one_gets_the_later():
    shown = Shown(count=1)
    before = request(shown.app, "GET", "/words")
    shown.snapshots, shown.number = (snapshot(2),), 2
    after = request(shown.app, "GET", "/words")
    shown.number = 1
    late = request(shown.app, "GET", "/words")

    assert [len(json.loads(answer.body)["words"]) for answer in (before, after, late)] == [4, 2, 2]
    assert [answer.headers["etag"] for answer in (after, late)] == ['"m-2-words"', '"m-2-words"']
    assert shown.begun == 2


def test_a_short_document_is_made_once_for_a_version():
    shown = Shown()

    first, second = request(shown.app, "GET", "/words"), request(shown.app, "GET", "/words")

    assert first.body == second.body
    assert shown.made == 1
    assert shown.held == len(first.body) == int(first.headers["content-length"])


# Goal: whatever clients ask for, as little is remembered of it as of a few. Method: each asks for something else, as by
# the parameters of /tasks; the limit of bytes is met as well, by documents that are larger.
@pytest.mark.parametrize(("count", "held_max"), [(1, 32 * 2**20), (100, 20_000)])
def test_of_short_documents_that_nobody_reads_only_the_last_are_held(count, held_max):
    shown = Shown(count)
    kept = shown.serving.renderings = renderings.Renderings(held_max)

    async def answer(exchange):
        return await shown.serving.answer(exchange, Document("words", ("m", 1), shown.parts, (exchange.query["n"],)))

    shown.app = application({"/words": methods(GET=answer)}, (), None)
    for number in range(2 * renderings.IDLE_MAX):
        assert request(shown.app, "GET", "/words", query=f"n={number}").status == 200

    assert len(kept._open) == len(kept._idle) == len(kept._held) <= renderings.IDLE_MAX
    assert shown.held <= held_max + len(request(shown.app, "GET", "/words", query=f"n={number}").body)
    assert shown.begun == 2 * renderings.IDLE_MAX  # the last one was still there


def test_what_nobody_reads_of_an_older_version_is_let_go_of():
    shown = Shown()

    async def answer(exchange):
        return await shown.serving.answer(
            exchange, Document("words", ("m", shown.number), shown.parts, exchange.target)
        )

    shown.app = application({"/words": methods(GET=answer)}, (), None)
    for number in (1, 1, 2, 3):
        shown.number = number
        request(shown.app, "GET", "/words", query=f"n={shown.begun}")

    kept = shown.serving.renderings
    assert [each.version for each in kept._idle] == [("m", 3)]
    assert len(kept._open) == len(kept._held) == 1


def test_a_long_document_is_not_held_when_nobody_reads(small_pieces, monkeypatch):
    monkeypatch.setattr(renderings, "WHOLE_BYTES_MAX", 64 * 1024)

    async def scenario():
        shown = Shown()
        await Reader(shown.app, "/words").task
        await Reader(shown.app, "/words").task

        assert (shown.held, shown.begun) == (0, 2)

    run(scenario())


# Goal: a client that does not read costs a snapshot and a piece, and nobody waits for it. Method: it stops early, with
# little room for what lags behind; another one reads all; then it goes on.
def test_a_client_that_stops_reading_goes_on_alone(small_pieces):
    async def scenario():
        shown = Shown()
        shown.serving.renderings = renderings.Renderings(held_bytes_max=30_000)
        slow, quick = Reader(shown.app, "/words", allowed=2), Reader(shown.app, "/words")
        await quick.task

        assert len(quick.pieces) > 10
        assert len(slow.pieces) == 2
        assert 0 < shown.held <= 30_000

        slow.read_on()
        await slow.task

        assert slow.body == quick.body
        assert (shown.held, shown.begun) == (0, 1)
        assert shown.made == 2  # once for both, and not again for each piece of who is alone

    run(scenario())


def test_no_more_is_made_than_a_piece_beyond_what_is_read(small_pieces):
    async def scenario():
        shown = Shown()
        reader = Reader(shown.app, "/words", allowed=3)
        await reader.stopped.wait()

        await shown.settle()

        assert len(reader.pieces) == 3
        held = shown.held
        assert held <= 5 * 8 * 1024  # three it has, one it is given, one is made ahead

        behind = Reader(shown.app, "/words", allowed=2)
        await behind.stopped.wait()
        await shown.settle()

        assert shown.held == held

        for one in (reader, behind):
            one.leave()
            await one.task

    run(scenario())


# Goal: to render takes as long as to send, so both go on at once. Method: how many pieces were begun is noted when each
# is sent.
def test_while_a_piece_is_sent_the_next_one_is_made(small_pieces, monkeypatch):
    begun, noted = [], []
    run_in_turn = Renderer.run

    async def counted(self, function):
        begun.append(function)
        return await run_in_turn(self, function)

    class Noting(Reader):
        async def _send(self, message):
            if message["type"] == "http.response.body":
                noted.append(len(begun))
            await super()._send(message)

    async def scenario():
        reader = Noting(Shown().app, "/words")
        await reader.task
        assert reader.is_through

    monkeypatch.setattr(Renderer, "run", counted)
    run(scenario())

    assert len(begun) > 10
    assert noted == [*range(2, len(begun) + 1), len(begun)]  # the last one is sent when all are made


def test_who_comes_too_late_for_the_first_piece_begins_anew(small_pieces):
    async def scenario():
        shown = Shown()
        shown.serving.renderings = renderings.Renderings(held_bytes_max=30_000)
        early = Reader(shown.app, "/words", allowed=10)
        await early.stopped.wait()
        late = Reader(shown.app, "/words")
        await late.task
        early.read_on()
        await early.task

        assert early.body == late.body
        assert shown.begun == 2

    run(scenario())


def test_who_leaves_ends_what_is_rendered_for_nobody_else(small_pieces):
    async def scenario():
        shown = Shown()
        reader = Reader(shown.app, "/words", allowed=2)
        await reader.stopped.wait()
        reader.leave()
        await reader.task
        await shown.settle()

        assert (len(reader.pieces), reader.is_through, shown.held) == (2, False, 0)

    run(scenario())


# Goal: an answer that is cancelled, as when its server closes, takes nothing from others. Method: while it waits for
# its client, and while it waits for a piece that another one waits for.
def test_the_next_piece_is_not_made_before_one_that_was_given_up_is_through():
    async def scenario():
        renderer, begun, end, made = Renderer(), threading.Event(), threading.Event(), []
        given_up = asyncio.ensure_future(renderer.run(lambda: begun.set() or end.wait(BOUND)))
        await asyncio.to_thread(begun.wait, BOUND)
        given_up.cancel()
        following = asyncio.ensure_future(renderer.run(lambda: made.append(end.is_set())))
        for _ in range(5):
            await breathe()
        await asyncio.to_thread(int)

        end.set()
        await following

        assert given_up.cancelled()
        assert made == [True]

    run(scenario())


def test_an_answer_that_is_cancelled_leaves_others_alone(small_pieces):
    async def scenario():
        shown = Shown()
        stuck = Reader(shown.app, "/words", allowed=0)
        await stuck.stopped.wait()
        async with shown.serving.renderings._renderer._turn:
            goes, stays = Reader(shown.app, "/words"), Reader(shown.app, "/words")
            while not (goes.pieces and stays.pieces):
                await breathe()
            for one in (stuck, goes):
                one.task.cancel()
                await asyncio.wait([one.task])
        await stays.task

        assert len(stays.document["words"]) == 1003
        assert (stuck.task.cancelled(), goes.task.cancelled(), shown.begun) == (True, True, 1)

    run(scenario())


@pytest.mark.parametrize("allowed", [None, 3])
def test_what_cannot_be_rendered_ends_the_answer_of_each_reader(small_pieces, allowed):
    async def scenario():
        shown = Shown()

        def parts():
            yield b'{"words":['
            yield Items(WORDS, *shown.snapshots)
            raise LookupError("no more words")

        shown.parts = parts
        readers = [Reader(shown.app, "/words", allowed=allowed), Reader(shown.app, "/words")]
        await asyncio.wait([readers[1].task])
        readers[0].read_on()
        ends = await asyncio.gather(*[reader.task for reader in readers], return_exceptions=True)

        assert [type(end) for end in ends] == [LookupError, LookupError]
        assert shown.held == 0

    run(scenario())


def test_a_client_that_has_the_version_gets_nothing():
    shown = Shown()
    first = request(shown.app, "GET", "/words")
    made = shown.made
    again = request(shown.app, "GET", "/words", if_none_match=first.headers["etag"])

    assert first.headers["etag"] == '"m-1-words"'
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", '"m-1-words"')
    assert "content-length" not in again.headers
    assert shown.made == made

    shown.number = 2
    assert request(shown.app, "GET", "/words", if_none_match=first.headers["etag"]).status == 200


def test_the_tag_of_compressed_bytes_is_weak_and_is_known_again():
    shown = Shown()

    first = request(shown.app, "GET", "/words", accept_encoding="gzip")

    assert first.headers["etag"] == 'W/"m-1-words"'
    assert first.headers["vary"] == "Accept-Encoding"
    assert request(shown.app, "GET", "/words", if_none_match=first.headers["etag"]).status == 304


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"a-1-x"', True),
        ('W/"a-1-x"', True),
        ('"other", W/"a-1-x"', True),
        ("*", True),
        (" * ", True),
        ('"a-1-x', False),
        ("a-1-x", False),
        ('"a-1-xx"', False),
        ('"*"', False),
        ("", False),
    ],
)
def test_a_tag_is_found_among_those_of_a_client(header, expected):
    assert has_tag(header, "a-1-x") == expected


def test_a_head_request_has_the_headers_and_nothing_is_made():
    shown = Shown()

    answer = request(shown.app, "HEAD", "/words")

    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"", '"m-1-words"')
    assert shown.made == 0


def test_what_a_body_asks_for_has_no_tag():
    shown = Shown()

    answer = request(shown.app, "POST", "/words", if_none_match="*")

    assert (answer.status, "etag" in answer.headers) == (200, False)
    assert len(json.loads(answer.body)["words"]) == 1003


def test_what_is_small_is_not_compressed():
    shown = Shown(count=1)

    answer = request(shown.app, "GET", "/words", accept_encoding="gzip")

    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] == '"m-1-words"'


def test_what_was_rendered_is_kept_from_the_second_version_that_is_asked_for():
    shown, kept = Shown(), []
    for number in (1, 2, 3):
        shown.number = number
        before = fragments_counts()
        request(shown.app, "GET", "/words")
        hits, misses, *_ = [now - then for now, then in zip(fragments_counts(), before, strict=True)]
        kept.append((hits > 0, misses > 0))

    assert kept == [(False, True), (False, True), (True, False)]
