"""The one place that chooses between the C core and its Python twin."""

# LIBACTOR_PURE=1 in the environment picks Python, for tests and for reading along in a debugger. Without it the C
# core is used; where it was not built (pip found no compiler) Python serves, and says so once.

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from libactor._core._future import (
    DISCARDED,
    FAILED,
    ON_ABANDONED,
    ON_ANY,
    ON_DISCARD,
    ON_DISCARDED,
    ON_FAILED,
    ON_READY,
    PENDING,
    READY,
)
from libactor._core._lanes import BLOCK, DROP_NEW, DROP_OLD, FAIL_SENDER
from libactor._core._mailbox import CLOSED, QUEUED, WAKE
from libactor._core._run_queue import ARRIVED, DUE, LOOK, OVER, OVERTAKEN
from libactor._core._values import CYCLE, MOVED, REFUSED, SHARED, TOO_DEEP, UNKNOWN

__all__ = [
    "ARRIVED",
    "BLOCK",
    "CLOSED",
    "CORE",
    "CYCLE",
    "DEBUG_VALUES",
    "DISCARDED",
    "DROP_NEW",
    "DROP_OLD",
    "DUE",
    "FAILED",
    "FAIL_SENDER",
    "LOOK",
    "MOVED",
    "ON_ABANDONED",
    "ON_ANY",
    "ON_DISCARD",
    "ON_DISCARDED",
    "ON_FAILED",
    "ON_READY",
    "OVER",
    "OVERTAKEN",
    "PENDING",
    "QUEUED",
    "READY",
    "REFUSED",
    "SHARED",
    "TOO_DEEP",
    "UNKNOWN",
    "WAKE",
    "Deferred",
    "PID",
    "ActorCell",
    "ChannelCell",
    "CollectionCell",
    "FutureCell",
    "JsonWriterCell",
    "Mailbox",
    "Moved",
    "PromiseCell",
    "Record",
    "RecordKind",
    "RunQueue",
    "RuntimeCell",
    "Snapshot",
    "TrafficCell",
    "Transcoder",
    "TypeCheckCell",
    "ValueCopier",
    "append_frame",
    "check_packed",
    "configure",
    "defer",
    "generate_id",
    "dispatch",
    "exchange_sequences",
    "execute",
    "fragments_bound",
    "fragments_counts",
    "gather",
    "hop",
    "hop_on",
    "join_numbers",
    "json_parts",
    "move",
    "pack",
    "pack_numbers",
    "parse_frames",
    "post",
    "prepare",
    "records_free",
    "running",
    "set_reporters",
    "spawn",
    "tell",
    "terminate",
    "unpack",
    "wait",
]


def _choose() -> str:
    if os.environ.get("LIBACTOR_PURE") == "1":
        return "python"
    try:
        import libactor._core._native  # noqa: F401
    except ImportError as error:
        warnings.warn(
            f"libactor: the C core is missing ({error}), so the slower Python core is used; "
            "install a C compiler and the Python headers and reinstall, or set LIBACTOR_PURE=1 to accept this",
            RuntimeWarning,
            stacklevel=2,
        )
        return "python"
    return "c"


CORE = _choose()  # "c" or "python"
DEBUG_VALUES = os.environ.get("LIBACTOR_DEBUG_VALUES") == "1"  # what Runtime takes for `debug` if it is not told

if TYPE_CHECKING or CORE == "python":
    from libactor._core._actor import ActorCell, exchange_sequences, generate_id
    from libactor._core._calls import dispatch, execute, post, prepare, tell
    from libactor._core._channel import ChannelCell, TrafficCell
    from libactor._core._chunks import fragments_bound, fragments_counts, records_free
    from libactor._core._collection import CollectionCell, Snapshot
    from libactor._core._deferred import Deferred, defer
    from libactor._core._future import FutureCell, set_reporters
    from libactor._core._gather import gather
    from libactor._core._hops import hop, hop_on
    from libactor._core._json import JsonWriterCell
    from libactor._core._json_numbers import join_numbers, pack_numbers
    from libactor._core._json_parts import json_parts
    from libactor._core._mailbox import Mailbox, running
    from libactor._core._moved import Moved, move
    from libactor._core._pack import pack
    from libactor._core._packed import check_packed
    from libactor._core._pid import PID
    from libactor._core._policy import configure
    from libactor._core._projection import Transcoder
    from libactor._core._promise import PromiseCell
    from libactor._core._record import Record, RecordKind
    from libactor._core._run_queue import RunQueue
    from libactor._core._runtime import RuntimeCell, spawn, terminate, wait
    from libactor._core._type_check import TypeCheckCell
    from libactor._core._unpack import unpack
    from libactor._core._values import ValueCopier
    from libactor._core._wire import append_frame, parse_frames
else:
    from libactor._core._native import (
        PID,
        ActorCell,
        ChannelCell,
        CollectionCell,
        Deferred,
        FutureCell,
        JsonWriterCell,
        Mailbox,
        Moved,
        PromiseCell,
        Record,
        RecordKind,
        RunQueue,
        RuntimeCell,
        Snapshot,
        TrafficCell,
        Transcoder,
        TypeCheckCell,
        ValueCopier,
        append_frame,
        check_packed,
        configure,
        defer,
        dispatch,
        exchange_sequences,
        execute,
        fragments_bound,
        fragments_counts,
        gather,
        generate_id,
        hop,
        hop_on,
        join_numbers,
        json_parts,
        move,
        pack,
        pack_numbers,
        parse_frames,
        post,
        prepare,
        records_free,
        running,
        set_reporters,
        spawn,
        tell,
        terminate,
        unpack,
        wait,
    )
