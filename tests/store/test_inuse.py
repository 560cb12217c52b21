"""Tests for vcycle.store.inuse."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, record
from vcycle.core.machine import Outcome, Record
from vcycle.core.recordtext import encode
from vcycle.store.inuse import images_in_use


class InUseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = Path(self.mktemp())

    def put(self, machine: Record, space: str = "a.test") -> Path:
        place = self.state_dir / "spaces" / space / "machines" / machine.directory
        place.mkdir(parents=True)
        (place / "record.json").write_text(encode(machine), "ascii")
        return place

    def test_in_use(self) -> None:
        """Machines of all spaces count, intents too; those that are over do not."""
        one, two = record(0, image="/x/a"), record(1, image="/x/a", started_at=None)
        self.put(one)
        self.put(two, "b.test")
        self.put(record(2, image="/x/b", ended_at=NOW, outcome=Outcome.COMPLETED))
        over = self.put(record(3, image="/x/c"))
        (over / "finished").touch()
        self.put(record(4, image=None))
        self.assertEqual(
            {"/x/a": tuple(sorted([one.name, two.name]))}, images_in_use(str(self.state_dir))
        )

    def test_nothing(self) -> None:
        """Before there is any space nothing is in use."""
        self.assertEqual({}, images_in_use(str(self.state_dir)))

    def test_leftovers(self) -> None:
        """What is being made or removed, and what is no directory, is no machine."""
        place = self.put(record(0, image="/x/a"))
        (place.parent / ".gone").mkdir()
        (place.parent / "new").mkdir()
        (place.parent / "file").touch()
        self.assertEqual(["/x/a"], list(images_in_use(str(self.state_dir)) or ()))

    def test_not_known(self) -> None:
        """With a record that cannot be read it is not known what is in use."""
        place = self.put(evolve(record(0), image="/x/a"))
        (place / "record.json").write_text("{")
        self.assertIsNone(images_in_use(str(self.state_dir)))
