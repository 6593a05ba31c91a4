"""linux/capabilities: which of root's rights a container has."""

# A container's own word goes before what the agent was started with, and never beyond it. What it has (effective) can
#   never be more than what it can get (bounding); where only one is said it stands for both.
# For root, starting a program gives all that is in its bounding set, so that is where its rights are taken away; for
#   other users the ambient set carries them to the program.
# Source: Mesos src/slave/containerizer/mesos/isolators/linux/capabilities.cpp, src/linux/capabilities.hpp,
#   capabilities(7).

from collections.abc import Iterable

from mesoslite.containment.asked import asked
from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig, InvalidRequest
from mesoslite.model.fields import Fields

from .plain import PlainIsolator

# fmt: off
NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)
# fmt: on
_NUMBERS = {name: number for number, name in enumerate(NAMES)}


def parse_capabilities(names: Iterable[str], where: str) -> frozenset[int]:
    """Capabilities by their names, as NET_RAW. Raises: InvalidRequest, for others."""
    numbers = set()
    for name in names:
        if name not in _NUMBERS:
            raise InvalidRequest(f"{where}: got {name[:80]!r}, expected names such as NET_RAW; see capabilities(7)")
        numbers.add(_NUMBERS[name])
    return frozenset(numbers)


class Capabilities(PlainIsolator):
    """``effective`` and ``bounding`` are what the agent was started with; None: all that it has."""

    name = "linux/capabilities"
    is_for_debug = True

    def __init__(self, effective: frozenset[int] | None = None, bounding: frozenset[int] | None = None) -> None:
        if effective is not None and bounding is not None and not effective <= bounding:
            raise InvalidRequest(
                f"--effective-capabilities: {_named(effective - bounding)} not among --bounding-capabilities; add "
                "to those, or leave out here"
            )
        self._effective = effective
        self._bounding = bounding if bounding is not None else effective

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """State both sets, where anybody has said any."""
        linux = asked(config).message_or_empty("linux_info")
        effective = _read(linux, "effective_capabilities", "capability_info")
        bounding = _read(linux, "bounding_capabilities")
        if bounding is None:
            bounding = effective if effective is not None else self._bounding
        if effective is None:
            effective = self._effective if self._effective is not None else bounding
            effective = effective & bounding if effective is not None and bounding is not None else effective
        if bounding is None or effective is None:
            return
        if not effective <= bounding:
            raise InvalidRequest(
                f"{linux.path}: effective_capabilities has {_named(effective - bounding)}, which are not bounding"
            )
        if self._bounding is not None and not bounding <= self._bounding:
            raise InvalidRequest(
                f"{linux.path}: asks for {_named(bounding - self._bounding)}, which this agent gives to nobody"
            )
        script.bound_capabilities(bounding)
        script.keep_capabilities()
        script.capabilities(effective, effective, effective, effective)


def _read(linux: Fields, *names: str) -> frozenset[int] | None:
    for name in names:
        if linux.has(name):
            return parse_capabilities(linux.message(name).texts("capabilities"), linux.where(name))
    return None


def _named(numbers: Iterable[int]) -> str:
    return ", ".join([NAMES[number] for number in sorted(numbers)])
