"""Columns of tables that can be chosen, widened and sorted by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, Generic, TypeVar

from attrs import frozen

from vcycle.commands.views.names import Value, natural
from vcycle.core.table import Cell, Colour, clean, cut, paint, render

Row = TypeVar("Row")


def plain(value: Any) -> str:
    """A value as it is; a dash for none."""
    return "-" if value is None or value == "" else str(value)


def percentage(value: Any) -> str:
    """With one digit after the point, as ``97.4%``."""
    return "-" if value is None else f"{value:.1f}%"


def decimal(value: Any) -> str:
    """With one digit after the point."""
    return "-" if value is None else f"{value:.1f}"


def hundredths(value: Any) -> str:
    """With two digits after the point."""
    return "-" if value is None else f"{value:.2f}"


def kib(value: Any) -> str:
    """An amount given in KiB, in the largest unit of which there is one."""
    if value is None:
        return "-"
    if not value:
        return "0"
    amount = float(value)
    for unit in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f}{unit}" if amount >= 10 else f"{amount:.1f}{unit}"
        amount /= 1024
    return f"{amount:.0f}TiB" if amount >= 10 else f"{amount:.1f}TiB"


@frozen
class Column(Generic[Row]):
    """
    One column: a row's ``value``, which is what is sorted by, and how it is ``told``.

    Where a row's ``text`` is more than its value, it is shown instead.
    A ``wide`` column is shown only where wide tables are asked for.
    """

    name: str
    value: Callable[[Row], Value]
    told: Callable[[Any], str] = plain
    right: bool = False
    wide: bool = False
    text: Callable[[Row], str] | None = None
    colour: Callable[[Row], Colour | None] | None = None


@frozen(kw_only=True)
class Look:
    """How tables are shown: ``width`` is None for other than terminals."""

    wide: bool = False
    headers: bool = True
    width: int | None = None
    colour: bool = False

    def line(self, words: str, colour: Colour | None = None) -> str:
        """One line of free text."""
        whole = clean(words) if self.width is None else cut(clean(words), self.width)
        return f"{paint(whole, colour) if self.colour else whole}\n"

    def table(self, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> str:
        """Rows as they come."""
        shown = [column for column in columns if self.wide or not column.wide]
        whole = render(
            [column.name for column in shown],
            [[_cell(column, row) for column in shown] for row in rows],
            right=[index for index, column in enumerate(shown) if column.right],
            width=self.width,
            colour=self.colour,
        )
        return whole if self.headers else whole.partition("\n")[2]


def _cell(column: Column[Row], row: Row) -> Cell:
    colour = None if column.colour is None else column.colour(row)
    text = column.told(column.value(row)) if column.text is None else column.text(row)
    return Cell(text, colour)


def key(name: str) -> str:
    """What a column is called in ``--sort``: in lower case, dashes for blanks."""
    return name.lower().replace(" ", "-")


def bare(sorting: str) -> str:
    """The column's key in one word of ``--sort``, which begins with a ``-`` to turn it round."""
    return sorting[1:] if sorting.startswith("-") else sorting


def in_order(columns: Sequence[Column[Row]], rows: Iterable[Row], by: Sequence[str]) -> list[Row]:
    """
    Sorted by columns' keys, the first before the second; those with a ``-`` downwards.

    What has no value is last either way; otherwise the given order is kept.
    """
    known = {key(column.name): column for column in columns}
    ordered = list(rows)
    for each in reversed(by):
        value = known[bare(each)].value
        valued = [(value(row), row) for row in ordered]
        some = [pair for pair in valued if pair[0] is not None]
        some.sort(key=lambda pair: natural(pair[0]), reverse=each.startswith("-"))
        ordered = [row for _, row in some] + [row for it, row in valued if it is None]
    return ordered
