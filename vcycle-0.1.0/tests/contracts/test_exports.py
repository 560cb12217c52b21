"""All that exports directories keeps the same promises."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.exports import ExportsContract
from tests.inplace import in_place
from vcycle.exports.kernel import KernelExports
from vcycle.testing.exports import MemoryExports

# As exportfs behaves as far as we use it: its table is a file, its commands are noted.
EXPORTFS = """\
#!/bin/sh
echo "$*" >> {place}/commands
touch {place}/table
case "$1" in
-s) cat {place}/table ;;
-u) path=${{2#*:}} address=${{2%%:*}}
    grep -qF "$path  $address(" {place}/table || {{ echo "exportfs: no $2" >&2; exit 1; }}
    grep -vF "$path  $address(" {place}/table > {place}/new; mv {place}/new {place}/table ;;
-o) path=${{3#*:}} address=${{3%%:*}}
    grep -vF "$path  $address(" {place}/table > {place}/new
    echo "$path  $address($2,wdelay,hide)" >> {place}/new; mv {place}/new {place}/table
    [ -d "$path" ] || {{ echo "exportfs: Failed to stat $path" >&2; exit 1; }} ;;
esac
"""


def recording(place: Path) -> str:
    """An ``exportfs`` that keeps its table and notes its commands in a directory."""
    place.mkdir(parents=True, exist_ok=True)
    program = place / "exportfs"
    program.write_text(EXPORTFS.format(place=place), "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


class MemoryExportsTests(ExportsContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.path = "/srv/data"
        self.memory = self.exports = MemoryExports()

    def writable(self, address: str) -> bool | None:
        return self.memory.table.get((self.path, address))


class RecordedExportsTests(ExportsContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(os.path.abspath(self.mktemp()))
        self.path = str(self.place / "shared")
        program = recording(self.place)
        os.mkdir(self.path)
        self.exports = KernelExports(in_place, exportfs=program, user=lambda: 0)

    def writable(self, address: str) -> bool | None:
        for line in (self.place / "table").read_text("utf-8").splitlines():
            if line.startswith(f"{self.path}  {address}("):
                return line.partition("(")[2].startswith("rw,")
        return None

    def test_commands(self) -> None:
        """One address, its access, and root that is nobody: no wildcard, no shell."""
        self.done(self.exports.export(self.path, "169.254.169.1", True))
        self.done(self.exports.withdraw(self.path, "169.254.169.1"))
        client = f"169.254.169.1:{self.path}"
        self.assertEqual(
            [f"-o rw,sync,no_subtree_check,root_squash {client}", f"-u {client}"],
            (self.place / "commands").read_text("utf-8").splitlines(),
        )
