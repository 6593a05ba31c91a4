"""linux/nnp: no program that a container starts gets more rights than it was given, as sudo would."""

# Source: Mesos src/slave/containerizer/mesos/isolators/linux/nnp.cpp; prctl(2), PR_SET_NO_NEW_PRIVS.

from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig

from .plain import PlainIsolator


class NoNewPrivileges(PlainIsolator):
    """Of every container."""

    name = "linux/nnp"
    is_for_debug = True

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """State it."""
        script.no_new_privileges()
