"""Resources: what an agent is given to offer, as text or as it is."""

# Who calls: cluster.py and nodes.py.

from mesoslite.model import InvalidResources, Resources, validate_agent_resources


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
