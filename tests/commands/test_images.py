"""Tests for vcycle.commands.images; what runs a reactor is a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.commands.running import environment, run
from tests.core.values import record
from tests.images.https import Authority, Served, Server
from vcycle.core.images.exchange import Validators
from vcycle.core.images.index import Entry, Index, Version
from vcycle.core.recordtext import encode
from vcycle.images.proofs import identity_of
from vcycle.images.shelf import Shelf, file_name

URL = "https://images.example.com/exvo/boot.iso"
GOOD, FORMER = b"good" * 1000, b"former" * 1000
DAY = 86400
TEXT = """\
[settings]
vcycle_space = s.test
factory_name = f1.test
libvirt_uri = test:///default
state_dir = {state_dir}
ca_directory = {directory}/certificates
image_versions = 1
[machinetype exvo]
target_share = 1
root_image = {url}
{more}
[machinetype local]
target_share = 1
root_image = local.iso
"""


class ImagesCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.state_dir = self.directory / "state"
        self.state_dir.mkdir(parents=True)
        self.shelf = Shelf(str(self.state_dir / "imagecache"))
        self.write(URL)

    def write(self, url: str, more: str = "") -> None:
        """The configuration."""
        self.file = str(self.directory / "vcycle.conf")
        text = TEXT.format(state_dir=self.state_dir, directory=self.directory, url=url, more=more)
        Path(self.file).write_text(text, "utf-8")

    def put(self, body: bytes, days: int = 0) -> Version:
        """Have a version of the image, fetched and last used so many days ago."""
        at = time.time() - days * DAY
        sha256 = hashlib.sha256(body).hexdigest()
        version = Version(
            file=file_name(URL, sha256),
            sha256=sha256,
            size=len(body),
            validators=Validators(etag='"1"'),
            fetched_at=at,
            used_at=at,
            signed_by="/CN=signer",
        )
        part = self.directory / "part"
        part.write_bytes(body)
        self.shelf.put(URL, str(part), identity_of(part.stat()), version, 1.0)
        return version

    def live_on(self, version: Version, number: int = 0) -> str:
        """Have a machine that lives on it; its name."""
        machine = record(number, image=self.shelf.path(version.file))
        place = self.state_dir / "spaces" / "s.test" / "machines" / machine.directory
        place.mkdir(parents=True)
        (place / "record.json").write_text(encode(machine), "ascii")
        return machine.name

    def command(self, *words: str) -> tuple[int, str, str]:
        return run("images", *words, "--config", self.file)


class ListTests(ImagesCase):
    def test_nothing(self) -> None:
        """An empty cache is told."""
        self.assertEqual((0, "No images.\n", ""), self.command())

    def test_table(self) -> None:
        """Each version, the newest first, with who lives on it."""
        former = self.put(FORMER, 3)
        self.live_on(former)
        self.put(GOOD)
        status, out, _ = self.command()
        self.assertEqual(0, status)
        self.assertEqual(
            [
                ["URL", "SHA256", "SIZE", "SIGNED", "BY", "FETCHED", "MACHINES", "STATE"],
                [URL, hashlib.sha256(GOOD).hexdigest()[:12], "4.00", "KB", "/CN=signer"]
                + ["0s", "0", "good"],
                [URL, former.sha256[:12], "6.00", "KB", "/CN=signer", "3d00h", "1", "former"],
            ],
            [line.split() for line in out.splitlines()],
        )

    def test_wide(self) -> None:
        """A wide table names the first two of the machines that live on a version."""
        version, former = self.put(GOOD), self.put(FORMER)
        one, two, *_ = [self.live_on(version, number) for number in range(4)]
        other = self.live_on(former, 4)
        status, out, _ = self.command("-o", "wide")
        self.assertEqual(0, status)
        header, first, second = out.splitlines()
        self.assertIn("USED BY", header)
        self.assertIn(f"  {other}  ", first)
        self.assertIn(f"  {one} {two} +2  ", second)
        self.assertIn(self.shelf.path(version.file), second)

    def test_json(self) -> None:
        """The same for programs, with paths and names of machines."""
        version = self.put(GOOD)
        self.live_on(version)
        status, out, _ = self.command("list", "--json")
        document = json.loads(out)
        self.assertEqual((0, 1), (status, document["version"]))
        [image] = document["images"]
        [told] = image["versions"]
        self.assertEqual((URL, "good", None), (image["url"], image["state"], image["problem"]))
        self.assertEqual(self.shelf.path(version.file), told["path"])
        self.assertEqual([record().name], told["used_by"])

    def test_names(self) -> None:
        """Paths alone, for scripts."""
        version = self.put(GOOD)
        status, out, _ = self.command("-o", "name")
        self.assertEqual((0, f"{self.shelf.path(version.file)}\n"), (status, out))

    def test_problem(self) -> None:
        """What could not be fetched is told, and is a failure."""
        entry = Entry(failures=1, tried_at=1.0, problem="the server answers 404")
        self.shelf.change(lambda index: index.put(URL, entry))
        status, out, err = self.command()
        self.assertEqual(1, status)
        self.assertIn("missing", out)
        self.assertEqual(f"vcycle images: {URL}: the server answers 404\n", err)

    def test_damaged(self) -> None:
        """An index that makes no sense is told, and left alone."""
        self.put(GOOD)
        path = Path(self.shelf.directory, "index.json")
        path.write_text("{")
        status, _, err = self.command()
        self.assertEqual(1, status)
        self.assertIn("index.json", err)
        self.assertEqual("{", path.read_text())

    def test_configuration(self) -> None:
        """Without a configuration nobody knows where the cache is."""
        Path(self.file).write_text("[nonsense")
        self.assertEqual(2, self.command()[0])


class CareTests(ImagesCase):
    def test_verify(self) -> None:
        """Good images are good."""
        version = self.put(GOOD)
        path = self.shelf.path(version.file)
        self.assertEqual((0, f"{path}: good\n", ""), self.command("verify"))
        self.assertEqual(0, self.command("verify", "exvo")[0])

    def test_changed(self) -> None:
        """An image that was changed is told, and used no more."""
        path = self.shelf.path(self.put(GOOD).file)
        os.chmod(path, 0o644)
        Path(path).write_bytes(GOOD[:-1] + b"x")
        status, out, _ = self.command("verify")
        self.assertEqual(1, status)
        self.assertIn("its SHA-256 is", out)
        self.assertEqual(Index(), self.shelf.read())
        self.assertFalse(os.path.exists(path))

    def test_changed_in_use(self) -> None:
        """The file of a machine that lives stays, whatever is wrong with it."""
        version = self.put(GOOD)
        self.live_on(version)
        path = self.shelf.path(version.file)
        os.chmod(path, 0o644)
        Path(path).write_bytes(GOOD + b"x")
        self.assertEqual(1, self.command("verify")[0])
        self.assertEqual(Index(), self.shelf.read())
        self.assertTrue(os.path.exists(path))

    def test_unsigned(self) -> None:
        """Where a signature is wanted, it is verified again."""
        self.write(URL, "image_signing_dn = .*")
        Authority().write(str(self.directory / "certificates"))
        self.put(GOOD)
        status, out, _ = self.command("verify")
        self.assertEqual(1, status)
        self.assertIn("CernVM signature", out)

    def test_unknown(self) -> None:
        """A machinetype that is not there, or has no address, is told."""
        for name in ("nobody", "local"):
            status, _, err = self.command("verify", name)
            self.assertEqual(1, status)
            self.assertIn(name, err)

    def test_prune(self) -> None:
        """Former versions go, but for those that machines live on."""
        for number in range(4):
            version = self.put(FORMER + bytes([number]), 9 - number)
            if number == 1:
                self.live_on(version)
        status, out, _ = self.command("prune", "--dry-run")
        self.assertEqual((0, 2), (status, len(out.splitlines())))
        self.assertEqual(4, len(self.shelf.read().entry(URL).versions))
        self.assertEqual((0, out, ""), self.command("prune"))
        self.assertEqual(2, len(self.shelf.read().entry(URL).versions))
        self.assertEqual(2, len(os.listdir(self.shelf.images)))

    def test_prune_blind(self) -> None:
        """Where a machine's record cannot be read, nothing is removed."""
        for number in range(4):
            self.live_on(self.put(FORMER + bytes([number]), 9 - number))
            break
        self.put(GOOD, 1)
        for path in self.state_dir.glob("spaces/*/machines/*/record.json"):
            path.write_text("{")
        status, _, err = self.command("prune")
        self.assertEqual(1, status)
        self.assertIn("nothing is removed", err)


class FetchTests(ImagesCase):
    def setUp(self) -> None:
        super().setUp()
        authority = Authority()
        authority.write(str(self.directory / "certificates"))
        server = self.server = Server(reactor, authority.issue())
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        self.server.files["/boot.iso"] = Served(GOOD, etag='"1"')
        self.write(self.server.url("/boot.iso"))

    async def fetch(self, *words: str) -> tuple[int, str, str]:
        line = ["-m", "vcycle.commands.main", "images", "fetch", *words, "--config", self.file]
        out, err, status = await getProcessOutputAndValue(sys.executable, line, environment())
        return status, out.decode(), err.decode()

    async def test_fetch(self) -> None:
        """What is configured is fetched, and then unchanged."""
        url = self.server.url("/boot.iso")
        status, out, err = await self.fetch()
        self.assertEqual((0, ""), (status, err))
        self.assertTrue(out.startswith(f"{url}: 4.00 KB, SHA-256 "), out)
        self.assertEqual(GOOD, Path(out.split()[-1]).read_bytes())
        self.assertEqual((0, f"{url}: unchanged\n", ""), await self.fetch("exvo"))
        self.assertEqual(0, self.command("list")[0])

    async def test_fails(self) -> None:
        """What cannot be fetched is told, and the rest is fetched."""
        url = self.server.url("/boot.iso")
        status, out, err = await self.fetch(self.server.url("/gone"), url)
        self.assertEqual(1, status)
        self.assertIn("the server answers 404", err)
        self.assertIn("SHA-256", out)

    async def test_digest(self) -> None:
        """An image is not kept that its machinetype could not use."""
        self.write(self.server.url("/boot.iso"), f"root_image_sha256 = {'0' * 64}")
        status, _, err = await self.fetch()
        self.assertEqual(1, status)
        self.assertIn("as root_image_sha256 says", err)
        self.assertFalse(os.listdir(self.shelf.images))
