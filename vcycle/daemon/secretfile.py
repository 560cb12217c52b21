"""The secret that the factories of a space share, from its file."""

from __future__ import annotations

import os
import stat

from vcycle.core.errors import VcycleError

LEAST = 16
MOST = 4096


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
        raise VcycleError(f"vacquery_secret_file {path}: {error.strerror}") from None
    if content is None:
        raise VcycleError(f"vacquery_secret_file {path}: not a regular file")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise VcycleError(f"vacquery_secret_file {path}: others can read it: chmod 0600 {path}")
    secret = content.strip()
    if not LEAST <= len(secret) <= MOST:
        raise VcycleError(
            f"vacquery_secret_file {path}: {len(secret)} characters; {LEAST} to {MOST} are needed,"
            f" such as openssl rand -hex 32 gives"
        )
    return secret
