"""Tests for vcycle.core.room, through the plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import machinetype, observation, record, running, space, survey
from vcycle.core.disks import GIGABYTE, Pool, disks_for
from vcycle.core.machine import Model, Record
from vcycle.core.observation import Host, Plan
from vcycle.core.plan import plan_cycle
from vcycle.core.room import EXTENT, GRAIN, HEADROOM, needs
from vcycle.core.veto import DISK_RESERVE

MANY: dict[str, Any] = {"total_processors": 64}


def host(free: int | None) -> Host:
    return Host(processors=64, load=0.0, disk_free=free)


def plan(*records: Record, **changes: Any) -> Plan:
    return plan_cycle(observation(records, **changes))


def pooled(pool: Pool | None, *machinetypes: Any, **changes: Any) -> Plan:
    """The plan of a space with a volume group."""
    wanted = space(*machinetypes, volume_group="vg0", **{**MANY, **changes})
    return plan(space=wanted, pool=pool)


class FileTests(SynchronousTestCase):
    def test_counted_together(self) -> None:
        """All machines of one cycle have the room that sparse files need, beside the reserve."""
        scratch = machinetype(disk_gb_per_processor=40.0)
        for machines in (0, 1, 3):
            free = DISK_RESERVE + machines * 2 * HEADROOM + HEADROOM
            made = plan(space=space(scratch, **MANY), host=host(free))
            self.assertEqual(machines, len(made.create))

    def test_verdict(self) -> None:
        """A machinetype without room says how much there has to be, and is."""
        made = plan(space=space(machinetype()), host=host(DISK_RESERVE + 300_000_000))
        [verdict] = made.verdicts
        self.assertEqual(
            (
                "no-room",
                "no room for its disks: 1.0 GB have to be free where state is kept, beside 1 GiB"
                " in reserve, and 0.3 GB are",
            ),
            (verdict.word, verdict.text),
        )
        [*_, rule] = made.reasons.machinetypes["pilot"]
        self.assertEqual("0.3 GB where state is kept", rule.seen)

    def test_others_start(self) -> None:
        """What needs no room on disk starts all the same."""
        direct = machinetype("direct", machine_model=Model.VM_DIRECT, root_image=None)
        made = plan(space=space(machinetype(), direct), host=host(DISK_RESERVE))
        self.assertEqual({"direct"}, {creation.machinetype.name for creation in made.create})

    def test_small(self) -> None:
        """A disk smaller than the headroom needs no more than it can hold."""
        small = machinetype(
            machine_model=Model.VM_DIRECT, root_image=None, disk_gb_per_processor=0.1
        )
        made = plan(space=space(small), host=host(DISK_RESERVE + 250_000_000))
        self.assertEqual(2, len(made.create))

    def test_starting(self) -> None:
        """Machines that were asked for and have not started yet have their room still to take."""
        free = host(DISK_RESERVE + 2 * HEADROOM)
        self.assertEqual(2, len(plan(running(0), host=free).create))
        self.assertEqual(1, len(plan(record(0), host=free, survey=survey()).create))

    def test_unknown(self) -> None:
        """Room that is not known is no limit."""
        self.assertEqual(8, len(plan(host=host(None)).create))


class VolumeTests(SynchronousTestCase):
    def test_counted_together(self) -> None:
        """Volumes are whole: each takes all its size from the group."""
        scratch = machinetype(disk_gb_per_processor=20.0)
        made = pooled(Pool(free=70 * GIGABYTE), scratch)
        self.assertEqual(3, len(made.create))

    def test_verdict(self) -> None:
        """A volume for which there is no room is named, and the group."""
        scratch = machinetype(disk_gb_per_processor=20.0, min_processors=2, max_processors=2)
        [verdict] = pooled(Pool(free=30 * GIGABYTE), scratch, processors_per_superslot=2).verdicts
        self.assertEqual(
            ("no-room", "no room for its volume of 40.0 GB: 30.0 GB are free in vg0"),
            (verdict.word, verdict.text),
        )

    def test_smaller_machines(self) -> None:
        """A machine is no larger than what there is room for."""
        flexible = machinetype(disk_gb_per_processor=10.0, min_processors=2, max_processors=8)
        made = pooled(Pool(free=65 * GIGABYTE), flexible, processors_per_superslot=8)
        self.assertEqual([6], [creation.processors for creation in made.create])
        self.assertEqual(8, made.create[0].machinetype.max_processors)

    def test_share(self) -> None:
        """Without a size a machine gets its processors' share of the group, others' apart."""
        pool = Pool(free=600 * GIGABYTE, ours=40 * GIGABYTE)
        made = pooled(pool, machinetype(machine_model=Model.CERNVM3))
        each = 640 * GIGABYTE // 64 // GRAIN * GRAIN
        gb = made.create[0].machinetype.disk_gb_per_processor
        assert gb is not None
        self.assertAlmostEqual(each / GIGABYTE, gb)
        self.assertEqual(600 * GIGABYTE // each, len(made.create))

    def test_no_share(self) -> None:
        """A group without room for anything says what to set."""
        [verdict] = pooled(Pool(free=GRAIN), machinetype()).verdicts
        self.assertEqual("no-room", verdict.word)
        self.assertIn("set disk_gb_per_processor", verdict.text)

    def test_direct(self) -> None:
        """vm-direct machines have a volume only if its size is set."""
        direct = machinetype(machine_model=Model.VM_DIRECT, root_image=None)
        made = pooled(Pool(free=0), direct)
        self.assertEqual(64, len(made.create))
        self.assertIsNone(made.create[0].machinetype.disk_gb_per_processor)

    @settings(max_examples=50)
    @given(
        st.integers(0, 2_000),
        st.lists(st.sampled_from([None, 0.5, 3.0, 20.0, 333.3]), min_size=1, max_size=4),
        st.integers(1, 8),
    )
    def test_never_too_many(self, gigabytes: int, sizes: list[float | None], most: int) -> None:
        """Whatever the sizes, the volumes of one cycle fit into what was free."""
        kinds = [
            machinetype(f"kind-{n}", disk_gb_per_processor=size, max_processors=most)
            for n, size in enumerate(sizes)
        ]
        made = pooled(Pool(free=gigabytes * GIGABYTE), *kinds, processors_per_superslot=8)
        taken = 0
        for creation in made.create:
            of = record(processors=creation.processors, model=Model.VM_RAW, volume_group="vg0")
            for forming in disks_for(
                of, directory="/m", image="/i", machinetype=creation.machinetype
            ):
                if forming.disk.pool is not None:
                    taken += -(-(forming.size or 0) // EXTENT) * EXTENT
        self.assertLessEqual(taken, gigabytes * GIGABYTE)

    def test_needs(self) -> None:
        """An overlay is a file wherever blank disks are."""
        scratch = machinetype(disk_gb_per_processor=20.0)
        self.assertEqual(HEADROOM, needs(scratch, 2, "vg0").files)
        self.assertEqual(2 * HEADROOM, needs(scratch, 2, None).files)
