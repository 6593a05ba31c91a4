"""`mesoslite dev`: a master and agents in one process, until Ctrl-C."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, TypeAlias

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
from .failure import USAGE, fail, refuse, refuse_bytes, refuse_os, say, warn
from .prompt import prompt
from .signals import stop_signals

if TYPE_CHECKING:
    from mesoslite import Cluster, Resources

TAKEOVER = signal.SIGUSR1
MASTER_DEFAULT = "http://127.0.0.1:5050"  # of `mesoslite run` as well

RegistryFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="File that keeps what outlives the master, made if it is not there.",
        metavar="PATH",
    ),
]


def dev(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all, which anybody who reaches it may use.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port of the master's HTTP API; 0 takes any free one.", min=0, max=65535)
    ] = 5050,
    agents: Annotated[int, typer.Option(help="How many agents to run.")] = 1,
    masters: Annotated[
        int, typer.Option(help="How many masters to run, of which one leads; the others listen at the next ports.")
    ] = 1,
    resources: Annotated[str, typer.Option(help="What each agent offers; mem in MiB.")] = "cpus:2;mem:1024",
    hostname: Annotated[
        str, typer.Option(help="Name or address of this machine to tell others; left out, --host or its name.")
    ] = "",
    work_dir: Annotated[
        str | None,
        typer.Option(help="Where sandboxes go, and stay; left out, a temporary one is used.", metavar="PATH"),
    ] = None,
    registry: RegistryFile = None,
    allocator: AllocatorName = "hierarchical",
    allocation_interval: AllocationInterval = 0.1,
    role_sorter: RoleSorter = None,
    framework_sorter: FrameworkSorter = None,
    min_allocatable_resources: MinAllocatable = None,
    fair_sharing_excluded_resource_names: FairnessExcluded = None,
    probe_every: ProbeEvery = None,
    patience: Patience = None,
) -> None:
    """Run a master and its agents until Ctrl-C.

    Tasks are real processes of this machine. At the end all of them are killed and every port is free again.

    With --masters above 1, SIGUSR1 ends the master that leads as a crash would, and another one takes over.

    Exit status: 0 after Ctrl-C or SIGTERM, 1 if the cluster cannot start, its master fails or the output cannot be
    written, 2 for options that can never work.
    """
    from mesoslite import Cluster, InvalidRequest, Resources

    _check_texts(host, hostname, work_dir, registry)
    stops: SimpleQueue[int | None] = SimpleQueue()  # signals; None: the master has stopped
    with stop_signals(stops.put, also=(TAKEOVER,) if masters > 1 else ()), prompt():
        try:
            offered = Resources.parse(resources)
            cluster = Cluster(
                agents,
                offered,
                host=host,
                port=port,
                hostname=hostname,
                work_dir=work_dir,
                registry=registry,
                masters=masters,
                allocation_interval=allocation_interval,
                allocator=policy_source(
                    allocator,
                    role_sorter=role_sorter,
                    framework_sorter=framework_sorter,
                    min_allocatable=min_allocatable_resources,
                    fairness_excluded=fair_sharing_excluded_resource_names,
                    probe_every=probe_every,
                    patience=patience,
                ),
            )
        except InvalidRequest as error:
            refuse(error)
        except FileNotFoundError:
            fail(f"--work-dir {work_dir}: the directory that it starts from is gone; give one that begins with /")
        _start(cluster, work_dir)
        try:
            cluster.stopped.on_any(lambda stopped: stops.put(None))
            _greet(cluster, agents, offered)
            _warn_if_open(cluster, host)
            failed = _wait(cluster, stops)
        finally:
            cluster.close()
    if failed:
        fail(f"the master has stopped by itself: {cluster.stopped.get() or 'no reason was given'}")


def _check_texts(host: str, hostname: str, work_dir: str | None, registry: str | None) -> None:
    texts = (("--host", host), ("--hostname", hostname), ("--work-dir", work_dir or ""), ("--registry", registry or ""))
    for option, text in texts:
        refuse_bytes(option, text)
    if not host:
        fail("--host is empty; give an address, or leave it out", USAGE)
    if work_dir == "":
        fail("--work-dir is empty; give a directory, or leave it out", USAGE)
    if registry == "":
        fail("--registry is empty; give a file, or leave it out", USAGE)


def _start(cluster: "Cluster", work_dir: str | None) -> None:
    from libactor import Abandoned
    from mesoslite import InvalidRequest
    from mesoslite.model import MasterEnded

    try:
        if work_dir is not None and Path(work_dir).exists() and not os.access(work_dir, os.W_OK | os.X_OK):
            fail(f"work directory {work_dir} cannot be written; give another by --work-dir")
        cluster.start()
    except InvalidRequest as error:  # the allocation policy cannot be made
        refuse(error)
    except MasterEnded as error:
        fail(str(error))
    except TimeoutError as error:
        fail(f"the agents have not registered in time ({error}); is the machine overloaded?")
    except Abandoned:
        fail("an agent has failed as it started; the log above says why")
    except OSError as error:
        refuse_os(error)


def _greet(cluster: "Cluster", agents: int, offered: "Resources") -> None:
    option = "" if cluster.url == MASTER_DEFAULT else f" --master {cluster.url}"
    say(f"Master at {cluster.url} with {agents} agent{'s' * (agents != 1)} of {offered}")
    if len(cluster.urls) > 1:
        say(f"Masters that would take over at {', '.join(url for url in cluster.urls if url != cluster.url)}")
        say(f"To see one take over:  kill -USR1 {os.getpid()}")
    say(f"Sandboxes in {cluster.work_dir}")
    say(f"Next, in another terminal:  mesoslite run{option} 'echo hello from $MESOS_TASK_ID'")
    say("Ctrl-C ends everything")


def _wait(cluster: "Cluster", stops: "SimpleQueue[int | None]") -> bool:
    """Wait for the end, with as many takeovers as are asked for; return whether it has failed."""
    while (stop := stops.get()) == TAKEOVER:
        _take_over(cluster)
    return stop is None


def _take_over(cluster: "Cluster") -> None:
    """End the master that leads, and say who leads then."""
    from mesoslite.model import MasterEnded

    say(f"The master at {cluster.url} ends")
    with suppress(MasterEnded):  # nobody is left: the cluster says so
        cluster.fail_over()
        say(f"Master at {cluster.url} leads")


def _warn_if_open(cluster: "Cluster", host: str) -> None:
    from mesoslite.api import loopback_hosts

    if loopback_hosts(host) is None:
        warn(f"--host {host} is not on loopback: anybody who reaches {cluster.url} can run commands here as you")
