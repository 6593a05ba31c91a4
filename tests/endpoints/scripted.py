"""A master over HTTP that does what the test says, and a framework that writes down what it hears."""

import asyncio
import json
import queue

import msgspec

import libactor as la
import mesoslite
from mesoslite.model import AgentID, Offer, OfferID, Offers, Resources, Subscribed
from mesoslite.model.v1 import encode_event, frame

from .fakes import BOUND, FRAMEWORK

INTERVAL = 15.0


def record(event):
    return frame(msgspec.json.encode(encode_event(event, multi_role=False)))


def subscribed():
    return record(Subscribed(framework_id=FRAMEWORK, master_id="m", heartbeat_interval_seconds=INTERVAL))


def offer():
    fields = {"framework_id": FRAMEWORK, "agent_id": AgentID("a"), "hostname": "h", "port": 1, "role": "*"}
    return record(Offers((Offer(id=OfferID("o"), resources=Resources.of(cpus=1, mem=64), **fields),)))


class Line:
    """One request to subscribe, and the stream that answers it."""

    def __init__(self, document, headers):
        self.document = document
        self.headers = headers
        self.gone = la.Promise()  # the client
        self._loop = asyncio.get_running_loop()
        self._pieces = asyncio.Queue()

    def send(self, *pieces):
        """Let these bytes follow; None ends the stream."""
        for piece in pieces:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def answer(self, receive, send, status, headers, pieces):
        head = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": head})
        self.send(*pieces)
        leaving = asyncio.ensure_future(receive())
        while True:
            piece = asyncio.ensure_future(self._pieces.get())
            await asyncio.wait({piece, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                self.gone.set(None)
                piece.cancel()
                return
            await send({"type": "http.response.body", "body": piece.result() or b"", "more_body": True})
            if piece.result() is None:
                leaving.cancel()
                await send({"type": "http.response.body", "body": b""})
                return


class ScriptedMaster:
    """An application that answers each request to subscribe by the next of its ``answers``, and the last ever after.

    An answer is a status, headers and pieces of the body; None among these ends it.
    """

    def __init__(self, *answers):
        self.answers = list(answers) or [good()]
        self.lines = queue.SimpleQueue()  # each request to subscribe
        self.calls = queue.SimpleQueue()  # the document of each other call, with its stream id
        self.refusals = []  # status and text, for the calls that follow
        self.silent = False  # nothing answers a call

    def line(self):
        return self.lines.get(timeout=BOUND)

    def call(self):
        return self.calls.get(timeout=BOUND)

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        document, headers = json.loads(body), {name.decode(): value.decode() for name, value in scope["headers"]}
        if document["type"] == "SUBSCRIBE":
            line = Line(document, headers)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.lines.put(line)
            await line.answer(receive, send, *answer)
            return
        status, text = self.refusals.pop(0) if self.refusals else (202, "")
        self.calls.put((document, headers.get("mesos-stream-id")))
        if self.silent:
            await receive()
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})


def good(*pieces, stream_id="s"):
    """An answer that admits the framework."""
    return 200, {"content-type": "application/json", "mesos-stream-id": stream_id}, (subscribed(), *pieces)


def bad(*pieces, status=200, **headers):
    """An answer as it comes, which ends."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"content-type": "application/json", **named}, (*pieces, None)


class Diary(mesoslite.Framework):
    """Writes down what happens, and does what ``doing`` says at that."""

    def __init__(self, doing=None, **options):
        super().__init__("diary", **options)
        self.entries = queue.SimpleQueue()
        self.offers = []
        self.doing = doing or {}

    def note(self, *entry):
        self.entries.put(entry if len(entry) > 1 else entry[0])
        if entry[0] in self.doing:
            self.doing[entry[0]](self)

    def next(self):
        return self.entries.get(timeout=BOUND)

    def on_subscribed(self, framework_id):
        self.note("subscribed")

    def on_disconnected(self):
        self.note("disconnected")

    def on_resubscribed(self, framework_id):
        self.note("resubscribed")

    def on_offers(self, offers):
        self.offers += offers
        self.note("offers")

    def on_update(self, status):
        self.note("update", status.task_id, status.state.name)

    def on_rescind(self, offer_id):
        self.note("rescind", offer_id)

    def on_error(self, message):
        self.note("error", message)
