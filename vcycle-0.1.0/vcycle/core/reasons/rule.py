"""Rules as they were applied: values that the deciding functions leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, frozen


@frozen(kw_only=True)
class Rule:
    """
    One rule as it was applied: its ``name``, and what it looked at.

    ``refusal`` is why nothing may start by it, None if it lets pass; ``word`` says the same
    to programs. ``until`` (Unix seconds) is when time alone may change its mind.
    """

    name: str
    seen: str
    refusal: str | None = None
    word: str = ""
    until: float | None = None


@frozen(kw_only=True)
class Need:
    """
    One machinetype's place in the order of starving: HS06 in use, divided by its share, after
    the same of its group. ``lot`` decides between equals.
    """

    machinetype: str
    target_share: float
    hs06: float
    score: float
    group: str
    group_score: float
    lot: float


@frozen(kw_only=True)
class Superslot:
    """Machines that end together and leave ``lack`` processors, which are kept for others."""

    shutdown_time: float
    processors: int
    lack: int


@frozen(kw_only=True)
class Reasons:
    """
    Why a plan is what it is.

    ``space`` are the rules that hold for all machinetypes, in order, ``machinetypes`` those of
    each, by name. ``order`` is how starved they are after all creations, the most starved
    first. ``free_*`` are what is left then, None for no limit. ``ends_at`` is when the first
    of the machines ends at the latest.
    """

    space: tuple[Rule, ...] = ()
    machinetypes: Mapping[str, tuple[Rule, ...]] = Factory(dict)
    order: tuple[Need, ...] = ()
    superslots: tuple[Superslot, ...] = ()
    free_processors: int | None = None
    free_memory_mb: int | None = None
    free_machines: int | None = None
    ends_at: float | None = None


def refusing(rules: Iterable[Rule]) -> Rule | None:
    """The first rule that does not let pass, or None; later ones are not even made."""
    return next((rule for rule in rules if rule.refusal is not None), None)
