"""Tests for vcycle.core.cures."""

from __future__ import annotations

import errno

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.cures import CURES, cure_of


class CureTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Each cure is for an error that there is."""
        self.assertEqual(set(), set(CURES) - set(errno.errorcode.values()))

    def test_unknown(self) -> None:
        """Whatever the error, there is something to do."""
        self.assertEqual("the disk is full: make room", cure_of("ENOSPC"))
        self.assertEqual("see the kernel's log", cure_of("EWHATEVER"))
        self.assertEqual("see the kernel's log", cure_of(None))
