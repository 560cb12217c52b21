"""Lines about templates of user_data, and what their machinetypes have for them."""

from __future__ import annotations

from collections.abc import Sequence

from vcycle.daemon.events.line import Operator

_log = Operator()
MAX_NAMES = 20
MAX_LETTERS = 60


def user_data_unknown(space: str, machinetype: str, patterns: Sequence[str]) -> None:
    """A template asks for what nothing stands for."""
    _log.warn(
        "{space}: user_data of {machinetype}: nothing stands for {patterns}, which was left out",
        event="user-data-unknown",
        space=space,
        machinetype=machinetype,
        patterns=_listed([f"##user_data_{_clipped(name)}##" for name in patterns]),
    )


def user_data_unused(space: str, machinetype: str, options: Sequence[str]) -> None:
    """A template never asks for what there is for it."""
    _log.info(
        "{space}: user_data of {machinetype} does not use {options}",
        event="user-data-unused",
        space=space,
        machinetype=machinetype,
        options=_listed([_clipped(name) for name in options]),
    )


def _clipped(name: str) -> str:
    """Templates may come from anywhere, with names as long as they like."""
    return name if len(name) <= MAX_LETTERS else f"{name[:MAX_LETTERS]}..."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
