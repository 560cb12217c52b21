"""Running a command within the tests."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

from vcycle.commands.main import main


def run(*words: str) -> tuple[int, str, str]:
    """Its exit status, and what it printed on both outputs, neither of them a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    return status, out.getvalue(), err.getvalue()


def environment(**other: str) -> Mapping[str, str]:
    """That of a process with the package that is tested, without wishes about colours."""
    import vcycle

    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    path = str(Path(vcycle.__file__).parent.parent)
    return {**kept, "PYTHONPATH": path, "TERM": "xterm", **other}
