"""Which configurations need the fence, and how the daemon comes to be behind it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from vcycle.core.config.model import Configuration
from vcycle.core.errors import VcycleError
from vcycle.daemon import events, fence
from vcycle.daemon.wayout import WayOut, way_out
from vcycle.providers.libvirt.capability import has_networks, is_local, is_test
from vcycle.providers.libvirt.survivors import survivors

SESSION_PATH = "/session"


def fence_in(configuration: Configuration) -> WayOut | None:
    """
    Go behind the fence if guests of any space will have user networking; before any thread.

    What goes in keeps a way out for itself, through a process that stays outside; None where
    this process is, and was, as fenced in as it is.

    :raises VcycleError: it cannot be had; the text says why, and the cure.
    """
    uris = {space.libvirt_uri for space in configuration.spaces.values()}
    unfenced = sorted(uri for uri in uris if _user_networking(uri))
    if not unfenced:
        return None
    runtime = _own_session(configuration) if any(map(_is_session, unfenced)) else None
    earlier = [pid for uri in unfenced for pid in survivors(uri, runtime)]
    way = None if fence.is_fenced() else way_out()
    try:
        moved = fence.enter(f"{unfenced[0]} gives its guests user networking", earlier)
    except BaseException:
        if way is not None:
            way.close()
        raise
    how = "in a network namespace of their own, without a way out"
    events.fenced(how if moved else "this process has no way out of its network namespace")
    return way


def refuse_outside(uri: str) -> None:
    """
    Guests of a configuration that came later may not be where there is a way out.

    :raises FenceRefused: they would be.
    """
    if _user_networking(uri) and not fence.is_fenced():
        raise fence.FenceRefused(
            f"{uri} gives its guests user networking, and the fence around them can be entered"
            " only at the start: start the daemon anew"
        )


def _user_networking(uri: str) -> bool:
    return not has_networks(uri) and not is_test(uri) and is_local(uri)


def _is_session(uri: str) -> bool:
    return urlsplit(uri).path == SESSION_PATH


def _own_session(configuration: Configuration) -> str:
    """
    A session of libvirt's that starts behind our fence, not one that runs outside already.

    :raises VcycleError: this user has no sessions.
    """
    if os.geteuid() == 0:
        raise VcycleError(
            "qemu:///session of root is the system's libvirt daemon, whose guests would not be"
            " fenced; use qemu:///system, or run the daemon as another user"
        )
    directory = os.path.join(configuration.settings.state_dir, "session")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as error:
        raise VcycleError(f"{directory}: {error.strerror}") from error
    os.environ["XDG_RUNTIME_DIR"] = directory
    return directory
