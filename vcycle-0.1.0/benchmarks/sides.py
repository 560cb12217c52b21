"""One side of a comparison, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from vcycle.daemon.plugin import LIBVIRT_LOG

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 900.0
# Namespaces of its own for network, mounts and processes: guests reach nothing but the
# benchmark, and nothing is left when it ends.
NEST = (
    "unshare",
    *([] if os.geteuid() == 0 else ["--user", "--map-current-user"]),
    *("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *(sys.executable, "-m", "tests.system.nest"),
)


def ask(module: str, *words: str, prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """
    What ``python -m module`` prints last: a JSON object.

    :raises RuntimeError: it failed; the text is what it said.
    """
    command = [*prefix, sys.executable, "-m", module, *words]
    # libvirt warns of each machine that is as it was asked for.
    environment = {**os.environ, "LIBVIRT_LOG_OUTPUTS": LIBVIRT_LOG}
    process = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if process.returncode:
        told = (process.stdout + process.stderr)[-2000:]
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}\n{told}")
    answer = json.loads(process.stdout.splitlines()[-1])
    if not isinstance(answer, dict):
        raise RuntimeError(f"{' '.join(command)}: no JSON object")
    return answer


def in_reactor(work: Callable[[Any], Awaitable[None]]) -> None:
    """Run ``work(reactor)`` in this process's reactor to its end; what it raises comes out."""
    errors: list[Exception] = []

    async def run(reactor: Any) -> None:
        try:
            await work(reactor)
        except Exception as error:
            errors.append(error)

    with suppress(SystemExit):
        react(lambda reactor: Deferred.fromCoroutine(run(reactor)))
    if errors:
        raise errors[0]
