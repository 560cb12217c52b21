"""Tests for vcycle.monitor.hosts: names that others point at us are not ours."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.monitor.hosts import is_ours

NAMES = frozenset({"factory1.example.com", "factory1"})


class HostTests(SynchronousTestCase):
    def test_ours(self) -> None:
        """Addresses, localhost and our own names are ours, with a port or without."""
        for header in (
            None,
            b"127.0.0.1",
            b"127.0.0.1:9979",
            b"[::1]:9979",
            b"[::1]",
            b"localhost:9979",
            b"LocalHost",
            b"localhost.",
            b"factory1.example.com:9979",
            b"Factory1.Example.com.",
            b"192.0.2.7:80",
        ):
            self.assertTrue(is_ours(header, NAMES), header)

    def test_not_ours(self) -> None:
        """Any other name, and what is no name, is not."""
        for header in (
            b"",
            b"evil.example.net",
            b"evil.example.net:9979",
            b"localhost.evil.example.net",
            b"127.0.0.1.evil.example.net",
            b"factory1.example.com.evil.example.net",
            b"[::1].evil.example.net",
            b"[::1",
            b"127.0.0.1:80:80",
            b"\xff\xfe",
            b"x" * 1000,
        ):
            self.assertFalse(is_ours(header, NAMES), header)

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=40))
    def test_anything(self, header: bytes) -> None:
        """Whatever is sent there is an answer."""
        self.assertIn(is_ours(header, NAMES), (True, False))
