"""MasterInfo: what clients are told of the master that answers them."""

# Who calls: scheduler.py for SUBSCRIBED, operator_reads.py for GET_MASTER.
# The address is the one that the client has reached: it works from where that is.

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from libactor.http import host_and_port
from mesoslite.model import MASTER_CAPABILITIES
from mesoslite.model.version import API_VERSION

if TYPE_CHECKING:
    from .documents import Document

ADDRESSES_CACHED = 100  # those of this machine


@lru_cache(ADDRESSES_CACHED)
def master_info(host: str, port: int) -> Document:
    """What MasterInfo says of the address a client has reached the master at; ``ip`` is the IPv4 bytes as they lie."""
    address = ipaddress.ip_address(host.partition("%")[0]) if host else ipaddress.IPv4Address(0)
    packed = address.packed if address.version == 4 else bytes(4)
    return {
        "ip": int.from_bytes(packed, "little"),
        "port": port,
        "pid": f"master@{host_and_port(host, port)}",
        "hostname": host,
        "version": API_VERSION,
        "address": {"hostname": host, "ip": host, "port": port},
        "capabilities": [{"type": capability} for capability in MASTER_CAPABILITIES],
    }
