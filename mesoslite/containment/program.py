"""Program: what the command of a container comes to: a file, its arguments and its variables, and whose it is."""

# Who calls: each containerizer, for each launch, so that a change of the machine's users and of the agent's environment
#   counts from then on.

from collections.abc import Mapping
from dataclasses import dataclass

from mesoslite.model import ContainerConfig

from .accounts import Account, find_account
from .environment import inherited_environment
from .processes import MARK_VARIABLE

SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True)
class Program:
    """``file`` is looked for on the PATH of ``variables`` if it has no slash; ``arguments`` begin with a name for it.

    ``account`` is None if it runs as the agent does.
    """

    file: str
    arguments: tuple[str, ...]
    variables: dict[str, str]
    account: Account | None


def program_of(config: ContainerConfig, given: Mapping[str, str] | None) -> Program:
    """What ``config`` says is to be run. Raises: NotFound, if there is no such user.

    ``given`` are the variables of all containers in place of the agent's own; None: these, and then the account's.
    """
    command = config.command
    file = SHELL if command.shell else command.value
    arguments = (SHELL, "-c", command.value) if command.shell else command.arguments or (command.value,)
    account = find_account(config.user)
    whose = account.environment if account is not None else {}
    base = {**inherited_environment(), **whose} if given is None else {**whose, **given}
    variables = {**base, **dict(config.environment), **dict(command.environment)}
    variables[MARK_VARIABLE] = config.container_id
    return Program(file, arguments, variables, account)
