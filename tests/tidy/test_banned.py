"""Rule: clock, randomness, sockets and environment are each touched through one door, so that a seed replays a run."""

# A simulated run passes in its own clock, its own randomness and its own network. One call of `time.monotonic()`
# elsewhere, and the same seed gives another run. Each rule lists its doors with the reason; a door that a file no
# longer needs must be taken off, so that the list stays the truth.

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .source_tree import Module, full_name, full_names, import_aliases, read_folder


@dataclass(frozen=True)
class Ban:
    """Names that only the doors may use."""

    remedy: str
    names: tuple[str, ...]  # full names; one that ends in a dot stands for all below it
    methods: tuple[str, ...] = ()  # attributes banned on any object, because its type cannot be seen here
    excused: tuple[str, ...] = ()  # full names that are allowed though one of `names` covers them
    doors: dict[str, str] = field(default_factory=dict)  # file: why it may


BANS = {
    "clock": Ban(
        remedy="ask the runtime's clock",
        names=(
            "time.",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
            "asyncio.sleep",
            "threading.Timer",
            "signal.setitimer",
            "signal.alarm",
        ),
        doors={
            "libactor/_core/clock.py": "the one clock, which tests replace by a virtual one",
            "mesoslite/containment/fetcher/patience.py": "gives up servers, in a program without a runtime",
        },
    ),
    "randomness": Ban(
        remedy="take a random.Random that the caller seeded, or the runtime's",
        names=("random.", "secrets.", "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4"),
        excused=("random.Random",),  # a type to annotate with; making one without a seed is caught apart
        doors={"libactor/_core/randomness.py": "the one source of entropy, from which a runtime seeds its own"},
    ),
    "sockets": Ban(
        remedy="send a message, or add a route to an actor",
        names=(
            "socket.",
            "socketserver.",
            "http.server.",
            "asyncio.start_server",
            "asyncio.start_unix_server",
            "asyncio.open_connection",
            "asyncio.open_unix_connection",
        ),
        methods=("create_server", "create_unix_server", "create_datagram_endpoint", "sock_connect"),
        doors={
            "libactor/_core/_channel.py": "reads and writes the bytes of connections between hosts",
            "libactor/transport/channel.py": "reads and writes the connections between hosts",
            "libactor/transport/tls_socket.py": "stands between a channel and its socket, if there is TLS",
            "libactor/transport/connection.py": "learns how dialling went, and says the first words",
            "libactor/transport/node.py": "listens for other hosts and dials them",
            "libactor/transport/lookup.py": "asks the system for the addresses of a host that is named",
            "libactor/http/server.py": "binds what the HTTP server listens on",
            "libactor/http/listeners.py": "serves the bound sockets on the event loop of the HTTP thread",
            "libactor/http/front_connection.py": "reads and writes connections of clients on the worker",
            "libactor/http/door.py": "passes connections of clients on to the HTTP thread",
            "mesoslite/containment/stream_socket.py": "connects to supervisors, for whoever attaches to a container",
            "mesoslite/agent/checks/prober.py": "connects to the ports of tasks, to see whether they can be",
        },
    ),
    "environment": Ban(
        remedy="take it as an argument; the command line reads the environment",
        names=(
            "os.environ",
            "os.environ.",
            "os.environb",
            "os.environb.",
            "os.getenv",
            "os.putenv",
            "os.unsetenv",
        ),
        doors={
            "libactor/_core/_impl.py": "LIBACTOR_PURE picks the Python core, LIBACTOR_DEBUG_VALUES debug mode",
            "mesoslite/framework/executor/settings.py": "reads what an agent tells the executor that it starts",
            "mesoslite/containment/environment.py": "chooses what a task inherits of the agent's environment",
        },
    ),
}


def is_banned(name: str, ban: Ban) -> bool:
    if name in ban.excused:
        return False
    below = name.startswith(tuple([entry for entry in ban.names if entry.endswith(".")]))
    return below or name in ban.names or (name.rpartition(".")[2] in ban.methods and "." in name)


@functools.cache  # it takes a walk over the whole tree, and each ban asks
def names_used(module: Module) -> list[tuple[int, str]]:
    """Return line and full name of all that ``module`` imports or uses; a call of Random() is a name of its own."""
    aliases = import_aliases(module.tree)
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and not node.args and not node.keywords:
            name = full_name(node.func, aliases)
            found += [(node.lineno, f"{name}() without a seed")] if name == "random.Random" else []
    return found + [(node.lineno, name) for node, name in full_names(module.tree, aliases)]


def uses(module: Module, ban: Ban) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each use in ``module`` of what ``ban`` forbids."""
    for line, name in names_used(module):
        if is_banned(name, ban) or is_banned(name.rpartition(".")[0], ban):
            yield line, name


def violations(modules: list[Module], rule: str, ban: Ban) -> list[str]:
    """Return one line for each use outside the doors, and for each door that is not used."""
    used = {module.path: list(uses(module, ban)) for module in modules}
    doors = ", ".join(ban.doors) or "no file yet"
    found = [
        f"{path}:{line}: {name} goes past the door for {rule} ({doors}); {ban.remedy}"
        for path, lines in used.items()
        if path not in ban.doors
        for line, name in lines
    ]
    idle = [path for path in ban.doors if not used.get(path)]
    return found + [f"{path}: needs no door for {rule} any more; take it off the list" for path in idle]


def toy(text: str) -> list[Module]:
    return [Module("toy.py", "toy", text)]


def without_doors(rule: str) -> Ban:
    return replace(BANS[rule], doors={})


def test_no_code_goes_past_a_door_and_no_door_is_idle():
    modules = [*read_folder("libactor", "libactor"), *read_folder("mesoslite", "mesoslite")]

    found = [line for rule, ban in BANS.items() for line in violations(modules, rule, ban)]

    assert not found, "\n".join(found)


# Goal: each ban sees each way to write the call. Method: one line of each, counted.
def test_each_spelling_of_a_banned_name_is_caught():
    spellings = [
        ("clock", "import time\nnow = time.monotonic()"),
        ("clock", "import time as t\nnow = t.time_ns()"),
        ("clock", "from time import monotonic"),
        ("clock", "import datetime\nnow = datetime.datetime.now(datetime.UTC)"),
        ("clock", "from datetime import datetime\nnow = datetime.now().timestamp()"),
        ("randomness", "import random\nrandom.shuffle([])"),
        ("randomness", "from random import Random\nrng = Random()"),
        ("randomness", "import uuid\nuuid.uuid4().bytes"),
        ("randomness", "import os\nos.urandom(8)"),
        ("sockets", "import socket\nsocket.socket()"),
        ("sockets", "async def serve(loop):\n    await loop.create_server(None)"),
        ("environment", "import os\nos.environ['HOME']"),
        ("environment", "import os\nos.environ.get('HOME')"),
        ("environment", "from os import environ"),
    ]

    missed = [text for rule, text in spellings if not violations(toy(text), rule, without_doors(rule))]

    assert not missed


def test_what_is_not_banned_passes():
    imports = "import datetime, os, random\n"
    text = imports + "rng = random.Random(7)\nos.getpid()\ndatetime.timedelta(1)\nclock.time()"

    found = [line for rule in BANS for line in violations(toy(text), rule, without_doors(rule))]

    assert not found


def test_a_door_that_nobody_uses_is_caught():
    ban = Ban("", ("time.",), doors={"toy.py": "once needed"})

    assert violations(toy("import time\ntime.time()"), "clock", ban) == []
    assert len(violations(toy("x = 1"), "clock", ban)) == 1
