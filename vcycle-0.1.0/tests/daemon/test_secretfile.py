"""Tests for vcycle.daemon.secretfile."""

from __future__ import annotations

import grp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import VcycleError
from vcycle.daemon.secretfile import read_secret

SECRET = "0123456789abcdef0123456789abcdef"
NOBODY = 65534


class SecretFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        self.path = str(Path(directory.name) / "secret")
        Path(self.path).write_text(f"{SECRET}\n")

    def refused(self, mode: int) -> str:
        os.chmod(self.path, mode)
        return str(self.assertRaises(VcycleError, read_secret, self.path))

    def test_private(self) -> None:
        """It may be its owner's alone, or its group's too."""
        for mode in (0o600, 0o640, 0o440):
            os.chmod(self.path, mode)
            self.assertEqual(SECRET.encode(), read_secret(self.path))

    def test_exposed(self) -> None:
        """A secret that everybody may read, or others may write, is none."""
        for mode in (0o644, 0o660, 0o602):
            self.assertIn("chmod 0640", self.refused(mode))

    def test_short(self) -> None:
        """One that can be guessed is refused."""
        Path(self.path).write_text("short")
        self.assertIn("16 to", self.refused(0o600))

    def test_not_permitted(self) -> None:
        """Who may not read it is told which group may."""
        group = grp.getgrgid(1)
        for gid, mode, wanted in (
            (1, 0o640, f"join the group {group.gr_name}"),
            (1, 0o600, "let its group read it"),
            (0, 0o640, "let its group read it"),
        ):
            if os.geteuid() == 0:
                os.chown(self.path, 0, gid)
                os.chmod(self.path, mode)
                with nobody():
                    error = self.assertRaises(VcycleError, read_secret, self.path)
            else:
                wanted = "let its group read it"
                os.chmod(self.path, 0)
                error = self.assertRaises(VcycleError, read_secret, self.path)
            self.assertIn(wanted, str(error))


@contextmanager
def nobody() -> Iterator[None]:
    """For a while this process has no rights."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
