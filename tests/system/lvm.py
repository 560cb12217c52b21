"""A volume group for a kernel without device-mapper: LVM's commands, on files and loop devices."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

EXTENT = 4 << 20

# libvirt calls LVM's commands by their paths, which are all links to this one program.
PROGRAM = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
place={place} group={group} size={size} extent={extent}
command=${{0##*/}}
echo "$command $*" >> $place/commands
for last; do :; done
taken() {{
    sum=0
    for file in $place/volumes/*; do
        [ -e "$file" ] && sum=$((sum + $(stat -c %s "$file")))
    done
    echo $sum
}}
case $command in
pvs) echo "  $place/disk  $group" ;;
vgchange) [ "$last" = $group ] ;;
vgs) echo "  $size:$((size - $(taken)))" ;;
lvs) for file in $place/volumes/*; do
        [ -e "$file" ] || continue
        bytes=$(stat -c %s "$file")
        name=${{file##*/}} kind="$place/disk(0)#linear#1"
        echo "  $name##uuid-$name#$kind#$bytes#$extent#$bytes#-wi-a-----"
    done ;;
lvcreate) while [ $# -gt 1 ]; do
        case $1 in --name) name=$2 ;; -L) bytes=$((${{2%K}} * 1024)) ;; esac
        shift
    done
    bytes=$(((bytes + extent - 1) / extent * extent))
    [ $((size - $(taken))) -ge $bytes ] || {{ echo "insufficient free space" >&2; exit 5; }}
    truncate -s $bytes "$place/volumes/$name"
    ln -s "$(losetup -f --show "$place/volumes/$name")" "/dev/$group/$name" ;;
lvremove) losetup -d "$(readlink "$last")" && rm "$last" "$place/volumes/${{last##*/}}" ;;
esac
"""


class VolumeGroup:
    """The group ``name`` of ``size`` bytes; ``commands`` are those that were given."""

    def __init__(self, place: Path, name: str, size: int) -> None:
        self.name = name
        self._place = place
        self._devices = Path("/dev") / name
        (place / "volumes").mkdir(parents=True)
        program = place / "lvm"
        text = PROGRAM.format(place=place, group=name, size=size, extent=EXTENT)
        program.write_text(text, "utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        self._real = os.path.realpath("/sbin/lvm")

    def begin(self) -> None:
        """Put it in the place of the system's LVM, for those in these namespaces."""
        if not os.path.exists(self._real):
            raise AssertionError("no lvm here; tests/run installs it")
        self._devices.mkdir()
        subprocess.run(["mount", "--bind", str(self._place / "lvm"), self._real], check=True)

    def end(self) -> None:
        subprocess.run(["umount", self._real], check=False)
        for link in self._devices.glob("*"):
            subprocess.run(["losetup", "-d", os.readlink(link)], check=False)
        shutil.rmtree(self._devices, ignore_errors=True)

    @property
    def commands(self) -> list[str]:
        return (self._place / "commands").read_text("utf-8").splitlines()
