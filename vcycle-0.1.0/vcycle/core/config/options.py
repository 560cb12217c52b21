"""Every option there is or was: what it may say, where it belongs, and what it means."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from vcycle.core.config.kinds import KINDS, Kind
from vcycle.core.config.table import ACTIVE, FORMER

SECTIONS = ("settings", "space", "machinetype", "vacuum_pipe", "factories", "targetshares")


class Status(enum.Enum):
    """What becomes of an option that somebody wrote."""

    ACTIVE = "active"
    SYNONYM = "synonym"
    ALIAS = "alias"
    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"
    LATER = "later"
    MOVED = "moved"


@frozen(kw_only=True)
class Option:
    """
    One row of the table. A ``prefix`` stands for all names that begin with ``name``.

    ``default`` is written as in a file; where it is None, ``otherwise`` says what holds.
    ``detail`` is the successor of an alias, or why there is nothing of another former option.
    """

    name: str
    sections: tuple[str, ...]
    status: Status = Status.ACTIVE
    kind: Kind | None = None
    prefix: bool = False
    default: str | None = None
    otherwise: str = ""
    meaning: str = ""
    detail: str = ""

    def matches(self, name: str) -> bool:
        return name.startswith(self.name) if self.prefix else name == self.name

    def value_of_default(self) -> Any:
        """The default as a value; None where there is none."""
        return None if self.kind is None or self.default is None else self.kind.parse(self.default)


def _active() -> Iterator[Option]:
    rows = ACTIVE.splitlines()
    for row, meaning in zip(rows[::2], rows[1::2]):
        name, sections, kind, default = row.split(None, 3)
        told = default.startswith("(")
        yield Option(
            name=name.rstrip("*"),
            sections=tuple(sections.split(",")),
            kind=KINDS[kind],
            prefix=name.endswith("*"),
            default=None if told or default == "-" else default,
            otherwise=default[1:-1] if told else "",
            meaning=meaning.strip(),
        )


def _former() -> Iterator[Option]:
    for row in FORMER.splitlines():
        names, sections, status, *detail = row.split(None, 3)
        for name in names.split(","):
            yield Option(
                name=name,
                sections=tuple(sections.split(",")),
                status=Status(status),
                default=detail[0] if detail and status == Status.LATER.value else None,
                detail=detail[0] if detail else "",
            )


OPTIONS: tuple[Option, ...] = (*_active(), *_former())
"""The table: what a manual page is made from, in its order."""

_PREFIXES = tuple(option for option in OPTIONS if option.prefix)
_BY_NAME: Mapping[str, tuple[Option, ...]] = {
    name: tuple(option for option in OPTIONS if option.name == name)
    for name in dict.fromkeys(option.name for option in OPTIONS if not option.prefix)
}


def active() -> Iterator[Option]:
    """The options that work in this version, in the table's order."""
    return (option for option in OPTIONS if option.status is Status.ACTIVE)


def named(name: str) -> tuple[Option, ...]:
    """All rows for a name, whatever the section; () if nobody ever had it."""
    return _BY_NAME.get(name) or tuple(option for option in _PREFIXES if option.matches(name))


def find(section: str, name: str) -> Option | None:
    """
    The row for a name in a kind of section.

    The sections of vacuum pipes take the options of machinetypes as defaults.
    """
    rows = named(name)
    for kind in (section, "machinetype") if section == "vacuum_pipe" else (section,):
        for option in rows:
            if kind in option.sections:
                return option
    return None


def belongs(name: str) -> str:
    """In which sections a known name may stand, in words."""
    kinds = [kind for kind in SECTIONS if any(kind in o.sections for o in named(name))]
    return " or ".join(f"[{kind}]" if kind == "settings" else f"[{kind} NAME]" for kind in kinds)


def suggestion(section: str, name: str) -> str | None:
    """The option that was probably meant: best one of the same section, in this version."""
    if re.fullmatch(r"[0-9a-z_ -]{1,80}", name) is None:
        return None
    here = [o.name for o in active() if section in o.sections and not o.prefix]
    elsewhere = [o.name for o in OPTIONS if not o.prefix]
    wanted = name.replace("-", "_").replace(" ", "_")
    for names in (here, elsewhere):
        close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.75)
        if close:
            return close[0]
    return next((f"{o.name}XXX" for o in _PREFIXES if wanted.startswith(o.name[:-1])), None)
