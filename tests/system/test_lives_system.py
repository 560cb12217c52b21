"""Machines' lives under a real libvirtd, on its filtered network."""

from __future__ import annotations

from tests.system.lives import Lives
from tests.system.systemcase import OnSystem


class SystemTests(OnSystem, Lives):
    """The stories of machines on ``qemu:///system``."""


del Lives, OnSystem
