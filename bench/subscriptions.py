"""Subscriptions: how long it takes until very many frameworks over HTTP are subscribed and each has an offer."""

# Who calls: MasterWork (bench/master.py). The frameworks are another process (bench/subscriber_client.py), which dials
#   one connection for each; the agents come once all are subscribed, for else the first framework would be offered them
#   all. They are as many, of one role, so the fair share of each framework is one agent; they run in this process.
# How long either half takes, and the processor's time of this process, is printed on standard error.

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from time import process_time

import libactor as la
from bench.benchmarks import expect
from bench.stand_ins import PATIENCE_SECONDS, Counting, described
from libactor.http import HttpServer
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.api import master_app
from mesoslite.cli.prompt import prompt
from mesoslite.master import Allocator, Master
from mesoslite.model import RegisterAgent
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

CLIENT = Path(__file__).with_name("subscriber_client.py")


class SubscriptionsWork:
    """So many frameworks, and as many agents (``count``)."""

    def subscribe(self, count: int) -> float:
        """From the first connection until the last framework has an offer."""
        with prompt(), la.Runtime() as runtime, HttpServer() as server:
            registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
            master = runtime.spawn(Master(runtime.spawn(Allocator(HierarchicalAllocator())), registrar))
            la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
            agents = [(runtime.spawn(Counting(master)), RegisterAgent(described(number, 1))) for number in range(count)]
            address = server.listen(master_app(master, runtime=runtime)).partition("//")[2]
            gc.collect()
            start = process_time()
            command = [sys.executable, "-S", str(CLIENT), address, str(count)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
                assert client.stdout is not None
                subscribed = float(client.stdout.readline())
                for agent, message in agents:
                    la.post(master, message, sender=agent)
                offered = float(client.stdout.readline())
                seconds = process_time() - start
                client.communicate()
            expect(client.returncode, 0, "status of the frameworks' program")
            la.terminate(master)  # before its agents
            la.wait(master, PATIENCE_SECONDS)
        print(
            f"{count:,} subscriptions in {subscribed:.2f} s, offers {offered - subscribed:.2f} s later; "
            f"the master's program {seconds:.2f} s on a CPU",
            file=sys.stderr,
        )
        return offered
