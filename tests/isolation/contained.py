"""Containers with isolators, for tests: what they print, how they end, and what they leave."""

# Who calls: the tests of this folder that run commands for real.

import os
import queue
import shutil
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Any

from mesoslite.containment import SupervisedContainerizer
from mesoslite.containment.isolation import IsolationOptions, make_isolators, parse_isolation
from mesoslite.containment.machine import look_at_machine
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, FrozenDocument, Resources, Termination

ALONE = "cgroups/all,disk/du,filesystem/linux,namespaces/pid,namespaces/ipc,namespaces/uts,namespaces/net,linux/nnp"
BOUND_SECONDS = 120  # a bound on failure: no test waits this long


class Contained:
    """A containerizer with isolators, below a directory of its own."""

    def __init__(self, directory: Path, isolation: str, **options: Any) -> None:
        machine = look_at_machine()
        names = parse_isolation(isolation, machine)
        self.directory = directory
        self.isolators = make_isolators(names, machine, str(directory / "run"), IsolationOptions(**options))
        self.containerizer = SupervisedContainerizer(str(directory / "run"), self.isolators)
        self.starts = threading.Semaphore(0)
        self.ended_with: queue.Queue[Termination] = queue.Queue()
        self.sandbox = directory / "sandbox"
        self.sandbox.mkdir(exist_ok=True)

    def launch(self, script: str, resources: str = "cpus:0.5;mem:64", **config: Any) -> ContainerID:
        """Start a shell; ``container`` is what the ContainerInfo says beside its type."""
        container = config.pop("container", None)
        self.config = made = ContainerConfig(
            container_id=ContainerID(config.pop("container_id", f"{uuid.uuid4()}")),
            user=config.pop("user", ""),
            command=CommandInfo(value=script),
            sandbox=config.pop("sandbox", str(self.sandbox)),
            resources=Resources.parse(resources),
            container=FrozenDocument.of({"type": "MESOS", **container}) if container is not None else None,
            **config,
        )
        self.launched = made
        self.containerizer.launch(made, self)
        return made.container_id

    def started(self) -> None:
        self.starts.release()

    def start(self, script: str, **config: Any) -> ContainerID:
        """Start a shell, and wait until it runs."""
        container_id = self.launch(script, **config)
        assert self.starts.acquire(timeout=BOUND_SECONDS)
        return container_id

    def ended(self, termination: Termination) -> None:
        self.ended_with.put(termination)

    def termination(self) -> Termination:
        return self.ended_with.get(timeout=BOUND_SECONDS)

    def run(self, script: str, **config: Any) -> str:
        """What a shell prints, which must end well."""
        self.launch(script, **config)
        termination = self.termination()
        output = (self.sandbox / "stdout").read_text()
        assert termination.exit_status == 0, (termination, output, (self.sandbox / "stderr").read_text())
        return output

    def close(self) -> None:
        self.containerizer.close()
        for isolator in self.isolators:
            isolator.close()


def mounts() -> str:
    """The mount table of this process."""
    return Path("/proc/self/mountinfo").read_text()


def living(mark: str) -> list[str]:
    """The processes of the machine with ``mark`` among their arguments."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if mark in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                found.append(pid)
        except OSError:
            continue
    return found


def make_root(directory: Path, *programs: str) -> None:
    """A root file system of some programs of this machine, with the libraries that they need."""
    for name in ("usr/bin", "etc", "tmp"):
        (directory / name).mkdir(parents=True)
    (directory / "bin").symlink_to("usr/bin")
    (directory / "tmp").chmod(0o1777)
    for program in programs:
        path = shutil.which(program)
        assert path is not None
        shutil.copy(os.path.realpath(path), directory / "usr/bin" / program)
        libraries = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for word in libraries.split():
            if word.startswith("/"):
                place = directory / word.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.path.realpath(word), place)
