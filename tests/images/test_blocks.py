"""Tests for vcycle.images.blocks."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.images.blocks import texts_of

OLD_METADATA = b"""{
  "ucernvm-version": "1.18-13.cernvm.x86_64",
  "os-repo": "cernvm-prod.cern.ch",
  "snapshot": "HEAD",
}
"""
OLD_SIGNATURE = b"""{
  "howto-verify": [
    "dd if=<image> bs=32768 skip=<n> | base64 -d > <signature>"
    "openssl x509 -in <certificate> -noout -subject",
    "the subject is cvm-sign01.cern.ch"
    "end" ],
  "certificate": "Q0VSVA==",
  "signature": "U0lHTg==" }
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


class TextsTests(SynchronousTestCase):
    def refused(self, block: bytes) -> str:
        return str(self.assertRaises(ValueError, texts_of, block))

    def test_padded(self) -> None:
        """What is in a block is an object, with zeros after it; only its texts matter."""
        block = b'{"a": "b", "c": ["d"], "e": 1}'
        self.assertEqual({"a": "b"}, texts_of(block.ljust(32768, b"\0")))

    def test_old(self) -> None:
        """The faults of old images are put right: a comma too many, and commas missing."""
        self.assertEqual("HEAD", texts_of(OLD_METADATA + bytes(100))["snapshot"])
        self.assertEqual(
            {"certificate": "Q0VSVA==", "signature": "U0lHTg=="}, texts_of(OLD_SIGNATURE)
        )

    def test_within_texts(self) -> None:
        """Nothing within a text is changed, though it looks like such a fault."""
        block = rb'{"a": "x\",}\" \"y", "b": "[\"p\" \"q\",]",}'
        self.assertEqual({"a": 'x",}" "y', "b": '["p" "q",]'}, texts_of(block))

    def test_other_faults(self) -> None:
        """No other fault is put right: what it means could be two things."""
        for block in (
            *(b'{"a": "b" "c": "d"}', b'{"a" "b"}', b'{"a": "b"', b'{"a": "b",,}', b"{,}x"),
            *(b"", b"[]", b'"a"', b"{'a': 'b'}", b'{"a": "b"} {"c": "d"}', b'{"a": "\x00"}'),
            *(b'{"a": "b"}\0\0{', b"\xff", b'{"a": ["b" 1]}', b'{"a": ["b" ["c"]]}'),
        ):
            self.assertTrue(self.refused(block), block)

    def test_twice(self) -> None:
        """A key that is there twice could mean two things."""
        self.assertIn("twice", self.refused(b'{"a": "b", "a": "c"}'))
        self.assertIn("twice", self.refused(b'{"a": "b", "a": "c",}'))

    def test_deep(self) -> None:
        """However deeply it is nested it is refused, no more."""
        self.refused(b'{"a":' + b"[" * 32000)
        self.refused(b'{"a":' * 5000)

    @settings(max_examples=100, deadline=None)
    @given(st.dictionaries(st.text(max_size=6), JSON, max_size=4))
    def test_json(self, value: dict[str, object]) -> None:
        """What is JSON already means what it means, and a comma at its end changes nothing."""
        expected = {key: text for key, text in value.items() if isinstance(text, str)}
        block = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        self.assertEqual(len(expected), len(texts_of(block)))
        if value:
            self.assertEqual(texts_of(block), texts_of(block[:-1] + b" , }"))

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=60) | st.text('{}[]:," \\ab1', max_size=40).map(str.encode))
    def test_anything(self, block: bytes) -> None:
        """Any bytes are texts or a ValueError."""
        try:
            found = texts_of(block)
        except ValueError:
            return
        self.assertTrue(all(isinstance(each, str) for each in found.values()))
