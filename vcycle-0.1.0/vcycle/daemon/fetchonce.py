"""One small file of a server for a command, fetched exactly as the daemon would."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from vcycle.core.config.model import Settings
from vcycle.core.errors import FetchError, VcycleError
from vcycle.core.images.news import News
from vcycle.daemon import clocks
from vcycle.daemon.imaging import ca_directory_of, ways_of
from vcycle.images.client import Client
from vcycle.images.copies import Copies
from vcycle.images.documents import Documents
from vcycle.images.fetching import Bounds
from vcycle.images.trust import Trust
from vcycle.threads import PrivateThreads


def fetch_once(url: str, max_bytes: int, settings: Settings | None) -> bytes:
    """
    Run the reactor until a file is here; once in a process.

    :raises FetchError: it could not be had.
    """
    from twisted.internet import reactor as global_reactor

    reactor: Any = global_reactor
    threads = PrivateThreads(reactor, "files", 1, 60.0, 0)
    results: list[bytes | Failure] = []

    def done(result: bytes | Failure) -> None:
        results.append(result)
        threads.stopService()
        reactor.stop()

    with tempfile.TemporaryDirectory(prefix="vcycle-") as directory:
        documents = _documents(reactor, threads, directory, settings)

        async def fetch() -> bytes:
            return (await documents.fetch(url, max_bytes)).body

        def begin() -> None:
            threads.startService()
            Deferred.fromCoroutine(fetch()).addBoth(done)

        reactor.callWhenRunning(begin)
        reactor.run()
    [result] = results or [Failure(FetchError("interrupted"))]
    if isinstance(result, bytes):
        return result
    error = result.value
    raise error if isinstance(error, VcycleError) else FetchError(result.getErrorMessage())


def _documents(
    reactor: Any, threads: PrivateThreads, directory: str, settings: Settings | None
) -> Documents:
    if settings is None:
        settings = Settings(
            state_dir=directory, vacquery_port=0, vacquery_interface="", monitor_port=0
        )
    trust = Trust(ca_directory_of(settings), threads, clocks.monotonic)
    return Documents(
        client=Client(reactor, reactor, trust, ways_of(settings, os.environ)),
        clock=reactor,
        wall=clocks.wall,
        in_thread=threads,
        copies=Copies(directory),
        waits=Bounds.of(settings).waits,
        tell=_quietly,
    )


def _quietly(news: News) -> None:
    """Whoever asked is told by the result."""
