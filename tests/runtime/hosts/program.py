"""What runs on a virtual host: a runtime, and the commands by which a test directs it."""

# Who calls: peer.py starts it. Each command runs in a thread of its own, outside of actors but for what it says.
# The process ends when the test lets go of it: the connection to it ends, or the kernel kills it.

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

import libactor as la

from . import cast
from .cast import Driver, Recorder, Watcher, find
from .peer import LIMIT


class World:
    """The commands. PIDs are texts here: ``counter@10.77.1.2:5050``."""

    def __init__(self) -> None:
        self.actors: dict[str, la.Actor] = {}
        self.futures: dict[str, la.Future[Any]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.before = left()

    def open(self, listen: str, options: dict[str, Any]) -> str:
        tls = options.get("tls")
        settings = {**options, "tls": la.Tls(*tls)} if tls is not None else options
        self.runtime = la.Runtime(remote=la.Remote(listen, **settings))
        return self.runtime.address

    def close(self) -> tuple[set[str], set[str]]:
        """Close the runtime; threads and descriptors that were not there before it was opened."""
        self.runtime.close()
        threads, descriptors = left()
        return threads - self.before[0], descriptors - self.before[1]

    def reopen(self, listen: str, options: dict[str, Any]) -> str:
        """Close the runtime and open another."""
        self.runtime.close()
        return self.open(listen, options)

    def spawn(self, kind: str, id: str) -> str:
        actor = self.actors[id] = getattr(cast, kind)(id)
        return str(self.runtime.spawn(actor))

    def ask(self, pid: str, method: str, *arguments: Any) -> Any:
        """Dispatch, from this thread, and wait."""
        return la.dispatch(self.pid(pid), find(method), *arguments).get(LIMIT)

    def reach(self, pid: str, method: str, *arguments: Any) -> Any:
        """As ask, again each time that the connection on which it was sent breaks."""
        while True:
            try:
                return self.ask(pid, method, *arguments)
            except la.Abandoned as error:
                if not isinstance(error.reason, la.Disconnected):
                    raise

    def ask_inside(self, pid: str, method: str, *arguments: Any) -> Any:
        """Dispatch, from inside an actor, and wait out here."""
        driver = self.runtime.spawn(Driver(la.generate_id("driver")))
        return la.dispatch(driver, Driver.ask, self.pid(pid), method, arguments).get(LIMIT)

    def introduce(self, pid: str, method: str, other: str, *arguments: Any) -> Any:
        """Dispatch with the PID of another actor as the first argument, and wait."""
        return la.dispatch(self.pid(pid), find(method), self.pid(other), *arguments).get(LIMIT)

    def begin(self, name: str, pid: str, method: str, *arguments: Any) -> None:
        """Dispatch, and keep the future under ``name``."""
        self.futures[name] = la.dispatch(self.pid(pid), find(method), *arguments)

    def finish(self, name: str) -> Any:
        return self.futures[name].get(LIMIT)

    def tell(self, pid: str, method: str, *arguments: Any) -> None:
        la.tell(self.pid(pid), find(method), *arguments)

    def delay(self, seconds: float, pid: str, method: str, *arguments: Any) -> None:
        la.delay(seconds, self.pid(pid), find(method), *arguments)

    def defer(self, pid: str, method: str, *arguments: Any) -> Any:
        return la.defer(self.pid(pid), find(method))(*arguments).get(LIMIT)

    def post(self, pid: str, kind: str, *arguments: Any) -> None:
        la.post(self.pid(pid), getattr(cast, kind)(*arguments))

    def post_inside(self, pid: str, kind: str, *arguments: Any) -> str:
        """Post, from inside an actor: the PID of that one."""
        driver = self.runtime.spawn(Driver(la.generate_id("driver")))
        la.dispatch(driver, Driver.post, self.pid(pid), getattr(cast, kind)(*arguments)).get(LIMIT)
        return str(driver)

    def hold(self, id: str) -> None:
        """Keep the actor of that id in a handler until ``let_go``."""
        entered, gate = threading.Event(), self.gates.setdefault(id, threading.Event())

        def stay() -> None:
            entered.set()
            gate.wait(LIMIT)

        la.execute(self.runtime.find(id), stay)
        entered.wait(LIMIT)

    def let_go(self, id: str) -> None:
        self.gates[id].set()

    def terminate(self, pid: str) -> None:
        la.terminate(self.pid(pid))

    def watch(self, watcher: str, pid: str, reconnect: bool = False) -> None:
        """Let the Watcher of that id link."""
        found = self.runtime.find(watcher)
        la.dispatch(found, Watcher.watch, self.pid(pid), reconnect).get(LIMIT)

    def heard(self, watcher: str) -> tuple[str, str | None]:
        """Wait for what the Watcher of that id hears next: whose end, and the name of the reason's class."""
        return self.actors[watcher].heard.get(timeout=LIMIT)

    def has_heard(self, watcher: str) -> bool:
        """Whether the Watcher has heard something that was not asked for yet."""
        la.execute(self.runtime.find(watcher), lambda: None).get(LIMIT)
        return not self.actors[watcher].heard.empty()

    def send(self, pid: str, source: str, numbers: range, size: int = 0) -> int:
        """Tell a Recorder these numbers, from this thread."""
        target, payload = self.pid(pid), bytes(size)
        for number in numbers:
            la.tell(target, Recorder.note, source, number, payload)
        return len(numbers)

    def send_inside(self, pid: str, numbers: range, size: int = 0) -> str:
        """Tell a Recorder these numbers, from inside one handler: the PID of the actor, which is the source."""
        driver = self.runtime.spawn(Driver(la.generate_id("driver")))
        la.dispatch(driver, Driver.tell_all, self.pid(pid), numbers, bytes(size)).get(LIMIT)
        return str(driver)

    def watch_and_send(self, watcher: str, pid: str, source: str, numbers: range) -> None:
        """Tell a Recorder these numbers, and let the Watcher of that id link to it."""
        self.send(pid, source, numbers[:1])
        self.watch(watcher, pid)
        self.send(pid, source, numbers[1:])

    def digest(self, pid: str, size: int) -> str:
        """What a Counter makes of so many bytes."""
        return la.dispatch(self.pid(pid), cast.Counter.digest, bytes(range(256)) * (size // 256)).get(LIMIT)

    def of(self, id: str, source: str) -> tuple[int, ...]:
        """What has arrived at the Recorder of that id."""
        return la.dispatch(self.runtime.find(id), Recorder.of, source).get(LIMIT)

    def arrived(self, id: str, source: str, number: int) -> tuple[int, ...]:
        """Wait until that number has arrived at the Recorder of that id; all that have."""
        pid = self.runtime.find(id)
        la.dispatch(pid, Recorder.arrived, source, number).get(LIMIT)
        return la.dispatch(pid, Recorder.of, source).get(LIMIT)

    def posted_by(self, id: str) -> list[str | None]:
        senders = la.dispatch(self.runtime.find(id), Recorder.posted_by).get(LIMIT)
        return [None if sender is None else str(sender) for sender in senders]

    def metrics(self) -> dict[str, float]:
        return self.runtime.metrics.snapshot().get(LIMIT)

    def find(self, id: str) -> str | None:
        pid = self.runtime.find(id)
        return None if pid is None else str(pid)

    def descriptors(self) -> int:
        return len(os.listdir("/proc/self/fd"))

    def listens(self) -> list[str]:
        """The local addresses that some socket of this host listens on, as the kernel writes them."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        return [row[1] for row in rows if row[3] == "0A"]

    def pid(self, text: str) -> la.PID[Any]:
        return self.runtime.parse_pid(text)


def left() -> tuple[set[str], set[str]]:
    """The threads and descriptors of this process; threads of commands do not count."""
    threads = {thread.name for thread in threading.enumerate() if not thread.name.startswith("command")}
    return threads, set(os.listdir("/proc/self/fd"))


def say(error: BaseException) -> str:
    """What PeerError holds."""
    reason = getattr(error, "reason", None)
    because = "" if reason is None else f" <- {type(reason).__name__}"
    return f"{type(error).__name__}{because}: {error}"


def main(descriptor: int) -> None:
    """Serve commands until the test lets go."""
    faulthandler.register(signal.SIGUSR1)
    connection, world, lock = Connection(descriptor), World(), threading.Lock()

    def serve(number: int, command: str, arguments: tuple[Any, ...]) -> None:
        try:
            result = getattr(world, command)(*arguments)
            outcome = number, True, str(result) if isinstance(result, la.PID) else result
        except Exception as error:
            outcome = number, False, say(error)
        with lock:
            connection.send(outcome)

    while True:
        try:
            order = connection.recv()
        except EOFError:
            os._exit(0)
        threading.Thread(target=serve, args=order, name=f"command {order[1]}", daemon=True).start()
