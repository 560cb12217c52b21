"""Tests for vcycle.daemon.pipes, on real files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import URL, document, one
from tests.daemon.spoken import listening
from vcycle.core.config.model import Configuration, Machinetype
from vcycle.core.errors import CallTimedOut
from vcycle.core.pipes.document import MAX_BYTES
from vcycle.daemon import lastgood, pipecopies
from vcycle.daemon.configuration import Places
from vcycle.daemon.pipes import Pipes
from vcycle.daemon.reload import Reloader
from vcycle.testing.images import MemoryDocuments

R = TypeVar("R")
HOST = "factory1.example.com"
NOW = 1_767_225_600.0
TWO = document(
    {"suffix": "a", "root_image": "a.img", "target_share": 3},
    {"suffix": "b", "root_image": "b.img", "target_share": 1},
)
SAID = f"info: one.test: Vacuum pipe exvo: 1 machinetype in {URL}"
EXPECTED = f"{URL}: 404 Not Found; put it there; it has no machinetypes until there is a document"


class PipesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir(parents=True)
        self.state_dir = str(self.root / "state")
        os.mkdir(self.state_dir)
        self.file = self.root / "vcycle.conf"
        self.now = NOW
        self.applied: list[Configuration] = []
        self.lost = False
        self.documents = MemoryDocuments(lambda: self.now, {URL: one()})
        self.write()
        self.reloader = self.started()

    def write(self, more: str = "", pipe: str = "") -> None:
        self.file.write_text(
            f"[settings]\nvcycle_space = one.test\nstate_dir = {self.state_dir}\n{more}"
            f"[vacuum_pipe exvo]\nvacuum_pipe_url = {URL}\ntarget_share = 8\n{pipe}",
            "utf-8",
        )

    def in_thread(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        return fail(CallTimedOut("no answer")) if self.lost else maybeDeferred(work)

    def started(self) -> Reloader:
        """A daemon's, as it starts: what it knows is on the disk."""
        places = Places(files=(str(self.file),))
        reloader = Reloader(places, HOST, self.in_thread, self.applied.append)
        reloader.read()
        reloader.pipes = Pipes(self.documents, self.state_dir, self.in_thread, lambda: self.now)
        return reloader

    def look(self, seconds: float = 0) -> list[str]:
        """A look so many seconds later, and what is said."""
        self.now += seconds
        with listening() as said:
            self.successResultOf(Deferred.fromCoroutine(self.reloader.look()))
        return said

    @property
    def machinetypes(self) -> dict[str, Machinetype]:
        assert self.reloader.configuration is not None
        return dict(self.reloader.configuration.spaces["one.test"].machinetypes)

    def remarks(self) -> tuple[str, ...]:
        assert self.reloader.pipes is not None
        assert self.reloader.configuration is not None
        return self.reloader.pipes.remarks(self.reloader.configuration.spaces["one.test"].pipes)


class DocumentTests(PipesCase):
    def test_first(self) -> None:
        """A document that is here makes machinetypes, as any change of the configuration."""
        self.assertEqual({}, self.machinetypes)
        self.assertEqual(
            [SAID, "info: Configuration: space one.test: machinetype exvo-x: added"], self.look()
        )
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        self.assertEqual(8.0, self.machinetypes["exvo-x"].target_share)
        self.assertEqual((1, ()), (len(self.applied), self.remarks()))

    def test_unchanged(self) -> None:
        """As long as it is as it was nothing is said and nothing applied."""
        self.look()
        for _ in range(3):
            self.assertEqual([], self.look(7200))
        self.assertEqual(1, len(self.applied))

    def test_changed(self) -> None:
        """A new document is in force once the old one's time is over, and each change is told."""
        self.look()
        self.documents.servers[URL] = TWO
        self.assertEqual([], self.look(3599))
        self.assertEqual(
            [
                SAID.replace("1 machinetype", "2 machinetypes"),
                "info: Configuration: space one.test: machinetype exvo-x: removed",
                "info: Configuration: space one.test: machinetype exvo-a: added",
                "info: Configuration: space one.test: machinetype exvo-b: added",
            ],
            self.look(1),
        )
        self.assertEqual([6.0, 2.0], [m.target_share for m in self.machinetypes.values()])

    def test_cache_seconds(self) -> None:
        """The document says how long it is good, but the section has the last word."""
        self.documents.servers[URL] = document(cache_seconds=600)
        self.look()
        self.documents.servers[URL] = one()
        self.assertEqual([], self.look(599))
        self.assertNotEqual([], self.look(1))
        self.documents.servers[URL] = TWO
        self.write(pipe="cache_seconds = 120\n")
        self.look()
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        self.look(120)
        self.assertEqual(["exvo-a", "exvo-b"], list(self.machinetypes))

    def test_one_is_wrong(self) -> None:
        """What is wrong with one machinetype is told once, and the others are there."""
        self.documents.servers[URL] = document(
            {"suffix": "a", "root_image": "/etc/shadow"}, {"suffix": "b", "root_image": "b.img"}
        )
        said = self.look()
        self.assertEqual(1, len([line for line in said if "machinetype 'a' is left out" in line]))
        self.assertEqual(["exvo-b"], list(self.machinetypes))
        self.write("total_processors = 4\n")
        self.assertEqual(1, len(self.look()))


class TroubleTests(PipesCase):
    def test_never_fetched(self) -> None:
        """A pipe that was never fetched is told once, and nothing else is the matter."""
        self.documents.servers.clear()
        self.assertEqual([f"warn: one.test: Vacuum pipe exvo: {EXPECTED}"], self.look())
        self.assertEqual([], self.look(7200))
        self.assertEqual((f"vacuum pipe exvo: {EXPECTED}",), self.remarks())
        self.assertEqual((), self.reloader.problems)
        self.documents.servers[URL] = one()
        self.assertEqual(SAID, self.look()[0])
        self.assertEqual((), self.remarks())

    def test_server_is_away(self) -> None:
        """The last good document stays, and its age is told."""
        self.look()
        del self.documents.servers[URL]
        text = f"{URL}: 404 Not Found; the document of 2h 00m ago is used"
        self.assertEqual([f"warn: one.test: Vacuum pipe exvo: {text}"], self.look(7200))
        self.assertEqual([], self.look(3600))
        text = text.replace("2h", "3h")
        self.assertEqual((f"vacuum pipe exvo: {text}",), self.remarks())
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        self.documents.servers[URL] = one()
        self.assertEqual([SAID], self.look(1))

    def test_server_answers_nonsense(self) -> None:
        """So it is when the server gives something else, with status 200."""
        self.look()
        for body in (b"<html>Down for maintenance</html>", b"[]", b'{"machinetypes": 3}', b"\xff"):
            self.documents.servers[URL] = body
            said = self.look(7200)
            self.assertEqual(1, len(said), said)
            self.assertIn("the document of 2h 00m ago is used", said[0])
            self.assertEqual(["exvo-x"], list(self.machinetypes))
            self.assertEqual([], self.look())
            self.documents.servers[URL] = one()
            self.look(7200)
        self.assertEqual(1, len(self.applied))

    def test_too_large(self) -> None:
        """And when it is larger than any document."""
        self.look()
        self.documents.servers[URL] = b" " * (MAX_BYTES + 1)
        self.assertIn("larger than", self.look(7200)[0])
        self.assertEqual(["exvo-x"], list(self.machinetypes))

    def test_restart(self) -> None:
        """A daemon that starts while the server is away has the document of the last one."""
        self.look()
        self.documents.servers.clear()
        self.documents.held.clear()
        self.reloader = self.started()
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        [line] = self.look(7200)
        self.assertIn("the document of 2h 00m ago is used", line)
        self.assertEqual(["exvo-x"], list(self.machinetypes))

    def test_restart_on_wrong_files(self) -> None:
        """One that finds wrong files has the last good ones, with the documents of then."""
        self.look()
        keep = (self.reloader.texts, HOST, self.reloader.documents)
        lastgood.keep(self.state_dir, *keep)
        for path in Path(pipecopies.directory_in(self.state_dir)).iterdir():
            path.unlink()
        self.write("colour = blue\n")
        self.reloader = self.started()
        self.assertEqual(["exvo-x"], list(self.machinetypes))

    def test_wrong_files(self) -> None:
        """A document that comes while the files are wrong is in force when they are right."""
        self.look()
        self.write("colour = blue\n")
        self.documents.servers[URL] = TWO
        self.look(3600)
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        self.write()
        self.look()
        self.assertEqual(["exvo-a", "exvo-b"], list(self.machinetypes))

    def test_full_disk(self) -> None:
        """A document that cannot be kept is used all the same, and that is told once."""
        os.mkdir(self.root / "file")
        directory = Path(pipecopies.directory_in(self.state_dir))
        directory.write_text("in the way", "utf-8")
        said = self.look()
        self.assertEqual(1, len([line for line in said if "not kept for the next start" in line]))
        self.assertEqual(["exvo-x"], list(self.machinetypes))
        self.assertEqual([], self.look())

    def test_no_threads(self) -> None:
        """What a thread did not do in time is done by a later look."""
        self.lost = True
        self.failureResultOf(Deferred.fromCoroutine(self.reloader.look()), CallTimedOut)
        self.lost = False
        self.look()
        self.assertEqual(["exvo-x"], list(self.machinetypes))

    def test_broken_documents(self) -> None:
        """A fault in fetching does not keep the files from being read."""

        async def broken(url: str, max_bytes: int, max_age: float) -> None:
            raise RuntimeError("a fault")

        self.patch(self.documents.__class__, "document", lambda *_: broken("", 0, 0))
        self.write("total_processors = 4\n")
        said = self.look()
        self.assertIn("total_processors was not set, is 4", said[-1])
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))

    def test_left(self) -> None:
        """A pipe that is no longer configured is forgotten."""
        self.documents.servers.clear()
        self.look()
        self.file.write_text(
            f"[settings]\nvcycle_space = one.test\nstate_dir = {self.state_dir}\n", "utf-8"
        )
        self.look()
        self.look()
        self.assertEqual((), self.remarks())
