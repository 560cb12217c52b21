"""Fetching images beside the daemon, with what it does and under its locks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vcycle.commands.imagenames import chosen
from vcycle.commands.ordering import failed
from vcycle.core.config.model import Configuration
from vcycle.core.errors import VcycleError
from vcycle.core.images.needs import Need
from vcycle.core.images.states import amount, told
from vcycle.core.table import clean

if TYPE_CHECKING:
    from vcycle.daemon.imaging import Imaging

EACH_SECONDS = 0.5
"""How often whoever waits at a terminal is told how far it is."""


def fetch(configuration: Configuration, which: Sequence[str]) -> int:
    """Gives the command's exit status; runs the reactor, once in a process."""
    from vcycle.daemon.imagingonce import imaging_once

    try:
        urls = chosen(configuration, which)
        if urls:
            return imaging_once(
                configuration.settings, lambda reactor, imaging: _all(reactor, imaging, urls)
            )
    except VcycleError as error:
        return failed("images fetch", error)
    print("vcycle images fetch: no machinetype names an image's address", file=sys.stderr)
    return 0


async def _all(reactor: Any, imaging: Imaging, urls: dict[str, set[Need]]) -> int:
    status = 0
    for url, needs in urls.items():
        progress = _Progress(reactor, imaging, url)
        progress.begin()
        try:
            version = await imaging.cache.fetch(url, needs)
        except VcycleError as error:
            progress.end()
            status = failed("images fetch", error)
            continue
        finally:
            progress.end()
        if version is None:
            print(f"{clean(url)}: unchanged")
        else:
            path = imaging.cache.fetching.shelf.path(version.file)
            print(f"{clean(url)}: {amount(version.size)}, SHA-256 {version.sha256}: {path}")
        sys.stdout.flush()
    return status


class _Progress:
    """A line at the terminal that says how far it is, and goes away at the end."""

    def __init__(self, reactor: Any, imaging: Imaging, url: str) -> None:
        self._reactor = reactor
        self._imaging = imaging
        self._url = url
        self._call: Any = None
        self._shown = False
        self._former = (0, 0.0)

    def begin(self) -> None:
        if sys.stderr.isatty():
            self._former = (0, self._reactor.seconds())
            self._call = self._reactor.callLater(EACH_SECONDS, self._tell)

    def end(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False

    def _tell(self) -> None:
        self._call = self._reactor.callLater(EACH_SECONDS, self._tell)
        progress = self._imaging.cache.progress(self._url)
        if progress is None:
            return
        now = self._reactor.seconds()
        before, at = self._former
        rate = max(0, progress.done - before) / max(now - at, 0.001)
        self._former = (progress.done, now)
        line = f"{clean(self._url)}: {told(progress)}, {amount(int(rate))}/s"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        self._shown = True
