"""The v1 JSON form of what is asked and told, as Mesos writes it and leniently reads it; RecordIO, its framing."""

# Who calls: api/ decodes calls and encodes events; framework/ the other way round.
# Documents are what a JSON parser gives: dicts, lists, texts, numbers, booleans and None.

from ..labels import encode_labels
from .agents import encode_agent
from .containers import (
    decode_called_id,
    decode_container_id,
    decode_kill,
    decode_launch,
    encode_container_id,
    encode_container_status,
    encode_termination,
)
from .decoding import decode_call, decode_event
from .encoding import encode_call, encode_event, encode_framework, encode_inverse_offer, encode_roles
from .executors import decode_executor_call, decode_executor_event, encode_executor_call, encode_executor_event
from .machines import decode_machines, decode_schedule, encode_maintenance_status, encode_schedule
from .operations import (
    decode_operation,
    decode_operation_body,
    decode_operation_status,
    encode_operation,
    encode_operation_status,
)
from .parts import decode_duration, decode_protobuf_duration, encode_resources
from .process_io import decode_process_io, encode_process_io, encode_tty
from .quotas import decode_quota_configs, decode_quota_request, decode_weights, encode_quota_status, encode_weights
from .recordio import RECORD_BYTES_MAX, Records, frame
from .registry import encode_registry
from .role_fields import role_problem
from .statuses import encode_status
from .tasks import decode_executor, decode_task, encode_executor, encode_task

__all__ = [
    "RECORD_BYTES_MAX",
    "Records",
    "decode_call",
    "decode_container_id",
    "decode_duration",
    "decode_event",
    "decode_executor",
    "decode_executor_call",
    "decode_executor_event",
    "decode_kill",
    "decode_launch",
    "decode_machines",
    "decode_called_id",
    "decode_operation",
    "decode_operation_body",
    "decode_operation_status",
    "decode_process_io",
    "decode_protobuf_duration",
    "decode_quota_configs",
    "decode_quota_request",
    "decode_schedule",
    "decode_task",
    "decode_weights",
    "encode_agent",
    "encode_call",
    "encode_container_id",
    "encode_container_status",
    "encode_event",
    "encode_executor",
    "encode_executor_call",
    "encode_executor_event",
    "encode_framework",
    "encode_inverse_offer",
    "encode_labels",
    "encode_maintenance_status",
    "encode_operation",
    "encode_operation_status",
    "encode_process_io",
    "encode_quota_status",
    "encode_registry",
    "encode_resources",
    "encode_roles",
    "encode_schedule",
    "encode_status",
    "encode_task",
    "encode_termination",
    "encode_tty",
    "encode_weights",
    "frame",
    "role_problem",
]
