"""Tests for vcycle factories and vcycle machines."""

from __future__ import annotations

import argparse
import json

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.responding import NOW, SPACE, answering, machine, running, serve, status
from tests.commands.running import run
from vcycle.commands.choosing import Chosen
from vcycle.commands.views import factories, machines
from vcycle.commands.views.columns import Look
from vcycle.commands.views.gathered import Gathered
from vcycle.core.vacquery.messages import Answer, FactoryStatus

ONE, TWO = "factory1.example.com", "factory2.example.com"
FACTORIES = """\
FACTORY   CPUS  MACHINES  LOAD  ROOT DISK  STATE DISK        MEMORY  BEAT  ANSWERS  VERSION
factory1   1/4       1/4  1.87      39GiB      775GiB  58GiB/125GiB   20s       5s  Vcycle 0.1.0
factory2     -         -     -          -           -             -     -        -  -
"""
MACHINES = """\
MACHINE                  MACHINETYPE  STATE      CPUS    AGE   CPU%   NOW%  LAST MESSAGE
factory1-00.example.com  example      running       1  2h00m  95.0%  97.4%  -
factory1-01.example.com  example      shut-down     1  2h00m  95.0%      -  200 Success
factory1-02.example.com  -            empty         -      -      -      -  -
"""


def gathered(*answers: Answer) -> Gathered:
    chosen = Chosen(space=SPACE, factories=(ONE, TWO), port=995, seconds=10.0)
    return Gathered(
        chosen=chosen, answers=answers, unreachable={}, taken_at=NOW + 5000.0, seconds=0.2
    )


class FactoriesTests(SynchronousTestCase):
    def text(self, look: Look, *answers: Answer) -> str:
        arguments = argparse.Namespace(sort=())
        return factories.QUESTION.view(gathered(*answers), arguments).text(look)

    def test_text(self) -> None:
        """What is in use of all, free disks, and the ages of heartbeats; nothing is a dash."""
        bare = FactoryStatus(cookie=None, space=SPACE, factory=TWO)
        self.assertEqual(
            FACTORIES, self.text(Look(), status(ONE, daemon_version="Vcycle 0.1.0"), bare)
        )

    def test_stale(self) -> None:
        """A heartbeat that is old stands out."""
        old = status(ONE, factory_heartbeat_time=NOW - 7200)
        self.assertIn("\x1b[31m2h00m\x1b[0m", self.text(Look(colour=True), old))
        self.assertNotIn("\x1b", self.text(Look(colour=True), status(ONE)))

    def test_wide(self) -> None:
        """A wide table tells of the host too."""
        text = self.text(Look(wide=True), status(ONE))
        for part in ("10.5/42.0", "0/8.0GiB", "10d00h", "5.14.0-503.el9.x86_64", "EXAMPLE-SITE"):
            self.assertIn(f"  {part}", text)

    def test_capitals(self) -> None:
        """A host that writes its name in capitals is the same factory."""
        text = self.text(Look(headers=False), status("Factory1.Example.COM"))
        self.assertTrue(text.startswith("factory1  "), text)

    def test_sorted(self) -> None:
        """Names and objects are in the order that rows have."""
        answers = (status(ONE, load_average=0.5), status(TWO, load_average=3.0))
        view = factories.QUESTION.view(gathered(*answers), argparse.Namespace(sort=("-load",)))
        self.assertEqual([TWO, ONE], list(view.names))
        [first, second] = json.loads(json.dumps(view.objects))["factories"]
        self.assertEqual((TWO, ONE), (first["factory"], second["factory"]))
        self.assertTrue(view.text(Look(headers=False)).startswith("factory2 "))

    def test_json(self) -> None:
        """For programs there are the fields of the protocol."""
        address = "127.0.3.7"
        port = serve(self, {address: answering([status(address)])}).port
        code, out, err = run("factories", "-s", SPACE, "--port", str(port), "-J", address)
        self.assertEqual((0, ""), (code, err))
        [row] = json.loads(out)["factories"]
        self.assertEqual(
            (address, 4, 1.87), tuple(map(row.get, ("factory", "max_processors", "load_average")))
        )
        self.assertEqual(set(), {"cookie", "space"} & set(row))


class MachinesTests(SynchronousTestCase):
    ANSWERS = (
        running(ONE, "00"),
        running(ONE, "01", state="Shut down", shutdown_message="200 Success"),
        machine(ONE, "02"),
    )

    def test_text(self) -> None:
        """Every slot is shown, with its last machine where there was one."""
        view = machines.QUESTION.view(gathered(*self.ANSWERS), argparse.Namespace(sort=()))
        self.assertEqual(MACHINES, view.text(Look()))

    def test_sorted(self) -> None:
        """Names and objects are in the order that rows have."""
        sorting = argparse.Namespace(sort=("-state",))
        view = machines.QUESTION.view(gathered(*self.ANSWERS), sorting)
        slots = [name.partition(".")[0] for name in view.names]
        self.assertEqual(["factory1-01", "factory1-00", "factory1-02"], slots)
        told = json.loads(json.dumps(view.objects))["machines"]
        self.assertEqual(list(view.names), [each["machine"] for each in told])

    def test_models(self) -> None:
        """How machines run is told in the family's letters."""
        told = [
            evolve(self.ANSWERS[0], machine_model=model, machine=f"factory1-{model}.example.com")
            for model in ("cernvm3", "docker", "singularity")
        ]
        view = machines.QUESTION.view(gathered(*told), argparse.Namespace(sort=()))
        for letters in ("VM", "DC", "SC"):
            self.assertIn(f"  {letters}  ", view.text(Look(wide=True)))

    def test_command(self) -> None:
        """It asks and prints like the others."""
        address = "127.0.3.8"
        answers: list[Answer] = [running(address, "00"), machine(address, "01"), status(address)]
        port = serve(self, {address: answering(answers)}).port
        code, out, err = run("machines", "-s", SPACE, "--port", str(port), address, "-o", "name")
        self.assertEqual((0, "127-00.0.3.8\n127-01.0.3.8\n", ""), (code, out, err))
