"""Containers: the little of a ContainerInfo that rules are about, read from its document."""

# Who calls: validation_tasks.py, validation_groups.py, validation_executors.py.
# Invariant: a container of which ``container_problem`` is None can be read by ``container_facts`` without error.
# Source: Mesos include/mesos/v1/mesos.proto (ContainerInfo), src/common/validation.cpp (validateContainerInfo,
#   validateVolume).

from dataclasses import dataclass

from .documents import FrozenDocument, document_problem
from .errors import InvalidRequest
from .fields import Fields

_MODES = ("RW", "RO")
_SOURCES = ("host_path", "image", "source")  # of a volume


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What rules ask of a container; ``share_cgroups`` is None if nothing is said of it, which is as true."""

    type: str = ""
    has_image: bool = False
    has_networks: bool = False
    share_cgroups: bool | None = None

    @property
    def is_docker(self) -> bool:
        """Whether Docker runs it."""
        return self.type == "DOCKER"


def container_facts(document: FrozenDocument | None) -> ContainerFacts:
    """Return what a container says; without one, nothing. Raises: InvalidRequest, if it is malformed."""
    if document is None:
        return ContainerFacts()
    fields = Fields(document.value, "container")
    linux = fields.message_or_empty("linux_info")
    return ContainerFacts(
        type=fields.text("type", ""),
        has_image=fields.message_or_empty("mesos").has("image"),
        has_networks=any(True for _ in fields.messages("network_infos")),
        share_cgroups=linux.boolean("share_cgroups") if linux.has("share_cgroups") else None,
    )


def container_problem(document: FrozenDocument | None) -> str | None:
    """Return the first rule that a container breaks, as the end of a sentence; None if it breaks none."""
    problem = document_problem("container", document)
    if document is None or problem is not None:
        return problem
    try:
        container_facts(document)
        return _problem(Fields(document.value, "container"))
    except InvalidRequest as error:
        return f"has a container that cannot be read: {error}"


def _problem(fields: Fields) -> str | None:
    kind = fields.text("type", "")
    if kind not in ("DOCKER", "MESOS"):
        return f"has a container of type {kind[:80]!r}; say MESOS or DOCKER"
    if kind == "DOCKER":
        if not fields.has("docker"):
            return "has a container of type DOCKER without docker; say at least its image"
        docker = fields.message("docker")
        docker.text("image")
        for parameter in docker.messages("parameters"):
            if parameter.text("key") == "name":
                return "has a Docker container with the parameter 'name', which agents give; leave it out"
    for volume in fields.messages("volumes"):
        volume.text("container_path")
        if volume.text("mode") not in _MODES:
            return f"has a volume of mode {volume.text('mode')[:80]!r}; say RW or RO"
        named = [name for name in _SOURCES if volume.has(name)]
        if len(named) > 1:
            return f"has a volume with {' and '.join(named)}; say where it comes from once"
    return None
