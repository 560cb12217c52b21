"""``vcycle import-config``: a configuration of Vac or Vcycle 3 in the words of this version."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands

HEAD = "# Made by vcycle import-config from {files}; comments were not kept.\n\n"
MAX_BYTES = 4 << 20


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "import-config",
        help="translate a configuration of Vac or Vcycle 3",
        description="Print the configuration that FILEs of Vac (vac.conf, vac.d/*.conf) or"
        " Vcycle 3 (vcycle.conf) stand for, in the words of this version; give them in the order"
        " in which they were read, the main file last. Standard error tells what was changed,"
        " and what has no equal. Exit status: 0 if everything was translated, 1 if something"
        " was left out.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of the ancestors'")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there, not to the terminal")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.core.config.ancestors import translate

    texts = []
    for name in arguments.files:
        try:
            with open(name, encoding="utf-8", errors="surrogateescape", newline="") as file:
                texts.append((name, file.read(MAX_BYTES)))
        except OSError as error:
            print(f"vcycle import-config: {name}: {error.strerror}", file=sys.stderr)
            return 1
    imported = translate(texts)
    for note in imported.notes:
        print(f"{note}{' (LOST)' if note.fatal else ''}", file=sys.stderr)
    text = HEAD.format(files=", ".join(map(ascii, arguments.files))) + imported.text
    try:
        _write(text, arguments.output)
    except OSError as error:
        print(f"vcycle import-config: {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    return int(any(note.fatal for note in imported.notes))


def _write(text: str, output: str | None) -> None:
    data = text.encode("utf-8", "surrogateescape")
    if output is None:
        sys.stdout.buffer.write(data)
        return
    # "x", as what is there may be what somebody has edited since.
    with open(output, "xb") as file:
        file.write(data)
