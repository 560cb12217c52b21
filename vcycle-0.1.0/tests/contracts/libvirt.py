"""LibvirtProvider on a real reactor and in real threads, for tests of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.contracts.specs import uuid
from vcycle.providers.libvirt.connection import Patience
from vcycle.providers.libvirt.provider import CALLS, Deadlines, LibvirtProvider
from vcycle.threads import IThreadsReactor, PrivateThreads

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = object

REACTOR = cast(IThreadsReactor, reactor)
STEP = 0.01
MOST = 20.0


async def until(happened: Callable[[], bool]) -> None:
    """Let the reactor run until something has happened; give up after MOST seconds."""
    end = time.monotonic() + MOST
    while not happened():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        await deferLater(cast(Any, reactor), STEP)


class OnLibvirt(Base):
    """Mix into a TestCase, and call ``connect`` in ``setUp``."""

    timeout = 60
    kind = "test"

    def connect(
        self, uri: str, patience: Patience | None = None, deadlines: Deadlines | None = None
    ) -> LibvirtProvider:
        """A started provider for the URI, stopped when the test ends."""
        self.threads = PrivateThreads(REACTOR, uri, CALLS, deadline=20.0, ceiling=5)
        self.threads.startService()
        self.addCleanup(self.threads.stopService)
        self.libvirt = LibvirtProvider(
            REACTOR, uri, self.threads, time.time, patience=patience, deadlines=deadlines
        )
        self.libvirt.startService()
        self.addCleanup(self.libvirt.stopService)
        return self.libvirt

    def behind(self, work: Callable[[Any], Any]) -> Deferred[Any]:
        """Do something on the same connection that the provider is not told of."""
        call = self.libvirt.connection.call("testing", work, deadline=20.0)
        return Deferred.fromCoroutine(call)

    async def foreign(self, number: int, name: str) -> None:
        xml = (
            f"<domain type='{self.kind}'><name>{name}</name><uuid>{uuid(number)}</uuid>"
            "<memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
        )
        await self.behind(lambda connection: connection.createXML(xml, 0) and None)

    async def perish(self, number: int) -> None:
        one = uuid(number)
        await self.behind(lambda c: c.lookupByUUIDString(one).destroy())
        while one not in (await self.libvirt.survey([])).endings:
            await deferLater(cast(Any, reactor), STEP)

    async def settle(self, happened: Callable[[], bool]) -> None:
        await until(happened)
