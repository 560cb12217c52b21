"""Which series of numbers a daemon's state gives; names and help are for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable

from attrs import Factory, frozen

from vcycle.core.snapshot import Snapshot
from vcycle.core.standing import SHOWN, Standing, standings
from vcycle.core.tally import BOUNDS, Durations, Tally

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


@frozen(kw_only=True)
class Readings:
    """
    All that numbers are made of, as it was at one moment.

    ``queries`` are the responder's counts; ``leaks`` things by kind that nobody owns; ``hung``
    threads that were given up, by pool; ``images`` the times (Unix seconds) at which each was
    last confirmed, None if never, and whether there was a problem since; ``accounting`` how many
    records wait, and since when the oldest.
    """

    version: str
    started_at: float
    snapshots: tuple[Snapshot, ...] = ()
    tally: Tally = Factory(Tally)
    queries: Mapping[str, int] = Factory(dict)
    leaks: Mapping[str, int] = Factory(dict)
    hung: Mapping[str, int] = Factory(dict)
    images: Mapping[str, tuple[float | None, bool]] = Factory(dict)
    accounting: tuple[int, float | None] | None = None
    listeners: int = 0


def families(readings: Readings) -> Iterator[Family]:
    """All metrics; each is there whether or not it has samples."""
    yield _gauge("vcycle_build_info", "Version of the daemon", {(readings.version,): 1}, "version")
    yield _gauge(
        "vcycle_start_timestamp_seconds", "When the daemon began", {(): readings.started_at}
    )
    yield from _of_spaces(readings.snapshots)
    yield from _of_machinetypes(readings.snapshots)
    yield from _counted(readings.tally)
    yield from _asked(readings.queries)
    yield from _kept(readings)


_SPACES: tuple[tuple[str, str, Callable[[Snapshot], float | None]], ...] = (
    ("vcycle_last_cycle_timestamp_seconds", "When the last cycle ended", lambda s: s.taken_at),
    ("vcycle_machines_limit", "Most machines that there may be", lambda s: s.slots),
    (
        "vcycle_processors",
        "Processors of machines that are not over",
        lambda s: sum(reviewed.record.processors for reviewed in s.machines),
    ),
    (
        "vcycle_processors_limit",
        "Processors that machines may use",
        lambda s: s.processors_limit,
    ),
    (
        "vcycle_problems",
        "Reasons to look at the space, as told in the log",
        lambda s: len(s.problems),
    ),
    ("vcycle_draining", "1 where on purpose no machine is started", lambda s: s.space.draining),
    ("vcycle_provider_up", "1 where the provider told what machines it has", lambda s: s.answered),
    (
        "vcycle_disk_free_bytes",
        "Room where state is kept",
        lambda s: None if s.host is None else s.host.disk_free,
    ),
    (
        "vcycle_host_load",
        "Load average of the host, as far as it counts for creations",
        lambda s: None if s.host is None else s.host.load,
    ),
)


def _of_spaces(snapshots: Iterable[Snapshot]) -> Iterator[Family]:
    spaces = {snapshot.space.name: snapshot for snapshot in snapshots}
    for name, text, read in _SPACES:
        values = {(space,): read(snapshot) for space, snapshot in spaces.items()}
        known = {labels: float(value) for labels, value in values.items() if value is not None}
        yield _gauge(name, text, known, "space")
    counts = {}
    for space, snapshot in spaces.items():
        counts[space, "answering"] = len(snapshot.peers.alive)
        counts[space, "silent"] = len(snapshot.peers.silent)
    yield _gauge(
        "vcycle_factories", "Other factories, by whether they answer", counts, "space", "state"
    )


def _of_machinetypes(snapshots: Iterable[Snapshot]) -> Iterator[Family]:
    found = [
        ((snapshot.space.name, standing.machinetype.name), standing)
        for snapshot in snapshots
        for standing in standings(snapshot)
    ]
    both = ("space", "machinetype")
    yield _gauge(
        "vcycle_machines",
        "Machines of this factory, by where they stand",
        {
            (*labels, state.value): standing.states.get(state, 0)
            for labels, standing in found
            for state in SHOWN
        },
        *both,
        "state",
    )
    yield _gauge(
        "vcycle_space_machines",
        "Running and starting machines in the whole space, as far as factories tell",
        {labels: standing.machines + _elsewhere(standing) for labels, standing in found},
        *both,
    )
    yield _gauge(
        "vcycle_share_target_ratio",
        "Wanted part of the whole space",
        {labels: s.target for labels, s in found if s.target is not None},
        *both,
    )
    yield _gauge(
        "vcycle_share_actual_ratio",
        "Part of the HS06 in use in the whole space",
        {labels: s.actual for labels, s in found if s.actual is not None},
        *both,
    )
    yield _gauge(
        "vcycle_backoff_until_timestamp_seconds",
        "Until when none are started after an abort; 0 without one",
        {labels: standing.backoff_until or 0 for labels, standing in found},
        *both,
    )
    yield _gauge(
        "vcycle_verdict",
        "1 for what the last cycle decided on a machinetype",
        {(*labels, standing.verdict.word): 1 for labels, standing in found},
        *both,
        "word",
    )


def _elsewhere(standing: Standing) -> int:
    return sum(report.running_machines for report in standing.elsewhere)


def _counted(tally: Tally) -> Iterator[Family]:
    of = ("space", "machinetype")
    yield _counter(
        "vcycle_machine_ends",
        "Machines that are over, by how they ended",
        {key: lives.count for key, lives in tally.ends.items()},
        *of,
        "outcome",
    )
    cpu: dict[Labels, float] = {}
    wall: dict[Labels, float] = {}
    for (space, machinetype, _), lives in tally.ends.items():
        key = (space, machinetype)
        cpu[key] = cpu.get(key, 0.0) + lives.cpu_seconds
        wall[key] = wall.get(key, 0.0) + lives.seconds
    yield _counter("vcycle_machine_cpu_seconds", "CPU time that ended machines had used", cpu, *of)
    yield _counter("vcycle_machine_life_seconds", "How long ended machines had run", wall, *of)
    yield _histogram(
        "vcycle_cycle_duration_seconds",
        "How long cycles took",
        {(space,): durations for space, durations in tally.cycles.items()},
        "space",
    )
    yield _histogram(
        "vcycle_provider_call_duration_seconds",
        "How long calls of a provider took",
        tally.calls,
        *("provider", "call", "result"),
    )
    yield _counter(
        "vcycle_errors",
        "Warnings and errors in the log, by the name of their line",
        {(name,): count for name, count in tally.errors.items()},
        "event",
    )


REFUSALS = ("strangers", "malformed", "limited", "unsigned", "dropped")


def _asked(queries: Mapping[str, int]) -> Iterator[Family]:
    def one(name: str, text: str, key: str) -> Family:
        return _counter(name, text, {(): queries.get(key, 0)})

    yield one("vcycle_vacquery_queries", "Questions of other factories and programs", "queries")
    yield one("vcycle_vacquery_answers", "Datagrams with which they were answered", "answers")
    yield _counter(
        "vcycle_vacquery_refused",
        "Datagrams that were not answered, and answers that were not sent",
        {(reason,): queries.get(reason, 0) for reason in REFUSALS},
        "reason",
    )


def _kept(readings: Readings) -> Iterator[Family]:
    images, accounting = readings.images, readings.accounting
    yield _gauge(
        "vcycle_image_confirmed_timestamp_seconds",
        "When a server last said that the image is the newest",
        {(name,): at for name, (at, _) in images.items() if at is not None},
        "image",
    )
    yield _gauge(
        "vcycle_image_problem",
        "1 where the server could not be asked since",
        {(name,): problem for name, (_, problem) in images.items()},
        "image",
    )
    yield _gauge(
        "vcycle_leaks",
        "Things that nobody owns any more, of which there should be none",
        {(kind,): count for kind, count in readings.leaks.items()},
        "kind",
    )
    yield _gauge(
        "vcycle_threads_hung",
        "Threads that were given up as what they wait for does not answer",
        {(pool,): count for pool, count in readings.hung.items()},
        "pool",
    )
    yield _gauge(
        "vcycle_accounting_records_waiting",
        "Accounting records that were not sent yet",
        {} if accounting is None else {(): accounting[0]},
    )
    oldest = None if accounting is None else accounting[1]
    yield _gauge(
        "vcycle_accounting_oldest_timestamp_seconds",
        "When the oldest of them was written; 0 without any",
        {} if accounting is None else {(): oldest or 0},
    )
    yield _gauge("vcycle_dashboard_listeners", "Pages that are open", {(): readings.listeners})


def _gauge(name: str, text: str, samples: Mapping[Any, float], *labels: str) -> Family:
    return Family(name, GAUGE, text, labels, tuple(samples.items()))


def _counter(name: str, text: str, samples: Mapping[Any, float], *labels: str) -> Family:
    return Family(name, COUNTER, text, labels, tuple(samples.items()))


def _histogram(name: str, text: str, found: Mapping[Any, Durations], *labels: str) -> Family:
    return Family(name, HISTOGRAM, text, labels, (), tuple(found.items()))


def buckets(durations: Durations) -> tuple[tuple[str, int], ...]:
    """The cumulated counts of a histogram by their upper bounds, as Prometheus has them."""
    bounds = [*(repr(bound) for bound in BOUNDS), "+Inf"]
    sums, so_far = [], 0
    for count in durations.counts:
        so_far += count
        sums.append(so_far)
    return tuple(zip(bounds, sums))
