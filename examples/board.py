"""What board_server.py and board_client.py both import: the actor, the class of what is sent, how both are reached.

A class is found by its module and name. In a main script it would be ``__main__.Note`` there, and nothing elsewhere.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass

import libactor as la


@dataclass(frozen=True)
class Note:
    """What is pinned to the board."""

    author: str
    text: str


class Board(la.Actor):
    """Holds notes. A note that is pinned twice is there once, so whoever missed the answer may ask again."""

    def __init__(self) -> None:
        super().__init__("board")
        self.notes: dict[Note, None] = {}

    @la.remote
    def pin(self, note: Note) -> tuple[Note, ...]:
        """Pin a note; all that are there now."""
        if not isinstance(note, Note):  # others send what they like
            raise TypeError(f"pin: got a {type(note).__name__}, expected a Note")
        self.notes[note] = None
        return tuple(self.notes)

    def on_stop(self) -> None:
        print(f"the board stops with {len(self.notes)} notes", flush=True)


def remote(listen: str) -> la.Remote:
    """Listen there; off this machine both programs need the same BOARD_SECRET, of 16 characters or more."""
    secret = os.environ.get("BOARD_SECRET")
    return la.Remote(listen, secret=secret.encode() if secret else None)


def wait_for_signal() -> None:
    """Return at SIGTERM or Ctrl-C."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
