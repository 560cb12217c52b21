"""Tests with machines under a real libvirtd."""

from __future__ import annotations

import atexit
from functools import cache
from typing import ClassVar

import libvirt

from tests.system.case import SystemCase
from tests.system.domains import end_all
from tests.system.libvirtd import Libvirtd
from tests.system.waiting import until


@cache
def _the_libvirtd() -> Libvirtd:
    """One for a process: what it set up in the kernel, such as networks, is known to it alone."""
    libvirtd = Libvirtd()
    atexit.register(libvirtd.end)
    libvirtd.prepare()
    libvirtd.start()
    return libvirtd


class OnSystem(SystemCase):
    """Machines on ``qemu:///system``, on the network 169.254.0.0/16."""

    uri = "qemu:///system"
    port = 80
    # All QEMUs in these namespaces are the test's.
    within = ""
    libvirtd: ClassVar[Libvirtd]

    @classmethod
    def setUpClass(cls) -> None:
        # libvirt reports errors by exceptions; it need not print them too.
        libvirt.registerErrorHandler(lambda _, __: None, None)
        cls.libvirtd = _the_libvirtd()

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self._nothing_left)

    def _nothing_left(self) -> None:
        """The next test begins with a libvirtd that runs, and has no domains."""
        self.daemon.kill()
        if self.restart_needed:
            self.libvirtd.kill()
        end_all()
        if self.restart_needed:
            self.libvirtd.start()
        with_libvirt = self.libvirtd.connect()

        def none() -> bool:
            for domain in with_libvirt.listAllDomains():
                try:
                    if domain.isPersistent():
                        domain.undefine()
                    if domain.isActive():
                        domain.destroy()
                except libvirt.libvirtError:
                    continue
            return not with_libvirt.listAllDomains()

        try:
            until("libvirtd has no domains", none, 30.0)
        finally:
            with_libvirt.close()

    restart_needed = False
