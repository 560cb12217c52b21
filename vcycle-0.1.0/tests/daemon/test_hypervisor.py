"""Tests for vcycle.daemon.hypervisor: what spaces on one provider share."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import record
from tests.daemon.spoken import listening
from tests.daemon.test_guestbook import SmallDesk
from vcycle.core.addresses import GuestNetwork
from vcycle.core.errors import CallTimedOut, NoCapacity, Unreachable
from vcycle.core.machine import Capacity
from vcycle.core.observation import Use
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.serving import GuestServer
from vcycle.guests.site import make_site
from vcycle.testing.provider import MemoryProvider

URI = "qemu:///system"


@define
class Preparing:
    """What is prepared: ``waiting`` holds it up, ``failure`` is raised."""

    times: int = 0
    failure: Exception | None = None
    waiting: Deferred[None] | None = None

    async def __call__(self) -> str:
        self.times += 1
        if self.waiting is not None:
            await self.waiting
        if self.failure is not None:
            raise self.failure
        return "KVM"


@define
class Ground:
    reactor: MemoryReactorClock = Factory(MemoryReactorClock)
    book: GuestBook = Factory(GuestBook)
    preparing: Preparing = Factory(Preparing)

    def hypervisor(self, network: str | None = "192.168.7.0/29") -> Hypervisor:
        server = GuestServer(
            self.reactor,
            make_site(self.book, self.reactor),
            "127.0.0.1",
            80,
            user_networking=False,
            clock=self.reactor.seconds,
        )
        server.startService()
        return Hypervisor(
            uri=URI,
            provider=MemoryProvider(
                clock=self.reactor.seconds, room=Capacity(processors=16, memory_mb=32768)
            ),
            network=None if network is None else GuestNetwork.parse(network),
            book=self.book,
            server=server,
            prepare=self.preparing,
        )


class ReadyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.preparing = self.ground.preparing
        self.hypervisor = self.ground.hypervisor()

    def ready(self) -> str | None:
        problem: str | None = self.successResultOf(self.hypervisor.ready())
        return problem

    def test_once(self) -> None:
        """The provider is prepared and serves; that is said, and done, once."""
        with listening() as said:
            self.assertIsNone(self.ready())
            self.assertIsNone(self.ready())
        self.assertEqual(
            [f"info: {URI}: KVM", "info: Machines are served at http://127.0.0.1"],
            [line.rpartition(":80")[0] or line for line in said],
        )
        self.assertEqual(1, self.preparing.times)

    def test_not_yet(self) -> None:
        """Until the provider is prepared nothing is served; it is tried again each time."""
        for failure in (Unreachable("no connection"), CallTimedOut("no answer")):
            self.preparing.failure = failure
            self.assertEqual(f"{URI}: {failure}", self.ready())
        self.assertEqual([], self.ground.reactor.tcpServers)
        self.preparing.failure = None
        self.assertIsNone(self.ready())
        self.assertEqual(1, len(self.ground.reactor.tcpServers))

    def test_living(self) -> None:
        """Machines that live already are served while the provider does not answer."""
        self.preparing.waiting = Deferred()
        one = record()
        self.ground.book.admit(one, SmallDesk(records={one.uuid: one}))
        Deferred.fromCoroutine(self.hypervisor.ready())
        self.assertEqual(1, len(self.ground.reactor.tcpServers))

    def test_two_spaces(self) -> None:
        """Two spaces that come at the same moment prepare it once."""
        waiting = self.preparing.waiting = Deferred()
        one, two = (Deferred.fromCoroutine(self.hypervisor.ready()) for _ in range(2))
        waiting.callback(None)
        self.assertEqual([None, None], [self.successResultOf(one), self.successResultOf(two)])
        self.assertEqual(1, self.preparing.times)


class BudgetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.hypervisor = Ground().hypervisor()
        self.provider = self.hypervisor.provider
        self.successResultOf(self.hypervisor.measure())

    def figures(self) -> tuple[int | None, int | None]:
        budget = self.hypervisor.budget()
        return budget.processors, budget.memory_mb

    def test_capacity(self) -> None:
        """Where no space has a total, the provider's capacity is the budget."""
        self.hypervisor.totals["a"] = (None, None)
        self.assertEqual((16, 32768), self.figures())

    def test_totals(self) -> None:
        """The largest total counts, for each resource: the administrator knows better."""
        self.hypervisor.totals.update({"a": (20, None), "b": (24, None), "c": (None, None)})
        self.assertEqual((24, 32768), self.figures())

    def test_unknown(self) -> None:
        """A provider that does not tell sets no limit; one that fails leaves the last answer."""
        assert isinstance(self.provider, MemoryProvider)
        self.provider.broken = Unreachable("no connection")
        self.successResultOf(self.hypervisor.measure())
        self.assertEqual((16, 32768), self.figures())
        self.assertEqual((None, None), (Ground().hypervisor().budget().processors, None))

    def test_others(self) -> None:
        """Others are all spaces but one."""
        for name, machines in (("a", 1), ("b", 2), ("c", 4)):
            self.hypervisor.uses[name] = Use(machines=machines, processors=machines)
        self.assertEqual(Use(machines=6, processors=6), self.hypervisor.others("a"))
        self.assertEqual(Use(), Ground().hypervisor().others("a"))

    def test_leave(self) -> None:
        """A space that is no more neither uses nor grants anything."""
        self.hypervisor.uses["a"] = Use(processors=4)
        self.hypervisor.totals["a"] = (64, 1 << 20)
        self.hypervisor.leave("a")
        self.hypervisor.leave("never was")
        self.assertEqual((16, 32768), self.figures())
        self.assertEqual(Use(), self.hypervisor.others("b"))


class LeaseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.hypervisor = self.ground.hypervisor()
        assert self.hypervisor.network is not None
        self.addresses = [self.hypervisor.network.address(slot) for slot in range(self.slots)]

    @property
    def slots(self) -> int:
        assert self.hypervisor.network is not None
        return self.hypervisor.network.slots

    def test_own(self) -> None:
        """A slot has an address and a MAC of its own."""
        address, mac = self.hypervisor.lease(2)
        self.assertEqual(self.addresses[2], address)
        self.assertRegex(mac or "", "^[0-9A-F]{2}(:[0-9A-F]{2}){5}$")

    def test_none_twice(self) -> None:
        """No address is given out twice, not even before its machine is known; then all are out."""
        leased = [self.hypervisor.lease(slot)[0] for slot in [1] * self.slots]
        self.assertEqual(sorted(self.addresses), sorted(filter(None, leased)))
        error = self.assertRaises(NoCapacity, self.hypervisor.lease, 0)
        self.assertEqual(
            f"all {self.slots} addresses of the guest network 192.168.7.0/29 are in use", str(error)
        )

    def test_in_use(self) -> None:
        """An address that a living machine has is not free, whatever its slot."""
        self.ground.book.admit(record(0, address=self.addresses[1]), SmallDesk())
        self.assertEqual(self.addresses[0], self.hypervisor.lease(1)[0])

    def test_settled(self) -> None:
        """A promise that came to nothing leaves the address free."""
        address, _ = self.hypervisor.lease(0)
        self.hypervisor.settle(address)
        self.assertEqual(address, self.hypervisor.lease(0)[0])

    def test_slot_without(self) -> None:
        """A slot beyond the network's size takes a free address of another."""
        self.assertEqual(self.addresses[0], self.hypervisor.lease(5000)[0])

    def test_user_networking(self) -> None:
        """Without a network machines have no addresses, and none are in use."""
        hypervisor = self.ground.hypervisor(network=None)
        self.assertEqual((None, None), hypervisor.lease(0))
        hypervisor.settle(None)
