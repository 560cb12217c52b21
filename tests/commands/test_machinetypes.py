"""Tests for vcycle machinetypes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.responding import NOW, SPACE, answering, machinetype, serve, status
from tests.commands.running import run
from vcycle.commands.choosing import Chosen
from vcycle.commands.views.columns import Look
from vcycle.commands.views.gathered import Gathered, View
from vcycle.commands.views.machinetypes import QUESTION

CONFIGURATION = f"""\
[settings]
factory_name = {{address}}
factories = . 127.0.3.9
vacquery_port = {{port}}
[space {SPACE}]
[machinetype {SPACE} prod]
root_image = /images/prod
user_data = prod.user_data
"""
ONE, TWO = "factory1.example.com", "factory2.example.com"
BUSY = {"running_hs06": 42.0, "running_machines": 4, "running_processors": 4.0}
ENDED = {"shutdown_message": "300 Nothing to do", "shutdown_machine": "factory2-00.example.com"}
ANSWERS = (
    machinetype(ONE, "prod", **BUSY, num_before_fizzle=1),
    machinetype(TWO, "prod", **BUSY, shutdown_time=NOW - 7200, **ENDED),
    machinetype(ONE, "analysis", shutdown_time=NOW - 600, shutdown_message="no words"),
    machinetype(TWO, "analysis", shutdown_time=NOW - 90, time_sent=NOW - 60, **ENDED),
)
TEXT = """\
MACHINETYPE  FACTORIES  MACHINES  CPUS  HS06   SHARE  TARGET  YOUNG  LAST END  LAST MESSAGE
analysis             2         0     0   0.0    0.0%   25.0%      0       30s  300 Nothing to do
idle                 0         0     0   0.0    0.0%    0.0%      0         -  -
prod                 2         8     8  84.0  100.0%   75.0%      1     2h00m  300 Nothing to do

MACHINETYPE  FACTORY   MACHINES  CPUS  HS06  YOUNG  LAST END  LAST MESSAGE
analysis     factory1         0     0   0.0      0       10m  no words
analysis     factory2         0     0   0.0      0       30s  300 Nothing to do
prod         factory1         4     4  42.0      1         -  -
prod         factory2         4     4  42.0      0     2h00m  300 Nothing to do
"""
GATHERED = Gathered(
    chosen=Chosen(
        space=SPACE,
        factories=(ONE, TWO),
        port=995,
        seconds=10.0,
        shares={"analysis": 1.0, "prod": 3.0, "idle": 0.0},
    ),
    answers=ANSWERS,
    unreachable={},
    taken_at=NOW + 5000.0,
    seconds=0.2,
)


def view(gathered: Gathered = GATHERED, name: str | None = None, *sort: str) -> View:
    chosen = evolve(gathered.chosen, machinetype=name)
    return QUESTION.view(evolve(gathered, chosen=chosen), argparse.Namespace(sort=sort))


class ViewTests(SynchronousTestCase):
    def test_text(self) -> None:
        """Each machinetype in the whole space, then on each factory; ages by their clocks."""
        self.assertEqual(TEXT, view().text(Look()))

    def test_one(self) -> None:
        """One machinetype is shown with its share of the whole space."""
        lines = view(GATHERED, "prod").text(Look()).splitlines()
        self.assertEqual(6, len(lines))
        self.assertIn("100.0%   75.0%", lines[1])

    def test_none(self) -> None:
        """A machinetype that nobody knows is wrong; one that no factory has is just not there."""
        wrong = f"no machinetype nosuch in {SPACE}; there are analysis, idle, prod"
        self.assertEqual(wrong, view(GATHERED, "nosuch").wrong)
        self.assertEqual("", view(GATHERED, "nosuch").text(Look()))
        idle = view(GATHERED, "idle")
        self.assertEqual(("", "no machinetype idle"), (idle.wrong, idle.nothing))

    def test_no_headers(self) -> None:
        """Without headers there are the factories' rows only."""
        self.assertEqual(4, len(view().text(Look(headers=False)).splitlines()))

    def test_no_configuration(self) -> None:
        """Without target shares there are no targets; nothing that runs has no share."""
        chosen = evolve(GATHERED.chosen, shares={})
        [prod] = json.loads(
            json.dumps(view(evolve(GATHERED, chosen=chosen), "prod").objects["totals"])
        )
        self.assertEqual((None, None), (prod["target_share"], prod["target_percentage"]))
        idle = evolve(GATHERED, answers=ANSWERS[2:])
        self.assertIn("    -   25.0%", view(idle).text(Look()))

    def test_sorted(self) -> None:
        """Both tables are sorted, each by the columns that it has."""
        lines = view(GATHERED, None, "-hs06", "-factory").text(Look()).splitlines()
        self.assertTrue(lines[1].startswith("prod"))
        self.assertEqual(["prod", "factory2"], lines[6].split()[:2])

    def test_sorted_for_programs(self) -> None:
        """Names and both lists of objects are in the order that the tables have."""
        sorted_view = view(GATHERED, None, "-hs06", "-factory")
        self.assertEqual(["prod", "analysis"], list(sorted_view.names))
        objects = json.loads(json.dumps(sorted_view.objects))
        self.assertEqual([TWO, ONE, TWO, ONE], [row["factory"] for row in objects["machinetypes"]])
        self.assertEqual("prod", objects["totals"][0]["machinetype"])


class CommandTests(SynchronousTestCase):
    def test_json(self) -> None:
        """For programs both are lists of one object, with the names of the protocol."""
        address = "127.0.3.5"
        told = evolve(machinetype(address, "prod", **BUSY, **ENDED), shutdown_time=NOW - 600)
        port = serve(self, {address: answering([told])}).port
        words = ("--space", SPACE, "--port", str(port), "-J")
        code, out, err = run("machinetypes", *words, "--", "prod", address)
        self.assertEqual((0, ""), (code, err))
        document = json.loads(out)
        [row], [total] = document["machinetypes"], document["totals"]
        self.assertEqual(
            (address, "prod", 42.0), (row["factory"], row["machinetype"], row["running_hs06"])
        )
        self.assertEqual((600, 0), (row["shutdown_age_seconds"], row["before_fizzle"]))
        self.assertEqual(
            (1, 4, 100.0),
            (total["factories"], total["running_machines"], total["share_percentage"]),
        )

    def test_nothing(self) -> None:
        """A factory without machinetypes is alive; that there are none is a message."""
        address = "127.0.3.6"
        port = serve(self, {address: answering([status(address)])}).port
        words = ("machinetypes", "--space", SPACE, "--port", str(port))
        self.assertEqual(
            (0, "", f"vcycle machinetypes: no machinetypes in {SPACE}\n"), run(*words, address)
        )
        told = f"vcycle machinetypes: no machinetype prod in {SPACE}; there are none\n"
        self.assertEqual((2, "", told), run(*words, "prod", address))

    def test_unreachable(self) -> None:
        """A machinetype that only a factory may know that did not answer is not called wrong."""
        address, gone = "127.0.3.6", "127.0.3.9"
        port = serve(self, {address: answering([machinetype(address, "prod")])}).port
        words = ("--space", SPACE, "--port", str(port), "other", address, gone)
        code, _, err = run("machinetypes", *words)
        self.assertEqual(1, code)
        self.assertIn(f"no machinetype other in {SPACE}; there are prod\n", err)

    def test_factories(self) -> None:
        """A dot, or a configured factory's name, short or full, is no machinetype."""
        address = "127.0.3.6"
        port = serve(self, {address: answering([machinetype(address, "prod")])}).port
        file = Path(self.mktemp())
        file.write_text(CONFIGURATION.format(address=address, port=port), "utf-8")
        for word in (".", address):
            code, out, err = run("machinetypes", "--config", str(file), "-J", "-t", "5", word)
            self.assertEqual((0, ""), (code, err))
            document = json.loads(out)
            self.assertEqual(1, document["factories_asked"])
            self.assertEqual(["prod"], [row["machinetype"] for row in document["machinetypes"]])
