"""
When Python's garbage collector walks over what: between cycles, and only over what is new.

Records of thousands of machines are no garbage, and a walk over all of them stops the reactor.
"""

from __future__ import annotations

import gc

from attrs import define

SELDOM = 100
"""Younger collections that go before a full one which nobody asked for."""

LOOK_EACH = 60
GROWTH = 1.5
SLACK = 50_000
"""Objects set aside, of which some may have become garbage, before all are walked over again."""


@define
class Sweeper:
    """
    What survives a sweep is set aside, and later sweeps do not walk over it.

    Set aside, an object still goes when its last user does; only what keeps itself alive in a
    circle stays. So when there is much more of it than there was, everything is walked over.
    """

    _lasting: int = 0
    _sweeps: int = 0

    def settle(self) -> None:
        """Walk over everything; call it once all is imported and built."""
        youngest, young, _ = gc.get_threshold()
        gc.set_threshold(youngest, young, SELDOM)
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._lasting = gc.get_freeze_count()

    def sweep(self) -> None:
        """Collect garbage; best when what a cycle needed in passing has just gone."""
        gc.collect()
        gc.freeze()
        self._sweeps += 1
        # Counting walks too, if faster, so it is done seldom.
        if self._sweeps % LOOK_EACH == 0 and self._has_grown():
            self.settle()

    def _has_grown(self) -> bool:
        return gc.get_freeze_count() > GROWTH * self._lasting + SLACK
