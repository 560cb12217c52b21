"""The providers of the daemon, one for each URI, each with threads and a web server of its own."""

from __future__ import annotations

from functools import partial
from typing import Callable
from zlib import crc32

from twisted.application.service import IService, MultiService
from twisted.internet.interfaces import IReactorTCP

from vcycle.core.addresses import GuestNetwork
from vcycle.core.config.model import Space
from vcycle.core.network import NetworkPlan, network_plan
from vcycle.daemon.fencing import refuse_outside
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.ordered import OrderedServices
from vcycle.daemon.reaping import ReapingService
from vcycle.daemon.serving import GuestServer
from vcycle.daemon.signals import ISignalsReactor
from vcycle.daemon.timed import TimedProvider
from vcycle.guests.site import make_site
from vcycle.providers.libvirt.capability import has_networks, is_local
from vcycle.providers.libvirt.embed import root_of
from vcycle.providers.libvirt.provider import CALLS, LibvirtProvider
from vcycle.providers.libvirt.volumes import LibvirtVolumes
from vcycle.threads import IThreadsReactor, PrivateThreads
from vcycle.vacquery.asker import IAskingReactor

LEASES = 1000
"""Machines for which a network has an address from its start: changing it later is slow."""

LOOPBACK = "127.0.0.1"
FAVOURITES = range(20_000, 30_000)
"""Ports to choose from where the configuration leaves it open; none that systems give out."""

CALL_SECONDS = 60.0
REPLACEMENTS = 8
"""Threads that may take the place of hung ones, before a provider is given up as hung itself."""

PATIENCE = 2.0


def unobserved(uri: str, call: str, result: str, seconds: float) -> None:
    """What is told where nobody wants to know."""


class IDaemonReactor(IThreadsReactor, IReactorTCP, ISignalsReactor, IAskingReactor):
    """What the daemon needs of a reactor."""


class Hypervisors(MultiService):
    """
    Makes the Hypervisor of a space when it is first asked for it.

    ``observe`` is told of each call of a provider: its URI, which, what came of it, and after
    how many seconds.
    """

    def __init__(
        self,
        reactor: IDaemonReactor,
        clock: Callable[[], float],
        spool: str,
        observe: Callable[[str, str, str, float], None] = unobserved,
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self._clock = clock
        self._spool = spool
        self._observe = observe
        self._by_uri: dict[str, Hypervisor] = {}
        self.pools: dict[str, PrivateThreads] = {}

    def of(self, space: Space) -> Hypervisor:
        """
        The one of the space's URI; the first space that names a URI says how guests see it.

        :raises FenceRefused: its guests would be outside the fence.
        """
        uri = space.libvirt_uri
        if uri not in self._by_uri:
            refuse_outside(uri)
            self._by_uri[uri] = self._make(space)
        return self._by_uri[uri]

    def leave(self, space: str) -> None:
        """The space is no more: it uses nothing of any of them."""
        for hypervisor in self._by_uri.values():
            hypervisor.leave(space)

    def _make(self, space: Space) -> Hypervisor:
        uri = space.libvirt_uri
        network = GuestNetwork.parse(space.guest_network) if has_networks(uri) else None
        plan = None if network is None else _plan(space, network)
        threads = PrivateThreads(
            self._reactor, f"libvirt {uri}", CALLS, CALL_SECONDS, ceiling=REPLACEMENTS
        )
        self.pools[uri] = threads
        provider = LibvirtProvider(
            self._reactor, uri, threads, self._clock, plan, mend=space.fix_networking
        )
        book = GuestBook()
        server = GuestServer(
            self._reactor,
            make_site(book, self._reactor, spool_directory=self._spool),
            LOOPBACK if network is None else network.host,
            space.guest_http_port,
            user_networking=network is None,
            clock=self._clock,
            favourite=_favourite(uri),
        )
        services = OrderedServices(self._reactor, PATIENCE)
        services.setServiceParent(self)
        child: IService
        for child in (threads, provider, server):
            child.setServiceParent(services)
        if root_of(uri) is not None:
            ReapingService(self._reactor).setServiceParent(services)
        return Hypervisor(
            uri=uri,
            provider=TimedProvider(provider, partial(self._observe, uri), self._reactor.seconds),
            network=network,
            book=book,
            server=server,
            prepare=provider.prepare,
            local=is_local(uri),
            volumes=LibvirtVolumes(provider.connection),
            ways=provider.ways,
        )


def _favourite(uri: str) -> int:
    """A port that is the same after each start: machines know their server by its number."""
    return FAVOURITES.start + crc32(uri.encode("utf-8")) % len(FAVOURITES)


def _plan(space: Space, network: GuestNetwork) -> NetworkPlan:
    slots = min(LEASES, network.slots)
    return network_plan(space.guest_network, space.factory_name, slots, space.forward_dev)
