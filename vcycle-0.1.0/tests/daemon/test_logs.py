"""Tests for vcycle.daemon.logs."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO

from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vcycle.daemon.logs import Lines, NotTwisteds, Where, filtered, observer, where


class LinesTests(SynchronousTestCase):
    def written(self, journal: bool, text: str, level: LogLevel = LogLevel.info) -> list[str]:
        out = io.StringIO()
        Logger("vcycle", observer=Lines(out, journal)).emit(level, "{text}", text=text)
        return out.getvalue().split("\n")

    def test_interface(self) -> None:
        """It observes logs."""
        self.assertTrue(verifyObject(ILogObserver, Lines(io.StringIO(), False)))
        self.assertTrue(verifyObject(ILogObserver, observer()))

    def test_terminal(self) -> None:
        """For people a line has the time, the level and the text."""
        [line, end] = self.written(False, "hello", LogLevel.warn)
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} warn     hello$")
        self.assertEqual("", end)

    def test_journal(self) -> None:
        """For the journal it has a priority as sd-daemon(3) wants it."""
        for level, number in (("debug", 7), ("info", 6), ("warn", 4), ("error", 3)):
            level_constant = LogLevel.levelWithName(level)
            self.assertEqual([f"<{number}>x", ""], self.written(True, "x", level_constant))
        self.assertEqual(["<2>x", ""], self.written(True, "x", LogLevel.critical))

    def test_unprintable(self) -> None:
        """What a machine says can neither move the cursor nor hide anything."""
        self.assertEqual(["<6>a?[2J?b?", ""], self.written(True, "a\x1b[2J\x07b\u202e"))

    def test_lines(self) -> None:
        """A developer's text of several lines keeps one priority, and cannot forge another."""
        self.assertEqual(["<6>one", "<6><2>two", ""], self.written(True, "one\r\n<2>two"))

    def test_one_line(self) -> None:
        """An operator's event is one line, whatever anybody put into it."""
        out = io.StringIO()
        log = Logger("vcycle", observer=Lines(out, True))
        log.info("{text}", event="verdict", text="one\r\n<2>two\u2028three")
        self.assertEqual("<6>one??<2>two?three\n", out.getvalue())

    def test_traceback(self) -> None:
        """What nobody foresaw is written with its traceback."""
        out = io.StringIO()
        try:
            raise KeyError("surprise")
        except KeyError:
            Logger("vcycle", observer=Lines(out, True)).failure("failed", failure=Failure())
        said = out.getvalue().splitlines()
        self.assertEqual("<2>failed", said[0])
        self.assertIn("surprise", said[-1])
        self.assertTrue(all(line.startswith("<2>") for line in said), said)

    def test_dead_pipe(self) -> None:
        """Nobody reads any more: that is no reason to fail."""
        reader, writer = os.pipe()
        os.close(reader)
        out = os.fdopen(writer, "w", encoding="utf-8")
        log = Logger("vcycle", observer=Lines(out, True))
        log.info("one")
        log.info("two")
        self.assertRaises(BrokenPipeError, out.close)

    def test_closed(self) -> None:
        """A stream that was closed is no reason either."""
        out = io.StringIO()
        out.close()
        Logger("vcycle", observer=Lines(out, False)).info("x")

    def test_encoding(self) -> None:
        """A terminal that knows few letters still gets the rest of the line."""
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="ascii")
        Logger("vcycle", observer=Lines(out, True)).info("gr\xfc\xdfe")
        self.assertEqual(b"<6>gr??e\n", raw.getvalue())

    def test_old_event(self) -> None:
        """An event without level, time or text is no reason to fail."""
        out = io.StringIO()
        Lines(out, False)({"log_level": None, "log_format": "x"})
        self.assertIn("x", out.getvalue())


class WhereTests(SynchronousTestCase):
    def output(self) -> IO[str]:
        out = Path(self.mktemp()).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
        self.addCleanup(out.close)
        return out

    def test_journal(self) -> None:
        """Under systemd it is the journal: the stream that JOURNAL_STREAM names is ours."""
        out = self.output()
        status = os.fstat(out.fileno())
        named = f"{status.st_dev}:{status.st_ino}"
        self.assertIs(Where.JOURNAL, where({"JOURNAL_STREAM": named}, out))

    def test_inherited(self) -> None:
        """A shell that systemd started passes JOURNAL_STREAM on: that alone says nothing."""
        self.assertIs(Where.BOTH, where({"JOURNAL_STREAM": "8:1"}, self.output()))

    def test_nobody_reads(self) -> None:
        """Where the standard output is nobody's there are only files."""
        with open(os.devnull, "w", encoding="utf-8") as out:
            self.assertIs(Where.FILES, where({}, out))
        self.assertIs(Where.FILES, where({}, None))
        closed = self.output()
        closed.close()
        self.assertIs(Where.FILES, where({}, closed))
        self.assertIs(Where.FILES, where({}, io.StringIO()))

    def test_wanted(self) -> None:
        """VCYCLE_LOG decides; another value of it does not."""
        for value in ("journal", "files", "output"):
            self.assertEqual(value, where({"VCYCLE_LOG": value}, self.output()).value)
        self.assertIs(Where.BOTH, where({"VCYCLE_LOG": "mail"}, self.output()))


class FilterTests(SynchronousTestCase):
    def said(self, debug: bool) -> str:
        out = io.StringIO()
        target = filtered(Lines(out, True), debug=debug)
        for namespace in ("vcycle", "vcycle.daemon.cycle", "twisted.internet.tcp.Port"):
            log = Logger(namespace, observer=target)
            for level in (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.critical):
                log.emit(level, "{ns}", ns=namespace.partition(".")[0])
        return out.getvalue().replace("\n", " ")

    def test_operator(self) -> None:
        """Our lines from info on, and Twisted's own from warnings on."""
        ours = "<6>vcycle <4>vcycle <2>vcycle "
        self.assertEqual(ours + ours + "<4>twisted <2>twisted ", self.said(False))

    def test_developer(self) -> None:
        """With VCYCLE_DEBUG everything."""
        self.assertEqual(12, len(self.said(True).split()))

    def test_event_of_old(self) -> None:
        """Events without namespace or level are judged as Twisted's."""
        NotTwisteds()({})
