"""What other factories of a space told us, on our own clock."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen


@frozen(kw_only=True)
class PeerReport:
    """
    One factory's word on one machinetype.

    ``last_abort`` is in Unix seconds of our clock, made from its age on the sender's; it is
    never later than ``heard_at``. ``young`` counts its machines before fizzle_seconds.
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
