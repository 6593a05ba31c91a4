"""Which mesoslite this is, and which version of Mesos's API it speaks."""

from functools import cache
from importlib import metadata

API_VERSION = "1.12.0"  # numeric, because clients of Mesos parse it


@cache
def software_version() -> str:
    """The version of the installed mesoslite; its one home is setup.cfg."""
    return metadata.version("mesoslite")
