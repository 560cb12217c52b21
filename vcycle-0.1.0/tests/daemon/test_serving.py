"""Tests for vcycle.daemon.serving."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ServerFactory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.spoken import listening
from vcycle.daemon.serving import GuestServer

GUEST_SIDE = "169.254.169.254"


class StubbornReactor(MemoryReactorClock):
    """Lets nobody listen while ``refusal`` is set; a port 0 becomes 4711."""

    refusal: str | None = None

    def listenTCP(self, port: int, *args: Any, **kwargs: Any) -> Any:
        if self.refusal is not None:
            raise CannotListenError(kwargs["interface"], port, self.refusal)
        listening = super().listenTCP(port, *args, **kwargs)
        if port == 0:
            listening._hostAddress = IPv4Address("TCP", kwargs["interface"], 4711)
        return listening


class GuestServerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = StubbornReactor()
        self.reactor.advance(1000.0)

    def server(
        self, interface: str = GUEST_SIDE, port: int = 80, user_networking: bool = False
    ) -> GuestServer:
        server = GuestServer(
            self.reactor,
            ServerFactory(),
            interface,
            port,
            user_networking=user_networking,
            clock=self.reactor.seconds,
        )
        server.startService()
        return server


class ListeningTests(GuestServerCase):
    def test_when_it_can(self) -> None:
        """It listens where it should, once, and knows since when."""
        server = self.server()
        self.assertIsNone(server.since)
        with listening() as said:
            self.assertIsNone(server.ensure())
            self.reactor.advance(60.0)
            self.assertIsNone(server.ensure())
        [(port, _, _, interface)] = self.reactor.tcpServers
        self.assertEqual((80, GUEST_SIDE), (port, interface))
        self.assertEqual(1000.0, server.since)
        self.assertEqual(1, len(said))

    def test_cannot(self) -> None:
        """While it cannot listen it says so once, and tries again whenever it is asked."""
        server = self.server()
        self.reactor.refusal = "Cannot assign requested address"
        with listening() as said:
            for _ in range(3):
                self.assertEqual(
                    "machines cannot be served at 169.254.169.254:80:"
                    " Cannot assign requested address",
                    server.ensure(),
                )
            self.reactor.refusal = None
            self.assertIsNone(server.ensure())
        self.assertEqual(["error", "info"], [line.partition(":")[0] for line in said])
        self.assertEqual(1000.0, server.since)

    def test_another_reason(self) -> None:
        """Another reason why it cannot listen is news."""
        server = self.server()
        with listening() as said:
            for self.reactor.refusal in ("in use", "in use", "not permitted"):
                server.ensure()
        self.assertEqual(2, len(said))

    def test_stop(self) -> None:
        """After the stop it listens no more, whoever asks."""
        server = self.server()
        server.ensure()
        self.successResultOf(server.stopService())
        self.assertEqual("the daemon is stopping", server.ensure())
        self.successResultOf(self.server().stopService())


class UrlTests(GuestServerCase):
    def url(self, **where: Any) -> str | None:
        server = self.server(**where)
        server.ensure()
        return server.metadata_url("s3cret")

    def test_well_known(self) -> None:
        """At the address that every image knows, machines need no URL."""
        self.assertIsNone(self.url())

    def test_other_network(self) -> None:
        """Anywhere else a machine is told where its own tree is."""
        self.assertEqual("http://192.168.7.6/machine/s3cret", self.url(interface="192.168.7.6"))
        self.assertEqual("http://169.254.169.254:8080/machine/s3cret", self.url(port=8080))

    def test_user_networking(self) -> None:
        """With user networking the host's loopback has another address, and the secret says who."""
        self.assertEqual(
            "http://10.0.2.2:8080/machine/s3cret",
            self.url(interface="127.0.0.1", port=8080, user_networking=True),
        )

    def test_favourite_port(self) -> None:
        """Where any port will do it is the same each time, unless somebody else has it."""
        server = GuestServer(
            self.reactor,
            ServerFactory(),
            "127.0.0.1",
            0,
            user_networking=True,
            clock=self.reactor.seconds,
            favourite=23456,
        )
        server.startService()
        self.assertIsNone(server.ensure())
        self.assertEqual(23456, self.reactor.tcpServers[0][0])

    def test_any_port(self) -> None:
        """A port that the system chose is the one that machines are told."""
        self.assertEqual(
            "http://10.0.2.2:4711/machine/s3cret",
            self.url(interface="127.0.0.1", port=0, user_networking=True),
        )
