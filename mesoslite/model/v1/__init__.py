"""The v1 JSON form of calls and events, as Mesos writes it and leniently reads it; RecordIO, its framing in streams."""

# Who calls: api/ decodes calls and encodes events; framework/ the other way round.
# Documents are what a JSON parser gives: dicts, lists, texts, numbers, booleans and None.

from ..labels import encode_labels
from .decoding import decode_call, decode_event
from .encoding import encode_call, encode_event, encode_roles
from .operations import decode_operation, decode_operation_status, encode_operation, encode_operation_status
from .parts import encode_resources
from .recordio import RECORD_BYTES_MAX, Records, frame
from .role_fields import role_problem
from .tasks import decode_executor, decode_task, encode_executor, encode_task

__all__ = [
    "RECORD_BYTES_MAX",
    "Records",
    "decode_call",
    "decode_event",
    "decode_executor",
    "decode_operation",
    "decode_operation_status",
    "decode_task",
    "encode_call",
    "encode_event",
    "encode_executor",
    "encode_labels",
    "encode_operation",
    "encode_operation_status",
    "encode_resources",
    "encode_roles",
    "encode_task",
    "frame",
    "role_problem",
]
