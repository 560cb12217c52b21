"""``vcycle check``: every problem of the configuration, with file and line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.core.config.build import Reading
    from vcycle.core.config.model import Problem


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "check",
        help="check the configuration",
        description="Print every problem of the configuration with its file and line."
        " Without FILEs these are read: /etc/vcycle.d/*.conf in alphanumeric order,"
        " /etc/vcycle.conf, /run/vcycle.conf; later values win. Exit status: 0 if the"
        " configuration can be used (there may be warnings), 1 if not.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="read only these, in this order")
    parser.add_argument("--config", metavar="FILE", help="read only FILE (and the FILEs after it)")
    parser.add_argument("--host", metavar="NAME", help="as if this host were called NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.daemon.configuration import examine_files, places_of, this_host

    host = arguments.host or this_host()
    reading = examine_files(places_of(arguments.config, arguments.files), host)
    print(_as_json(reading) if arguments.json else _as_text(reading))
    return 0 if reading.configuration is not None else 1


def _severity(problem: Problem) -> str:
    return "error" if problem.fatal else "warning"


def _as_text(reading: Reading) -> str:
    lines = []
    for problem in reading.problems:
        where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        lines.append(f"{where}: {_severity(problem)}: {problem.text}")
    lines.append(_summary(reading))
    return "\n".join(lines)


def _summary(reading: Reading) -> str:
    errors = sum(problem.fatal for problem in reading.problems)
    warnings = len(reading.problems) - errors
    found = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
    if reading.configuration is None:
        return f"Not usable: {found}. A daemon goes on with what it last read, and starts nothing."
    spaces = reading.configuration.spaces
    machinetypes = sum(len(space.machinetypes) for space in spaces.values())
    have = f"{_counted(len(spaces), 'space')}, {_counted(machinetypes, 'machinetype')}"
    return f"Usable: {have}; {found}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _as_json(reading: Reading) -> str:
    import json

    problems: list[dict[str, Any]] = [
        {"file": p.file, "line": p.line, "severity": _severity(p), "text": p.text}
        for p in reading.problems
    ]
    spaces = {} if reading.configuration is None else reading.configuration.spaces
    report = {
        "usable": reading.configuration is not None,
        "problems": problems,
        "spaces": {name: list(space.machinetypes) for name, space in spaces.items()},
    }
    return json.dumps(report, indent=2)
