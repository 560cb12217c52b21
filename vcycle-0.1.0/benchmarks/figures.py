"""What a benchmark found: a value, its baseline of the same run, and whether the target is met."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence

from attrs import asdict, frozen

MISSED = 3
"""Exit status of a program that measured all and missed a target; one that broke has another."""


@frozen(kw_only=True)
class Figure:
    """
    One measured value beside its baseline.

    ``target`` bounds the value itself, or value / baseline where ``relative``; without a
    target the figure is only reported.
    """

    what: str
    value: float
    unit: str
    baseline_is: str
    baseline: float
    target: float | None = None
    relative: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value in units of the baseline; None where the baseline is nothing."""
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool:
        """Is the target met? Without a target, yes."""
        if self.target is None:
            return True
        measured = self.ratio if self.relative else self.value
        return measured is not None and measured <= self.target

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f", ratio {self.ratio:.2f}"
        lines = f"{self.what}\n    {_amount(self.value)} {self.unit}"
        lines += f" | {self.baseline_is}: {_amount(self.baseline)} {self.unit}{ratio}"
        if self.target is not None:
            unit = "times the baseline" if self.relative else self.unit
            verdict = "PASS" if self.met else "FAIL"
            lines += f" | at most {self.target:g} {unit}: {verdict}"
        return lines + (f"\n    {self.note}" if self.note else "")

    def as_dict(self) -> dict[str, object]:
        """For programs."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def _amount(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Least, median and most, for a note."""
    least, most = _amount(min(values)), _amount(max(values))
    return f"least {least}, median {_amount(middle(values))}, most {most} of {len(values)}"


def told(figures: Iterable[Figure], as_json: bool, short: bool = False) -> int:
    """
    Print the figures; the exit status: 0 if every target is met, else MISSED.

    A short run proves nothing of targets on a machine that has other work too: there it is 0.
    """
    all_of_them = list(figures)
    if as_json:
        print(json.dumps([figure.as_dict() for figure in all_of_them], indent=1), flush=True)
    else:
        for figure in all_of_them:
            print(figure, flush=True)
    return 0 if short or all(figure.met for figure in all_of_them) else MISSED
