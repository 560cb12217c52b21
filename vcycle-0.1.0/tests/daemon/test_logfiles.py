"""Tests for vcycle.daemon.logfiles."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from twisted.logger import ILogObserver, Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vcycle.daemon.logfiles import AGAIN_SECONDS, EARLY, FACTORY, RESPONDER, LogFiles, file_of

CHECKOUT = str(Path(__file__).resolve().parents[2])
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"


class LogFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir(parents=True)
        self.complaints: list[str] = []
        self.files = LogFiles(self.complaints.append)
        self.addCleanup(self.files.close)
        self.log = Logger("vcycle", observer=self.files)

    def written(self, name: str = FACTORY) -> list[str]:
        return (self.place / name).read_text("utf-8").splitlines()

    def test_interface(self) -> None:
        """It observes logs."""
        self.assertTrue(verifyObject(ILogObserver, self.files))

    def test_lines(self) -> None:
        """A line has its time with the year, its level and its text; only the group may read."""
        self.files.settle(str(self.place))
        self.log.warn("hello {whom}", whom="you\x1b[2J", event="verdict")
        [line] = self.written()
        self.assertRegex(line, rf"^{TIME} warn     hello you\?\[2J$")
        mode = stat.S_IMODE((self.place / FACTORY).stat().st_mode)
        self.assertEqual(0, mode & 0o007)

    def test_responder(self) -> None:
        """What others ask has a file of its own."""
        self.files.settle(str(self.place))
        self.log.info("listens", event="answering")
        Logger("vcycle.vacquery.responder", observer=self.files).debug("strange")
        self.log.info("runs", event="daemon-started")
        self.assertEqual((2, 1), (len(self.written(RESPONDER)), len(self.written())))
        self.assertEqual(FACTORY, file_of({}))

    def test_early(self) -> None:
        """What is said before the directory is known is written then, within a bound."""
        for number in range(EARLY + 2):
            self.log.info("{n}", n=number)
        self.files.settle(str(self.place))
        self.assertEqual(EARLY, len(self.written()))
        self.assertTrue(self.written()[-1].endswith(f" {EARLY + 1}"))

    def test_renamed(self) -> None:
        """Who rotates logs has only to rename the file: the next line is in a new one."""
        self.files.settle(str(self.place))
        self.log.info("one")
        os.rename(self.place / FACTORY, self.place / f"{FACTORY}.1")
        self.log.info("two")
        os.unlink(self.place / FACTORY)
        self.log.info("three")
        self.assertTrue(self.written()[0].endswith("three"))
        self.assertTrue(self.written(f"{FACTORY}.1")[0].endswith("one"))

    def test_created_by_another(self) -> None:
        """A new file that logrotate made is the one that is written to."""
        self.files.settle(str(self.place))
        self.log.info("one")
        os.rename(self.place / FACTORY, self.place / f"{FACTORY}.1")
        (self.place / FACTORY).touch()
        self.log.info("two")
        self.assertEqual(1, len(self.written()))

    def test_not_yet_created(self) -> None:
        """Where we may make no file, the renamed one is written to until there is another."""
        self.files.settle(str(self.place))
        self.log.info("one")
        away = self.place.with_name("away")
        os.rename(self.place, away)
        self.log.info("two")
        self.assertEqual(2, len((away / FACTORY).read_text().splitlines()))
        self.assertEqual([], self.complaints)

    def test_no_directory(self) -> None:
        """Where nothing can be written it is said once, and lines go there instead."""
        self.files.settle(str(self.place / "none"))
        self.log.info("one")
        self.log.info("two")
        said = "".join(self.complaints).splitlines()
        self.assertIn(f"{self.place}/none/{FACTORY}: No such file or directory", said[0])
        self.assertEqual(3, len(said))
        self.assertTrue(said[1].endswith("one") and said[2].endswith("two"), said)

    def test_again(self) -> None:
        """A file that could not be written to is tried again after a while."""
        self.files.settle(str(self.place / "none"))
        self.files({"log_time": 1000.0, "log_format": "one"})
        (self.place / "none").mkdir()
        self.files({"log_time": 1000.0 + AGAIN_SECONDS - 1, "log_format": "two"})
        self.files({"log_time": 1000.0 + AGAIN_SECONDS, "log_format": "three"})
        self.assertEqual(1, len(self.written(f"none/{FACTORY}")))

    def test_pipe(self) -> None:
        """A named pipe in the place of a file, which nobody reads, holds nothing up."""
        os.mkfifo(self.place / FACTORY)
        self.files.settle(str(self.place))
        self.log.info("one")
        self.assertEqual(2, len(self.complaints))


class ProcessTests(SynchronousTestCase):
    """The daemon in a process of its own, on a configuration that is wrong."""

    def said(self, *twistd: str, **more: str) -> tuple[str, Path]:
        place = Path(self.mktemp()).absolute()
        place.mkdir(parents=True)
        file = place / "vcycle.conf"
        file.write_text(
            f"[settings]\nstate_dir = {place}/s\nlog_directory = {place}\nvacquery_port = 0\n"
            "monitor_port = 0\n",
            "utf-8",
        )
        script = (
            "import sys; from twisted.internet import reactor;"
            "reactor.callWhenRunning(reactor.callLater, 0, reactor.stop);"
            f"sys.argv = ['twistd', *{twistd!r}, 'vcycle', '--config', {str(file)!r}];"
            "from twisted.scripts.twistd import run; run()"
        )
        environment = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "PYTHONPATH": CHECKOUT, "PYTHONDONTWRITEBYTECODE": "1", **more},
            cwd=place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout + done.stderr, place

    def test_both(self) -> None:
        """In the foreground lines are shown, and kept in files."""
        logger = "--logger=vcycle.daemon.logs.observer"
        output, place = self.said("--nodaemon", "--pidfile=", logger)
        self.assertIn("Configuration: ", output)
        self.assertIn("Configuration: ", (place / FACTORY).read_text())

    def test_output(self) -> None:
        """Who wants them on the standard output alone gets no files."""
        logger = "--logger=vcycle.daemon.logs.observer"
        output, place = self.said("--nodaemon", "--pidfile=", logger, VCYCLE_LOG="output")
        self.assertIn("Configuration: ", output)
        self.assertFalse((place / FACTORY).exists())

    def test_logfile(self) -> None:
        """twistd's own --logfile gets all lines as ever; ours are beside it."""
        _, place = self.said("--nodaemon", "--pidfile=", "--logfile=own.log")
        self.assertIn("Configuration: ", (place / "own.log").read_text())
        self.assertIn("Configuration: ", (place / FACTORY).read_text())
