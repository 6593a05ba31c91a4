"""The schemas of the unversioned endpoints of a master: the members of each object, in Mesos's order.

A name that ends in ``?`` may be absent; a schema in a list is that of each entry of an array.
"""

# Source: Mesos src/common/http.cpp, src/master/http.cpp, src/master/readonly_handler.cpp; git_* and
#   external_log_file of the state are those of builds and options that we do not have.

from typing import Any

Schema = dict[str, Any]

NUMBER, WHOLE, TEXT, FLAG, ANY = float, int, str, bool, object
RESOURCES = {"cpus": NUMBER, "gpus": NUMBER, "mem": NUMBER, "disk": NUMBER, "...": (float, str)}
QUANTITIES = {"...": NUMBER}
BY_ROLE = {"...": RESOURCES}
LABELS = [{"key": TEXT, "value?": TEXT}]
DOMAIN = {"fault_domain": {"region": {"name": TEXT}, "zone": {"name": TEXT}}}
ATTRIBUTES = {"...": (float, str)}

AGENT: Schema = {
    "id": TEXT,
    "hostname": TEXT,
    "port": WHOLE,
    "attributes": ATTRIBUTES,
    "domain?": DOMAIN,
    "pid": TEXT,
    "registered_time": NUMBER,
    "reregistered_time?": NUMBER,
    "resources": RESOURCES,
    "used_resources": RESOURCES,
    "offered_resources": RESOURCES,
    "reserved_resources": BY_ROLE,
    "unreserved_resources": RESOURCES,
    "active": FLAG,
    "deactivated": FLAG,
    "version": TEXT,
    "capabilities": [TEXT],
    "drain_info?": {
        "state": TEXT,
        "config": {"max_grace_period?": {"nanoseconds": WHOLE}, "mark_gone": FLAG},
    },
    "estimated_drain_start_time_seconds?": NUMBER,
}
RECOVERED_AGENT: Schema = {
    "id": TEXT,
    "hostname": TEXT,
    "port": WHOLE,
    "attributes": ATTRIBUTES,
    "domain?": DOMAIN,
}
AGENT_FULL: Schema = {
    **AGENT,
    "reserved_resources_full": {"...": [ANY]},
    "unreserved_resources_full": [ANY],
    "used_resources_full": [ANY],
    "offered_resources_full": [ANY],
}
TASK: Schema = {
    "id": TEXT,
    "name": TEXT,
    "framework_id": TEXT,
    "executor_id": TEXT,
    "slave_id": TEXT,
    "state": TEXT,
    "resources": RESOURCES,
    "limits?": {"...": NUMBER},
    "role": TEXT,
    "statuses": [
        {"state": TEXT, "timestamp": NUMBER, "labels?": LABELS, "container_status?": ANY, "healthy?": FLAG},
    ],
    "user?": TEXT,
    "labels?": LABELS,
    "discovery?": ANY,
    "container?": ANY,
    "health_check?": ANY,
}
OFFER: Schema = {
    "id": TEXT,
    "framework_id": TEXT,
    "allocation_info": {"role": TEXT},
    "slave_id": TEXT,
    "resources": RESOURCES,
}
EXECUTOR: Schema = {
    "executor_id": TEXT,
    "name": TEXT,
    "framework_id": TEXT,
    "command": {
        "shell?": FLAG,
        "value?": TEXT,
        "argv": [TEXT],
        "environment?": ANY,
        "uris": [{"value": TEXT, "executable": FLAG}],
    },
    "resources": RESOURCES,
    "role?": TEXT,
    "labels?": LABELS,
    "type?": TEXT,
    "slave_id": TEXT,
}
FRAMEWORK_SUMMARY: Schema = {
    "id": TEXT,
    "name": TEXT,
    "pid?": TEXT,
    "used_resources": RESOURCES,
    "offered_resources": RESOURCES,
    "capabilities": [TEXT],
    "hostname": TEXT,
    "webui_url": TEXT,
    "active": FLAG,
    "connected": FLAG,
    "recovered": FLAG,
}
FRAMEWORK: Schema = {
    **FRAMEWORK_SUMMARY,
    "user": TEXT,
    "failover_timeout": NUMBER,
    "checkpoint": FLAG,
    "registered_time": NUMBER,
    "unregistered_time": NUMBER,
    "principal?": TEXT,
    "resources": RESOURCES,
    "reregistered_time?": NUMBER,
    "role?": TEXT,  # or roles
    "roles?": [TEXT],
    "tasks": [TASK],
    "unreachable_tasks": [TASK],
    "completed_tasks": [TASK],
    "offers": [OFFER],
    "executors": [EXECUTOR],
    "labels?": LABELS,
    "offer_constraints": ANY,
}
COMPLETED_FRAMEWORK: Schema = {
    **FRAMEWORK,
    **{key: [ANY] for key in ("tasks", "unreachable_tasks", "offers", "executors")},
}
COUNTS: Schema = {
    f"TASK_{state}": WHOLE
    for state in (
        "STAGING", "STARTING", "RUNNING", "KILLING", "FINISHED", "KILLED", "FAILED", "LOST", "ERROR", "UNREACHABLE",
    )
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "/state": {
        "version": TEXT,
        "build_date": TEXT,
        "build_time": NUMBER,
        "build_user": TEXT,
        "mesoslite": {"version": TEXT},  # ours
        "start_time": NUMBER,
        "elected_time": NUMBER,
        "id": TEXT,
        "pid": TEXT,
        "hostname": TEXT,
        "capabilities": [TEXT],
        "activated_slaves": WHOLE,
        "deactivated_slaves": WHOLE,
        "unreachable_slaves": WHOLE,
        "leader": TEXT,
        "leader_info": {"id": TEXT, "pid": TEXT, "port": WHOLE, "hostname": TEXT, "domain?": DOMAIN},
        "domain?": DOMAIN,
        "cluster?": TEXT,
        "log_dir?": TEXT,
        "flags": {"...": TEXT},
        "slaves": [AGENT],
        "recovered_slaves": [RECOVERED_AGENT],
        "frameworks": [FRAMEWORK],
        "completed_frameworks": [COMPLETED_FRAMEWORK],
        "orphan_tasks": [ANY],
        "unregistered_frameworks": [ANY],
    },
    "/state-summary": {
        "hostname": TEXT,
        "cluster?": TEXT,
        "slaves": [{**AGENT, **COUNTS, "framework_ids": [TEXT]}],
        "frameworks": [{**FRAMEWORK_SUMMARY, **COUNTS, "slave_ids": [TEXT]}],
    },
    "/slaves": {"slaves": [AGENT_FULL], "recovered_slaves": [RECOVERED_AGENT]},
    "/frameworks": {
        "frameworks": [FRAMEWORK],
        "completed_frameworks": [COMPLETED_FRAMEWORK],
        "unregistered_frameworks": [ANY],
    },
    "/tasks": {"tasks": [TASK]},
    "/roles": {
        "roles": [
            {
                "name": TEXT,
                "weight": NUMBER,
                "quota": {"role": TEXT, "guarantee": QUANTITIES, "limit": QUANTITIES, "consumed": QUANTITIES},
                "resources": RESOURCES,
                "allocated": QUANTITIES,
                "offered": QUANTITIES,
                "reserved": QUANTITIES,
                "frameworks": [TEXT],
            }
        ]
    },
}


def problems(document: Any, schema: Any, path: str = "") -> list[str]:
    """What of a document is not as its schema says: a line each."""
    if isinstance(schema, list):
        if not isinstance(document, list):
            return [f"{path}: {type(document).__name__} for an array"]
        return [line for number, one in enumerate(document) for line in problems(one, schema[0], f"{path}[{number}]")]
    if isinstance(schema, dict):
        if not isinstance(document, dict):
            return [f"{path}: {type(document).__name__} for an object"]
        return _members(document, schema, path)
    kinds = schema if isinstance(schema, tuple) else (schema,)
    fits = schema is ANY or type(document) in kinds  # a bool is no number, nor a whole number one with a fraction
    return [] if fits else [f"{path}: {document!r} for {schema}"]


def _members(document: dict[str, Any], schema: Schema, path: str) -> list[str]:
    others = schema.get("...")
    known = {name.removesuffix("?"): value for name, value in schema.items() if name != "..."}
    found = [f"{path}.{name}: absent" for name in schema if not name.endswith(("?", "...")) and name not in document]
    order = [name for name in document if name in known]
    if order != [name for name in known if name in document]:
        found.append(f"{path}: in the order {order}")
    for name, value in document.items():
        if name in known:
            found += problems(value, known[name], f"{path}.{name}")
        elif others is None:
            found.append(f"{path}.{name}: not known")
        else:
            found += problems(value, others, f"{path}.{name}")
    return found


def never_there(schema: Any, documents: list[Any], path: str = "") -> list[str]:
    """The members that none of the documents has."""
    if isinstance(schema, list):
        return never_there(schema[0], [one for document in documents for one in document], path)
    if not isinstance(schema, dict):
        return []
    found = []
    for name, part in schema.items():
        key, parts = name.removesuffix("?"), documents
        if name != "...":
            parts = [document[key] for document in documents if key in document]
            found += [] if parts else [f"{path}.{name}"]
            found += never_there(part, parts, f"{path}.{name}") if parts else []
    return found
