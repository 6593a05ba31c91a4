"""A program that serves an actor to others until SIGTERM or Ctrl-C; board_client.py is one of those.

Run it:  python examples/board_server.py [host:port]        127.0.0.1:5050 if left out
On two machines:  BOARD_SECRET=... python examples/board_server.py 10.0.0.6:5050
"""

from __future__ import annotations

import sys

import board

import libactor as la


def main(listen: str = "127.0.0.1:5050") -> None:
    """Leaving the ``with`` stops the actor, has its links told, and closes the port."""
    with la.Runtime(remote=board.remote(listen)) as runtime:
        print(runtime.spawn(board.Board()), flush=True)
        board.wait_for_signal()


if __name__ == "__main__":
    main(*sys.argv[1:])
