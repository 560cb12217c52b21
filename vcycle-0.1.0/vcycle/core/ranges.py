"""Ranges of the monitoring plug-ins' guidelines, such as ``10:20``; imports nothing slow."""

from __future__ import annotations

DIGITS = frozenset("0123456789.")
INFINITE = float("inf")


class Range:
    """
    What is all right, or with ``@`` before it what is not; both bounds included.

    ``10`` is 0 to 10, ``10:`` is 10 or more, ``~:10`` is 10 or less, and nothing at all is 0 or
    more.
    """

    def __init__(self, text: str) -> None:
        """:raises ValueError: the text is no range; the error says why."""
        self.text = text
        self._inside = text.startswith("@")
        low, colon, high = text[self._inside :].partition(":")
        if not colon:
            low, high = "", low
        self._low = -INFINITE if low == "~" and colon else _number(low, 0.0, text)
        self._high = _number(high, INFINITE, text)
        if self._low > self._high:
            raise ValueError(f"{text!r} is no range: it begins after its end")

    def alerts(self, value: float) -> bool:
        """Is this value a reason to alert somebody?"""
        return (self._low <= value <= self._high) is self._inside

    def __str__(self) -> str:
        return self.text


def _number(text: str, default: float, whole: str) -> float:
    if not text:
        return default
    plain = text[1:] if text[0] == "-" else text
    if not plain or not DIGITS.issuperset(plain) or plain.count(".") > 1 or plain == ".":
        raise ValueError(f"{whole!r} is no range: {text!r} is no number; such as 10, 10:, ~:10")
    return float(text)
