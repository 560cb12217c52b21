"""Tests for vcycle.core.vacquery.secret."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import COOKIE, PILOT, SPACE
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.decode import decode_answer, decode_query
from vcycle.core.vacquery.encode import encode_answer, encode_query
from vcycle.core.vacquery.messages import MAX_QUERY, Kind, Query
from vcycle.core.vacquery.secret import WINDOW, Seen, sign, verify

SECRET = b"0123456789abcdef"
NOW = 1_700_000_000.5
QUERY = Query(kind=Kind.MACHINES, space=SPACE, cookie=COOKIE)
SIGNED = sign(encode_query(QUERY), SECRET, NOW)


class SignTests(SynchronousTestCase):
    def test_read_by_all(self) -> None:
        """Who knows nothing of signatures reads a signed message as any other."""
        self.assertEqual(QUERY, decode_query(SIGNED))
        self.assertLess(len(SIGNED), MAX_QUERY)
        self.assertEqual(PILOT, decode_answer(sign(encode_answer(PILOT), SECRET, NOW)))

    def test_verify(self) -> None:
        """A signature is good with its secret while clocks agree within the window."""
        self.assertIsNone(verify(encode_query(QUERY), SECRET, NOW))
        for off in (-WINDOW + 1, 0, WINDOW - 1):
            self.assertIsNotNone(verify(SIGNED, SECRET, NOW + off))

    def test_refused(self) -> None:
        """Another secret, an old message, one of the future: each is refused with its reason."""
        for secret, now, reason in (
            (b"another", NOW, "signed with another secret"),
            (SECRET, NOW + WINDOW + 1, "signed 121 s ago: set the clocks"),
            (SECRET, NOW - WINDOW - 2, "signed 122 s ahead: set the clocks"),
        ):
            error = self.assertRaises(MalformedQuery, verify, SIGNED, secret, now)
            self.assertIn(reason, str(error))

    @given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
    def test_changed(self, at: int, byte: int) -> None:
        """A message of which anything was changed counts as not signed at the best."""
        changed = SIGNED[:at] + bytes([byte]) + SIGNED[at + 1 :]
        if changed == SIGNED:
            return
        try:
            self.assertIsNone(verify(changed, SECRET, NOW))
        except MalformedQuery:
            return

    def test_anew(self) -> None:
        """What is sent again a moment later has another signature."""
        self.assertNotEqual(SIGNED, sign(encode_query(QUERY), SECRET, NOW + 0.002))


class SeenTests(SynchronousTestCase):
    def test_once(self) -> None:
        """A signature is taken once for as long as it is good."""
        seen = Seen()
        seen.take(b"a", NOW)
        self.assertRaises(MalformedQuery, seen.take, b"a", NOW + WINDOW)
        self.assertRaises(MalformedQuery, seen.take, b"a", NOW + 2 * WINDOW)
        seen.take(b"b", NOW + 2 * WINDOW + 1)

    def test_bounded(self) -> None:
        """Where no more can be remembered nothing new is taken, until old ones are forgotten."""
        seen = Seen(most=3)
        for each in (b"a", b"b", b"c"):
            seen.take(each, NOW)
        self.assertRaises(MalformedQuery, seen.take, b"d", NOW + 1)
        seen.take(b"d", NOW + 2 * WINDOW + 1)

    def test_clock_set_back(self) -> None:
        """A clock that is set back by hours shuts nobody out: none of those can come again."""
        seen = Seen(most=1)
        seen.take(b"a", NOW)
        seen.take(b"b", NOW - 7200)
