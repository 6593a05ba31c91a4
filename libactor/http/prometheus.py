"""Prometheus: the metrics of a runtime in the form that Prometheus reads."""

# Who calls: the endpoint /metrics (metrics.py).
# Names: what Prometheus does not know in a name becomes an underscore, counters end in _total, and HELP says the name
#   that a snapshot has. Two metrics that would then be called alike are told apart by a label, `metric`.
# Statistics of a history are gauges of a family of their own, <name>_window: they tell of the window and not, as the
#   summaries of Prometheus do, of all time.
# The text is written by prometheus-client, in the older or the newer form, by what the client asks for. Its own
#   choice among them is not used: a version that is no number makes it fail.
# Source: Prometheus, data model and exposition formats.

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import exposition
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from libactor.http.negotiation import quality
from libactor.metrics import Counter
from libactor.metrics.metric import STATISTICS
from libactor.metrics.own import COUNTS

if TYPE_CHECKING:
    from libactor.metrics.metric import Metric

_OTHER = re.compile(r"[^a-zA-Z0-9_]")


def render(snapshot: Mapping[str, float], metrics: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The text of a ``snapshot`` of ``metrics``, and its media type, for a client of that Accept."""
    found = _Families(families(snapshot, metrics))
    wanted = quality(accept, "application/openmetrics-text")
    if wanted > 0 and wanted >= quality(accept, "text/plain"):
        text: bytes = openmetrics.generate_latest(found)  # type: ignore[no-untyped-call]
        return text, "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return exposition.generate_latest(found), "text/plain; version=0.0.4; charset=utf-8"


class _Sample(NamedTuple):
    kind: str
    metric: str  # its name in the snapshot
    statistic: str  # of its history; empty: the number itself
    value: float


def families(snapshot: Mapping[str, float], metrics: Iterable[Metric]) -> list[Family]:
    """The families of a ``snapshot`` of ``metrics``, in order of their names."""
    by_name = {metric.name: metric for metric in metrics}
    grouped: dict[str, list[_Sample]] = {}
    for name, value in snapshot.items():
        base, _, statistic = name.rpartition("/")
        if name not in by_name and base in by_name and statistic in STATISTICS:
            grouped.setdefault(f"{plain_name(base)}_window", []).append(_Sample("gauge", base, statistic, value))
        else:
            kind = "counter" if isinstance(by_name.get(name), Counter) or name in COUNTS else "gauge"
            grouped.setdefault(plain_name(name).removesuffix("_total") or "_total", []).append(
                _Sample(kind, name, "", value)
            )
    return [_family(name, grouped[name]) for name in sorted(grouped)]


def plain_name(name: str) -> str:
    """``name`` in the letters that Prometheus knows."""
    plain = _OTHER.sub("_", name)
    return f"_{plain}" if plain[0].isdigit() else plain


def _family(name: str, samples: list[_Sample]) -> Family:
    kinds, metrics = {sample.kind for sample in samples}, sorted({sample.metric for sample in samples})
    kind = kinds.pop() if len(kinds) == 1 else "unknown"
    if kind == "gauge" and len(metrics) == 1 and not samples[0].statistic:
        name = plain_name(metrics[0])  # which may end in _total although it is no counter
    family = Family(name, ", ".join(metrics), kind)
    for sample in samples:
        labels = {"statistic": sample.statistic} if sample.statistic else {}
        if len(metrics) > 1:
            labels["metric"] = sample.metric
        family.add_sample(f"{name}_total" if kind == "counter" else name, labels, sample.value)
    return family


class _Families(Collector):
    def __init__(self, found: list[Family]) -> None:
        self._found = found

    def collect(self) -> list[Family]:
        return self._found
