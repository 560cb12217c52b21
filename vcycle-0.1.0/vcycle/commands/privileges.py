"""What the configuration asks for that the daemon's user cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.core.config.model import Configuration

NEEDED = (
    "sharing = nfs runs exportfs, which needs root, but {state_dir} belongs to {user}: add"
    " /etc/systemd/system/vcycled.service.d/nfs.conf with [Service] and User=root (the whole"
    " drop-in is in the guide, Disks and directories) and restart vcycled, or set sharing = auto"
)
UNKNOWN = (
    "sharing = nfs runs exportfs, which needs root: let vcycled run as root, by"
    " /etc/systemd/system/vcycled.service.d/nfs.conf with [Service] and User=root (the whole"
    " drop-in is in the guide, Disks and directories)"
)


def exports_problem(configuration: Configuration) -> tuple[str, bool] | None:
    """
    Why directories cannot be exported, and whether that is certain; None if nothing is known.

    The daemon's user is the owner of its state directory, as systemd has it.
    """
    import os
    import pwd

    exporting = [
        space
        for space in configuration.spaces.values()
        if space.sharing == "nfs" and any(m.shared_dirs for m in space.machinetypes.values())
    ]
    if not exporting:
        return None
    state_dir = configuration.settings.state_dir
    try:
        owner = os.stat(state_dir).st_uid
    except OSError:
        return UNKNOWN, False
    if owner == 0:
        return None
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:
        user = f"uid {owner}"
    return NEEDED.format(state_dir=state_dir, user=user), True
