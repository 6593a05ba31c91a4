"""Checks and health checks of tasks as v1 JSON documents, written and read."""

# Who calls: tasks.py of this package.
# The command of a check is nested once more than that of a health check, in Mesos's messages too.
# Source: Mesos include/mesos/v1/mesos.proto (CheckInfo, HealthCheck).

from typing import Any

from ..checks import CheckInfo, CheckType, HealthCheck, HttpCheck, NetworkProtocol, TcpCheck
from ..fields import Fields
from .commands import decode_command, encode_command
from .parts import Document, encode_number

_DURATIONS = ("delay_seconds", "interval_seconds", "timeout_seconds")


def encode_check(check: CheckInfo) -> Document:
    """Return a CheckInfo."""
    document = _encode(check, _DURATIONS)
    if check.command is not None:
        document["command"] = {"command": encode_command(check.command)}
    return document


def encode_health_check(check: HealthCheck) -> Document:
    """Return a HealthCheck."""
    document = _encode(check, (*_DURATIONS, "grace_period_seconds"))
    document["consecutive_failures"] = check.consecutive_failures
    if check.command is not None:
        document["command"] = encode_command(check.command)
    return document


def decode_check(fields: Fields) -> CheckInfo:
    """Return a CheckInfo. Raises: InvalidRequest."""
    command = fields.message("command").message("command") if fields.has("command") else None
    return CheckInfo(command=decode_command(command) if command is not None else None, **_decode(fields, _DURATIONS))


def decode_health_check(fields: Fields) -> HealthCheck:
    """Return a HealthCheck. Raises: InvalidRequest."""
    return HealthCheck(
        command=decode_command(fields.message("command")) if fields.has("command") else None,
        consecutive_failures=fields.whole("consecutive_failures", 3),
        **_decode(fields, (*_DURATIONS, "grace_period_seconds")),
    )


def _encode(check: CheckInfo | HealthCheck, durations: tuple[str, ...]) -> Document:
    document: Document = {name: encode_number(getattr(check, name)) for name in durations}
    if check.type is not None:
        document["type"] = check.type.name
    if check.http is not None:
        document["http"] = _encode_http(check.http)
    if check.tcp is not None:
        document["tcp"] = {"port": check.tcp.port, **_encode_protocol(check.tcp.protocol)}
    return document


def _encode_http(http: HttpCheck) -> Document:
    document: Document = {"port": http.port, **_encode_protocol(http.protocol)}
    if http.path:
        document["path"] = http.path
    if http.scheme:
        document["scheme"] = http.scheme
    if http.statuses:
        document["statuses"] = list(http.statuses)
    return document


def _encode_protocol(protocol: NetworkProtocol | None) -> Document:
    return {"protocol": protocol.name} if protocol is not None else {}


def _decode(fields: Fields, durations: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {name: fields.number(name) for name in durations if fields.has(name)}
    values["type"] = fields.enum_or_none("type", CheckType)
    if fields.has("http"):
        http = fields.message("http")
        values["http"] = HttpCheck(
            port=http.whole("port"),
            path=http.text("path", ""),
            scheme=http.text("scheme", ""),
            statuses=http.wholes("statuses"),
            protocol=http.enum_or_none("protocol", NetworkProtocol),
        )
    if fields.has("tcp"):
        tcp = fields.message("tcp")
        values["tcp"] = TcpCheck(port=tcp.whole("port"), protocol=tcp.enum_or_none("protocol", NetworkProtocol))
    return values
