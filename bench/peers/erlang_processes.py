"""The work on Erlang's gen_servers: a virtual machine that runs gen_servers.escript and is given lines of work."""

from __future__ import annotations

import subprocess
import weakref
from pathlib import Path

from bench.benchmarks import expect

SCRIPT = Path(__file__).with_name("gen_servers.escript")


class ErlangProcesses:
    """Each method has the virtual machine do the work; it runs where this process is pinned to."""

    def __init__(self) -> None:
        self._machine = subprocess.Popen(
            ["escript", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        weakref.finalize(self, _end, self._machine)

    def tell(self, count: int) -> float:
        """``cast`` to one server; one call after them all tells that they are handled."""
        return self._timed("tell", count, count * (count - 1) // 2, "sum of what was told")

    def ask(self, count: int) -> float:
        """``call`` in a loop."""
        return self._timed("ask", count, count * (count + 1) // 2, "sum of the answers")

    def pipelined(self, count: int) -> float:
        """All by ``send_request``, then all by ``receive_response``."""
        return self._timed("pipelined", count, count * (count + 1) // 2, "sum of the answers")

    def ring(self, count: int) -> float:
        """``cast`` from server to server."""
        return self._timed("ring", count, count, "hops")

    def spawn(self, count: int) -> float:
        """``start``, ``stop``, again and again."""
        return self._timed("spawn", count, count, "servers that stopped")

    def spawn_many(self, count: int) -> float:
        """All started, then all told to exit, then every end awaited by a monitor."""
        return self._timed("spawn_many", count, count, "servers that stopped")

    def memory(self, count: int) -> float:
        """Resident memory that servers add that have nothing to do."""
        return self._work("memory", count, count, "servers alive")

    def _timed(self, what: str, count: int, wanted: int, meaning: str) -> float:
        return self._work(what, count, wanted, meaning) / 1e9

    def _work(self, what: str, count: int, wanted: int, meaning: str) -> int:
        assert self._machine.stdin is not None
        assert self._machine.stdout is not None
        self._machine.stdin.write(f"{what} {count}\n")
        self._machine.stdin.flush()
        answer = self._machine.stdout.readline().split()
        if len(answer) != 2:
            raise RuntimeError(f"{SCRIPT.name} ended at {what!r}; its error stands above on standard error")
        expect(int(answer[1]), wanted, meaning)
        return int(answer[0])


def release() -> str:
    """Return the release of OTP that is installed, such as 25."""
    program = "io:put_chars(erlang:system_info(otp_release)), halt()."
    return subprocess.run(
        ["erl", "-noshell", "-eval", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def _end(machine: subprocess.Popen[str]) -> None:
    for pipe in (machine.stdin, machine.stdout):
        if pipe is not None:
            pipe.close()
    machine.wait()
