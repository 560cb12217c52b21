"""Numbers in the form in which Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable

from attrs import define

from vcycle.core.errors import VcycleError
from vcycle.core.metrics import COUNTER, HISTOGRAM, Family, buckets

PACKAGE = "prometheus_client"


class MissingPackage(VcycleError):
    """The package that writes the form is not installed; the text names it."""


def page(accept: str, families: Callable[[], Iterable[Family]]) -> tuple[bytes, str]:
    """
    The page of these metrics, and its type, as the header Accept wants it; for any thread.

    The registry is our own: beside what is given only this process's numbers get in.

    :raises MissingPackage: it cannot be written.
    """
    try:
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
        from prometheus_client.exposition import choose_encoder
    except ImportError as error:
        raise MissingPackage(
            f"metrics need the Python package {PACKAGE}, which is not here: install"
            " python3-prometheus_client, or pip install vcycle[metrics]"
        ) from error
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Collector(families))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


@define(eq=False)
class _Collector:
    """What a registry asks for metrics."""

    _families: Callable[[], Iterable[Family]]

    def describe(self) -> Iterable[Any]:
        return ()

    def collect(self) -> Iterator[Any]:
        for family in self._families():
            yield _metric(family)


def _metric(family: Family) -> Any:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    name, text, labels = family.name, family.help, family.labels
    if family.kind == HISTOGRAM:
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for key, durations in family.durations:
            histogram.add_metric(key, buckets(durations), durations.total)
        return histogram
    kind = CounterMetricFamily if family.kind == COUNTER else GaugeMetricFamily
    metric = kind(name, text, labels=labels)
    for key, value in family.samples:
        metric.add_metric(key, value)
    return metric
