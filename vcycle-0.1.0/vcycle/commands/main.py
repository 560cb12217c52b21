"""
The ``vcycle`` command: each subcommand is a module of this package.

Such a module has ``register(subcommands)``, which adds its parser, and ``run(arguments)``,
which does the work and returns the exit status. ``run`` imports what it needs itself, so that
``vcycle -h`` stays quick.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from vcycle import __version__
from vcycle.commands.asked import joined

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

COMMANDS = (
    "check",
    "status",
    "scan",
    "machines",
    "machinetypes",
    "factories",
    "doctor",
    "import_config",
    "explain",
    "plan",
    "show",
    "top",
    "drain",
    "resume",
    "destroy",
    "orphans",
    "pipe",
    "images",
    "replay",
    "apel_sync",
    "accounting",
    "cernvm_signature",
    "proxy_init",
)
"""The modules of subcommands, in the order in which help lists them."""


def parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The whole command line, with the ``run`` of each subcommand as default of ``run``."""
    whole = argparse.ArgumentParser(
        prog="vcycle",
        description="Look at and check what Vcycle does.",
        usage="vcycle [-h] [--version] COMMAND ...",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"Vcycle {__version__}")
    subcommands = whole.add_subparsers(
        title="commands", dest="command", metavar="COMMAND [OPTION]", prog="vcycle", required=True
    )
    for name in commands:
        importlib.import_module(f"vcycle.commands.{name}").register(subcommands)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; gives its exit status: 0 good, 1 not, 2 a wrong command line."""
    arguments = parser().parse_args(joined(sys.argv[1:] if argv is None else argv))
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        status = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
