"""
``check-vcycled``: Nagios' question whether the daemon is well, answered from its status file.

It imports as little as it can: a monitoring server asks thousands of hosts every minute.
"""

from __future__ import annotations

import os
import sys

from vcycle.core.health import LIMIT, OK, UNKNOWN, VERSION, Health, judge
from vcycle.core.ranges import Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STATE_DIR = "/var/lib/vcycle"
STATUS = "status.json"
MAX_BYTES = 4 << 20
MAX_CONFIGURATION = 1 << 20
MAX_FILES = 1000
STANDARD = ("/etc/vcycle.d", "/etc/vcycle.conf", "/run/vcycle.conf")

USAGE = """\
usage: check-vcycled [-h] [-V] [-w RANGE] [-c RANGE] [--config FILE] [SECONDS]

Tell Nagios, or whoever asks as it does, whether vcycled is well.

  SECONDS        greatest age of a heartbeat that is all right, 600 if not given
  -w, --warning RANGE    running machines outside of this range are a warning
  -c, --critical RANGE   running machines outside of this range are critical
  --config FILE  the daemon's configuration, which names its state_dir
  -V, --version  print the version and exit
  -h, --help     print this and exit

A RANGE is 10 (0 to 10), 10: (10 or more), ~:10 (10 or less), 10:20, or @10:20 (alert inside).
Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""


class WrongUse(Exception):
    """The command line cannot be understood; the text says why."""


class _Asked:
    """What the command line asks for."""

    def __init__(self, words: Sequence[str]) -> None:
        self.limit = LIMIT
        self.warning: Range | None = None
        self.critical: Range | None = None
        self.config: str | None = None
        self.only: str | None = None
        rest = list(words)
        while rest and self.only is None:
            self._take(rest.pop(0), rest)

    def _take(self, word: str, rest: list[str]) -> None:
        name, equals, value = word.partition("=")
        if word in ("-h", "--help"):
            self.only = USAGE
        elif word in ("-V", "--version"):
            from vcycle import __version__

            self.only = f"check-vcycled (Vcycle {__version__})"
        elif name in ("-w", "--warning", "-c", "--critical", "--config"):
            if not equals:
                if not rest:
                    raise WrongUse(f"{name} needs a value")
                value = rest.pop(0)
            self._set(name, value)
        elif word[:2] in ("-w", "-c") and word[1:2] != "-":
            self._set(word[:2], word[2:])
        elif word.isascii() and word.isdigit() and 0 < len(word) < 10:
            self.limit = float(word)
        else:
            raise WrongUse(f"{word!r} is neither an option nor a number of seconds")

    def _set(self, name: str, value: str) -> None:
        if name == "--config":
            self.config = value
            return
        try:
            found = Range(value)
        except ValueError as error:
            raise WrongUse(f"{name}: {error}") from None
        if name in ("-w", "--warning"):
            self.warning = found
        else:
            self.critical = found


def state_dir_of(paths: Sequence[str]) -> str:
    """
    The state_dir that configuration files name, else the default one.

    Whatever else is in them, or wrong with them, is the daemon's to judge. A file that cannot be
    read is passed over: it may hold secrets, and then names nothing to the monitoring.
    """
    found = {"settings": "", "default": ""}
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_CONFIGURATION)
        except OSError:
            continue
        kind = ""
        before: str | None = None
        for line in text.lstrip("\ufeff").split("\n"):
            if not line.strip() or line.strip()[0] in "#;":
                continue
            if line[0] in " \t" and before is not None:
                # A path of several lines is none.
                found[kind] = before
            before = None
            if line.startswith("["):
                kind = line[1:].partition("]")[0].strip().lower()
            elif kind in found and line[:9].lower() == "state_dir":
                value = line[9:].strip(" \t\r")
                if value[:1] in ("=", ":"):
                    before = found[kind]
                    directory = _uncommented(value[1:]).strip(" \t")
                    found[kind] = directory if directory.startswith("/") else found[kind]
    return found["settings"] or found["default"] or STATE_DIR


def _uncommented(value: str) -> str:
    """A ``;`` after a blank begins a comment."""
    for at, letter in enumerate(value):
        if letter == ";" and at and value[at - 1] in " \t":
            return value[:at]
    return value


def _standard() -> list[str]:
    directory, *files = STANDARD
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        names = []
    wanted = [name for name in names if name.endswith(".conf") and not name.startswith(".")]
    return [*(f"{directory}/{name}" for name in wanted[:MAX_FILES]), *files]


def _parsed(text: str) -> object:
    """
    A JSON document. :raises ValueError: it is none.

    The module json would import the one for regular expressions, which takes longer than all
    else here together; what it parses with is quick. An interpreter without that gets json.
    """
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)
    try:
        value, end = make_scanner(_Context())(text.strip(), 0)  # type: ignore[arg-type]
    except (StopIteration, RecursionError, SystemError):
        # The last is what some interpreters say where the module json was not imported.
        raise ValueError("not JSON") from None
    if end != len(text.strip()):
        raise ValueError("not JSON")
    return value


class _Context:
    """What a scanner of JSON asks for: nothing unusual."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _health(asked: _Asked, now: float) -> Health:
    paths = _standard() if asked.config is None else [asked.config]
    if asked.config is not None and not os.path.exists(asked.config):
        return Health(UNKNOWN, f"{asked.config}: no such file")
    path = f"{state_dir_of(paths)}/{STATUS}"
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            return Health(UNKNOWN, f"{path}: more than {MAX_BYTES} characters")
        document = _parsed(text)
    except FileNotFoundError:
        return judge({"version": VERSION}, now, asked.limit)
    except OSError as error:
        return Health(UNKNOWN, f"{path}: {error.strerror}")
    except ValueError:
        return Health(UNKNOWN, f"{path} is damaged, though each cycle writes it: see vcycled's log")
    return judge(document, now, asked.limit, asked.warning, asked.critical)


def main(words: Sequence[str] | None = None) -> int:
    """The whole check: one line on standard output; gives the exit status, also of a crash."""
    try:
        from vcycle.daemon.instants import wall

        asked = _Asked(sys.argv[1:] if words is None else words)
        if asked.only is not None:
            sys.stdout.write(f"{asked.only}\n")
            return OK
        health = _health(asked, wall())
    except WrongUse as error:
        health = Health(UNKNOWN, f"{error}; see check-vcycled --help")
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        health = Health(UNKNOWN, f"the check failed: {text[:200]}")
    try:
        sys.stdout.write(f"{health}\n".encode("ascii", "replace").decode("ascii"))
        sys.stdout.flush()
    except OSError:
        return UNKNOWN
    return health.state


if __name__ == "__main__":
    sys.exit(main())
