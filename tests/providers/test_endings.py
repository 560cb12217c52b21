"""Tests for vcycle.providers.libvirt.endings."""

from __future__ import annotations

import libvirt
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.machine import Ending
from vcycle.providers.libvirt.endings import Endings

STOPPED = libvirt.VIR_DOMAIN_EVENT_STOPPED


class EndingsTests(SynchronousTestCase):
    def test_how(self) -> None:
        """An end is known with its time and how it came; other events are none."""
        endings = Endings()
        endings.note("a", STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, 1.0)
        endings.note("b", STOPPED, 999, 2.0)
        endings.note("c", libvirt.VIR_DOMAIN_EVENT_STARTED, 0, 3.0)
        wanted = {"a": Ending(at=1.0, how="shutdown"), "b": Ending(at=2.0, how="ended")}
        self.assertEqual(wanted, endings.known())

    def test_bounded(self) -> None:
        """The oldest are forgotten; an end that is told again is young again."""
        endings = Endings(most=2)
        for now, uuid in enumerate("abac"):
            endings.note(uuid, STOPPED, 0, float(now))
        self.assertEqual({"a": 2.0, "c": 3.0}, {u: e.at for u, e in endings.known().items()})
