"""Options of a master on the command line, under the names of Mesos's flags."""

# Who calls: master.py. What is left out is None and takes the default of MasterOptions or AgentOptions.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import fail, refuse_bytes
from .values import part, rate, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.master import AgentOptions, MasterOptions
    from mesoslite.model import Acls, FaultDomain

Roles: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Roles that are served beside *, with commas; any by default, and none but * if empty.", show_default=False
    ),
]
RequireDomain: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--require-agent-domain/--no-require-agent-domain", help="Whether agents that say no --domain are kept out."
    ),
]
RootSubmissions: TypeAlias = Annotated[
    bool, typer.Option("--root-submissions/--no-root-submissions", help="Whether frameworks may run tasks as root.")
]
Whitelist: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="File with the hosts whose agents are offered, one a line, read every five seconds; all by default, or *.",
        metavar="PATH",
    ),
]
ClusterName: TypeAlias = Annotated[
    str | None, typer.Option(help="Name of the cluster, for people, as /state and the web page show it.")
]
WebuiDir: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Directory with a web page to serve, such as Mesos's share/mesos/webui.", metavar="PATH"),
]
OfferTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time after which an offer that nobody answers is rescinded; never by default.", metavar="DURATION"
    ),
]
HeartbeatInterval: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Time between two HEARTBEATs on a stream of events; 15secs by default.", metavar="DURATION"),
]
CompletedFrameworks: TypeAlias = Annotated[
    int | None, typer.Option(help="Frameworks that are remembered when they are over; 50 by default.")
]
CompletedTasks: TypeAlias = Annotated[
    int | None, typer.Option(help="Tasks of each that are remembered when they are over; 1000 by default.")
]
UnreachableTasks: TypeAlias = Annotated[
    int | None, typer.Option(help="Tasks of each on lost agents that are remembered; 1000 by default.")
]
FrameworkMetrics: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--publish-per-framework-metrics/--no-publish-per-framework-metrics",
        help="Whether there are metrics of each framework, some 60 of each.",
    ),
]
PingTimeout: TypeAlias = Annotated[
    str | None, typer.Option(help="Time between two pings of an agent; 15secs by default.", metavar="DURATION")
]
PingTimeouts: TypeAlias = Annotated[
    int | None, typer.Option(help="Pings that an agent may miss before it counts as unreachable; 5 by default.")
]
ReregisterTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Time that agents have to come back, at least 10mins, which is the default.", metavar="DURATION"),
]
RemovalRate: TypeAlias = Annotated[
    str | None, typer.Option(help="How fast agents may be given up, such as 1/10mins; without limit by default.")
]
RecoveryLimit: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Part of the agents that may be missing after a failover, such as 25%; 100% by default."),
]
GcInterval: TypeAlias = Annotated[
    str | None, typer.Option(help="Time between two looks for agents to forget; 15mins by default.", metavar="DURATION")
]
AgentAge: TypeAlias = Annotated[
    str | None, typer.Option(help="Time after which a lost agent is forgotten; 2weeks by default.", metavar="DURATION")
]
AgentCount: TypeAlias = Annotated[
    int | None, typer.Option(help="Lost agents that are remembered at most; 102400 by default.")
]


COUNTS = ("max_completed_frameworks", "max_completed_tasks_per_framework", "max_unreachable_tasks_per_framework")
READERS: "dict[str, Callable[[str, str], Any]]" = {
    "agent_ping_timeout": seconds,
    "agent_reregister_timeout": seconds,
    "agent_removal_rate_limit": rate,
    "recovery_agent_removal_limit": part,
    "registry_gc_interval": seconds,
    "registry_max_agent_age": seconds,
}


def check_web_page(directory: str) -> None:
    """End the command unless there is a web page in ``directory``."""
    from mesoslite.api.web_pages import INDEX

    if not (Path(directory) / INDEX).is_file():
        fail(f"--webui-dir {directory}: there is no {INDEX}; give the directory that has Mesos's, with app and assets")


def master_options(given: "Mapping[str, Any]", acls: "Acls", domain: "FaultDomain | None") -> "MasterOptions":
    """Return the options of a master, of those that were given, with ``acls`` and its ``domain``.

    Raises: InvalidRequest, for what can never work.
    """
    from mesoslite.master import MasterOptions

    options = {name: given[name] for name in COUNTS if given[name] is not None}
    if given["roles"] is not None:
        refuse_bytes("--roles", given["roles"])
        options["roles"] = frozenset([role.strip() for role in given["roles"].split(",") if role.strip()])
    for name in ("offer_timeout", "heartbeat_interval"):
        if given[name] is not None:
            options[name] = seconds(f"--{name.replace('_', '-')}", given[name])
    flags = {
        name: given[name] for name in ("root_submissions", "publish_per_framework_metrics", "require_agent_domain")
    }
    authenticated = given["authenticate_http_frameworks"]
    return MasterOptions(authenticated_frameworks=authenticated, acls=acls, domain=domain, **flags, **options)


def agent_options(given: "Mapping[str, Any]") -> "AgentOptions":
    """Return how a master treats its agents, likewise."""
    from mesoslite.master import AgentOptions

    options: dict[str, Any] = {}
    for name in AgentOptions.__struct_fields__:
        value = given[name]
        if isinstance(value, str):
            options[name] = READERS[name](f"--{name.replace('_', '-')}", value)
        elif value is not None:
            options[name] = value
    return AgentOptions(**options)
