"""How an operator's line is said: on one line whatever is in it, and without secrets."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from twisted.logger import Logger, LogLevel

NAMESPACE = "vcycle"
HIDDEN = "(secret)"

_logger = Logger(namespace=NAMESPACE)


@frozen
class Operator:
    """
    Says lines, each with its ``event`` and fields. What machines, files and libraries put into a
    field can neither make a second line nor steer a terminal. ``hide`` is left out of all of them.
    """

    # A field must not be called as one of Twisted's former log: its observers overwrite "message".
    hide: str = field(default="", repr=False)

    def emit(self, level: Any, text: str, /, **fields: Any) -> None:
        """``text`` is a constant format of ``fields``."""
        _logger.emit(level, text, **{name: self._clean(value) for name, value in fields.items()})

    def info(self, text: str, /, **fields: Any) -> None:
        """What happens on good days too."""
        self.emit(LogLevel.info, text, **fields)

    def warn(self, text: str, /, **fields: Any) -> None:
        """What an administrator should look at."""
        self.emit(LogLevel.warn, text, **fields)

    def error(self, text: str, /, **fields: Any) -> None:
        """What keeps machines from being made."""
        self.emit(LogLevel.error, text, **fields)

    def _clean(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        shown = value.replace(self.hide, HIDDEN) if self.hide else value
        return shown if shown.isprintable() else "".join(map(_printable, shown))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else " " if letter.isspace() else "?"
