"""A vacuum pipe from a real HTTPS server to the machinetypes of a whole daemon."""

from __future__ import annotations

import os

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater

from tests.core.pipes.writing import VECTORS
from tests.daemon.spoken import lines
from tests.daemon.test_service import DaemonCase
from tests.images.https import Authority, Served, Server
from vcycle.daemon import lastgood, pipecopies


class ServedTests(DaemonCase):
    def setUp(self) -> None:
        authority = Authority()
        super().setUp()
        authority.write(str(self.root / "authorities"))
        self.server = Server(reactor, authority.issue())
        self.addCleanup(lambda: ensureDeferred(self.server.stop()))
        self.url = self.server.url("/exvo.pipe")
        self.write(
            f"processors_per_superslot = 8\n"
            f"ca_directory = {self.root / 'authorities'}\n"
            f"[vacuum_pipe exvo]\nvacuum_pipe_url = {self.url}\ntarget_share = 8\n"
        )

    def test_fetched(self) -> Deferred[None]:
        """It is fetched beside the cycles, makes machinetypes, and is kept for the next daemon."""
        self.server.files["/exvo.pipe"] = Served((VECTORS / "example.pipe").read_bytes())

        async def story() -> None:
            daemon = self.started()
            while not os.path.exists(lastgood.path_in(self.state_dir)) or not self.kept():
                await self.looked()
            await daemon.stopService()
            said = lines(self.listener.heard)
            self.assertIn(f"info: one.test: Vacuum pipe exvo: 2 machinetypes in {self.url}", said)
            added = "info: Configuration: space one.test: machinetype exvo-mcore: added"
            self.assertIn(added, said)
            self.assertEqual([self.url], list(pipecopies.recall(self.state_dir, [self.url])))

        return ensureDeferred(story())

    async def looked(self) -> None:
        """It is told to look again, and what servers say has some time to arrive."""
        self.look()
        await deferLater(reactor, 0.02)

    def kept(self) -> bool:
        """Does the last good configuration have the pipe's machinetypes?"""
        found = lastgood.recall(self.state_dir, "factory1.example.com")
        assert found is not None
        return {"atlas", "exvo-prod", "exvo-mcore"} == set(found.spaces["one.test"].machinetypes)

    def test_absent(self) -> Deferred[None]:
        """A server that has none is told of, and the factory's own machinetypes go on."""

        async def story() -> None:
            trouble = self.listener.event("pipe-troubled")
            verdict = self.listener.event("verdict")
            daemon = self.started()
            await trouble
            await verdict
            while not any("404" in line for line in lines(self.listener.heard)):
                await self.looked()
            await daemon.stopService()
            said = lines(self.listener.heard)
            self.assertEqual([], [line for line in said if line.startswith("error")])

        return ensureDeferred(story())
