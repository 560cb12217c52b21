"""Directories of the host that machines see, by virtiofs and by NFS."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.system.case import BOOTS, SPACE
from tests.system.domains import end_all
from tests.system.ganesha import Ganesha
from tests.system.guest import kept_guest
from tests.system.modules import LOADS, with_modules
from tests.system.systemcase import OnSystem
from vcycle.core.machine import Outcome, Record

# Mounts what it is told of. A machine with nfs-utils would need no address among the options.
MOUNTS = """\
while read -r tag type source options; do
    mkdir -p "/mnt/$tag"
    [ "$type" != nfs ] || { type=nfs4 options=$options,addr=${source%%:*}; }
    mount -t "$type" -o "$options" "$source" "/mnt/$tag" || poweroff -f
done << END
##user_data_shared_dirs##
END
read -r word < /mnt/data/word
"""
WRITES = 'echo ##user_data_machine_hostname## > /mnt/data/answer\nshutdown_message "200 $word"\n'
STAYS = 'echo "$word" | put mounted\nsleep 100000\n'


class SharingTests(OnSystem):
    def setUp(self) -> None:
        super().setUp()
        self.data = self.place / "data"
        self.data.mkdir()
        (self.data / "word").write_text("from the host\n", "utf-8")

    def sharing(self, name: str, script: str, *modules: str, **options: object) -> str:
        """A machinetype whose guests have the modules, and share ``data``."""
        initrd = with_modules(self.guest(), kept_guest(), modules, self.place / f"{name}.gz")
        script = LOADS + MOUNTS + script
        return self.working(name, script, SPACE, initrd=initrd, **options)

    def test_virtiofs(self) -> None:
        """
        A guest mounts a directory by virtiofs, reads and writes there. Where libvirt cannot keep
        guests from writing, one that must not write is not started.
        """
        self.configure(
            self.space(total_machines=1),
            self.sharing("reads", WRITES, "virtiofs", shared_dirs=f"data:{self.data}:rw"),
            self.sharing("careful", WRITES, "virtiofs", shared_dirs=f"data:{self.place}/none"),
        )
        self.daemon.start()
        self.daemon.until("a machine is over", lambda: self.daemon.ended("reads"), BOOTS)
        [record] = self.daemon.ended("reads")[:1]
        self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
        self.assertEqual("200 from the host", record.message)
        self.assertEqual(f"{record.name}\n", (self.data / "answer").read_text("utf-8"))
        word, reason = self.daemon.verdict(SPACE, "careful")
        self.assertEqual("not-ready", word, reason)
        self.assertEqual([], self.daemon.ended("careful"))

    def test_nfs(self) -> None:
        """
        A directory is exported to each machine alone, which mounts it and cannot write. The
        export ends with the machine, though the daemon was dead then.
        """
        self._own_exports()
        server = Ganesha(self.place / "ganesha", self.data, writable=False)
        self.addCleanup(server.end)
        server.start()
        machinetype = self.sharing(
            "mounts", STAYS, "nfsv4", shared_dirs=f"data:{self.data}", fizzle_seconds=1
        )
        self.configure(self.space(total_machines=1, sharing="nfs"), machinetype)
        self.daemon.start()
        record = self._mounted()
        self.assertEqual("from the host", (self.daemon.output(record, "mounted") or "").strip())
        self.assertEqual((str(self.data),), record.exports)
        [line] = self._exported()
        self.assertTrue(line.startswith(f"{self.data}  {record.address}("), line)
        self.assertIn("ro", line.partition("(")[2].rstrip(")").split(","))
        self.assertIn("root_squash", line)
        self.daemon.kill()
        end_all()
        self.assertEqual([line], self._exported())
        self.configure(self.space(total_machines=1, sharing="nfs", draining="yes"), machinetype)
        self.daemon.start()
        self.daemon.until("its end is written", lambda: self.daemon.ended("mounts"))
        self.assertEqual([], self._exported())

    def _mounted(self) -> Record:
        def look() -> Record | None:
            for record in self.daemon.living():
                if self.daemon.output(record, "mounted"):
                    return record
            return None

        found = self.daemon.until("a machine has mounted it", look, BOOTS)
        assert isinstance(found, Record)
        return found

    def _own_exports(self) -> None:
        """What exportfs keeps, and nobody outside of these namespaces sees."""
        Path("/var/lib/nfs").mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/nfs"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/var/lib/nfs"], check=False)
        # As it is once the system's NFS server has ever been started.
        Path("/var/lib/nfs/etab").touch()

    def _exported(self) -> list[str]:
        environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        told = subprocess.run(
            ["exportfs", "-s"], capture_output=True, text=True, check=True, env=environment
        )
        return told.stdout.splitlines()


del OnSystem
