"""The secret that the factories of a space share, from its file."""

from __future__ import annotations

import errno
import grp
import os
import stat

from vcycle.core.errors import VcycleError

LEAST = 16
MOST = 4096
GROUP = "vcycle"
CREDENTIALS = "/run/credentials/"
_COPY = (
    "ask as root (sudo), or give --secret-file with a copy that root makes for a group that you are"
    f" in: install -m 0640 -g {GROUP} SECRET COPY"
)


def read_secret(path: str) -> bytes:
    """
    The file's content without blanks around it; blocking.

    :raises VcycleError: it cannot be read, others may read it too, or it is too short.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MOST + 1) if stat.S_ISREG(mode) else None
    except OSError as error:
        text = f"vacquery_secret_file {path}: {error.strerror}{_cure(path, error)}"
        raise VcycleError(text) from None
    if content is None:
        raise VcycleError(f"vacquery_secret_file {path}: not a regular file")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise VcycleError(f"vacquery_secret_file {path}: others can read it: chmod 0640 {path}")
    secret = content.strip()
    if not LEAST <= len(secret) <= MOST:
        raise VcycleError(
            f"vacquery_secret_file {path}: {len(secret)} characters; {LEAST} to {MOST} are needed,"
            f" such as openssl rand -hex 32 gives"
        )
    return secret


def _cure(path: str, error: OSError) -> str:
    """For those who may not read it: what they, or the administrator, can do, in one line."""
    if path.startswith(CREDENTIALS) and error.errno in (errno.EACCES, errno.ENOENT):
        return f"; it is a credential, which vcycled alone has while it runs: {_COPY}"
    if error.errno != errno.EACCES:
        return ""
    try:
        found = os.stat(path)
    except OSError:
        return f"; its directory lets no others in: {_COPY}"
    try:
        group = grp.getgrgid(found.st_gid).gr_name if found.st_gid else None
    except KeyError:
        group = None
    if group is not None and found.st_mode & stat.S_IRGRP:
        joining = f"usermod -aG {group} USER"
        return f"; join the group {group}, which may read it ({joining}), or ask as root (sudo)"
    change = f"chmod 0640 {path}"
    if group is None:
        group, change = GROUP, f"chgrp {GROUP} {path}; {change}"
    return (
        f"; ask as root (sudo), or let root do: {change}; and join the group {group}:"
        f" usermod -aG {group} USER"
    )
