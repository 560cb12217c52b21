"""Tests for vcycle.core.squids."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, record, uuid
from vcycle.core.machine import Doom, Limits, Outcome, Record, Traces
from vcycle.core.squids import before, squids

LIMITS = Limits(
    fizzle_seconds=600,
    max_wallclock_seconds=86400,
    heartbeat_file="heartbeat",
    heartbeat_seconds=300,
)


def squid(slot: int, address: str | None) -> Record:
    return evolve(
        record(), uuid=uuid(slot), slot=slot, machinetype="squid", address=address, limits=LIMITS
    )


ONE, TWO = squid(1, "169.254.169.10"), squid(2, "169.254.169.9")
BEATEN = {one.uuid: Traces(heartbeat_at=NOW - 60) for one in (ONE, TWO)}


class SquidsTests(SynchronousTestCase):
    def test_found(self) -> None:
        """The machines of the kind that beat, in the order of their addresses."""
        other = evolve(squid(3, "169.254.169.11"), machinetype="pilot")
        traces = {**BEATEN, ONE.uuid: Traces(heartbeat_at=NOW - 1), other.uuid: BEATEN[ONE.uuid]}
        self.assertEqual(
            ("http://169.254.169.9:280", "http://169.254.169.10:280"),
            squids([ONE, TWO, other], traces, NOW, "squid", 280),
        )

    def test_not_current(self) -> None:
        """A heartbeat that is too old, or not there, is none; nor is that of what is over."""
        doom = Doom(outcome=Outcome.OVERTIME, text="too old", since=NOW)
        for one, traces in (
            (ONE, {}),
            (ONE, {ONE.uuid: Traces()}),
            (ONE, {ONE.uuid: Traces(heartbeat_at=NOW - 301)}),
            (evolve(ONE, doom=doom), BEATEN),
            (evolve(ONE, ended_at=NOW), BEATEN),
            (evolve(ONE, address=None), BEATEN),
            (evolve(ONE, limits=evolve(LIMITS, heartbeat_file=None)), BEATEN),
        ):
            self.assertEqual((), squids([one], traces, NOW, "squid", 280))

    def test_any_age(self) -> None:
        """Where heartbeat_seconds is 0 the file only has to be there, as in supervision."""
        one = evolve(ONE, limits=evolve(LIMITS, heartbeat_seconds=0))
        traces = {one.uuid: Traces(heartbeat_at=NOW - 1e6)}
        self.assertEqual(1, len(squids([one], traces, NOW, "squid", 3128)))


class BeforeTests(SynchronousTestCase):
    def test_joined(self) -> None:
        """Ours share the load, and those configured follow when all of ours fail."""
        ours = ("http://169.254.169.9:280", "http://169.254.169.10:280")
        group = "http://169.254.169.9:280|http://169.254.169.10:280"
        self.assertEqual(
            f"{group};http://squid.example.com:3128|DIRECT",
            before("http://squid.example.com:3128|DIRECT", ours),
        )
        self.assertEqual(group, before(None, ours))
        self.assertEqual(group, before("", ours))

    @given(st.none() | st.text())
    def test_nobody(self, configured: str | None) -> None:
        """Without a machine of ours nothing changes."""
        self.assertEqual(configured, before(configured, ()))
