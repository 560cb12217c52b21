"""Machines from a signed CernVM-style CD, fetched over HTTPS from behind the fence, and cached."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.images import signed
from tests.system.case import BOOTS, SPACE, SystemCase, section
from tests.system.imageserver import ImageServer
from vcycle.core.machine import Outcome, Record

WORKS = """\
#!/bin/sh
heartbeat
echo '##user_data_uuid## ##user_data_root_image_url##' | put who
shutdown_message 200 Success
"""
CHECK_SECONDS = 10
VALID = 30 * signed.DAY


class CernVMTests(SystemCase):
    def setUp(self) -> None:
        super().setUp()
        # Something is up beside the loopback: the daemon has to go behind a fence of its own.
        subprocess.run(["ip", "link", "add", "name", "world0", "type", "bridge"], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "del", "world0"], check=True)
        subprocess.run(["ip", "link", "set", "world0", "up"], check=True)
        self.server = ImageServer(self.place / "server")
        self.addCleanup(self.server.stop)
        trusted = self.place / "certificates"
        self.server.authority.write(str(trusted))
        begin = time.time() - signed.DAY
        authority = signed.Authority.made(begin=begin, end=begin + VALID)
        authority.plant(trusted, "cern")
        self.signer = authority.issue(begin=begin, end=begin + VALID)

    def image(self, metadata: bytes) -> bytes:
        """A CD that boots, with signature; of different metadata a different one."""
        built = self.guest(iso=True).iso
        assert built is not None
        return signed.sign(built.read_bytes(), self.signer, metadata)

    def begin(self) -> None:
        user_data = self.place / "user_data"
        user_data.write_text(WORKS, "utf-8")
        settings = {
            "state_dir": self.daemon.state,
            "vacquery_port": 0,
            "monitor_port": 0,
            "ca_directory": self.place / "certificates",
            "image_check_seconds": CHECK_SECONDS,
        }
        cd = {
            "target_share": 1,
            "machine_model": "cernvm3",
            "root_image": self.server.url("cernvm.iso"),
            "image_signing_dn": "/DC=ch/DC=cern/OU=computers/CN=cvm-sign[0-9]+\\.cern\\.ch",
            "user_data": user_data,
            "disk_gb_per_processor": 1,
            "max_wallclock_seconds": 3600,
            "fizzle_seconds": 60,
        }
        self.write(
            section("settings", settings)
            + self.space(total_machines=1)
            + section(f"machinetype {SPACE} cd", cd)
        )
        self.daemon.start()

    def worked(self, after: int) -> Record:
        """The next machine to end, when so many have; it did its work."""
        self.daemon.until(
            f"machine {after + 1} is over", lambda: len(self.daemon.ended("cd")) > after, 2 * BOOTS
        )
        record = self.daemon.ended("cd")[after]
        self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
        self.assertEqual("200 Success", record.message)
        self.assertEqual(
            f"{record.uuid} {self.server.url('cernvm.iso')}",
            (self.daemon.output(record, "who") or "").strip(),
        )
        return record

    def test_cached(self) -> None:
        """
        The CD is fetched and verified, and machines boot from the copy; the server says that it
        has not changed. One that was tampered with is refused, and the former goes on. A new one
        that is signed is booted from; those of before keep the one they started with.
        """
        self.server.put("cernvm.iso", self.image(b'{"version": 1}'))
        self.begin()
        first = self.worked(0)
        self.assertTrue(Path(first.image or "").is_relative_to(self.daemon.state))
        self.assertEqual(1, self.asked(200), self.server.asked())
        inside, outside = (os.stat(f"/proc/{pid}/ns/net").st_ino for pid in (self.daemon.pid, 1))
        self.assertNotEqual(inside, outside, "the daemon is not fenced in")

        self.daemon.until("the server says 304", lambda: self.asked(304) > 0, 2 * BOOTS)
        second = self.worked(len(self.daemon.ended("cd")))
        self.assertEqual(first.image, second.image)
        self.assertEqual(1, self.asked(200), self.server.asked())

        tampered = bytearray(self.image(b'{"version": 1}'))
        tampered[40_000] ^= 1
        self.later(bytes(tampered))
        self.daemon.until("the changed CD is fetched", lambda: self.asked(200) > 1, 3 * BOOTS)
        self.daemon.until("it is refused", lambda: self.daemon.lines("signature"), BOOTS)
        third = self.worked(len(self.daemon.ended("cd")))
        self.assertEqual(first.image, third.image)

        self.later(self.image(b'{"version": 2}'))
        self.daemon.until(
            "a machine boots from the new CD",
            lambda: [r for r in self.daemon.ended("cd") if r.image != first.image],
            4 * BOOTS,
        )
        last = self.daemon.ended("cd")[-1]
        self.assertIs(Outcome.COMPLETED, last.outcome, self.daemon.told())

    def later(self, content: bytes) -> None:
        """Change the CD; a server tells times in whole seconds."""
        time.sleep(1.1)
        self.server.put("cernvm.iso", content)

    def asked(self, status: int) -> int:
        """How often the CD was answered so."""
        return self.server.asked().count(f"GET /cernvm.iso {status}")


del SystemCase
