"""Tests for vcycle.core.scouting."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import histories, outlooks, rounds, wild_moments
from tests.core.values import FACTORY, NOW, machinetype, observation, report, space, words
from vcycle.core.backoff import History
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.peers import PeerReport, Peers, heard
from vcycle.core.plan import plan_cycle
from vcycle.core.remembering import recall, remembered
from vcycle.core.scouting import Gate, Scene, probation

BACKOFF, FIZZLE, CYCLE, WAIT = 100, 600, 60.0, 80.0
PROVEN = 3 * (FIZZLE + CYCLE)
"""How long a young machine of others is a reason to wait."""

PILOT = machinetype(backoff_seconds=BACKOFF, fizzle_seconds=FIZZLE)
ABORT = Abort(at=NOW, factory="f7.example.com", machine="f7-00.example.com", message="300 None")
F2, F3 = "factory2.example.com", "factory3.example.com"


def scene(*reports: PeerReport, now: float = NOW, factory: str = FACTORY, **changes: Any) -> Scene:
    """A look at pilots at a moment, with these reports, just asked for."""
    asked_at = changes.pop("asked_at", now)
    return Scene(PILOT, space(PILOT, factory_name=factory, **changes), reports, asked_at, now)


def told(abort: Abort, **changes: Any) -> PeerReport:
    """The report of the factory that had an abort."""
    factory = abort.factory.partition(".")[0]
    wanted = {
        "last_abort": abort.at,
        "abort_machine": abort.machine,
        "abort_message": abort.message,
    }
    return report(factory, **{**wanted, **changes})


def looks(*steps: tuple[float, tuple[PeerReport, ...]]) -> Outlook:
    """The outlook after several looks, each so many seconds after NOW, nothing running here."""
    before = Outlook(abort=ABORT)
    for after, reports in steps:
        before = scene(*reports, now=NOW + after).outlook(before, None, None, 0)
    return before


QUIET = (report("factory2"),)
YOUNG = (report("factory2", hs06=1.0, young=1),)
GROWN = (report("factory2", hs06=1.0),)


class OwnAbortTests(SynchronousTestCase):
    def test_to_the_second(self) -> None:
        """After two aborts of ours at nearly one moment the back-off runs from the later one."""
        for first, second in (("m0", "m1"), ("m1", "m0"), ("m0", "m0")):
            before = Outlook()
            for after, machine in ((0.0, first), (3.5, second)):
                own = Abort(at=NOW + after, factory=FACTORY, machine=machine)
                before = scene(now=NOW + 4).outlook(before, own, None, 0)
                again = scene(now=NOW + 5).outlook(before, own, None, 0)
                self.assertEqual(before.abort, again.abort)
            assert before.abort is not None, "there was one"
            self.assertEqual(NOW + 3.5, before.abort.at, (first, second))


class GateTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: last abort and proof, young machines here, seconds after NOW, and the gate."""
        rows: list[tuple[float | None, float | None, int, float, Gate]] = [
            (None, None, 9, 0, Gate.OPEN),
            (None, NOW, 9, 0, Gate.OPEN),
            (NOW, None, 0, 0, Gate.BACKING_OFF),
            (NOW, None, 0, 99, Gate.BACKING_OFF),
            (NOW, None, 0, 99.999, Gate.BACKING_OFF),
            (NOW, None, 0, 100, Gate.SCOUT),
            (NOW, None, 1, 100, Gate.PROVING),
            (NOW, None, 1, 1e9, Gate.PROVING),
            (NOW, None, 0, 1e9, Gate.SCOUT),
            (NOW, NOW - 1, 0, 1e9, Gate.SCOUT),
            (NOW, NOW, 5, 50, Gate.OPEN),
            (NOW, NOW + 1, 5, 50, Gate.OPEN),
        ]
        for at, proof, young, after, expected in rows:
            own = None if at is None else evolve(ABORT, at=at, factory=FACTORY)
            look = scene(now=NOW + after)
            outlook = look.outlook(Outlook(), own, proof, young)
            self.assertIs(expected, look.turn(outlook, young).gate)

    @given(histories, outlooks, rounds, st.integers(0, 3), wild_moments)
    def test_any(
        self, history: History, before: Outlook, peers: Peers, young: int, now: float
    ) -> None:
        """Whatever is told: before the back-off is over the gate is shut, then for one scout."""
        reports = heard(peers, space(PILOT), now)["pilot"]
        look = scene(*reports, now=now, asked_at=peers.asked_at)
        own = None if history.last_abort is None else evolve(ABORT, at=history.last_abort)
        outlook = look.outlook(before, own, history.proof, young)
        turn = look.turn(outlook, young)
        self.assertEqual(not probation(outlook), turn.gate is Gate.OPEN)
        self.assertEqual(turn.shut, turn.text != "")
        abort = outlook.abort
        if abort is not None and turn.gate is not Gate.OPEN:
            over = now >= abort.at + BACKOFF
            self.assertEqual(over, turn.gate is not Gate.BACKING_OFF)
        if turn.gate is Gate.SCOUT:
            since = outlook.young_at
            self.assertEqual(0, young)
            self.assertTrue(look.young(0) == [] or (since is not None and now >= since + PROVEN))
        self.assertEqual(outlook, look.outlook(outlook, own, history.proof, young))


class AbortTests(SynchronousTestCase):
    def last(self, *reports: PeerReport, own: Abort | None = None, **changes: Any) -> Abort | None:
        before = Outlook(abort=changes.pop("before", None))
        return scene(*reports, **changes).outlook(before, own, None, 0).abort

    def test_latest(self) -> None:
        """The last abort of all counts, whoever had it."""
        own = Abort(at=NOW - 50, factory=FACTORY, machine="m")
        later, former = evolve(ABORT, at=NOW - 40), evolve(ABORT, at=NOW - 60)
        self.assertEqual(later, self.last(told(later), own=own))
        self.assertEqual(own, self.last(told(former), own=own))
        self.assertEqual(own, self.last(report(), own=own))
        self.assertIsNone(self.last(report()))

    def test_future(self) -> None:
        """No abort is later than now."""
        self.assertEqual(ABORT, self.last(told(evolve(ABORT, at=NOW + 1e6))))

    def test_remembered(self) -> None:
        """What is known stays known though its factory falls silent, or forgets."""
        self.assertEqual(ABORT, self.last(before=ABORT, now=NOW + 1e5))
        self.assertEqual(ABORT, self.last(told(evolve(ABORT, at=NOW - 99)), before=ABORT))

    def test_jitter(self) -> None:
        """An abort told anew with another fraction of a second stays where it is."""
        for by in (-2.0, 0.7, 4.9):
            again = told(evolve(ABORT, at=NOW + by))
            self.assertEqual(ABORT, self.last(again, before=ABORT, now=NOW + 60))
        another = evolve(ABORT, at=NOW + 5.1)
        self.assertEqual(another, self.last(told(another), before=ABORT, now=NOW + 60))

    @given(
        st.lists(st.sampled_from("abcdef"), min_size=1, unique=True),
        st.floats(0, 2),
        st.floats(-1, 1),
        st.randoms(use_true_random=False),
    )
    def test_one_for_all(self, names: list[str], spread: float, error: float, chance: Any) -> None:
        """Of aborts at about one moment all choose the same, in whatever order they hear them."""
        aborts = [
            Abort(at=NOW - 50 + spread * chance.random(), factory=f"{n}.example.com", machine=n)
            for n in names
        ]
        first = self.last(*map(told, aborts))
        chance.shuffle(aborts)
        second = self.last(*(told(evolve(abort, at=abort.at + error)) for abort in aborts))
        assert first is not None
        assert second is not None
        self.assertEqual(first.machine, second.machine)
        self.assertEqual(max(names), first.machine)


class RankingTests(SynchronousTestCase):
    @given(st.integers(1, 12), st.floats(-2, 2), st.sampled_from(["f1-00", "f2-07", None]))
    def test_agreed(self, number: int, error: float, machine: str | None) -> None:
        """All factories rank each other alike, whatever their clocks say and they call us."""
        names = [f"f{n}.example.com" for n in range(number)]
        rankings = []
        for ours in names:
            others = (report(n.partition(".")[0].upper()) for n in names if n != ours)
            look = scene(*others, factory=ours.upper())
            abort = Abort(at=NOW + error * len(ours), factory="F1.example.com", machine=machine)
            rankings.append(look.ranking(abort))
        self.assertEqual([rankings[0]] * number, rankings)
        self.assertEqual(sorted(names), sorted(rankings[0]))
        if number > 1:
            self.assertEqual("f1.example.com", rankings[0][-1])

    def test_everybody(self) -> None:
        """Which factory comes first changes with the machine, and with the machinetype."""
        look = scene(*(report(f"factory{n}") for n in range(2, 9)))
        first = [look.ranking(evolve(ABORT, machine=f"m{n}"))[0] for n in range(400)]
        self.assertEqual(8, len(set(first)))
        self.assertTrue(all(20 < first.count(name) < 100 for name in first))
        other = evolve(look, machinetype=evolve(PILOT, name="probe"))
        self.assertNotEqual(
            first, [other.ranking(evolve(ABORT, machine=f"m{n}"))[0] for n in range(400)]
        )


class TurnTests(SynchronousTestCase):
    """Three factories of which none is the one that had the abort."""

    def setUp(self) -> None:
        self.names = scene(report("factory2"), report("factory3")).ranking(ABORT)

    def turn(self, rank: int, after: float, quiet: float = 0.0, **changes: Any) -> Gate:
        ours = self.names[rank]
        others = [report(name.partition(".")[0]) for name in self.names if name != ours]
        look = scene(*others, now=NOW + after, factory=ours, **changes)
        self.text = look.turn(outlook := Outlook(abort=ABORT, quiet_at=NOW + quiet), 0).text
        return look.turn(outlook, 0).gate

    def test_one_after_another(self) -> None:
        """The first may scout as soon as the back-off is over, each other one a wait later."""
        for rank in range(3):
            begin = BACKOFF + rank * WAIT
            before = Gate.WAITING if rank else Gate.BACKING_OFF
            self.assertIs(before, self.turn(rank, begin - 0.1))
            self.assertIs(Gate.SCOUT, self.turn(rank, begin))
        self.assertIs(Gate.WAITING, self.turn(2, BACKOFF))
        self.assertEqual(
            "rank 3 of 3 to be the scout: from 2023-11-14 22:17:40Z if no other factory is,"
            " after '300 None' of f7-00.example.com",
            self.text,
        )

    def test_from_when_it_is_quiet(self) -> None:
        """The waits begin when the last young machine is gone, if that is later."""
        self.assertIs(Gate.SCOUT, self.turn(0, 300, quiet=300))
        self.assertIs(Gate.WAITING, self.turn(1, 300 + WAIT - 1, quiet=300))
        self.assertIs(Gate.SCOUT, self.turn(1, 300 + WAIT, quiet=300))

    def test_asked_since(self) -> None:
        """Who is not first must have asked since its right began, or it would not know."""
        after = BACKOFF + WAIT + 50
        old = NOW + BACKOFF + WAIT - 1
        self.assertIs(Gate.WAITING, self.turn(1, after, asked_at=old))
        self.assertIs(Gate.SCOUT, self.turn(1, after, asked_at=old + 1))
        self.assertIs(Gate.SCOUT, self.turn(0, after, asked_at=NOW))

    def test_scout_of_a_peer(self) -> None:
        """While a peer has a young machine nobody joins it, and the verdict names it."""
        two = report("factory2", young=1)
        for reports, who in (
            ((two, report("factory3")), f"{F2} is"),
            ((two, report("factory3", young=5)), "2 factories are"),
        ):
            turn = scene(*reports, now=NOW + 1e6).turn(Outlook(abort=ABORT), 0)
            self.assertIs(Gate.PROVING, turn.gate)
            self.assertEqual(
                f"{who} the scout until its machine is 600s old,"
                " after '300 None' of f7-00.example.com",
                turn.text,
            )

    def test_fresh_space(self) -> None:
        """Where no abort is known all may start at once, whoever has young machines."""
        look = scene(report("factory2", young=9))
        self.assertIs(Gate.OPEN, look.turn(look.outlook(Outlook(), None, None, 0), 0).gate)


class ProofTests(SynchronousTestCase):
    """When a peer's machine is believed to have outlived fizzle_seconds."""

    def test_scout(self) -> None:
        """A scout seen after a quiet look proves it, fizzle_seconds and a cycle later."""
        since = (BACKOFF, QUIET), (160, YOUNG)
        ripe = 160 + FIZZLE + CYCLE
        self.assertEqual((F2, NOW + 160), (looks(*since).scout, looks(*since).scout_at))
        self.assertTrue(probation(looks(*since, (ripe - 1, GROWN))))
        for last in (YOUNG, GROWN):
            proven = looks(*since, (ripe, last))
            self.assertEqual((NOW + 160, False), (proven.proof, probation(proven)))
            self.assertEqual((None, None), (proven.scout, proven.quiet_at))
            stays = looks(*since, (ripe, last), (ripe + 60, QUIET))
            self.assertFalse(probation(stays))

    def test_grown_scout(self) -> None:
        """Until all can know whether the grown scout aborted nobody starts another one."""
        outlook = looks((BACKOFF, QUIET), (160, YOUNG), (160 + FIZZLE, GROWN))
        turn = scene(*GROWN, now=NOW + 160 + FIZZLE).turn(outlook, 0)
        self.assertEqual((Gate.PROVING, None), (turn.gate, outlook.quiet_at))

    def test_abort(self) -> None:
        """A scout that aborts proves nothing, and begins the back-off anew."""
        failed = evolve(ABORT, at=NOW + 300, factory=F2, machine="factory2-00")
        after = looks((BACKOFF, QUIET), (160, YOUNG), (320, (told(failed),)))
        self.assertEqual((failed, None, NOW + 320), (after.abort, after.scout, after.quiet_at))
        still = looks((BACKOFF, QUIET), (160, YOUNG), (320, (told(failed, young=1),)))
        self.assertEqual((None, None), (still.scout, still.quiet_at))

    def test_old_machines(self) -> None:
        """Machines that were there all the time prove nothing, however long it takes."""
        for seconds in (0, BACKOFF, 1000, 10000, 1e6):
            outlook = looks((0, GROWN), (seconds, GROWN))
            self.assertEqual((True, None), (probation(outlook), outlook.scout))

    def test_started_before(self) -> None:
        """Young machines that may have started before the abort are no scouts."""
        for seconds in (0, BACKOFF, FIZZLE + CYCLE - 1):
            outlook = looks((0, YOUNG), (seconds, YOUNG))
            self.assertEqual((None, None), (outlook.scout, outlook.quiet_at))

    def test_peers_that_do_not_wait(self) -> None:
        """Older daemons never let it be quiet: what is young long after the abort counts."""
        late = FIZZLE + CYCLE
        begun = (0.0, YOUNG), (late, YOUNG)
        self.assertEqual(F2, looks(*begun).scout)
        self.assertFalse(probation(looks(*begun, (late + FIZZLE + CYCLE, YOUNG))))

    def test_gone(self) -> None:
        """A scout that is seen no more is none, and the ranks begin anew."""
        nobody: tuple[PeerReport, ...] = ()
        for last in (QUIET, nobody):
            outlook = looks((BACKOFF, QUIET), (160, YOUNG), (300, last), (900, last))
            self.assertEqual((None, NOW + 300), (outlook.scout, outlook.quiet_at))
            self.assertTrue(probation(outlook))

    def test_own(self) -> None:
        """Our own scout is known better: only its record tells that it has grown."""
        look = scene(now=NOW + BACKOFF)
        quiet = look.outlook(Outlook(abort=ABORT), None, None, 0)
        for seconds in (1, 1e4):
            quiet = evolve(look, now=NOW + BACKOFF + seconds).outlook(quiet, None, None, 1)
            self.assertEqual((FACTORY, True), (quiet.scout, probation(quiet)))
        proven = look.outlook(quiet, None, NOW + BACKOFF, 1)
        self.assertFalse(probation(proven))
        self.assertEqual((None, None), (proven.scout, proven.scout_at))


class OverdueTests(SynchronousTestCase):
    """What is young for ever, and never proves anything."""

    def gates(self, *reports: PeerReport, after: float, ours: int = 0) -> list[Gate]:
        """The gate when those were told in each cycle since the abort, and one cycle before."""
        gates = []
        outlook = Outlook(abort=ABORT)
        for seconds in range(0, int(after) + 1, int(CYCLE)):
            look = scene(*reports, now=NOW + seconds)
            outlook = look.outlook(outlook, None, None, ours)
            gates.append(look.turn(outlook, ours).gate)
        return gates[-2:]

    def test_ends(self) -> None:
        """The next in the ranks goes on without it, and one after another; nobody opens."""
        young = (report("factory2", hs06=0.0, running_machines=0, young=1), report("factory3"))
        ranked = scene(*young).ranking(ABORT).index(FACTORY.lower())
        last = PROVEN + CYCLE * -(-ranked * WAIT // CYCLE)
        self.assertEqual([Gate.PROVING] * 2, self.gates(*young, after=PROVEN - CYCLE))
        before = Gate.WAITING if ranked else Gate.PROVING
        self.assertEqual([before, Gate.SCOUT], self.gates(*young, after=last))

    def test_turns(self) -> None:
        """Factories that are young in turns are no reason to wait for ever either."""
        outlook, gates = Outlook(abort=ABORT), set()
        for number in range(int(2 * PROVEN / CYCLE)):
            who = ("factory2", "factory3")[number % 2]
            look = scene(report(who, young=1), now=NOW + number * CYCLE)
            outlook = look.outlook(outlook, None, None, 0)
            gates.add(look.turn(outlook, 0).gate)
        self.assertIn(Gate.SCOUT, gates)
        self.assertNotIn(Gate.OPEN, gates)

    def test_ours(self) -> None:
        """Our own young machine is the one that we wait for, however long."""
        self.assertEqual([Gate.PROVING] * 2, self.gates(after=2 * PROVEN, ours=1))

    def test_new_abort(self) -> None:
        """An abort begins it all anew."""
        young = report("factory2", hs06=0.0, running_machines=0, young=1)
        outlook = looks((0, (young,)), (PROVEN, (young,)))
        again = told(evolve(ABORT, at=NOW + PROVEN + 1, machine="f7-01.example.com"))
        look = scene(young, again, now=NOW + PROVEN + BACKOFF + 2)
        outlook = look.outlook(outlook, None, None, 0)
        self.assertIs(Gate.PROVING, look.turn(outlook, 0).gate)


class PlanTests(SynchronousTestCase):
    """The same through the plan, which keeps an outlook in each history."""

    def test_last(self) -> None:
        """A peer's abort stops us, is remembered here, and is never told as our own."""
        wanted = space(PILOT)
        peers = Peers(reports=(told(evolve(ABORT, at=NOW - 10)),), asked_at=NOW)
        made = plan_cycle(observation(space=wanted, peers=peers))
        self.assertEqual(({"pilot": "backing-off"}, ()), (words(made), made.create))
        history = made.histories["pilot"]
        self.assertEqual((None, None), (history.last_abort, history.abort_machine))
        again = plan_cycle(observation(space=wanted, histories=made.histories))
        self.assertEqual({"pilot": "backing-off"}, words(again))

    def test_restarted(self) -> None:
        """A restart forgets neither a peer's abort, though the peer is gone, nor its proof."""
        wanted = space(PILOT)
        peers = Peers(reports=(told(evolve(ABORT, at=NOW - 10)),), asked_at=NOW)
        for proof, word in ((None, "backing-off"), (NOW - 5, "started")):
            made = plan_cycle(observation(space=wanted, peers=peers)).histories["pilot"]
            known = evolve(made, outlook=evolve(made.outlook, proof=proof))
            memory = recall(json.loads(json.dumps(remembered({"pilot": known}, (), 0))))
            plan = plan_cycle(observation(space=wanted, histories=memory.histories))
            self.assertEqual({"pilot": word}, words(plan))
            self.assertIsNone(plan.histories["pilot"].last_abort)

    def test_scouts_of_a_space(self) -> None:
        """Of several factories that know the same, one starts one machine."""
        names = [f"factory{n}.example.com" for n in range(1, 9)]
        started = []
        for ours in names:
            others = (report(n.partition(".")[0]) for n in names if n != ours)
            peers = Peers(reports=(*others, told(evolve(ABORT, at=NOW - 100))), asked_at=NOW)
            wanted = space(PILOT, factory_name=ours)
            made = plan_cycle(observation(space=wanted, peers=peers))
            started.append(len(made.create))
        self.assertEqual(1, sum(started))
