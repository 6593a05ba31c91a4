"""Names: PIDs of simulated hosts that were read from text, before there is an actor of that id."""

# Who calls: parse_pid of a simulated host, and the core, with what is sent to such a PID.
# What goes from one host to another goes by the network, which finds who has the id when it arrives; all else is handed
#   over here, as for the own address of a real runtime.

from __future__ import annotations

from typing import Any

from libactor.transport.peer import Local


class Names(Local):
    """One for each host: its PIDs that lead to no process of their own."""

    def __call__(self, sender: Any, process: Any, event: Any, /) -> bool:
        """Something is sent to such a PID."""
        network = self._network
        return (network is not None and network(sender, process, event)) or super().__call__(sender, process, event)

    def link(self, watcher: Any, process: Any, /) -> bool:
        """Somebody is to hear of an end."""
        network = self._network
        return (network is not None and network.link(watcher, process)) or super().link(watcher, process)

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """Who has the id is to stop."""
        network = self._network
        return (network is not None and network.terminate(process, inject)) or super().terminate(process, inject)

    @property
    def _network(self) -> Any:
        """What lies between the hosts; None as long as there are none."""
        return self.runtime.queue.network
