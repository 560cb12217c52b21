"""Tests for vcycle.core.creations, through the plan."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import (
    FACTORY,
    NOW,
    foreign,
    machinetype,
    observation,
    record,
    report,
    running,
    sighting,
    space,
    survey,
    words,
)
from vcycle.core.backoff import History
from vcycle.core.observation import Budget, Creation, Observation, Plan, Use
from vcycle.core.peers import Peers
from vcycle.core.plan import plan_cycle

ABORTED = History(last_abort=NOW - 100, abort_message="300 No work", abort_machine="m-01")


def plan(*records: Any, **changes: Any) -> Plan:
    """The plan for these machines, all listed and running."""
    return plan_cycle(observation(records, **changes))


def names(made: Plan) -> list[str]:
    """The machinetypes of the creations, in their order."""
    return [creation.machinetype.name for creation in made.create]


class FillingTests(SynchronousTestCase):
    def test_fills_up(self) -> None:
        """One cycle starts as many machines as there is room for."""
        made = plan(running(0), running(1))
        self.assertEqual(6, len(made.create))
        self.assertEqual(Use(machines=8, processors=8, memory_mb=8 * 2048), made.use)

    def test_first_creation(self) -> None:
        """A creation has a slot, its name, its size, its end and a reason."""
        (made,) = plan(space=space(total_processors=1)).create
        self.assertEqual(
            Creation(
                machinetype=machinetype(),
                slot=0,
                name="factory1-00.example.com",
                processors=1,
                memory_mb=2048,
                shutdown_time=NOW + 86400,
                reason="share 1, 0 HS06 in use, new",
            ),
            made,
        )

    def test_creations_per_cycle(self) -> None:
        """No more than creations_per_cycle; who has to wait is told so."""
        types = [machinetype("a"), machinetype("b", target_share=0.001)]
        busy = running(0, machinetype="b")
        made = plan(busy, space=space(*types, creations_per_cycle=3))
        self.assertEqual(["a", "a", "a"], names(made))
        self.assertEqual({"a": "started", "b": "later"}, words(made))

    def test_shares(self) -> None:
        """Each creation counts before the next one is chosen."""
        made = plan(space=space(machinetype("a"), machinetype("b", target_share=3.0)))
        self.assertEqual((2, 6), (names(made).count("a"), names(made).count("b")))

    def test_elsewhere(self) -> None:
        """What other factories run counts for the shares too, in groups and out of them."""
        made = plan(
            space=space(machinetype("a"), machinetype("b"), total_processors=4),
            peers=Peers(reports=(report("factory2", "a", 10.0),)),
        )
        self.assertEqual(["b"] * 4, names(made))
        group = [machinetype(name, machinegroup="g") for name in ("a", "b")]
        made = plan(
            space=space(*group, machinetype("c"), total_processors=9),
            peers=Peers(reports=(report("factory2", "a", 6.0), report("factory3", "c", 3.0))),
        )
        self.assertEqual((3, 6), (names(made).count("b"), names(made).count("c")))

    def test_hs06(self) -> None:
        """Usage is in HS06, each machine's as it was when it was made."""
        fast = running(0, machinetype="a", hs06_per_processor=25.0)
        slow = [running(n, machinetype="b", hs06_per_processor=10.0) for n in (1, 2)]
        made = plan(
            fast,
            *slow,
            space=space(
                machinetype("a"), machinetype("b"), total_processors=5, hs06_per_processor=10.0
            ),
        )
        self.assertEqual(["b", "a"], names(made))

    def test_slots(self) -> None:
        """Machines get the lowest slots and names that nobody has, ours or not."""
        taken = (running(1), running(4, name="odd.example.com"))
        web = foreign(0, name="factory1-02.example.com")
        listed = survey([*map(sighting, taken), web])
        made = plan(*taken, survey=listed, space=space(total_processors=6))
        self.assertEqual([0, 3, 5, 6], [creation.slot for creation in made.create])
        unlisted = running(7, name="factory1-00.example.com")
        made = plan(unlisted, survey=survey(), space=space(total_processors=2))
        self.assertEqual(["factory1-01.example.com"], [c.name for c in made.create])

    def test_superslots(self) -> None:
        """Superslots that are not full are filled first, so that they end together."""
        types = space(
            machinetype("a", max_processors=8),
            machinetype("b", min_wallclock_seconds=600, target_share=0.1),
            processors_per_superslot=8,
            total_processors=16,
        )
        old = running(0, machinetype="a", processors=6, shutdown_time=NOW + 3600)
        made = plan(old, space=types)
        ends = [(c.machinetype.name, c.processors, c.shutdown_time - NOW) for c in made.create]
        self.assertEqual([("b", 1, 3600), ("b", 1, 3600), ("a", 8, 86400)], ends)
        self.assertIn("fills a superslot", made.create[0].reason)

    def test_unlimited_processors(self) -> None:
        """With total_machines alone superslots are kept, and machines beside them go on."""
        types = space(
            machinetype(max_processors=4),
            total_processors=None,
            total_machines=9,
            processors_per_superslot=4,
        )
        old = [running(n, processors=3, shutdown_time=NOW + 3600 + n) for n in range(5)]
        made = plan(*old, space=types, budget=Budget())
        self.assertEqual([4, 4, 4, 4], [creation.processors for creation in made.create])

    def test_shutdown_time(self) -> None:
        """The space's shutdown_time ends new machines too; who needs longer is not started."""
        types = [machinetype("a", min_wallclock_seconds=600), machinetype("b")]
        made = plan(space=space(*types, shutdown_time=int(NOW) + 5000))
        self.assertEqual({NOW + 5000}, {creation.shutdown_time for creation in made.create})
        self.assertEqual({"a": "started", "b": "shutdown"}, words(made))


class LimitTests(SynchronousTestCase):
    def text(self, made: Plan) -> str:
        (verdict,) = made.verdicts
        self.assertEqual(((), "no-room"), (made.create, verdict.word))
        return verdict.text

    def test_memory(self) -> None:
        """Memory limits: the space's own, and the provider's, which foreign machines use too."""
        own = plan(running(0), space=space(total_mb=4095))
        self.assertIn("mb_per_processor (2048): 2047 MiB are free", self.text(own))
        self.assertEqual(1, len(plan(running(0), space=space(total_mb=4096)).create))
        seen = survey([sighting(running(0)), foreign(1)])
        for memory, number in ((2048 + 1024 + 2047, 0), (2048 + 1024 + 2048, 1)):
            made = plan(running(0), survey=seen, budget=Budget(memory_mb=memory))
            self.assertEqual(number, len(made.create))

    def test_shared_budget(self) -> None:
        """Spaces on one provider share its processors and its memory."""
        others = Use(machines=1, processors=5, memory_mb=5 * 2048)
        by_processors = plan(running(0), others=others, budget=Budget(processors=8))
        self.assertEqual(2, len(by_processors.create))
        by_memory = plan(running(0), others=others, budget=Budget(memory_mb=8 * 2048))
        self.assertEqual(2, len(by_memory.create))

    def test_total_machines(self) -> None:
        """total_machines caps machines beside total_processors."""
        made = plan(running(0), space=space(total_machines=3))
        self.assertEqual(2, len(made.create))

    def test_too_large(self) -> None:
        """A machinetype that does not fit is told why."""
        large = machinetype(min_processors=4, max_processors=4)
        rows = [
            (space(large), "is more than processors_per_superslot (1)"),
            (
                space(large, processors_per_superslot=8, total_processors=3),
                "no room for min_processors (4): 3 processors are free",
            ),
        ]
        for wanted, expected in rows:
            self.assertIn(expected, self.text(plan(space=wanted)))
        old = running(0, processors=4, shutdown_time=NOW + 60)
        wanted = space(large, processors_per_superslot=8)
        self.assertIn("kept for superslots", self.text(plan(old, space=wanted)))


class GateTests(SynchronousTestCase):
    """The back-off: its words, its scouts, and machines that started under another sign."""

    def test_backing_off(self) -> None:
        """The verdict says how long, until when, and after what."""
        made = plan(space=space(machinetype(backoff_seconds=3600)), histories={"pilot": ABORTED})
        (verdict,) = made.verdicts
        self.assertEqual(("backing-off", 0), (verdict.word, len(made.create)))
        self.assertEqual(
            "backing off for another 58m 20s, until 2023-11-14 23:11:40Z,"
            " after '300 No work' of m-01",
            verdict.text,
        )

    def test_to_the_second(self) -> None:
        """A back-off ends with its last second."""
        for seconds, number in ((101, 0), (100, 1)):
            wanted = space(machinetype(backoff_seconds=seconds))
            made = plan(space=wanted, histories={"pilot": ABORTED})
            self.assertEqual(number, len(made.create))

    def test_one_scout(self) -> None:
        """In probation one machine is young at a time; others are started as ever."""
        types = space(machinetype("a"), machinetype("b"), total_processors=8)
        made = plan(space=types, histories={"a": ABORTED})
        self.assertEqual((1, 7), (names(made).count("a"), names(made).count("b")))

    def test_proving(self) -> None:
        """While the scout is young nobody joins it, whatever state it is in."""
        for scout in (record(0), running(0, started_at=NOW - 599, requested_at=NOW - 600)):
            made = plan(scout, histories={"pilot": ABORTED})
            self.assertEqual({"pilot": "proving"}, words(made))
        grown = running(0, started_at=NOW - 50, requested_at=NOW - 50)
        seen = survey([sighting(grown)], taken_at=NOW + 550)
        made = plan(grown, now=NOW + 550, survey=seen, histories={"pilot": ABORTED})
        self.assertEqual(7, len(made.create))


class VerdictTests(SynchronousTestCase):
    def test_words(self) -> None:
        """Every machinetype gets exactly one verdict, in the order of the configuration."""
        types = [
            machinetype("a"),
            machinetype("b", target_share=0.0),
            machinetype("c"),
            machinetype("d", min_processors=2, max_processors=2),
        ]
        made = plan(space=space(*types), ready={"c": "no image at /images/c"})
        expected = {"a": "started", "b": "no-share", "c": "not-ready", "d": "no-room"}
        self.assertEqual(expected, words(made))
        self.assertEqual(list(expected), [verdict.machinetype for verdict in made.verdicts])
        texts = {verdict.machinetype: verdict.text for verdict in made.verdicts}
        self.assertEqual("no image at /images/c", texts["c"])
        self.assertEqual([8, 0, 0, 0], [verdict.started for verdict in made.verdicts])

    def test_vetoed(self) -> None:
        """With a veto nobody starts, and all are told why."""
        made = plan(space=space(machinetype("a"), machinetype("b"), draining=True))
        self.assertEqual({"draining = yes"}, {verdict.text for verdict in made.verdicts})
        self.assertEqual(((), "draining = yes"), (made.create, made.veto))


def cycle(now: float, seed: int, alive: list[Any], wanted: Any) -> list[Any]:
    """The machines after one cycle of a plan that is performed at once."""
    seen: Observation = observation(alive, now=now, space=wanted, seed=seed, survey=None)
    listed = survey(map(sighting, alive), taken_at=now)
    made = plan_cycle(evolve(seen, survey=listed))
    return [
        *alive,
        *(
            running(
                creation.slot,
                name=creation.name,
                machinetype=creation.machinetype.name,
                processors=creation.processors,
                requested_at=now,
                started_at=now,
                seen_at=now,
                shutdown_time=creation.shutdown_time,
            )
            for creation in made.create
        ),
    ]


class ConvergenceTests(SynchronousTestCase):
    """Plans performed one after another, machines ending at random in between."""

    @given(st.randoms(use_true_random=False), st.lists(st.booleans(), max_size=12))
    def test_shares(self, chance: Any, kinds: list[bool]) -> None:
        """From whatever beginning, two machinetypes of 1:3 come to 1:3 within one machine."""
        types = space(machinetype("a"), machinetype("b", target_share=3.0), total_processors=12)
        alive = [running(n, machinetype="a" if kind else "b") for n, kind in enumerate(kinds)]
        for number in range(30):
            if number < 24:
                over = chance.sample(alive, len(alive) // 3)
                alive = [machine for machine in alive if machine not in over]
            alive = cycle(NOW + 60 * number, number, alive, types)
            self.assertEqual(12, len(alive))
        kept = [machine.machinetype for machine in alive]
        self.assertLessEqual(abs(kept.count("a") - 3), 1)

    def test_superslots_end_together(self) -> None:
        """However machines began, a superslot's processors become free together."""
        types = space(
            machinetype("short", max_wallclock_seconds=7200, min_wallclock_seconds=600),
            machinetype("wide", min_processors=4, max_processors=4, target_share=0.5),
            total_processors=8,
            processors_per_superslot=4,
        )
        alive: list[Any] = []
        for number in range(200):
            now = NOW + 600.0 * number
            alive = [machine for machine in alive if machine.shutdown_time > now]
            alive = cycle(now, number, alive, types)
            ends = {machine.shutdown_time for machine in alive}
            for end in ends:
                used = sum(m.processors for m in alive if m.shutdown_time == end)
                self.assertEqual(0, used % 4)
        self.assertIn("wide", {machine.machinetype for machine in alive})

    def test_factory_name(self) -> None:
        """Machines are named after their factory."""
        made = cycle(NOW, 0, [], space())
        self.assertTrue(all(m.name.startswith(FACTORY.partition(".")[0]) for m in made))
