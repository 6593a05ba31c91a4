"""Copies of shared volumes: several may use one volume, which is there once."""

# Who calls: validation of tasks, whose volumes need be offered only once; the books of masters and agents.
# Source: Mesos src/master/master.cpp (_accept, offeredSharedResources), src/common/resources.cpp (sharedCount).

from msgspec.structs import replace

from .resources import Resources


def once(resources: Resources) -> Resources:
    """Return all of it, of shared volumes one copy each."""
    if not resources.others or all(portion.copies == 1 for portion in resources.others if portion.kind.shared):
        return resources
    volumes = [replace(portion, copies=1) for portion in resources.others if portion.kind.shared]
    return resources.not_shared() + Resources.from_portions(volumes)


def without_used(resources: Resources, used: Resources) -> Resources:
    """Return what is left when ``used`` is taken away, of shared volumes no more copies than there are.

    Raises: InsufficientResources, if the rest of ``used`` is not contained.
    """
    if not used.others:
        return resources - used
    return resources.not_shared() - used.not_shared() + used.shared().shortfall(resources.shared())
