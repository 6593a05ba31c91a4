"""Media types: what a request's body is, and in which form its client takes the answer, where streams are a choice."""

# Who calls: agent_endpoint.py for each request, and the calls that are streams.
# A stream is JSON by its content type unless its client asks for RecordIO; its records are framed either way.
# Source: Mesos src/slave/http.cpp (Http::api, Http::_api).

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import JSON, Refusal

if TYPE_CHECKING:
    from .exchange import Exchange

RECORDIO = "application/recordio"
MESSAGE_CONTENT_TYPE, MESSAGE_ACCEPT = "Message-Content-Type", "Message-Accept"


def is_stream(exchange: Exchange) -> bool:
    """Whether the body of a request is a stream of records.

    Raises: Refusal: 400 for no content type, or none of the records, 415 for what is not known here.
    """
    content_type = exchange.headers.get("content-type")
    if content_type is None:
        raise Refusal(400, f"Expecting 'Content-Type' to be present; set it to {JSON}")
    of_records = exchange.headers.get(MESSAGE_CONTENT_TYPE.lower())
    if content_type == JSON:
        if of_records is not None:
            raise Refusal(415, f"Expecting '{MESSAGE_CONTENT_TYPE}' to be not set for non-streaming requests")
        return False
    if content_type != RECORDIO:
        raise Refusal(415, f"Expecting 'Content-Type' of {JSON} or {RECORDIO}, got {content_type[:80]}")
    if of_records is None:
        raise Refusal(400, f"Expecting '{MESSAGE_CONTENT_TYPE}' to be set for streaming requests")
    if of_records != JSON:
        raise Refusal(415, f"Expecting '{MESSAGE_CONTENT_TYPE}' of {JSON}, got {of_records[:80]}")
    return True


def takes_stream(exchange: Exchange) -> bool:
    """Whether a client takes nothing but a stream of records. Raises: Refusal with 406, for what is not known here."""
    of_records = exchange.headers.get(MESSAGE_ACCEPT.lower())
    if exchange.accepts(JSON):
        if of_records is not None:
            raise Refusal(406, f"Expecting '{MESSAGE_ACCEPT}' to be not set for non-streaming responses")
        return False
    if not exchange.accepts(RECORDIO):
        raise Refusal(406, f"Expecting 'Accept' to allow {JSON} or {RECORDIO}")
    if not exchange.accepts(JSON, MESSAGE_ACCEPT):
        raise Refusal(406, f"Expecting '{MESSAGE_ACCEPT}' to allow {JSON}")
    return True


def stream_headers(exchange: Exchange) -> dict[str, str]:
    """The headers of an answer that is a stream. Raises: as ``takes_stream``."""
    if takes_stream(exchange):
        return {"content-type": RECORDIO, MESSAGE_CONTENT_TYPE.lower(): JSON}
    return {"content-type": JSON}
