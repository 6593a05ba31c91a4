"""Attributes of agents as v1 JSON documents, written and read."""

# Who calls: decoding.py and encoding.py of this package, for offers.
# Source: Mesos include/mesos/v1/mesos.proto (Attribute).

from collections.abc import Iterable

from ..agents import Attribute
from ..fields import Fields
from .parts import Document, encode_number


def encode_attributes(attributes: Iterable[Attribute]) -> list[Document]:
    """Return a list of Attributes in the agent's order."""
    return [_encode(attribute) for attribute in attributes]


def decode_attributes(fields: Fields, name: str) -> tuple[Attribute, ...]:
    """Return Attributes in the agent's order; those of unknown types are left out. Raises: InvalidRequest."""
    found = [_decode(entry) for entry in fields.messages(name)]
    return tuple([attribute for attribute in found if attribute is not None])


def _encode(attribute: Attribute) -> Document:
    value = attribute.value
    if isinstance(value, str):
        return {"name": attribute.name, "type": "TEXT", "text": {"value": value}}
    return {"name": attribute.name, "type": "SCALAR", "scalar": {"value": encode_number(value)}}


def _decode(fields: Fields) -> Attribute | None:
    name, kind = fields.text("name"), fields.text("type")
    if kind == "TEXT":
        return Attribute(name, fields.message("text").text("value"))
    return Attribute(name, fields.message("scalar").number("value")) if kind == "SCALAR" else None
