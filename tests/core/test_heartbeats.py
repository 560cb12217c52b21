"""Tests for vcycle.core.heartbeats."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, record, uuid
from vcycle.core.heartbeats import Heartbeat, heartbeats, listing
from vcycle.core.machine import Doom, Limits, Outcome, Record, Traces

LIMITS = Limits(
    fizzle_seconds=600,
    max_wallclock_seconds=86400,
    heartbeat_file="heartbeat",
    heartbeat_seconds=300,
)


def machine(slot: int, machinetype: str = "pilot") -> Record:
    return evolve(
        record(),
        uuid=uuid(slot),
        slot=slot,
        name=f"factory1-{slot:02}.example.com",
        machinetype=machinetype,
        address=f"169.254.169.{slot}",
        limits=LIMITS,
    )


ONE, TWO, OTHER = machine(1), machine(2), machine(3, "squid")


class HeartbeatsTests(SynchronousTestCase):
    def test_newest_first(self) -> None:
        """Those of the machinetype alone, the newest first."""
        traces = {
            ONE.uuid: Traces(heartbeat_at=NOW - 60),
            TWO.uuid: Traces(heartbeat_at=NOW - 30),
            OTHER.uuid: Traces(heartbeat_at=NOW),
        }
        self.assertEqual(
            (
                Heartbeat(NOW - 30, "factory1-02.example.com", "169.254.169.2"),
                Heartbeat(NOW - 60, "factory1-01.example.com", "169.254.169.1"),
            ),
            heartbeats([ONE, TWO, OTHER], traces, NOW, "pilot"),
        )

    @given(
        age=st.none() | st.floats(0, 1000),
        within=st.sampled_from([0, 300]),
        says=st.booleans(),
        doomed=st.booleans(),
        ended=st.booleans(),
        reached=st.booleans(),
    )
    def test_who_beats(
        self,
        age: float | None,
        within: int,
        says: bool,
        doomed: bool,
        ended: bool,
        reached: bool,
    ) -> None:
        """
        Only living machines with an address whose heartbeat is as current as asked; where
        heartbeat_seconds is 0 the file only has to be there, as in supervision.
        """
        doom = Doom(outcome=Outcome.OVERTIME, text="too old", since=NOW)
        one = evolve(
            ONE,
            doom=doom if doomed else None,
            ended_at=NOW if ended else None,
            address=ONE.address if reached else None,
            limits=evolve(
                LIMITS, heartbeat_file="heartbeat" if says else None, heartbeat_seconds=within
            ),
        )
        traces = {} if age is None else {one.uuid: Traces(heartbeat_at=NOW - age)}
        expected = (
            says
            and reached
            and not doomed
            and not ended
            and age is not None
            and (within == 0 or NOW - (NOW - age) <= within)
        )
        self.assertEqual(expected, bool(heartbeats([one], traces, NOW, "pilot")))

    def test_listing(self) -> None:
        """A line for each: whole seconds, the name, the address."""
        self.assertEqual(b"", listing(()))
        beats = heartbeats(
            [ONE, TWO],
            {one.uuid: Traces(heartbeat_at=1000.75) for one in (ONE, TWO)},
            1001.0,
            "pilot",
        )
        self.assertEqual(
            b"1000 factory1-02.example.com 169.254.169.2\n"
            b"1000 factory1-01.example.com 169.254.169.1\n",
            listing(beats),
        )
