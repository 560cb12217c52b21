"""When Python's garbage collector walks over everything: between cycles, not within one."""

from __future__ import annotations

import gc

SELDOM = 100
"""Younger collections that go before a full one which nobody asked for."""


def settle() -> None:
    """
    Call once, when all is imported and built: that lasts, and is not walked over any more.

    It is most of what there is, and a full collection stops the reactor. From now on those
    come when ``sweep`` is called; others only if it is not called for very long.
    """
    gc.collect()
    gc.freeze()
    youngest, young, _ = gc.get_threshold()
    gc.set_threshold(youngest, young, SELDOM)


def sweep() -> None:
    """Collect all garbage now: best when what a cycle needed in passing has just gone."""
    gc.collect()
