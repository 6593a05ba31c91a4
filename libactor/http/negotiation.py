"""What a client takes: the weights in headers such as Accept and Accept-Encoding."""

# Who calls: compression.py; whoever chooses among forms of an answer.
# Source: RFC 9110, 12.4 and 12.5. A part that is malformed counts as not said, or, if only its weight is, as refused.
# Unlike there, several parameters of a media type are not looked at: what we answer has none that matter.

from __future__ import annotations

import re

_WEIGHT = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z/-]+", re.ASCII)


def quality(header: str, *names: str) -> float:
    """The weight, 0 to 1, that ``header`` gives the first of ``names``, in lower case, that it mentions; else 0."""
    weights: dict[str, float] = {}
    for entry in header.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if _NAME.fullmatch(name):
            weights.setdefault(name, _weight(parameters))
    return next((weights[name] for name in names if name in weights), 0.0)


def accepts_encoding(header: str | None, encoding: str) -> bool:
    """Whether an Accept-Encoding of ``header`` allows a body in ``encoding``; without the header it does not."""
    return header is not None and quality(header, encoding, "*") > 0


def accepts_media(header: str | None, media: str) -> bool:
    """Whether an Accept of ``header`` allows a body of the type ``media``; without the header, any."""
    if header is None or not header.strip():
        return True
    return quality(header, media, media.partition("/")[0] + "/*", "*/*", "*") > 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            value = value.strip()
            return float(value) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0
