"""Tests for --watch: on a terminal, and for programs."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.responding import SPACE, answering, running, serve, status
from tests.commands.running import environment
from vcycle.commands.frames import HOME, frame

A, B = "127.0.3.30", "127.0.3.31"


class FrameTests(SynchronousTestCase):
    def test_short(self) -> None:
        """Each line takes the place of what was there, and what was below goes away."""
        self.assertEqual(
            f"{HOME}a\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J", frame("a\nb\n", ["c\n"], 80, 24)
        )

    def test_long(self) -> None:
        """More lines than the screen has are left out, never the last one, nor the complaints."""
        text = "".join(f"line {n}\n" for n in range(100))
        for height in (1, 2, 3, 10, 24):
            whole = frame(text, [f"complaint {n}\n" for n in range(50)], 80, height)
            self.assertLessEqual(whole.count("\n"), max(1, height))
            self.assertIn("line 99", whole)
        whole = frame(text, ["complaint\n"], 80, 10)
        self.assertIn(
            "line 5\x1b[K\n(93 more lines)\x1b[K\nline 99\x1b[K\ncomplaint\x1b[K\n", whole
        )

    def test_wider(self) -> None:
        """Lines wider than the screen take several rows, so that nothing scrolls away."""
        text = "".join(f"{n}{'x' * 99}\n" for n in range(8)) + "the end\n"
        whole = frame(text, (), 40, 10)
        self.assertEqual(["0xx", "1xx", "(6 ", "the"], [x[:3] for x in whole[3:].split("\n")[:-1]])
        coloured = frame("\x1b[31m" + "x" * 40 + "\x1b[0m\ny\n", (), 40, 4)
        self.assertEqual(f"{HOME}\x1b[31m{'x' * 40}\x1b[0m\ny\x1b[K\n\x1b[J", coloured)


class WatchTests(SynchronousTestCase):
    def command(self, *words: str) -> list[str]:
        port = serve(self, {A: answering([running(A, "00"), status(A)])}).port
        whole = [sys.executable, "-m", "vcycle.commands.main", "scan", "--space", SPACE]
        return [*whole, "--port", str(port), A, B, *words]

    def watched(self, enough: bytes, *words: str) -> str:
        """What a terminal is sent until it has come three times; then there is an interrupt."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            self.command("--watch=0.1", *words),
            env=environment(),
            stdout=theirs,
            stderr=theirs,
            stdin=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        until = time.monotonic() + 60
        while seen.count(enough) < 3 and time.monotonic() < until:
            if select.select([ours], [], [], 1.0)[0]:
                seen += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        # A terminal goes on reading; else what is still to be written would wait for ever.
        while process.poll() is None and time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(ours, 65536)
        self.assertEqual(130, process.wait(timeout=60))
        return seen.decode()

    def test_terminal(self) -> None:
        """On a terminal there is one picture after another, in colour, until interrupted."""
        pictures = self.watched(HOME.encode()).split(HOME)[1:]
        self.assertGreaterEqual(len(pictures), 3)
        self.assertIn("\x1b[32mrunning\x1b[0m", pictures[0])
        self.assertIn(f"vcycle scan: {B}: {B}:", pictures[0])
        plain = re.sub(r"\x1b\[\d*[mKJ]", "", pictures[0]).replace("\r", "")
        self.assertNotIn("\x1b", plain)
        self.assertLessEqual(max(map(len, plain.split("\n"))), 80)

    def test_wide(self) -> None:
        """On a terminal too nothing of a wide table is cut, and one picture replaces another."""
        pictures = self.watched(HOME.encode(), "-o", "wide").split(HOME)[1:]
        self.assertIn("9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11", pictures[0])
        self.assertIn("LAST MESSAGE", pictures[0].splitlines()[0])

    def test_programs(self) -> None:
        """Objects and names are lines on a terminal too, without anything that steers it."""
        told = self.watched(b'"command"', "-J")
        self.assertNotIn("\x1b", told)
        lines = [line for line in told.splitlines() if line.startswith("{")]
        self.assertEqual("scan", json.loads(lines[0])["command"])
        self.assertNotIn("\x1b", self.watched(b"127-00.0.3.30", "-o", "name"))

    def test_waiting(self) -> None:
        """Who waits for long at a terminal is told for how many, and it goes away at the end."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        behaviours = {A: answering([running(A, "00"), status(A)]), B: lambda query: ()}
        port = serve(self, behaviours).port
        words = ["scan", "--space", SPACE, "--port", str(port), A, B, "--timeout", "1.5"]
        done = subprocess.run(
            [sys.executable, "-m", "vcycle.commands.main", *words],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=60,
        )
        os.close(theirs)
        self.assertEqual(1, done.returncode)
        told = os.read(ours, 65536).decode()
        waiting = "\r\x1b[K1 of 2 factories have answered\r\x1b[K"
        self.assertTrue(told.startswith(waiting), told)
        self.assertIn(f"vcycle scan: {B}: no answer", told)

    def test_lines(self) -> None:
        """For programs there is one JSON object after another, each on a line of its own."""
        with subprocess.Popen(
            self.command("--watch=0.1", "-J"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            process.send_signal(signal.SIGINT)
        for line in lines:
            self.assertEqual("scan", json.loads(line)["command"])
