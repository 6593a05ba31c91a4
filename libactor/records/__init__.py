"""Records: messages that are kept as the bytes they came in, in great numbers."""

from libactor._core._impl import Record, Snapshot, fragments_bound
from libactor._core._shapes import RecordError
from libactor._core.values import register_immutable
from libactor.records.collection import Collection
from libactor.records.json_writer import JsonWriter
from libactor.records.projection import Projection
from libactor.records.record_type import RecordType
from libactor.records.type_check import TypeCheck

__all__ = [
    "Collection",
    "JsonWriter",
    "Projection",
    "Record",
    "RecordError",
    "RecordType",
    "Snapshot",
    "TypeCheck",
    "fragments_bound",
]

for _kind in (Record, Snapshot, RecordType, Projection, TypeCheck):
    register_immutable(_kind)
