"""Label: a free-form pair of texts, and the Labels message of Mesos's v1 API, which holds several."""

# Who calls: kinds.py (a reservation has labels), tasks.py, records.py; resource_json.py and v1/ read and write them.

from collections.abc import Iterable
from typing import Any

import msgspec

from .fields import Fields


class Label(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A free-form pair that frameworks attach; mesoslite shows it and never acts on it.

    ``value`` is None if none was given, which is not the same as an empty one.
    """

    key: str
    value: str | None = None


def decode_labels(fields: Fields, name: str) -> tuple[Label, ...]:
    """Return the labels of a field that holds Labels; none if it is unset. Raises: InvalidRequest."""
    labels = fields.message_or_empty(name).messages("labels")
    return tuple([Label(label.text("key"), label.text("value") if label.has("value") else None) for label in labels])


def encode_labels(labels: Iterable[Label]) -> dict[str, Any]:
    """Return Labels."""
    pairs = [{"key": label.key} | ({"value": label.value} if label.value is not None else {}) for label in labels]
    return {"labels": pairs}
