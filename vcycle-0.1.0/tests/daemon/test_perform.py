"""Tests for vcycle.daemon.perform: the order of acts, and what a failure of one leaves."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, ended, mark, observation, record, running, space
from tests.daemon.ground import MATERIALS, Ground, creation
from tests.daemon.spoken import listening
from vcycle.core.backoff import History
from vcycle.core.errors import BadRequest, CallTimedOut, DiskError, NoCapacity, ProviderError
from vcycle.core.machine import Doom, Outcome, Record, State
from vcycle.core.observation import Plan, Reviewed
from vcycle.core.plan import plan_cycle
from vcycle.daemon.perform import AT_ONCE, CREATING_SECONDS, Performed
from vcycle.testing.provider import Fate

DOOM = Doom(outcome=Outcome.OVERTIME, text="too old", since=NOW)


def plan(*living: Record, **changes: Any) -> Plan:
    """A plan that does nothing but the changes."""
    wanted: dict[str, Any] = {
        "machines": tuple(Reviewed(record=each, state=State.RUNNING) for each in living),
        "save": (),
        "create": (),
        **changes,
    }
    return evolve(plan_cycle(observation()), **wanted)


class PerformCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.performer = self.ground.performer
        self.said: list[str] = []

    def start(self, wanted: Plan) -> Deferred[Performed]:
        return Deferred.fromCoroutine(
            self.performer.perform(wanted, space(), {"pilot": MATERIALS, "other": MATERIALS})
        )

    def perform(self, wanted: Plan) -> tuple[str, ...]:
        with listening() as said:
            done: Performed = self.successResultOf(self.start(wanted))
        self.said = said
        return done.problems

    def have(self, *machines: Record) -> None:
        """Machines that are known, on disk and at the provider."""
        for each in machines:
            self.ground.disk.records[each.directory] = each
            self.ground.knowledge.records[each.uuid] = each
            self.ground.provider.put(each.uuid, each.name, mark=mark(each))


class OrderTests(PerformCase):
    def test_order(self) -> None:
        """Facts first, then ends, then destroys and creations."""
        one, two, over = running(1), running(2, doom=DOOM), ended(3)
        self.have(one, evolve(two, doom=None), evolve(over, ended_at=None, outcome=None))
        wanted = plan(
            one, two, save=(one, two), end=(over,), destroy=(two,), create=(creation(slot=5),)
        )
        self.assertEqual((), self.perform(wanted))
        acts = [act for act in self.ground.acts if act != "admit"]
        ends = ["remember", "save", "dismiss"]
        self.assertEqual(["save", "save", "remember", *ends], acts[:6])
        self.assertEqual(["save", "write", "form", "create"], acts[6:])
        self.assertEqual(1, self.ground.provider.destroys)
        self.assertNotIn(two.uuid, self.ground.provider.machines)

    def test_memory(self) -> None:
        """In memory the plan's facts hold at once, whatever the disk does."""
        self.have(running(1))
        self.ground.disk.full = True
        histories = {"pilot": History(proof=NOW)}
        self.perform(plan(running(1, doom=DOOM), histories=histories, held=True))
        known = self.ground.knowledge
        self.assertEqual(DOOM, known.records[running(1).uuid].doom)
        self.assertEqual((histories, True), (known.histories, known.held))

    def test_adopted(self) -> None:
        """A machine that is taken back is known, served and written down."""
        self.perform(plan(running(1), adopt=(running(1),)))
        self.assertEqual(["admit", "save", "remember"], self.ground.acts)
        self.assertIn("had no record; adopted", self.said[0])
        self.assertIn(running(1).directory, self.ground.disk.records)

    def test_doomed_once(self) -> None:
        """That a machine is destroyed is said when that is decided, not in each cycle."""
        self.have(running(1))
        for count in (1, 0):
            self.perform(plan(running(1, doom=DOOM)))
            self.assertEqual(count, len([line for line in self.said if "is destroyed" in line]))


class UnsavedTests(PerformCase):
    def test_no_creations(self) -> None:
        """What cannot be written stops creations, not destroys."""
        doomed = running(2, doom=DOOM)
        self.have(doomed)
        self.ground.disk.full = True
        problems = self.perform(
            plan(doomed, save=(doomed,), destroy=(doomed,), create=(creation(),))
        )
        self.assertEqual(1, len(problems))
        self.assertIn("the disk is full", problems[0])
        self.assertEqual((0, 1), (self.ground.provider.creates, self.ground.provider.destroys))

    def test_later(self) -> None:
        """Facts that could not be written are written by a later cycle, as they are then."""
        self.have(running(1))
        self.ground.disk.full = True
        self.perform(plan(running(1, cpu_seconds=5.0), save=(running(1, cpu_seconds=5.0),)))
        self.ground.disk.full = False
        newest = running(1, cpu_seconds=9.0)
        self.assertEqual((), self.perform(plan(newest)))
        self.assertEqual({newest.directory: newest}, self.ground.disk.records)
        self.ground.acts.clear()
        self.perform(plan(newest))
        self.assertEqual(["remember"], self.ground.acts)

    def test_end_later(self) -> None:
        """A machine whose end cannot be written stays known, and is not told as over."""
        self.have(running(3))
        self.ground.disk.full = True
        self.perform(plan(end=(ended(3),)))
        self.assertEqual([running(3).uuid], list(self.ground.knowledge.records))
        self.assertEqual([], self.said)
        self.ground.disk.full = False
        self.perform(plan(end=(ended(3),)))
        self.assertEqual({}, self.ground.knowledge.records)
        self.assertEqual(1, len(self.said))


class EndTests(PerformCase):
    def test_end(self) -> None:
        """What a machine teaches is remembered before its end is written; its disks go."""
        over = ended(3, abort=True, outcome=Outcome.FIZZLED)
        self.have(running(3))
        path = self.ground.store.path(over, "root.disk")
        self.assertEqual((), self.perform(plan(end=(over,))))
        self.assertEqual(["remember", "remember", "save", "dismiss"], self.ground.acts)
        self.assertEqual(over.ended_at, self.ground.knowledge.histories["pilot"].last_abort)
        self.assertEqual({3: over}, self.ground.knowledge.over)
        self.assertNotIn(path, self.ground.disks.formed)

    def test_disks_stay(self) -> None:
        """Disks that cannot be removed are told, and hold up nothing."""
        for failure in (DiskError("busy"),):
            self.have(running(3))
            self.ground.disks.broken = failure
            self.perform(plan(end=(ended(3),)))
            self.assertIn(f"warn: vac01.example.com: {failure}", self.said)
            self.assertEqual({}, self.ground.knowledge.records)


class DestroyTests(PerformCase):
    def test_refused(self) -> None:
        """A destroy that is refused, or not answered, is told once, and tried each time."""
        machines = [running(n, doom=DOOM) for n in range(3)]
        self.have(*machines)
        for failure, told in (
            (ProviderError("busy"), ["busy"]),
            (ProviderError("busy"), []),
            (CallTimedOut("no answer"), ["no answer"]),
        ):
            self.ground.provider.broken = failure
            self.perform(plan(*machines, destroy=tuple(machines)))
            self.assertEqual(
                [
                    f"error: {m.name} could not be destroyed, and is tried again: {reason}"
                    for m in machines
                    for reason in told
                ],
                self.said,
            )
        self.ground.provider.broken = None
        self.perform(plan(*machines, destroy=tuple(machines)))
        self.assertEqual({}, self.ground.provider.machines)

    def test_bounded(self) -> None:
        """Destroys and creations each run a few at a time, side by side."""
        machines = [running(n, doom=DOOM) for n in range(20)]
        self.have(*machines)
        provider = self.ground.provider
        provider.hang = True
        wanted = plan(
            *machines,
            destroy=tuple(machines),
            create=tuple(creation(slot=100 + n) for n in range(20)),
        )
        done = self.start(wanted)
        self.assertEqual((AT_ONCE, AT_ONCE), (provider.creates, provider.destroys))
        provider.hang = False
        provider.release()
        self.assertEqual(Performed(), self.successResultOf(done))
        self.assertEqual((20, 20), (provider.creates, provider.destroys))


class CreateTests(PerformCase):
    def create(self, *slots: int, **changes: Any) -> tuple[str, ...]:
        wanted = tuple(creation(slot=slot, **changes) for slot in slots)
        return self.perform(plan(create=wanted))

    def test_made(self) -> None:
        """Each is made, and known."""
        self.assertEqual((), self.create(*range(10)))
        self.assertEqual(10, len(self.ground.provider.machines))
        self.assertEqual(10, len(self.ground.knowledge.records))

    def test_refusal_for_all(self) -> None:
        """A refusal that would meet all stops those that have not begun, and is one problem."""
        self.ground.provider.broken = NoCapacity("no room")
        self.assertEqual(("no room",), self.create(*range(50)))
        self.assertLessEqual(self.ground.provider.creates, AT_ONCE)
        self.assertEqual({}, self.ground.knowledge.records)
        self.assertEqual({}, self.ground.knowledge.histories)

    def test_one_ahead(self) -> None:
        """After such a refusal a single creation goes ahead, until one is made."""
        self.ground.provider.broken = NoCapacity("no room")
        self.create(*range(50))
        before = self.ground.provider.creates
        self.create(*range(50, 100))
        self.assertEqual(1, self.ground.provider.creates - before)
        self.ground.provider.broken = None
        self.create(*range(100, 110))
        self.assertEqual(10, len(self.ground.provider.machines))

    def test_unknown_stops(self) -> None:
        """A lost answer stops the rest as well: the provider may not answer any of them."""
        self.ground.provider.fates.extend([Fate.LOST] * 50)
        self.create(*range(50))
        self.assertLessEqual(self.ground.provider.creates, AT_ONCE)

    def test_refusal_of_a_machinetype(self) -> None:
        """A machinetype that is refused for good is blocked, and the others go on."""
        self.ground.provider.fates.append(Fate.REFUSED)
        self.ground.provider.refusal = BadRequest("no such device")
        wanted = (creation(slot=0), creation(slot=1, name="other"))
        self.assertEqual((), self.perform(plan(create=wanted)))
        self.assertEqual({"pilot": "no such device"}, self.ground.knowledge.blocked)
        self.assertEqual(["other"], [r.machinetype for r in self.ground.knowledge.records.values()])

    def test_failure_is_ended(self) -> None:
        """A machine that could not be made is over in the same cycle, and taught its lesson."""
        self.ground.provider.broken = ProviderError("busy")
        self.create(0)
        [over] = self.ground.disk.records.values()
        self.assertEqual(Outcome.NEVER_STARTED, over.outcome)
        self.assertEqual(over.ended_at, self.ground.knowledge.histories["pilot"].last_abort)
        self.assertIn("never-started", self.said[-1])

    def test_06_budget(self) -> None:
        """A cycle does not go on creating for ever: what is left is planned anew."""
        provider = self.ground.provider
        provider.hang = True
        done = self.start(plan(create=tuple(creation(slot=n) for n in range(20))))
        self.ground.reactor.advance(CREATING_SECONDS + 1)
        provider.hang = False
        provider.release()
        self.assertEqual(Performed(), self.successResultOf(done))
        self.assertEqual(AT_ONCE, provider.creates)

    def test_many_at_one_time(self) -> None:
        """Machines made side by side never share an address, though both want another's."""
        self.have(record(0, address="192.168.7.2"), record(1, address="192.168.7.3"))
        for each in list(self.ground.knowledge.records.values()):
            self.ground.book.admit(each, self.ground.runner())
        self.ground.provider.hang = True
        self.start(plan(create=(creation(slot=1), creation(slot=0), creation(slot=2))))
        addresses = [r.address for r in self.ground.knowledge.records.values()]
        self.assertEqual(len(addresses), len(set(addresses)), addresses)
