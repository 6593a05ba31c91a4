"""posix/rlimits: the limits of processes that a container asks for, such as how many files they may have open."""

# Source: Mesos src/slave/containerizer/mesos/isolators/posix/rlimits.cpp, src/posix/rlimits.cpp, getrlimit(2).

import resource

from mesoslite.containment.asked import asked
from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig, InvalidRequest

from .plain import PlainIsolator

_LOCKS = 10  # RLIMIT_LOCKS, which Linux takes and passes over; Python has no name for it
_NUMBERS = {
    "RLMT_AS": resource.RLIMIT_AS,
    "RLMT_CORE": resource.RLIMIT_CORE,
    "RLMT_CPU": resource.RLIMIT_CPU,
    "RLMT_DATA": resource.RLIMIT_DATA,
    "RLMT_FSIZE": resource.RLIMIT_FSIZE,
    "RLMT_LOCKS": _LOCKS,
    "RLMT_MEMLOCK": resource.RLIMIT_MEMLOCK,
    "RLMT_MSGQUEUE": resource.RLIMIT_MSGQUEUE,
    "RLMT_NICE": resource.RLIMIT_NICE,
    "RLMT_NOFILE": resource.RLIMIT_NOFILE,
    "RLMT_NPROC": resource.RLIMIT_NPROC,
    "RLMT_RSS": resource.RLIMIT_RSS,
    "RLMT_RTPRIO": resource.RLIMIT_RTPRIO,
    "RLMT_RTTIME": resource.RLIMIT_RTTIME,
    "RLMT_SIGPENDING": resource.RLIMIT_SIGPENDING,
    "RLMT_STACK": resource.RLIMIT_STACK,
}


class Rlimits(PlainIsolator):
    """Sets them before the command runs; one without bounds is lifted. Only root can raise them beyond the agent's."""

    name = "posix/rlimits"
    is_for_debug = True

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """State each of them."""
        for entry in asked(config).message_or_empty("rlimit_info").messages("rlimits"):
            name = entry.text("type")
            if name not in _NUMBERS:
                raise InvalidRequest(f"{entry.where('type')}: got {name[:80]!r}, expected one of {', '.join(_NUMBERS)}")
            if entry.has("soft") != entry.has("hard"):
                raise InvalidRequest(f"{entry.path}: has one of soft and hard; give both, or none for no limit")
            soft, hard = (entry.unsigned(bound) if entry.has(bound) else None for bound in ("soft", "hard"))
            if soft is not None and hard is not None and soft > hard:
                raise InvalidRequest(f"{entry.path}: has a soft limit of {soft} above the hard one of {hard}")
            script.limit(_NUMBERS[name], soft, hard)
