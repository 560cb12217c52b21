"""Domains of others on the same libvirtd are never touched."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.contracts.specs import spec
from tests.system.case import FACTORY, SPACE
from tests.system.domains import pids
from tests.system.systemcase import OnSystem
from vcycle.core.addresses import slot_name
from vcycle.core.domain import Platform, domain_xml
from vcycle.core.machine import Outcome
from vcycle.core.mark import mark_xml

XML = """\
<domain type='qemu'>
  <name>{name}</name>
  {metadata}
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>
"""
PLATFORM = Platform(domain_type="qemu", arch="x86_64", network=None, cpu_mode=None)
LIFE = 90
"""Seconds until the space's shutdown_time: more than what is done before takes."""


class ForeignTests(OnSystem):
    def setUp(self) -> None:
        super().setUp()
        connection = self.libvirtd.connect()
        self.addCleanup(connection.close)
        marked = spec(7, owner="ffffffffffffffff", name=slot_name(FACTORY, 1))
        self.foreign = {
            "persistent": connection.defineXML(XML.format(name="persistent", metadata="")),
            "transient": connection.createXML(XML.format(name="transient", metadata="")),
            # Of the name that our first machine would have.
            "namesake": connection.createXML(XML.format(name=slot_name(FACTORY, 0), metadata="")),
            # With a mark like ours, of another owner; its name is that of our second machine.
            "marked": connection.createXML(domain_xml(marked, PLATFORM)),
            "copied": connection.createXML(
                XML.format(name="copied", metadata=f"<metadata>{mark_xml(marked.mark)}</metadata>")
            ),
        }
        self.foreign["persistent"].create()
        self.before = self._known()
        self.processes = pids()
        self.assertEqual(5, len(self.processes))

    def _known(self) -> dict[str, tuple[int, int, str]]:
        """What each is: number and state, which any start or stop changes, and definition."""
        return {
            name: (domain.ID(), domain.state()[0], domain.XMLDesc())
            for name, domain in self.foreign.items()
        }

    def _untouched(self) -> None:
        self.assertEqual(self.before, self._known(), self.daemon.told())
        alive = pids()
        for uuid, process in self.processes.items():
            self.assertEqual(process, alive.get(uuid), self.daemon.told())

    def test_foreign(self) -> None:
        """
        Neither running, draining, restarts, shutdown_time nor an end of the daemon touch what
        is not ours, whatever its name or its mark.
        """
        end = int(time.time()) + LIFE
        idle = self.idle("idle", min_wallclock_seconds=1)
        self.configure(self.space(total_machines=2, shutdown_time=end), idle)
        self.daemon.start()
        self.daemon.until("our own two run", lambda: len(pids()) == 7)
        names = {record.name for record in self.daemon.living()}
        self.assertEqual({slot_name(FACTORY, 2), slot_name(FACTORY, 3)}, names)
        self._untouched()
        self.daemon.kill()
        drained = self.space(total_machines=2, shutdown_time=end, draining="yes")
        self.configure(drained, idle)
        self.daemon.start()
        self.daemon.until("it drains", lambda: self.daemon.lines("draining = yes"))
        time.sleep(5)
        self.assertEqual(7, len(pids()), "draining lets machines go on")
        self._untouched()
        self.configure(self.space(total_machines=2, shutdown_time=end), idle)
        self.daemon.until("ours are over", lambda: not self.daemon.living(), 2 * LIFE)
        self.assertEqual(
            {Outcome.STOPPED, Outcome.OVERTIME} | {r.outcome for r in self.daemon.records()},
            {Outcome.STOPPED, Outcome.OVERTIME},
        )
        self.assertEqual(self.processes, pids())
        self._untouched()
        self.daemon.stop()
        self._untouched()


class NamesakeTests(OnSystem):
    """Beside another daemon's machines."""

    def test_status_lists_none(self) -> None:
        """A foreign domain is in no status, and takes none of total_machines."""
        connection = self.libvirtd.connect()
        self.addCleanup(connection.close)
        connection.createXML(XML.format(name="stranger", metadata=""))
        self.configure(self.space(total_machines=1), self.idle("idle"))
        self.daemon.start()
        self.daemon.until("our own runs", lambda: len(pids()) == 2)
        self.daemon.until("it is told", lambda: self.daemon.space(SPACE).get("machines"))
        told = subprocess.run(
            [sys.executable, "-m", "vcycle.commands.main", "status", "--config"]
            + [str(self.place / "vcycle.conf")],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, told.returncode, told.stderr)
        self.assertIn(slot_name(FACTORY, 0), told.stdout)
        self.assertNotIn("stranger", told.stdout)


del OnSystem
