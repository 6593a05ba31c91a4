"""Accounts: the user of this machine that a container runs as, if it is not the agent's own, and what is given it."""

# Who calls: program.py and the containerizers, for each launch, so that a change of the machine's users counts from
#   then on.
# Only root can become somebody else; any other agent runs everything as itself, like Mesos with --no-switch_user.
# Source: Mesos src/slave/containerizer/mesos/launch.cpp, src/slave/paths.cpp (createExecutorDirectory).

import errno
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
    """Make ``sandbox`` the account's own; one that is another's already, for what it runs is checked, stays so.

    Raises: PermissionError, if the account could not reach it, because a directory above it is closed to it.
    """
    for directory in reversed(Path(sandbox).resolve().parents):
        if not _can_enter(os.stat(directory), account.identity):
            raise PermissionError(
                f"launch: user {account.name!r} cannot enter {str(directory)!r}, which leads to the sandbox; "
                "choose another work directory, or make this one searchable (chmod o+x)"
            )
    if os.lstat(sandbox).st_uid == os.geteuid():
        os.chown(sandbox, account.identity.user, account.identity.group, follow_symlinks=False)


def open_output(path: str, account: Account | None) -> int:
    """A descriptor to append to a file of a sandbox, which is made the account's own if it is not there.

    Who has run there may have put anything in its place: what is no plain file, or has other names elsewhere, is
    refused, and nothing that is there is given away. Twin: open_output of csrc/supervisor/instructions.c.
    Raises: OSError.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    is_new = True
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        is_new, descriptor = False, os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise PermissionError(errno.EPERM, "it is no plain file of this sandbox; remove it", path)
        if is_new and account is not None:
            os.fchown(descriptor, account.identity.user, account.identity.group)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _can_enter(directory: os.stat_result, identity: Identity) -> bool:
    """Whether the mode of a directory lets one search it; access lists are not asked."""
    if directory.st_uid == identity.user:
        return bool(directory.st_mode & stat.S_IXUSR)
    if directory.st_gid == identity.group or directory.st_gid in identity.groups:
        return bool(directory.st_mode & stat.S_IXGRP)
    return bool(directory.st_mode & stat.S_IXOTH)
