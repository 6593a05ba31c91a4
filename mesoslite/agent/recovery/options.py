"""RecoveryOptions: whether and how an agent outlives itself."""

# Who calls: composition roots, which know the machine and what the command line says.
# Source: Mesos src/slave/flags.cpp, src/slave/constants.hpp.

from dataclasses import dataclass

from mesoslite.model import InvalidRequest

RECONNECT, CLEANUP = "reconnect", "cleanup"
EQUAL, ADDITIVE = "equal", "additive"
REREGISTRATION_SECONDS_MAX = 15  # Mesos's


@dataclass(frozen=True, slots=True)
class RecoveryOptions:
    """How an agent goes on; raises InvalidRequest.

    ``boot_id`` tells one start of the machine from another; "" where nobody knows. ``strict``: what cannot be read is
    refused, and not left out. ``recover`` is RECONNECT, or CLEANUP: to end what is left, and itself.
    ``reconfiguration_policy`` is what of its description may be another: nothing (EQUAL), or there may be more of it
    (ADDITIVE); ``has_any_port``: and its port, which nobody chose. An executor has ``executor_reregistration_seconds``
    to subscribe again, and tries to reach an agent that has gone for ``executor_recovery_seconds``.
    """

    boot_id: str = ""
    strict: bool = True
    recover: str = RECONNECT
    reconfiguration_policy: str = EQUAL
    has_any_port: bool = False
    executor_reregistration_seconds: float = 2
    executor_recovery_seconds: float = 15 * 60

    def __post_init__(self) -> None:
        for name, allowed in (("recover", (RECONNECT, CLEANUP)), ("reconfiguration_policy", (EQUAL, ADDITIVE))):
            if getattr(self, name) not in allowed:
                raise InvalidRequest(f"{name}: got {getattr(self, name)!r}, expected {' or '.join(allowed)}")
        if not 0 <= self.executor_reregistration_seconds <= REREGISTRATION_SECONDS_MAX:
            raise InvalidRequest(
                f"executor_reregistration_timeout: got {self.executor_reregistration_seconds} seconds, expected 0 to "
                f"{REREGISTRATION_SECONDS_MAX}, for the master waits meanwhile"
            )
        if not 0 <= self.executor_recovery_seconds < float("inf"):
            raise InvalidRequest(
                f"recovery_timeout: got {self.executor_recovery_seconds} seconds, expected a number from 0"
            )
