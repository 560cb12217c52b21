"""The file of a download that cannot be begun."""

from __future__ import annotations

import os
import resource

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import FetchError
from vcycle.core.images.exchange import Part, Validators
from vcycle.images.parts import PartFile


class PartTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = os.path.abspath(self.mktemp())
        os.mkdir(directory)
        self.part = PartFile(directory, "https://example.org/image", "this boot")

    def begin(self, size: int) -> int:
        return self.part.begin(Part(size=size, length=None, validators=Validators()))

    def open_files(self) -> list[str]:
        return [name for name in os.listdir("/proc/self/fd") if self.leads_here(name)]

    def leads_here(self, name: str) -> bool:
        try:
            return os.readlink(f"/proc/self/fd/{name}").startswith(self.part.path)
        except FileNotFoundError:
            return False  # that of the listing itself

    def test_begun(self) -> None:
        """What can be begun is open."""
        fd = self.begin(0)
        self.assertEqual([str(fd)], self.open_files())
        os.close(fd)

    def test_no_note(self) -> None:
        """A part whose note cannot be written, as there is no file number left, is closed."""
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
        try:
            with self.assertRaisesRegex(FetchError, "Too many open files"):
                self.begin(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.assertTrue(os.path.exists(self.part.path))
        self.assertEqual([], self.open_files())

    def test_no_truncation(self) -> None:
        """A part that cannot be cut to the length it is continued at is closed."""
        os.close(self.begin(0))
        with self.assertRaises(FetchError):
            self.begin(-1)
        self.assertEqual([], self.open_files())
