"""Which series of numbers each space gives, and each of its machinetypes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Callable

from vcycle.core.family import Family, gauge
from vcycle.core.pulse import Awaited
from vcycle.core.snapshot import Snapshot
from vcycle.core.standing import SHOWN, Standing, standings

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
    ("vcycle_draining", "1 where on purpose no machine is started", lambda s: s.draining),
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


_AWAITED: Mapping[str, Callable[[Awaited], float]] = {
    "vcycle_last_cycle_timestamp_seconds": lambda a: a.since,
    "vcycle_problems": lambda a: a.trouble is not None,
    "vcycle_draining": lambda a: a.space.draining,
}
"""What can be said before a cycle has ended."""


def of_spaces(snapshots: Iterable[Snapshot], awaited: Sequence[Awaited]) -> Iterator[Family]:
    """Those of spaces; of awaited ones the last cycle is when the daemon had them."""
    spaces = {snapshot.space.name: snapshot for snapshot in snapshots}
    for name, text, read in _SPACES:
        values = {(space,): read(snapshot) for space, snapshot in spaces.items()}
        told = _AWAITED.get(name)
        values.update({} if told is None else {(a.space.name,): told(a) for a in awaited})
        known = {labels: float(value) for labels, value in values.items() if value is not None}
        yield gauge(name, text, known, "space")
    counts = {}
    for space, snapshot in spaces.items():
        counts[space, "answering"] = len(snapshot.peers.alive)
        counts[space, "silent"] = len(snapshot.peers.silent)
    yield gauge(
        "vcycle_factories", "Other factories, by whether they answer", counts, "space", "state"
    )


def of_machinetypes(snapshots: Iterable[Snapshot]) -> Iterator[Family]:
    """Those of the machinetypes of spaces whose cycles have ended."""
    found = [
        ((snapshot.space.name, standing.machinetype.name), standing)
        for snapshot in snapshots
        for standing in standings(snapshot)
    ]
    both = ("space", "machinetype")
    yield gauge(
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
    yield gauge(
        "vcycle_space_machines",
        "Running and starting machines in the whole space, as far as factories tell",
        {labels: standing.machines + _elsewhere(standing) for labels, standing in found},
        *both,
    )
    yield gauge(
        "vcycle_share_target_ratio",
        "Wanted part of the whole space",
        {labels: s.target for labels, s in found if s.target is not None},
        *both,
    )
    yield gauge(
        "vcycle_share_actual_ratio",
        "Part of the HS06 in use in the whole space",
        {labels: s.actual for labels, s in found if s.actual is not None},
        *both,
    )
    yield gauge(
        "vcycle_backoff_until_timestamp_seconds",
        "Until when none are started after an abort; 0 without one",
        {labels: standing.backoff_until or 0 for labels, standing in found},
        *both,
    )
    yield gauge(
        "vcycle_verdict",
        "1 for what the last cycle decided on a machinetype",
        {(*labels, standing.verdict.word): 1 for labels, standing in found},
        *both,
        "word",
    )


def _elsewhere(standing: Standing) -> int:
    return sum(report.running_machines for report in standing.elsewhere)
