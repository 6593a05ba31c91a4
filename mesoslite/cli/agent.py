"""`mesoslite agent`: an agent by itself, which joins a master of another program, until Ctrl-C."""

import os
import signal
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .agent_options import (
    DiskWatchInterval,
    ExecutorRegistrationTimeout,
    ExecutorReregistrationTimeout,
    ExecutorShutdownGracePeriod,
    GcDelay,
    GcDiskHeadroom,
    HttpHeartbeatInterval,
    ReconfigurationPolicy,
    Recover,
    RecoveryTimeout,
    Strict,
    executor_options,
    garbage_options,
    heartbeat_options,
    recovery_options,
)
from .authentication_options import (
    AuthenticateExecutors,
    AuthenticateReadonly,
    AuthenticateReadwrite,
    Credentials,
    JwtSecretKey,
    Rules,
    authentication,
    rules,
)
from .container_logger_options import (
    ContainerLogger,
    LogrotateStderrOptions,
    LogrotateStdoutOptions,
    MaxStderrSize,
    MaxStdoutSize,
)
from .failure import USAGE, fail, refuse, refuse_bytes, refuse_os, say, warn
from .fetcher_options import FetcherCacheDir, FetcherCacheSize, FetcherStallTimeout, FrameworksHome
from .isolation_options import (
    BoundingCapabilities,
    CgroupsCfsBurst,
    CgroupsEnableCfs,
    CgroupsLimitSwap,
    CgroupsPidsMax,
    CgroupsRoot,
    ContainerDiskWatchInterval,
    EffectiveCapabilities,
    EnforceContainerDiskQuota,
    ExecutorEnvironmentVariables,
    ImagesDir,
    Isolation,
    Launcher,
    RevocableCpuLowPriority,
    RuntimeDir,
    containment_options,
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.api import Authentication
    from mesoslite.cluster import AgentNode
    from mesoslite.model import Attribute

BEGUN = 0  # among the numbers of signals, of which none has it: the agent has recovered, and looks for its master
MasterPlace: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Where the master is: its --address, or a name of that host, and the port.",
        metavar="HOST:PORT",
        envvar="MESOSLITE_MASTER_ADDRESS",
    ),
]
Offered: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What the agent offers, such as cpus:2;mem:1024, mem and disk in MiB; what is left out of cpus, mem, "
        "disk and ports is what the machine has.",
        show_default=False,
    ),
]

Attributes: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What frameworks may choose it by, such as rack:r1;ssd:true;cores:[0-7];zones:{a,b}.", show_default=False
    ),
]


def agent(
    master: MasterPlace = MASTER_ADDRESS,
    resources: Offered = "",
    attributes: Attributes = "",
    domain: Domain = None,
    work_dir: Annotated[
        str, typer.Option(help="Where sandboxes go; each agent has its own.", metavar="PATH")
    ] = "/tmp/mesoslite-agent",
    address: Annotated[
        str, typer.Option(help="Where the master finds it; the host is a number.", metavar="HOST:PORT")
    ] = "127.0.0.1:0",
    advertise: Advertise = None,
    secret_file: SecretFile = None,
    host: Host = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port of the HTTP API; 0 takes the one it had, or any free one.", min=0, max=65535)
    ] = 5051,
    hostname: Hostname = "",
    http_credentials: Credentials = None,
    authenticate_http_readonly: AuthenticateReadonly = False,
    authenticate_http_readwrite: AuthenticateReadwrite = False,
    authenticate_http_executors: AuthenticateExecutors = False,
    jwt_secret_key: JwtSecretKey = None,
    acls: Rules = None,
    recover: Recover = "reconnect",
    strict: Strict = True,
    reconfiguration_policy: ReconfigurationPolicy = "equal",
    executor_registration_timeout: ExecutorRegistrationTimeout = None,
    executor_shutdown_grace_period: ExecutorShutdownGracePeriod = None,
    executor_reregistration_timeout: ExecutorReregistrationTimeout = None,
    recovery_timeout: RecoveryTimeout = None,
    http_heartbeat_interval: HttpHeartbeatInterval = None,
    gc_delay: GcDelay = None,
    gc_disk_headroom: GcDiskHeadroom = 0.1,
    disk_watch_interval: DiskWatchInterval = None,
    logging_level: LoggingLevel = "WARNING",
    log_dir: LogDir = None,
    launcher: Launcher = None,
    isolation: Isolation = None,
    runtime_dir: RuntimeDir = None,
    cgroups_root: CgroupsRoot = "mesos",
    cgroups_enable_cfs: CgroupsEnableCfs = False,
    cgroups_limit_swap: CgroupsLimitSwap = False,
    cgroups_cfs_burst: CgroupsCfsBurst = 0.0,
    cgroups_pids_max: CgroupsPidsMax = None,
    revocable_cpu_low_priority: RevocableCpuLowPriority = True,
    container_disk_watch_interval: ContainerDiskWatchInterval = None,
    enforce_container_disk_quota: EnforceContainerDiskQuota = False,
    images_dir: ImagesDir = None,
    executor_environment_variables: ExecutorEnvironmentVariables = None,
    container_logger: ContainerLogger = "sandbox",
    max_stdout_size: MaxStdoutSize = None,
    max_stderr_size: MaxStderrSize = None,
    logrotate_stdout_options: LogrotateStdoutOptions = None,
    logrotate_stderr_options: LogrotateStderrOptions = None,
    fetcher_cache_dir: FetcherCacheDir = None,
    fetcher_cache_size: FetcherCacheSize = None,
    fetcher_stall_timeout: FetcherStallTimeout = None,
    frameworks_home: FrameworksHome = None,
    effective_capabilities: EffectiveCapabilities = None,
    bounding_capabilities: BoundingCapabilities = None,
) -> None:
    """Run an agent for a master of another program.

    It runs until Ctrl-C or SIGUSR1, then ends its tasks and leaves the cluster. After SIGTERM, or when it was killed,
    tasks of frameworks that checkpoint run on, if its containers can: the next agent in --work-dir goes on with them.
    It waits for its master if that is not there yet, or not any more; tasks run on meanwhile.

    Exit status: 0 after Ctrl-C, SIGTERM or SIGUSR1, and when it has cleaned up; 1 if it cannot start, or is told to
    shut down; 2 for options that can never work.
    """
    _run(dict(locals()))


def _run(given: "Mapping[str, Any]") -> None:
    """Check what was ``given``, by name, and run the agent."""
    begin_logging(given["logging_level"], "slave", given["log_dir"])
    texts = ("master", "address", "advertise", "secret_file", "host", "hostname", "work_dir")
    check_texts(**{name: given[name] for name in (*texts, "runtime_dir", "images_dir")})
    master = given["master"]
    if "://" in master:
        fail(f"--master {master}: expected HOST:PORT, the --address of the master, not the URL of its HTTP API", USAGE)
    from mesoslite.model import InvalidRequest

    stops: SimpleQueue[int | None] = SimpleQueue()  # signals, BEGUN; None: the agent has stopped
    with stop_signals(stops.put, (signal.SIGUSR1,)), prompt():
        try:
            node = _node(given)
        except InvalidRequest as error:
            refuse(error)
        _serve(node, stops, given["work_dir"], cleans_up=given["recover"] == "cleanup")


def _node(given: "Mapping[str, Any]") -> "AgentNode":
    """The agent that the options ``given`` describe. Raises: InvalidRequest."""
    from mesoslite.cluster import AgentNode, boot_id

    return AgentNode(
        given["master"],
        remote(given["address"], given["advertise"], given["secret_file"]),
        resources=given["resources"],
        attributes=parse_attributes(given["attributes"]),
        domain=read_domain(given["domain"]),
        work_dir=given["work_dir"],
        host=given["host"],
        port=given["port"],
        hostname=given["hostname"],
        flags=given,
        recovery=recovery_options(given, boot_id()),
        garbage=garbage_options(given),
        executors=executor_options(given),
        authentication=_authentication(given),
        containment=containment_options(given),
        **heartbeat_options(given),
    )


def _authentication(given: "Mapping[str, Any]") -> "Authentication":
    """Whom its HTTP API lets in."""
    return authentication(
        "--http-credentials",
        given["http_credentials"],
        readonly=given["authenticate_http_readonly"],
        readwrite=given["authenticate_http_readwrite"],
        executors=given["authenticate_http_executors"],
        key=given["jwt_secret_key"],
        acls=rules(given["acls"]),
    )


def parse_attributes(text: str) -> "tuple[Attribute, ...]":
    """The attributes that ``text`` names, as name:value parted by semicolons. The command ends for another form."""
    from mesoslite.model import InvalidResources, parse_attribute

    refuse_bytes("--attributes", text)
    attributes = []
    for entry in text.split(";"):
        name, colon, value = entry.strip().partition(":")
        if not name and not colon:
            continue
        if not name or not value:
            fail(f"--attributes: got {entry.strip()!r}, expected name:value, parted by semicolons", USAGE)
        try:
            attributes.append(parse_attribute(name, value))
        except InvalidResources as error:
            fail(f"--attributes: {error}", USAGE)
    return tuple(attributes)


def _serve(node: "AgentNode", stops: "SimpleQueue[int | None]", work_dir: str, *, cleans_up: bool) -> None:
    """Run the agent until it is told to stop, or has cleaned up."""
    from mesoslite.model import InvalidRequest

    try:
        if Path(work_dir).exists() and not os.access(work_dir, os.W_OK | os.X_OK):
            fail(f"work directory {work_dir} cannot be written; give another by --work-dir")
        node.start()
    except InvalidRequest as error:
        refuse(error)
    except OSError as error:
        refuse_os(error)
    number: int | None = None
    try:
        node.stopped.on_any(lambda stopped: stops.put(None))
        node.begun.on_ready(lambda _: stops.put(BEGUN))
        number = stops.get()
        if number == BEGUN:
            _greet(node)
            number = stops.get()
    finally:
        if number == signal.SIGTERM:
            node.let_go()
        else:
            node.close()
    if number is None and cleans_up and not node.stopped.get():
        say("What an earlier agent had left is ended; the next one is new")
    elif number is None:
        fail(f"the agent has stopped by itself: {node.stopped.get() or 'its master told it to shut down'}")


def _greet(node: "AgentNode") -> None:
    """Say where it is, and when it is registered."""
    from mesoslite.api import loopback_hosts

    say(f"Agent at {node.url} of {node.resources}; sandboxes in {node.work_dir}")
    say(f"Looking for the master at {node.master_address}; Ctrl-C ends the agent and its tasks")
    if loopback_hosts(node.host) is None:
        warn(f"--host {node.host} is not on loopback: anybody who reaches {node.url} can read all sandboxes")
    node.registered.on_ready(lambda agent_id: say(f"Registered as {agent_id}"))
