"""Tests for vcycle.core.health: what of a status file is healthy."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW
from vcycle.core.health import (
    CRITICAL,
    FAILURE_SECONDS,
    IMAGE_SECONDS,
    MOST_LETTERS,
    MOST_TEXTS,
    OK,
    UNKNOWN,
    UNSENT_SECONDS,
    WARNING,
    judge,
)
from vcycle.core.ranges import Range


def status(**changes: Any) -> dict[str, Any]:
    """The file of a daemon that is well; keys of its space may be given."""
    one = {
        "space": "one.test",
        "heartbeat": NOW,
        "cycle_seconds": 60,
        "answered": NOW,
        "machines": 4,
        "running": 3,
        "starting": 1,
        "slots": 8,
        "running_processors": 6,
        "max_processors": 16,
        "failures": {"count": 0, "at": None, "text": ""},
        "problems": [],
    }
    one.update(changes)
    return {"version": 1, "written": NOW, "responder": {"heartbeat": NOW}, "spaces": [one]}


class JudgeTests(SynchronousTestCase):
    def check(self, state: int, text: str, document: object, at: float = NOW, **more: Any) -> None:
        health = judge(document, at, **more)
        self.assertEqual(state, health.state, health)
        self.assertIn(text, health.text)

    def test_well(self) -> None:
        """A daemon that is well says so as the family does, with numbers for graphs."""
        health = judge(status(), NOW + 12)
        self.assertEqual(
            "VCYCLE OK - Factory + responder ok (3/8 6/16)"
            " | running=3;;;0;8 machines=4;;;0; starting=1;;;0; processors=6;;;0;16"
            " failures=0;;;0; heartbeat=12s;;600;0;",
            str(health),
        )

    def test_no_responder(self) -> None:
        """Where nobody is to be answered nobody's heart is missed."""
        self.check(OK, "Factory ok (", {**status(), "responder": None})
        self.check(OK, "Factory + responder ok, draining", status(draining=True))

    def test_hearts(self) -> None:
        """A heart that stopped, or never beat, is critical, and so for the responder's."""
        self.check(OK, "ok", status(), NOW + 600)
        self.check(CRITICAL, "No vcycled factory heartbeat in 0.25 hours", status(), NOW + 900)
        self.check(OK, "ok", status(), NOW + 900, limit=1000)
        self.check(CRITICAL, "No vcycled factory heartbeat (", status(heartbeat=None))
        self.check(CRITICAL, "No vcycled factory heartbeat", {"version": 1})
        deaf = {**status(), "responder": {"heartbeat": None}}
        self.check(CRITICAL, "No vcycled responder heartbeat", deaf)
        deaf = {**status(), "responder": {"heartbeat": NOW - 700}}
        self.check(CRITICAL, "No vcycled responder heartbeat in 0.19 hours", deaf)

    def test_seldom(self) -> None:
        """A space that is configured to cycle seldom may beat seldom."""
        self.check(OK, "ok", {**status(cycle_seconds=1800), "responder": None}, NOW + 1900)

    def test_clock_back(self) -> None:
        """A heartbeat of the future, after a clock was set back, is no old one."""
        self.check(OK, "ok", status(heartbeat=NOW + 4000, answered=NOW + 4000))

    def test_provider(self) -> None:
        """A hypervisor that does not answer is critical once that lasts."""
        self.check(OK, "ok", status(answered=NOW - 599))
        self.check(CRITICAL, "has not answered for 1.00 hours", status(answered=NOW - 3600))

    def test_failures(self) -> None:
        """Creations that failed: one is a warning, many are critical, old ones are neither."""

        def failed(count: int, ago: float) -> dict[str, Any]:
            return status(failures={"count": count, "at": NOW - ago, "text": "700 no such image"})

        self.check(WARNING, "1 creations failed: 700 no such image", failed(1, 60))
        self.check(CRITICAL, "3 creations failed", failed(3, 60))
        self.check(OK, "ok", failed(3, FAILURE_SECONDS + 1))

    def test_problems(self) -> None:
        """What keeps machines from being made is a warning, the configuration's faults first."""
        text = "the configuration is wrong: /etc/vcycle.conf:3: colour: no such option"
        self.check(WARNING, text, status(problems=[text]))

    def test_daemon_problems(self) -> None:
        """What is wrong with the daemon itself is a warning too, bounded and clean."""
        text = "no orders can be given: /s/control.sock: this is no socket"
        self.check(WARNING, text, {**status(), "problems": [text]})
        self.check(OK, "ok", {**status(), "problems": []})
        for strange in ("text", 3, None, {"a": 1}):
            self.check(OK, "ok", {**status(), "problems": strange})

    def test_images(self) -> None:
        """An image that could not be confirmed for a day is a warning; an idle one is none."""
        image = {"image": "https://a.test/i", "confirmed_at": NOW - IMAGE_SECONDS - 1}
        self.check(OK, "ok", {**status(), "images": [image]})
        image["problem"] = "no route to host"
        text = "https://a.test/i is of 1.0 days ago: no route to host"
        self.check(WARNING, text, {**status(), "images": [image]})

    def test_accounting(self) -> None:
        """Records that are not sent for days are a warning, and their number is for graphs."""
        fresh = {"waiting": 5, "oldest": NOW - UNSENT_SECONDS + 1}
        self.check(OK, "ok", {**status(), "accounting": fresh})
        stale = {"waiting": 5, "oldest": NOW - UNSENT_SECONDS - 1}
        self.check(WARNING, "5 APEL records were not sent", {**status(), "accounting": stale})
        self.assertIn("unsent=5;;;0;", judge({**status(), "accounting": stale}, NOW).data)

    def test_ranges(self) -> None:
        """Running machines outside of a range alert, and the ranges are told with the number."""
        low, none = Range("4:"), Range("1:")
        self.check(WARNING, "3 machines run, which is not 4:", status(), warning=low)
        self.check(CRITICAL, "3 machines run, which is not 4:", status(), critical=low)
        self.check(OK, "ok", status(), warning=none, critical=none)
        health = judge(status(), NOW, warning=low, critical=none)
        self.assertEqual("running=3;4:;1:;0;8", health.data[0])

    def test_several(self) -> None:
        """Of several spaces each trouble says whose it is, the worst first, and few are told."""
        one, two = status(problems=["p"])["spaces"], status(heartbeat=NOW - 900)["spaces"]
        two[0]["space"] = "two.test"
        health = judge({**status(), "spaces": [*one, *two]}, NOW)
        self.assertEqual(CRITICAL, health.state)
        self.assertTrue(health.text.startswith("two.test: No vcycled factory"), health.text)
        self.assertIn("; one.test: p (6/16 12/32)", health.text)
        many = status(problems=[str(n) for n in range(9)])
        self.assertLessEqual(judge(many, NOW).text.count("; "), MOST_TEXTS)

    def test_version(self) -> None:
        """A file of another version, or none at all of it, is unknown."""
        documents: tuple[object, ...] = (None, [], {}, {"version": 2}, "text", 3)
        for document in documents:
            self.assertEqual(UNKNOWN, judge(document, NOW).state)

    def test_texts(self) -> None:
        """A text stays in one line, is no performance data, and is short."""
        health = judge(status(problems=["a|b\nc\x1b[2J" + "x" * 1000]), NOW)
        self.assertNotIn("\n", str(health))
        self.assertNotIn("\x1b", str(health))
        self.assertEqual(1, str(health).count("|"))
        self.assertLess(len(health.text), MOST_LETTERS + 40)

    @settings(max_examples=150, deadline=None)
    @given(
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from([*status(), *status()["spaces"][0], "count", "at"]),
                    inner,
                    max_size=6,
                ),
            ),
            max_leaves=20,
        )
    )
    def test_anything(self, value: object) -> None:
        """Whatever is in the file there is an answer, of one line."""
        document = {**value, "version": 1} if isinstance(value, dict) else value
        health = judge(document, NOW, warning=Range("1:"))
        self.assertIn(health.state, (OK, WARNING, CRITICAL, UNKNOWN))
        self.assertNotIn("\n", str(health))
