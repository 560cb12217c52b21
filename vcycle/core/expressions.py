"""Regular expressions from configurations and pipes: only those that cannot take for ever."""

from __future__ import annotations

import re

from attrs import define

MAX_LENGTH = 500
MAX_TEXT = 500
"""Longest text that may be matched whole with an expression that is allowed."""

MAX_REPEATS = 2
"""Most repeats without an end: each multiplies the steps by the length of the text."""

MAX_STEPS = 10_000_000
"""Most steps, of some nanoseconds each, that matching a text of the greatest length may take."""

_TOKEN = re.compile(
    r"""(?P<single>\\.|\[\^?\]?(?:\\.|[^]\\])*\])
    |(?P<open>\((?:\?:)?)
    |(?P<close>\))
    |(?P<either>\|)
    |(?P<repeat>(?:[*+?]|\{(?!\})(?P<least>[0-9]*)(?P<range>,(?P<most>[0-9]*))?\})[?+]?)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)


@define
class _Walk:
    """
    How often each piece of an expression is tried at most where it backtracks: once for each way
    in which what is before it can match.
    """

    ways: int = 1
    steps: int = 0
    endless: int = 0
    _weight: int = 0

    def piece(self, text: str) -> None:
        """One character, or a set of them: what is in a set may be compared one by one."""
        self._weight = 1 + text[1:].count("\\") + sum(each > "\x7f" for each in text)
        self.steps += self.ways * self._weight

    def border(self) -> None:
        """Where a group begins or ends."""
        self.steps += self.ways

    def either(self) -> None:
        """What is before was tried with and without, or another way."""
        self.ways *= 2

    def repeat(self, least: int, most: int | None) -> None:
        """The last piece, so many times; endless if ``most`` is None."""
        self.steps += self.ways * self._weight * (MAX_TEXT if most is None else most)
        if most is not None:
            self.ways *= max(1, most - least + 1)
            return
        # Where one took much of the text, little of it is left for the next.
        self.endless += 1
        self.ways = self.ways * MAX_TEXT // self.endless


def cost_problem(text: str) -> str | None:
    """
    Why matching a whole DN could take long, counted for the worst one; None if it cannot.

    What repeats a group, looks around or refers back is refused, whatever it would cost.
    """
    walk, before = _Walk(), ""
    for token in _that_can_fail(list(_TOKEN.finditer(text))):
        kind, found = str(token.lastgroup), token[0]
        if kind == "repeat" and found[0] == "?":
            if before == "open":
                return "it looks around, refers back or has flags"
            walk.either()
        elif kind == "repeat":
            if before == "close":
                return "it repeats a group"
            walk.repeat(*_times(token))
        elif kind == "either":
            walk.either()
        elif kind in ("open", "close"):
            walk.border()
        else:
            if re.match(r"\\[1-9]", found):
                return "it looks around, refers back or has flags"
            walk.piece(found)
        before = kind
    if walk.endless > MAX_REPEATS:
        return f"it has more than {MAX_REPEATS} repeats without an end"
    if walk.steps > MAX_STEPS:
        return f"it could take {walk.steps} steps"
    return None


def _that_can_fail(tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    """Without ``.*`` at the end: who comes so far in a DN, which is one line, has matched it."""
    end = len(tokens) - 1 if tokens and tokens[-1][0] == "$" else len(tokens)
    last = [token[0] for token in tokens[max(0, end - 2) : end]]
    return tokens[: end - 2] if last == [".", "*"] else tokens


def _times(token: re.Match[str]) -> tuple[int, int | None]:
    """How often at least and at most, as far as a text is long enough."""
    if token[0][0] in "*+":
        return 0, None
    least = min(_number(token["least"]), MAX_TEXT)
    if token["range"] is None:
        return least, least
    if not token["most"]:
        return least, None
    return least, min(_number(token["most"]), MAX_TEXT)


def _number(digits: str) -> int:
    return int(digits[:9] or "0")
