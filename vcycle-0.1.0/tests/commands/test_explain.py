"""Tests for vcycle.commands.explain and vcycle.commands.top."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.running import run
from tests.core.values import NOW, machinetype, observation, running, space
from vcycle.commands.statustables import Look
from vcycle.commands.top import Former, screen
from vcycle.commands.views.reasons import explained
from vcycle.core.backoff import History
from vcycle.core.observation import Observation
from vcycle.core.plan import plan_cycle
from vcycle.core.reasons.document import explain_text
from vcycle.core.snapshot import Snapshot, status_text

LOOK = Look(now=NOW + 5)


def snapshot(seen: Observation) -> Snapshot:
    plan = plan_cycle(seen)
    return Snapshot(
        space=seen.space,
        taken_at=seen.now,
        machines=plan.machines,
        verdicts=plan.verdicts,
        reasons=plan.reasons,
    )


def seen(**changes: Any) -> Observation:
    types = machinetype("atlas", target_share=3.0), machinetype("lhcb", backoff_seconds=3600)
    of = space(*types, processors_per_superslot=4, **changes)
    machine = running(machinetype="atlas", cpu_seconds=10.0)
    aborted = {"lhcb": History(last_abort=NOW - 60, abort_message="300 No\x1b work")}
    return observation([machine], space=of, histories=aborted)


def documents(of: Observation) -> dict[str, bytes]:
    return {
        "/v1/status": status_text([snapshot(of)], written=NOW, version="1"),
        "/v1/explain": explain_text([snapshot(of)], written=NOW),
    }


class Daemon:
    """Serves documents where a daemon does."""

    def __init__(self, case: SynchronousTestCase, content: Mapping[str, bytes]) -> None:
        directory = tempfile.mkdtemp()
        case.addCleanup(shutil.rmtree, directory)
        self.path = os.path.join(directory, "vcycled.sock")

        class Asked(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content[self.path])

            def address_string(self) -> str:
                return "-"

            def log_message(self, *words: Any) -> None:
                """Nothing."""

        server = ThreadingUnixStreamServer(self.path, Asked)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        case.addCleanup(thread.join, 10)
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)


class ExplainTests(SynchronousTestCase):
    def text(self, of: Observation, only: str | None = None) -> str:
        [told] = json.loads(explain_text([snapshot(of)], written=NOW))["spaces"]
        return explained(told, LOOK, only)

    def test_all(self) -> None:
        """Rules come in their order, then each machinetype's, the order of need, what is left."""
        text = self.text(seen())
        places = [
            text.index(part)
            for part in (
                "Rules for all machinetypes",
                "draining ",
                "total_processors",
                "\natlas: started",
                "\nlhcb: backing-off: backing off for another 59m 00s",
                "Next change: 2023-11-14 23:12:20Z (in 58m 55s): the first cycle after back-off",
                "Order of need",
                "Left after that: 0 processors",
            )
        ]
        self.assertEqual(sorted(places), places, text)

    def test_one(self) -> None:
        """One machinetype alone has the rules for all, and its own."""
        text = self.text(seen(), "atlas")
        self.assertNotIn("lhcb: ", text)
        self.assertIn("problems", text)

    def test_printable(self) -> None:
        """What machines say steers no terminal."""
        text = self.text(seen())
        self.assertIn("300 No", text)
        self.assertTrue(text.replace("\n", "").isprintable())

    def test_superslots(self) -> None:
        """What is kept for others is told."""
        of = evolve(seen(), ready={"atlas": "no image", "lhcb": "no image"})
        self.assertIn("with those of 2023-11-15 22:13:20Z: 3 processors (there: 1)", self.text(of))

    def test_command(self) -> None:
        """The command asks the daemon; JSON is the daemon's document, of one machinetype or all."""
        daemon = Daemon(self, documents(seen()))
        status, out, err = run("explain", "--socket", daemon.path)
        self.assertEqual((0, ""), (status, err))
        self.assertIn("lhcb: backing-off", out)
        _, out, _ = run("explain", "lhcb", "-o", "json", "--socket", daemon.path)
        [told] = json.loads(out)["spaces"]
        self.assertEqual(["lhcb"], [kind["machinetype"] for kind in told["machinetypes"]])

    def test_unknown(self) -> None:
        """A machinetype or a space that is not there is told."""
        daemon = Daemon(self, documents(seen()))
        for words, told in ((("cms",), "atlas, lhcb"), (("-s", "x"), "no such space")):
            status, out, err = run("explain", *words, "--socket", daemon.path)
            self.assertEqual((1, ""), (status, out))
            self.assertIn(told, err)

    def test_nobody(self) -> None:
        """Without a daemon it fails, with the cure."""
        for command in ("explain", "top"):
            status, _, err = run(command, "--socket", "/nowhere/vcycled.sock")
            self.assertEqual(1, status)
            self.assertIn("start vcycled", err)


class TopTests(SynchronousTestCase):
    def shown(self, of: Observation, former: Former) -> str:
        content = documents(of)
        status, reasons = (json.loads(content[f"/v1/{name}"]) for name in ("status", "explain"))
        return screen(status, reasons, former, LOOK)

    def test_busy(self) -> None:
        """Who used most between two looks is first; before there are two, nothing is known."""
        former: Former = {}
        first = self.shown(seen(), former)
        self.assertIn(" running     1     -", first)
        machine = running(machinetype="atlas", cpu_seconds=40.0)
        later = evolve(seen(), now=NOW + 60, records=(machine,))
        self.assertIn(" running     1    50", self.shown(later, former))
        self.assertIn(" running     1    50", self.shown(later, former))

    def test_kinds(self) -> None:
        """Each machinetype has what it wants and has of the processors, and its verdict."""
        text = self.shown(seen(), {})
        self.assertRegex(text, r"atlas +3 +1 +0 +75\.0 +100\.0 +started")
        self.assertRegex(text, r"lhcb +1 +0 +0 +25\.0 +0\.0 +backing-off +2023-11-14 23:12:20Z")

    def test_nothing(self) -> None:
        """A daemon that has not done anything yet has nothing to show."""
        self.assertIn("No space", screen({}, {}, {}, LOOK))

    def test_command(self) -> None:
        """It looks as often as it is told to."""
        daemon = Daemon(self, documents(seen()))
        status, out, _ = run("top", "-n", "2", "-d", "0.1", "--socket", daemon.path)
        self.assertEqual((0, 2), (status, out.count("Space vac01.example.com")))
        status, out, err = run("top", "-n", "1", "-s", "x", "--socket", daemon.path)
        self.assertEqual((1, ""), (status, out))
        self.assertIn("there is no space 'x' here; there are: vac01.example.com", err)
        for words in (("-n", "0"), ("-d", "0"), ("-d", "x"), ("-n", "x")):
            self.assertEqual(2, run("top", *words)[0])
