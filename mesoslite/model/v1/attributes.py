"""Attributes of agents as v1 JSON documents, written and read."""

# Who calls: decoding.py and encoding.py of this package, for offers.
# Source: Mesos include/mesos/v1/mesos.proto (Attribute).

from collections.abc import Callable, Iterable

from ..agents import Attribute, AttributeItems, AttributeRanges, AttributeValue
from ..errors import InvalidResources
from ..fields import Fields
from ..resource_text import checked_items, checked_ranges
from .parts import Document, encode_number


def encode_attributes(attributes: Iterable[Attribute]) -> list[Document]:
    """Return a list of Attributes in the agent's order."""
    return [_encode(attribute) for attribute in attributes]


def decode_attributes(fields: Fields, name: str) -> tuple[Attribute, ...]:
    """Return Attributes in the agent's order; those of unknown types are left out. Raises: InvalidRequest."""
    found = [_decode(entry) for entry in fields.messages(name)]
    return tuple([attribute for attribute in found if attribute is not None])


def _encode(attribute: Attribute) -> Document:
    name, value = attribute.name, attribute.value
    if isinstance(value, str):
        return {"name": name, "type": "TEXT", "text": {"value": value}}
    if isinstance(value, AttributeRanges):
        parts = [{"begin": first, "end": last} for first, last in value.ranges]
        return {"name": name, "type": "RANGES", "ranges": {"range": parts} if parts else {}}
    if isinstance(value, AttributeItems):
        return {"name": name, "type": "SET", "set": {"item": list(value.items)} if value.items else {}}
    return {"name": name, "type": "SCALAR", "scalar": {"value": encode_number(value)}}


def _decode(fields: Fields) -> Attribute | None:
    read = _VALUES.get(fields.text("type"))
    try:
        return Attribute(fields.text("name"), read(fields)) if read is not None else None
    except InvalidResources as error:
        raise fields.invalid("type", f"is of a value that is none: {error}") from error


def _ranges(fields: Fields) -> AttributeRanges:
    parts = fields.message("ranges").messages("range")
    return AttributeRanges(
        checked_ranges("the attribute", [(part.unsigned("begin"), part.unsigned("end")) for part in parts])
    )


def _items(fields: Fields) -> AttributeItems:
    return AttributeItems(checked_items("the attribute", fields.message("set").texts("item")))


_VALUES: dict[str, Callable[[Fields], AttributeValue]] = {
    "TEXT": lambda fields: fields.message("text").text("value"),
    "SCALAR": lambda fields: fields.message("scalar").number("value"),
    "RANGES": _ranges,
    "SET": _items,
}
