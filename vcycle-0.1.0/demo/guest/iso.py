"""A CD that starts the guest by BIOS, as experiments' own boot CDs do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from demo.guest.errors import GuestError
from demo.guest.packages import run

SETTINGS = """\
SERIAL 0 115200
DEFAULT guest
TIMEOUT 1
PROMPT 0
LABEL guest
 KERNEL /vmlinuz
 INITRD /initrd.gz
 APPEND {arguments}
"""
BOOT = "-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4"


def write_iso(target: Path, root: Path, kernel: Path, initrd: Path, arguments: str) -> None:
    """
    Write a bootable CD of a packed kernel; ``root`` holds the unpacked isolinux.

    :raises GuestError: xorriso is not there, or failed.
    """
    if shutil.which("xorriso") is None:
        raise GuestError("xorriso is needed for --iso: apt-get install xorriso")
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        (tree / "isolinux").mkdir()
        shutil.copy(root / "usr/lib/ISOLINUX/isolinux.bin", tree / "isolinux")
        shutil.copy(root / "usr/lib/syslinux/modules/bios/ldlinux.c32", tree / "isolinux")
        (tree / "isolinux/isolinux.cfg").write_text(SETTINGS.format(arguments=arguments))
        shutil.copy(kernel, tree / "vmlinuz")
        shutil.copy(initrd, tree / "initrd.gz")
        command = ["xorriso", "-as", "mkisofs", "-quiet", "-V", "VCYCLE", "-o", str(target)]
        run([*command, *BOOT.split(), "-boot-info-table", str(tree)])
