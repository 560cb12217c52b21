"""What is found wrong while a configuration is read: everything, once each, in reading order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from attrs import define, field

from vcycle.core.config.model import Problem

MAX_PROBLEMS = 1000


class Placed(Protocol):
    """Something that was written in a file."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int | None: ...


@define
class Findings:
    """
    Problems as they are found; ``files`` is the reading order that they are sorted by.

    ``exposed`` are those files that every user of the host can read.
    """

    files: Sequence[str]
    exposed: Collection[str] = ()
    _found: dict[Problem, None] = field(factory=dict, init=False)
    _errors: int = field(default=0, init=False)

    def error(self, file: str, line: int | None, text: str) -> None:
        """The configuration cannot be used."""
        self._add(Problem(file=file, line=line, text=text))

    def error_at(self, place: Placed, text: str) -> None:
        self.error(place.file, place.line, text)

    def warning_at(self, place: Placed, text: str) -> None:
        """It can be used, but an administrator should know."""
        self._add(Problem(file=place.file, line=place.line, text=text, fatal=False))

    def _add(self, problem: Problem) -> None:
        # Bounded each for itself, so that no number of warnings can hide an error.
        warnings = len(self._found) - self._errors
        if problem in self._found or (self._errors if problem.fatal else warnings) >= MAX_PROBLEMS:
            return
        self._found[problem] = None
        self._errors += problem.fatal

    @property
    def fatal(self) -> bool:
        return self._errors > 0

    @property
    def full(self) -> bool:
        """Whether no more errors are taken, so that none need be looked for."""
        return self._errors >= MAX_PROBLEMS

    def in_order(self) -> tuple[Problem, ...]:
        """All of them, by file in reading order, then by line."""
        order = {file: index for index, file in enumerate(self.files)}
        return tuple(
            sorted(self._found, key=lambda p: (order.get(p.file, len(order)), p.line or 0))
        )
