"""Tests for vcycle.vacquery.limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.vacquery.limits import Audience, Rates, networks

AUDIENCE = Audience(
    frozenset({"192.0.2.1", "2001:db8::1"}),
    networks(["127.0.0.0/8", "::1/128", "198.51.100.0/24", "2001:db8:1::/48"]),
)


class AudienceTests(SynchronousTestCase):
    def test_admits(self) -> None:
        """Factories and loopback are answered without limit, allowed networks with one."""
        for host, answered, limited in (
            ("192.0.2.1", True, False),
            ("::ffff:192.0.2.1", True, False),
            ("2001:db8::1", True, False),
            ("2001:db8:0::1", True, False),
            ("127.3.2.1", True, False),
            ("::1", True, False),
            ("::ffff:127.0.0.1", True, False),
            ("198.51.100.77", True, True),
            ("2001:db8:1::5", True, True),
            ("192.0.2.2", False, False),
            ("fe80::1%eth0", False, False),
            ("localhost", False, False),
            ("", False, False),
        ):
            self.assertEqual((answered, limited), AUDIENCE.admits(host), host)

    @given(st.text(max_size=40))
    def test_any(self, host: str) -> None:
        """Nothing that is called an address makes it fail."""
        AUDIENCE.admits(host)


class RatesTests(SynchronousTestCase):
    def test_rate(self) -> None:
        """So many at once, then so many a second; each source for itself."""
        rates = Rates(10)
        self.assertEqual(10, sum(rates.spend("a", 1, 0.0) for _ in range(50)))
        self.assertTrue(rates.spend("b", 1, 0.0))
        self.assertEqual(5, sum(rates.spend("a", 1, 0.5) for _ in range(50)))

    def test_large(self) -> None:
        """An answer larger than the rate is given, and paid for by waiting."""
        rates = Rates(10)
        self.assertTrue(rates.spend("a", 1000, 0.0))
        self.assertFalse(rates.spend("a", 1, 98.0))
        self.assertTrue(rates.spend("a", 1, 99.5))

    @given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 50)), min_size=1, max_size=100))
    def test_bound(self, asked: list[tuple[float, int]]) -> None:
        """Over any time no source gets more than rate x time, one burst and one answer."""
        rates, now, got = Rates(20), 0.0, 0
        for wait, count in asked:
            now += wait
            got += count if rates.spend("a", count, now) else 0
        self.assertLessEqual(got, 20 * now + 20 + 50)

    def test_memory(self) -> None:
        """However many sources ask, few are remembered; those who are quiet make room."""
        rates = Rates(10, most=100)
        answered = sum(rates.spend(f"s{n}", 10, 0.0) for n in range(1000))
        self.assertEqual((100, 100), (answered, len(rates._owing)))
        self.assertFalse(rates.spend("new", 1, 0.9))
        self.assertTrue(rates.spend("new", 1, 2.5))
        self.assertEqual(1, len(rates._owing))
