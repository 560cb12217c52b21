"""Configurations of Vac and Vcycle 3, written anew in the words of this version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen

from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Problem
from vcycle.core.config.options import Option, Status, find
from vcycle.core.config.syntax import Block, Value, parse, shown

_KINDS = {
    "default": "DEFAULT",
    "settings": "settings",
    "space": "space",
    "machinetype": "machinetype",
    "vmtype": "machinetype",
    "vacuum_pipe": "vacuum_pipe",
}
_CONTAINERS = ("docker", "singularity")
_PATHS = (
    (re.compile(r"/var/lib/vac(?=/|$)"), "/var/lib/vcycle"),
    (re.compile(r"/etc/vac\.d(?=/|$)"), "/etc/vcycle.d"),
)
# What both ancestors let stand in a machinetype, and this version takes for all of a space.
_UPWARDS = ("mb_per_processor", "hs06_per_processor")
SECRETS = re.compile(r"password|secret|token|private_key|credential")


@frozen(kw_only=True)
class Imported:
    """
    ``text`` is a configuration for this version. ``notes`` say what was changed or has no equal,
    in reading order; those that are ``fatal`` name something that is lost.
    """

    text: str
    notes: tuple[Problem, ...]


@define
class _Import:
    notes: list[Problem] = field(factory=list)
    sections: dict[str, dict[str, str]] = field(factory=dict)
    machinetypes: frozenset[str] = frozenset()
    renamed: set[tuple[int, str]] = field(factory=set)

    def note(self, place: Value | Block, text: str, lost: bool = False) -> None:
        self.notes.append(Problem(file=place.file, line=place.line, text=text, fatal=lost))

    def block(self, block: Block, shares: Mapping[str, str]) -> None:
        kind = _KINDS.get(block.kind)
        if block.kind in ("factories", "targetshares"):
            self._moved(block)
            return
        if kind is None:
            self.note(block, f"{block.header}: no such section; left out", lost=True)
            return
        if any(v.option == "api" for v in block.values):
            self.note(
                block,
                f"{block.header}: a cloud; this version runs machines on libvirt: left out",
                lost=True,
            )
            return
        if any(_container(value) for value in block.values):
            self.note(block, f"{block.header}: containers have no equal; left out", lost=True)
            return
        header = f"[{' '.join((kind, *block.names))}]"
        if block.kind == "vmtype":
            self.note(block, f"{block.header}: is {header} now")
        section = self.sections.setdefault(header, {})
        for value in block.values:
            self._value(kind.lower(), value, section)
        share = shares.get(block.names[-1]) if block.names else None
        if kind == "machinetype" and share is not None:
            section.setdefault("target_share", share)

    def _moved(self, block: Block) -> None:
        for value in block.values:
            if block.kind == "factories" and value.option == "names":
                self.sections.setdefault("[settings]", {}).setdefault("factories", value.text)
                self.note(value, f"{block.header} names: is factories in [settings] now")
            elif block.kind == "targetshares":
                name = shown(value.option)[1:-1]
                what, lost = "is target_share of its machinetype now", False
                if value.option not in self.machinetypes:
                    what, lost = "there is no machinetype of this name; left out", True
                self.note(value, f"{block.header} {name}: {what}", lost)

    def _value(self, kind: str, value: Value, section: dict[str, str]) -> None:
        option = _row(kind, value)
        if option is None:
            self.note(
                value, f"{value.header} {shown(value.option)[1:-1]}: not known; left out", True
            )
        elif option.status is Status.ACTIVE:
            self._put(section, value.option, value)
        elif option.status in (Status.ALIAS, Status.SYNONYM):
            self.note(value, f"{value.header} {value.option}: is {option.detail} now")
            self._renamed(section, option.detail, _text(value, self))
        elif kind == "machinetype" and value.option in _UPWARDS:
            self.note(value, f"{value.header} {value.option}: is of the whole space now")
            settings = self.sections.setdefault("[settings]", {})
            self._renamed(settings, value.option, value.text)
        elif option.default is None or value.text.lower() not in (option.default, "no"):
            later = option.status is Status.LATER
            why = "nothing in this version acts on it" if later else option.detail
            lost = option.status is not Status.IGNORED
            self.note(value, f"{value.header} {value.option}: left out: {why}", lost)

    def _renamed(self, section: dict[str, str], name: str, text: str) -> None:
        """As files are read, the last one wins; but not over what has the new name itself."""
        if name not in section or (id(section), name) in self.renamed:
            section[name] = text
            self.renamed.add((id(section), name))

    def _put(self, section: dict[str, str], name: str, value: Value) -> None:
        section[name] = _text(value, self)
        self.renamed.discard((id(section), name))
        if SECRETS.search(name):
            self.note(value, f"{value.header} {name}: looks like a secret: keep the file private")


def _row(kind: str, value: Value) -> Option | None:
    kinds = ("machinetype", "space", "settings") if kind == "default" else (kind,)
    return next((row for row in (find(k, value.option) for k in kinds) if row is not None), None)


def _container(value: Value) -> bool:
    return value.option in ("machine_model", "vm_model", "root_image") and value.text.startswith(
        _CONTAINERS
    )


def _text(value: Value, work: _Import) -> str:
    text = value.text
    for pattern, instead in _PATHS:
        changed = pattern.sub(instead, text)
        if changed != text:
            work.note(value, f"{value.header} {value.option}: {instead} stands for the old path")
            text = changed
    # A dollar sign that the ancestors searched for; here the whole DN has to match.
    if value.option in ("image_signing_dn", "cernvm_signing_dn") and not text.startswith(".*"):
        work.note(value, f"{value.header} {value.option}: has to match the whole DN now")
        text = f".*{text.rstrip('$')}"
    return text


def translate(texts: Sequence[tuple[str, str]]) -> Imported:
    """
    The ancestors' files, given as pairs of name and text in reading order, as one configuration.

    Comments are not kept. Nothing is raised, whatever the texts hold.
    """
    findings = Findings([file for file, _ in texts])
    blocks = [block for file, text in texts for block in parse(file, text, findings)]
    kinds = ("machinetype", "vmtype")
    names = (block.names[-1] for block in blocks if block.kind in kinds and block.names)
    work = _Import(machinetypes=frozenset(names))
    shares = {
        value.option: value.text
        for block in blocks
        if block.kind == "targetshares"
        for value in block.values
    }
    for block in blocks:
        work.block(block, shares)
    notes = (*findings.in_order(), *work.notes)
    return Imported(text="\n".join(_written(work.sections)), notes=notes)


def _written(sections: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    order = ("[DEFAULT]", "[settings]")
    for header in sorted(sections, key=lambda h: order.index(h) if h in order else len(order)):
        if not sections[header]:
            continue
        yield header
        for name, text in sections[header].items():
            lines = text.split("\n")
            yield f"{name} = {lines[0]}".rstrip()
            yield from (f"    {line}" for line in lines[1:] if line)
        yield ""
