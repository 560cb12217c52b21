"""Tests for vcycle.daemon.control, on a real cycle over verified fakes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, foreign, machinetype, mark, running, sighting, space
from tests.daemon.ground import Ground, cycle_of
from tests.daemon.spoken import listening
from tests.inplace import in_place
from vcycle.core.disks import volume_name
from vcycle.core.errors import HostFault, VcycleError
from vcycle.daemon.control import Control
from vcycle.daemon.drains import Drains
from vcycle.daemon.showing import LINE_LENGTH, TAIL_LINES, tail
from vcycle.monitor.control import Caller
from vcycle.store.leftovers import leftovers

CALLER = Caller(uid=os.getuid(), pid=77)


class ControlCase(SynchronousTestCase):
    def setUp(self) -> None:
        place = Path(self.mktemp()).absolute()
        place.mkdir(parents=True)
        self.ground = Ground()
        self.runner = self.ground.runner(space(machinetype(), machinetype("probe", target_share=0)))
        self.drains = Drains(str(place / "drains.json"), in_place, self.ground.now)
        self.woken = 0
        self.control = Control(
            lambda: {SPACE: self.runner}, self.wake, self.drains, self.ground.now, in_place
        )

    def wake(self) -> None:
        self.woken += 1

    def cycle(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.runner.run(early=False)))
        cycle_of(self.runner).drains = self.drains.known

    def order(self, kind: object, **more: object) -> Any:
        answer = self.control.answer({"order": kind, **more}, CALLER)
        return self.successResultOf(Deferred.fromCoroutine(answer))

    def refused(self, kind: object, **more: object) -> str:
        answer = self.control.answer({"order": kind, **more}, CALLER)
        failure = self.failureResultOf(Deferred.fromCoroutine(answer))
        failure.trap(VcycleError)
        return str(failure.value)


class OrderTests(ControlCase):
    def test_unknown(self) -> None:
        """What is no order is refused."""
        for kind in ("dance", 7, None, ["plan"]):
            self.assertIn("no such order", self.refused(kind))

    def test_early(self) -> None:
        """Before the first cycle nothing can be said of machines."""
        for kind in ("plan", "orphans"):
            self.assertIn("first cycle", self.refused(kind))
        self.assertIn("first cycle", self.refused("show", machine="x"))

    def test_space(self) -> None:
        """A space that is not there is told, with those that are."""
        self.assertIn(SPACE, self.refused("plan", space="other.test"))

    def test_plan(self) -> None:
        """A plan tells what would be done of each space."""
        self.cycle()
        [told] = self.order("plan")["spaces"]
        self.assertEqual((SPACE, []), (told["space"], told["create"]))
        self.assertEqual("full", told["machinetypes"][0]["verdict"])


class DrainTests(ControlCase):
    def test_drain(self) -> None:
        """A drained factory starts nothing from the next cycle on, until it is resumed."""
        self.cycle()
        with listening() as said:
            [drain] = self.order("drain", reason="repairs", seconds=600)["drains"]
        self.assertEqual(("repairs", NOW + 600), (drain["reason"], drain["until"]))
        self.assertEqual(1, self.woken)
        self.assertRegex(
            said[0], r"^info: Ordered by \S+ \(uid \d+, pid 77\): drain all .*: repairs$"
        )
        self.cycle()
        self.assertEqual("vetoed", self.ground.published[-1].verdicts[0].word)
        self.assertEqual(1, self.order("resume")["ended"])
        self.cycle()
        self.assertEqual("full", self.ground.published[-1].verdicts[0].word)
        self.assertEqual(0, self.order("resume")["ended"])

    def test_machinetype(self) -> None:
        """One machinetype alone can be drained; it has to be there."""
        self.cycle()
        self.assertIn("pilot, probe", self.refused("drain", machinetype="pilots"))
        self.order("drain", machinetype="pilot")
        self.cycle()
        verdict = self.ground.published[-1].verdicts[0]
        self.assertEqual("drained", verdict.word)
        self.assertIn("no reason was given", verdict.text)

    def test_ends(self) -> None:
        """An end that is none is refused."""
        ends: tuple[dict[str, object], ...] = (
            {"seconds": 0},
            {"seconds": "soon"},
            {"until": NOW - 1},
            {"until": 1e300},
            {"until": float("nan")},
            {"until": [1]},
            {"seconds": 10**400},
        )
        for end in ends:
            self.assertIn("in the future", self.refused("drain", **end))

    def test_texts(self) -> None:
        """What could steer a terminal, or fill a disk, is refused."""
        for reason in ("\x1b[2J", "x" * 201, 7):
            self.assertIn("printable", self.refused("drain", reason=reason))

    def test_unknown_drains(self) -> None:
        """Where it is not known what is drained nothing is made, and why is told."""
        Path(self.drains.path).write_text("{")
        self.cycle()
        self.cycle()
        self.assertIn("remove it", self.ground.published[-1].problems[0])


class DestroyTests(ControlCase):
    def test_destroy(self) -> None:
        """A machine is destroyed as by supervision: its record says why, and it is no abort."""
        self.cycle()
        record = next(iter(cycle_of(self.runner).knowledge.records.values()))
        short = record.name.partition(".")[0]
        with listening() as said:
            self.assertEqual(record.uuid, self.order("destroy", machine=short)["uuid"])
        self.assertIn(f"destroy {record.name}", said[0])
        self.assertEqual(1, self.ground.wakes)
        self.assertIn(record.uuid, self.ground.provider.machines)
        self.cycle()
        self.assertNotIn(record.uuid, self.ground.provider.machines)
        self.cycle()
        over = self.ground.disk.records[record.directory]
        self.assertRegex(over.message or "", "^destroyed by ")
        self.assertFalse(over.abort)

    def test_during_a_cycle(self) -> None:
        """An order that comes while a cycle is at work is not lost."""
        self.cycle()
        knowledge = cycle_of(self.runner).knowledge
        record = next(iter(knowledge.records.values()))
        self.ground.provider.hang = True
        running_cycle = Deferred.fromCoroutine(self.runner.run(early=False))
        self.order("destroy", machine=record.uuid)
        self.ground.provider.hang = False
        self.ground.provider.release()
        self.successResultOf(running_cycle)
        self.cycle()
        self.assertNotIn(record.uuid, self.ground.provider.machines)

    def test_no_machine(self) -> None:
        """A machine that is not there is told; one that is over as well."""
        self.cycle()
        self.assertIn("no such machine", self.refused("destroy", machine="x"))
        self.assertIn("which?", self.refused("destroy"))
        record = next(iter(cycle_of(self.runner).knowledge.records.values()))
        self.order("destroy", machine=record.name)
        self.cycle()
        self.cycle()
        self.assertIn("over already", self.refused("destroy", machine=record.uuid))


class ShowTests(ControlCase):
    def test_show(self) -> None:
        """A machine is shown with its times in order, and without its secret."""
        self.cycle()
        record = next(iter(cycle_of(self.runner).knowledge.records.values()))
        self.ground.reactor.advance(60)
        self.cycle()
        shown = self.order("show", machine=record.uuid)["shown"]
        self.assertEqual((record.name, "running"), (shown["machine"], shown["state"]))
        times = [moment["at"] for moment in shown["timeline"]]
        self.assertEqual(sorted(times), times)
        self.assertNotIn(record.secret, repr(shown))

    def test_tail(self) -> None:
        """Of a console only the end is shown, and nothing that steers a terminal."""
        path = Path(self.mktemp())
        path.write_bytes(b"old\n" * 10_000 + b"\x1b]0;x\x07last\xff\r\n" + b"y" * 2000 + b"\n\n\n")
        lines = tail(str(path))
        self.assertEqual(TAIL_LINES, len(lines))
        self.assertEqual(["?]0;x?last\ufffd", "y" * LINE_LENGTH], lines[-2:])
        self.assertTrue(all(line.isprintable() for line in lines))

    def test_no_console(self) -> None:
        """Nothing but a plain file is a console."""
        place = Path(self.mktemp())
        place.mkdir(parents=True)
        os.mkfifo(place / "pipe")
        os.symlink("/etc/passwd", place / "link")
        for name in ("none", "pipe", "link", "."):
            self.assertEqual([], tail(str(place / name)))


class OrphanTests(ControlCase):
    def test_orphans(self) -> None:
        """Machines that concern us and are in no record are told; others are nobody's business."""
        self.cycle()
        machines = self.ground.provider.machines
        lost = running(90, name="factory1-90.example.com", slot=90)
        strangers = [
            sighting(lost),
            sighting(running(91), mark=mark(running(91), owner="another")),
            sighting(running(92), mark=mark(running(92), space="gone.test")),
            foreign(1),
            evolve(foreign(2), name="factory1-93.example.com"),
        ]
        for each in strangers:
            machines[each.uuid] = each
        found = {each["uuid"]: each["why"] for each in self.order("orphans")["orphans"]}
        self.assertEqual(4, len(found), found)
        for each, why in zip(
            strangers, ("no record", "another Vcycle", "gone.test", "", "name of")
        ):
            self.assertIn(why, found.get(each.uuid, ""))

    def test_none(self) -> None:
        """A factory in order has none."""
        self.cycle()
        self.assertEqual({"orphans": [], "problems": []}, self.order("orphans"))

    def test_lent(self) -> None:
        """Volumes and exports of no machine are told, and left as they are."""
        self.runner.space = evolve(self.runner.space, volume_group="vg0", sharing="nfs")
        self.cycle()
        name = volume_name(running(91).uuid, "root")
        volumes, table = self.ground.volumes.volumes, self.ground.exports.table
        volumes["vg0", name] = 10**9
        volumes["vg0", "home"] = 10**9
        table["/srv", "192.168.7.99"] = True
        table["/srv", "192.0.2.1"] = True
        before = dict(volumes), dict(table)
        found = [(each["kind"], each["what"]) for each in self.order("orphans")["orphans"]]
        self.assertEqual([("volume", f"vg0/{name}"), ("export", "/srv to 192.168.7.99")], found)
        self.assertEqual(before, (volumes, table))

    def test_lent_unseen(self) -> None:
        """What cannot be looked at is a problem, no good news."""
        self.runner.space = evolve(self.runner.space, volume_group="vg0", sharing="nfs")
        self.cycle()
        self.ground.volumes.broken = HostFault("no pool vg0")
        self.ground.exports.broken = HostFault("no exportfs")
        self.assertEqual(["no pool vg0", "no exportfs"], self.order("orphans")["problems"])

    def test_files(self) -> None:
        """Disks of machines that are over, and directories of nobody, are told."""
        place = Path(self.mktemp()).absolute()
        for path in ("a/machines/1_x_m/root.qcow2", "a/machines/2_x_m/root.qcow2", "b/machines/k"):
            (place / "spaces" / path).parent.mkdir(parents=True, exist_ok=True)
            (place / "spaces" / path).write_text("x")
        (place / "spaces/a/machines-damaged/3_x_m").mkdir(parents=True)
        found = leftovers(str(place), {"a": frozenset(["1_x_m"])})
        self.assertEqual(
            [
                ("disk", "a/machines/2_x_m/root.qcow2"),
                ("directory", "a/machines-damaged/3_x_m"),
                ("space", "b"),
            ],
            [
                (each["kind"], os.path.relpath(str(each["what"]), place / "spaces"))
                for each in found
            ],
        )
