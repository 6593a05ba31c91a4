"""A program that pins a note to the board of board_server.py, whenever there is one: at first, or again.

Run it:  python examples/board_client.py "Buy milk"         and then, or before that, board_server.py
On two machines:  BOARD_SECRET=... python examples/board_client.py "Buy milk" 10.0.0.6:5050 10.0.0.7:0

The client has an address of its own, since the server may be the one who connects. It ends at SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import sys
from typing import Any

import board

import libactor as la

PAUSE_S, PAUSE_S_MAX = 0.1, 5.0


class Visitor(la.Actor):
    """Keeps a note pinned. One way leads there, whether the board was never there, has stopped, or was cut off."""

    def __init__(self, pid: la.PID[board.Board], note: board.Note) -> None:
        super().__init__("visitor")
        self.board, self.note = pid, note
        self.pause = PAUSE_S

    def on_start(self) -> None:
        self.visit()

    def visit(self) -> None:
        """Link first, so that no end is missed: whatever goes wrong from here on, on_exited hears of it, once."""
        la.link(self.board)
        la.dispatch(self.board, board.Board.pin, self.note).then(la.defer(self.pid, Visitor.pinned))

    def pinned(self, notes: tuple[board.Note, ...]) -> None:
        """The board has answered."""
        self.pause = PAUSE_S
        print("pinned:", ", ".join(note.text for note in notes), flush=True)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        print("the board has", "stopped" if reason is None else "gone", flush=True)
        la.delay(self.pause, self.pid, Visitor.visit)
        self.pause = min(2 * self.pause, PAUSE_S_MAX)


def main(text: str, there: str = "127.0.0.1:5050", listen: str = "127.0.0.1:0") -> None:
    """Keep the note pinned until a signal comes."""
    with la.Runtime(remote=board.remote(listen)):
        la.spawn(Visitor(la.parse_pid(f"board@{there}", board.Board), board.Note("me", text)))
        board.wait_for_signal()


if __name__ == "__main__":
    main(*sys.argv[1:])
