"""Tests for vcycle.core.images: the index, its text, when to ask, and what has to go."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.images.exchange import Validators
from vcycle.core.images.index import Entry, Index, Refused, Version, added, confirmed, failed, used
from vcycle.core.images.indextext import decode, encode
from vcycle.core.images.needs import Need, key_of
from vcycle.core.images.pruning import WANTED_SECONDS, prune
from vcycle.core.images.states import Progress, Standing, amount, named, row_of, status_of, told
from vcycle.core.images.times import DEAR, is_due, pause_seconds, retry_seconds

NOW = 1_800_000_000.0
URL = "https://example.com/x.iso"
DAY = 86_400.0


def version(number: int = 0, **changes: Any) -> Version:
    values: dict[str, Any] = {
        "file": f"x-{number}.iso",
        "sha256": f"{number:064x}",
        "size": 1000,
        "validators": Validators(etag=f'"{number}"'),
        "fetched_at": NOW,
        "used_at": NOW,
    }
    return Version(**{**values, **changes})


words = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
moments = st.floats(0, 1e11, allow_nan=False)
validators = st.builds(
    Validators,
    etag=st.none() | words.filter(bool),
    last_modified=st.none() | words.filter(bool),
    dated=st.booleans(),
)
versions = st.builds(
    version,
    st.integers(0, 9),
    size=st.integers(0, 10**11),
    validators=validators,
    fetched_at=moments,
    used_at=moments.filter(bool),
    signed_by=st.none() | words,
    expected=st.none() | st.just("f" * 64),
)
entries = st.builds(
    Entry,
    versions=st.lists(versions, max_size=4, unique_by=lambda v: v.file).map(tuple),
    confirmed_at=st.none() | moments,
    tried_at=st.none() | moments,
    failures=st.integers(0, 100),
    problem=st.none() | words,
    refused=st.none()
    | st.builds(
        Refused,
        validators=validators,
        sha256=st.just("a" * 64),
        needs=st.just("b" * 64),
        reason=words.filter(bool),
    ),
    seconds=moments,
)
indexes = st.builds(
    Index,
    entries=st.dictionaries(
        st.sampled_from([URL, "https://a.test/", "http://b.test/y?z"]), entries, max_size=3
    ),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=10) | st.just("versions"), inner, max_size=3)
    ),
    max_leaves=10,
)


class TextTests(SynchronousTestCase):
    @given(indexes)
    @settings(max_examples=60, deadline=None)
    def test_round_trip(self, index: Index) -> None:
        """What is written is read again."""
        self.assertEqual(index, decode(encode(index)))

    @given(json_values)
    @settings(max_examples=150, deadline=None)
    def test_hostile(self, value: object) -> None:
        """Whatever an index holds is read, or a ValueError."""
        for whole in (
            value,
            {"version": 1, "entries": value},
            {"version": 1, "entries": {URL: value}},
        ):
            try:
                decode(json.dumps(whole))
            except ValueError:
                continue

    def test_left_out(self) -> None:
        """What makes no sense is left out, and the rest stays."""
        good = Index(entries={URL: Entry(versions=(version(),))})
        document = json.loads(encode(good))
        for file in ("../x", "/etc/passwd", ".x", "", "x/y", 5, "x" * 300):
            bad = {**document["entries"][URL]["versions"][0], "file": file}
            document["entries"][URL]["versions"].append(bad)
        document["entries"]["file:///x"] = {}
        self.assertEqual(good, decode(json.dumps(document)))

    def test_other_versions(self) -> None:
        """An index of another version is not guessed at."""
        for text in ('{"version": 2, "entries": {}}', "[]", "{", '{"version": 1}', "[" * 100_000):
            with self.assertRaises(ValueError):
                decode(text)


class IndexTests(SynchronousTestCase):
    def test_added(self) -> None:
        """A new version is the newest; one that is known is so again."""
        entry = added(added(Entry(), version(1), 2.0), version(2), 3.0)
        self.assertEqual(["x-2.iso", "x-1.iso"], [each.file for each in entry.versions])
        entry = added(entry, version(1, fetched_at=NOW + 1), 4.0)
        self.assertEqual(["x-1.iso", "x-2.iso"], [each.file for each in entry.versions])
        self.assertEqual((NOW, 4.0), (entry.confirmed_at, entry.seconds))

    def test_failed(self) -> None:
        """Failures are counted until the server confirms."""
        entry = failed(failed(Entry(), NOW, "x"), NOW + 1, "y")
        self.assertEqual((2, "y", NOW + 1), (entry.failures, entry.problem, entry.tried_at))
        again = confirmed(entry, NOW + 2)
        self.assertEqual((0, None, NOW + 2), (again.failures, again.problem, again.confirmed_at))

    def test_without(self) -> None:
        """Without its newest version an address is no longer confirmed, without any forgotten."""
        entry = Entry(versions=(version(2), version(1)), confirmed_at=NOW)
        index = Index(entries={URL: entry})
        self.assertEqual(NOW, index.without({"x-1.iso"}).entry(URL).confirmed_at)
        self.assertIsNone(index.without({"x-2.iso"}).entry(URL).confirmed_at)
        self.assertEqual({}, index.without({"x-1.iso", "x-2.iso"}).entries)

    def test_used(self) -> None:
        """Uses only go forward."""
        entry = used(Entry(versions=(version(1),)), "x-1.iso", NOW - 5)
        self.assertEqual(NOW, entry.versions[0].used_at)


class TimesTests(SynchronousTestCase):
    def test_due(self) -> None:
        """Each row: an entry, and whether its server is asked now."""
        good = Entry(versions=(version(),), confirmed_at=NOW)
        dear = evolve(good, versions=(version(validators=Validators()),), seconds=60.0)
        for entry, after, due in [
            (Entry(), 0, True),
            (good, 299, False),
            (good, 300, True),
            (good, -1000, True),
            (dear, 300, False),
            (dear, 60 * DEAR, True),
            (failed(good, NOW, "x"), 14, False),
            (failed(good, NOW, "x"), 15, True),
            (failed(Entry(), NOW, "x"), 14, False),
        ]:
            self.assertEqual(due, is_due(entry, NOW + after, 300.0, 15.0), (entry, after))

    def test_pause(self) -> None:
        """Each row: what was asked in vain, how long that took, and how long it is left alone."""
        bare = Refused(validators=Validators(), sha256="a" * 64, needs="n", reason="x")
        with_etag = evolve(bare, validators=Validators(etag='"1"'))
        once = failed(Entry(), NOW, "x", bare)
        for entry, spent, expected in [
            (Entry(), 60.0, 0.0),
            (failed(Entry(), NOW, "x"), 60.0, 15.0),
            (once, 60.0, 60 * DEAR),
            (once, 0.01, 15.0),
            (evolve(once, seconds=50.0), 0.0, 50 * DEAR),
            (evolve(once, refused=evolve(bare, needs="others")), 60.0, 15.0),
            (failed(Entry(), NOW, "x", with_etag), 60.0, 15.0),
            (failed(once, NOW, "it does not answer"), 60.0, 30.0),
            (evolve(once, failures=0), 60.0, 0.0),
        ]:
            self.assertEqual(expected, pause_seconds(entry, "n", spent), (entry, spent))

    def test_retry(self) -> None:
        """Each failure doubles the time, up to a bound."""
        spans = [retry_seconds(number) for number in (0, 1, 2, 3, 10, 1000)]
        self.assertEqual([0, 15, 30, 60, 900, 900], spans)


class PruningTests(SynchronousTestCase):
    @given(indexes, st.sets(st.integers(0, 9)), st.integers(1, 3), st.integers(0, 10**11))
    @settings(max_examples=100, deadline=None)
    def test_safe(self, index: Index, numbers: set[int], keep: int, budget: int) -> None:
        """Nothing goes that is in use or was wanted lately; what is short is told."""
        in_use = {f"x-{number}.iso" for number in numbers}
        plan = prune(index, in_use, now=NOW, keep=keep, budget=budget)
        gone = [removal.version for removal in plan.removals]
        for each in gone:
            self.assertNotIn(each.file, in_use)
            self.assertGreaterEqual(abs(NOW - each.used_at), WANTED_SECONDS)
        total = sum(v.size for e in index.entries.values() for v in e.versions)
        self.assertEqual(max(0, total - sum(each.size for each in gone) - budget), plan.short)

    def test_least_recently_used(self) -> None:
        """Over the budget the least recently used goes first, of whatever address."""
        entries = {
            f"https://a.test/{n}": Entry(versions=(version(n, used_at=NOW - (9 - n) * DAY),))
            for n in range(5)
        }
        plan = prune(Index(entries=entries), (), now=NOW, keep=2, budget=3000)
        self.assertEqual(["x-0.iso", "x-1.iso"], [r.version.file for r in plan.removals])
        plan = prune(Index(entries=entries), {"x-0.iso"}, now=NOW, keep=2, budget=3000, more=500)
        self.assertEqual(["x-1.iso", "x-2.iso", "x-3.iso"], [r.version.file for r in plan.removals])


class NeedTests(SynchronousTestCase):
    def test_refusal(self) -> None:
        """Each row: what is needed, what is there, and whether it is good."""
        for need, sha256, proven, good in [
            (Need(), "a", True, True),
            (Need(), "a", False, False),
            (Need(sha256="a"), "a", False, True),
            (Need(sha256="a"), "b", True, False),
            (Need(signing_dn=".*"), "b", False, True),
        ]:
            self.assertEqual(good, need.refusal(sha256, proven) is None)

    def test_key(self) -> None:
        """The same needs have the same key, in whatever order; others have another."""
        one, two = Need(sha256="a"), Need(signing_dn="b")
        self.assertEqual(key_of([one, two]), key_of([two, one, two]))
        self.assertNotEqual(key_of([one]), key_of([two]))


class StatesTests(SynchronousTestCase):
    def test_amounts(self) -> None:
        """Amounts in three digits."""
        for number, text in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.00 KB"),
            (9_994, "9.99 KB"),
            (9_996, "10.0 KB"),
            (410_000_000, "410 MB"),
            (999_600_000, "1.00 GB"),
            (12_300_000_000_000, "12.3 TB"),
        ]:
            self.assertEqual(text, amount(number))

    def test_progress(self) -> None:
        """How far a download is."""
        self.assertEqual("34 % of 410 MB", told(Progress(done=139_400_000, total=410_000_000)))
        self.assertEqual("139 MB", told(Progress(done=139_400_000)))
        self.assertEqual("all of nothing", told(Progress(done=0, total=0)))

    def test_status(self) -> None:
        """A status says the newest version, and the sum of all."""
        entry = Entry(versions=(version(2), version(1)), confirmed_at=NOW)
        status = status_of(URL, entry, Progress(done=5, total=9))
        self.assertEqual(
            (Standing.GOOD, 2, 2000), (status.standing, status.versions, status.stored)
        )
        row = row_of(status)
        self.assertEqual(
            ("fetching", 5, 9), (row["state"], row["fetched_bytes"], row["total_bytes"])
        )
        self.assertEqual("missing", row_of(status_of(URL, Entry(), None))["state"])

    def test_named(self) -> None:
        """An address stands in a reason once."""
        self.assertEqual(f"{URL}: gone", named(URL, "gone"))
        self.assertEqual(f"{URL}: gone", named(URL, f"{URL}: gone"))
