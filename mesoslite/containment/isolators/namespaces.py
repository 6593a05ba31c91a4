"""namespaces/pid, ipc, uts and net: containers that see only their own of what there is on a machine."""

# Source: Mesos src/slave/containerizer/mesos/isolators/namespaces/pid.cpp, ipc.cpp; namespaces(7).

from mesoslite.containment.asked import asked
from mesoslite.containment.script import MountFlag, Namespace, Script
from mesoslite.model import ContainerConfig, InvalidRequest, parent_of

from .filesystem import FilesystemLinux, mount_processes
from .plain import PlainIsolator


class PidNamespace(PlainIsolator):
    """Processes of a container see one another only, and end all at once with the first; it needs filesystem/linux."""

    name = "namespaces/pid"

    def __init__(self, filesystem: FilesystemLinux) -> None:
        self._filesystem = filesystem

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Have the namespace, unless it asks for that of its parent, or the agent's, and a /proc of it."""
        if not asked(config).message_or_empty("linux_info").boolean("share_pid_namespace", False):
            script.pid_namespace()
        elif parent_of(config.container_id) is not None:
            script.share(Namespace.PID)
        else:
            return
        mount_processes(script, self._filesystem.root(config))


class IpcNamespace(PlainIsolator):
    """Queues, semaphores and shared memory of its own, with /dev/shm; it needs filesystem/linux."""

    name = "namespaces/ipc"

    def __init__(self, filesystem: FilesystemLinux) -> None:
        self._filesystem = filesystem

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Have the namespace, unless it asks for the agent's; what is nested has its parent's otherwise."""
        linux = asked(config).message_or_empty("linux_info")
        is_nested = parent_of(config.container_id) is not None
        mode = linux.text("ipc_mode", "SHARE_PARENT" if is_nested else "PRIVATE")
        if mode not in ("PRIVATE", "SHARE_PARENT", "UNKNOWN"):
            raise InvalidRequest(f"{linux.where('ipc_mode')}: got {mode[:80]!r}, expected PRIVATE or SHARE_PARENT")
        if mode == "SHARE_PARENT":
            if linux.has("shm_size"):
                raise InvalidRequest(f"{linux.where('shm_size')}: goes with an ipc_mode of PRIVATE only; leave it out")
            if is_nested:
                script.share(Namespace.IPC)
            return
        script.namespaces(Namespace.IPC)
        size = f",size={linux.unsigned('shm_size')}m" if linux.has("shm_size") else ""
        flags = MountFlag.NO_SUID | MountFlag.NO_DEVICES
        script.mount("shm", f"{self._filesystem.root(config)}/dev/shm", "tmpfs", flags, f"mode=1777{size}")


class UtsNamespace(PlainIsolator):
    """A name of its machine that is its own."""

    name = "namespaces/uts"

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Have the namespace, and the name that it asks for; what is nested and asks for none has its parent's."""
        container = asked(config)
        if parent_of(config.container_id) is not None and not container.has("hostname"):
            script.share(Namespace.UTS)
            return
        script.namespaces(Namespace.UTS)
        if container.has("hostname"):
            script.hostname(container.text("hostname"))


class NetNamespace(PlainIsolator):
    """No network: nothing but a loopback device of its own."""

    name = "namespaces/net"

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Have the namespace; what is nested has its parent's."""
        if parent_of(config.container_id) is not None:
            script.share(Namespace.NETWORK)
            return
        script.namespaces(Namespace.NETWORK)
        script.loopback()
