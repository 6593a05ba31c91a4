"""The table of benchmarks, and how names pick lines of it."""

# Who calls: the command line picks; a child finds what it was asked for; the tests run each line.
# A line whose work only libactor can do has no peer in it; what it is to reach stands in bench/targets.py.

from __future__ import annotations

from collections.abc import Sequence

from bench.benchmarks import (
    ACTOR_PEERS,
    ALLOCATOR,
    ASYNCIO,
    BYTES_EACH,
    CHAINING_PEERS,
    CORES,
    GIGABYTES_PER_SECOND,
    JSON_PEERS,
    LIBACTOR,
    MASTER,
    MEGABYTES,
    MILLISECONDS,
    MILLISECONDS_EACH,
    NANOSECONDS_EACH,
    REMOTE_PEERS,
    SLOW_PEERS,
    SOCKETS,
    THREADED_PEERS,
    THREADS,
    UVICORN,
    UVLOOP,
    XOSCAR,
    Benchmark,
)

OWN = (LIBACTOR,)
SLOW_OR_THREADED = (*SLOW_PEERS, *THREADED_PEERS)

ACTOR_BENCHMARKS = (
    Benchmark("tell", "tell", "messages without an answer, from one sender to one actor, until all are handled",
              1_000_000, 500, ACTOR_PEERS, few=100_000, few_peers=SLOW_PEERS),
    Benchmark("ask", "ask", "questions one after the other, from outside the actors, each waiting for its answer",
              50_000, 100, ACTOR_PEERS, few=10_000, few_peers=SLOW_OR_THREADED),
    Benchmark("ask-no-help", "ask_no_help", "the same, the asking thread not helping the actor it waits for",
              10_000, 100, CORES),
    Benchmark("ask-inside", "ask_inside", "the same, asked by an actor, which goes on when the answer comes",
              20_000, 100, CORES),
    Benchmark("asyncio-ask", "asyncio_ask", "the same, asked and awaited by a task of asyncio's loop",
              10_000, 100, CORES),
    Benchmark("uvloop-ask", "uvloop_ask", "the same, by a task on uvloop", 10_000, 100, OWN),
    Benchmark("pipelined", "pipelined", "questions of which all are asked before the first answer is awaited",
              100_000, 500, ACTOR_PEERS),
    Benchmark("ring", "ring", "hops of one token around 100 actors",
              200_000, 300, ACTOR_PEERS, few=20_000, few_peers=SLOW_OR_THREADED),
    Benchmark("spawn+stop", "spawn", "actors started, stopped and waited for, one after the other",
              20_000, 20, ACTOR_PEERS, few=500, few_peers=SLOW_OR_THREADED),
    Benchmark("spawn+stop-many", "spawn_many", "actors all started, then all stopped and waited for",
              1_000, 20, ACTOR_PEERS),
)  # fmt: skip

FUTURE_BENCHMARKS = (
    Benchmark("callback", "callback", "futures with one callback, set: until it has run", 100_000, 500, CHAINING_PEERS),
    Benchmark("then", "then", "futures with one dependent future, set: until the dependent one is",
              100_000, 500, CHAINING_PEERS),
    Benchmark("then-defer", "then_defer", "futures that an actor sets and that call it back, set: until it has run",
              100_000, 500, CORES),
)  # fmt: skip

COROUTINE_BENCHMARKS = (
    Benchmark("handler-plain", "handler_plain", "questions to a plain handler, all asked before the last is answered",
              100_000, 500, CORES, NANOSECONDS_EACH),
    Benchmark("handler-async", "handler_async", "the same, to an `async def` handler that awaits nothing",
              100_000, 500, CORES, NANOSECONDS_EACH),
    Benchmark("await-ready", "await_ready", "awaits, in a handler, of a future that is ready", 300_000, 500, CORES),
    Benchmark("await-ask", "await_ask", "questions of ask-inside, each answer awaited by a coroutine",
              20_000, 100, CORES),
)  # fmt: skip

SUPERVISION_BENCHMARKS = (
    Benchmark("dispatch-supervised", "dispatch_supervised", "questions of handler-plain, to a supervised actor",
              100_000, 500, CORES, NANOSECONDS_EACH),
    Benchmark("dispatch-restarted", "dispatch_restarted", "the same, by a PID from before its restart",
              100_000, 500, CORES, NANOSECONDS_EACH),
)  # fmt: skip

SIMULATION_BENCHMARKS = (
    Benchmark("simulated-messages", "simulated_messages", "messages on a deterministic runtime, 10 tokens, 100 actors",
              100_000, 500, CORES),
    Benchmark("simulated-timers", "simulated_timers", "timers there, each set by one of 1,000 actors, and its message",
              100_000, 500, CORES),
)  # fmt: skip

VALUE_BENCHMARKS = (
    Benchmark("copy", "copy", "messages as of tell that carry ten dicts with a list each, copied", 10_000, 100, CORES),
    Benchmark("move", "move", "the same, the object handed over", 10_000, 100, CORES),
    Benchmark("share", "share", "the same, the object shared", 10_000, 100, CORES),
    *(Benchmark(f"move-extra[{name}]", "move_extra", "what moving a payload adds to a message that carries none",
                200_000, 100, OWN, NANOSECONDS_EACH, repeat_seconds=0, extent=size)
      for name, size in (("1 KB", 10**3), ("1 MB", 10**6), ("100 MB", 10**8))),
    *(Benchmark(f"{verb}-{kind}", f"{verb}_{kind}", f"copies of 500 {what} each, {how}", 200, 1, OWN)
      for kind, what in (("containers", "dicts with a dict and a list"),
                         ("dataclasses", "dataclasses with a dataclass and a list"),
                         ("structs", "structs with a struct and a list"))
      for verb, how in (("copy", "taken by value"), ("deepcopy", "by copy.deepcopy"))),
)  # fmt: skip

RECORD_BENCHMARKS = (
    Benchmark("record-read", "record_read", "tasks of 551 bytes checked and kept as records", 200_000, 100, OWN),
    Benchmark("struct-decode", "struct_decode", "the same messages decoded and kept as structs", 20_000, 100, OWN),
    Benchmark("record-snapshot[400,000 records]", "record_snapshot", "a snapshot of a collection, each record in it",
              400_000, 100, OWN, NANOSECONDS_EACH, repeat_seconds=0, fresh=True),
)  # fmt: skip

SCALE_BENCHMARKS = (
    Benchmark("memory", "memory", "resident memory of an idle actor (of a thread-bound one among 1,000)",
              20_000, 1_000, ACTOR_PEERS, BYTES_EACH, repeat_seconds=0, fresh=True, few=1_000),
    Benchmark("memory-million", "memory_total", "resident memory of a process with 1,000,000 idle actors",
              1_000_000, 1_000, OWN, MEGABYTES, repeat_seconds=0, fresh=True),
    *(Benchmark(f"spread[{among:,} actors]", "spread", "messages from one actor to so many others in turn",
                1_000_000, 500, OWN, NANOSECONDS_EACH, repeat_seconds=0, fresh=True, extent=among)
      for among in (100, 10_000, 1_000_000)),
    *(Benchmark(f"queue[{depth:,} events]", "queue", "messages of which so many wait in one mailbox, then all served",
                1_000_000, 500, OWN, NANOSECONDS_EACH, repeat_seconds=0, fresh=True, extent=depth)
      for depth in (100, 10_000, 1_000_000)),
    Benchmark("queue-huge[10,000,000 events]", "queue", "the same",
              10_000_000, 500, OWN, NANOSECONDS_EACH, repeat_seconds=0, fresh=True, extent=10_000_000, on_request=True),
)  # fmt: skip

# Between two processes: the one that measures sends, the other one answers (bench/partner.py).
REMOTE_BENCHMARKS = (
    Benchmark("remote-tell", "remote_tell", "messages of 100 bytes to another process, over TCP, until all are handled",
              300_000, 100, (*CORES, SOCKETS, *REMOTE_PEERS), few=2_000, few_peers=(XOSCAR,)),
    Benchmark("remote-bytes", "remote_bytes", "the same, messages of 1 MB",
              1_000, 5, (*CORES, SOCKETS, *REMOTE_PEERS), GIGABYTES_PER_SECOND, few=200, few_peers=(XOSCAR,)),
    Benchmark("remote-ask", "remote_ask", "questions to another process, one after the other",
              10_000, 100, (*CORES, SOCKETS, *REMOTE_PEERS), few=1_000, few_peers=(XOSCAR,)),
    Benchmark("remote-pipelined", "remote_pipelined", "the same, all asked before the first answer is awaited",
              100_000, 100, (*CORES, *REMOTE_PEERS), few=10_000, few_peers=(XOSCAR,)),
    Benchmark("remote-objects", "remote_objects", "questions with a list of 10,000 dataclasses, one after the other",
              50, 2, (*CORES, SOCKETS)),
)  # fmt: skip

HTTP_BENCHMARKS = (
    Benchmark("http-route", "http_route", "GET of 12 bytes, by the server's own time on a CPU",
              20_000, 40, (*CORES, UVICORN)),
    Benchmark("http-app", "http_app", "the same, a bare ASGI application on libactor's server", 20_000, 40, OWN),
    Benchmark("http-body", "http_body", "GET of 50 MB, one after the other",
              1_000, 1, (*CORES, UVICORN), GIGABYTES_PER_SECOND, extent=50),
)  # fmt: skip

SUBPROCESS_BENCHMARKS = (
    Benchmark("program", "program", "programs that do nothing, started and their end awaited, one after the other",
              200, 3, (*CORES, THREADS, ASYNCIO, UVLOOP)),
    Benchmark("program-output", "program_output", "what a program writes into a pipe, read until it ends",
              200, 1, (*CORES, THREADS, ASYNCIO, UVLOOP), GIGABYTES_PER_SECOND),
)  # fmt: skip

# libprocess's own benchmarks, with its parameters; what it reached stands in bench/targets.py.
LIBPROCESS_BENCHMARKS = (
    Benchmark("client-server", "client_server", "answers of one server to 8 clients linked to it, 250 questions open",
              80_000, 800, OWN),
    Benchmark("throughput", "throughput", "pings answered, 8 pairs of actors, 1,000 pings open in each",
              400_000, 800, OWN),
    Benchmark("dispatch-defer-moved", "dispatch_defer_moved",
              "dispatch(...).then(defer(..., payload)) by an actor to itself, 40 KB moved", 100_000, 100, OWN),
    Benchmark("dispatch-defer-copied", "dispatch_defer_copied", "the same, copied", 100_000, 100, OWN),
    Benchmark("dispatch-defer-list", "dispatch_defer_list", "the same, a list of 10,240 numbers, copied",
              10_000, 100, OWN),
    *(Benchmark(f"install-handler[{size}]", "install_handler", "messages to a handler, a tree of frozen structs",
                20_000, 100, OWN, extent=submessages)
      for size, submessages in (("4 B", 0), ("605 B", 100), ("60 kB", 10_000))),
    *(Benchmark(f"install-handler-decode[{size}]", "install_handler_decode", "the same tree as bytes, decoded there",
                count, 100, OWN, extent=submessages)
      for size, submessages, count in (("4 B", 0, 100_000), ("605 B", 100, 20_000), ("60 kB", 10_000, 200))),
    Benchmark("links", "links", "short-lived actors, started, stopped by themselves and waited for, beside 5,000 links",
              10_000, 100, OWN, extent=5_000),
)  # fmt: skip

JSON_BENCHMARKS = (
    Benchmark("json-first", "render_tasks", "tasks of a kilobyte of JSON, written when all have changed",
              20_000, 50, (*OWN, *JSON_PEERS)),
    Benchmark("json-kept", "render_kept", "the same, written again from what was kept", 20_000, 50, OWN),
    Benchmark("json-by-two", "render_by_two", "written when all have changed, by two threads", 20_000, 50, OWN),
    Benchmark("json-join", "join_texts", "ready texts, one for each task, put behind one another", 20_000, 50, OWN),
)  # fmt: skip


def _plans(
    name: str, method: str, what: str, sizes: Sequence[tuple[str, int, int | None]], quick: int = 60
) -> tuple[Benchmark, ...]:
    """A line for each size: what stands in brackets, the number of agents, the other number of the line."""
    return tuple(
        Benchmark(f"{name}[{text}]" if text else name, method, what, agents, quick, (ALLOCATOR,), MILLISECONDS,
                  repeat_seconds=0, extent=extent)
        for text, agents, extent in sizes
    )  # fmt: skip


# Agents and frameworks. Mesos's own benchmarks, with its parameters; what it reached: bench/allocator_figures.py.
CYCLE_SIZES = (
    ("1k/100", 1_000, 100), ("5k/500", 5_000, 500), ("10k/1k", 10_000, 1_000), ("20k/2k", 20_000, 2_000),
    ("50k/6k", 50_000, 6_000),
)  # fmt: skip
ADDED_SIZES = (("1k/1k", 1_000, 1_000), ("5k/1k", 5_000, 1_000), ("10k/1", 10_000, 1), ("10k/1k", 10_000, 1_000))
ROLE_SIZES = (("30", 30, None), ("300", 300, None), ("3k", 3_000, None))

ALLOCATOR_BENCHMARKS = (
    *_plans("cycle-first", "first_plan", "one role, no filters: every agent is new", CYCLE_SIZES),
    *_plans("cycle-full", "full_plan", "every offer was declined, without filters", CYCLE_SIZES),
    *_plans("cycle-1%", "changed_plan", "one offer in a hundred was declined; with the deltas", CYCLE_SIZES),
    *_plans("cycle-idle", "idle_plan", "nothing has changed: the mean of 1,000", CYCLE_SIZES[2:3]),
    *_plans("add-agents", "add_agents", "agents added with what runs there, and offered", ADDED_SIZES),
    *_plans("update-agents", "update_agents", "each has 10 revocable cpus more, which are offered", ADDED_SIZES),
    *_plans("decline-first", "decline_first", "nothing is filtered yet",
            (("1k/50", 1_000, 50), ("1k/200", 1_000, 200), ("1k/1k", 1_000, 1_000))),
    *_plans("decline-all", "decline_all", "everybody has a filter everywhere, every agent was just handed back",
            (("1k/50", 1_000, 50), ("1k/200", 1_000, 200))),
    *_plans("labels-first", "labels_first", "what is used is reserved with 12 labels",
            (("1k/200", 1_000, 200), ("5k/50", 5_000, 50), ("5k/200", 5_000, 200))),
    *(line for percent in ("60", "80", "all")
      for line in _plans(f"suppress-{percent}{'' if percent == 'all' else '%'}", f"suppress_{percent}",
                         "so many frameworks are suppressed, every offer was declined", (("5k/1k", 5_000, 1_000),))),
    *_plans("suppress-99%", "suppress_99", "the same", (("5k/200", 5_000, 200), ("5k/1k", 5_000, 1_000))),
    *_plans("sizes", "sizes", "each agent is of another size, and 24 frameworks of 25 hand everything back",
            (("2k/500", 2_000, 500),)),
    *_plans("sizes-by-share", "sizes_by_share", "the same with probe_every=0", (("2k/500", 2_000, 500),)),
    *_plans("quota-agents", "quota_agents", "agents added to so many roles with a quota, and offered",
            (("5k/1k", 5_000, 1_000),)),
    *_plans("backlog", "backlog", "every framework revives; by the actor", (("5k/1k", 5_000, 1_000),)),
    *_plans("volumes", "volumes", "agents reserved for one role, with a volume each; every offer was declined",
            (("1k/1k", 1_000, 1_000), ("5k/1k", 5_000, 1_000), ("10k/1k", 10_000, 1_000))),
    *_plans("quota-frameworks", "quota_frameworks", "a framework added to each role; agents as many as roles",
            ROLE_SIZES[2:]),
    *_plans("quota-first", "quota_first", "each role is given its quota", ROLE_SIZES),
    *_plans("quota-idle", "quota_idle", "the cycle after that, which offers nothing", ROLE_SIZES),
    *_plans("quota-again", "quota_again", "the same, after all frameworks have revived; with the deltas", ROLE_SIZES),
    *_plans("quota-lottery", "quota_lottery", "the same, in an order drawn by lot", (("3k", 3_000, None),)),
    *_plans("roles", "roles_without_quota", "two agents and two frameworks a role",
            (("200", 200, None), ("2k", 2_000, None))),
    *_plans("roles-quota", "roles_with_quota", "the same, each role with a quota of two agents",
            (("200", 200, None), ("2k", 2_000, None))),
    Benchmark("reserve[200]", "reserve", "a cpu reserved or unreserved on an agent with 800 reservations, 200 roles",
              500, 10, (ALLOCATOR,), MILLISECONDS_EACH, repeat_seconds=0, extent=200),
    *_plans("sort", "sort", "all clients of a sorter brought in order, after the cluster has grown",
            (("1k", 1_000, None), ("6k", 6_000, None))),
    Benchmark("profiles", "profiles", "tasks of 554 frameworks, until all run", 19_500, 975, (ALLOCATOR,),
              MILLISECONDS, repeat_seconds=0),
)  # fmt: skip


def _failovers(name: str, method: str, what: str, sizes: Sequence[tuple[str, int, int, int]]) -> tuple[Benchmark, ...]:
    """A line for each size: what stands in brackets, the agents, the tasks and completed tasks of each."""
    return tuple(
        Benchmark(f"{name}[{text}]", method, what, agents, 20, (MASTER,), MILLISECONDS, repeat_seconds=0, fresh=True,
                  extent=tasks + 1_000 * completed, on_request=True)
        for text, agents, tasks, completed in sizes
    )  # fmt: skip


# Agents, tasks and completed tasks. What Mesos's C++ needs: bench/failover_figures.py.
FAILOVER_SIZES = (
    ("1k/10k", 1_000, 10, 0), ("5k/50k", 5_000, 10, 0), ("10k/100k", 10_000, 10, 0), ("20k/100k", 20_000, 5, 0),
    ("1k/50k", 1_000, 50, 0), ("1k/50k+100k", 1_000, 50, 100), ("2k/100k", 2_000, 50, 0),
    ("2k/100k+100k", 2_000, 50, 50), ("2k/100k+200k", 2_000, 50, 100), ("2k/200k", 2_000, 100, 0),
    ("5k/250k", 5_000, 50, 0), ("5k/250k+500k", 5_000, 50, 100), ("10k/500k", 10_000, 50, 0),
    ("10k/500k+1M", 10_000, 50, 100), ("20k/200k", 20_000, 10, 0), ("40k/400k", 40_000, 10, 0),
    ("10k/100k+1M", 10_000, 10, 100), ("20k/200k+2M", 20_000, 10, 100), ("40k/400k+4M", 40_000, 10, 100),
)  # fmt: skip

FAILOVER_BENCHMARKS = (
    *_failovers("failover", "fail_over", "agents and their tasks + completed ones come to a new master",
                FAILOVER_SIZES),
    *_failovers("failover-known", "fail_over_known", "the same, of agents that the registry knows",
                (("20k/100k", 20_000, 5, 0),)),
    *_failovers("failover-ask", "ask_amid_failover", "what 99 of 100 answers to nothing take meanwhile",
                (("20k/100k", 20_000, 5, 0),)),
)  # fmt: skip

# Tasks of so many agents. What Mesos took for as many: bench/state_figures.py.
STATE_SIZES = (("1k/20k", 1_000), ("10k/200k", 10_000), ("20k/400k", 20_000))

POLLERS = (1, 10, 20)  # clients of the report on /state; what Mesos took: bench/state_figures.py

STATE_BENCHMARKS = (
    *(Benchmark(f"poll[100/{clients}]", "poll", "the mean answer of /state of 100 agents to so many clients", 100, 5,
                (MASTER,), MILLISECONDS, repeat_seconds=0, fresh=True, extent=clients, on_request=True)
      for clients in POLLERS),
    *(Benchmark(f"responsive-{name}[{text}]", method, what, agents, 5, (MASTER,), MILLISECONDS, repeat_seconds=0,
                fresh=True, on_request=True)
      for name, method, what in (
          ("health", "health_amid_polls", "what 99 of 100 answers of /health take while 5 clients poll /state"),
          ("ask", "ask_amid_polls", "answers to nothing, as messages"),
          ("offers", "offers_amid_polls", "the longest time between two cycles of offers, a second apart"),
      )
      for text, agents in (("100", 100), ("1k", 1_000))),
    *(Benchmark(f"subscribe[{text}]", "subscribe", "frameworks over HTTP, and as many agents: until each has an offer",
                count, 5, (MASTER,), MILLISECONDS, repeat_seconds=0, fresh=True, on_request=True)
      for text, count in (("1k", 1_000), ("10k", 10_000))),
    *(Benchmark(f"{name}[{text}]", method, what, agents, 5, (MASTER,), MILLISECONDS, repeat_seconds=0, fresh=True,
                extent=20, on_request=True)
      for name, method, what, sizes in (
          ("state-returned", "state_returned", "/state of so many agents and tasks, as soon as all are back",
           STATE_SIZES[2:]),
          ("state-cold", "state_cold", "the first /state of a master that has rested", STATE_SIZES),
          ("state-changed", "state_changed", "/state, when one task in a hundred has changed", STATE_SIZES[2:]),
          ("state-known", "state_known", "/state, by the entity tag of what has not changed", STATE_SIZES[2:]),
          ("get-state-cold", "call_cold", "GET_STATE, likewise", STATE_SIZES),
      )
      for text, agents in sizes),
)  # fmt: skip

# Operations of the registrar, with the parameters of Mesos's Registrar_BENCHMARK_Test: bench/master_figures.py.
MASTER_BENCHMARKS = (
    Benchmark("reconcile[100k]", "reconcile", "tasks of one framework asked for by name, until all are answered",
              100_000, 500, (MASTER,), MILLISECONDS, repeat_seconds=0),
    *(
    Benchmark(f"snapshot[{size}]", "snapshot", "all metrics as JSON, with those of so many frameworks", size, 10,
              (MASTER,), MILLISECONDS, repeat_seconds=0)
    for size in (90, 900, 9_000)
    ),
    *(
    Benchmark(f"get-metrics[{size}]", "get_metrics", "the same by GET_METRICS, read by another process", size, 10,
              (MASTER,), MILLISECONDS, repeat_seconds=0)
    for size in (90, 900, 9_000)
    ),
    *(
    Benchmark(f"ask-{name}[{size // 1_000}k]", method, what, size, 100, (MASTER,), MILLISECONDS, repeat_seconds=0)
    for name, method, what, size in (
        ("accept", "ask_amid_accept", "99 of 100 answers to nothing, amid an ACCEPT of so many tasks", 100_000),
        ("teardown", "ask_amid_teardown", "a framework with so many tasks is removed", 100_000),
        ("schedule", "ask_amid_schedule", "a maintenance schedule rescinds so many offers", 10_000),
        ("weights", "ask_amid_weights", "a role's weight does", 10_000),
        ("quota", "ask_amid_quota", "a role's limit does", 10_000),
    )
    ),
    *(
    Benchmark(f"launch{name}[{size // 1_000}k/{on_offer}]", method, what, size, 50, (MASTER,), MILLISECONDS,
              repeat_seconds=0, extent=on_offer)
    for name, method, what, size, on_offer in (
        ("", "launches", "tasks, one on an offer, until the last of three updates is acknowledged", 20_000, 1),
        ("", "launches", "the same, up to ten on an offer", 20_000, 10),
        ("-disk", "launches_on_disk", "sandboxes on a disk", 5_000, 1),
        ("-framework", "framework_part", "the processor's time that frameworks take", 5_000, 1),
        ("-master", "master_part", "the master", 5_000, 1),
        ("-allocator", "allocator_part", "the allocator", 5_000, 1),
        ("-agent", "agent_part", "agents, sandboxes aside", 5_000, 1),
        ("-sandbox", "sandbox_part", "sandboxes in memory", 5_000, 1),
        ("-passing", "passing_part", "all else: messages and turns", 5_000, 1),
    )
    ),
    *(
    Benchmark(f"registrar-{name}[{size // 1_000}k]", method, what, size, 50, (MASTER,), MILLISECONDS, repeat_seconds=0)
    for name, method, what, sizes in (
        ("admit", "admit_agents", "agents that register at once, until each is durable", (10, 20, 30, 50)),
        ("unreachable", "mark_unreachable", "all of them are lost", (10,)),
        ("reachable", "mark_reachable", "and come back", (10,)),
        ("recover", "recover_registry", "a new master reads and checks all", (10,)),
        ("remove", "remove_agents", "all leave", (10,)),
        ("prune", "prune_agents", "half of the unreachable ones are forgotten", (10,)),
    )
    for size in [1_000 * thousands for thousands in sizes]),
    *FAILOVER_BENCHMARKS,
    *STATE_BENCHMARKS,
)  # fmt: skip

CONTAINER_BENCHMARKS = tuple(
    Benchmark(f"containers-{name}[1k]", method, what, 1_000, 5, (MASTER,), MILLISECONDS, repeat_seconds=0, fresh=True)
    for name, method, what in (
        (
            "start",
            "containers_start",
            "commands with supervisors and control groups, from offers to TASK_RUNNING",
        ),
        ("kill", "containers_kill", "all of them are killed, and gone"),
        ("restart", "containers_restart", "their agent begins anew, and is back with all of them"),
        ("idle", "containers_idle", "they wait: ms of the processor in a second of agent, master and allocator"),
    )
)

GROUPS = {
    "actors": ACTOR_BENCHMARKS,
    "futures": FUTURE_BENCHMARKS,
    "coroutines": COROUTINE_BENCHMARKS,
    "supervision": SUPERVISION_BENCHMARKS,
    "simulation": SIMULATION_BENCHMARKS,
    "values": VALUE_BENCHMARKS,
    "records": RECORD_BENCHMARKS,
    "scale": SCALE_BENCHMARKS,
    "remote": REMOTE_BENCHMARKS,
    "http": HTTP_BENCHMARKS,
    "subprocess": SUBPROCESS_BENCHMARKS,
    "libprocess": LIBPROCESS_BENCHMARKS,
    "json": JSON_BENCHMARKS,
    "allocator": ALLOCATOR_BENCHMARKS,
    "master": MASTER_BENCHMARKS,
    "containers": CONTAINER_BENCHMARKS,
}
BENCHMARKS = tuple(benchmark for group in GROUPS.values() for benchmark in group)


def pick(names: list[str]) -> tuple[Benchmark, ...]:
    """Return the benchmarks that ``names`` pick, in the order of the table; no names pick all not kept for request.

    A name picks what is so called, with or without what stands in brackets, or a group such as ``libprocess``.
    Raises: ValueError for a name that picks none.
    """
    picked: set[str] = set()
    for name in names:
        matching = {known.name for known in BENCHMARKS if _matches(known, name)}
        if not matching:
            raise ValueError(f"no benchmark is called {name!r}; --list shows their names")
        picked |= matching
    return tuple(known for known in BENCHMARKS if known.name in picked or not (names or known.on_request))


def _matches(known: Benchmark, name: str) -> bool:
    if name in GROUPS:
        return known in GROUPS[name] and not known.on_request
    return name in (known.name, known.name.partition("[")[0])
