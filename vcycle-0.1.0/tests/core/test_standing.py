"""Tests for vcycle.core.standing: where each machinetype of a space stands."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, machinetype, running, space
from tests.monitor.scenery import HERE, KINDS, PEERS, busy
from vcycle.core.backoff import History
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.snapshot import Snapshot
from vcycle.core.standing import UNKNOWN, standings


class StandingTests(SynchronousTestCase):
    def test_busy(self) -> None:
        """Targets are of all shares, what is had is of the HS06 of the whole space."""
        found = {standing.machinetype.name: standing for standing in standings(busy(NOW))}
        self.assertEqual(list(KINDS), list(found))
        self.assertAlmostEqual(1.0, sum(s.target or 0 for s in found.values()))
        self.assertAlmostEqual(1.0, sum(s.actual or 0 for s in found.values()))
        elsewhere = sum(told.get("lhcb-prod", (0, 0))[0] for told in PEERS.values())
        self.assertEqual(HERE["lhcb-prod"] + elsewhere, found["lhcb-prod"].hs06)
        self.assertEqual(HERE["lhcb-prod"], found["lhcb-prod"].machines)

    def test_nothing(self) -> None:
        """Where nothing is used or wanted there are no parts of it."""
        [standing] = standings(
            Snapshot(space=space(machinetype(target_share=0)), taken_at=NOW, machines=())
        )
        self.assertIsNone(standing.target)
        self.assertIsNone(standing.actual)
        self.assertEqual(UNKNOWN, standing.verdict.word)
        self.assertIsNone(standing.backoff_until)

    def test_stale_peers(self) -> None:
        """A peer that was heard too long ago counts no more."""
        late = evolve(busy(NOW), taken_at=NOW + 3600)
        self.assertEqual([()] * len(KINDS), [standing.elsewhere for standing in standings(late)])

    def test_backoff(self) -> None:
        """A back-off runs from the last abort, ours or another factory's, and ends."""
        space_ = space(machinetype(backoff_seconds=600))
        elsewhere = Abort(at=NOW - 300, factory="factory2.example.com")
        for own, until in ((None, NOW + 300), (NOW - 60, NOW + 540), (NOW - 500, NOW + 300)):
            history = History(last_abort=own, outlook=Outlook(abort=elsewhere))
            snapshot = Snapshot(
                space=space_, taken_at=NOW, machines=(), histories={"pilot": history}
            )
            self.assertEqual(until, standings(snapshot)[0].backoff_until)
        [over] = standings(evolve(snapshot, taken_at=NOW + 301))
        self.assertIsNone(over.backoff_until)
        self.assertIsNotNone(over.abort)

    def test_unconfigured(self) -> None:
        """Machines of a machinetype that is configured no longer are no part of the shares."""
        old = Reviewed(record=running(0, machinetype="old"), state=State.RUNNING)
        [standing] = standings(Snapshot(space=space(), taken_at=NOW, machines=(old,)))
        self.assertEqual({}, standing.states)
        self.assertIsNone(standing.actual)
