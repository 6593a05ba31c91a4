"""Resources: what an agent is given to offer, as text or as it is."""

# Who calls: cluster.py and nodes.py.

from pathlib import Path

from mesoslite.containment.capacity import capacity_texts
from mesoslite.model import InvalidResources, Resources, validate_agent_resources


def completed_resources(text: str, work_dir: Path) -> Resources:
    """What an agent offers that was told ``text``: of cpus, mem, disk and ports what that leaves out is the machine's.

    Raises: InvalidResources, for what no agent can offer.
    """
    given = Resources.parse(text)
    lacking = [entry for name, entry in capacity_texts(work_dir).items() if name not in given.names]
    return checked_resources("agent", given + Resources.parse(";".join(lacking)))


def checked_resources(who: str, resources: object) -> Resources:
    """What agents of ``who`` offer. Raises: InvalidResources, for what no agent can offer."""
    if not isinstance(resources, (str, Resources)):
        raise InvalidResources(f"{who}: got {resources!r} as resources, expected text such as cpus:2;mem:1024")
    parsed = resources if isinstance(resources, Resources) else Resources.parse(resources)
    try:
        validate_agent_resources(parsed)
    except InvalidResources as error:
        raise InvalidResources(f"{who}: {error}") from error
    return parsed
