"""The guest as an image of a whole disk, with a curl as cloud images have one."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from pathlib import Path

from demo.guest import iso as cd
from demo.guest import packages
from demo.guest.archive import Initramfs
from demo.guest.build import Guest
from demo.guest.kernel import image_under

# What the example's user_data wants of curl: GET, and PUT to this machine's own job outputs.
CURL = rb"""#!/bin/sh
file=
while [ $# -gt 1 ]; do
    case $1 in
        --upload-file) file=$2; shift ;;
        --retry | --max-time) shift ;;
        --silent | --show-error | --fail) ;;
        *) echo "curl: $1?" >&2; exit 2 ;;
    esac
    shift
done
[ -n "$file" ] || exec wget -q -O - "$1"
JOBOUTPUTS=${1%/*} exec put "${1##*/}" "$file"
"""
# Makes a CD a disk, too.
HYBRID = "usr/lib/ISOLINUX/isohdpfx.bin"


def disk_image(guest: Guest, kept: Path, target: Path) -> None:
    """
    Write a qcow2 image that BIOS boots; ``kept`` is where the guest was built, with the packages
    that it and its CD were built from.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        root, tree, raw = (Path(name) / part for part in ("root", "tree", "raw"))
        for pattern in ("linux-image-*.deb", "isolinux_*.deb", "syslinux-common_*.deb"):
            packages.here().unpack(max(kept.glob(f"packages/{pattern}")), root)
        (tree / "isolinux").mkdir(parents=True)
        shutil.copy(root / "usr/lib/ISOLINUX/isolinux.bin", tree / "isolinux")
        shutil.copy(root / "usr/lib/syslinux/modules/bios/ldlinux.c32", tree / "isolinux")
        settings = cd.SETTINGS.format(arguments=guest.arguments)
        (tree / "isolinux/isolinux.cfg").write_text(settings, "ascii")
        shutil.copy(image_under(root), tree / "vmlinuz")
        more = Initramfs()
        more.file("bin/curl", CURL, 0o755)
        (tree / "initrd.gz").write_bytes(guest.initrd.read_bytes() + gzip.compress(more.archive()))
        making = ["xorriso", "-as", "mkisofs", "-quiet", "-o", str(raw), *cd.BOOT.split()]
        packages.run([*making, "-boot-info-table", "-isohybrid-mbr", str(root / HYBRID), str(tree)])
        packages.run(["qemu-img", "convert", "-c", "-O", "qcow2", str(raw), str(target)])
