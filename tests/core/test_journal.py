"""Tests for vcycle.core.journal and vcycle.core.digest."""

from __future__ import annotations

import json

from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import observations
from tests.core.values import NOW, machinetype, mark, observation, record, running, sighting, space
from tests.core.values import survey as survey_of
from vcycle.core.config.model import Space
from vcycle.core.digest import differences, digest_of
from vcycle.core.disks import GIGABYTE, Pool
from vcycle.core.drains import Drain
from vcycle.core.journal import encode
from vcycle.core.journalread import decode
from vcycle.core.machine import Doom, Outcome, Record, Traces
from vcycle.core.observation import Host, Observation
from vcycle.core.plan import plan_cycle
from vcycle.core.room import HEADROOM
from vcycle.core.veto import DISK_RESERVE

UNKEPT = {
    *("factory", "model", "secret", "born", "address", "mac", "site", "accounting_fqan"),
    *("keep_days", "cpu_seconds", "cpu_percentage", "image", "exports", "gocdb"),
    *("hepscore23_per_processor", "scratch_bytes"),
}
"""Facts of machines that no plan is made of."""


def again(seen: Observation, of: Space | None = None) -> list[str]:
    """How a replay of what was seen differs."""
    plan = plan_cycle(seen)
    entry = decode(encode(seen, plan))
    replayed = plan_cycle(entry.observation(of or seen.space))
    return list(differences(entry.digest, digest_of(replayed)))


class ReplayTests(SynchronousTestCase):
    @given(observations())
    @settings(max_examples=120)
    def test_same(self, seen: Observation) -> None:
        """Under its own configuration every cycle is decided as it was."""
        plan = plan_cycle(seen)
        entry = decode(encode(seen, plan))
        replayed = plan_cycle(entry.observation(seen.space))
        self.assertEqual(digest_of(plan), digest_of(replayed))
        self.assertEqual(digest_of(plan), entry.digest)
        self.assertEqual([], list(differences(entry.digest, digest_of(replayed))))

    def test_orders(self) -> None:
        """Drains and machines that are to go are in it."""
        doom = Doom(outcome=Outcome.STOPPED, text="destroyed by ann", since=NOW)
        drain = Drain(reason="repairs", by="ann", since=NOW - 1, machinetype="pilot")
        seen = observation([running()], asked={running().uuid: doom}, drains=(drain,))
        entry = decode(encode(seen, plan_cycle(seen)))
        back = entry.observation(seen.space)
        self.assertEqual((seen.drains, seen.asked), (back.drains, back.asked))

    def test_room(self) -> None:
        """A volume group is as full in a replay as it was, and its volumes of the same size."""
        for disk in (None, 40.0):
            kinds = machinetype(disk_gb_per_processor=disk)
            for pool in (Pool(free=100 * GIGABYTE), Pool(free=0, ours=GIGABYTE), None):
                seen = observation(
                    [record(1, volume_group="vg0")],
                    space=space(kinds, volume_group="vg0"),
                    pool=pool,
                    host=Host(processors=64, load=0.0, disk_free=DISK_RESERVE + 2 * HEADROOM),
                )
                entry = decode(encode(seen, plan_cycle(seen)))
                self.assertEqual(
                    plan_cycle(seen).create, plan_cycle(entry.observation(seen.space)).create
                )
                self.assertEqual([], again(seen))

    def test_other(self) -> None:
        """Another configuration shows what it would change, a line for each machinetype."""
        more = space(machinetype(target_share=0.0), machinetype("probe"))
        self.assertEqual(
            [
                "pilot: no-share: target_share is 0 (was: starts 8)",
                "probe: starts 8 (was not configured)",
            ],
            again(observation(), more),
        )
        self.assertEqual(
            ["pilot: is not configured (was: started)"],
            again(observation(), space(machinetype("x")))[:1],
        )

    def test_veto(self) -> None:
        """A veto that comes or goes is told."""
        self.assertIn(
            "veto: draining = yes (was: none)", again(observation(), space(draining=True))
        )


class WholeTests(SynchronousTestCase):
    @given(observations())
    @settings(max_examples=60)
    def test_observation(self, seen: Observation) -> None:
        """All that was seen of the surroundings is kept, and what is not is named here."""
        ready = {name: text for name, text in seen.ready.items() if text is not None}
        back = decode(encode(seen, plan_cycle(seen))).observation(seen.space)
        apart = {"records", "survey", "traces", "peers"}
        for name in {field.name for field in fields(Observation)} - apart:
            expected = ready if name == "ready" else getattr(seen, name)
            self.assertEqual(expected, getattr(back, name), name)
        self.assertEqual(repr(seen.peers), repr(back.peers))
        for before, after in zip(seen.records, back.records):
            for name in {field.name for field in fields(Record)} - UNKEPT:
                self.assertEqual(getattr(before, name), getattr(after, name), name)
        self.assertEqual(len(seen.records), len(back.records))
        self.assertEqual(seen.traces, back.traces)


class ContentTests(SynchronousTestCase):
    def test_no_secret(self) -> None:
        """No secret of a machine is in it, though its mark holds one."""
        known, stray = running(0, secret="known-secret"), running(1, secret="stray-secret")
        seen = observation(
            [known],
            survey=survey_of([sighting(known), sighting(stray)]),
            traces={known.uuid: Traces()},
        )
        plan = plan_cycle(seen)
        self.assertEqual(1, len(plan.adopt))
        line = encode(seen, plan)
        self.assertNotIn(b"-secret", line)
        self.assertEqual([], again(seen))

    @given(st.text(max_size=40))
    @settings(max_examples=40)
    def test_one_line(self, text: str) -> None:
        """Whatever a machine says, it is one line of printable ASCII."""
        seen = observation(
            [running()], traces={running().uuid: Traces(message=text, message_at=NOW)}
        )
        line = encode(seen, plan_cycle(seen))
        self.assertTrue(line.decode("ascii").isprintable())

    def test_many(self) -> None:
        """Many machines are as well told as one."""
        some = [running(number) for number in range(450)]
        seen = observation(some, space=space(total_processors=1000))
        entry = decode(encode(seen, plan_cycle(seen)))
        self.assertEqual(450, len(entry.observation(seen.space).records))

    def test_foreign_mark(self) -> None:
        """A machine that only looks like ours is no more ours in a replay."""
        ours = running()
        for changes in ({"owner": "other"}, {"name": "x.test"}, {"facts": "none"}):
            false = sighting(ours, mark=mark(ours, **changes))
            self.assertEqual([], again(observation([ours], survey=survey_of([false]))))
            self.assertEqual([], again(observation([record(5)], survey=survey_of([false]))))


class BrokenTests(SynchronousTestCase):
    def test_trash(self) -> None:
        """What is no line of the journal is said to be none."""
        for line in (b"", b"x", b"[]", b"{}", b'{"version":1}', b'{"version":2}', b"[" * 100_000):
            self.assertRaises(ValueError, decode, line)

    def test_earlier(self) -> None:
        """A line that tells of no volume group is read as one of a time when there was none."""
        seen = observation([running(volume_group="vg0")], pool=Pool(free=7))
        line = json.loads(encode(seen, plan_cycle(seen)))
        del line["pool"]
        line["machines"][0][0].pop()
        back = decode(json.dumps(line).encode()).observation(seen.space)
        self.assertEqual((None, None), (back.pool, back.records[0].volume_group))

    def test_lost(self) -> None:
        """A line of which something is missing is one error, not any."""
        seen = observation([running()], survey=survey_of([sighting(running())]))
        whole = json.loads(encode(seen, plan_cycle(seen)))
        for key in whole:
            for broken in ({k: v for k, v in whole.items() if k != key}, {**whole, key: 7}):
                try:
                    decode(json.dumps(broken).encode()).observation(seen.space)
                except ValueError as error:
                    self.assertTrue(str(error))
