"""Which section is of which space and machinetype, in both manners of naming them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from attrs import define, field, frozen

from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import MACHINETYPE, SPACE, Kind
from vcycle.core.config.options import Option, Status, find
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.syntax import Block, shown

_FORMS = {
    "default": "[DEFAULT]",
    "settings": "[settings]",
    "space": "[space NAME]",
    "machinetype": "[machinetype NAME] or [machinetype SPACE NAME]",
    "vacuum_pipe": "[vacuum_pipe NAME] or [vacuum_pipe SPACE NAME]",
    "factories": "[factories]",
    "targetshares": "[targetshares]",
}
MAX_SPACES = 100
MAX_MACHINETYPES = 2000
MAX_PIPES = 100
"""In one space: bounds for what one daemon can work on in a cycle, far above any real site."""

_CONTAINERS = ("docker", "singularity")
_MOST_NAMES = {"space": 1, "machinetype": 2, "vacuum_pipe": 2}


@frozen(kw_only=True)
class Sheets:
    """
    The whole configuration as sheets, every value judged by itself.

    ``machinetypes`` and ``pipes`` are by space and name; spaces that cannot be run here are left
    out.
    """

    default: Sheet
    settings: Sheet
    spaces: dict[str, Sheet]
    machinetypes: dict[str, dict[str, Sheet]]
    pipes: dict[str, dict[str, Sheet]]


@define
class _Arranging:
    blocks: Sequence[Block]
    findings: Findings
    default: Sheet = field(init=False)
    settings: Sheet = field(init=False)
    spaces: dict[str, Sheet] = field(factory=dict)
    left_out: set[str] = field(factory=set)
    machinetypes: dict[str, dict[str, Sheet]] = field(factory=dict)
    pipes: dict[str, dict[str, Sheet]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.default = self._single("default")
        self.settings = self._single("settings")

    def _single(self, kind: str) -> Sheet:
        first = next(iter(self._all(kind)), None)
        files = self.findings.files
        file = files[-1] if files else "/etc/vcycle.conf"
        header = "[DEFAULT]" if kind == "default" else f"[{kind}]"
        place = (first.file, first.line) if first else (file, 1)
        return Sheet(kind, header, *place)

    def _all(self, *kinds: str) -> Sequence[Block]:
        return [block for block in self.blocks if block.kind in kinds]

    def run(self) -> None:
        for block in self._all("default"):
            self._defaults(block)
        for block in self._all("settings"):
            self.settings.fill(block, self.findings)
        self.default.parse(self.findings)
        self.settings.parse(self.findings)
        self._spaces()
        for block in self._all("machinetype", "vmtype"):
            self._machinetype(block, "machinetype", self.machinetypes)
        for block in self._all("vacuum_pipe"):
            self._machinetype(block, "vacuum_pipe", self.pipes)
        for sheets in (*self.machinetypes.values(), *self.pipes.values()):
            for name, sheet in list(sheets.items()):
                if self._container(sheet):
                    del sheets[name]
                else:
                    sheet.parse(self.findings)
        for block in self._all("factories", "targetshares"):
            self._moved(block)

    def _defaults(self, block: Block) -> None:
        """Each option of [DEFAULT] is taken as the sections take it that it may stand in."""
        for value in block.values:
            rows = {kind: find(kind, value.option) for kind in ("machinetype", "space", "settings")}
            known = [kind for kind, option in rows.items() if option is not None]
            works = [kind for kind in known if _works(rows[kind])]
            home = (*works, *known, "settings")[0]
            part = Sheet(home, self.default.header, value.file, value.line)
            part.values = self.default.values
            one = Block(kind=home, names=(), file=value.file, line=block.line, values=[value])
            part.fill(one, self.findings)

    def _spaces(self) -> None:
        main = Layers([self.settings, self.default]).get("vcycle_space")
        if main is not None:
            self.spaces[main] = self.settings_as_space(main)
        clouds = {
            block.names: value
            for block in self._all("space")
            for value in block.values
            if value.option == "api"
        }
        for block in self._all("space"):
            name = block.names[0]
            if not self._named_well(block, name, SPACE):
                continue
            if block.names in clouds:
                self._leave_out(name, block)
                continue
            known = self.spaces.get(name)
            if known is None and len(self.spaces) >= MAX_SPACES:
                self.findings.error_at(block, f"{block.header}: more than {MAX_SPACES} spaces")
                continue
            if known is None or known.kind == "settings":
                self.spaces[name] = Sheet("space", block.header, block.file, block.line)
            self.spaces[name].fill(block, self.findings)
        for sheet in self.spaces.values():
            sheet.parse(self.findings)

    def settings_as_space(self, name: str) -> Sheet:
        """An empty sheet that stands where the space was named."""
        value = self.settings.values.get("vcycle_space", self.settings)
        return Sheet("settings", self.settings.header, value.file, value.line)

    def _leave_out(self, name: str, block: Block) -> None:
        api = next((value for value in block.values if value.option == "api"), block)
        self.left_out.add(name)
        self.spaces.pop(name, None)
        self.findings.warning_at(
            api, f"{block.header} is left out: clouds (option api) are not in this version"
        )
        Sheet("space", block.header, block.file, block.line).fill(block, self.findings, quiet=True)

    def _machinetype(self, block: Block, kind: str, known: dict[str, dict[str, Sheet]]) -> None:
        """One section of a machinetype, or of a pipe, which is named as they are."""
        if block.kind == "vmtype":
            self.findings.warning_at(
                block, f"{block.header}: an old name, still honoured: write [machinetype NAME]"
            )
        space = self._space_of(block)
        name = block.names[-1]
        if not self._named_well(block, name, MACHINETYPE):
            space = None
        sheet = Sheet(kind, block.header, block.file, block.line)
        if space in self.left_out:
            sheet.fill(block, self.findings, quiet=True)
            return
        if space is None:
            sheet.fill(block, self.findings)
            sheet.parse(self.findings)
            return
        sheets = known.setdefault(space, {})
        most = MAX_MACHINETYPES if kind == "machinetype" else MAX_PIPES
        if name not in sheets and len(sheets) >= most:
            what = "machinetypes" if kind == "machinetype" else "vacuum pipes"
            text = f"more than {most} {what} in one space"
            self.findings.error_at(sheet, f"{block.header}: {text}")
            return
        sheets.setdefault(name, sheet).fill(block, self.findings)

    def _container(self, sheet: Sheet) -> bool:
        what = "machinetype" if sheet.kind == "machinetype" else "vacuum pipe"
        for option in ("machine_model", "root_image"):
            value = sheet.values.get(option)
            if value is not None and value.text.lower().startswith(_CONTAINERS):
                self.findings.warning_at(
                    value,
                    f"{value.header} {value.option} = {shown(value.text)}: not supported, as it"
                    f" is for containers; the {what} is left out",
                )
                return True
        return False

    def _space_of(self, block: Block) -> str | None:
        """The space that a block names or means; None, and a finding, if there is none."""
        names = [*self.spaces, *self.left_out]
        if len(block.names) == 2:
            name = block.names[0]
            if name in names:
                return name
            close = difflib.get_close_matches(name, names, n=1)
            cure = f"did you mean {close[0]}?" if close else f"add a section [space {name}]"
            self.findings.error_at(block, f"{block.header}: no space {shown(name)}; {cure}")
            return None
        main = Layers([self.settings, self.default]).get("vcycle_space")
        if main is not None or len(names) == 1:
            return main or names[0]
        if names:
            self.findings.error_at(
                block,
                f"{block.header}: which space is it of? Write [{block.kind} SPACE"
                f" {block.names[0]}] with one of {', '.join(sorted(names)[:5])}",
            )
        return None

    def _moved(self, block: Block) -> None:
        """Sections of long ago: what they said must stand elsewhere now."""
        for value in block.values:
            if block.kind == "factories":
                gone = "factories" in self.settings.values
                cure = "set factories in [settings]"
            else:
                shares = [
                    sheet
                    for sheets in self.machinetypes.values()
                    for name, sheet in sheets.items()
                    if name == value.option
                ]
                gone = bool(shares) and all("target_share" in s.values for s in shares)
                cure = f"set target_share in [machinetype {shown(value.option)[1:-1]}]"
            if gone:
                self.findings.warning_at(value, f"{block.header}: has no effect; remove it")
            else:
                self.findings.error_at(value, f"{block.header}: no longer read: {cure}")

    def _named_well(self, block: Block, name: str, kind: Kind) -> bool:
        try:
            kind.parse(name)
        except ValueError:
            self.findings.error_at(
                block, f"{block.header}: the name {shown(name)}: expected {kind.wanted}"
            )
            return False
        return True


def _works(option: Option | None) -> bool:
    return option is not None and option.status is Status.ACTIVE


def _usable(block: Block, findings: Findings) -> bool:
    """Whether the kind of section exists, and has as many names as it needs."""
    kind = "machinetype" if block.kind == "vmtype" else block.kind
    form = _FORMS.get(kind)
    if form is None:
        close = difflib.get_close_matches(kind, _FORMS, n=1)
        guess = f"; did you mean {_FORMS[close[0]]}?" if close else ""
        findings.error_at(block, f"{block.header}: no such section{guess}")
        return False
    most = _MOST_NAMES.get(kind, 0)
    if not min(most, 1) <= len(block.names) <= most:
        findings.error_at(block, f"{block.header}: expected {form}")
        return False
    return True


def arrange(blocks: Sequence[Block], findings: Findings) -> Sheets:
    """Put blocks together that are of one thing, and judge every value by itself."""
    arranging = _Arranging([block for block in blocks if _usable(block, findings)], findings)
    arranging.run()
    return Sheets(
        default=arranging.default,
        settings=arranging.settings,
        spaces=arranging.spaces,
        machinetypes=arranging.machinetypes,
        pipes=arranging.pipes,
    )
