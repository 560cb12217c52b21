"""``vcycle check``: every problem of the configuration, with file and line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vcycle.commands.main import Subcommands
    from vcycle.core.config.build import Reading
    from vcycle.core.config.model import Pipe, Problem
    from vcycle.daemon.pipecopies import Copy


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "check",
        help="check the configuration",
        description="Print every problem of the configuration with its file and line."
        " Without FILEs these are read: /etc/vcycle.d/*.conf in alphanumeric order,"
        " /etc/vcycle.conf, /run/vcycle.conf; later values win. Exit status: 0 if the"
        " configuration can be used (there may be warnings), 1 if there is any error.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="read only these, in this order")
    parser.add_argument("--config", metavar="FILE", help="read only FILE (and the FILEs after it)")
    parser.add_argument("--host", metavar="NAME", help="as if this host were called NAME")
    parser.add_argument(
        "--online",
        action="store_true",
        help="also ask servers for images, and fetch and render templates, which takes a while",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.daemon.configuration import examine_files, places_of, this_host
    from vcycle.daemon.pipecopies import recall, urls_of

    host = arguments.host or this_host()
    reading = _with_privileges(examine_files(places_of(arguments.config, arguments.files), host))
    reading = _with_templates(reading)
    copies: Mapping[str, Copy] = {}
    if reading.configuration is not None:
        urls = urls_of(reading.configuration)
        copies = recall(reading.configuration.settings.state_dir, urls)
    online: tuple[str, ...] = ()
    if arguments.online:
        reading, online = _with_online(reading)
    if arguments.json:
        print(_as_json(reading, copies, online))
    else:
        print(_as_text(reading, copies, online))
    return int(any(problem.fatal for problem in reading.problems))


def _with_online(reading: Reading) -> tuple[Reading, tuple[str, ...]]:
    """What servers give of what the configuration names, and what they do not."""
    from attrs import evolve

    from vcycle.commands.online import look_online

    if reading.configuration is None:
        return reading, ()
    looked = look_online(reading.configuration)
    return evolve(reading, problems=(*reading.problems, *looked.problems)), looked.lines


def _with_templates(reading: Reading) -> Reading:
    """What templates ask for in vain, or never ask for."""
    from attrs import evolve

    from vcycle.commands.templates import template_problems

    if reading.configuration is None:
        return reading
    return evolve(reading, problems=(*reading.problems, *template_problems(reading.configuration)))


def _with_privileges(reading: Reading) -> Reading:
    """What the daemon cannot do is an error here; the daemon itself runs all the rest."""
    from attrs import evolve

    from vcycle.commands.privileges import exports_problem
    from vcycle.core.config.model import Problem

    found = None if reading.configuration is None else exports_problem(reading.configuration)
    if found is None:
        return reading
    text, certain = found
    problem = Problem(file="vcycled.service", line=None, text=text, fatal=certain)
    return evolve(reading, problems=(*reading.problems, problem))


def _severity(problem: Problem) -> str:
    return "error" if problem.fatal else "warning"


def _as_text(reading: Reading, copies: Mapping[str, Copy], online: tuple[str, ...]) -> str:
    from vcycle.core.table import clean

    lines = []
    for problem in reading.problems:
        where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        lines.append(f"{where}: {_severity(problem)}: {problem.text}")
    lines += online
    for pipe in _pipes(reading):
        names = _of_pipe(reading, pipe)
        told = f"vacuum pipe {pipe.name} of {pipe.space}: {_counted(len(names), 'machinetype')}"
        lines.append(f"{told}, {_age(copies.get(pipe.url))}")
    lines.append(_summary(reading))
    # Servers and documents have their words in it.
    return "\n".join(map(clean, lines))


def _pipes(reading: Reading) -> list[Pipe]:
    if reading.configuration is None:
        return []
    spaces = reading.configuration.spaces.values()
    return [pipe for space in spaces for pipe in space.pipes.values()]


def _of_pipe(reading: Reading, pipe: Pipe) -> list[str]:
    assert reading.configuration is not None, "it has a pipe"
    space = reading.configuration.spaces[pipe.space]
    return [
        name for name, machinetype in space.machinetypes.items() if machinetype.pipe == pipe.name
    ]


def _age(copy: Copy | None) -> str:
    from vcycle.core.moments import span
    from vcycle.daemon.instants import wall

    if copy is None:
        return "as this user can read no document that the daemon has fetched"
    return f"by the document that the daemon fetched {span(wall() - copy.fetched_at)} ago"


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


def _as_json(reading: Reading, copies: Mapping[str, Copy], online: tuple[str, ...]) -> str:
    import json

    problems: list[dict[str, Any]] = [
        {"file": p.file, "line": p.line, "severity": _severity(p), "text": p.text}
        for p in reading.problems
    ]
    spaces = {} if reading.configuration is None else reading.configuration.spaces
    report = {
        "usable": not any(problem.fatal for problem in reading.problems),
        "problems": problems,
        "spaces": {name: list(space.machinetypes) for name, space in spaces.items()},
        "pipes": [
            {
                "space": pipe.space,
                "pipe": pipe.name,
                "url": pipe.url,
                "machinetypes": _of_pipe(reading, pipe),
                "fetched_at": copies[pipe.url].fetched_at if pipe.url in copies else None,
            }
            for pipe in _pipes(reading)
        ],
        **({"online": list(online)} if online else {}),
    }
    return json.dumps(report, indent=2)
