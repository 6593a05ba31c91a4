"""What tests of records share: the fixture `core`, and a message as a struct class."""

# The fixture `core` runs a test against the Python core and against the C core: the package libactor.records is
# imported anew on top of each. LIBACTOR_PURE=1 leaves out C; LIBACTOR_REQUIRE_NATIVE=1 makes one that was not built an
# error. ONE_CORE=1, which make sets, leaves out Python where C is under test, as in tests/runtime: the run with
# LIBACTOR_PURE=1 has those. Tests that compare both have both all the same.

import enum
import importlib
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from libactor._core import _chunks, _collection, _impl, _record, _type_check

PURE = os.environ.get("LIBACTOR_PURE") == "1"
CORES = ["python"] if PURE else ["c"] if os.environ.get("ONE_CORE") == "1" else ["python", "c"]
SWAPPED = (
    "CollectionCell", "Record", "RecordKind", "Snapshot", "TypeCheckCell",
    "fragments_bound", "fragments_counts", "records_free",
)  # fmt: skip


class State(enum.Enum):
    STAGING = 6
    RUNNING = 1
    FINISHED = 2
    LOST = -5


class Label(msgspec.Struct, array_like=True, frozen=True):
    key: str
    value: str | None = None


class Status(msgspec.Struct, array_like=True, frozen=True):
    state: State
    timestamp: float
    labels: tuple[Label, ...] = ()
    healthy: bool | None = None


class Task(msgspec.Struct, array_like=True, frozen=True):
    task_id: str
    framework_id: str
    state: State
    cpus: int
    statuses: tuple[Status, ...] = ()
    resources: dict[str, float] = {}
    data: bytes = b""
    container: Any = None
    user: str | None = "nobody"


def import_records(name: str) -> SimpleNamespace:
    """The names of libactor.records on top of the core ``name``, "python" or "c", with those of that core."""
    parts: dict[str, Any] = {**vars(_chunks), **vars(_collection), **vars(_record), **vars(_type_check)}
    if name == "c":
        try:
            parts = vars(importlib.import_module("libactor._core._native"))
        except ImportError:
            assert os.environ.get("LIBACTOR_REQUIRE_NATIVE") != "1", "the C core was not built, yet is required"
            pytest.skip("the C core was not built; make builds it")
    before = {key: vars(_impl)[key] for key in SWAPPED}
    modules = {key: sys.modules.pop(key) for key in list(sys.modules) if key.startswith("libactor.records")}
    vars(_impl).update({key: parts[key] for key in SWAPPED})
    try:
        package = importlib.import_module("libactor.records")
        return SimpleNamespace(**{**{key: parts[key] for key in SWAPPED}, **vars(package)}, name=name)
    finally:
        vars(_impl).update(before)
        for key in [key for key in sys.modules if key.startswith("libactor.records")]:
            del sys.modules[key]
        sys.modules.update(modules)


@pytest.fixture(scope="session", params=CORES)
def core(request) -> SimpleNamespace:
    return import_records(request.param)


@pytest.fixture(scope="session")
def both() -> tuple[SimpleNamespace, SimpleNamespace]:
    """The Python core and the C core, to be compared."""
    if PURE:
        pytest.skip("LIBACTOR_PURE=1 leaves out the C core")
    return import_records("python"), import_records("c")


@pytest.fixture(scope="session")
def model() -> SimpleNamespace:
    """The struct classes of this file: this folder is no package, so tests cannot import it."""
    return SimpleNamespace(State=State, Label=Label, Status=Status, Task=Task)


@pytest.fixture(scope="session")
def task_type(core) -> Any:
    return core.RecordType(Task, hot=("task_id", "state", "user"))


@pytest.fixture(scope="session")
def make_task() -> Callable[..., Task]:
    """A task by its number, with something in each field."""

    def make(number: int = 0, **changed: Any) -> Task:
        statuses = (Status(State.STAGING, 1.5, (Label("a", "é"), Label("b"))), Status(State.RUNNING, 2.0, healthy=True))
        fields = {
            "task_id": f"task-{number}",
            "framework_id": f"framework-{number % 7}",
            "state": State.RUNNING,
            "cpus": number,
            "statuses": statuses,
            "resources": {"mem": 128.0, "disk": 0.5},
            "data": bytes(range(256)),
            "container": {"type": "MESOS", "volumes": [{"mode": 1, "size": -7, "path": None}], "shares": 0.25},
            "user": "root",
        }
        return Task(**{**fields, **changed})

    return make


@pytest.fixture
def traced_memory() -> Iterator[Callable[[], int]]:
    """How many bytes are allocated now, by C as well, of those allocated since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
