"""Machines of a user without rights, through a libvirt session of the daemon's own."""

from __future__ import annotations

import os

from tests.system.case import BOOTS, SPACE, SystemCase
from tests.system.domains import pids
from tests.system.vcycled import Vcycled
from vcycle.core.machine import Outcome

USER = 1000
AS_USER = ("unshare", "--user", f"--map-user={USER}", f"--map-group={USER}")


class SessionTests(SystemCase):
    uri = "qemu:///session"

    def setUp(self) -> None:
        super().setUp()
        # Whoever runs the tests as root is somebody else in there.
        self.daemon = Vcycled(self.place, AS_USER if os.geteuid() == 0 else ())

    def test_lives(self) -> None:
        """A machine boots, works and ends; another outlives the daemon, which finds it again."""
        self.configure(
            self.space(total_machines=2),
            self.working("brief", "shutdown_message 200 Success\n"),
            self.working("lasting", "while :; do put heartbeat < /proc/uptime; sleep 1; done\n"),
        )
        self.daemon.start()
        self.daemon.until(
            "one has ended and one beats",
            lambda: bool(self.daemon.ended("brief")) and self._beating(),
            2 * BOOTS,
        )
        self.assertIs(Outcome.COMPLETED, self.daemon.ended("brief")[0].outcome)
        self.assertIn("qemu:///session: ", self.daemon.told())
        before = set(pids(self.within).values())
        self.assertNotEqual(set(), before)
        [lasting] = [r for r in self.daemon.living() if r.machinetype == "lasting"]
        self.daemon.kill()
        self.daemon.start()
        last = self.daemon.beaten(lasting)
        self.daemon.until("it beats again", lambda: self.daemon.beaten(lasting) > last + 1, BOOTS)
        self.assertIn(lasting.uuid, {record.uuid for record in self.daemon.living()})
        self.assertEqual(SPACE, lasting.space)

    def _beating(self) -> bool:
        lasting = [r for r in self.daemon.living() if r.machinetype == "lasting"]
        return bool(lasting) and all(self.daemon.beaten(record) > 0 for record in lasting)
