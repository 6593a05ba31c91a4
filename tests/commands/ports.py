"""Ports that stay free until a program is told to listen there."""

# Who calls: tests of programs that must be found again at the same place. A port that the kernel has just given out it
#   may give to the next who connects anywhere; below those that it gives out by itself only tests like these take any.

import random
import socket
from pathlib import Path


def free_port() -> int:
    """A port of this machine at which nobody listens, nor will by chance."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(max(first - 16_384, 1024), first)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
