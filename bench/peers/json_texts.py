"""The document of tasks, written by libraries for JSON from what their users would keep."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec

from bench.benchmarks import JSON, MSGSPEC, expect
from bench.tasks import TEXT_BYTES, documents, tasks


class JsonTexts:
    """json and python-rapidjson write dicts, msgspec writes structs."""

    def __init__(self, library: str) -> None:
        self._library = library

    def render_tasks(self, count: int) -> float:
        """All tasks, one text."""
        kept: Any = tasks(count) if self._library == MSGSPEC else documents(count)
        encode = self._encoder()
        start = perf_counter()
        text = encode(kept)
        seconds = perf_counter() - start
        expect(len(text) >= TEXT_BYTES * count, True, "bytes of the tasks")
        return seconds

    def _encoder(self) -> Callable[[Any], str | bytes]:
        if self._library == MSGSPEC:
            return msgspec.json.Encoder().encode
        if self._library == JSON:
            import json

            return json.dumps
        import rapidjson

        encode: Callable[[Any], str] = rapidjson.dumps
        return encode
