"""CallLine: calls go out by one connection as long as that may be used, and an answer is taken for what it is."""

# Method: the server is a script of pieces, an answer each, in the loop of the test; between two calls that takes some
#   turns, in which either side sees what the other has done.

import asyncio
import re
from contextlib import suppress

import pytest

from mesoslite.framework.http import call_line
from mesoslite.framework.http.call_line import BODY_BYTES_MAX, Answer, CallLine, LineError

pytestmark = pytest.mark.real

OK = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
HEADERS = {"mesos-stream-id": "s", "accept": "application/json"}


class Server:
    """Answers each request by the next of ``answers``; one that is None is the end of the connection."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.serving = []

    @property
    def connections(self):
        return len(self.serving)

    async def serve(self, reader, writer):
        self.serving.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # its client has gone
            await self._answer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(re.search(rb"content-length: (\d+)", head)[1])
            self.requests.append(head + await reader.readexactly(size))
            answer = self.answers.pop(0)
            writer.write(answer.removesuffix(b"END"))
            if answer.endswith(b"END"):
                break


def converse(server, *contents, before_each=lambda: None):
    """What becomes of calls with these contents."""

    async def ask():
        serving = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = serving.sockets[0].getsockname()[1]
        line = CallLine(f"http://master.example:{port}/api?v=1", "127.0.0.1", HEADERS)
        outcomes = []
        for content in contents:
            before_each()
            for _ in range(20):
                await asyncio.sleep(0)
            try:
                outcomes.append(await line.post(content))
            except LineError as error:
                outcomes.append(str(error))
        line.close()
        serving.close()
        await asyncio.gather(*server.serving)
        return outcomes

    return asyncio.run(asyncio.wait_for(ask(), 30))


def test_calls_go_by_one_connection_with_their_headers():
    server = Server(OK, OK)

    outcomes = converse(server, b"one", b"second")

    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    assert outcomes == [Answer(202, b"")] * 2
    assert (server.connections, body) == (1, b"second")
    assert head.startswith(b"POST /api?v=1 HTTP/1.1\r\nhost: master.example:")
    assert head.endswith(b"\r\nmesos-stream-id: s\r\naccept: application/json\r\ncontent-length: 6")


ANSWERS = {
    "in chunks": (b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 400, 1),
    "after an interim one": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 3\r\n\r\nabc", 400, 1),
    "the last of a connection": (b"HTTP/1.1 400 No\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc", 400, 2),
    "ended with its connection": (b"HTTP/1.1 400 No\r\n\r\nabcEND", 400, 2),
    "of an old server": (b"HTTP/1.0 400 No\r\ncontent-length: 3\r\n\r\nabc", 400, 2),
    "one that hangs up": (b"HTTP/1.1 400 No\r\ncontent-length: 3\r\n\r\nabcEND", 400, 2),
    "one that goes on unasked": (b"HTTP/1.1 400 No\r\ncontent-length: 3\r\n\r\nabc" + OK, 400, 2),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_read_to_its_end_wherever_that_is(case):
    answer, status, connections = ANSWERS[case]
    server = Server(answer, OK)

    outcomes = converse(server, b"one", b"second")

    assert outcomes == [Answer(status, b"abc"), Answer(202, b"")]
    assert server.connections == connections


def test_of_a_long_answer_the_beginning_is_kept_and_its_connection_ends():
    server = Server(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n2710\r\n" + b"x" * 10_000, OK)

    long, short = converse(server, b"one", b"second")

    assert (long.status, long.body[:BODY_BYTES_MAX], short.status) == (500, b"x" * BODY_BYTES_MAX, 202)
    assert server.connections == 2


FAILURES = {
    "no answer": (b"END", "the server has closed the connection"),
    "half a head": (b"HTTP/1.1 202 Acc" + b"END", "the server has closed the connection"),
    "half a body": (b"HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\naEND", "the server has closed the connection"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", "HTTP"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_call_that_is_not_answered_is_not_sent_again(case):
    answer, problem = FAILURES[case]
    server = Server(answer, OK)

    failed, next_one = converse(server, b"one", b"second")

    assert problem in failed
    assert next_one == Answer(202, b"")
    assert [request[-3:] for request in server.requests] == [b"one", b"ond"]


def test_a_connection_that_was_not_used_for_long_is_not_used_again(monkeypatch):
    server = Server(OK, OK)

    converse(server, b"one", b"second", before_each=lambda: monkeypatch.setattr(call_line, "KEPT_SECONDS", 0))

    assert server.connections == 2


def test_where_nobody_listens_there_is_no_answer():
    async def ask():
        serving = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = serving.sockets[0].getsockname()[1]
        serving.close()
        await serving.wait_closed()
        await CallLine(f"http://127.0.0.1:{port}/", "127.0.0.1", HEADERS).post(b"")

    with pytest.raises(LineError, match="Connect call failed"):
        asyncio.run(ask())
