"""Whatever a document is, it is judged, and no machinetype of it names a path."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import document, one
from vcycle.core.errors import PipeError
from vcycle.core.pipes.allowed import ALLOWED
from vcycle.core.pipes.document import Document, decode

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)
NASTY = st.sampled_from(
    [
        *(
            "/etc/shadow",
            "..",
            "../x",
            "a/../b",
            "https://h/%2e%2e/x",
            "https://h/../x",
            "file:///",
        ),
        *("x", "img.iso", "https://images.example.com/x.iso", "http://127.0.0.1/x", "~/x", "a\0b"),
        *("https://h/%252e%252e%252fx", "https://h\\..\\x", "//etc/passwd", "image:x", ".hidden"),
    ]
)
NAMES = st.sampled_from(
    [*ALLOWED, "suffix", "user_data_option_a", "user_data_file_a", "shared_dirs", "kernel", "x"]
)
ITEMS = st.dictionaries(NAMES, st.one_of(NASTY, JSON))


class HostileTests(SynchronousTestCase):
    def read(self, body: bytes) -> Document | None:
        """Whatever it is: a document, or PipeError; every line printable."""
        try:
            found = decode(body)
        except PipeError as error:
            self.assertTrue(str(error).isprintable())
            return None
        for line in (*found.left_out, *found.ignored):
            self.assertTrue(line.isprintable(), line)
            self.assertLess(len(line), 10_000)
        for each in found.entries:
            for name, text in each.options.items():
                if name in ("root_image", "user_data") or name.startswith("user_data_file_"):
                    self.assertFalse(text.startswith("/") or ".." in text.split("/"), text)
                    self.assertTrue(text.startswith(("https://", "http://")) or "/" not in text)
        return found

    @settings(max_examples=200)
    @given(st.binary())
    def test_bytes(self, body: bytes) -> None:
        """Any bytes are a document, or refused."""
        self.read(body)

    @settings(max_examples=200)
    @given(JSON)
    def test_json(self, value: object) -> None:
        """So is any JSON, also NaN and what is no text in any encoding."""
        self.read(json.dumps(value).encode("utf-8"))

    @settings(max_examples=300)
    @given(st.lists(ITEMS, max_size=4), JSON)
    def test_machinetypes(self, items: list[dict[str, object]], seconds: object) -> None:
        """So are machinetypes of any options, and none of them names a path."""
        self.assertIsNotNone(self.read(document(*items, cache_seconds=seconds)))

    @settings(max_examples=200)
    @given(NAMES, st.one_of(NASTY, st.text(), SCALARS))
    def test_one_option(self, name: str, value: object) -> None:
        """So is any one option of an otherwise good machinetype."""
        self.assertIsNotNone(self.read(one(**{name: value})))
