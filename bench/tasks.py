"""The document that is written: tasks of a cluster, ten labels each, about a kilobyte of JSON a task."""

# Who calls: the peers that write it from dicts and structs (bench/peers/json_texts.py), and bench/kept_tasks.py,
#   which has it as a master keeps it, in thousandths and by numbers of states. These hold what is to be written.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

AGENTS = 1_000
LABELS = 10
TEXT_BYTES = 800  # of a task, at least: less is no whole one


class Label(msgspec.Struct, frozen=True):
    """As it is shown."""

    key: str
    value: str


class Status(msgspec.Struct, frozen=True):
    """As it is shown."""

    state: str
    timestamp: float
    healthy: bool


class Amounts(msgspec.Struct, frozen=True):
    """As they are shown."""

    cpus: float
    gpus: float
    mem: float
    disk: float
    ports: str


class Task(msgspec.Struct, frozen=True):
    """As it is shown."""

    id: str
    name: str
    framework_id: str
    executor_id: str
    slave_id: str
    state: str
    resources: Amounts
    role: str
    statuses: tuple[Status, ...]
    user: str
    labels: tuple[Label, ...]


def task(number: int) -> Task:
    """One of them; each differs."""
    port = 31_000 + number % 1_000
    return Task(
        id=f"task-{number:08d}-{number * 2_654_435_761 % 2**32:08x}",
        name=f"web-frontend.{number % 97}",
        framework_id="20261121-120000-16777343-5050-1234-0001",
        executor_id="",
        slave_id=f"20261121-120000-16777343-5050-1234-S{number % AGENTS}",
        state="TASK_RUNNING",
        resources=Amounts((100 + number % 3_900) / 1_000, 0.0, 32.0 + number % 4_000, 0.0, f"[{port}-{port + 1}]"),
        role="production",
        statuses=(
            Status("TASK_STARTING", 1_732_180_000.125 + number, True),
            Status("TASK_RUNNING", 1_732_180_003.5 + number, True),
        ),
        user="root",
        labels=tuple([Label(f"label-key-{n}", f"some-label-value-{n}-{number % 13}") for n in range(LABELS)]),
    )


@lru_cache(maxsize=1)
def documents(count: int) -> list[dict[str, Any]]:
    """So many of them as dicts and lists."""
    plain: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode([task(number) for number in range(count)]))
    return plain


@lru_cache(maxsize=1)
def tasks(count: int) -> list[Task]:
    """So many of them."""
    return [task(number) for number in range(count)]
