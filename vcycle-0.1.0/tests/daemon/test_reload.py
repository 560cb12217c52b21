"""Tests for vcycle.daemon.reload and lastgood, on real files."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.spoken import listening
from vcycle.core.config.model import Configuration
from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.daemon import lastgood
from vcycle.daemon.configuration import Places
from vcycle.daemon.reload import Reloader

R = TypeVar("R")
HOST = "factory1.example.com"
MACHINETYPE = "[machinetype atlas]\ntarget_share = 1\nroot_image = atlas.img\n"
CURE = "error: No machines are created until the configuration is right; existing ones go on"


class FilesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir(parents=True)
        self.state_dir = str(self.root / "state")
        os.mkdir(self.state_dir)
        self.file = self.root / "vcycle.conf"
        self.applied: list[Configuration] = []
        self.lost = False
        self.write()

    def text(self, settings: str = "") -> str:
        wanted = f"[settings]\nvcycle_space = one.test\nstate_dir = {self.state_dir}\n"
        return wanted + settings + MACHINETYPE

    def write(self, settings: str = "") -> None:
        self.file.write_text(self.text(settings), "utf-8")

    def in_thread(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        return fail(CallTimedOut("no answer")) if self.lost else maybeDeferred(work)

    def reloader(self) -> Reloader:
        places = Places(files=(str(self.file),))
        return Reloader(places, HOST, self.in_thread, self.applied.append)


class ReloaderTests(FilesCase):
    def setUp(self) -> None:
        super().setUp()
        self.reloaded = self.reloader()
        self.reloaded.read()

    def look(self) -> list[str]:
        with listening() as said:
            self.successResultOf(self.reloaded.look())
        return [line.replace(f"{self.file}", "F") for line in said]

    def processors(self) -> int | None:
        assert self.reloaded.configuration is not None
        return self.reloaded.configuration.spaces["one.test"].total_processors

    def test_unchanged(self) -> None:
        """Files that have not changed are not read, and nothing is said."""
        self.assertEqual([], self.look())
        self.assertEqual([], self.applied)

    def test_changed(self) -> None:
        """A change is told and applied once."""
        self.write("total_processors = 4\n")
        self.assertEqual(
            ["info: Configuration: space one.test: total_processors was not set, is 4"],
            self.look(),
        )
        self.assertEqual([], self.look())
        self.assertEqual((4, 1), (self.processors(), len(self.applied)))
        self.assertIn("total_processors = 4", self.reloaded.texts[0][1])

    def test_wrong(self) -> None:
        """A wrong file is told once with each of its problems, and changes nothing."""
        self.write("colour = blue\nshape = round\n")
        self.assertEqual(
            [
                "error: Configuration: F:4: [settings] colour: no such option",
                "error: Configuration: F:5: [settings] shape: no such option",
                CURE,
            ],
            self.look(),
        )
        self.assertEqual([], self.look())
        self.assertEqual((2, []), (len(self.reloaded.problems), self.applied))
        self.assertNotIn("colour", self.reloaded.texts[0][1])

    def test_still_wrong(self) -> None:
        """Touched, but wrong as before: that is no news; wrong in another way is."""
        self.write("colour = blue\n")
        self.look()
        os.utime(self.file, ns=(1, 1))
        self.assertEqual([], self.look())
        self.write("colour = blue\nshape = round\n")
        self.assertEqual(3, len(self.look()))

    def test_right_again(self) -> None:
        """When it is right again that is told, and what changed since it last was."""
        self.write("colour = blue\n")
        self.look()
        self.write("total_processors = 4\n")
        self.assertEqual(
            [
                "info: Configuration: right again",
                "info: Configuration: space one.test: total_processors was not set, is 4",
            ],
            self.look(),
        )
        self.assertEqual(((), 4), (self.reloaded.problems, self.processors()))

    def test_gone(self) -> None:
        """A file that is gone is a problem as any other."""
        os.remove(self.file)
        self.assertIn("cannot be read: No such file", self.look()[0])
        self.assertIsNotNone(self.reloaded.configuration)

    def test_warnings(self) -> None:
        """Warnings are told when they are new."""
        self.write("cpu_total = 8\n")
        self.assertEqual(1, len([line for line in self.look() if line.startswith("warn")]))
        os.utime(self.file, ns=(1, 1))
        self.assertEqual([], self.look())

    def test_lost_thread(self) -> None:
        """A reading that was given up is made up for by the next look."""
        self.write("total_processors = 4\n")
        self.lost = True
        self.failureResultOf(self.reloaded.look(), CallTimedOut)
        self.lost = False
        self.look()
        self.assertEqual(4, self.processors())

    def test_lost_while_reading(self) -> None:
        """That a file changed is not forgotten when its reading is given up."""
        self.write("total_processors = 4\n")
        calls = []

        def second_is_lost(work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
            calls.append(work)
            return fail(CallTimedOut("no answer")) if len(calls) == 2 else maybeDeferred(work)

        self.reloaded._in_thread = second_is_lost
        self.failureResultOf(self.reloaded.look(), CallTimedOut)
        self.look()
        self.assertEqual(4, self.processors())

    def test_one_at_a_time(self) -> None:
        """Many spaces that look at one moment are one look."""
        waiting: Deferred[Any] = Deferred()

        def hanging(work: Callable[[], Any], deadline: float | None = None) -> Deferred[Any]:
            return waiting

        self.reloaded._in_thread = hanging
        first = Deferred.fromCoroutine(self.reloaded.look())
        self.successResultOf(self.reloaded.look())
        self.assertNoResult(first)
        waiting.callback(self.reloaded._seen)
        self.successResultOf(first)


class StartTests(FilesCase):
    def start(self) -> tuple[Reloader, list[str]]:
        reloader = self.reloader()
        reloader.read()
        with listening() as said:
            reloader.tell()
        return reloader, [line.replace(str(self.root), "R") for line in said]

    def keep(self, settings: str = "") -> None:
        lastgood.keep(self.state_dir, ((str(self.file), self.text(settings)),))

    def test_right(self) -> None:
        """Right files say nothing but their warnings."""
        reloader, said = self.start()
        self.assertEqual(([], ()), (said, reloader.problems))
        self.write("cpu_total = 8\n")
        self.assertEqual(["warn"], [line.partition(":")[0] for line in self.start()[1]])

    def test_wrong(self) -> None:
        """With wrong files and no former ones nothing runs, and that is said."""
        self.write("colour = blue\ncpu_total = 8\n")
        reloader, said = self.start()
        self.assertIsNone(reloader.configuration)
        self.assertEqual(
            [
                "error: Configuration: R/vcycle.conf:4: [settings] colour: no such option",
                CURE,
                "error: Nothing runs until the configuration is right, as no former one is kept",
            ],
            said,
        )

    def test_former(self) -> None:
        """With wrong files the former configuration is in force, and that is said."""
        self.keep("total_processors = 7\n")
        self.write("colour = blue\n")
        reloader, said = self.start()
        assert reloader.configuration is not None
        self.assertEqual(7, reloader.configuration.spaces["one.test"].total_processors)
        self.assertEqual(1, len(reloader.problems))
        self.assertEqual(
            "warn: The last configuration that could be used supervises, as kept in"
            " R/state/configuration.json",
            said[-1],
        )
        self.assertEqual((), reloader.texts)

    def test_right_again(self) -> None:
        """Files that become right replace the former configuration, with what differs."""
        self.keep("total_processors = 7\n")
        self.write("colour = blue\n")
        reloader, _ = self.start()
        self.write("total_processors = 8\n")
        with listening() as said:
            self.successResultOf(reloader.look())
        self.assertEqual(
            [
                "info: Configuration: right again",
                "info: Configuration: space one.test: total_processors was 7, is 8",
            ],
            said,
        )
        self.assertEqual(1, len(self.applied))


class LastGoodTests(FilesCase):
    def keep(self, text: str) -> None:
        lastgood.keep(self.state_dir, (("/etc/vcycle.conf", text),))

    def test_recall(self) -> None:
        """What was kept is what is recalled, and only its owner can read it."""
        self.keep(self.text("total_processors = 7\n"))
        found = lastgood.recall(self.state_dir, HOST)
        assert found is not None
        self.assertEqual(7, found.spaces["one.test"].total_processors)
        mode = os.stat(lastgood.path_in(self.state_dir)).st_mode
        self.assertEqual(0o600, stat.S_IMODE(mode))

    def test_name(self) -> None:
        """The name that the host had then is recalled too: the name service may be away."""
        text = "\n".join(
            line for line in self.text().splitlines() if not line.startswith("factory_name")
        )
        lastgood.keep(self.state_dir, (("a", text),), "factory1.example.com")
        found = lastgood.recall(self.state_dir, "factory1")
        assert found is not None
        self.assertEqual("factory1.example.com", found.spaces["one.test"].factory_name)

    def test_several_files(self) -> None:
        """Files are kept in their order: later values win again."""
        lastgood.keep(
            self.state_dir,
            (("a", self.text("total_processors = 7\n")), ("b", "[settings]\ntotal_processors=8\n")),
        )
        found = lastgood.recall(self.state_dir, HOST)
        assert found is not None
        self.assertEqual(8, found.spaces["one.test"].total_processors)

    def test_replaced(self) -> None:
        """The newest is kept."""
        for processors in (7, 8):
            self.keep(self.text(f"total_processors = {processors}\n"))
        found = lastgood.recall(self.state_dir, HOST)
        assert found is not None
        self.assertEqual(8, found.spaces["one.test"].total_processors)

    def test_nothing(self) -> None:
        """What is not there, damaged, or of another version or directory is no configuration."""
        self.assertIsNone(lastgood.recall(self.state_dir, HOST))
        self.assertIsNone(lastgood.recall(str(self.root / "nowhere"), HOST))
        path = Path(lastgood.path_in(self.state_dir))
        for content in (
            b"",
            b"\xff",
            b"[]",
            b'{"version": 2, "files": []}',
            b'{"version": 1}',
            b'{"version": 1, "files": [3]}',
            b'{"version": 1, "files": [["a"]]}',
            b'{"version": 1, "files": [["a", 3]]}',
            b'{"version": 1, "files": []}',
            b"[" * 100_000,
        ):
            path.write_bytes(content)
            self.assertIsNone(lastgood.recall(self.state_dir, HOST), content[:50])
        self.keep(self.text("colour = blue\n"))
        self.assertIsNone(lastgood.recall(self.state_dir, HOST))
        self.keep(self.text().replace(self.state_dir, "/elsewhere"))
        self.assertIsNone(lastgood.recall(self.state_dir, HOST))

    def test_cannot_be_kept(self) -> None:
        """A disk that refuses is told, and the former one is still there."""
        self.keep(self.text())
        self.assertRaises(StoreError, lastgood.keep, str(self.root / "nowhere"), ())
        self.assertIsNotNone(lastgood.recall(self.state_dir, HOST))

    def test_state_dir(self) -> None:
        """The state_dir is found in texts that cannot be used otherwise, the last one that can."""
        wrong = "nonsense\n[settings\ncolour = blue\n"
        for text, expected in (
            ("", "/var/lib/vcycle"),
            (wrong, "/var/lib/vcycle"),
            ("[settings]\nstate_dir = /x\n" + wrong, "/x"),
            (wrong + "[settings]\nstate_dir = /x\nstate_dir = relative\n", "/x"),
            ("[DEFAULT]\nstate_dir = /d\n", "/d"),
            ("[settings]\nstate_dir = /x\n[DEFAULT]\nstate_dir = /d\n", "/x"),
            ("[settings]\nstate_dir = /x\n[settings]\nstate_dir = /y\n", "/y"),
            ("[space a]\nstate_dir = /s\n", "/var/lib/vcycle"),
            ("state_dir = /early\n\x00\n", "/var/lib/vcycle"),
        ):
            self.assertEqual(expected, lastgood.state_dir_of((("f", text),)), text)
