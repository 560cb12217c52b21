"""Tests for vcycle.commands.status."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vcycle.commands import status
from vcycle.commands.asking import NoAnswer, ask
from vcycle.commands.statustables import OLD_SECONDS, Look, tables
from vcycle.monitor.place import socket_path

NOW = 1767225600.0
STATUS: dict[str, Any] = {
    "version": 1,
    "written": NOW - 3,
    "daemon_version": "Vcycle 0.1.0 vcycled",
    "spaces": [
        {
            "space": "vac01.example.com",
            "factory": "factory1.example.com",
            "site": "example.com",
            "taken_at": NOW - 3,
            "draining": False,
            "problems": ["the image is not here\x1b[2J"],
            "counts": {"machines": 2, "processors": 2, "max_machines": 3, "max_processors": None},
            "machines": [
                {
                    "machine": "factory1-00.example.com",
                    "machinetype": "example",
                    "state": "running",
                    "uuid": "u",
                    "processors": 1,
                    "memory_mb": 2048,
                    "requested_at": NOW - 3700,
                    "started_at": NOW - 3690,
                    "ended_at": None,
                    "cpu_seconds": 3.5,
                    "shutdown_time": NOW + 100,
                    "message": None,
                    "address": "169.254.169.0",
                    "why": "until 2026-01-01 00:01:40",
                },
                {
                    "machine": "factory1-01.example.com",
                    "machinetype": "example",
                    "state": "ended",
                    "processors": 1,
                    "requested_at": NOW - 300,
                    "ended_at": NOW - 255,
                    "message": "300 Nothing to do",
                    "why": "aborted",
                },
            ],
            "machinetypes": [
                {
                    "machinetype": "example",
                    "target_share": 1.5,
                    "machines": 1,
                    "starting": 0,
                    "last_abort": NOW - 255,
                    "verdict": "backing-off",
                    "reason": "aborted 255 s ago, waits for 600 s",
                }
            ],
        }
    ],
}
TEXT = """\
Space vac01.example.com, factory factory1.example.com, 2 of 3 machines, 2 processors
Problem: the image is not here?[2J

MACHINE                  MACHINETYPE  STATE    CPUS    AGE  LAST MESSAGE
factory1-00.example.com  example      running     1  1h01m  until 2026-01-01 00:01:40
factory1-01.example.com  example      ended       1    45s  300 Nothing to do

MACHINETYPE  SHARE  MACHINES  STARTING  LAST ABORT  VERDICT      REASON
example        1.5         1         0          4m  backing-off  aborted 255 s ago, waits for 600 s
"""


class TablesTests(SynchronousTestCase):
    def test_text(self) -> None:
        """Machines, verdicts and problems are in aligned tables, without any codes."""
        self.assertEqual(TEXT, tables(STATUS, Look(now=NOW)))

    def test_terminal(self) -> None:
        """On a terminal lines keep within its width, and states have colours."""
        shown = tables(STATUS, Look(now=NOW, width=60, colour=True))
        self.assertIn("\x1b[32mrunning\x1b[0m", shown)
        plain = tables(STATUS, Look(now=NOW, width=60))
        self.assertLessEqual(max(map(len, plain.splitlines())), 60)

    def test_old(self) -> None:
        """A status that was not written for long says so first."""
        shown = tables(STATUS, Look(now=NOW + OLD_SECONDS))
        self.assertTrue(shown.startswith("vcycled wrote this 10m ago"), shown)

    def test_no_space(self) -> None:
        """Before the first cycle there is a line instead of nothing."""
        shown = tables({"version": 1, "written": NOW, "spaces": []}, Look(now=NOW))
        self.assertEqual("No space has finished a cycle yet.\n", shown)

    def test_other_versions(self) -> None:
        """What a daemon of another version leaves out or shapes otherwise breaks nothing."""
        odd: list[Mapping[str, Any]] = [
            {},
            {"spaces": None, "written": "x"},
            {"spaces": [1, {}, {"machines": [{}, None], "machinetypes": [{}], "counts": 3}]},
            {"spaces": [{"machines": [{"state": [], "message": 3, "requested_at": "x"}]}]},
        ]
        for document in odd:
            self.assertTrue(tables(document, Look(now=NOW)).endswith("\n"))


class _Daemon:
    """Answers one connection on a Unix socket with fixed bytes, in a thread of its own."""

    def __init__(self, path: str, answer: bytes) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(1)
        self._listening.settimeout(20)
        self._answer = answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._listening, contextlib.suppress(OSError):
            connection, _ = self._listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)

    def end(self) -> None:
        self._thread.join()


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = socket_path(self.directory)

    def _serve(self, body: bytes, code: bytes = b"200 OK") -> None:
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self.addCleanup(_Daemon(self.path, head % (code, len(body)) + body).end)

    def _command(self, *words: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        status.register(parser.add_subparsers())
        arguments = parser.parse_args(["status", *words])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = arguments.run(arguments)
        return code, out.getvalue(), err.getvalue()

    def test_tables(self) -> None:
        """The command prints the tables of what the daemon says."""
        self._serve(json.dumps(STATUS).encode())
        code, out, err = self._command("--socket", self.path)
        self.assertEqual((0, ""), (code, err))
        self.assertIn("factory1-00.example.com  example", out)

    def test_json(self) -> None:
        """For programs the daemon's own document is printed."""
        self._serve(json.dumps(STATUS).encode())
        code, out, _ = self._command("--socket", self.path, "--json")
        self.assertEqual((0, STATUS), (code, json.loads(out)))

    def test_config(self) -> None:
        """The socket is found by the configuration's state_dir."""
        config = os.path.join(self.directory, "vcycle.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[settings]\nstate_dir = {self.directory}\nfactory_name = f.example.com\n")
            file.write("[space s.example.com]\nguest_http_port = 0\n")
        self._serve(json.dumps(STATUS).encode())
        code, _, err = self._command("--config", config)
        self.assertEqual((0, ""), (code, err))

    def test_wrong_config(self) -> None:
        """Of a configuration with a mistake the state_dir still counts; the mistake is told."""
        config = os.path.join(self.directory, "vcycle.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[settings]\nstate_dir = {self.directory}\ncolour = blue\n")
        self._serve(json.dumps(STATUS).encode())
        code, out, err = self._command("--config", config)
        self.assertEqual(0, code)
        self.assertIn("factory1-00.example.com", out)
        self.assertIn(f"not usable (see vcycle check); asking the daemon of {self.directory}", err)

    def test_not_running(self) -> None:
        """Without a daemon the exit status is 1, and the text names the socket and the cure."""
        code, out, err = self._command("--socket", self.path)
        self.assertEqual((1, ""), (code, out))
        self.assertIn(self.path, err)
        self.assertIn("start vcycled", err)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        code, _, err = self._command("--socket", self.path)
        self.assertEqual(1, code)
        self.assertIn("nobody answers", err)

    def test_strange_answers(self) -> None:
        """An answer that is no status is said to be none, and never a traceback."""
        for body, code in [(b"[]", b"200 OK"), (b"{", b"200 OK"), (b"", b"404 Not Found")]:
            self._serve(body, code)
            with self.assertRaises(NoAnswer) as caught:
                ask(self.path, "/v1/status")
            self.assertIn(self.path, str(caught.exception))
            os.unlink(self.path)

    def test_silence(self) -> None:
        """A daemon that accepts and says nothing is given up after a while."""
        with socket.socket(socket.AF_UNIX) as hung:
            hung.bind(self.path)
            hung.listen(1)
            with self.assertRaises(NoAnswer) as caught:
                ask(self.path, "/v1/status", seconds=0.01)
        self.assertIn("no answer within", str(caught.exception))
