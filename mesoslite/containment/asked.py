"""What containers ask for by a ContainerInfo, and which isolator honours each part: what none does is refused."""

# Who calls: the containerizers, at each launch; the isolators, for their parts.
# Invariant: what a framework says of a container is honoured or refused, never passed over.
# Source: Mesos include/mesos/v1/mesos.proto (ContainerInfo, LinuxInfo, RLimitInfo).

from collections.abc import Collection

from mesoslite.model import ContainerConfig, InvalidRequest
from mesoslite.model.fields import Fields

_DOCKER = "a container of type DOCKER, and agents run containers of type MESOS only; say MESOS"
ANY = ""  # what is honoured without an isolator: each container has groups of its own, where it has any
# By field: the isolator that honours it; None: no agent does.
HONOURED: dict[str, str | None] = {
    "volumes": "filesystem/linux",
    "hostname": "namespaces/uts",
    "mesos.image": "filesystem/linux",
    "rlimit_info": "posix/rlimits",
    "network_infos": None,
    "tty_info": ANY,
    "linux_info.effective_capabilities": "linux/capabilities",
    "linux_info.bounding_capabilities": "linux/capabilities",
    "linux_info.capability_info": "linux/capabilities",
    "linux_info.share_pid_namespace": "namespaces/pid",
    "linux_info.ipc_mode": "namespaces/ipc",
    "linux_info.shm_size": "namespaces/ipc",
    "linux_info.seccomp": None,
    "linux_info.share_cgroups": ANY,
}
_NETWORK_PARTS = ("name", "port_mappings", "ip_addresses")
TERMINAL_MAX = 65_535  # rows, or columns
LIMITED = {"cpus": "cgroups/cpu", "mem": "cgroups/mem"}


def asked(config: ContainerConfig) -> Fields:
    """What ``config`` says of its container; nothing, if it has none."""
    return Fields(config.container.value if config.container is not None else {}, "container")


def wants_streams(config: ContainerConfig) -> bool:
    """Whether its input and output can be attached to."""
    return config.has_streams or has_tty(config)


def has_tty(config: ContainerConfig) -> bool:
    """Whether these are a terminal."""
    return asked(config).has("tty_info")


def terminal_size(config: ContainerConfig) -> tuple[int, int] | None:
    """Rows and columns of the terminal that it asks for; None, if it asks for none. Raises: InvalidRequest."""
    if not has_tty(config):
        return None
    size = asked(config).message("tty_info").message_or_empty("window_size")
    numbers = [size.unsigned(name) if size.has(name) else 0 for name in ("rows", "columns")]
    for name, number in zip(("rows", "columns"), numbers, strict=True):
        if number > TERMINAL_MAX:
            raise InvalidRequest(f"{size.where(name)}: got {number}, and a terminal has {TERMINAL_MAX} at most")
    return numbers[0], numbers[1]


def refuse_unhonoured(config: ContainerConfig, isolation: Collection[str]) -> None:
    """Raises: InvalidRequest for what a container asks for that none of the isolators ``isolation`` honours."""
    if config.command.uris:
        raise InvalidRequest("launch: nothing is fetched for this container; have its command fetch its files")
    for name, limit in config.limits:
        if LIMITED.get(name) not in isolation and limit != float("inf"):
            raise InvalidRequest(
                f"launch: a limit of {name} is not enforced by this agent; leave it out, or start the agent with "
                f"--isolation={LIMITED.get(name)}"
            )
    container = asked(config)
    if container.text("type", "MESOS") != "MESOS" or container.has("docker"):
        raise InvalidRequest(f"launch: {_DOCKER}")
    for field, isolator in HONOURED.items():
        outer, _, inner = field.rpartition(".")
        fields = container.message_or_empty(outer) if outer else container
        if not _is_asked(fields, inner):
            continue
        if isolator is None:
            raise InvalidRequest(f"launch: {container.where(field)} is honoured by no agent yet; leave it out")
        if isolator != ANY and isolator not in isolation:
            raise InvalidRequest(
                f"launch: {container.where(field)} is not honoured by this agent; leave it out, or start the agent "
                f"with --isolation={isolator}"
            )


def _is_asked(fields: Fields, name: str) -> bool:
    if name == "network_infos":  # one that names no network is of the machine's, as without any
        return any(each.has(part) for each in fields.messages(name) for part in _NETWORK_PARTS)
    return fields.has(name) and any(True for _ in fields.entries(name))
