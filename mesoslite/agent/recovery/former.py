"""Former: the port of the agent that was here, for one that may have any."""

# Who calls: composition roots, before the agent is made. Executors look for it where it was, and so do people.

from contextlib import suppress

from ..checkpoints import BadCheckpoint, Reader


def former_port(work_directory: str) -> int | None:
    """Return the port of the agent whose life is gone on with there; None if there was none, or nobody can tell."""
    with suppress(BadCheckpoint, OSError):  # the agent itself says so, as it begins
        info = Reader(work_directory, strict=True).agent()
        return info.port if info is not None else None
    return None
