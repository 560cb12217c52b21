"""Tests for vcycle.core.images.address."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import FetchError
from vcycle.core.images.address import is_url, parse, redirected


class ParseTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Each row: an address, and what it means."""
        for text, host, port, url in [
            ("https://Example.com/x", "example.com", 443, "https://Example.com/x"),
            ("https://example.com:8443/x#y", "example.com", 8443, "https://example.com:8443/x"),
            ("https://[2001:db8::1]/x", "2001:db8::1", 443, "https://[2001:db8::1]/x"),
            ("https://192.0.2.1?x=y", "192.0.2.1", 443, "https://192.0.2.1?x=y"),
        ]:
            found = parse(text)
            self.assertEqual((host, port, url), (found.host, found.port, found.url))

    def test_bad(self) -> None:
        """Each row: an address that is not fetched, and the reason."""
        for text, words in [
            ("http://example.com/x", "allow_http"),
            ("ftp://example.com/x", "only https"),
            ("file:///etc/passwd", "only https"),
            ("https://user:secret@example.com/", "remove the name and password"),
            ("https:///x", "no name of a server"),
            ("https://example.com:0/", "no name of a server"),
            ("https://example.com:x/", "no address that makes sense"),
            ("https://[::1%eth0]/", "no name of a server"),
            ("https://exa mple.com/", "printable ASCII"),
            ("https://example.com/\n", "printable ASCII"),
            ("https://bücher.example/", "printable ASCII"),
            ("https://example.com/" + "x" * 2000, "at most 2000"),
        ]:
            error = self.assertRaises(FetchError, parse, text)
            self.assertIn(words, str(error))
            self.assertNotIn("secret", str(error))

    def test_http(self) -> None:
        """Without TLS only where that is allowed."""
        self.assertEqual(80, parse("http://example.com/", allow_http=True).port)

    @given(st.text(max_size=40) | st.text(alphabet="htps:/[]@.%:#?a1", max_size=40))
    @settings(max_examples=200, deadline=None)
    def test_hostile(self, text: str) -> None:
        """Whatever is given is an address, or a FetchError."""
        try:
            found = parse(text, allow_http=True)
        except FetchError:
            return
        self.assertTrue(is_url(text))
        self.assertEqual(found, parse(found.url, allow_http=True))


class RedirectedTests(SynchronousTestCase):
    def test_redirected(self) -> None:
        """Each row: where from, where to, and the address that is meant."""
        base, plain = parse("https://a.test/x/y"), parse("http://a.test/", allow_http=True)
        for start, location, url in [
            (base, "/z", "https://a.test/z"),
            (base, "z", "https://a.test/x/z"),
            (base, "//b.test/z", "https://b.test/z"),
            (plain, "https://b.test/", "https://b.test/"),
            (plain, "/z", "http://a.test/z"),
        ]:
            self.assertEqual(url, redirected(start, location, allow_http=True).url)

    def test_refused(self) -> None:
        """From https nothing leads to http, and nothing leads to other schemes or nowhere."""
        base = parse("https://a.test/x")
        for location in ("http://a.test/x", "ftp://a.test/", "file:///x", "", None, "https://["):
            with self.assertRaises(FetchError):
                redirected(base, location, allow_http=True)
