"""The v1 JSON form of calls and events, as Mesos writes it and leniently reads it; RecordIO, its framing in streams."""

# Who calls: api/ decodes calls and encodes events; framework/ the other way round.
# Documents are what a JSON parser gives: dicts, lists, texts, numbers, booleans and None.

from ..labels import encode_labels
from .decoding import decode_call, decode_event
from .encoding import encode_call, encode_event, encode_resources, encode_roles
from .recordio import RECORD_BYTES_MAX, Records, frame

__all__ = [
    "RECORD_BYTES_MAX",
    "Records",
    "decode_call",
    "decode_event",
    "encode_call",
    "encode_event",
    "encode_labels",
    "encode_resources",
    "encode_roles",
    "frame",
]
