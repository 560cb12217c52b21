"""Tests for vcycle.store.ended: what is found of machines that are over, and within what bounds."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, ended, record
from tests.inplace import in_place
from vcycle.core.errors import StoreError
from vcycle.core.machine import Record, Traces
from vcycle.core.recordtext import encode
from vcycle.store.ended import Ended
from vcycle.store.machines import MachineStore

NAME = "factory1-00.example.com"


class EndedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = Path(self.mktemp()).absolute()
        self.machines = self.state_dir / "spaces" / SPACE / "machines"
        self.ended = Ended(str(self.state_dir))

    def keep(self, *records: Record) -> None:
        store = MachineStore(str(self.state_dir), SPACE, in_place)
        for work in (store.open(), store.save(records)):
            self.successResultOf(Deferred.fromCoroutine(work))

    def uuid(self, name: str) -> str | None:
        found = self.ended.find(SPACE, name)
        return None if found is None else found.uuid

    def test_nothing(self) -> None:
        """Where there are no machines none is found, by whatever name."""
        for name in ("", ".", "..", "/", "x", NAME, ended().uuid):
            self.assertIsNone(self.ended.find(SPACE, name))
        self.assertEqual(Traces(), self.ended.traces(ended()))

    def test_newest(self) -> None:
        """A name is that of the slot's newest machine by birth, however digits sort."""
        of_slot = [ended(n, name=NAME, born=born) for n, born in enumerate((999, 1000, 998))]
        self.keep(*of_slot)
        for name in (NAME, "factory1-00"):
            self.assertEqual(of_slot[1].uuid, self.uuid(name))
        for each in of_slot:
            self.assertEqual(each.uuid, self.uuid(each.uuid))
        for name in ("factory1", "factory1-0", "factory1-00.example", "00.example.com", "pilot"):
            self.assertIsNone(self.uuid(name))

    def test_living(self) -> None:
        """A machine that is not over is none of these, nor does it hide the one before it."""
        self.keep(ended(0, name=NAME), record(1, name=NAME, born=int(NOW) + 1))
        self.assertEqual(ended(0).uuid, self.uuid(NAME))
        self.assertIsNone(self.uuid(record(1).uuid))

    def test_damaged(self) -> None:
        """Whatever else lies there is passed over."""
        self.keep(ended(0))
        for name, content in (
            ("9999999999_pilot_" + NAME, encode(ended(5))),
            ("9999999998_pilot_" + NAME, "{"),
            (".9999999997_pilot_" + NAME, encode(ended(6))),
            ("x_" + NAME, ""),
        ):
            (self.machines / name).mkdir()
            (self.machines / name / "record.json").write_text(content)
        (self.machines / ("9999999996_pilot_" + NAME)).write_text("")
        pipe = self.machines / ("9999999995_pilot_" + NAME)
        pipe.mkdir()
        os.mkfifo(pipe / "record.json")
        other = ended(7, space="other.test", born=2_000_000_000)
        (self.machines / other.directory).mkdir()
        (self.machines / other.directory / "record.json").write_text(encode(other))
        self.assertEqual(ended(0).uuid, self.uuid(NAME))
        self.assertIsNone(self.uuid(other.uuid))

    def test_bounded(self) -> None:
        """A uuid is looked for among the newest machines; that there are more is told."""
        self.keep(*(ended(n, born=int(NOW) + n) for n in range(4)))
        self.ended = Ended(str(self.state_dir), 3)
        self.assertEqual(ended(1).uuid, self.uuid(ended(1).uuid))
        error = self.assertRaises(StoreError, self.ended.find, SPACE, ended(0).uuid)
        self.assertIn(f"the newest 3 machines of {SPACE}", str(error))
        self.assertEqual(ended(0).uuid, self.uuid(ended(0).name))
        self.assertIsNone(self.uuid("factory1-09"))
