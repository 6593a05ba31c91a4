"""What a container that could not be started is told: which instruction failed, why, and what to do."""

# Who calls: supervised.py, with what a supervisor has written; fetching/, for what is launched after it was fetched.

import os

from .container_directory import Status

_SHOWN_MAX = 200
_CAUSES = {
    "run": ("cannot start {0!r}", "install the program, or correct its name, its mode or its arguments"),
    "enter": ("cannot enter the directory {0!r}", "create it"),
    "append": ("cannot open {1!r} for its output", "see that a plain file can be there, and that the disk is not full"),
    "rotate": ("cannot open its output in {1!r}", "see that plain files can be there, and that the disk is not full"),
    "read": ("cannot open {1!r} for its input", "see that it is there"),
    "user": ("cannot become user {0}", "only root can start a program as another user"),
    "write": ("cannot write {0!r}", "see that the cgroup is there, and open to the agent"),
    "mount": ("cannot mount anything at {1!r}", "see that it is there, and that the agent is root"),
    "bind": (
        "cannot mount what is at {1!r} in {0!r} at {3!r} in {2!r}",
        "see that both are there, that no links lead there, and that the agent is root",
    ),
    "namespaces_of": (
        "cannot enter the container",
        "see whether it has just ended, or has made a user namespace of its own; it takes Linux 5.8",
    ),
    "join": ("cannot enter the namespaces of another container", "that takes root, and Linux 5.8"),
    "pivot": ("cannot make {0!r} the root", "see that it is a mount point"),
    "script": (
        "its supervisor was not told well: {0}",
        "see that it was built from this release, and that nobody else writes to the runtime directory",
    ),
}
_ADVICE = "see that the agent has the rights of root, and the machine processes and memory free"


def failure_message(status: Status) -> str:
    """The words for a ``status`` without an exit status."""
    arguments = [argument[:_SHOWN_MAX] for argument in status.arguments]
    what, advice = _CAUSES.get(status.instruction, ("", ""))
    try:
        what = what.format(*arguments)
    except IndexError:  # there was no room to tell all of them
        what = ""
    if not what:
        what, advice = " ".join([status.instruction, *arguments]), _ADVICE
    return f"Task could not be started: launch: {what}: {os.strerror(status.error)}; {advice}"


def error_message(error: Exception) -> str:
    """The words for what ``Containerizer.launch`` has raised."""
    text = str(error)
    if isinstance(error, OSError):
        text = f"{error.strerror or error}"
        if error.filename is not None:
            text += f": {str(error.filename)!r}"
    return f"Task could not be started: {text}"
