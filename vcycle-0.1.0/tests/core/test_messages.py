"""Tests for vcycle.core.messages."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis.strategies import binary, text
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.messages import MAX_BODY, MAX_MESSAGE, code, parse

VECTORS = Path(__file__).parent / "vectors" / "joboutputs"
EXPECTED: dict[str, tuple[str | None, int | None]] = {
    "099": ("099 below range", None),
    "200": ("200 Success", 200),
    "300": ("300 Nothing to do", 300),
    "300-newline": ("300 Nothing to do", 300),
    "899": ("899 unassigned class", 899),
    "control": ("300 ?[31mred?", 300),
    "empty": (None, None),
    "invalid-utf8": ("300 caf\ufffd", 300),
    "long": ("300 " + "x" * (MAX_MESSAGE - 4), 300),
    "multiline": ("300 first line", 300),
    "no-code": ("finished fine", None),
    "short": ("30", None),
    "utf8": ("300 caf\u00e9", 300),
}


class ParseTests(SynchronousTestCase):
    def test_vectors(self) -> None:
        """Every sample gives its text and its code, and no sample is left out."""
        found = {}
        for path in VECTORS.iterdir():
            message = parse(path.read_bytes())
            found[path.name[len("shutdown_message-") :]] = (
                message,
                None if message is None else code(message),
            )
        self.assertEqual(EXPECTED, found)

    def test_first_line(self) -> None:
        """Lines end at a newline or a carriage return; an empty first line says nothing."""
        self.assertEqual("200 a", parse(b"200 a\r\n300 b"))
        self.assertEqual("200 a", parse(b"200 a\r300 b"))
        self.assertIsNone(parse(b"\n300 b"))
        self.assertIsNone(parse(b"  \t "))

    def test_nothing_is_hidden(self) -> None:
        """What cannot be printed leaves a mark, so digits around it do not become a code."""
        message = parse(b"30\x000 x")
        self.assertEqual("30?0 x", message)
        self.assertIsNone(code("30?0 x"))

    @given(binary())
    def test_any_bytes(self, body: bytes) -> None:
        """Whatever a machine writes, its message is one short printable line or nothing."""
        message = parse(body)
        if message is not None:
            self.assertTrue(message.isprintable())
            self.assertTrue(0 < len(message) <= MAX_MESSAGE)
            self.assertEqual(message, parse(body + b"\n" + body) if body[-1:] != b"\r" else message)
            self.assertEqual(message, parse(message.encode()))
            number = code(message)
            self.assertTrue(number is None or 100 <= number <= 999)

    @given(text(min_size=MAX_MESSAGE))
    def test_beginning(self, words: str) -> None:
        """The first bytes hold all characters of the longest message."""
        body = words.encode("utf-8")
        self.assertEqual(parse(body), parse(body + b"more"))
        self.assertEqual(parse(body[:MAX_BODY]), parse(body))


class CodeTests(SynchronousTestCase):
    def test_codes(self) -> None:
        """Three digits from 100 on are a code, if a blank or the end follows."""
        for text_, number in [
            ("200", 200),
            ("200 ok", 200),
            ("200\tok", 200),
            ("100 x", 100),
            ("999 x", 999),
            ("099 x", None),
            ("000", None),
            ("2000", None),
            ("200: ok", None),
            (" 200 ok", None),
            ("200\n", None),
            ("\u0662\u0660\u0660 ok", None),
            ("", None),
            ("-20", None),
        ]:
            self.assertEqual(number, code(text_), text_)

    @given(text())
    def test_any_text(self, words: str) -> None:
        """Any text has a code of the range, or none."""
        number = code(words)
        self.assertTrue(number is None or 100 <= number <= 999)
