"""What all spaces on one provider share: the connection, the budget, the addresses, the server."""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import chain
from typing import Callable

from attrs import Factory, define, field
from twisted.internet.defer import DeferredLock

from vcycle.core.addresses import GuestNetwork, mac
from vcycle.core.errors import NoCapacity, VcycleError
from vcycle.core.machine import Capacity
from vcycle.core.observation import Budget, Use
from vcycle.core.sharing import Ways
from vcycle.daemon import events
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.serving import GuestServer
from vcycle.interfaces import IMachineProvider, IVolumes


async def no_ways() -> Ways:
    """Of a provider that shares no directories."""
    return Ways()


@define(eq=False)
class Hypervisor:
    """
    One libvirt URI, or one cloud account.

    ``local`` says that machines run on the daemon's own host, whose load then counts.
    ``network`` is None where machines have user networking. ``prepare`` readies the provider
    and says how machines run on it. Whoever plans holds ``planning``, so that two spaces
    never give out the same processors. ``promised`` are addresses that machines will have
    once their intent is on disk. ``volumes`` are its storage pools, if it has any; ``ways``
    says what directories can be shared by.
    """

    uri: str
    provider: IMachineProvider
    network: GuestNetwork | None
    book: GuestBook
    server: GuestServer
    prepare: Callable[[], Awaitable[str]]
    local: bool = True
    volumes: IVolumes | None = None
    ways: Callable[[], Awaitable[Ways]] = no_ways
    planning: DeferredLock = Factory(DeferredLock)
    capacity: Capacity = Factory(Capacity)
    uses: dict[str, Use] = field(factory=dict)
    totals: dict[str, tuple[int | None, int | None]] = field(factory=dict)
    promised: set[str] = field(factory=set)
    _preparing: DeferredLock = Factory(DeferredLock)
    _prepared: bool = False

    async def ready(self) -> str | None:
        """
        Prepare the provider if that is still to be done, and serve; why not, or None.

        Machines that live already are served meanwhile, however long the provider takes.
        """
        if self.book.inhabited:
            self.server.ensure(quietly=True)
        await self._preparing.acquire()
        try:
            if not self._prepared:
                events.provider_said(self.uri, await self.prepare())
                self._prepared = True
        except VcycleError as error:
            return f"{self.uri}: {error}"
        finally:
            self._preparing.release()
        return self.server.ensure()

    async def measure(self) -> None:
        """Ask the provider for its capacity; without an answer the last one stands."""
        try:
            self.capacity = await self.provider.capacity()
        except VcycleError:
            return

    def budget(self) -> Budget:
        """
        What all spaces together may use: the largest total that any of them was given, as
        its administrator knows better, else what the provider has.
        """
        processors = [total for total, _ in self.totals.values() if total is not None]
        memory = [total for _, total in self.totals.values() if total is not None]
        return Budget(
            processors=max(processors) if processors else self.capacity.processors,
            memory_mb=max(memory) if memory else self.capacity.memory_mb,
        )

    def others(self, space: str) -> Use:
        """What the other spaces use, as of their last plans."""
        return sum((use for name, use in self.uses.items() if name != space), Use())

    def lease(self, slot: int) -> tuple[str | None, str | None]:
        """
        A free address and its MAC, that of the slot if it is free; (None, None) without a network.

        It is promised, to nobody else, until it is settled.

        :raises NoCapacity: every address is in use.
        """
        if self.network is None:
            return None, None
        taken, promised, slots = self.book.addresses(), self.promised, self.network.slots
        for ordinal in chain((slot,), range(min(slots, len(taken) + len(promised) + 1))):
            if ordinal < slots:
                address = self.network.address(ordinal)
                if address not in taken and address not in promised:
                    self.promised.add(address)
                    return address, mac(address)
        raise NoCapacity(
            f"all {slots} addresses of the guest network {self.network.network} are in use"
        )

    def settle(self, address: str | None) -> None:
        """The machine of a promised address is known to the guest book by now, or never will be."""
        self.promised.discard(address or "")

    def leave(self, space: str) -> None:
        """The space is no more: it uses nothing, and its totals count no longer."""
        self.uses.pop(space, None)
        self.totals.pop(space, None)
