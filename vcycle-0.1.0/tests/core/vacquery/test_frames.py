"""Tests for vcycle.core.vacquery.frames: known frames change nothing but the time it takes."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import DIRECTORY, vector
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.decode import decode_query
from vcycle.core.vacquery.encode import cookie_json
from vcycle.core.vacquery.frames import Frames

VECTORS = sorted(path.read_bytes() for path in DIRECTORY.rglob("*query*.json"))
COOKIES = ["abc", "1", "", "a b", 'a"b', "a\\", "\u00e4", "x" * 94, "x" * 95, "\n", "\ufffd"]
PIECES = [b'"', b"\\", b'"cookie":"', b"{", b"}", b",", b"[", b"]", b":", b" ", b"cookie", b"a"]


def plainly(datagram: bytes) -> object:
    try:
        query = decode_query(datagram)
    except MalformedQuery:
        return None
    return query.kind, query.space, cookie_json(query.cookie)


def quickly(frames: Frames, datagram: bytes) -> object:
    try:
        return frames.decode(datagram)
    except MalformedQuery:
        return None


class FramesTests(SynchronousTestCase):
    def both(self, frames: Frames, datagram: bytes) -> None:
        self.assertEqual(plainly(datagram), quickly(frames, datagram))

    @given(st.lists(st.tuples(st.sampled_from(VECTORS), st.sampled_from(COOKIES)), max_size=8))
    def test_cookies(self, asked: list[tuple[bytes, str]]) -> None:
        """With any cookies in known frames the same is read as without knowing them."""
        frames = Frames()
        for datagram, cookie in asked:
            try:
                message = json.loads(datagram)
            except ValueError:
                continue
            if not isinstance(message, dict):
                continue
            message["cookie"] = cookie
            for ascii_only in (True, False):
                text = json.dumps(message, separators=(",", ":"), ensure_ascii=ascii_only)
                self.both(frames, text.encode())

    @given(
        st.lists(
            st.tuples(st.integers(0, 240), st.sampled_from(PIECES), st.sampled_from(["k", "q7"])),
            max_size=6,
        )
    )
    @example([(0, b"", "k")])
    def test_forged(self, changes: list[tuple[int, bytes, str]]) -> None:
        """Whoever plays with quotes around cookies is read no differently the second time."""
        frames = Frames()
        query = json.dumps(json.loads(vector("machines_query-01.03")), separators=(",", ":"))
        datagram = query.encode()
        for at, piece, cookie in changes:
            datagram = datagram[:at] + piece + datagram[at:]
            for word in (cookie, "other"):
                self.both(frames, datagram.replace(b"e87dd60377f3", word.encode()))

    def test_other_cookies(self) -> None:
        """A text that only looks like the cookie's is not taken for it."""
        frames = Frames()
        for form in (
            b'{"z\\"cookie":"%b","cookie":"same","method":"machines","space":"a"}',
            b'{"z":{"cookie":"%b"},"cookie":"same","method":"machines","space":"a"}',
            b'{"z":{"cookie":"%b"},"\\u0063ookie":"same","method":"machines","space":"a"}',
            b'{"cookie":"%b","method":"machines","space":"a","z":"\\u0022"}',
            b'{"cookie":"%b","method":"machines","space":"a"} trailing',
        ):
            for cookie in (b"same", b"same", b"another", b"same"):
                self.both(frames, form % cookie)

    def test_bounded(self) -> None:
        """However many frames come, few are kept."""
        frames = Frames(most=10)
        for number in range(100):
            frames.decode(b'{"cookie":"c","method":"machines","space":"a%d"}' % number)
        self.assertLessEqual(len(frames._known), 10)
