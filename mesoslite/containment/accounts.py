"""Accounts: the user of this machine that a container runs as, if it is not the agent's own."""

# Who calls: program.py, for each launch, so that a change of the machine's users counts from then on.
# Only root can become somebody else; any other agent runs everything as itself, like Mesos with --no-switch_user.
# Source: Mesos src/slave/containerizer/mesos/launch.cpp, src/slave/paths.cpp (createExecutorDirectory).

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from libactor.subprocess import Identity
from mesoslite.model import NotFound


@dataclass(frozen=True, slots=True)
class Account:
    """A user other than the agent's own."""

    name: str
    home: str
    identity: Identity

    @property
    def environment(self) -> dict[str, str]:
        """The variables that say whose a process is."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def find_account(user: str) -> Account | None:
    """The account of that name; None if a container for it runs as the agent itself, as for "" and root.

    Raises: NotFound, if the machine has no such user.
    """
    if not user or os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError) as error:  # ValueError: text with a zero byte
        raise NotFound(
            f"launch: this machine has no user {user!r}; make the account, or have the framework name another"
        ) from error
    if entry.pw_uid == 0:
        return None
    groups = tuple(os.getgrouplist(user, entry.pw_gid))
    return Account(user, entry.pw_dir, Identity(entry.pw_uid, entry.pw_gid, groups))


def give_sandbox(sandbox: str, account: Account) -> None:
    """Make ``sandbox`` the account's own.

    Raises: PermissionError, if the account could not reach it, because a directory above it is closed to it.
    """
    for directory in reversed(Path(sandbox).resolve().parents):
        if not _can_enter(os.stat(directory), account.identity):
            raise PermissionError(
                f"launch: user {account.name!r} cannot enter {str(directory)!r}, which leads to the sandbox; "
                "choose another work directory, or make this one searchable (chmod o+x)"
            )
    os.chown(sandbox, account.identity.user, account.identity.group)


def _can_enter(directory: os.stat_result, identity: Identity) -> bool:
    """Whether the mode of a directory lets one search it; access lists are not asked."""
    if directory.st_uid == identity.user:
        return bool(directory.st_mode & stat.S_IXUSR)
    if directory.st_gid == identity.group or directory.st_gid in identity.groups:
        return bool(directory.st_mode & stat.S_IXGRP)
    return bool(directory.st_mode & stat.S_IXOTH)
