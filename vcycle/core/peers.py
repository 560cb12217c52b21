"""What other factories of a space told us, on our own clock."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import Factory, evolve, frozen

from vcycle.core.config.model import Space


@frozen(kw_only=True)
class PeerReport:
    """
    One factory's word on one machinetype.

    ``last_abort`` is in Unix seconds of our clock, made from its age on the sender's; it is
    never later than ``heard_at``. ``young`` counts its machines before fizzle_seconds. ``counted``
    says that it told its processors, which else are taken to be as many as its machines.
    """

    factory: str
    machinetype: str
    running_hs06: float
    running_machines: int
    running_processors: int
    young: int
    heard_at: float
    last_abort: float | None = None
    abort_message: str | None = None
    abort_machine: str | None = None
    counted: bool = True


@frozen(kw_only=True)
class Peers:
    """
    The last round of questions to the other factories of a space.

    ``silent`` are those that did not answer; ``alive`` those that did, some of which may
    have no machinetypes. ``asked_at`` is None before the first round.
    """

    reports: tuple[PeerReport, ...] = ()
    alive: frozenset[str] = frozenset()
    silent: Mapping[str, str] = Factory(dict)
    asked_at: float | None = None


def patience(space: Space) -> float:
    """For how many seconds a peer's word is believed: one lost answer must not silence it."""
    return 2 * space.cycle_seconds + space.udp_timeout_seconds


def heard(peers: Peers, space: Space, now: float) -> dict[str, tuple[PeerReport, ...]]:
    """
    What counts of the reports, by machinetype: one of each peer, its last.

    Reports of ourselves, of machinetypes that are not configured here, that are too old, or
    that make no sense count for nothing.
    """
    latest: dict[str, dict[str, PeerReport]] = {name: {} for name in space.machinetypes}
    ourselves, oldest = space.factory_name.lower(), now - patience(space)
    for report in peers.reports:
        factory, of = report.factory.lower(), latest.get(report.machinetype)
        if of is None or factory == ourselves or not _sane(report) or report.heard_at < oldest:
            continue
        former = of.get(factory)
        if former is None or former.heard_at <= report.heard_at:
            of[factory] = report
    return {name: tuple(of[factory] for factory in sorted(of)) for name, of in latest.items()}


def _sane(report: PeerReport) -> bool:
    """The wire's decoder lets nothing else pass; yet a decision must stand whatever it is told."""
    return (
        math.isfinite(report.heard_at)
        and (report.last_abort is None or math.isfinite(report.last_abort))
        and 0 <= report.running_hs06 < math.inf
        and report.running_machines >= 0
        and report.young >= 0
    )


def joined(found: Peers, former: Peers, space: Space, now: float) -> Peers:
    """
    What a round found, and of what it did not hear again the former words still believed.

    An answer is lost now and then, though its factory answers otherwise: without its number a
    machinetype would seem to have too little.
    """
    again = {(report.factory, report.machinetype) for report in found.reports}
    kept = (
        report
        for report in former.reports
        if (report.factory, report.machinetype) not in again
        and 0 <= now - report.heard_at <= patience(space)
    )
    return evolve(found, reports=(*found.reports, *kept))
