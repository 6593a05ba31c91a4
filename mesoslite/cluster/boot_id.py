"""The boot id: what tells one start of this machine from another."""

# Who calls: composition roots, for agents that recover.
# Source: Linux Documentation/admin-guide/sysctl/kernel.rst (random/boot_id).

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return it; "" where the system does not say."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
