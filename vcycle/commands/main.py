"""
The ``vcycle`` command: each subcommand is a module of this package.

Such a module has ``register(subcommands)``, which adds its parser, and ``run(arguments)``,
which does the work and returns the exit status. ``run`` imports what it needs itself, and only
the module of the subcommand that is run is imported, so that all of them begin at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Callable

from vcycle import __version__
from vcycle.commands.asked import joined

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

COMMANDS: Mapping[str, str] = {
    "check": "check the configuration",
    "status": "show machines, and why they are or are not started",
    "scan": "show every machine of a space",
    "machines": "show every slot of a space, and its last machine",
    "machinetypes": "show machinetypes on each factory, and in the whole space",
    "factories": "show factories and their hosts",
    "doctor": "see whether this host can run machines",
    "import_config": "translate a configuration of Vac or Vcycle 3",
    "explain": "show why machinetypes are or are not started, rule by rule",
    "plan": "show what a cycle would do now, and do nothing",
    "show": "show one machine: its times, its message, the end of its console",
    "top": "show the busiest machines and the verdicts, live",
    "drain": "start no new machines; existing ones go on",
    "resume": "end a drain",
    "destroy": "destroy one machine now",
    "orphans": "show machines, disks, volumes and exports that nobody answers for",
    "pipe": "check a vacuum pipe's document",
    "images": "show, fetch, verify and remove images of the cache",
    "replay": "decide recorded cycles again under another configuration",
    "apel_sync": "queue APEL sync records",
    "accounting": "verify and repair APEL accounting",
    "cernvm_signature": "verify the signature of a CernVM image",
    "proxy_init": "make a limited X.509 proxy",
}
"""What each module's subcommand is for, in the order in which help lists them."""

_LISTED = ("-h", "--help", "--version")
"""What is answered without any subcommand's own parser."""

LIBRARIES = {
    "cryptography": "cryptography",
    "libvirt": "libvirt-python",
    "libvirtmod": "libvirt-python",
    "OpenSSL": "pyOpenSSL",
    "service_identity": "service_identity",
    "twisted": "Twisted",
}
"""What only some commands need, by the names of its modules: the name that pip knows it by."""


def parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line of these modules; each subcommand has its ``run`` as default of ``run``."""
    whole, subcommands = _empty()
    for name in commands:
        importlib.import_module(f"vcycle.commands.{name}").register(subcommands)
    return whole


def _empty() -> tuple[argparse.ArgumentParser, Subcommands]:
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
    return whole, subcommands


def _parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """As much of the whole as these words need."""
    modules = {name.replace("_", "-"): name for name in COMMANDS}
    first = words[0] if words else ""
    if first in modules:
        return parser([modules[first]])
    if first.startswith("-") and first not in _LISTED:
        return parser()
    # Help, or no subcommand that there is: what there is has to be listed.
    whole, subcommands = _empty()
    for word, name in modules.items():
        subcommands.add_parser(word, help=COMMANDS[name], add_help=False)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; gives its exit status: 0 good, 1 not, 2 a wrong command line."""
    words = joined(sys.argv[1:] if argv is None else argv)
    arguments = _parser_for(words).parse_args(words)
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
    except ModuleNotFoundError as error:
        library = LIBRARIES.get((error.name or "").partition(".")[0])
        if library is None:
            raise
        print(
            f"vcycle {arguments.command}: {library} is not on this host: install the package"
            f" vcycle, which brings it along, or with pip {library}",
            file=sys.stderr,
        )
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
