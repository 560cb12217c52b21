"""The factories of a space, what they have, and what of it is in use."""

from __future__ import annotations

import argparse
from typing import Any, Callable

from attrs import asdict, frozen

from vcycle.commands.views.columns import Column, Look, decimal, hundredths, in_order, kib
from vcycle.commands.views.gathered import Gathered, Question, View, keys, table
from vcycle.commands.views.names import natural, short_names
from vcycle.core.table import Colour, span
from vcycle.core.vacquery.messages import FactoryStatus, Kind, age

OLD_SECONDS = 600
"""A heartbeat this old is no good sign: a factory has one each minute."""


@frozen(kw_only=True)
class Factory:
    """One factory; its times are spans in seconds on its own clock, None where it has none."""

    told: FactoryStatus
    name: str
    now: float

    def since(self, at: int | None) -> float | None:
        return age(at, self.told.time_sent, now=self.now) if at else None


def _old(get: Callable[[FactoryStatus], int | None]) -> Callable[[Factory], Colour | None]:
    def colour(row: Factory) -> Colour | None:
        ago = row.since(get(row.told))
        return Colour.RED if ago is not None and ago > OLD_SECONDS else None

    return colour


def _beat(
    name: str, get: Callable[[FactoryStatus], int | None], wide: bool = False
) -> Column[Factory]:
    return Column(
        name, lambda row: row.since(get(row.told)), span, right=True, wide=wide, colour=_old(get)
    )


def _of(used: float | None, most: float | None, told: Callable[[Any], str]) -> str:
    return "-" if used is None and most is None else f"{told(used)}/{told(most)}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _pair(
    name: str,
    used: Callable[[FactoryStatus], float | None],
    most: Callable[[FactoryStatus], float | None],
    told: Callable[[Any], str] = _whole,
    wide: bool = False,
) -> Column[Factory]:
    """In use of all, sorted by what is in use."""
    return Column(
        name,
        lambda row: used(row.told),
        text=lambda row: _of(used(row.told), most(row.told), told),
        right=True,
        wide=wide,
    )


def _swap(told: FactoryStatus) -> int | None:
    if told.swap_used_kb is None or told.swap_free_kb is None:
        return None
    return told.swap_used_kb + told.swap_free_kb


COLUMNS: tuple[Column[Factory], ...] = (
    Column("factory", lambda row: row.name),
    _pair("cpus", lambda told: told.running_processors, lambda told: told.max_processors),
    _pair("machines", lambda told: told.running_machines, lambda told: told.max_machines),
    _pair("hs06", lambda told: told.running_hs06, lambda told: told.max_hs06, decimal, wide=True),
    Column("load", lambda row: row.told.load_average, hundredths, right=True),
    Column("root disk", lambda row: row.told.root_disk_avail_kb, kib, right=True),
    Column("state disk", lambda row: row.told.daemon_disk_avail_kb, kib, right=True),
    _pair("memory", lambda told: told.mem_used_kb, lambda told: told.mem_total_kb, kib),
    _pair("swap", lambda told: told.swap_used_kb, _swap, kib, wide=True),
    _beat("beat", lambda told: told.factory_heartbeat_time),
    _beat("answers", lambda told: told.responder_heartbeat_time),
    Column(
        "features",
        lambda row: row.since(row.told.mjf_heartbeat_time),
        span,
        right=True,
        wide=True,
    ),
    Column(
        "metadata",
        lambda row: row.since(row.told.metadata_heartbeat_time),
        span,
        right=True,
        wide=True,
    ),
    Column("up", lambda row: row.since(row.told.boot_time), span, right=True, wide=True),
    Column("kernel", lambda row: row.told.kernel_version, wide=True),
    Column("system", lambda row: row.told.os_issue, wide=True),
    Column("site", lambda row: row.told.site, wide=True),
    Column("version", lambda row: row.told.daemon_version),
)


def view(gathered: Gathered, arguments: argparse.Namespace) -> View:
    """As the module says."""
    names = short_names(gathered.chosen.factories)
    by_name = sorted(
        (
            Factory(told=told, name=names.get(name, name), now=gathered.taken_at)
            for told in gathered.factories
            for name in (told.factory.lower(),)
        ),
        key=lambda row: natural(row.told.factory.lower()),
    )
    factories = in_order(COLUMNS, by_name, arguments.sort)

    def text(look: Look) -> str:
        return table(COLUMNS, factories, look)

    return View(
        objects={"factories": [_as_object(row.told) for row in factories]},
        names=[row.told.factory.lower() for row in factories],
        text=text,
        nothing="" if factories else "no factories",
    )


def _as_object(told: FactoryStatus) -> dict[str, object]:
    known = asdict(told)
    for kept_back in ("cookie", "space"):
        del known[kept_back]
    return {**known, "factory": told.factory.lower()}


QUESTION = Question(kinds=(Kind.FACTORY,), columns=keys(COLUMNS), view=view)
