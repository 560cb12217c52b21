"""From factories' answers to what is known of our peers, on our own clock."""

from __future__ import annotations

from collections.abc import Iterator

from vcycle.core.asking.round import Gathered
from vcycle.core.ending import ABORT_CODE
from vcycle.core.messages import code
from vcycle.core.peers import PeerReport, Peers
from vcycle.core.vacquery.messages import MachinetypeStatus, age

SKEW_SECONDS = 60
"""How much another host's clock may be ahead of ours."""


def peers_of(found: Gathered, *, now: float, offset: float) -> Peers:
    """
    What a round for machinetypes brought; ``now`` and all times of the result are Unix seconds.

    ``offset`` is what has to be added to the times of the round's clock to make them so.
    """
    return Peers(
        reports=tuple(_reports(found, offset)),
        alive=frozenset(found.heard),
        silent=dict(found.silent),
        asked_at=now,
    )


def _reports(found: Gathered, offset: float) -> Iterator[PeerReport]:
    for factory, row in found.heard.items():
        for heard in row:
            at = heard.at + offset
            if isinstance(heard.answer, MachinetypeStatus) and _credible(heard.answer, at):
                yield report_of(factory, heard.answer, at)


def _credible(status: MachinetypeStatus, heard_at: float) -> bool:
    """
    Is what it tells of over by our clock, where the sender's own is not known?

    An abort that is always to come would move the back-off on for ever.
    """
    if status.time_sent is not None or status.shutdown_time is None:
        return True
    return status.shutdown_time <= heard_at + SKEW_SECONDS


def report_of(factory: str, status: MachinetypeStatus, heard_at: float) -> PeerReport:
    """One answer, heard at a moment of our clock."""
    last_abort = None
    if _is_abort(status.shutdown_message) and status.shutdown_time is not None:
        last_abort = heard_at - age(status.shutdown_time, status.time_sent, now=heard_at)
    # Young ones are machines too, whoever leaves their number out.
    machines = max(status.running_machines or 0, status.num_before_fizzle)
    processors = status.running_processors
    return PeerReport(
        factory=factory,
        machinetype=status.machinetype,
        running_hs06=status.running_hs06,
        running_machines=machines,
        running_processors=machines if processors is None else round(processors),
        young=status.num_before_fizzle,
        heard_at=heard_at,
        last_abort=last_abort,
        abort_message=None if last_abort is None else status.shutdown_message,
        abort_machine=None if last_abort is None else status.shutdown_machine,
        counted=processors is not None,
    )


def _is_abort(message: str | None) -> bool:
    said = None if message is None else code(message)
    return said is not None and said >= ABORT_CODE
