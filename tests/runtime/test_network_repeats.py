"""One seed, one run of a network with all its faults: in other processes, with other hash seeds, on both cores."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import libactor as la
from libactor.testing import Conditions, DeterministicRuntime, EventLog

class Gossip(la.Actor):
    def __init__(self, name):
        super().__init__(name)
        self.known = {name}
        self.others = []
    def meet(self, *others):
        self.others = [pid for pid in others if pid.id != self.pid.id]
        for pid in self.others:
            la.link(pid)
        la.delay(0.1, self.pid, Gossip.speak)
    async def speak(self):
        la.delay(1, self.pid, Gossip.speak)
        for pid in self.others:
            try:
                self.known |= await la.dispatch(pid, Gossip.hear, self.known)
            except la.LibactorError as error:
                self.known.add(type(error).__name__)
    def hear(self, words):
        self.known |= words
        return self.known
    def on_exited(self, pid, reason):
        self.known.add(f"{pid.id} {reason}")

with DeterministicRuntime(11, log=EventLog(arguments=True)) as rt:
    rt.network.conditions = Conditions(
        loss=0.1, duplicate=0.1, reset=0.05, straggle=0.5, tail=0.1, notice=(0.5, 2.0)
    )
    names = ["a", "b", "c"]
    pids = [rt.host(name).spawn(Gossip(f"gossip {name}")) for name in names]
    for pid in pids:
        la.dispatch(pid, Gossip.meet, *pids).get()
    faults = rt.streams("faults")
    for _ in range(15):
        rt.run_for(0.5)
        host = rt.host(faults.pick(names))
        host.disk.append("log", bytes(range(200)))
        if faults.chance(0.3):
            rt.network.crash(host)
            rt.network.start(host)
            host.spawn(Gossip(f"gossip {host.address}"))
        elif faults.chance(0.5):
            rt.network.partition([host], [name for name in names if name != host.address])
        else:
            rt.network.heal()
    for name in names:
        disk = rt.host(name).disk
        print(name, disk.read("log") if disk.exists("log") else None)
    print(rt.log.text())
    print(rt.tape.to_json())
"""


@pytest.mark.real
def test_the_log_the_tape_and_the_disks_are_the_same_everywhere():
    def output(hash_seed: str, pure: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "LIBACTOR_PURE": pure}
        command = [sys.executable, "-c", PROGRAM]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout

    outputs = [output(hash_seed, pure) for hash_seed in ("0", "1", "77") for pure in ("0", "1")]

    assert len(set(outputs)) == 1
    assert all(word in outputs[0] for word in (" crashes", " lost", " doubled", " reset", " notices", "arrives"))
