"""Which mesoslite this is, and which version of Mesos's API it speaks."""

from functools import cache

API_VERSION = "1.12.0"  # numeric, because clients of Mesos parse it


@cache
def software_version() -> str:
    """The version of the installed mesoslite; its one home is setup.cfg."""
    from importlib import metadata  # takes longer to import than all of the model

    return metadata.version("mesoslite")
