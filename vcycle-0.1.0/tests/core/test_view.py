"""Tests for vcycle.core.view and vcycle.core.ends: what the dashboard is told."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import FACTORY, NOW, machinetype, record, running, space
from tests.monitor.scenery import KINDS, PEERS, SILENT, busy, ends
from vcycle.core.ends import end_of, kept, recalled
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.trend import FRAMES, Trend
from vcycle.core.view import MOST_ENDS, MOST_FACTORIES, MOST_KINDS, MOST_MACHINES, Shown, day, view


def document(snapshot: Snapshot, **more: Any) -> Any:
    shown = Shown(version="1.0", written=NOW, snapshots=(snapshot,), **more)
    return json.loads(view(shown))


class ViewTests(SynchronousTestCase):
    def test_space(self) -> None:
        """A space shows its machinetypes with their reasons, its factories and its machines."""
        [shown] = document(busy(NOW))["spaces"]
        kinds = {each["machinetype"]: each for each in shown["machinetypes"]}
        self.assertEqual(list(KINDS), list(kinds))
        self.assertEqual("backing-off", kinds["alice-pilot"]["word"])
        self.assertEqual(NOW - 214 + 600, kinds["alice-pilot"]["backoff_until"])
        self.assertEqual("300 Nothing to do", kinds["alice-pilot"]["abort"]["message"])
        names = [each["factory"] for each in shown["factories"]]
        self.assertEqual([FACTORY, *PEERS, *SILENT], names)
        self.assertEqual([True] * 4 + [False], [each["answers"] for each in shown["factories"]])
        young = shown["factories"][1]["kinds"]["lhcb-prod"]
        self.assertEqual({"machines": 8, "young": 1}, young)
        self.assertEqual(24, len(shown["machines"]))

    def test_no_secrets(self) -> None:
        """A machine's secret and address are not shown."""
        text = view(Shown(version="1", written=NOW, snapshots=(busy(NOW),)))
        self.assertNotIn(record().secret.encode(), text)
        self.assertNotIn(b"address", text)

    def test_ends(self) -> None:
        """The last ends are there with their messages, and survive being kept as JSON."""
        of = [end_of(each) for each in ends(NOW)]
        [shown] = document(busy(NOW), ends={busy(NOW).space.name: of})["spaces"]
        self.assertEqual([end.message for end in of], [end["message"] for end in shown["ends"]])
        self.assertEqual(of, list(recalled(json.loads(json.dumps(kept(of))))))

    def test_bounds(self) -> None:
        """However large a space is, the document is not."""
        many = 1000
        kinds = [machinetype(f"k{number}") for number in range(many)]
        scene = busy(NOW)
        large = evolve(
            scene,
            space=space(*kinds),
            machines=tuple(
                Reviewed(record=running(number), state=State.RUNNING) for number in range(many)
            ),
            peers=evolve(
                scene.peers,
                alive=frozenset(f"f{n}.test" for n in range(many)),
                silent={f"s{n}.test": "no answer" for n in range(many)},
            ),
            problems=("x" * 10_000,) * many,
        )
        shown = document(large, ends={space().name: [end_of(each) for each in ends(NOW)] * many})
        [one] = shown["spaces"]
        self.assertEqual(MOST_KINDS, len(one["machinetypes"]))
        self.assertEqual(many - MOST_KINDS, one["more_machinetypes"])
        self.assertEqual(MOST_MACHINES, len(one["machines"]))
        self.assertLessEqual(len(one["factories"]), MOST_FACTORIES + 1)
        self.assertEqual(MOST_ENDS, len(one["ends"]))
        self.assertLess(len(json.dumps(shown)), 400_000)

    def test_day(self) -> None:
        """The last day is there for each space, whether or not anything is known of it."""
        told = json.loads(day(Trend(), ["one.test"], NOW))
        self.assertEqual([None] * FRAMES, told["spaces"]["one.test"]["good"])

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["machine", "machinetype", "outcome", "at", "seconds", "message"]),
                st.one_of(
                    st.none(), st.text(max_size=4), st.floats(), st.integers(), st.lists(st.none())
                ),
            )
        )
    )
    def test_recalled(self, rows: list[Any]) -> None:
        """What makes no sense in a file is no end; what does can be shown."""
        for end in recalled(rows):
            self.assertTrue(end.machine)
            self.assertLess(end.at, 1e12)
