"""One metric with its samples, as Prometheus has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from vcycle.core.tally import BOUNDS, Durations

Labels = tuple[str, ...]
GAUGE, COUNTER, HISTOGRAM = "gauge", "counter", "histogram"


@frozen
class Family:
    """
    One metric. ``samples`` are values by the values of ``labels``; a counter's name is without
    its ``_total``. Of a histogram they are in ``durations``.
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    samples: tuple[tuple[Labels, float], ...] = ()
    durations: tuple[tuple[Labels, Durations], ...] = ()


def gauge(name: str, text: str, samples: Mapping[Any, float], *labels: str) -> Family:
    """A number that goes up and down."""
    return Family(name, GAUGE, text, labels, tuple(samples.items()))


def counter(name: str, text: str, samples: Mapping[Any, float], *labels: str) -> Family:
    """A number that only grows."""
    return Family(name, COUNTER, text, labels, tuple(samples.items()))


def histogram(name: str, text: str, found: Mapping[Any, Durations], *labels: str) -> Family:
    """How often something took how long."""
    return Family(name, HISTOGRAM, text, labels, (), tuple(found.items()))


def buckets(durations: Durations) -> tuple[tuple[str, int], ...]:
    """The cumulated counts of a histogram by their upper bounds, as Prometheus has them."""
    bounds = [*(repr(bound) for bound in BOUNDS), "+Inf"]
    sums, so_far = [], 0
    for count in durations.counts:
        so_far += count
        sums.append(so_far)
    return tuple(zip(bounds, sums))
