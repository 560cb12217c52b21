"""Tests for the commands that give the running daemon orders."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.ordered import Ordered
from tests.commands.running import run
from tests.core.values import NOW, observation, running
from vcycle.commands.asking import NoAnswer
from vcycle.commands.ordering import give
from vcycle.core.plan import plan_cycle
from vcycle.core.reasons.planned import planned

SHOWN = {
    "machine": "factory1-00.example.com",
    "uuid": "the-uuid",
    "machinetype": "atlas",
    "state": "running",
    "message": "\x1b[2J300 none",
    "shutdown_time": NOW + 600,
    "timeline": [{"at": NOW, "what": "requested"}],
    "console": ["login:", "\x1b[31mred"],
}
DRAINS = {
    "drains": [
        {
            "space": None,
            "machinetype": "atlas",
            "reason": "repairs",
            "by": "ann",
            "since": NOW,
            "until": NOW + 600,
        }
    ]
}


class OrdersTests(SynchronousTestCase):
    def daemon(self, **answers: Mapping[str, Any]) -> Ordered:
        return Ordered(self, answers)

    def test_drain(self) -> None:
        """A drain is ordered with its target, reason and end, and what is drained is printed."""
        daemon = self.daemon(drain=DRAINS)
        words = ("drain", "atlas", "--for", "1d12h", "-r", "repairs", "--socket", daemon.path)
        status, out, err = run(*words, "-s", "s.test")
        self.assertEqual((0, ""), (status, err))
        self.assertEqual(
            "atlas of all spaces: drained by ann until 2023-11-14 22:23:20Z: repairs\n", out
        )
        [order] = daemon.orders
        wanted = ("atlas", "repairs", 129600.0, None, "s.test")
        keys = ("machinetype", "reason", "seconds", "until", "space")
        self.assertEqual(wanted, tuple(order[key] for key in keys))

    def test_until(self) -> None:
        """An end may be a moment, by the calendar or in Unix seconds."""
        daemon = self.daemon(drain=DRAINS)
        for until, at in (("1700000000", NOW), ("2023-11-14T22:13:20Z", NOW)):
            run("drain", "--until", until, "--socket", daemon.path)
            self.assertEqual(at, daemon.orders[-1]["until"])

    def test_wrong_end(self) -> None:
        """An end that is none is a wrong command line."""
        for words in (("--for", "soon"), ("--for", "1"), ("--for", "h"), ("--until", "noon")):
            status, _, err = run("drain", *words, "--socket", "/nowhere")
            self.assertEqual(2, status)
            self.assertIn("expected such as", err)

    def test_resume(self) -> None:
        """What was drained is resumed; what was not is told, and fails."""
        daemon = self.daemon(resume={"ended": 1, "drains": []})
        self.assertEqual(
            (0, "Nothing is drained.\n", ""), run("resume", "atlas", "--socket", daemon.path)
        )
        daemon = self.daemon(resume={"ended": 0, **DRAINS})
        status, out, err = run("resume", "--socket", daemon.path)
        self.assertEqual(1, status)
        self.assertIn("the factory was not drained so", err)
        self.assertIn("atlas of all spaces", out)

    def test_show(self) -> None:
        """A machine is shown line by line, and nothing of it steers a terminal."""
        daemon = self.daemon(show={"shown": SHOWN})
        status, out, _ = run("show", "factory1-00", "--socket", daemon.path)
        self.assertEqual(0, status)
        self.assertIn("  state:        running\n", out)
        self.assertIn("requested\n", out)
        self.assertIn("?[31mred\n", out)
        self.assertTrue(out.replace("\n", "").isprintable())
        _, out, _ = run("show", "factory1-00", "-o", "json", "--socket", daemon.path)
        self.assertEqual("the-uuid", json.loads(out)["shown"]["uuid"])

    def test_destroy(self) -> None:
        """The very machine that was shown is destroyed, with --yes."""
        daemon = self.daemon(show={"shown": SHOWN}, destroy={"machine": "m", "uuid": "the-uuid"})
        status, out, _ = run("destroy", "factory1-00", "--yes", "--socket", daemon.path)
        self.assertEqual((0, "m (the-uuid) is being destroyed\n"), (status, out))
        self.assertEqual("the-uuid", daemon.orders[1]["machine"])

    def test_destroy_unasked(self) -> None:
        """Without --yes, and nobody to ask, nothing is destroyed."""
        daemon = self.daemon(show={"shown": SHOWN})
        self.patch(os, "isatty", lambda fd: False)
        with open(os.devnull, encoding="utf-8") as nobody:
            self.patch(__import__("sys"), "stdin", nobody)
            status, _, err = run("destroy", "factory1-00", "--socket", daemon.path)
        self.assertEqual(1, status)
        self.assertIn("--yes", err)
        self.assertEqual(["show"], [order["order"] for order in daemon.orders])

    def test_plan(self) -> None:
        """A plan is printed as what a cycle would do."""
        seen = observation([running()])
        daemon = self.daemon(plan={"spaces": [planned(seen, plan_cycle(seen))]})
        status, out, _ = run("plan", "--socket", daemon.path)
        self.assertEqual(0, status)
        self.assertIn("nothing is done", out)
        self.assertEqual(7, out.count("share 1, "))
        _, out, _ = run("plan", "-o", "json", "--socket", daemon.path)
        self.assertEqual(7, len(json.loads(out)["spaces"][0]["create"]))

    def test_orphans(self) -> None:
        """Orphans are a table and the exit status 3; what was not looked at is no good news."""
        found = {"kind": "machine", "what": "m", "state": "running", "why": "is in no record"}
        for answer, status in (
            ({"orphans": [found], "problems": []}, 3),
            ({"orphans": [], "problems": []}, 0),
            ({"orphans": [], "problems": ["no answer"]}, 1),
        ):
            daemon = self.daemon(orphans=answer)
            self.assertEqual(status, run("orphans", "--socket", daemon.path)[0])

    def test_refused(self) -> None:
        """What the daemon cannot do is said in its words, on one line."""
        daemon = self.daemon(plan={"error": "no\nway"})
        status, out, err = run("plan", "--socket", daemon.path)
        self.assertEqual((1, "", "vcycle plan: no?way\n"), (status, out, err))


class GiveTests(SynchronousTestCase):
    def refusal(self, path: str) -> str:
        with self.assertRaises(NoAnswer) as caught:
            give(path, {"order": "x"}, seconds=1.0)
        return str(caught.exception)

    def test_nobody(self) -> None:
        """Without a daemon the cure is to start it."""
        directory = tempfile.mkdtemp()
        path = os.path.join(directory, "s")
        self.assertIn("start vcycled", self.refusal(path))
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        self.assertIn("start vcycled", self.refusal(path))
        os.unlink(path)
        os.rmdir(directory)

    def test_not_ours(self) -> None:
        """Who is not in the group is told which one it is."""

        def refused(self: socket.socket, path: str) -> None:
            raise PermissionError(13, "Permission denied")

        daemon = Ordered(self, {})
        self.patch(socket.socket, "connect", refused)
        self.assertRegex(self.refusal(daemon.path), r"member of the group \w+ and log in again")
        self.patch(socket.socket, "connect", __import__("_socket").socket.connect)

    def test_trash(self) -> None:
        """Another program's socket is told to be none of ours."""
        daemon = Ordered(self, {"x": [1]})  # type: ignore[dict-item]
        self.assertIn("control socket?", self.refusal(daemon.path))
