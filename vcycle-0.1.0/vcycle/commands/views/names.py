"""Names of factories and machines: in a natural order, and as short as can be told apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Union

Value = Union[str, float, None]

_DIGITS = re.compile(r"([0-9]+)")


def short_names(factories: Iterable[str]) -> dict[str, str]:
    """By lower-case name its first label; all of it where another begins with the same."""
    labels = {name: _label(name) for name in {name.lower() for name in factories}}
    count = Counter(labels.values())
    return {name: label if count[label] == 1 else name for name, label in labels.items()}


def _label(name: str) -> str:
    """An address is no name: it has no shorter form."""
    label = name.partition(".")[0]
    return name if label.isdigit() else label


def natural(value: Value) -> tuple[Any, ...]:
    """A key to sort by in which factory2 comes before factory10."""
    if not isinstance(value, str):
        return (0, value)
    parts = _DIGITS.split(value.lower())
    # Digits by their number without making one: a name may have thousands of them.
    parts[1::2] = [f"{len(digits.lstrip('0')):05}{digits.lstrip('0')}" for digits in parts[1::2]]
    return (1, parts, value)
