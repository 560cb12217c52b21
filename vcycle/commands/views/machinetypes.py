"""Machinetypes: in the whole space, and on each of its factories."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import asdict, frozen

from vcycle.commands.views.columns import Column, Look, bare, decimal, in_order, percentage
from vcycle.commands.views.gathered import Gathered, Question, View, keys, table
from vcycle.commands.views.names import natural, short_names
from vcycle.core.table import span
from vcycle.core.vacquery.messages import Kind, MachinetypeStatus, age

Row = TypeVar("Row")


@frozen(kw_only=True)
class Machinetype:
    """One machinetype on one factory; ``ago`` is how many seconds ago its last end was."""

    told: MachinetypeStatus
    factory: str
    ago: float | None

    @property
    def machines(self) -> int:
        return self.told.running_machines or 0

    @property
    def young(self) -> int:
        return self.told.num_before_fizzle


@frozen(kw_only=True)
class Total:
    """
    One machinetype in the space: sums, and the latest of the last ends.

    ``share`` and ``target`` are percentages of the space's HS06 and of all target shares;
    ``target_share`` is None where the configuration here has no such machinetype.
    """

    machinetype: str
    factories: int
    machines: int
    processors: float
    hs06: float
    young: int
    share: float | None
    target: float | None
    target_share: float | None
    last: Machinetype | None


def machinetypes(gathered: Gathered) -> list[Machinetype]:
    """Rows by machinetype and factory."""
    names = short_names(gathered.chosen.factories)
    rows = []
    for told in gathered.machinetypes:
        factory, at = told.factory.lower(), told.shutdown_time
        ago = None if at is None else age(at, told.time_sent, now=gathered.taken_at)
        rows.append(Machinetype(told=told, factory=names.get(factory, factory), ago=ago))
    return sorted(rows, key=lambda row: (natural(row.told.machinetype), natural(row.told.factory)))


def totals(rows: Iterable[Machinetype], shares: Mapping[str, float]) -> list[Total]:
    """One for each machinetype that any factory told of, or that has a target share."""
    by_name: dict[str, list[Machinetype]] = {name: [] for name in shares}
    for row in rows:
        by_name.setdefault(row.told.machinetype, []).append(row)
    whole = sum(row.told.running_hs06 for each in by_name.values() for row in each)
    targets = sum(shares.values())
    return [
        _total(name, by_name[name], whole, shares.get(name), targets)
        for name in sorted(by_name, key=natural)
    ]


def _total(
    name: str, rows: Sequence[Machinetype], whole: float, share: float | None, shares: float
) -> Total:
    hs06 = sum(row.told.running_hs06 for row in rows)
    ended = [(row.ago, index, row) for index, row in enumerate(rows) if row.ago is not None]
    return Total(
        machinetype=name,
        factories=len(rows),
        machines=sum(row.machines for row in rows),
        processors=sum(row.told.running_processors or 0 for row in rows),
        hs06=hs06,
        young=sum(row.young for row in rows),
        share=100.0 * hs06 / whole if whole else None,
        target=100.0 * share / shares if share is not None and shares else None,
        target_share=share,
        last=min(ended)[2] if ended else None,
    )


def _last_end(value: Callable[[Row], MachinetypeStatus | None]) -> tuple[Column[Row], ...]:
    """How such a machine ended last, where any did."""

    def message(row: Row) -> str | None:
        told = value(row)
        return None if told is None else told.shutdown_message

    def machine(row: Row) -> str | None:
        told = value(row)
        return None if told is None else told.shutdown_machine

    return (
        Column("on machine", machine, wide=True),
        Column("last message", message),
    )


def _told(row: Machinetype) -> MachinetypeStatus | None:
    return row.told


def _told_last(row: Total) -> MachinetypeStatus | None:
    return None if row.last is None else row.last.told


def _round(processors: float | None) -> str:
    return "-" if processors is None else f"{processors:.6g}"


COLUMNS: tuple[Column[Machinetype], ...] = (
    Column("machinetype", lambda row: row.told.machinetype),
    Column("factory", lambda row: row.factory),
    Column("machines", lambda row: row.machines, right=True),
    Column("cpus", lambda row: row.told.running_processors, _round, right=True),
    Column("hs06", lambda row: row.told.running_hs06, decimal, right=True),
    Column("young", lambda row: row.young, right=True),
    Column("last end", lambda row: row.ago, span, right=True),
    *_last_end(_told),
)
TOTALS: tuple[Column[Total], ...] = (
    Column("machinetype", lambda row: row.machinetype),
    Column("factories", lambda row: row.factories, right=True),
    Column("machines", lambda row: row.machines, right=True),
    Column("cpus", lambda row: row.processors, _round, right=True),
    Column("hs06", lambda row: row.hs06, decimal, right=True),
    Column("share", lambda row: row.share, percentage, right=True),
    Column("target", lambda row: row.target, percentage, right=True),
    Column("young", lambda row: row.young, right=True),
    Column("last end", lambda row: None if row.last is None else row.last.ago, span, right=True),
    *_last_end(_told_last),
)


def view(gathered: Gathered, arguments: argparse.Namespace) -> View:
    """As the module says; with a name only that one, whose shares are of the space still."""
    every = machinetypes(gathered)
    only = gathered.chosen.machinetype
    rows = in_order(
        COLUMNS,
        [row for row in every if only in (None, row.told.machinetype)],
        arguments.sort,
    )
    sums = in_order(
        TOTALS,
        [
            total
            for total in totals(every, gathered.chosen.shares)
            if only in (None, total.machinetype)
        ],
        [each for each in arguments.sort if bare(each) in keys(TOTALS)],
    )

    def text(look: Look) -> str:
        parts = (table(TOTALS, sums, look), table(COLUMNS, rows, look))
        return "\n".join(filter(None, parts)) if look.headers else parts[1]

    return View(
        objects={
            "machinetypes": [_as_object(row) for row in rows],
            "totals": [_total_as_object(total) for total in sums],
        },
        names=list(dict.fromkeys(row.told.machinetype for row in rows)),
        text=text,
        nothing="" if rows else "no machinetypes" if only is None else f"no machinetype {only}",
        wrong="" if only is None or sums else _unknown(only, every, gathered),
    )


def _unknown(only: str, every: Sequence[Machinetype], gathered: Gathered) -> str:
    known = sorted({row.told.machinetype for row in every} | set(gathered.chosen.shares))
    there = f"there are {', '.join(known)}" if known else "there are none"
    return f"no machinetype {only} in {gathered.chosen.space}; {there}"


def _as_object(row: Machinetype) -> dict[str, object]:
    known = asdict(row.told)
    for other in ("cookie", "space", "num_machinetypes", "vacquery_version"):
        del known[other]
    known["factory"] = row.told.factory.lower()
    known["before_fizzle"] = known.pop("num_before_fizzle")
    return {**known, "shutdown_age_seconds": None if row.ago is None else int(row.ago)}


def _total_as_object(total: Total) -> dict[str, object]:
    last = total.last
    return {
        "machinetype": total.machinetype,
        "factories": total.factories,
        "target_share": total.target_share,
        "target_percentage": None if total.target is None else round(total.target, 1),
        "share_percentage": None if total.share is None else round(total.share, 1),
        "running_machines": total.machines,
        "running_processors": total.processors,
        "running_hs06": round(total.hs06, 2),
        "before_fizzle": total.young,
        "shutdown_message": None if last is None else last.told.shutdown_message,
        "shutdown_machine": None if last is None else last.told.shutdown_machine,
        "shutdown_age_seconds": None if last is None or last.ago is None else int(last.ago),
    }


QUESTION = Question(kinds=(Kind.MACHINETYPES,), columns=keys(COLUMNS), view=view)
