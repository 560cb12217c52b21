"""Tests for vcycle.core.sharing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import running
from vcycle.core.addresses import GuestNetwork
from vcycle.core.errors import DiskError
from vcycle.core.machine import Shared
from vcycle.core.sharing import Ways, exports_of, forgotten, missing, mounts, share

ALL = Ways(virtiofs=None, readonly=None, ninep=None)
OLD = Ways(virtiofs=None, readonly="libvirt is too old", ninep=None)
READ = (("soft", "/srv/soft", False),)
WRITE = (("data", "/srv/data", True),)
NETWORK = GuestNetwork.parse("169.254.0.0/16")


def ways_of(directories: tuple[tuple[str, str, bool], ...], sharing: str, ways: Ways) -> set[str]:
    return {one.how for one in share(directories, sharing, ways, True)}


class ShareTests(SynchronousTestCase):
    def refused(self, sharing: str, ways: Ways, network: bool = True) -> str:
        with self.assertRaises(DiskError) as caught:
            share(READ + WRITE, sharing, ways, network)
        return str(caught.exception)

    def test_auto(self) -> None:
        """virtiofs where it can do all that is wanted, else 9p, the same for all directories."""
        self.assertEqual({"virtiofs"}, ways_of(READ + WRITE, "auto", ALL))
        self.assertEqual({"virtiofs"}, ways_of(WRITE, "auto", OLD))
        self.assertEqual({"9p"}, ways_of(READ + WRITE, "auto", OLD))
        self.assertEqual({"9p"}, ways_of(WRITE, "auto", Ways(ninep=None)))

    def test_asked_for(self) -> None:
        """What is asked for is what happens."""
        for sharing in ("virtiofs", "9p", "nfs"):
            self.assertEqual({sharing}, ways_of(READ + WRITE, sharing, ALL))

    def test_no_way(self) -> None:
        """Where nothing works, every way says why."""
        said = self.refused("auto", Ways(virtiofs="no virtiofsd", ninep="no 9p"))
        self.assertIn("virtiofs: no virtiofsd; 9p: no 9p", said)

    def test_no_lie(self) -> None:
        """What machines could write to is not said to be read-only."""
        self.assertIn("libvirt is too old", self.refused("virtiofs", OLD))

    def test_nfs(self) -> None:
        """NFS needs an address of each machine's own, and one access to each directory."""
        self.assertIn("addresses", self.refused("nfs", ALL, network=False))
        twice = (*READ, ("again", "/srv/soft", True))
        with self.assertRaises(DiskError):
            share(twice, "nfs", ALL, True)
        share(twice, "9p", ALL, True)

    def test_nothing(self) -> None:
        """Who shares nothing needs no way."""
        self.assertEqual((), share((), "virtiofs", Ways(), False))


class TextTests(SynchronousTestCase):
    def test_mounts(self) -> None:
        """A line for each directory: tag, type, source, options."""
        shared = [
            Shared(tag=f"t{n}", path="/srv/x", writable=n == 1, how=how)
            for n, how in enumerate(("virtiofs", "9p", "nfs"))
        ]
        self.assertEqual(
            "t0 virtiofs t0 ro\n"
            "t1 9p t1 trans=virtio,version=9p2000.L,msize=262144,rw\n"
            "t2 nfs 169.254.169.254:/srv/x vers=4.2,ro",
            mounts(shared, NETWORK.host),
        )


class ExportTests(SynchronousTestCase):
    def test_exports(self) -> None:
        """Only NFS exports, each directory once."""
        self.assertEqual((), exports_of(READ + WRITE, "9p"))
        self.assertEqual(("/srv/soft", "/srv/data"), exports_of(READ + WRITE + READ, "nfs"))

    def test_forgotten(self) -> None:
        """Exports to addresses of machines, whose they are not; never anybody else's."""
        living = running(1, address="169.254.169.1", exports=("/srv/soft",))
        exported = [
            ("/srv/soft", "169.254.169.1"),
            ("/srv/data", "169.254.169.1"),
            ("/srv/soft", "169.254.169.2"),
            ("/srv/soft", "169.254.0.0/16"),
            ("/srv/soft", "192.0.2.7"),
            ("/srv/soft", "*.example.com"),
            ("/srv/soft", "<world>"),
        ]
        holders = {living.address: living}
        self.assertEqual(
            [("/srv/data", "169.254.169.1"), ("/srv/soft", "169.254.169.2")],
            forgotten(exported, NETWORK, holders.get),
        )

    def test_missing(self) -> None:
        """A machine some of whose exports are gone is found."""
        one = running(1, address="169.254.169.1", exports=("/a", "/b"))
        two = running(2, address="169.254.169.2", exports=("/a",))
        exported = [("/a", "169.254.169.1"), ("/a", "169.254.169.2")]
        self.assertEqual([one], missing(exported, [one, two, running(3)]))
