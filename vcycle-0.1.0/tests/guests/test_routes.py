"""Tests for vcycle.guests.routes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.guests.routes import Route, parse


class ParseTests(SynchronousTestCase):
    def test_routes(self) -> None:
        """A path is cut at its slashes, and a secret is taken off its front."""
        for target, secret, parts in [
            (b"/", None, ("",)),
            (b"/latest/", None, ("latest", "")),
            (b"//a///b", None, ("a", "b")),
            (b"/machine/s3cret", "s3cret", ()),
            (b"/machine/s3cret/", "s3cret", ("",)),
            (b"/machine//s3cret/a/b", "s3cret", ("a", "b")),
            (b"/a%2e?b", None, ("a%2e?b",)),
        ]:
            self.assertEqual(Route(secret=secret, parts=parts), parse(target))

    def test_nowhere(self) -> None:
        """What is not the plain absolute path of something leads nowhere."""
        for target in (b"", b"*", b"a", b"http://x/y", b"/a/../b", b"/..", b"/./a", b"/\xff"):
            self.assertIsNone(parse(target), target)
        for target in (b"/machine", b"/machine/", b"/machine//"):
            self.assertIsNone(parse(target), target)

    def test_secret_unseen(self) -> None:
        """A route does not show its secret when it is printed."""
        self.assertNotIn("s3cret", repr(parse(b"/machine/s3cret/x")))

    @given(st.binary())
    def test_any(self, target: bytes) -> None:
        """No target raises, and no part is ever a step upwards."""
        route = parse(b"/" + target)
        if route is not None:
            self.assertFalse({".", ".."} & set(route.parts))

    @given(st.text())
    def test_output(self, name: str) -> None:
        """The name of an output is short, plain ASCII, and does not begin with a dot."""
        output = Route(secret=None, parts=("joboutputs", name)).output
        if output is not None:
            self.assertRegex(output, r"\A[A-Za-z0-9_-][A-Za-z0-9._-]*\Z")
            self.assertLessEqual(len(output), 64)
