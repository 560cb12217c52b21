"""``vcycle pipe check``: everything that is wrong with a vacuum pipe's document."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.core.config.model import Machinetype
    from vcycle.core.pipes.trial import Trial

WRONG = 1
UNREAD = 2
COLUMNS = ("machinetype", "share", "model", "processors", "wallclock", "root_image")


def register(subcommands: Subcommands) -> None:
    pipe = subcommands.add_parser(
        "pipe",
        help="check a vacuum pipe's document",
        description="Look at documents of vacuum pipes.",
    )
    acts = pipe.add_subparsers(
        title="what to do", dest="act", metavar="check", prog="vcycle pipe", required=True
    )
    parser = acts.add_parser(
        "check",
        help="say what is wrong with a document, and what would come of it",
        description="Print everything that is wrong with the document of a vacuum pipe, and the"
        " machinetypes that a factory would make of it, with their parts of the pipe's"
        " target_share. A document is fetched as vcycled would fetch it: with the authorities,"
        " the proxy and the allow_http of this host's configuration, if there is one. Exit status:"
        " 0 if all machinetypes can be made (there may be warnings), 1 if one is left out or the"
        " document cannot be used, 2 if it could not be read or the command line is wrong.",
    )
    parser.add_argument("source", metavar="URL|FILE", help="where the document is; - is stdin")
    parser.add_argument(
        "--name", metavar="NAME", default="pipe", help="as if the pipe were called NAME (pipe)"
    )
    parser.add_argument("--config", metavar="FILE", help="read only this configuration file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.core.config.kinds import MACHINETYPE
    from vcycle.core.errors import PipeError, VcycleError
    from vcycle.core.pipes.trial import try_out
    from vcycle.core.table import clean

    try:
        MACHINETYPE.parse(arguments.name)
    except ValueError:
        print(f"vcycle pipe check: --name: expected {MACHINETYPE.wanted}", file=sys.stderr)
        return UNREAD
    source = clean(arguments.source)
    try:
        body, allow_http = _body(arguments)
    except VcycleError as error:
        print(f"vcycle pipe check: {clean(str(error))}", file=sys.stderr)
        return UNREAD
    except OSError as error:
        print(f"vcycle pipe check: {source}: {error.strerror or error}", file=sys.stderr)
        return UNREAD
    try:
        trial = try_out(body, arguments.name, allow_http)
    except PipeError as error:
        if arguments.json:
            print(json.dumps(_report([str(error)], [], False), indent=2))
        else:
            print(f"{source}: error: {clean(str(error))}\nNot usable.")
        return WRONG
    print(_as_json(trial) if arguments.json else _as_text(trial, source))
    return WRONG if trial.errors else 0


def _body(arguments: argparse.Namespace) -> tuple[bytes, bool]:
    """The document, and whether http is allowed."""
    from vcycle.core.pipes.document import MAX_BYTES

    source: str = arguments.source
    settings = _settings(arguments.config)
    allow_http = False if settings is None else settings.allow_http
    if source.lower().startswith(("http://", "https://")):
        from vcycle.daemon.fetchonce import fetch_once

        return fetch_once(source, MAX_BYTES, settings), allow_http
    if source == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1), allow_http
    with open(source, "rb") as file:
        return file.read(MAX_BYTES + 1), allow_http


def _settings(config: str | None) -> Any:
    """Those of the configuration; none where there is none, as with a pipe's owner."""
    from vcycle.daemon.configuration import examine_all, places_of, this_host

    examined = examine_all(places_of(config), this_host())
    configuration = examined.reading.configuration
    if configuration is None and (examined.texts or config is not None):
        print(
            "vcycle pipe check: the configuration is not usable (see vcycle check), so its"
            " ca_directory, https_proxy and allow_http count for nothing",
            file=sys.stderr,
        )
    return None if configuration is None else configuration.settings


def _as_text(trial: Trial, source: str) -> str:
    from vcycle.core.table import clean, render, span

    lines = [f"{source}: error: {clean(text)}" for text in trial.errors]
    lines += [f"{source}: warning: {clean(text)}" for text in trial.warnings]
    if trial.machinetypes:
        rows = [_row(machinetype) for machinetype in trial.machinetypes]
        lines += [""] * bool(lines)
        lines += [*render(COLUMNS, rows, right=(1, 3, 4)).splitlines(), ""]
    count = len(trial.machinetypes)
    lines.append(
        f"{'Not all usable' if trial.errors else 'Usable'}: {_counted(count, 'machinetype')}, for"
        f" {span(trial.cache_seconds)}; {_counted(len(trial.errors), 'error')},"
        f" {_counted(len(trial.warnings), 'warning')}."
    )
    return "\n".join(lines)


def _row(machinetype: Machinetype) -> list[str]:
    from vcycle.core.table import span

    least, most = machinetype.min_processors, machinetype.max_processors
    return [
        machinetype.name,
        f"{machinetype.target_share:.1f}%",
        machinetype.machine_model.value,
        str(least) if least == most else f"{least}-{most}",
        span(machinetype.max_wallclock_seconds),
        machinetype.root_image or "-",
    ]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _as_json(trial: Trial) -> str:
    report = _report(trial.errors, trial.warnings, True)
    report["cache_seconds"] = trial.cache_seconds
    report["machinetypes"] = [
        {
            "machinetype": each.name,
            "share_percent": round(each.target_share, 6),
            "machine_model": each.machine_model.value,
            "min_processors": each.min_processors,
            "max_processors": each.max_processors,
            "max_wallclock_seconds": each.max_wallclock_seconds,
            "root_image": each.root_image,
            "user_data": each.user_data,
        }
        for each in trial.machinetypes
    ]
    return json.dumps(report, indent=2)


def _report(errors: Any, warnings: Any, usable: bool) -> dict[str, Any]:
    return {
        "usable": usable,
        "errors": list(errors),
        "warnings": list(warnings),
        "cache_seconds": None,
        "machinetypes": [],
    }
