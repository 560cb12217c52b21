"""From the text of configuration files to blocks of options; nothing is judged but the form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from vcycle.core.config.findings import Findings

MAX_LINE = 16_384
MAX_TEXT = 1_048_576
MAX_BLOCKS = 10_000
MAX_HEADER = 340
BLANKS = " \t"

_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}


@frozen(kw_only=True)
class Value:
    """
    One option as it was written, and where: ``header`` and ``option`` are for messages.

    Lines of a continued value are joined by newlines. A pipe's document has no lines.
    """

    header: str
    option: str
    text: str
    file: str
    line: int | None


@frozen(kw_only=True)
class Block:
    """One section header and what follows it up to the next one, in reading order."""

    kind: str
    names: tuple[str, ...]
    file: str
    line: int
    values: Sequence[Value]

    @property
    def header(self) -> str:
        """As it is written in messages: printable ASCII, and cut."""
        kind = "DEFAULT" if self.kind == "default" else self.kind
        words = shown(" ".join((kind, *self.names)), MAX_HEADER)[1:-1]
        return f"[{words}]"


@define
class _Pending:
    """A value that the next line may still continue."""

    option: str
    line: int
    lines: list[str]


@define
class _Reading:
    """One file's text being read, line by line."""

    file: str
    findings: Findings
    blocks: list[Block] = field(factory=list)
    values: list[Value] = field(factory=list)
    pending: _Pending | None = None
    broken: bool = False
    lost: bool = False

    def line(self, number: int, raw: str) -> None:
        if len(raw) > MAX_LINE:
            self._problem(number, f"a line of {len(raw)} characters: at most {MAX_LINE} are read")
        elif bad := next((c for c in raw if _forbidden(c)), None):
            self._problem(number, f"control character U+{ord(bad):04X}: remove it")
        elif _is_comment(raw):
            return
        elif raw[0] in BLANKS:
            # What continues a line that was not understood is not understood either.
            if not self.broken:
                self._continued(number, raw)
        else:
            self.broken = False
            self._header(number, raw) if raw[0] == "[" else self._option(number, raw)

    def _problem(self, number: int, text: str) -> None:
        self.end_value()
        self.broken = True
        self.findings.error(self.file, number, text)

    def _continued(self, number: int, raw: str) -> None:
        text = _uncommented(raw)
        if self.pending is not None:
            self.pending.lines.append(text)
        elif self.blocks:
            self._problem(
                number,
                f"{shown(text)} starts with a blank, but there is no option above it to continue:"
                " remove the blanks",
            )
        elif not self.lost:
            self._problem(number, f"{shown(text)} starts with a blank, before any [section]")

    def _header(self, number: int, raw: str) -> None:
        self.end_value()
        inside, closed, rest = raw[1:].partition("]")
        words = inside.lower().split()
        rest = rest.strip(BLANKS)
        if not closed:
            self._problem(number, f"{shown(raw)}: a section header ends with ']'")
        elif not words:
            self._problem(number, f"{shown(raw)}: a section needs a name, such as [settings]")
        elif rest and rest[0] not in ";#":
            self._problem(number, f"{shown(rest)} after a section header: put it on its own line")
        if len(self.blocks) == MAX_BLOCKS:
            self._problem(number, f"more than {MAX_BLOCKS} sections in one file")
        self.values = []
        if closed and words and len(self.blocks) < MAX_BLOCKS:
            kind, names = words[0], tuple(words[1:])
            self.blocks.append(
                Block(kind=kind, names=names, file=self.file, line=number, values=self.values)
            )
        else:
            self.lost = True

    def _option(self, number: int, raw: str) -> None:
        self.end_value()
        ends = [at for at in (raw.find("="), raw.find(":")) if at >= 0]
        if not ends:
            # The value is as likely a secret here as in a line that is right.
            line = raw.split()[0] + " ..." if raw.lower().startswith("user_data") else raw
            self._problem(number, f"{shown(line)}: expected 'option = value'")
        elif min(ends) == 0:
            self._problem(number, f"{shown(raw)}: no option name before '{raw[0]}'")
        elif not self.blocks and not self.lost:
            self._problem(number, f"{shown(raw)}: before any [section]; which one is it of?")
        else:
            name = raw[: min(ends)].strip(BLANKS).lower()
            text = _uncommented(raw[min(ends) + 1 :])
            self.pending = _Pending(name, number, ["" if text == '""' else text])

    def end_value(self) -> None:
        """The value being read, if any, is whole."""
        pending, self.pending = self.pending, None
        if pending is None or not self.blocks:
            return
        self.values.append(
            Value(
                header=self.blocks[-1].header,
                option=pending.option,
                text="\n".join(pending.lines).strip("\n"),
                file=self.file,
                line=pending.line,
            )
        )


def _forbidden(character: str) -> bool:
    return character != "\t" and unicodedata.category(character) in _FORBIDDEN


def _is_comment(raw: str) -> bool:
    text = raw.strip(BLANKS)
    if not text or text[0] in "#;":
        return True
    return raw[0] in "rR" and text.split(None, 1)[0].lower() == "rem"


def _uncommented(text: str) -> str:
    """Without the comment that a ';' after a blank starts, and without outer blanks."""
    at = text.find(";")
    while at > 0 and text[at - 1] not in BLANKS:
        at = text.find(";", at + 1)
    return (text if at < 0 else text[:at]).strip(BLANKS)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        yield number, line[:-1] if line.endswith("\r") else line


def shown(text: str, most: int = 60) -> str:
    """Text as a message may quote it: one line, printable ASCII, cut."""
    return ascii(text if len(text) <= most else f"{text[:most]}...")


def parse(file: str, text: str, findings: Findings) -> Sequence[Block]:
    """
    The blocks of one file; all that is wrong with its form goes to ``findings``.

    The syntax is the ancestors': ``=`` or ``:``, lines that start with a blank continue the
    value above, ``#``, ``;`` and ``rem`` make comment lines, and a ``;`` after a blank starts a
    comment. Nothing is interpolated.
    """
    if len(text) > MAX_TEXT:
        findings.error(file, None, f"{len(text)} characters: at most {MAX_TEXT} are read")
        return []
    reading = _Reading(file, findings)
    for number, line in _lines(text):
        reading.line(number, line)
    reading.end_value()
    return reading.blocks
