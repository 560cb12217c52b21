"""Directives that write the reference from what the program itself reads: options and commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from vcycle.commands.main import parser
from vcycle.core.config.options import OPTIONS, Option, Status

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FORMER = {
    Status.ALIAS: "an old name of **{detail}**, still honoured",
    Status.SYNONYM: "the same as **{detail}**",
    Status.IGNORED: "has no effect: {detail}",
    Status.UNSUPPORTED: "not supported, as it is for {detail}",
    Status.LATER: "has no effect in this version",
    Status.MOVED: "moved: see the sections it may stand in",
}


def plain(text: str) -> str:
    """A text as reStructuredText that means nothing but itself."""
    return "".join("\\" + letter if letter in "\\*`|_<>" else letter for letter in text)


def default_of(option: Option) -> str:
    """What holds where the option is not set."""
    if option.default is not None:
        return f"default: {plain(option.default)}"
    return f"default: {plain(option.otherwise)}" if option.otherwise else ""


def option_lines(option: Option) -> Iterator[str]:
    """One option that works, as an entry of a definition list."""
    name = f"{option.name}XXX" if option.prefix else option.name
    kind = "" if option.kind is None else plain(option.kind.wanted)
    sections = " ".join(
        f"[{section}]" if section == "settings" else f"[{section} NAME]"
        for section in option.sections
    )
    yield f"**{name}**"
    yield f"    {plain(option.meaning)}"
    told = (sections, kind, default_of(option))
    yield f"    ({'; '.join(part for part in told if part)})"
    yield ""


class ConfigurationOptions(SphinxDirective):
    """``configuration-options:: SECTION``: the options that may stand there; or ``former``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self._lines(self.arguments[0])))

    def _lines(self, section: str) -> Iterator[str]:
        for option in OPTIONS:
            if section == "former":
                if option.status is not Status.ACTIVE:
                    where = ", ".join(f"[{name}]" for name in option.sections)
                    told = FORMER[option.status].format(detail=plain(option.detail))
                    yield from (f"**{option.name}** in {where}", f"    {told}", "")
            elif option.status is Status.ACTIVE and section == option.sections[0]:
                yield from option_lines(option)


class CommandLine(SphinxDirective):
    """``command-line::``: every subcommand of ``vcycle`` with its arguments."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        for name, one in sorted(subcommands(parser())):
            yield from (".. only:: html", "", f"   .. rubric:: vcycle {name}", "")
            yield from (".. raw:: manpage", "", f"   .SS vcycle {name}", "")
            usage = " ".join(one.format_usage().removeprefix("usage:").split())
            yield from (f"**{plain(usage)}**", "", plain(one.description or ""), "")
            for action in one._actions:
                if action.help != argparse.SUPPRESS and not isinstance(
                    action, argparse._HelpAction
                ):
                    yield from argument_lines(action)


def subcommands(whole: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Subcommands by name, those of subcommands too."""
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                inner = list(subcommands(one))
                yield from ((f"{name} {below}", parser) for below, parser in inner)
                if not inner:
                    yield name, one


def argument_lines(action: argparse.Action) -> Iterator[str]:
    """One argument or option, as an entry of a definition list."""
    words = action.metavar or action.dest.upper()
    metavar = " ".join(words) if isinstance(words, tuple) else words
    if not action.option_strings:
        term = f"*{plain(metavar)}*"
    elif action.nargs == 0:
        term = ", ".join(f"**{plain(name)}**" for name in action.option_strings)
    else:
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else metavar
        term = ", ".join(f"**{plain(n)}** *{plain(choices)}*" for n in action.option_strings)
    told = (action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))
    yield from (term, f"    {plain(told) or '...'}", "")


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("configuration-options", ConfigurationOptions)
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
