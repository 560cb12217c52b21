"""Where a request wants to go: its target, taken apart without any decoding."""

from __future__ import annotations

import re

from attrs import field, frozen

from vcycle.core.quota import refused_name

MACHINE, OUTPUTS = "machine", "joboutputs"
_SLASHES = re.compile(r"/+")


@frozen(kw_only=True)
class Route:
    """
    ``parts`` of the path in a machine's own tree, "" last for a slash at the end;
    ``secret`` is None for a caller to be known by its address.
    """

    secret: str | None = field(repr=False)
    parts: tuple[str, ...]

    @property
    def output(self) -> str | None:
        """The name of the job output that this is the place of, if the name is within the rules."""
        if len(self.parts) != 2 or self.parts[0] != OUTPUTS or refused_name(self.parts[1]):
            return None
        return self.parts[1]


def parse(target: bytes) -> Route | None:
    """
    The route of a request's target; None for what can lead nowhere.

    Repeated slashes count as one. Percent signs and question marks are like other characters.
    """
    try:
        path = target.decode("ascii")
    except UnicodeDecodeError:
        return None
    parts = _SLASHES.sub("/", path).split("/")
    if parts[0] or len(parts) < 2 or "." in parts or ".." in parts:
        return None
    if parts[1] != MACHINE:
        return Route(secret=None, parts=tuple(parts[1:]))
    if len(parts) < 3 or not parts[2]:
        return None
    return Route(secret=parts[2], parts=tuple(parts[3:]))
