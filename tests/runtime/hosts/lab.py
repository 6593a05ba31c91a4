"""Lab: hosts that are network namespaces, the cables between them, and a switch to cut these."""

# Who calls: the fixture `lab` (conftest.py); peer.py starts programs on the hosts.
# Layout: each host has one cable (veth) to a hub, which forwards between them. 10.77.N.2 is host N, 10.77.N.1 the hub's
#   end of its cable. What is cut is dropped in the hub without a word, as by a switch that died: the hosts keep their
#   addresses and routes, and no sender hears of it. To unplug a host is to take its carrier.
# Nothing is left behind, whatever happens: the namespaces have no names. Each is held by a `cat` that ends with its
#   standard input, so with the process that runs the tests, and the kernel takes away a namespace and its cables with
#   the last process inside. Programs on the hosts are killed by the kernel when the tests end (setpriv --pdeathsig).
# Rejected: `ip netns`, whose names outlive a test run that was killed; tc netem, which many kernels lack.

from __future__ import annotations

import os
import select
import shutil
import subprocess

from .peer import LIMIT, Peer

TOOLS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux"}


class NoLab(Exception):
    """This machine cannot have virtual hosts; the text says why."""


class Space:
    """A network namespace, and the process that holds it."""

    def __init__(self, *within: str) -> None:
        self.holder = subprocess.Popen(
            [*within, "unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.holder.stdin is not None
        assert self.holder.stdout is not None
        try:
            self.holder.stdin.write(b"\n")
            self.holder.stdin.flush()
        except BrokenPipeError:
            pass  # the answer that does not come says the same
        ready, _, _ = select.select([self.holder.stdout], [], [], LIMIT)
        if not ready or os.read(self.holder.stdout.fileno(), 1) != b"\n":
            self.holder.kill()
            raise NoLab(f"no network namespace: {self.holder.communicate()[1].decode().strip()}")

    def inside(self, *command: str) -> list[str]:
        """What runs ``command`` in this namespace, and in the user namespace of the lab."""
        users = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.holder.pid}", "--net", *users, *command]

    def run(self, *command: str, input: str = "") -> None:
        """Run ``command`` inside, with ``input`` to read. Raises: NoLab with what it said."""
        ran = subprocess.run(
            self.inside(*command), input=input, capture_output=True, text=True, check=False, timeout=LIMIT
        )
        if ran.returncode != 0:
            raise NoLab(f"{' '.join(command)}: {ran.stderr.strip()}")

    def close(self) -> None:
        """Let the holder end; the namespace goes with the last process inside."""
        self.holder.communicate(timeout=LIMIT)


class Host:
    """One virtual host: its number in the lab, its address, and the programs that run on it."""

    def __init__(self, lab: Lab, number: int) -> None:
        self.lab = lab
        self.number = number
        self.ip = f"10.77.{number}.2"
        self.space = Space(*lab.as_root())
        self.peers: list[Peer] = []

    def start(self, port: int = 0, **remote: object) -> Peer:
        """Start a process with a runtime that listens at ``port``; the rest is for la.Remote."""
        peer = Peer(self, self.space.inside("setpriv", "--pdeathsig=KILL"), f"{self.ip}:{port}", remote)
        self.peers.append(peer)
        return peer


class Lab:
    """The hub and its hosts. Raises: NoLab."""

    def __init__(self) -> None:
        for tool, package in TOOLS.items():
            if shutil.which(tool) is None:
                raise NoLab(f"{tool} was not found; install it: apt-get install {package}")
        self.hosts: list[Host] = []
        self._rules: list[str] = []
        self._hub = Space(*([] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]))
        self._hub.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    def as_root(self) -> list[str]:
        """What a command begins with that is to be in the lab's user namespace, where there is one."""
        if os.geteuid() == 0:
            return []
        return ["nsenter", f"--target={self._hub.holder.pid}", "--user", "--preserve-credentials"]

    def host(self) -> Host:
        """One more host, connected to all others."""
        host = Host(self, len(self.hosts) + 1)
        self.hosts.append(host)
        self._connect(host)
        return host

    def _connect(self, host: Host) -> None:
        n, holder = host.number, host.space.holder.pid
        self._hub.run("ip", "-batch", "-", input=f"link add v{n} type veth peer name eth0 netns {holder}\n"
                      f"address add 10.77.{n}.1/24 dev v{n}\nlink set v{n} up\n")  # fmt: skip
        host.space.run("ip", "-batch", "-", input=f"link set lo up\naddress add {host.ip}/24 dev eth0\n"
                       f"link set eth0 up\nroute add default via 10.77.{n}.1\n")  # fmt: skip

    def start(self, number: int, **remote: object) -> list[Peer]:
        """As many processes, each on a host of its own."""
        return [peer.wait_ready() for peer in [self.host().start(**remote) for _ in range(number)]]

    def cut(self, first: Peer | Host, second: Peer | Host, *, both_ways: bool = True) -> None:
        """From now on drop what ``first`` sends to ``second``, and, if ``both_ways``, what comes back."""
        ways = [(first.ip, second.ip), (second.ip, first.ip)][: 1 + both_ways]
        rules = [f"from {source} to {target} blackhole" for source, target in ways]
        self._rules += rules
        self._hub.run("ip", "-batch", "-", input="".join(f"rule add {rule}\n" for rule in rules))

    def heal(self) -> None:
        """Undo every cut."""
        rules, self._rules = self._rules, []
        self._hub.run("ip", "-batch", "-", input="".join(f"rule delete {rule}\n" for rule in rules))

    def unplug(self, peer: Peer | Host) -> None:
        """Pull the cable of a host: it notices that its carrier is gone."""
        self._hub.run("ip", "link", "set", f"v{peer.ip.split('.')[2]}", "down")

    def plug_in(self, peer: Peer | Host) -> None:
        """Undo unplug."""
        self._hub.run("ip", "link", "set", f"v{peer.ip.split('.')[2]}", "up")

    def reset(self, host: Host) -> None:
        """Take the power of a host, and give it back: its kernel says no goodbye, nor later."""
        self._hub.run("ip", "link", "delete", f"v{host.number}")
        for peer in host.peers:
            peer.kill()
        host.space.close()
        host.space = Space(*self.as_root())
        self._connect(host)

    def close(self) -> None:
        """End every program on every host; the namespaces go with them."""
        for host in self.hosts:
            for peer in host.peers:
                peer.kill()
        for space in [*(host.space for host in self.hosts), self._hub]:
            space.close()
