"""Trying what the daemon will do, as the user that it runs as, in processes that can be ended."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Mapping

from attrs import frozen

from vcycle.commands.access import directory_problem, kvm_problem

SECONDS = 15.0
UNIT = "vcycled.service"
USER = "vcycle"
GROUPS = ("kvm",)
_SHOW = ("systemctl", "show", UNIT, "--property=LoadState,User,SupplementaryGroups")


@frozen(kw_only=True)
class Account:
    """A user, with all the groups that its processes have."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def account(name: str, others: Iterable[str] = ()) -> Account | None:
    """A user of this host with its groups and ``others``; None if there is none of that name."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = set(os.getgrouplist(name, entry.pw_gid))
    for other in others:
        try:
            groups.add(grp.getgrnam(other).gr_gid)
        except KeyError:
            continue
    return Account(
        name=name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=tuple(sorted(groups)),
        home=entry.pw_dir,
    )


def daemon_account(unit: Mapping[str, str] | None = None) -> Account | None:
    """The daemon's user, as ``unit`` has it; None if it is root, or if root is not who asks."""
    if os.geteuid() != 0:
        return None
    unit = _unit() if unit is None else unit
    if unit.get("LoadState") == "loaded":
        name, others = unit.get("User", ""), unit.get("SupplementaryGroups", "").split()
    else:
        name, others = USER, list(GROUPS)
    found = account(name, others) if name else None
    return None if found is None or found.uid == 0 else found


def _unit() -> dict[str, str]:
    """What systemd knows of the daemon's unit; {} where it knows nothing."""
    try:
        done = subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
            _SHOW, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def reach(uri: str, user: Account | None = None) -> tuple[str, str | None]:
    """What libvirt says of itself, and why it says nothing; an attempt may hang, and is ended."""
    answer, problem = _asked(user, "vcycle.providers.libvirt.reach", uri)
    if problem is not None and user is not None:
        problem = f"{problem} (asked as the user {user.name})"
    return answer, problem


def access(device: str, directory: str, user: Account | None = None) -> list[str | None]:
    """
    Why the KVM device and the state directory cannot be used; None for each that can.

    Only of the daemon's user, or of root, is it expected to write the directory.
    """
    if user is None:
        own = account(USER)
        judged = os.geteuid() in (0, own.uid if own else 0)
        return [kvm_problem(device), directory_problem(directory) if judged else None]
    said, problem = _asked(user, "vcycle.commands.access", device, directory)
    if problem is not None:
        return [problem, problem]
    return [f"{one}, for the user {user.name}" if one else None for one in json.loads(said)]


def _asked(user: Account | None, module: str, *words: str) -> tuple[str, str | None]:
    """What a module prints that is run as a user, and why it did not run well."""
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path if place)
    command = [module, *words]
    environment = {**os.environ, "PYTHONPATH": path}
    if user is not None:
        groups = ",".join(map(str, user.groups))
        command = ["vcycle.commands.lowered", str(user.uid), str(user.gid), groups, *command]
        # What is root's own would send libvirt to root's files.
        kept = {n: v for n, v in environment.items() if not n.startswith("XDG_")}
        environment = {**kept, "HOME": user.home, "USER": user.name, "LOGNAME": user.name}
    try:
        done = subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
            [sys.executable, "-m", *command],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {SECONDS:.0f} s"
    except OSError as error:
        return "", f"it cannot be asked: {error.strerror}"
    said = " ".join((done.stdout or done.stderr).split())
    return (said, None) if done.returncode == 0 else ("", said[-500:] or "it cannot be asked")
