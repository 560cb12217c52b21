"""Tests for ``vcycle doctor``, on the host that runs the tests."""

from __future__ import annotations

import json
import os
import socket
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.running import run
from vcycle.commands.hostfacts import clock_true, listens, reach

CONFIGURATION = """\
[settings]
vcycle_space = one.test
factory_name = factory1.one.test
state_dir = {place}
libvirt_uri = test:///default
vacquery_port = 0
monitor_port = {port}
[machinetype a]
root_image = /nowhere
"""


class DoctorTests(SynchronousTestCase):
    def examine(self, port: int) -> dict[str, dict[str, object]]:
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "vcycle.conf")
            with open(path, "w") as file:
                file.write(CONFIGURATION.format(place=place, port=port))
            status, out, _ = run("doctor", "--config", path, "--json")
        rows = json.loads(out)["findings"]
        self.assertEqual(int(any(row["good"] is False for row in rows)), status)
        return {row["what"]: row for row in rows}

    def test_looks(self) -> None:
        """It looks at the host as the configuration wants it used."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            found = self.examine(port)
        self.assertRegex(str(found["libvirt"]["text"]), "driver (?i:test)")
        self.assertEqual("factory1.one.test", found["host name"]["text"])
        self.assertIs(False, found[f"TCP port {port}"]["good"])
        self.assertIn("monitor_port", str(found[f"TCP port {port}"]["cure"]))
        self.assertNotIn("UDP port 0", found)

    def test_libvirt_does_not_answer(self) -> None:
        """Why libvirt cannot be asked is told in its own words."""
        answer, problem = reach("qemu+unix:///system?socket=/nowhere/libvirt-sock")
        self.assertEqual("", answer)
        self.assertIn("/nowhere/libvirt-sock", str(problem))

    def test_listens(self) -> None:
        """A port that somebody has is seen, of either protocol."""
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            self.assertTrue(listens("UDP", taken.getsockname()[1]))
            free = taken.getsockname()[1]
        self.assertFalse(listens("UDP", free))

    def test_listens_where(self) -> None:
        """Where only some addresses matter, who has a port on others is no trouble."""
        for place, trouble in (("127.0.0.1", True), ("127.0.0.2", False), ("0.0.0.0", True)):
            with socket.socket() as taken:
                taken.bind((place, 0))
                taken.listen()
                port = taken.getsockname()[1]
                self.assertIs(trouble, listens("TCP", port, frozenset(["127.0.0.1"])), place)

    def test_clock(self) -> None:
        """The kernel says whether its clock is kept."""
        self.assertIn(clock_true(), (True, False, None))
