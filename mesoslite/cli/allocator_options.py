"""Options of the allocator on the command line: which policy, and what is said to ours."""

# Who calls: dev.py and master.py. The names are Mesos's flags'; what is left out is None and takes the policy's own
#   default.

from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from mesoslite.allocator import PolicyFactory

AllocatorName: TypeAlias = Annotated[
    str, typer.Option(help="Allocation policy: hierarchical, or the name that an installed package gives its own.")
]
AllocationInterval: TypeAlias = Annotated[
    float, typer.Option(help="Seconds between two runs of the allocator for what was given back.")
]
RoleSorter: TypeAlias = Annotated[
    str | None, typer.Option(help="Order among roles: drf (default), random, or an installed one's name.")
]
FrameworkSorter: TypeAlias = Annotated[
    str | None, typer.Option(help="Order among the frameworks of a role; as --role-sorter.")
]
MinAllocatable: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Offers contain at least one of these; cpus:0.01|mem:32 by default, '' for any offer."),
]
FairnessExcluded: TypeAlias = Annotated[
    str | None, typer.Option(help="Resources that do not count in shares, parted by commas; none by default.")
]
ProbeEvery: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Of so many grants, one asks first who hands back all it is offered; 8 by default, 0: none."),
]
Patience: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Offers that a framework hands back before others are asked first for as much; 5 by default."),
]

FLAGS = {
    "role_sorter": "--role-sorter",
    "framework_sorter": "--framework-sorter",
    "min_allocatable": "--min-allocatable-resources",
    "fairness_excluded": "--fair-sharing-excluded-resource-names",
    "probe_every": "--probe-every",
    "patience": "--patience",
}


def policy_source(name: str, region: str | None = None, **options: str | int | None) -> "str | PolicyFactory":
    """Return the name of a policy, or what makes ours with the options that were given, for a master in ``region``.

    Another policy is not told where the master is.

    Raises: InvalidRequest, for an option that can never work, and for one of ours beside another policy.
    """
    from mesoslite.allocator import DEFAULT_POLICY, HierarchicalAllocator
    from mesoslite.model import InvalidRequest

    given = {option: value for option, value in options.items() if value is not None}
    if name != DEFAULT_POLICY and given:
        flags = ", ".join([FLAGS[option] for option in given])
        raise InvalidRequest(f"{flags}: only the allocator {DEFAULT_POLICY} takes it, and {name!r} is asked for")
    for option, value in given.items():  # so that it is refused at once, and by its name
        try:
            HierarchicalAllocator(**{option: value})  # type: ignore[arg-type]
        except InvalidRequest as error:
            raise InvalidRequest(f"{FLAGS[option]} {value}: {error}") from error
    if name != DEFAULT_POLICY or (not given and region is None):
        return name
    return partial(HierarchicalAllocator, region=region, **given)  # type: ignore[arg-type]
