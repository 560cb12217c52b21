"""Where the cache of images is, and who may sign what is in it: for the daemon and for commands."""

from __future__ import annotations

import os

from vcycle.images.authorities import default_directory, read_authorities
from vcycle.images.signature import verify_image


def directory_in(state_dir: str) -> str:
    """The cache's directory."""
    return os.path.join(state_dir, "imagecache")


def verified(path: str, expression: str, ca_directory: str | None, now: float) -> str:
    """
    Who signed the image at a path, who has to match an expression. It blocks.

    :raises VcycleError: nobody who does, or who can be trusted at ``now`` (Unix seconds).
    """
    authorities = read_authorities(default_directory(ca_directory))
    return verify_image(path, authorities=authorities, expression=expression, now=now).dn
