"""Tests for vcycle.images.local."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, ImageMissing
from vcycle.images.local import LocalImages
from vcycle.interfaces import Wanted


class LocalImagesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.makedirs(f"{self.directory}/files")
        self.images = LocalImages(in_place)

    def plant(self, path: str) -> str:
        with open(f"{self.directory}/{path}", "w") as file:
            file.write("content")
        return f"{self.directory}/{path}"

    async def path(self, reference: str, directory: str) -> str:
        wanted = Wanted(reference=reference, directory=directory)
        return (await self.images.image(wanted)).path

    def refused(self, reference: str) -> str:
        text = str(
            self.failureResultOf(self.images.text(reference, self.directory), ImageMissing).value
        )
        image = self.path(reference, self.directory)
        self.assertEqual(text, str(self.failureResultOf(image, ImageMissing).value))
        return text

    def test_links(self) -> None:
        """A link may choose among a machinetype's own files, and leads nowhere else."""
        v1 = self.plant("files/v1.img")
        os.symlink("v1.img", f"{self.directory}/files/now.img")
        self.assertEqual(v1, self.successResultOf(self.path("now.img", self.directory)))
        self.plant("secret")
        os.symlink("../secret", f"{self.directory}/files/out.img")
        os.symlink("/etc", f"{self.directory}/files/etc")
        for reference in ("out.img", "etc/hostname"):
            self.assertIn("leads out of", self.refused(reference))

    def own(self, reference: str) -> bytes:
        answer = self.images.text(reference, self.directory, own=True)
        found: bytes = self.successResultOf(answer).body
        return found

    def own_refused(self, reference: str) -> str:
        answer = self.images.text(reference, self.directory, own=True)
        return str(self.failureResultOf(answer, ImageMissing).value)

    def test_own_links(self) -> None:
        """What is beside ``files`` may be a link to what else is there, and leads nowhere else."""
        self.plant("cert-of-2026.pem")
        self.plant("../outside.pem")
        for name, target in (
            *(("hostcert.pem", "cert-of-2026.pem"), ("up.pem", "../outside.pem")),
            *(("passwd", "/etc/passwd"), ("self", "."), ("files/below.pem", "../hostcert.pem")),
        ):
            os.symlink(target, f"{self.directory}/{name}")
        self.assertEqual(b"content", self.own("hostcert.pem"))
        for name in ("up.pem", "passwd", "self", "below.pem"):
            self.assertIn("leads out of", self.own_refused(name))
        self.assertIn("not a regular file", self.own_refused("files"))
        self.assertIn(
            f"{self.directory}/files/gone.pem: No such file", self.own_refused("gone.pem")
        )

    def test_own_keys(self) -> None:
        """A private key is put into user_data where others cannot read it, and else is not."""
        path = self.plant("hostkey.pem")
        with open(path, "w") as file:
            file.write("-----BEGIN PRIVATE KEY-----\n")
        for mode in (0o600, 0o640, 0o440):
            os.chmod(path, mode)
            self.assertIn(b"PRIVATE KEY", self.own("hostkey.pem"))
        for mode in (0o644, 0o604, 0o602):
            os.chmod(path, mode)
            self.assertIn(f"{path}: everybody may read or change", self.own_refused("hostkey.pem"))

    def test_what_is_no_file(self) -> None:
        """Directories, pipes and devices are refused at once, never waited for."""
        os.mkfifo(f"{self.directory}/files/pipe")
        os.mkdir(f"{self.directory}/files/dir")
        for reference in ("pipe", "dir", "/dev/zero", "/etc"):
            self.assertIn("not a regular file", self.refused(reference))

    def test_cures(self) -> None:
        """Each row: what cannot be found, and what the administrator is told."""
        open(f"{self.directory}/files/empty", "w").close()
        for reference, words in [
            ("https://example.com/x", "only files are looked for"),
            ("ftp://example.com/x", "only files are looked for"),
            ("gone", f"{self.directory}/files/gone: No such file or directory; put the file there"),
            ("empty", "empty"),
            ("a\0b", "no path"),
            ("/a\0b", "no path"),
            ("", "no path"),
            ("x" * 5000, "too long"),
            ("empty/x", "Not a directory"),
        ]:
            self.assertIn(words, self.refused(reference))

    def test_loops(self) -> None:
        """Links in a circle end."""
        os.symlink("b", f"{self.directory}/files/a")
        os.symlink("a", f"{self.directory}/files/b")
        self.refused("a")

    def test_hanging_disk(self) -> None:
        """A thread that hangs is an image that is missing for now."""

        async def hangs(work: object, deadline: float | None = None) -> None:
            raise CallTimedOut("no answer within 9 s")

        self.images = LocalImages(hangs)  # type: ignore[arg-type]
        self.assertIn("within 9 s", self.refused("x"))
