"""All that was written in the sections of one name, whatever file they stand in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import Kind, TooGreat
from vcycle.core.config.options import Option, Status, active, belongs, find, named, suggestion
from vcycle.core.config.syntax import Block, Value, shown
from vcycle.core.config.table import IDLE

MAX_PREFIXED = 500
"""Most options of prefixes in one section: each machinetype has all of its space's."""

_IDLE = "has no effect in this version"
_OPTION_NAME = re.compile(r"[0-9a-z_]{1,120}", re.ASCII)
_LIKE_OPTION = re.compile(r"([0-9a-z_]+)\s*[=:]", re.ASCII | re.IGNORECASE)
_LIKE_HEADER = re.compile(r"\[(settings|space|machinetype|vacuum_pipe)\b", re.IGNORECASE)

_KINDS = {option.name: option.kind for option in active() if option.kind is not None}
_DEFAULTS = {option.name: option.value_of_default() for option in active() if not option.prefix}


@define
class Sheet:
    """
    The sections of one name as one; the later of two values of an option wins.

    ``values`` is by the options' names in this version; ``parsed`` holds those that are good.
    """

    kind: str
    header: str
    file: str
    line: int | None
    values: dict[str, Value] = field(factory=dict)
    parsed: dict[str, Any] = field(factory=dict)

    def fill(self, block: Block, findings: Findings, quiet: bool = False) -> None:
        """Take in a block's options; ``quiet`` tells only of names that nobody ever had."""
        for value in block.values:
            option = find(self.kind, value.option)
            if option is None:
                _unknown(self.kind, value, findings)
            elif not quiet:
                self._take(option, value, findings)

    def _take(self, option: Option, value: Value, findings: Findings) -> None:
        _warn_of_continuation(value, findings)
        if option.status is Status.ACTIVE:
            if option.prefix and not _prefixed(option, value, findings):
                return
            if option.prefix and not self._has_room(option, value, findings):
                return
            self.values[value.option] = value
        elif option.status in (Status.ALIAS, Status.SYNONYM):
            self._take_alias(option, value, findings)
        elif option.default is None or value.text.lower() not in (option.default, "no"):
            findings.warning_at(value, f"{value.header} {value.option}: {_former(option)}")

    def _has_room(self, option: Option, value: Value, findings: Findings) -> bool:
        mine = sum(name.startswith(option.name) for name in self.values)
        room = value.option in self.values or mine < MAX_PREFIXED
        if not room:
            findings.error_at(
                self, f"{self.header}: more than {MAX_PREFIXED} {option.name} options"
            )
        return room

    def _take_alias(self, option: Option, value: Value, findings: Findings) -> None:
        former = self.values.get(option.detail)
        rival = former is not None and former.option == option.detail
        if option.status is Status.ALIAS:
            instead = (
                f"ignored, as {option.detail} is set too"
                if rival
                else f"an old name, still honoured: write {option.detail} instead"
            )
            findings.warning_at(value, f"{value.header} {value.option}: {instead}")
        if option.status is Status.SYNONYM or not rival:
            self.values[option.detail] = value

    def parse(self, findings: Findings) -> None:
        """Judge the values that won."""
        for name, value in self.values.items():
            kind = kind_of(name)
            try:
                self.parsed[name] = kind.parse(value.text)
            except ValueError as error:
                wanted = kind.wanted
                if isinstance(error, TooGreat):
                    wanted = f"at most {error.most:.0f}"
                secret = name.startswith("user_data_option_")
                text = "(not shown)" if secret else shown(value.text)
                findings.error_at(
                    value, f"{value.header} {value.option} = {text}: expected {wanted}"
                )
                continue
            if name in IDLE and self.parsed[name] != _DEFAULTS[name]:
                findings.warning_at(value, f"{value.header} {value.option}: {_IDLE}")

    @property
    def sound(self) -> bool:
        """Whether all values are good, so that it makes sense to compare them."""
        return len(self.parsed) == len(self.values)


def kind_of(name: str) -> Kind:
    """The kind of an option of this version, by its whole name."""
    return _KINDS.get(name) or next(
        kind for prefix, kind in _KINDS.items() if name.startswith(prefix)
    )


def _prefixed(option: Option, value: Value, findings: Findings) -> bool:
    if value.option == option.name:
        text = f"{value.header} {value.option}: needs a name behind it, {option.name}XXX"
    elif _OPTION_NAME.fullmatch(value.option) is None:
        text = (
            f"{value.header} {shown(value.option)}: expected lower-case letters, digits"
            f" and '_' in the name, at most 120"
        )
    else:
        return True
    findings.error_at(value, text)
    return False


def _former(option: Option) -> str:
    if option.status is Status.UNSUPPORTED:
        return f"not supported, as it is for {option.detail}"
    if option.status is Status.IGNORED:
        return f"has no effect: {option.detail}"
    return _IDLE


def _unknown(kind: str, value: Value, findings: Findings) -> None:
    if findings.full:
        return
    guess = None if named(value.option) else suggestion(kind, value.option)
    if named(value.option):
        text = f"belongs in {belongs(value.option)}"
    elif guess is not None:
        text = f"no such option; did you mean {guess}?"
    else:
        text = "no such option"
    name = value.option if _OPTION_NAME.fullmatch(value.option) else shown(value.option)
    findings.error_at(value, f"{value.header} {name}: {text}")


def _warn_of_continuation(value: Value, findings: Findings) -> None:
    for line in value.text.split("\n")[1:]:
        option = _LIKE_OPTION.match(line)
        text = "starts with a blank and so continues this value; remove the blanks"
        if _LIKE_HEADER.match(line):
            line = shown(line, 30)
            findings.error_at(value, f"{value.header} {value.option}: the line {line} {text}")
        elif option and named(option.group(1).lower()):
            line = shown(option.group(1), 30)
            text = f"{value.header} {value.option}: the line of {line} {text} if it is an option"
            findings.warning_at(value, text)


@frozen
class Layers:
    """A sheet with those that it inherits from, the most specific first."""

    sheets: Sequence[Sheet]

    def value(self, option: str) -> Value | None:
        """What was written, for messages; None if nothing was."""
        return next((s.values[option] for s in self.sheets if option in s.values), None)

    def get(self, option: str) -> Any:
        """The value that holds: the most specific good one, else the default."""
        for sheet in self.sheets:
            if option in sheet.parsed:
                return sheet.parsed[option]
        return _DEFAULTS[option]

    def named(self, prefix: str) -> dict[str, Any]:
        """All options of a prefix, by what follows it."""
        found: dict[str, Any] = {}
        for sheet in reversed(self.sheets):
            for name, parsed in sheet.parsed.items():
                if name.startswith(prefix):
                    found[name[len(prefix) :]] = parsed
        return found

    def user_data(self) -> tuple[dict[str, str], dict[str, str]]:
        """For user_data: texts, and files. Of one of each with one name the more specific wins."""
        texts: dict[str, str] = {}
        files: dict[str, str] = {}
        for sheet in reversed(self.sheets):
            layer = Layers([sheet])
            for mine, others, prefix in (
                (texts, files, "user_data_option_"),
                (files, texts, "user_data_file_"),
            ):
                for name, parsed in layer.named(prefix).items():
                    mine[name] = parsed
                    others.pop(name, None)
        return texts, files
