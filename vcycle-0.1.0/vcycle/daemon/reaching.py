"""Whether servers give what a configuration names, for a command; asked as by the daemon."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.python.failure import Failure

from vcycle.core.config.model import Settings
from vcycle.core.errors import FetchError, VcycleError
from vcycle.daemon import clocks
from vcycle.daemon.imaging import ca_directory_of, ways_of
from vcycle.images.client import Client
from vcycle.images.patience import Patience, Waits
from vcycle.images.trust import Trust
from vcycle.threads import PrivateThreads

AT_ONCE = 4
WAITS = Waits(connect=10.0, stall=20.0, total=60.0)
GOOD = 200


@frozen(kw_only=True)
class Reached:
    """``size`` is what the server announced, or gave; ``body`` only where it was wanted."""

    problem: str | None = None
    size: int | None = None
    body: bytes | None = None


def reach(
    urls: Mapping[str, bool], settings: Settings, max_bytes: int, waits: Waits = WAITS
) -> dict[str, Reached]:
    """
    Ask for each address, and for its body where the mapping says so, up to ``max_bytes``; of the
    others the beginning of the answer is enough. Runs the reactor: once in a process.
    """
    from twisted.internet import reactor as global_reactor

    reactor: Any = global_reactor
    threads = PrivateThreads(reactor, "files", 1, 60.0, 0)
    trust = Trust(ca_directory_of(settings), threads, clocks.monotonic)
    client = Client(reactor, reactor, trust, ways_of(settings, os.environ))
    turns = DeferredSemaphore(AT_ONCE)
    found: dict[str, Reached] = {}

    async def one(url: str, wanted: bool) -> None:
        await turns.acquire()
        try:
            found[url] = await _asked(client, url, wanted, max_bytes, Patience(reactor, waits))
        except VcycleError as error:
            found[url] = Reached(problem=str(error))
        finally:
            turns.release()

    def over(result: object) -> None:
        threads.stopService()
        reactor.stop()
        if isinstance(result, Failure):
            failures.append(result)

    failures: list[Failure] = []

    def begin() -> None:
        threads.startService()
        asking = [Deferred.fromCoroutine(one(url, wanted)) for url, wanted in urls.items()]
        gatherResults(asking, consumeErrors=True).addBoth(over)

    if urls:
        reactor.callWhenRunning(begin)
        reactor.run()
    for failure in failures:
        failure.raiseException()
    return {url: found.get(url, Reached(problem="interrupted")) for url in urls}


async def _asked(
    client: Client, url: str, wanted: bool, max_bytes: int, patience: Patience
) -> Reached:
    reply = await client.ask(url, {}, patience)
    if reply.status != GOOD:
        reply.drop()
        raise FetchError(f"the server answers {reply.status}")
    if not wanted:
        reply.drop()
        return Reached(size=reply.length)
    body = bytearray()

    def keep(piece: bytes) -> None:
        body.extend(piece)
        if len(body) > max_bytes:
            raise FetchError(f"it is over {max_bytes} bytes")

    await reply.receive(keep)
    return Reached(size=len(body), body=bytes(body))
