"""An actor in another process: called, watched, and missed when its process is killed.

Run it:  python examples/remote_counter.py

The first process starts a second one, which has the counter; the line that it writes is the counter's PID. On two
machines both would listen on an address that the other can reach, and have ``secret=`` or ``tls=``.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import libactor as la


class Counter(la.Actor):
    """Lives in the second process. Only what is marked can be called from elsewhere."""

    def __init__(self) -> None:
        super().__init__("counter")
        self.n = 0

    @la.remote
    def add(self, k: int) -> int:
        self.n += k
        return self.n


class Watcher(la.Actor):
    """Lives in the first process, and hears of the counter's end."""

    def __init__(self, pid: la.PID[Counter]) -> None:
        super().__init__("watcher")
        self.counter = pid
        self.end: la.Promise[str] = la.Promise()

    def on_start(self) -> None:
        la.link(self.counter)

    def ask(self, k: int) -> la.Future[int]:
        return la.dispatch(self.counter, Counter.add, k)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        self.end.set("stopped" if reason is None else type(reason).__name__)


def serve() -> None:
    """The second process: runs the counter until its input ends."""
    with la.Runtime(remote=la.Remote("127.0.0.1:0")):
        print(la.spawn(Counter()), flush=True)
        sys.stdin.read()


def main() -> None:
    """The first process."""
    with (
        subprocess.Popen([sys.executable, __file__, "serve"], stdin=-1, stdout=-1, text=True) as server,
        la.Runtime(remote=la.Remote("127.0.0.1:0")) as runtime,
    ):
        assert server.stdout is not None
        pid = runtime.parse_pid(server.stdout.readline().strip(), Counter)
        print("2 + 3 =", la.dispatch(pid, Counter.add, 2).then(lambda _: la.dispatch(pid, Counter.add, 3)).get(10))
        watcher = Watcher(pid)
        end = watcher.end.future
        print("and 4 more, asked by an actor:", la.dispatch(la.spawn(watcher), Watcher.ask, 4).get(10))
        server.kill()
        print("the counter is", end.get(10))


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
