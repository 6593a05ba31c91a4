"""Storage: what all places to keep a registry in say alike."""

# Who calls: the storages.

from __future__ import annotations

from mesoslite.model import (
    Fenced,
    MasterInfo,
    RegistryFailed,
)


def fenced(where: str, own: int, current: int, master: MasterInfo | None) -> Fenced:
    """The error for a store of a master whose time is over."""
    who = f"{master.id} at {master.hostname or master.pid or 'an unknown host'}" if master is not None else "another"
    return Fenced(
        f"registry {where}: this master leads in epoch {own}, and the master {who} has taken over in epoch {current}; "
        f"nothing was stored; end, and stand for leadership anew"
    )


def not_recovered(where: str) -> RegistryFailed:
    """The error for a store before anything was read."""
    return RegistryFailed(
        f"registry {where}: nothing can be stored before it was recovered, nor after it failed or was closed"
    )
