"""Strategies for descriptions of tasks and executors: well-formed ones, which JSON must bring back, and any at all."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from mesoslite.model import (
    CheckInfo,
    CheckType,
    CommandInfo,
    CommandURI,
    ExecutorInfo,
    ExecutorType,
    FrozenDocument,
    HealthCheck,
    HttpCheck,
    Label,
    NetworkProtocol,
    Resources,
    TaskInfo,
    TcpCheck,
)

from .naive_resources import resources as any_resources

sparingly = settings(max_examples=max(10, settings().max_examples // 5))  # such descriptions take long to make up

texts = st.text(max_size=8)
ids = st.text(min_size=1, max_size=8)
labels = st.lists(st.builds(Label, texts, texts), max_size=2).map(tuple)
durations = st.none() | st.integers(min_value=-(10**6), max_value=10**6).map(lambda ms: ms / 1000)
doubles = st.floats(allow_nan=False)
plain_resources = st.dictionaries(
    st.sampled_from(["cpus", "mem", "disk", "gpus"]), st.integers(min_value=1, max_value=10**9)
).map(Resources.from_milli)
uris = st.builds(
    CommandURI, value=texts, executable=st.booleans(), extract=st.booleans(), cache=st.booleans(), output_file=texts
)
commands = st.builds(
    CommandInfo,
    value=texts,
    shell=st.booleans(),
    arguments=st.lists(texts, max_size=2).map(tuple),
    environment=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    user=texts,
    uris=st.lists(uris, max_size=2).map(tuple),
    unset=st.lists(texts, max_size=2).map(tuple),
)
jsons: Any = st.recursive(
    st.booleans() | st.integers(min_value=0, max_value=2**53) | texts,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(texts, children, max_size=2),
    max_leaves=4,
)
documents = st.none() | st.dictionaries(texts, jsons, max_size=2).map(FrozenDocument.of)
ports = st.integers(min_value=-1, max_value=70_000)
protocols = st.none() | st.sampled_from(NetworkProtocol)
https = st.builds(
    HttpCheck,
    port=ports,
    path=texts,
    scheme=texts,
    statuses=st.lists(st.integers(min_value=0, max_value=999), max_size=2).map(tuple),
    protocol=protocols,
)
kinds_of_check: dict[str, Any] = {
    "type": st.none() | st.sampled_from(CheckType),
    "command": st.none() | commands,
    "http": st.none() | https,
    "tcp": st.none() | st.builds(TcpCheck, ports, protocols),
    "delay_seconds": doubles,
    "interval_seconds": doubles,
    "timeout_seconds": doubles,
}
checks = st.builds(CheckInfo, **kinds_of_check)
health_checks = st.builds(
    HealthCheck,
    **kinds_of_check,
    grace_period_seconds=doubles,
    consecutive_failures=st.integers(min_value=-1, max_value=2**31),
)
executors = st.builds(
    ExecutorInfo,
    executor_id=ids,
    type=st.none() | st.sampled_from(ExecutorType),
    framework_id=st.none() | ids,
    command=st.none() | commands,
    resources=plain_resources,
    name=texts,
    source=st.none() | texts,
    data=st.none() | st.binary(max_size=4),
    shutdown_grace_seconds=durations,
    labels=labels,
    container=documents,
    discovery=documents,
)
limits = st.dictionaries(texts, doubles, max_size=2).map(lambda pairs: tuple(sorted(pairs.items())))
tasks = st.builds(
    TaskInfo,
    task_id=ids,
    name=texts,
    agent_id=ids,
    resources=plain_resources,
    command=st.none() | commands,
    labels=labels,
    kill_grace_seconds=durations,
    executor=st.none() | executors,
    max_completion_seconds=durations,
    check=st.none() | checks,
    health_check=st.none() | health_checks,
    limits=limits,
    data=st.none() | st.binary(max_size=4),
    container=documents,
    discovery=documents,
)

# ---- any at all, of the declared types: what a wire can bring ----

odd_texts = st.sampled_from(["", "a", "b", "..", "x/y", "\x07", "é" * 200, "cpus", "mem", "ads"]) | texts
odd_floats = st.sampled_from([0.0, 1.0, -1.0, 1e308, -1e308]) | st.floats()
odd_resources = st.one_of(
    st.sampled_from([Resources(), Resources.parse("cpus:1"), Resources.parse("cpus:1;mem:32;gpus:0.5")]),
    any_resources,
)
odd_documents = st.sampled_from(
    [
        None,
        FrozenDocument(""),
        FrozenDocument("[1]"),
        FrozenDocument("[" * 10_000),
        FrozenDocument('{"a":' * 33 + "{}" + "}" * 33),
        FrozenDocument('{"a":' + "9" * 30 + "}"),
        FrozenDocument.of({"type": "DOCKER"}),
        FrozenDocument.of({"type": "DOCKER", "docker": {"image": "i", "parameters": [{"key": "name"}]}}),
        FrozenDocument.of({"type": "MESOS"}),
        FrozenDocument.of({"type": "MESOS", "mesos": {"image": {}}, "network_infos": [{}]}),
        FrozenDocument.of({"type": "MESOS", "linux_info": {"share_cgroups": False}}),
        FrozenDocument.of({"type": "MESOS", "linux_info": {"share_cgroups": True}}),
        FrozenDocument.of({"type": "MESOS", "linux_info": 7}),
        FrozenDocument.of({"type": "MESOS", "volumes": [{"container_path": "p", "mode": "RW"}, 1]}),
    ]
)
odd_roles = st.sampled_from([(), ("*",), ("ads",), ("ads", "*")])
odd_commands = st.none() | st.builds(
    CommandInfo,
    value=odd_texts | st.just("true"),
    environment=st.lists(st.tuples(odd_texts, odd_texts), max_size=1).map(tuple),
)
odd_executors = st.builds(
    ExecutorInfo,
    executor_id=odd_texts,
    type=st.none() | st.sampled_from(ExecutorType),
    framework_id=st.sampled_from([None, "f", "g"]),
    command=odd_commands,
    resources=odd_resources,
    shutdown_grace_seconds=st.none() | odd_floats,
    container=odd_documents,
    allocation_roles=odd_roles,
)
odd_checks = dict.fromkeys(("delay_seconds", "interval_seconds", "timeout_seconds"), odd_floats) | {
    "type": st.none() | st.sampled_from(CheckType),
    "command": odd_commands,
    "http": st.none() | https,
}
odd_tasks = st.builds(
    TaskInfo,
    task_id=odd_texts,
    name=odd_texts,
    agent_id=st.sampled_from(["m-S0", "m-S0", "m-S0", "", "m-S1"]),
    resources=odd_resources,
    command=odd_commands,
    kill_grace_seconds=st.none() | odd_floats,
    executor=st.none() | odd_executors,
    max_completion_seconds=st.none() | odd_floats,
    check=st.none() | st.builds(CheckInfo, **odd_checks),
    health_check=st.none() | st.builds(HealthCheck, **odd_checks),
    limits=st.lists(st.tuples(odd_texts, odd_floats), max_size=2).map(tuple),
    container=odd_documents,
    allocation_roles=odd_roles,
)
