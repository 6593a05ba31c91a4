"""`mesoslite master`: a master by itself, for agents of other programs, until Ctrl-C."""

from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .allocator_options import (
    AllocationInterval,
    AllocatorName,
    FairnessExcluded,
    FrameworkSorter,
    MinAllocatable,
    Patience,
    ProbeEvery,
    RoleSorter,
    policy_source,
)
from .authentication_options import (
    AuthenticateFrameworks,
    AuthenticateReadonly,
    AuthenticateReadwrite,
    Credentials,
    Rules,
    authentication,
    rules,
)
from .dev import RegistryFile
from .failure import fail, refuse, refuse_os, say, warn
from .master_options import (
    AgentAge,
    AgentCount,
    ClusterName,
    CompletedFrameworks,
    CompletedTasks,
    FrameworkMetrics,
    GcInterval,
    HeartbeatInterval,
    OfferTimeout,
    PingTimeout,
    PingTimeouts,
    RecoveryLimit,
    RemovalRate,
    RequireDomain,
    ReregisterTimeout,
    Roles,
    RootSubmissions,
    UnreachableTasks,
    WebuiDir,
    Whitelist,
    agent_options,
    check_web_page,
    master_options,
)
from .node_options import (
    MASTER_ADDRESS,
    Advertise,
    Domain,
    Host,
    Hostname,
    LogDir,
    LoggingLevel,
    SecretFile,
    begin_logging,
    check_texts,
    read_domain,
    remote,
)
from .prompt import prompt
from .signals import stop_signals
from .state_cache import StateCache, set_state_cache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.cluster import MasterNode


def master(
    address: Annotated[
        str, typer.Option(help="Where agents find it; the host is a number.", metavar="HOST:PORT")
    ] = MASTER_ADDRESS,
    advertise: Advertise = None,
    secret_file: SecretFile = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the HTTP API; 0 takes any free one.", min=0, max=65535)] = 5050,
    hostname: Hostname = "",
    cluster: ClusterName = None,
    domain: Domain = None,
    require_agent_domain: RequireDomain = False,
    registry: RegistryFile = None,
    roles: Roles = None,
    root_submissions: RootSubmissions = True,
    credentials: Credentials = None,
    authenticate_http_readonly: AuthenticateReadonly = False,
    authenticate_http_readwrite: AuthenticateReadwrite = False,
    authenticate_http_frameworks: AuthenticateFrameworks = False,
    acls: Rules = None,
    whitelist: Whitelist = None,
    offer_timeout: OfferTimeout = None,
    heartbeat_interval: HeartbeatInterval = None,
    max_completed_frameworks: CompletedFrameworks = None,
    max_completed_tasks_per_framework: CompletedTasks = None,
    max_unreachable_tasks_per_framework: UnreachableTasks = None,
    publish_per_framework_metrics: FrameworkMetrics = True,
    agent_ping_timeout: PingTimeout = None,
    max_agent_ping_timeouts: PingTimeouts = None,
    agent_reregister_timeout: ReregisterTimeout = None,
    agent_removal_rate_limit: RemovalRate = None,
    recovery_agent_removal_limit: RecoveryLimit = None,
    registry_gc_interval: GcInterval = None,
    registry_max_agent_age: AgentAge = None,
    registry_max_agent_count: AgentCount = None,
    allocator: AllocatorName = "hierarchical",
    allocation_interval: AllocationInterval = 1.0,
    role_sorter: RoleSorter = None,
    framework_sorter: FrameworkSorter = None,
    min_allocatable_resources: MinAllocatable = None,
    fair_sharing_excluded_resource_names: FairnessExcluded = None,
    probe_every: ProbeEvery = None,
    patience: Patience = None,
    state_cache: StateCache = None,
    webui_dir: WebuiDir = None,
    logging_level: LoggingLevel = "WARNING",
    log_dir: LogDir = None,
) -> None:
    """Run a master for agents of other programs.

    They join it with `mesoslite agent`; it runs until Ctrl-C.

    Killed and started again with the same --registry it has its agents back, with their tasks, within seconds.
    Without --registry it keeps that in memory, and knows them by what they say.

    Exit status: 0 after Ctrl-C or SIGTERM, 1 if it cannot start, fails, or another master has taken the registry over,
    2 for options that can never work.
    """
    given = dict(locals())
    begin_logging(logging_level, "master", log_dir)
    check_texts(address=address, advertise=advertise, secret_file=secret_file, host=host, hostname=hostname)
    check_texts(registry=registry, whitelist=whitelist, webui_dir=webui_dir, cluster=cluster)
    if webui_dir is not None:
        check_web_page(webui_dir)
    set_state_cache(state_cache)
    stops: SimpleQueue[int | None] = SimpleQueue()  # signals; None: the master has stopped
    with stop_signals(stops.put), prompt():
        _serve(_node(given), stops, secret_file)


def _node(given: "Mapping[str, Any]") -> "MasterNode":
    """The master that these options describe, by their names. The command ends, if they can never work."""
    from mesoslite.cluster import MasterNode
    from mesoslite.model import InvalidRequest

    acls, domain = rules(given["acls"]), read_domain(given["domain"])
    try:
        return MasterNode(
            remote(given["address"], given["advertise"], given["secret_file"]),
            host=given["host"],
            port=given["port"],
            hostname=given["hostname"],
            flags=given,
            authentication=authentication(
                "--credentials",
                given["credentials"],
                readonly=given["authenticate_http_readonly"],
                readwrite=given["authenticate_http_readwrite"],
                frameworks=given["authenticate_http_frameworks"],
                acls=acls,
            ),
            registry=given["registry"],
            whitelist=given["whitelist"] if given["whitelist"] != "*" else None,
            options=master_options(given, acls, domain),
            agents=agent_options(given),
            allocation_interval=given["allocation_interval"],
            allocator=policy_source(
                given["allocator"],
                domain.region if domain is not None else None,
                role_sorter=given["role_sorter"],
                framework_sorter=given["framework_sorter"],
                min_allocatable=given["min_allocatable_resources"],
                fairness_excluded=given["fair_sharing_excluded_resource_names"],
                probe_every=given["probe_every"],
                patience=given["patience"],
            ),
        )
    except InvalidRequest as error:
        refuse(error)


def _serve(node: "MasterNode", stops: "SimpleQueue[int | None]", secret_file: str | None) -> None:
    """Run the master until it is told to stop."""
    from mesoslite.api import loopback_hosts
    from mesoslite.model import InvalidRequest, MasterEnded

    try:
        node.start()
    except InvalidRequest as error:  # the allocation policy cannot be made
        refuse(error)
    except MasterEnded as error:
        fail(str(error))
    except OSError as error:
        refuse_os(error)
    try:
        node.stopped.on_any(lambda stopped: stops.put(None))
        say(f"Master at {node.url}, agents find it at {node.address}")
        option = f" --secret-file {secret_file}" if secret_file else ""
        say(f"Next, on each machine:  mesoslite agent --master {node.address}{option}")
        say("Ctrl-C ends it; agents and their tasks go on, and wait for the next one")
        if loopback_hosts(node.host) is None:
            warn(
                f"--host {node.host} is not on loopback: anybody who reaches {node.url} can run commands on all agents"
            )
        failed = stops.get() is None
    finally:
        node.close()
    if failed:
        fail(f"the master has stopped by itself: {node.stopped.get() or 'no reason was given'}")
