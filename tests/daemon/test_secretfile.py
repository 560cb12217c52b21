"""Tests for vcycle.daemon.secretfile."""

from __future__ import annotations

import grp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from vcycle.core.errors import VcycleError
from vcycle.daemon.secretfile import read_secret

SECRET = "0123456789abcdef0123456789abcdef"
NOBODY = 65534
NO_GROUP = 59999


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
        """Who may not read it is told which group may, or what root has to do that one may."""
        if os.geteuid() != 0:
            raise SkipTest("root alone can give a file to another group")
        group = grp.getgrgid(1).gr_name
        chmod = f"chmod 0640 {self.path}"
        for gid, mode, wanted in (
            (
                1,
                0o640,
                f"; join the group {group}, which may read it (usermod -aG {group} USER), or ask as"
                " root (sudo)",
            ),
            (1, 0o600, f"let root do: {chmod}; and join the group {group}: usermod -aG {group}"),
            *(
                (
                    gid,
                    mode,
                    f"let root do: chgrp vcycle {self.path}; {chmod}; and join the group vcycle:"
                    " usermod -aG vcycle USER",
                )
                for gid, mode in ((0, 0o640), (0, 0o600), (NO_GROUP, 0o640))
            ),
        ):
            os.chown(self.path, 0, gid)
            os.chmod(self.path, mode)
            with nobody():
                error = self.assertRaises(VcycleError, read_secret, self.path)
            self.assertIn(wanted, str(error))
            self.assertNotIn("\n", str(error))

    def test_directory(self) -> None:
        """Where the directory is closed no mode of the file helps, but a copy does."""
        if os.geteuid() != 0:
            raise SkipTest("root alone can become somebody else")
        os.chmod(os.path.dirname(self.path), 0o700)
        with nobody():
            error = self.assertRaises(VcycleError, read_secret, self.path)
        self.assertIn("its directory lets no others in: ask as root (sudo), or", str(error))
        self.assertIn("--secret-file with a copy", str(error))

    def test_credential(self) -> None:
        """A credential of the daemon's can be given to nobody; a copy can."""
        path = "/run/credentials/vcycled.service/no-such"
        error = self.assertRaises(VcycleError, read_secret, path)
        self.assertIn("which vcycled alone has while it runs: ask as root (sudo)", str(error))
        self.assertIn("install -m 0640 -g vcycle", str(error))


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
