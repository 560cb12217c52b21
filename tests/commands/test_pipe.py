"""Tests for vcycle.commands.pipe; what is fetched is fetched by a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.core.pipes.writing import VECTORS, document
from tests.images.https import Authority, Served, Server
from vcycle.commands.main import main

SETTINGS = "[settings]\nvcycle_space = s.test\nfactory_name = f1.test\n"
ROOT = Path(__file__).parents[2]
TABLE = """\
MACHINETYPE  SHARE  MODEL    PROCESSORS  WALLCLOCK  ROOT_IMAGE
exvo-prod    75.0%  cernvm3           1      1d00h  https://images.example.com/exvo/boot.iso
exvo-mcore   25.0%  cernvm3           8      2d00h  https://images.example.com/exvo/boot.iso

Usable: 2 machinetypes, for 1h00m; 0 errors, 0 warnings.
"""


def command(*argv: str) -> tuple[int, str, str]:
    """The exit status, and what was printed to where."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(["pipe", *argv])
        except SystemExit as error:
            status = int(error.code or 0)
    return status, out.getvalue(), err.getvalue()


class FileTests(SynchronousTestCase):
    def file(self, body: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(body)
        return str(path)

    def test_good(self) -> None:
        """What would come of a good document, with each part of the pipe's share; status 0."""
        path = str(VECTORS / "example.pipe")
        self.assertEqual((0, TABLE, ""), command("check", path, "--name", "exvo"))

    def test_warnings(self) -> None:
        """What is ignored is told, and is no error."""
        path = self.file(document({"suffix": "a", "root_image": "i", "colour": "blue"}))
        status, out, _ = command("check", path)
        self.assertEqual(0, status)
        self.assertEqual(
            f"{path}: warning: machinetype 'a': ignored: colour: no such option for machinetypes"
            " of a pipe",
            out.splitlines()[0],
        )
        self.assertIn("pipe-a", out)

    def test_left_out(self) -> None:
        """Every machinetype that is left out is an error, with all its reasons; status 1."""
        good = {"suffix": "good", "root_image": "i", "target_share": 1}
        path = self.file(
            document(
                {"suffix": "a", "root_image": "/etc/shadow", "fizzle_seconds": -1},
                good,
                {"suffix": "b", "root_image": "i", "min_processors": 2, "max_processors": 1},
                {"suffix": "c", "target_share": 1, "root_image": "http://h.test/x"},
                cache_seconds=5,
            )
        )
        status, out, _ = command("check", path)
        lines = out.splitlines()
        self.assertEqual(1, status)
        self.assertEqual(3, len([line for line in lines if ": error: " in line]))
        self.assertIn("root_image = '/etc/shadow'", lines[0])
        self.assertIn("fizzle_seconds = -1: expected whole seconds", lines[0])
        self.assertIn("100.0%", out)
        self.assertEqual("Not all usable: 1 machinetype, for 1m; 3 errors, 0 warnings.", lines[-1])

    def test_everything(self) -> None:
        """However much is wrong with a machinetype, all of it is told, but nothing twice."""
        bad = {f"user_data_file_{number}": "/" for number in range(20)}
        odd = {f"colour_{number}": "blue" for number in range(20)}
        path = self.file(
            document(
                {
                    **bad,
                    **odd,
                    "suffix": "a",
                    "root_image": "/x",
                    "fizzle_seconds": -1,
                    "min_processors": 3,
                    "max_processors": 2,
                    "min_wallclock_seconds": 9,
                    "max_wallclock_seconds": "x",
                },
            )
        )
        status, out, _ = command("check", path)
        error, warning = out.splitlines()[:2]
        self.assertEqual(1, status)
        for option in (*bad, "root_image = '/x'", "fizzle_seconds = -1"):
            self.assertIn(f"{option}", error)
        self.assertIn("max_processors = 2: less than min_processors, 3", error)
        self.assertNotIn("min_wallclock_seconds", error)
        self.assertNotIn("root_image: needed", error)
        for option in odd:
            self.assertIn(f"{option}: no such option", warning)
        self.assertTrue(error.endswith("less than min_processors, 3"), error)

    def test_not_usable(self) -> None:
        """A document of which nothing can be used; status 1."""
        path = str(VECTORS / "hostile" / "not-json.pipe")
        expected = f"{path}: error: no JSON: line 1, column 1: Expecting value\nNot usable.\n"
        self.assertEqual((1, expected, ""), command("check", path))
        status, out, _ = command("check", "--json", path)
        self.assertEqual((1, False), (status, json.loads(out)["usable"]))

    def test_hostile(self) -> None:
        """No hostile document passes."""
        for path in (VECTORS / "hostile").glob("*.pipe"):
            status, out, _ = command("check", str(path))
            self.assertEqual(1, status, path)
            self.assertIn(": error: ", out)
            self.assertTrue(out.replace("\n", "").isprintable())

    def test_cannot_be_read(self) -> None:
        """A file that is not there, and a wrong command line: status 2."""
        status, out, err = command("check", "/nonexistent.pipe")
        self.assertEqual((2, ""), (status, out))
        self.assertIn("/nonexistent.pipe: No such file", err)
        self.assertEqual(2, command("check", str(VECTORS / "example.pipe"), "--name", "EX/VO")[0])
        self.assertEqual(2, command()[0])
        self.assertEqual(2, command("check")[0])

    def test_json(self) -> None:
        """The same for programs."""
        status, out, _ = command("check", "--json", "--name", "exvo", str(VECTORS / "example.pipe"))
        report = json.loads(out)
        self.assertEqual((0, True, 3600), (status, report["usable"], report["cache_seconds"]))
        self.assertEqual([75.0, 25.0], [m["share_percent"] for m in report["machinetypes"]])


class FetchTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        authority = Authority()
        authority.write(str(self.directory))
        self.server = Server(reactor, authority.issue())
        self.addCleanup(lambda: ensureDeferred(self.server.stop()))
        self.config = self.directory / "vcycle.conf"
        self.configure(f"ca_directory = {self.directory}\n")

    def configure(self, text: str) -> None:
        self.config.write_text(f"{SETTINGS}{text}", "utf-8")

    async def fetched(self) -> tuple[int, str, str]:
        url = f"https://localhost:{self.server.port}/exvo.pipe"
        argv = ["-m", "vcycle.commands.main", "pipe", "check", url, "--name", "exvo"]
        argv += ["--config", str(self.config)]
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")}
        out, err, status = await getProcessOutputAndValue(sys.executable, argv, environment)
        return status, out.decode("utf-8"), err.decode("utf-8")

    def test_good(self) -> Deferred[None]:
        """A document of a server that the configuration's authorities vouch for."""
        body = (VECTORS / "example.pipe").read_bytes()
        self.server.files["/exvo.pipe"] = Served(body)

        async def story() -> None:
            self.assertEqual((0, TABLE, ""), await self.fetched())

        return ensureDeferred(story())

    def test_not_found(self) -> Deferred[None]:
        """A page that says that there is none is no document; status 2."""

        async def story() -> None:
            status, out, err = await self.fetched()
            self.assertEqual((2, ""), (status, out))
            self.assertIn("404", err)

        return ensureDeferred(story())

    def test_unknown_authority(self) -> Deferred[None]:
        """A server that nobody vouches for is not listened to."""
        self.server.files["/exvo.pipe"] = Served(b"{}")
        os.mkdir(self.directory / "none")
        self.configure("")

        async def story() -> None:
            status, _, err = await self.fetched()
            self.assertEqual(2, status)
            self.assertIn("issuer", err)

        return ensureDeferred(story())

    def test_wrong_configuration(self) -> Deferred[None]:
        """That a configuration counts for nothing is told."""
        self.configure("colour = blue\n")

        async def story() -> None:
            status, _, err = await self.fetched()
            self.assertEqual(2, status)
            self.assertIn("the configuration is not usable (see vcycle check)", err)

        return ensureDeferred(story())
