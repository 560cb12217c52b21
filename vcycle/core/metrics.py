"""Which series of numbers a daemon's state gives; names and help are for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import Factory, frozen

from vcycle.core.config.model import Space
from vcycle.core.family import Family, Labels, counter, gauge, histogram
from vcycle.core.machine import Outcome
from vcycle.core.pulse import Awaited
from vcycle.core.snapshot import Snapshot
from vcycle.core.spacefamilies import of_machinetypes, of_spaces
from vcycle.core.tally import Tally


@frozen(kw_only=True)
class Readings:
    """
    All that numbers are made of, as it was at one moment.

    ``snapshots`` are of the spaces whose cycles have ended, the others are ``awaited``.
    ``queries`` are the responder's counts, ``answers`` whether it answers about a space, where it
    is to; ``leaks`` things by kind that nobody owns; ``hung``
    threads that were given up, by pool; ``images`` the times (Unix seconds) at which each was
    last confirmed, None if never, and whether there was a problem since; ``accounting`` how many
    records wait, and since when the oldest.
    """

    version: str
    started_at: float
    snapshots: tuple[Snapshot, ...] = ()
    awaited: tuple[Awaited, ...] = ()
    tally: Tally = Factory(Tally)
    queries: Mapping[str, int] = Factory(dict)
    answers: Mapping[str, bool] = Factory(dict)
    leaks: Mapping[str, int] = Factory(dict)
    hung: Mapping[str, int] = Factory(dict)
    images: Mapping[str, tuple[float | None, bool]] = Factory(dict)
    accounting: tuple[int, float | None] | None = None
    listeners: int = 0


def families(readings: Readings) -> Iterator[Family]:
    """All metrics; each is there whether or not it has samples."""
    yield gauge("vcycle_build_info", "Version of the daemon", {(readings.version,): 1}, "version")
    yield gauge(
        "vcycle_start_timestamp_seconds", "When the daemon began", {(): readings.started_at}
    )
    yield from of_spaces(readings.snapshots, readings.awaited)
    yield from of_machinetypes(readings.snapshots)
    spaces = (*(s.space for s in readings.snapshots), *(a.space for a in readings.awaited))
    yield from _counted(readings.tally, spaces)
    yield from _asked(readings.queries, readings.answers)
    yield from _kept(readings)


def _counted(tally: Tally, spaces: Iterable[Space]) -> Iterator[Family]:
    """A series that began with its first count would have no increase at it."""
    of = ("space", "machinetype")
    kinds = [(space.name, machinetype) for space in spaces for machinetype in space.machinetypes]
    ends: dict[Labels, float] = {(*kind, o.value): 0 for kind in kinds for o in Outcome}
    ends.update({key: lives.count for key, lives in tally.ends.items()})
    yield counter(
        "vcycle_machine_ends",
        "Machines that are over, by how they ended",
        ends,
        *of,
        "outcome",
    )
    cpu: dict[Labels, float] = dict.fromkeys(kinds, 0.0)
    wall: dict[Labels, float] = dict.fromkeys(kinds, 0.0)
    for (space, machinetype, _), lives in tally.ends.items():
        key = (space, machinetype)
        cpu[key] = cpu.get(key, 0.0) + lives.cpu_seconds
        wall[key] = wall.get(key, 0.0) + lives.seconds
    yield counter("vcycle_machine_cpu_seconds", "CPU time that ended machines had used", cpu, *of)
    yield counter("vcycle_machine_life_seconds", "How long ended machines had run", wall, *of)
    yield histogram(
        "vcycle_cycle_duration_seconds",
        "How long cycles took",
        {(space,): durations for space, durations in tally.cycles.items()},
        "space",
    )
    yield histogram(
        "vcycle_provider_call_duration_seconds",
        "How long calls of a provider took",
        tally.calls,
        *("provider", "call", "result"),
    )
    yield counter(
        "vcycle_errors",
        "Warnings and errors in the log, by the name of their line",
        {(name,): count for name, count in tally.errors.items()},
        "event",
    )


REFUSALS = ("strangers", "malformed", "limited", "unsigned", "dropped")


def _asked(queries: Mapping[str, int], answers: Mapping[str, bool]) -> Iterator[Family]:
    def one(name: str, text: str, key: str) -> Family:
        return counter(name, text, {(): queries.get(key, 0)})

    yield gauge(
        "vcycle_vacquery_up",
        "1 where other factories and programs are heard and answered",
        {(space,): answered for space, answered in answers.items()},
        "space",
    )
    yield one("vcycle_vacquery_queries", "Questions of other factories and programs", "queries")
    yield one("vcycle_vacquery_answers", "Datagrams with which they were answered", "answers")
    yield counter(
        "vcycle_vacquery_refused",
        "Datagrams that were not answered, and answers that were not sent",
        {(reason,): queries.get(reason, 0) for reason in REFUSALS},
        "reason",
    )


def _kept(readings: Readings) -> Iterator[Family]:
    images, accounting = readings.images, readings.accounting
    yield gauge(
        "vcycle_image_confirmed_timestamp_seconds",
        "When a server last said that the image is the newest",
        {(name,): at for name, (at, _) in images.items() if at is not None},
        "image",
    )
    yield gauge(
        "vcycle_image_problem",
        "1 where the server could not be asked since",
        {(name,): problem for name, (_, problem) in images.items()},
        "image",
    )
    yield gauge(
        "vcycle_leaks",
        "Things that nobody owns any more, of which there should be none",
        {(kind,): count for kind, count in readings.leaks.items()},
        "kind",
    )
    yield gauge(
        "vcycle_threads_hung",
        "Threads that were given up as what they wait for does not answer",
        {(pool,): count for pool, count in readings.hung.items()},
        "pool",
    )
    yield gauge(
        "vcycle_accounting_records_waiting",
        "Accounting records that were not sent yet",
        {} if accounting is None else {(): accounting[0]},
    )
    oldest = None if accounting is None else accounting[1]
    yield gauge(
        "vcycle_accounting_oldest_timestamp_seconds",
        "When the oldest of them was written; 0 without any",
        {} if accounting is None else {(): oldest or 0},
    )
    yield gauge("vcycle_dashboard_listeners", "Pages that are open", {(): readings.listeners})
