"""Machines' lives under a real libvirtd, on its filtered network."""

from __future__ import annotations

from tests.system.case import BOOTS
from tests.system.lives import Lives
from tests.system.systemcase import OnSystem

LOOKS = """\
heartbeat
wget -q -O /tmp/like '##user_data_heartbeat_machines_url##'
put like < /tmp/like
shutdown_message 200 Success
"""


class SystemTests(OnSystem, Lives):
    """The stories of machines on ``qemu:///system``."""

    def test_finds_its_like(self) -> None:
        """A machine that beats is in the list of those of its machinetype, with its address."""
        self.configure(
            self.space(total_machines=1),
            self.working("like", LOOKS, heartbeat_file="heartbeat"),
        )
        self.daemon.start()
        record = self.daemon.until(
            "a machine is over", lambda: next(iter(self.daemon.ended("like")), None), 2 * BOOTS
        )
        like = self.daemon.output(record, "like") or ""
        self.assertRegex(like, rf"\A[0-9]+ {record.name} {record.address}\n\Z")
        self.assertIsNotNone(record.address)


del Lives, OnSystem
