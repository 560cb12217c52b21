"""What came of asking factories, and how it can be shown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Callable, TypeVar

from attrs import frozen

from vcycle.commands.choosing import Chosen
from vcycle.commands.views.columns import Column, Look, key
from vcycle.core.table import Colour
from vcycle.core.vacquery.messages import (
    Answer,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
)

Row = TypeVar("Row")


@frozen(kw_only=True)
class Gathered:
    """
    All answers, and why those who are ``unreachable`` gave none, or not all, by full name.

    ``taken_at`` is in Unix seconds by our clock, ``seconds`` is how long it took.
    """

    chosen: Chosen
    answers: tuple[Answer, ...]
    unreachable: Mapping[str, str]
    taken_at: float
    seconds: float

    @property
    def machines(self) -> list[MachineStatus]:
        return [answer for answer in self.answers if isinstance(answer, MachineStatus)]

    @property
    def machinetypes(self) -> list[MachinetypeStatus]:
        return [answer for answer in self.answers if isinstance(answer, MachinetypeStatus)]

    @property
    def factories(self) -> list[FactoryStatus]:
        return [answer for answer in self.answers if isinstance(answer, FactoryStatus)]

    @property
    def answered(self) -> int:
        """How many factories told all that they were asked."""
        return len(self.chosen.factories) - len(self.unreachable)


@frozen(kw_only=True)
class View:
    """
    Something to show: ``objects`` is for JSON, ``names`` for ``-o name``.

    ``nothing`` is what is said where there is nothing to show, and ``wrong`` where what was asked
    for is not known to any factory that answered.
    """

    objects: Mapping[str, object]
    names: Sequence[str]
    text: Callable[[Look], str]
    nothing: str = ""
    wrong: str = ""


@frozen(kw_only=True)
class Question:
    """
    What a command asks of every factory, and what it makes of the answers.

    ``columns`` are what can be sorted by, by their keys.
    """

    kinds: tuple[Kind, ...]
    columns: tuple[str, ...]
    view: Callable[[Gathered, argparse.Namespace], View]


def keys(columns: Sequence[Column[Row]]) -> tuple[str, ...]:
    """What ``--sort`` may name."""
    return tuple(key(column.name) for column in columns)


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], look: Look) -> str:
    """The rows as they come, under their headers; nothing at all where there are none."""
    return look.table(columns, rows) if rows else ""


def summary(words: str, gathered: Gathered, look: Look) -> str:
    """One line apart that ends with how long it took, and with who did not answer."""
    if not look.headers:
        return ""
    line = f"{words}; answered in {gathered.seconds:.1f} s"
    if gathered.unreachable:
        line += f"; unreachable: {', '.join(gathered.unreachable)}"
    return look.line(line, Colour.RED if gathered.unreachable else None)


def counted(number: int, one: str, many: str = "") -> str:
    """The number and what is counted: 1 machine, 2 machines."""
    return f"{number} {one if number == 1 else many or one + 's'}"
