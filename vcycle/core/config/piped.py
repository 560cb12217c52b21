"""Machinetypes that a vacuum pipe's document describes, with what is configured here for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Callable

from attrs import evolve, frozen

from vcycle.core.config import checks
from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import MACHINETYPE
from vcycle.core.config.model import Machinetype, Problem
from vcycle.core.config.references import NO_HTTP
from vcycle.core.config.sections import MAX_MACHINETYPES
from vcycle.core.config.sheet import Layers, Sheet, kind_of
from vcycle.core.config.syntax import Value
from vcycle.core.errors import PipeError
from vcycle.core.pipes.document import MAX_TOLD, Document, Entry, Refusal, decode
from vcycle.core.shares import pipe_shares

_WORD = re.compile(r"[0-9a-z_]+")


def check_pipe(sheet: Sheet, findings: Findings, allow_http: bool) -> bool:
    """Whether a pipe's section says where its document is."""
    value = sheet.values.get("vacuum_pipe_url")
    if value is None:
        findings.error_at(sheet, f"{sheet.header} vacuum_pipe_url: needed")
    elif value.text.lower().startswith("http://") and not allow_http:
        findings.error_at(value, f"{value.header} {value.option}: {NO_HTTP}")
    else:
        return "vacuum_pipe_url" in sheet.parsed
    return False


@frozen(kw_only=True)
class Expansion:
    """
    One pipe's. What is configured under a machinetype's whole name wins (``own``, by name), then
    what the pipe's ``sheet`` says, then the document, then what stands ``above``.

    ``taken`` are the names of other machinetypes; ``make`` makes one from its layers. Of one that
    is left out so many reasons are told, all if ``most_told`` is None.
    """

    name: str
    sheet: Sheet
    own: Mapping[str, Sheet]
    above: Sequence[Sheet]
    taken: Collection[str]
    make: Callable[[str, Layers], Machinetype]
    allow_http: bool
    findings: Findings
    most_told: int | None = MAX_TOLD

    def of(self, body: bytes) -> Sequence[Machinetype]:
        """Those of one document; all that is wrong with it, and with each of them, is warned of."""
        place = Sheet("machinetype", self.sheet.header, self.sheet.parsed["vacuum_pipe_url"], None)
        try:
            document = decode(body, self.most_told)
        except PipeError as error:
            self.findings.warning_at(place, f"{self.sheet.header}: {error}")
            return ()
        refusals = [self._refused(refusal, place) for refusal in document.refusals]
        for line in (*refusals, *document.ignored):
            self.findings.warning_at(place, f"{self.sheet.header} {line}")
        made = [
            machinetype
            for entry in document.entries
            if (machinetype := self._machinetype(entry, place)) is not None
        ]
        self._warn_of_strangers(document)
        return self._with_shares(document, made)

    def _machinetype(self, entry: Entry, place: Sheet) -> Machinetype | None:
        name = f"{self.name}-{entry.suffix}"
        made, sheet, problems = self._made(name, entry, place)
        reasons = []
        if len(name) > 64 or not _is_name(name):
            reasons.append(f"the name {name}: expected {MACHINETYPE.wanted}")
        if name in self.taken:
            reasons.append(f"another machinetype is called {name} too")
        if len(self.taken) + 1 > MAX_MACHINETYPES:
            reasons.append(f"more than {MAX_MACHINETYPES} machinetypes in one space")
        reasons += [_bare(problem, sheet.header) for problem in problems if problem.fatal]
        if reasons:
            told = "; ".join(reasons)
            text = f"{self.sheet.header} machinetype {entry.suffix!r} is left out: {told}"
            self.findings.warning_at(place, text)
            return None
        for problem in problems:
            self.findings.warning_at(problem, problem.text)
        return evolve(made, pipe=self.name)

    def _refused(self, refusal: Refusal, place: Sheet) -> str:
        """The line on one of which some values are good: what is wrong between those as well."""
        others: list[str] = []
        if refusal.rest is not None:
            name = f"{self.name}-{refusal.rest.suffix}"
            _, sheet, problems = self._made(name, refusal.rest, place)
            texts = [_bare(problem, sheet.header) for problem in problems if problem.fatal]
            others = [each for each in texts if refusal.wrong.isdisjoint(_WORD.findall(each))]
        return refusal.told(others, self.most_told)

    def _made(
        self, name: str, entry: Entry, place: Sheet
    ) -> tuple[Machinetype, Sheet, Sequence[Problem]]:
        """What comes of it, whatever is wrong with it; its own sheet, and what is wrong."""
        sheet = self._sheet(entry, place)
        own = [self.own[name]] if name in self.own else []
        layers = Layers([*own, self.sheet, sheet, *self.above])
        made = self.make(name, layers)
        found = Findings(self.findings.files)
        checks.check_machinetype(made, sheet, layers, found)
        checks.check_references(sheet, found, self.allow_http)
        return made, sheet, found.in_order()

    def _sheet(self, entry: Entry, place: Sheet) -> Sheet:
        header = f"{self.sheet.header} machinetype {entry.suffix!r}"
        sheet = Sheet("machinetype", header, place.file, None)
        for name, text in entry.options.items():
            if name == "target_share":
                continue
            sheet.values[name] = Value(
                header=header, option=name, text=text, file=place.file, line=None
            )
            sheet.parsed[name] = kind_of(name).parse(text)
        return sheet

    def _with_shares(
        self, document: Document, made: Sequence[Machinetype]
    ) -> Sequence[Machinetype]:
        names = {machinetype.name for machinetype in made}
        asked: dict[str, object] = {
            f"{self.name}-{entry.suffix}": entry.options.get("target_share")
            for entry in document.entries
            if f"{self.name}-{entry.suffix}" in names
        }
        local = {
            name: self.own[name].parsed["target_share"]
            for name in names
            if name in self.own and "target_share" in self.own[name].parsed
        }
        total = Layers([self.sheet, *self.above]).get("target_share")
        shares = pipe_shares(total, asked, local)
        return [evolve(each, target_share=shares[each.name]) for each in made]

    def _warn_of_strangers(self, document: Document) -> None:
        """A section that nothing in the document answers to makes no machinetype by itself."""
        known = {f"{self.name}-{entry.suffix}" for entry in document.entries}
        for name, sheet in self.own.items():
            if name.startswith(f"{self.name}-") and name not in known:
                self.findings.warning_at(
                    sheet,
                    f"{sheet.header} has no effect: the document of {self.sheet.header} has no"
                    " such machinetype",
                )


def _is_name(name: str) -> bool:
    try:
        MACHINETYPE.parse(name)
    except ValueError:
        return False
    return True


def _bare(problem: Problem, header: str) -> str:
    """Without the header, and with its place only if that is not the document."""
    text = problem.text
    text = text[len(header) + 1 :] if text.startswith(header) else text
    return text if problem.line is None else f"{text} ({problem.file}:{problem.line})"
