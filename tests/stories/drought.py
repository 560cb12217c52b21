"""The story of a space in which one machinetype runs out of work, and its work returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from tests.core import values
from tests.stories.space import HOUR, SimulatedSpace, idles, works
from vcycle.core.config.model import Machinetype

SHARES = {"atlas": 3.0, "lhcb": 2.0, "cms": 1.0}
DRY = "atlas"
"""The machinetype that runs out of work."""

BACKOFF = 600
FIZZLE = 600
SHORTEST_ASK = 60.0
LONGEST_ASK = 180.0
"""How long a machine that finds no work lives."""

SHORTEST_WORK = 1 * HOUR
LONGEST_WORK = 6 * HOUR

TOLERANCE = 0.02
"""By what part of its target a share may differ."""

SCOUTS_PER_HOUR = 12
"""
The most scouts of one machinetype that the whole space starts in any hour without work.

A scout and the back-off after it take 660 s at least, so that six fit into an hour if each is
alone. In a full space the first in rank often has no slot free, so some more have the right
when one becomes free, and may start within one cycle of each other: twice as many at most.
"""

RETURN_SECONDS = 3 * HOUR
"""
How soon a machinetype has nine tenths of its share again, counted from when its work is back.

Up to 20 minutes until a scout starts and has outlived fizzle_seconds, and a few more until all
know. Then it gets every slot that becomes free: of machines that live 3.5 hours on average,
all slots being taken, 45 % of all are free again after about two hours.
"""


def machinetypes(shares: Mapping[str, float] = SHARES) -> list[Machinetype]:
    """The machinetypes of the story, with their shares."""
    return [
        values.machinetype(name, target_share=share, backoff_seconds=BACKOFF, fizzle_seconds=FIZZLE)
        for name, share in shares.items()
    ]


def plenty(shares: Mapping[str, float] = SHARES) -> SimulatedSpace:
    """A space in which all have work."""
    return SimulatedSpace({name: works(SHORTEST_WORK, LONGEST_WORK) for name in shares})


@frozen(kw_only=True)
class Drought:
    """
    What was measured: shares while all had work, without DRY's, and after its return.

    ``scouts`` is the most in any hour, from when a first abort was known; ``back_after`` the
    seconds until DRY had nine tenths of its share, None if it never had.
    """

    before: Mapping[str, float]
    during: Mapping[str, float]
    after: Mapping[str, float]
    scouts: int
    back_after: float | None

    def faults(self) -> Iterator[str]:
        """What is not as it was promised."""
        others = {name: share for name, share in SHARES.items() if name != DRY}
        yield from off(self.before, SHARES)
        yield from off({name: self.during[name] for name in others}, others)
        yield from off(self.after, SHARES)
        if self.scouts > SCOUTS_PER_HOUR:
            yield f"{self.scouts} scouts in an hour, over {SCOUTS_PER_HOUR}"
        if self.back_after is None or self.back_after > RETURN_SECONDS:
            yield f"back after {self.back_after} s, over {RETURN_SECONDS}"

    def lines(self) -> Iterator[str]:
        """The numbers for people."""
        for word, shares in (
            ("all have work", self.before),
            (f"{DRY} has none", self.during),
            ("all have work again", self.after),
        ):
            told = ", ".join(f"{name} {100 * share:.2f} %" for name, share in shares.items())
            yield f"{word}: {told}"
        yield f"most scouts in an hour: {self.scouts}"
        back = "never" if self.back_after is None else f"after {self.back_after / 60:.0f} minutes"
        yield f"nine tenths of its share: {back}"


def off(measured: Mapping[str, float], shares: Mapping[str, float]) -> Iterator[str]:
    """The shares that are not within TOLERANCE of their target among these machinetypes."""
    whole, wanted = sum(measured.values()), sum(shares.values())
    for name, share in shares.items():
        got, target = measured[name] / whole, share / wanted
        if abs(got / target - 1) > TOLERANCE:
            yield f"{name} has {got:.4f} of {target:.4f}"


def most_in_an_hour(moments: list[float]) -> int:
    """The most of these that lie within one hour, wherever it begins."""
    return max((sum(m <= at < m + HOUR for at in moments) for m in moments), default=0)


def drought(space: SimulatedSpace, *, settle: float, watch: float, dry: float) -> Drought:
    """
    Let it happen: ``settle`` seconds that are not measured, ``watch`` that are, ``dry``
    seconds without work (shares are measured in the last quarter), and back again.
    """
    space.advance(settle)
    before = space.shares(watch)
    space.lives[DRY] = idles(SHORTEST_ASK, LONGEST_ASK)
    began = space.now
    space.advance(0.75 * dry)
    during = space.shares(0.25 * dry)
    # Whoever started before anybody could know that there is no work was no scout.
    known = began + LONGEST_ASK + 2 * max(f.space.cycle_seconds for f in space.factories)
    scouts = most_in_an_hour([at for at, _ in space.started(DRY, known)])
    space.lives[DRY] = works(SHORTEST_WORK, LONGEST_WORK)
    back_after = returned(space)
    space.advance(settle)
    return Drought(
        before=before,
        during=during,
        after=space.shares(watch),
        scouts=scouts,
        back_after=back_after,
    )


def returned(space: SimulatedSpace) -> float | None:
    """Seconds until DRY has nine tenths of its share, within twice what it may take."""
    began, wanted = space.now, 0.9 * SHARES[DRY] / sum(SHARES.values())
    while space.now - began < 2 * RETURN_SECONDS:
        space.advance(60.0)
        if space.running[DRY] >= wanted * space.room:
            return space.now - began
    return None
