"""Tests for vcycle.core.accounting.places."""

from __future__ import annotations

import itertools

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.accounting.places import (
    DAY,
    ELEMENT,
    day,
    distinguished_name,
    latest_month,
    moments,
    month,
    month_named,
    names,
    submit_host,
)
from vcycle.core.accounting.waiting import since

NEW_YEAR = 1767225600.0


class PlacesTests(SynchronousTestCase):
    def test_days(self) -> None:
        """Days and months are those of UTC, and have as many digits at any time."""
        self.assertEqual(("20251231", "20260101"), (day(NEW_YEAR - 1), day(NEW_YEAR)))
        self.assertEqual(("202512", "202601"), (month(NEW_YEAR - 1), month(NEW_YEAR)))
        for at in (-1e11, 0, 1e10, 1e11):
            self.assertTrue(DAY.fullmatch(day(at)), at)

    def test_latest_month(self) -> None:
        """A month is told of until the first day of the next is over."""
        self.assertEqual("202512", latest_month(NEW_YEAR + 86399))
        self.assertEqual("202601", latest_month(NEW_YEAR + 86400))

    def test_month_named(self) -> None:
        """Months are YYYYMM."""
        self.assertEqual("202601", month_named("202601"))
        for wrong in (
            "",
            "2026",
            "202613",
            "202600",
            "2026-01",
            "000001",
            "20261",
            "\u0662\u0660260\u0661",
        ):
            self.assertRaises(ValueError, month_named, wrong)

    def test_names(self) -> None:
        """A record is named as its machine's uuid begins; there are others if that is taken."""
        found = list(names("9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11"))
        self.assertEqual("9f0c2f5e0f5b4f", found[0])
        self.assertEqual(19, len(found))
        self.assertTrue(all(map(ELEMENT.fullmatch, found)))

    def test_moments(self) -> None:
        """What is no machine's is named by the time of the day, with as many digits always."""
        found = list(itertools.islice(moments(NEW_YEAR + 61.25), 3))
        self.assertEqual(["00010125000000", "00010125000001", "00010125000002"], found)
        for fraction in (0.0, 0.999999, 1e-6, 0.25):
            self.assertTrue(ELEMENT.fullmatch(next(moments(NEW_YEAR + fraction))))

    def test_hosts(self) -> None:
        """Submit hosts and DNs are as the rest of the family writes them."""
        self.assertEqual(
            "vcycle01.example.com/vcycle-factory1.example.com",
            submit_host("vcycle01.example.com", "factory1.example.com"),
        )
        self.assertEqual(
            "/DC=com/DC=example/DC=vcycle01", distinguished_name("vcycle01.example.com")
        )

    def test_since(self) -> None:
        """A record waits since its end, or since the day in which it was issued again."""
        self.assertEqual(NEW_YEAR, since("20260101", None))
        self.assertEqual(NEW_YEAR + 5, since("20260101", int(NEW_YEAR) + 5))
        self.assertEqual(NEW_YEAR, since("20260101", 5))
        self.assertEqual(5.0, since("99999999", 5))
