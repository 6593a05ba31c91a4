"""Rules of who may see what, and a cluster of several users' frameworks to be seen."""

import json

from mesoslite.api import Authentication
from mesoslite.model import Create, Reserve, Resources, parse_acls
from mesoslite.model.fields import Fields
from mesoslite.model.kinds import Reservation, ReservationType, ValueType
from mesoslite.model.records import Command, Executor, Framework, Operation, Resource, Task
from mesoslite.model.states import TaskState
from mesoslite.model.v1 import encode_operation

from .test_authentication import basic
from .views import agent, framework, view

USERS = ("ads", "root", "www")
ROLES = ("ads", "web", "web/a")
KINDS = ("frameworks", "tasks", "executors")


def acls(**seen):
    """Who sees whose: for each action lists of users or roles by principal; None is ANY. All else is not allowed."""
    document = {"permissive": False}
    for action, whose in seen.items():
        about = "roles" if action in ("view_roles", "get_quotas") else "flags" if action == "view_flags" else "users"
        document[action] = [
            {"principals": {"values": [who]}, about: {"type": "ANY"} if values is None else {"values": list(values)}}
            for who, values in whose.items()
        ]
    return parse_acls(json.dumps(document))


def authentication(principals, rules):
    """That of those by name, whose passwords are their names."""
    return Authentication({name: name for name in principals}, readonly=True, readwrite=True, acls=rules)


def is_who(name):
    """The header by which somebody proves who that is."""
    return {"authorization": basic(name, name)}


# ---- a cluster ----


def reserved(*roles, cpus=1, allocated=None):
    """Processors that are reserved for roles, each below the one before."""
    layers = tuple([Reservation(ReservationType.DYNAMIC, role) for role in roles])
    role = roles[-1] if roles else "*"
    return Resource("cpus", ValueType.SCALAR, cpus * 1000, role=role, reservations=layers, allocation_role=allocated)


AGENTS = [
    agent("m-S0", resources=(reserved(cpus=4), reserved("ads")), used=(reserved("ads"),)),
    agent("m-S1", resources=(reserved(cpus=2), reserved("web", "web/a")), offered=(reserved(allocated="web"),)),
    agent("m-S2", resources=(reserved(cpus=8),)),
]
RECOVERED = [agent("m-S3", resources=(reserved("ads"), reserved(cpus=3)))]


def disk(*roles):
    layers = [{"type": "DYNAMIC", "role": role} for role in roles]
    entry = {"name": "disk", "type": "SCALAR", "scalar": {"value": 5}, **({"reservations": layers} if layers else {})}
    return Resources.decode(Fields({"r": [entry]}).messages("r"))


def operation(uuid, done, framework_id=None):
    return Operation(uuid, "m-S0", encode_operation(done), {"state": "OPERATION_PENDING"}, framework_id)


OPERATIONS = {  # each with the roles whose resources it is done to
    "free": (operation("free", Reserve(disk("ads"))), set()),
    "refined": (operation("refined", Reserve(disk("web", "web/a"))), {"web"}),
    "volume": (operation("volume", Create(disk("ads"))), {"ads"}),
    "whose": (operation("whose", Create(disk("web")), "f-www"), {"web"}),
}


def _tasks(user, prefix):
    """Tasks of a framework of ``user``: of whoever it is, and of each user."""
    return [
        Task(f"{prefix}-{own}", "t", f"f-{user}", "m-S0", TaskState.TASK_RUNNING, user=own) for own in (None, *USERS)
    ]


def _executors(user):
    told = [None, Command("true"), *[Command("true", user=own) for own in USERS]]
    return [Executor(f"e-{number}", f"f-{user}", "m-S0", command) for number, command in enumerate(told)]


def cluster(sees=lambda kind, user: True):
    """A framework of each user, two of which have gone, with what ``sees(kind, user)`` lets pass."""

    def of(user, *, gone):
        name = f"{'gone' if gone else 'f'}-{user}"

        def tasks(prefix):
            return [each for each in _tasks(user, prefix) if sees("tasks", each.user or user)]

        return framework(
            name,
            record=Framework(name, name, user, 4),
            tasks=[] if gone else tasks("live"),
            unreachable=[] if gone else tasks("lost"),
            completed=(tasks("old"), tasks("older")),
            executors=[
                each
                for each in ([] if gone else _executors(user))
                if sees("executors", (each.command.user if each.command is not None else None) or user)
            ],
        )

    return view(
        agents=AGENTS,
        recovered=RECOVERED,
        frameworks=[of(user, gone=False) for user in USERS if sees("frameworks", user)],
        completed=[of(user, gone=True) for user in USERS[:2] if sees("frameworks", user)],
        operations=[each for each, _ in OPERATIONS.values()],
    )
