"""What a factory has made out about one machinetype in the whole space."""

from __future__ import annotations

from attrs import evolve, frozen


@frozen(kw_only=True)
class Abort:
    """
    One abort; ``at`` in Unix seconds of our clock.

    ``machine`` is the name of its slot, by which all factories know it.
    """

    at: float
    factory: str
    machine: str | None = None
    message: str | None = None


@frozen(kw_only=True)
class Outlook:
    """
    What one factory has seen of a machinetype in its space; times are Unix seconds of its clock.

    ``abort`` is the last one in the space. What follows is of the time since: ``quiet_at``
    since when no machine is young, None while one is, and ``young_at`` since when one always
    is; ``scout_at`` when a young machine that
    started after the abort was first seen at the factory ``scout``; ``proof`` of when it is
    that such a machine of a peer outlived fizzle_seconds.
    """

    abort: Abort | None = None
    quiet_at: float | None = None
    young_at: float | None = None
    scout_at: float | None = None
    scout: str | None = None
    proof: float | None = None


def shifted(outlook: Outlook, seconds: float) -> Outlook:
    """The outlook as a clock set by ``seconds`` would have seen it."""

    def move(at: float | None) -> float | None:
        return None if at is None else at + seconds

    abort = outlook.abort
    return evolve(
        outlook,
        abort=None if abort is None else evolve(abort, at=abort.at + seconds),
        quiet_at=move(outlook.quiet_at),
        young_at=move(outlook.young_at),
        scout_at=move(outlook.scout_at),
        proof=move(outlook.proof),
    )
