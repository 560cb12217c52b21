"""Tests for vcycle.store.atomic."""

from __future__ import annotations

import errno
import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import StoreError
from vcycle.store.atomic import (
    DIRECTORY,
    OPEN_FILES,
    PUBLIC,
    Batch,
    make_directory,
    told,
    write_file,
)


class AtomicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def content(self, name: str) -> str:
        with open(self.path(name)) as file:
            return file.read()

    def test_together(self) -> None:
        """Nothing is in place before the commit, and then everything is."""
        names = [f"f{number}" for number in range(2 * OPEN_FILES + 1)]
        with Batch() as batch:
            for name in names:
                batch.add(self.path(name), name.encode())
            self.assertEqual([], [name for name in names if os.path.exists(self.path(name))])
            batch.commit()
        self.assertEqual(sorted(names), sorted(os.listdir(self.root)))
        self.assertEqual(names, [self.content(name) for name in names])

    def test_open_files(self) -> None:
        """However many files a batch has, few of them are open at a time."""
        with Batch() as batch:
            for number in range(3 * OPEN_FILES):
                batch.add(self.path(f"f{number}"), b"")
                mine = [
                    fd
                    for fd in os.listdir("/proc/self/fd")
                    if os.path.islink(f"/proc/self/fd/{fd}")
                    and os.readlink(f"/proc/self/fd/{fd}").startswith(self.root)
                ]
                self.assertLessEqual(len(mine), OPEN_FILES)

    def test_abandoned(self) -> None:
        """Without a commit nothing is left, and what was there stays."""
        write_file(self.path("a"), b"old")
        with Batch() as batch:
            batch.add(self.path("a"), b"new")
            batch.add(self.path("b"), b"new")
        self.assertEqual(["a"], os.listdir(self.root))
        self.assertEqual("old", self.content("a"))

    def test_any_failure(self) -> None:
        """Whichever step fails, each file is the old or the new one, and no leftovers stay."""
        for failing in range(1, 20):
            write_file(self.path("a"), b"old")
            count = 0

            def step(what: str, path: str, failing: int = failing) -> None:
                nonlocal count
                count += 1
                if count == failing:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))

            try:
                with Batch(step=step) as batch:
                    batch.add(self.path("a"), b"new")
                    batch.add(self.path("b"), b"new")
                    batch.commit()
            except OSError:
                self.assertIn(self.content("a"), ("old", "new"))
                self.assertLessEqual(set(os.listdir(self.root)), {"a", "b"})
            else:
                self.assertGreater(failing, 6)
                return
        self.fail("it never came to an end")

    def test_modes(self) -> None:
        """Files and directories have the wanted modes, whatever the umask."""
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        write_file(self.path("secret"), b"")
        write_file(self.path("public"), b"", PUBLIC)
        self.assertTrue(make_directory(self.path("x/y")))
        self.assertFalse(make_directory(self.path("x/y")))
        modes = {
            name: stat.S_IMODE(os.stat(self.path(name)).st_mode)
            for name in ("secret", "public", "x", "x/y")
        }
        self.assertEqual(
            {"secret": 0o600, "public": 0o644, "x": DIRECTORY, "x/y": DIRECTORY}, modes
        )

    def test_links(self) -> None:
        """A symbolic link is replaced, never followed."""
        write_file(self.path("target"), b"untouched")
        os.symlink(self.path("target"), self.path("link"))
        write_file(self.path("link"), b"new")
        self.assertEqual(("untouched", "new"), (self.content("target"), self.content("link")))
        self.assertFalse(os.path.islink(self.path("link")))

    def test_long_names(self) -> None:
        """A name as long as the filesystem takes is no reason to fail."""
        write_file(self.path("x" * 255), b"")
        self.assertEqual(["x" * 255], os.listdir(self.root))

    def test_cures(self) -> None:
        """Each row: an error of the disk, and what the administrator is told."""
        for number, words in [
            (errno.ENOSPC, "the disk is full: make room"),
            (errno.EROFS, "read-only"),
            (errno.EIO, "the disk does not work"),
            (errno.EACCES, "let the daemon's user write there"),
            (errno.ENOTEMPTY, "see the kernel's log"),
        ]:
            text = self.told_of(OSError(number, os.strerror(number)))
            self.assertIn("/state/x: " + os.strerror(number), text)
            self.assertIn(words, text)

    def told_of(self, error: OSError) -> str:
        try:
            with told("/state/x"):
                raise error
        except StoreError as caught:
            return str(caught)
