"""Machines' lives on libvirt's embedded driver, with user networking."""

from __future__ import annotations

from tests.system.lives import Lives


class EmbeddedTests(Lives):
    """The stories of machines on ``qemu:///embed``."""


del Lives
