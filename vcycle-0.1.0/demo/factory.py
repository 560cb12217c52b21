"""The demonstration's configuration: three kinds of machines, and where they run."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from demo.guest.build import Guest

SPACE = "demo.vcycle.test"

# What machines of each kind do, and what the factory is expected to make of it.
WORKER = """\
#!/bin/sh
heartbeat 10
echo 'work begins'
# About a minute, not the same for all.
step=$((8 + RANDOM % 5))
for part in 1 2 3 4 5; do
    sleep $step
    echo "part $part of 5 is done"
done
shutdown_message 200 Success
"""
IDLER = """\
#!/bin/sh
heartbeat
echo 'asked the queue for work'
shutdown_message 300 No more work
"""
FIZZLER = """\
#!/bin/sh
echo 'this image is broken'
exit 1
"""
STORY = """\
  worker   works for about a minute and says 200 Success: another takes its place at once
  idler    finds no work and says 300: backed off for a while, then one scout asks again
  fizzler  dies without a word: a fizzle, which is backed off as well
"""

SETTINGS = """\
# Written by the demonstration.
[settings]
state_dir = {place}/state

[space {space}]
factory_name = {factory}
libvirt_uri = {uri}
guest_http_port = {port}
cycle_seconds = 5
creations_per_cycle = 2
total_processors = 4
mb_per_processor = 128
overload_per_processor = 100
"""
ISOLATED = """\
# Guests of a demonstration reach nothing but the daemon: their network leads nowhere.
forward_dev = lo
"""
MACHINETYPE = """
[machinetype {space} {name}]
target_share = {share}
machine_model = vm-direct
kernel = {guest.kernel}
initrd = {guest.initrd}
kernel_arguments = {guest.arguments} vc.md=##metadata_url##
user_data = {place}/{name}.sh
max_wallclock_seconds = 600
heartbeat_file = heartbeat
heartbeat_seconds = 60
fizzle_seconds = 20
backoff_seconds = 20
"""
KINDS = (("worker", 4, WORKER), ("idler", 1, IDLER), ("fizzler", 1, FIZZLER))


@frozen(kw_only=True)
class Stage:
    """Where one demonstration runs; ``place`` is a directory of its own with a short path."""

    place: Path
    uri: str
    factory: str
    system: bool

    @property
    def configuration(self) -> Path:
        """The file for ``vcycled --config``."""
        return self.place / "vcycle.conf"


def stage_at(place: Path, system: bool) -> Stage:
    """
    The stage in a directory. The factory is named after it: no two demonstrations on one
    libvirt have machines of the same name.
    """
    uri = "qemu:///system" if system else f"qemu:///embed?root={place}/q"
    factory = f"{place.name.lower()}.{SPACE}"
    return Stage(place=place, uri=uri, factory=factory, system=system)


def remember_qemu(stage: Stage, cache: Path) -> None:
    """
    Have the embedded driver keep in ``cache`` what it found out of QEMU, which takes it a
    second or two each time otherwise.
    """
    root = stage.place / "q"
    root.mkdir()
    cache.mkdir(parents=True, exist_ok=True)
    (root / "cache").symlink_to(cache)


def write(stage: Stage, guest: Guest) -> None:
    """Write configuration and user_data."""
    text = SETTINGS.format(
        place=stage.place,
        space=SPACE,
        factory=stage.factory,
        uri=stage.uri,
        port=80,
    )
    if stage.system:
        text += ISOLATED
    for name, share, user_data in KINDS:
        (stage.place / f"{name}.sh").write_text(user_data, "utf-8")
        text += MACHINETYPE.format(
            space=SPACE, name=name, share=share, guest=guest, place=stage.place
        )
    stage.configuration.write_text(text, "utf-8")
